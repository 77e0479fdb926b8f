//! What a look at a branch before its merge found.

use serde::{Deserialize, Serialize};

use super::trial_line::TrialLine;
use super::{Annotation, CommitId, CommitInfo};

/// One side of the merge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MergeSide {
    /// What the user calls it: `origin/main`.
    pub name: String,
    /// The side's commit.
    pub commit: CommitId,
    /// Whether what is uncommitted in the work tree belongs to it.
    pub uncommitted: bool,
}

/// How the smoke command fared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SmokeResult {
    /// The command.
    pub command: String,
    /// `passed`, `failed` or why it says nothing, on the base.
    pub base: String,
    /// How the command ended on the merge result.
    pub merged: String,
    /// The failure on the merge result.
    pub failure: Option<String>,
    /// Whether the failure came with the branch.
    pub is_new: bool,
    /// The commit of the branch that brought it.
    pub culprit: Option<CommitInfo>,
    /// Where the base fails already: tests that fail on the merge result only.
    pub new_failures: Vec<String>,
    /// Where the base fails already, and the merge result has no other failing tests: how many those are.
    pub known: Option<String>,
    /// Why the command shows nothing of what the branch did, when it does not.
    pub not_judged: Option<String>,
}

/// What `pybisect check` found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CheckReport {
    /// What the branch is merged into.
    pub base: MergeSide,
    /// What is merged.
    pub head: MergeSide,
    /// Files that both sides changed at the same places; then the head was looked at instead of the merge.
    pub conflicts: Vec<String>,
    /// Python files that differ.
    pub files: usize,
    /// Calls that changed.
    pub changed_calls: usize,
    /// The findings, the weightiest first, then by place.
    pub findings: Vec<Annotation>,
    /// Findings that a comment in the file silences.
    pub ignored: usize,
    /// Findings that the baseline has.
    pub in_baseline: usize,
    /// The smoke command, when there was one.
    pub smoke: Option<SmokeResult>,
    /// What the user should know.
    pub notes: Vec<String>,
    /// The session that has its trials, where the command ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// Each trial of the command, those from the record too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trial_log: Vec<TrialLine>,
}
