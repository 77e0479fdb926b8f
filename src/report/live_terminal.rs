//! The live view on a terminal: what is left and for how long, where the suspicion lies, what each worker runs. Only what
//! the user has to know stays above it.

use std::collections::BTreeMap;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::escape::cleaned;
use super::live_plain::line;
use super::live_state::LiveState;
use super::{Reporter, Style};
use crate::model::{CommitId, Event, EventKind, TrialId};

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
    style: Style,
}

impl Progress {
    /// A view with nothing in it yet.
    #[must_use]
    pub fn new(style: Style) -> Self {
        let bars = MultiProgress::new();
        let row = || {
            let bar = bars.add(ProgressBar::no_length());
            bar.set_style(row_style("  {wide_msg}"));
            bar
        };
        let (left, belief) = (row(), row());
        let state = LiveState::default();
        Self { bars, left, belief, running: BTreeMap::new(), state, has_environment: false, style }
    }

    fn began(&mut self, trial: TrialId, commit: CommitId, subject: &str) {
        let bar = self.bars.add(ProgressBar::no_length());
        bar.set_style(row_style("  {spinner} {prefix} {elapsed:>4}  {wide_msg}"));
        bar.set_prefix(self.style.name(commit.short()));
        bar.set_message(subject.to_owned());
        bar.enable_steady_tick(Duration::from_millis(120));
        self.running.insert(trial, bar);
    }

    fn ended(&mut self, trial: TrialId) {
        if let Some(bar) = self.running.remove(&trial) {
            bar.finish_and_clear();
            self.bars.remove(&bar);
        }
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

impl Reporter for Progress {
    fn on_event(&mut self, event: &Event) {
        let event = &cleaned(event);
        match &event.kind {
            EventKind::TrialStarted { trial, commit, subject, .. } => self.began(*trial, *commit, subject),
            EventKind::TrialFinished(finished) => self.ended(finished.trial),
            EventKind::TrialCancelled { trial } => self.ended(*trial),
            EventKind::Concluded { .. } => {
                self.left.finish_and_clear();
                self.belief.finish_and_clear();
                // The view is going away; a closed terminal is no reason to fail.
                drop(self.bars.clear());
            }
            _ => {}
        }
        self.state.on_event(event);
        self.left.set_message(self.state.left());
        self.belief.set_message(self.state.belief(self.style));
        if self.stays(event)
            && let Some(line) = line(event, "", self.style)
        {
            drop(self.bars.println(line));
        }
    }
}
