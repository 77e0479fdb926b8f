//! The proofs of a report that was read from a file: drawn from its trials anew, whatever the file says of them.

use super::{CommitId, Culprit, Report};

impl Report {
    /// Draw the proofs of its answer from its trials.
    pub fn prove(&mut self) {
        let is_first = |report: &Self, commit: CommitId| {
            report.history.as_ref().is_some_and(|history| history.since == commit)
        };
        let proven = |culprit: &Culprit| {
            let is_named = self.status == "found" || is_first(self, culprit.commit.id);
            let proof = if is_named { self.with_proof(culprit).proof } else { None };
            Culprit { proof, ..culprit.clone() }
        };
        self.culprits = self.culprits.iter().map(proven).collect();
    }
}
