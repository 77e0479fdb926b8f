//! The live view on a terminal: what is left and for how long, where the suspicion lies, what each worker runs. Only what
//! the user has to know stays above it.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use super::columns::wrapped;
use super::escape::cleaned;
use super::live_plain::line;
use super::live_state::LiveState;
use super::live_trial::{LiveScreen, LiveTrial};
use super::{Reporter, Style};
use crate::model::{Event, EventKind, TrialActivity, TrialId};

/// Redraws in a second.
const MOST_REDRAWS: u8 = 10;

/// Draws on standard error.
#[derive(Debug)]
pub struct Progress {
    bars: MultiProgress,
    /// What is left.
    left: ProgressBar,
    /// Where the suspicion lies.
    belief: ProgressBar,
    running: BTreeMap<TrialId, ProgressBar>,
    state: LiveState,
    has_environment: bool,
    screen: LiveScreen,
    style: Style,
}

impl Progress {
    /// A view with nothing in it yet.
    #[must_use]
    pub fn new(style: Style, screen: LiveScreen) -> Self {
        let target = ProgressDrawTarget::stderr_with_hz(MOST_REDRAWS);
        let bars = MultiProgress::with_draw_target(target);
        let row = || {
            let bar = bars.add(ProgressBar::no_length());
            bar.set_style(row_style("  {wide_msg}"));
            bar
        };
        let (left, belief) = (row(), row());
        let state = LiveState::default();
        let (running, has_environment) = (BTreeMap::new(), false);
        Self { bars, left, belief, running, state, has_environment, screen, style }
    }

    fn began(&mut self, id: TrialId, trial: LiveTrial) {
        let bar = self.bars.add(ProgressBar::no_length());
        let (screen, style) = (self.screen, self.style);
        // Read anew at each redraw: nobody says an event for each line that a trial prints.
        let rows = move |state: &ProgressState, out: &mut dyn Write| {
            let _drawn = out.write_str(&trial.rows(state.elapsed(), 0, screen, style));
        };
        bar.set_style(row_style("  {spinner} {rows}").with_key("rows", rows));
        bar.enable_steady_tick(Duration::from_millis(120));
        self.running.insert(id, bar);
    }

    fn ended(&mut self, trial: TrialId) {
        if let Some(bar) = self.running.remove(&trial) {
            bar.finish_and_clear();
            self.bars.remove(&bar);
        }
    }

    /// Take all of it away: also the rows of trials that nobody waits for any more, which would draw themselves again.
    fn clear(&mut self) {
        for (_, bar) in std::mem::take(&mut self.running) {
            bar.finish_and_clear();
            self.bars.remove(&bar);
        }
        self.left.finish_and_clear();
        self.belief.finish_and_clear();
        // A closed terminal is no reason to fail.
        drop(self.bars.clear());
    }

    /// Whether what is said of an event stays above the view. Trials come and go, and environments are many.
    fn stays(&mut self, event: &Event) -> bool {
        match &event.kind {
            EventKind::TrialFinished(_) => false,
            EventKind::Environment { .. } => !std::mem::replace(&mut self.has_environment, true),
            _ => true,
        }
    }
}

fn row_style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}

impl Reporter for Progress {
    fn on_event(&mut self, event: &Event) {
        let activity = match &event.kind {
            EventKind::TrialStarted { activity, .. } => activity.clone(),
            _ => TrialActivity::default(),
        };
        let event = &cleaned(event);
        match &event.kind {
            EventKind::TrialStarted { trial, .. } => {
                if let Some(row) = LiveTrial::of(&event.kind, &activity) {
                    self.began(*trial, row);
                }
            }
            EventKind::TrialFinished(finished) => self.ended(finished.trial),
            EventKind::TrialCancelled { trial } => self.ended(*trial),
            EventKind::Concluded { .. } => self.clear(),
            _ => {}
        }
        self.state.on_event(event);
        self.left.set_message(self.state.left());
        self.belief.set_message(self.state.belief(self.style));
        if self.stays(event)
            && let Some(line) = line(event, "", self.style)
        {
            // Rows that the terminal breaks are broken within words.
            let room = (self.screen.columns)().saturating_sub(3);
            for (at, row) in wrapped(&line, room).iter().enumerate() {
                let indent = if at == 0 { "" } else { "  " };
                drop(self.bars.println(format!("{indent}{row}")));
            }
        }
    }
}
