//! Commits that the evidence of a failure points at, before anything was tested.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::trial_line::TrialLine;
use super::{CommitId, CommitInfo, FailureSignature};

/// A commit with what speaks for it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Suspect {
    /// The commit.
    pub commit: CommitInfo,
    /// How probable it is that it brought the failure, above 0 and at most 1.
    pub probability: f64,
    /// Why, in words, the weightiest first.
    pub reasons: Vec<String>,
    /// The evidence as numbers, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub signals: BTreeMap<String, f64>,
}

/// A line of the repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailingLine {
    /// The file, from the top.
    pub path: String,
    /// The line, from 1; 0 when it is not known.
    pub line: u32,
}

/// A range ranked for one failure.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SuspectReport {
    /// The good commits that bound the range.
    pub good: Vec<CommitId>,
    /// The commit that failed.
    pub bad: Option<CommitId>,
    /// The failing command, a word each; empty when a log was read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,
    /// Commits in the range.
    pub commits: usize,
    /// The failure, as far as it could be read.
    pub failure: Option<FailureSignature>,
    /// The innermost line of the repository in the failure's traceback.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<FailingLine>,
    /// What was looked at: `traceback`, `words`, `executed functions`.
    pub evidence: Vec<String>,
    /// How many yes-or-no questions are left open, in bits: 0 when one commit is certain, log2 of the
    /// range's size when nothing is known.
    pub open_bits: f64,
    /// The most probable first; not all of the range.
    pub suspects: Vec<Suspect>,
    /// What the reader should know.
    pub notes: Vec<String>,
    /// The run of the command, where one ran.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trial_log: Vec<TrialLine>,
}
