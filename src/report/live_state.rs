//! What the live view shows of a session at a moment: events folded into a few rows.

use std::collections::BTreeMap;

use super::Style;
use super::phrases::{duration, plural};
use crate::model::trial_line::OutcomeSource;
use crate::model::{CommitId, Event, EventKind, TrialKind};

/// Cells of the bar.
const CELLS: usize = 30;
/// A belief below this says nothing.
const LEAST_BELIEF: f64 = 0.05;

/// The rows, from what happened so far.
#[derive(Debug, Default)]
pub(super) struct LiveState {
    /// Candidates at the beginning.
    commits: usize,
    /// Candidates that are left, and about how many rounds of trials.
    left: Option<(usize, f64)>,
    leading: Option<(CommitId, f64)>,
    /// Subjects of commits, as far as they were told.
    subjects: BTreeMap<CommitId, String>,
    /// Trials that ran, and seconds that they took.
    ran: (u32, f64),
    /// Trials of parts of the culprit.
    narrowing: usize,
}

impl LiveState {
    pub(super) fn on_event(&mut self, event: &Event) {
        match &event.kind {
            EventKind::Range { commits, .. } => self.commits = *commits,
            EventKind::TrialStarted { commit, subject, purpose, .. } => {
                self.subjects.insert(*commit, subject.clone());
                self.narrowing += usize::from(*purpose == TrialKind::Narrowing);
            }
            EventKind::TrialFinished(finished) if finished.source == OutcomeSource::Ran => {
                self.ran.0 += 1;
                self.ran.1 += finished.timing.run_ms / 1e3;
            }
            EventKind::Suspects { suspects } => {
                for suspect in suspects {
                    self.subjects.insert(suspect.commit.id, suspect.commit.subject.clone());
                }
            }
            EventKind::Belief { left, rounds_left, leading } => {
                self.left = Some((*left, *rounds_left));
                self.leading = leading.first().copied();
            }
            _ => {}
        }
    }

    /// What is left: a bar of the commits that are ruled out, the rounds to come and how long they take.
    pub(super) fn left(&self) -> String {
        if self.narrowing > 0 && self.left.is_none_or(|(left, _)| left <= 1) {
            return format!("looking for the edit: {} so far", plural(self.narrowing, "run"));
        }
        let Some((left, rounds)) = self.left else { return String::new() };
        let of = self.commits.max(left);
        let gone = (of - left).saturating_mul(CELLS).checked_div(of).unwrap_or(0);
        let bar = format!("{}{}", "█".repeat(gone), "░".repeat(CELLS - gone));
        let rounds = rounds.ceil().max(0.0);
        let time = match self.ran {
            (0, _) => String::new(),
            (runs, seconds) => format!(", {}", duration(rounds * seconds / f64::from(runs))),
        };
        let word = if rounds > 1.0 { "rounds" } else { "round" };
        format!("{bar}  {left} of {of} left · about {rounds:.0} {word}{time}")
    }

    /// The likeliest commit, once one stands out.
    pub(super) fn belief(&self, style: Style) -> String {
        let Some((commit, belief)) = self.leading.filter(|(_, belief)| *belief >= LEAST_BELIEF) else {
            return String::new();
        };
        let subject = self.subjects.get(&commit).map(String::as_str).unwrap_or_default();
        format!("likeliest {:>3.0} %  {}  {subject}", belief * 100.0, style.name(commit.short()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(kinds: impl IntoIterator<Item = EventKind>) -> LiveState {
        let mut state = LiveState::default();
        for kind in kinds {
            state.on_event(&Event { seconds: 0.0, kind });
        }
        state
    }

    fn range(commits: usize) -> EventKind {
        EventKind::Range { good: Vec::new(), bad: commit(1), commits, merges: 0 }
    }

    fn commit(digit: u8) -> CommitId {
        digit.to_string().repeat(40).parse().unwrap()
    }

    #[test]
    fn what_is_ruled_out_fills_the_bar_and_the_likeliest_is_told_once_it_stands_out() {
        let belief =
            |left, belief| EventKind::Belief { left, rounds_left: 2.2, leading: vec![(commit(2), belief)] };
        let state = told([range(40), belief(10, 0.03)]);
        assert_eq!(
            state.left(),
            format!("{}{}  10 of 40 left · about 3 rounds", "█".repeat(22), "░".repeat(8))
        );
        assert_eq!(state.belief(Style::new(false)), "");
        let started = EventKind::TrialStarted {
            trial: crate::model::TrialId(1),
            commit: commit(2),
            subject: "Read in one go".to_owned(),
            purpose: TrialKind::Search,
            activity: crate::model::TrialActivity::default(),
        };
        let state = told([range(40), started, belief(10, 0.61)]);
        assert_eq!(state.belief(Style::new(false)), "likeliest  61 %  222222222  Read in one go");
    }

    #[test]
    fn narrowing_is_counted_once_one_commit_is_left() {
        let started = |number| EventKind::TrialStarted {
            trial: crate::model::TrialId(number),
            commit: commit(2),
            subject: String::new(),
            purpose: TrialKind::Narrowing,
            activity: crate::model::TrialActivity::default(),
        };
        let belief = EventKind::Belief { left: 1, rounds_left: 0.0, leading: vec![(commit(2), 0.99)] };
        assert_eq!(
            told([range(3), started(1), started(2), belief]).left(),
            "looking for the edit: 2 runs so far"
        );
        assert_eq!(told([]).left(), "");
    }
}
