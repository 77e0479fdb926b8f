//! A trial that came to an end, as the session sees it.

use std::time::{Duration, Instant};

use crate::model::trial_line::OutcomeSource;
use crate::model::{CommitId, TrialId, TrialKind, TrialOutput, Verdict};
use crate::search::Observation;

/// A trial that came to a result.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct FinishedTrial {
    pub(super) id: TrialId,
    pub(super) commit: CommitId,
    pub(super) purpose: TrialKind,
    pub(super) output: TrialOutput,
    pub(super) source: OutcomeSource,
    /// How long the command ran, also when that was earlier.
    pub(super) ran: Duration,
}

/// A running trial of a commit without a limit of time of its own.
pub(super) struct UntimedTrial {
    pub(super) id: TrialId,
    pub(super) commit: CommitId,
    pub(super) purpose: TrialKind,
    /// When it was started.
    pub(super) since: Instant,
    /// Since when its command runs, as far as that is known.
    pub(super) runs_since: Option<Instant>,
}

/// A judged trial.
pub(super) struct Judged {
    pub(super) trial: TrialId,
    pub(super) purpose: TrialKind,
    pub(super) commit: CommitId,
    pub(super) verdict: Verdict,
    /// What was recorded of this trial before, and is no evidence any more.
    pub(super) withdrawn: Option<Observation>,
}
