//! Trials that failed for want of what isolation keeps from them say nothing about their commit.

use super::Matching;
use super::find::Session;
use crate::model::event::Isolation;
use crate::model::{SkipKind, TrialOutput, Verdict};
use crate::triage::isolation::{Want, wanted};

/// What a trial wanted and was kept from.
#[must_use]
pub fn kept_from(output: &TrialOutput, isolation: &Isolation) -> Option<Want> {
    wanted(output, isolation, &|path| std::path::Path::new(path).exists())
}

impl Session<'_> {
    /// The same, unless the user has said which failure he means.
    pub(super) fn kept_from(&self, output: &TrialOutput) -> Option<Want> {
        if matches!(self.plan.matching, Matching::Pattern(_)) {
            return None;
        }
        kept_from(output, &self.plan.isolation)
    }

    /// A verdict on a trial, which is a skip when it failed for want of something.
    pub(super) fn unless_kept_from(&self, verdict: Verdict, output: &TrialOutput) -> Verdict {
        let is_of_failure = match &verdict {
            Verdict::Bad => true,
            Verdict::Skip(skip) => matches!(skip.kind, SkipKind::DifferentFailure | SkipKind::NotRunnable),
            Verdict::Good | Verdict::Abort(_) => false,
        };
        match self.kept_from(output).filter(|_| is_of_failure) {
            Some(want) => Verdict::skip(SkipKind::Isolation, want.to_string()),
            None => verdict,
        }
    }
}
