//! The machine failed, not the test.

use std::io;
use std::path::PathBuf;

use crate::git::GitError;

/// The machine failed, not the test.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExecutorError {
    /// The slot's folder could not be prepared or cleaned.
    #[error("failed to prepare the work tree in {folder}")]
    Slot {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The private repository of the slot could not be prepared.
    #[error("failed to prepare the repository in {folder}")]
    Repository {
        /// The folder.
        folder: PathBuf,
        /// What went wrong.
        #[source]
        source: GitError,
    },
    /// No process could be started, for want of processes, files or memory.
    #[error("failed to start a process")]
    Process(#[source] io::Error),
    /// Another machine, or the way to it, failed.
    #[error("{message}")]
    Remote {
        /// Whether another try may help.
        kind: ExecutorErrorKind,
        /// What went wrong, in one line.
        message: String,
    },
}

/// What can be done about a failure of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExecutorErrorKind {
    /// Another try, elsewhere or later, may succeed.
    Retryable,
    /// This trial is refused and would be again; others may run.
    Rejected,
    /// No trial can run any more: access is denied, or what is there is not what was asked for.
    Fatal,
}

impl ExecutorError {
    /// What can be done about it.
    #[must_use]
    pub const fn kind(&self) -> ExecutorErrorKind {
        match self {
            // Another slot has another folder.
            Self::Slot { .. } | Self::Repository { .. } | Self::Process(_) => ExecutorErrorKind::Retryable,
            Self::Remote { kind, .. } => *kind,
        }
    }

    /// The error and its causes, in one line.
    #[must_use]
    pub fn in_words(&self) -> String {
        with_causes(self).replace('\n', " ")
    }
}

/// An error with its causes.
pub(super) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}
