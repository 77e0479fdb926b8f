//! What a trial's outcome says about a commit.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why a trial says nothing about its commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SkipKind {
    /// Exit status 125, as for `git bisect run`.
    Requested,
    /// The test runner could not collect or run the tests.
    NotRunnable,
    /// Exit status 0, but nothing passed: all skipped, deselected, none there.
    NothingPassed,
    /// The command is not there or not executable in this tree.
    CommandNotFound,
    /// It took too long, and the target failure is not the timeout.
    Timeout,
    /// The setup command failed.
    Setup,
    /// The environment could not be made.
    Environment,
    /// The tree could not be checked out in full.
    Tree,
    /// The machine that it ran on failed, each time.
    Machine,
    /// It failed for want of something that isolation keeps from it.
    Isolation,
    /// It failed, but not as the target does.
    DifferentFailure,
}

/// A skip with its reason in words, for the user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skip {
    /// The kind, for machines.
    pub kind: SkipKind,
    /// One line, for people.
    pub reason: String,
}

/// What a trial's outcome says about its commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The target failure is not there.
    Good,
    /// The target failure is there.
    Bad,
    /// The trial says nothing about it.
    Skip(Skip),
    /// The whole session cannot go on.
    Abort(String),
}

impl Verdict {
    /// A skip of this kind for this reason.
    #[must_use]
    pub fn skip(kind: SkipKind, reason: impl Into<String>) -> Self {
        Self::Skip(Skip { kind, reason: reason.into() })
    }

    /// Good for bad and bad for good: for finding the commit that mended something.
    #[must_use]
    pub fn inverted(self) -> Self {
        match self {
            Self::Good => Self::Bad,
            Self::Bad => Self::Good,
            Self::Skip(_) | Self::Abort(_) => self,
        }
    }

    /// The verdict without its reasons.
    #[must_use]
    pub const fn kind(&self) -> VerdictKind {
        match self {
            Self::Good => VerdictKind::Good,
            Self::Bad => VerdictKind::Bad,
            Self::Skip(_) => VerdictKind::Skip,
            Self::Abort(_) => VerdictKind::Abort,
        }
    }

    /// One word: `good`, `bad`, `skip`, `abort`.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        self.kind().word()
    }
}

/// A verdict without its reasons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum VerdictKind {
    /// The failure is not there.
    Good,
    /// The failure is there.
    Bad,
    /// The trial says nothing of its commit.
    Skip,
    /// The command asked for the end of the search.
    Abort,
}

impl VerdictKind {
    /// The word of the JSON report: `good`, `bad`, `skip`, `abort`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Bad => "bad",
            Self::Skip => "skip",
            Self::Abort => "abort",
        }
    }

    /// Good for bad and bad for good.
    #[must_use]
    pub const fn inverted(self) -> Self {
        match self {
            Self::Good => Self::Bad,
            Self::Bad => Self::Good,
            Self::Skip | Self::Abort => self,
        }
    }

    #[cfg(test)]
    pub(crate) fn of_word(word: &str) -> Self {
        serde_json::from_value(word.into()).unwrap()
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Good | Self::Bad => f.write_str(self.word()),
            Self::Skip(skip) => write!(f, "skip: {}", skip.reason),
            Self::Abort(why) => write!(f, "abort: {why}"),
        }
    }
}
