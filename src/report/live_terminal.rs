//! The live view on a terminal: finished trials scroll by; below them, what each worker runs, what is
//! left, and where the suspicion lies.

use std::collections::BTreeMap;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::escape::cleaned;
use super::live_plain::{line, shortened};
use super::phrases::plural;
use super::{Reporter, Style};
use crate::model::{CommitId, Event, EventKind, TrialId};

/// Draws on standard error.
#[derive(Debug)]
pub struct Progress {
    bars: MultiProgress,
    belief: ProgressBar,
    running: BTreeMap<TrialId, (ProgressBar, String)>,
    style: Style,
}

impl Progress {
    /// A view with nothing in it yet.
    #[must_use]
    pub fn new(style: Style) -> Self {
        let bars = MultiProgress::new();
        let belief = bars.add(ProgressBar::no_length());
        belief.set_style(plain_bar("{msg}"));
        Self { bars, belief, running: BTreeMap::new(), style }
    }

    fn began(&mut self, trial: TrialId, commit: CommitId, subject: &str) {
        let bar = self.bars.insert_before(&self.belief, ProgressBar::no_length());
        bar.set_style(plain_bar("  {spinner} {elapsed:>3}  {msg}"));
        bar.set_message(format!("{}  {}", self.style.name(commit.short()), shortened(subject, 60)));
        bar.enable_steady_tick(Duration::from_millis(120));
        self.running.insert(trial, (bar, subject.to_owned()));
    }

    fn ended(&mut self, trial: TrialId) -> String {
        let Some((bar, subject)) = self.running.remove(&trial) else { return String::new() };
        bar.finish_and_clear();
        self.bars.remove(&bar);
        subject
    }
}

fn plain_bar(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}

impl Reporter for Progress {
    fn on_event(&mut self, event: &Event) {
        let event = &cleaned(event);
        let mut subject = String::new();
        match &event.kind {
            EventKind::TrialStarted { trial, commit, subject, .. } => self.began(*trial, *commit, subject),
            EventKind::TrialFinished(finished) => subject = self.ended(finished.trial),
            EventKind::TrialCancelled { trial } => drop(self.ended(*trial)),
            EventKind::Belief { left, rounds_left, leading } => {
                let leading: Vec<String> = leading
                    .iter()
                    .take(3)
                    .map(|(commit, p)| format!("{} {:.0} %", self.style.name(commit.short()), p * 100.0))
                    .collect();
                self.belief.set_message(format!(
                    "{} left, about {:.0} more rounds; leading: {}",
                    self.style.bold(plural(*left, "commit")),
                    rounds_left.ceil(),
                    leading.join(", ")
                ));
            }
            EventKind::Concluded { .. } => {
                self.belief.finish_and_clear();
                // The view is going away; a closed terminal is no reason to fail.
                drop(self.bars.clear());
            }
            _ => {}
        }
        if let Some(line) = line(event, &subject, self.style) {
            drop(self.bars.println(line));
        }
    }
}
