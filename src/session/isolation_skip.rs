//! Trials that failed for want of what isolation keeps from them say nothing about their commit.

use super::Matching;
use super::state::Session;
use crate::model::event::Isolation;
use crate::model::{SkipKind, TrialOutput, Verdict};
use crate::triage::denied_access::{DeniedAccess, denied_access};

/// What a trial wanted and was kept from.
#[must_use]
pub fn isolation_failure(output: &TrialOutput, isolation: &Isolation) -> Option<DeniedAccess> {
    denied_access(output, isolation, &|path| std::path::Path::new(path).exists())
}

impl Session<'_> {
    /// The same, unless the user has said which failure he means.
    pub(super) fn kept_from(&self, output: &TrialOutput) -> Option<DeniedAccess> {
        if matches!(self.plan.matching, Matching::Pattern(_)) {
            return None;
        }
        isolation_failure(output, &self.plan.isolation)
    }

    /// A verdict on a trial, which is a skip when it failed for want of something. The output is looked through for that only
    /// where it matters: it can be long.
    pub(super) fn unless_kept_from(verdict: Verdict, want: impl FnOnce() -> Option<DeniedAccess>) -> Verdict {
        let is_of_failure = match &verdict {
            Verdict::Bad => true,
            Verdict::Skip(skip) => matches!(skip.kind, SkipKind::DifferentFailure | SkipKind::NotRunnable),
            Verdict::Good | Verdict::Abort(_) => false,
        };
        match is_of_failure.then(want).flatten() {
            Some(want) => Verdict::skip(SkipKind::Isolation, want.to_string()),
            None => verdict,
        }
    }
}
