//! What narrowing came to, and what is proven of it.

use serde::{Deserialize, Serialize};

use super::CommitId;

/// How the breaking changes were found.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct NarrowingSummary {
    /// The last good version: every edit is one on top of it.
    pub good: Option<CommitId>,
    /// The first bad version, which has all of the edits.
    pub bad: Option<CommitId>,
    /// Edits between the two.
    pub edits: usize,
    /// Trials asked for (whether they ran or were known).
    pub trials: usize,
    /// How long it took, seconds.
    pub seconds: f64,
    /// Whether the edits told which commit it is, since the commit as a whole fails otherwise.
    pub decides: bool,
    /// Whether nothing can be left out of any cause.
    pub minimal: bool,
    /// The numbers of the breaking edits, in the order of the breaking changes.
    pub breaking: Vec<usize>,
    /// Edits that rest on the breaking ones, or do the same in other places: the bad version was judged without them.
    pub resting: Vec<usize>,
    /// Edits of the culprit that make it fail otherwise, so that it hides its own failure: without them it fails in the
    /// target's way.
    pub hidden_by: Vec<BreakingChange>,
    /// What does not hold, and what was found instead; empty when everything is proven.
    pub remarks: Vec<String>,
}

/// A call change inside of a breaking change that is more than one call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangedCallSummary {
    /// What happened to it ([`ChangeKind::word`](super::ChangeKind::word)).
    pub kind: String,
    /// The call's line: in the new file, or in the old one when the call went.
    pub line: u32,
    /// The call before.
    pub before: Option<String>,
    /// The call after.
    pub after: Option<String>,
    /// The called function before, through imports and aliases.
    pub callee_before: Option<String>,
    /// The called function after.
    pub callee_after: Option<String>,
}

/// The edit that broke it: one call, or a few lines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BreakingChange {
    /// The commit that brought it, when that can be told.
    pub commit: Option<CommitId>,
    /// The file: its new path, or the old one when it went.
    pub path: String,
    /// The line, from 1: in the new file, or where the lines went from.
    pub line: u32,
    /// The function or class around it.
    pub function: Option<String>,
    /// For one call the kind of its change ([`ChangeKind::word`](super::ChangeKind::word)); otherwise `lines`,
    /// `file-added`, `file-removed`, `file-replaced`, `file-moved` or `mode-changed`.
    pub kind: String,
    /// The call, or the lines, before.
    pub before: Option<String>,
    /// The call, or the lines, after.
    pub after: Option<String>,
    /// The called function before, through imports and aliases.
    pub callee_before: Option<String>,
    /// The called function after.
    pub callee_after: Option<String>,
    /// All calls that changed in it, when it is more than one call.
    pub calls: Vec<ChangedCallSummary>,
    /// Which of several causes it belongs to, from 0. Edits of the same cause are needed together.
    pub cause: usize,
    /// Whether the last good version with the edits of this cause, and nothing else, was seen to fail in the
    /// target's way.
    pub sufficient: bool,
    /// Whether the first bad version without the edits of all causes was seen to pass.
    pub necessary: bool,
}
