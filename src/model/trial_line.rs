//! A trial in the report, in one line.

use serde::{Deserialize, Serialize};

use super::{CommitId, Timing, TrialKind, Verdict, VerdictKind};

/// One trial, for those who want to know where the time went.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrialLine {
    /// The commit.
    pub commit: CommitId,
    /// What the trial was for.
    pub purpose: TrialKind,
    /// What the trial says.
    pub verdict: VerdictKind,
    /// Whether the trial ran or was known.
    pub source: OutcomeSource,
    /// Where the trial counts as bad by a failure that is only likely the target: why that is not certain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub likely: Option<String>,
    /// Whether the trial ran the failing tests only, and not the whole command.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub selected: bool,
    /// Where the time went.
    #[serde(flatten)]
    pub timing: Timing,
}

impl TrialLine {
    /// What a trial says of a further failing test; where the time went is told with the test that it ran for.
    #[must_use]
    pub fn of(commit: CommitId, purpose: TrialKind, verdict: &Verdict, source: OutcomeSource) -> Self {
        let (verdict, timing) = (verdict.kind(), Timing::default());
        Self { commit, purpose, verdict, source, likely: None, selected: false, timing }
    }
}

/// Where an outcome comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OutcomeSource {
    /// The trial ran now.
    Ran,
    /// It was recorded by an earlier run, or ran for another commit with the same tree.
    Reused,
    /// This session has had it before, when another failure was searched for.
    Replayed,
}
