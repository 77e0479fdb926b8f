//! The proofs of a report that was read from a file: drawn from its trials anew, whatever the file says of them.

use super::proof::{Proof, Trials};
use super::{AlikeTarget, CommitId, Culprit, Report, Shown, Status};

impl Report {
    /// Draw the proofs of its answer from its trials.
    pub fn prove(&mut self) {
        let is_first = |report: &Self, commit: CommitId| {
            report.history.as_ref().is_some_and(|history| history.since == commit)
        };
        let proven = |culprit: &Culprit| {
            let is_named = self.status == Status::Found || is_first(self, culprit.commit.id);
            let proof = if is_named { self.with_proof(culprit).proof } else { None };
            Culprit { proof, ..culprit.clone() }
        };
        self.culprits = self.culprits.iter().map(proven).collect();
    }

    pub(super) fn with_proof(&self, culprit: &Culprit) -> Culprit {
        let trials =
            Trials { log: &self.trial_log, find_fix: self.find_fix, first_parent: self.first_parent };
        let id = culprit.commit.id;
        let proof = match &self.history {
            Some(history) if history.shown == (Shown::OtherFault { culprit: id }) => {
                Proof::of_other_fault(id, history.since, trials)
            }
            Some(history) if history.shown == (Shown::Mended { culprit: id }) => {
                self.bad.and_then(|bad| Proof::undone(id, bad, trials))
            }
            Some(history) if history.since == id => Proof::by_history(&culprit.commit, trials, history),
            _ => Proof::new(&culprit.commit, trials, self.narrowing.as_ref()),
        };
        Culprit { proof, ..culprit.clone() }
    }

    /// The report on a test whose answer is that of another.
    pub(super) fn of_alike(&self, alike: &AlikeTarget) -> Self {
        let mut own = self.of_other(&alike.failure);
        own.trial_log.clone_from(&alike.log);
        own.last_good.clone_from(&alike.last_good);
        own.conclude(&alike.conclusion);
        let Some(bad) = alike.undone_at else { return own };
        let trials = Trials { log: &alike.log, find_fix: self.find_fix, first_parent: self.first_parent };
        for culprit in &mut own.culprits {
            culprit.proof = Proof::undone(culprit.commit.id, bad, trials);
        }
        if own.culprits.iter().all(|culprit| culprit.proof.is_some()) {
            (own.status, own.reason, own.hint) = (Status::Found, None, None);
        }
        own
    }
}
