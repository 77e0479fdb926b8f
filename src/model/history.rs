//! How a failure looked over a range of history.

use serde::{Deserialize, Serialize};

use super::CommitId;

/// A stretch of commits that fail in one way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Face {
    /// The first of them that ran.
    pub first: CommitId,
    /// The last of them that ran.
    pub last: CommitId,
    /// How they fail: type and message, one line.
    pub failure: String,
    /// Whether that is the failure that is searched for.
    pub is_target: bool,
}

/// By which trial a commit whose failure looks otherwise is shown to be the one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "by")]
pub enum Shown {
    /// The bad commit without its change passes.
    Undone,
    /// The bad commit without the change of another one fails as it does: its fault was never mended.
    StillThere {
        /// The commit that made it look otherwise.
        other: CommitId,
    },
    /// The commits before another one fail as it does, and bad passes without the changes of both.
    WithoutBoth {
        /// The commit that made it look otherwise.
        other: CommitId,
    },
    /// It is not: the bad commit without its change fails all the same, without the culprit's it fails as it does, and without
    /// both it passes. Two faults are there, and the one that is searched for is the other.
    OtherFault {
        /// The commit that brought the failure at bad.
        culprit: CommitId,
    },
    /// It is not: what failed there was mended, and the bad commit without the culprit's change passes.
    Mended {
        /// The commit that brought the failure at bad.
        culprit: CommitId,
    },
    /// By none: it is only the first that fails, and no later one passes.
    Unsettled,
}

/// How the failure looked, where it did not always look the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailureHistory {
    /// Since this commit the command fails, and no later one that ran passes.
    pub since: CommitId,
    /// What shows that it is the culprit.
    pub shown: Shown,
    /// The stretches, oldest first.
    pub faces: Vec<Face>,
}
