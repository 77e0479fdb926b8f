//! How candidate fixes fared, in a row each, as their trials end.

use std::collections::HashMap;

use super::escape::one_line;
use crate::model::{EventKind, TrialId, TrialKind, Verdict};

/// Says in a row how each trial of a candidate fix ended.
#[derive(Debug, Default)]
pub struct FixRows {
    /// What runs, by trial.
    subjects: HashMap<TrialId, String>,
}

impl FixRows {
    /// The row of an event, where there is one.
    pub fn row(&mut self, kind: &EventKind) -> Option<String> {
        match kind {
            EventKind::TrialStarted { trial, subject, .. } => {
                self.subjects.insert(*trial, subject.clone());
                None
            }
            EventKind::TrialFinished(finished) => {
                let subject = self.subjects.remove(&finished.trial)?;
                let passes = finished.verdict == Verdict::Good;
                let word = if passes { "passes" } else { "fails" };
                // What fails in the last good version too is not held against a candidate.
                let is_compared = finished.purpose == TrialKind::Verify && !passes;
                let compared = if is_compared { ", to be compared" } else { "" };
                Some(format!("{word:<7}{}{compared}", one_line(&subject)))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::event::TrialFinished;
    use crate::model::trial_line::OutcomeSource;
    use crate::model::{CommitId, Termination, Timing, TrialActivity};

    #[test]
    fn each_trial_has_a_row_once_it_ended() {
        let commit = CommitId::from_bytes([1; 20]);
        let mut rows = FixRows::default();
        let mut row_of = |number: u64, purpose: TrialKind, verdict: Verdict| {
            let (trial, subject) = (TrialId(number), format!("candidate {number}"));
            let activity = TrialActivity::default();
            let begins = EventKind::TrialStarted { trial, commit, subject, purpose, activity };
            assert_eq!(rows.row(&begins), None);
            rows.row(&EventKind::TrialFinished(Box::new(TrialFinished {
                trial,
                commit,
                purpose,
                verdict,
                ending: Termination::Exited { code: 0 },
                failure: None,
                likely: None,
                timing: Timing::default(),
                source: OutcomeSource::Ran,
                selected: false,
            })))
        };
        assert_eq!(row_of(1, TrialKind::Fix, Verdict::Good).unwrap(), "passes candidate 1");
        assert_eq!(row_of(2, TrialKind::Fix, Verdict::Bad).unwrap(), "fails  candidate 2");
        assert_eq!(row_of(3, TrialKind::Verify, Verdict::Bad).unwrap(), "fails  candidate 3, to be compared");
    }
}
