//! Candidate fixes, and what came of testing them.

use serde::{Deserialize, Serialize};

use super::CommitId;
use super::trial_line::TrialLine;

/// Name and version of the format.
pub const FIX_SCHEMA: &str = "pybisect.fix/1";

/// What a candidate does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FixKind {
    /// Takes back the breaking edits.
    UndoEdits,
    /// Takes back the breaking edits and those that rest on them.
    UndoEditsAndResting,
    /// Takes back the breaking call, and makes the same correction wherever the same call stands.
    SameElsewhere,
    /// Changes the calls that a merge brought as its other side changed all others.
    FollowOtherSide,
    /// Takes back the whole commit.
    RevertCommit,
    /// Puts the files as they were in the last good version.
    RestoreFiles,
    /// Holds back the packages whose releases broke it, where they are declared.
    HoldBack,
}

impl FixKind {
    /// For people.
    #[must_use]
    pub const fn phrase(self) -> &'static str {
        match self {
            Self::UndoEdits => "undo the breaking edit",
            Self::UndoEditsAndResting => "undo the breaking edit and what rests on it",
            Self::SameElsewhere => "undo the breaking call here and elsewhere",
            Self::FollowOtherSide => {
                "change the calls that the merge brought as its mainline changed the others"
            }
            Self::RevertCommit => "revert the whole commit",
            Self::HoldBack => "hold back the package that broke it",
            Self::RestoreFiles => "restore the file as it was last good",
        }
    }
}

/// A candidate fix on top of a commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CandidateFix {
    /// What the fix does.
    pub kind: FixKind,
    /// The change, for `git apply`; invalid UTF-8 is replaced here, but not in the file that is written.
    pub patch: String,
    /// Whether the failing command passes, and the wider one as well when there is one.
    pub passed: bool,
    /// What the failing command did, in words.
    pub outcome: String,
    /// What the wider command did, in words, when it ran.
    pub verified: Option<String>,
    /// Files that it changes.
    pub files: usize,
    /// Lines that it removes and adds.
    pub lines: usize,
    /// The commits after the culprit whose changes of these files it takes back as well, the newest first.
    #[serde(default)]
    pub undoes: Vec<UndoneCommit>,
}

/// A commit whose change a fix would take back, though it broke nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UndoneCommit {
    /// The commit.
    pub id: CommitId,
    /// First line of its message.
    pub subject: String,
}

impl CandidateFix {
    /// Whether the fix passed, and takes back nothing but what broke it: what can be used as it is.
    #[must_use]
    pub const fn is_clean(&self) -> bool {
        self.passed && self.undoes.is_empty()
    }
}

/// All candidates, the best first.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct FixReport {
    /// [`FIX_SCHEMA`].
    pub schema: String,
    /// The session that found the cause.
    pub session: String,
    /// The commit that the candidates are on top of.
    pub onto: Option<CommitId>,
    /// The commit that broke it.
    pub culprit: Option<CommitId>,
    /// What the failing command does there without any fix, in words.
    #[serde(default)]
    pub as_it_is: String,
    /// Whether that commit passes already, without any fix.
    pub mended_already: bool,
    /// The candidates, the best first.
    pub fixes: Vec<CandidateFix>,
    /// Candidates that could not be made, with the reason.
    pub left_out: Vec<String>,
    /// Why the wider command could not be run, when it could not.
    #[serde(default)]
    pub wider_cannot_run: Option<String>,
    /// Tests that fail in the last good version as well, under the wider command.
    pub failed_before: Vec<String>,
    /// Trials that ran.
    pub trials: usize,
    /// Each trial, those from the record too.
    #[serde(default)]
    pub trial_log: Vec<TrialLine>,
}
