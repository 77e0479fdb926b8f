//! Why a session cannot go on, or ends early.

use crate::executor::ExecutorError;
use crate::git::GitError;
use crate::model::{Conclusion, FailureSignature};
use crate::store::StoreError;

/// The session cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The repository cannot give what is needed.
    #[error(transparent)]
    Git(#[from] GitError),
    /// The store cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The machine failed.
    #[error(transparent)]
    Executor(#[from] ExecutorError),
}

/// Why a session stopped before it came to a conclusion of its own.
pub(super) enum EarlyExit {
    /// This is the conclusion.
    Concluded(Conclusion),
    /// The user wants to stop.
    Interrupted,
    /// It cannot go on.
    Failed(SessionError),
    /// Another failure is seen at bad more often than the one that was looked for: all begins anew.
    OtherTarget(Box<FailureSignature>),
    /// Packages were added for all commits: all begins anew.
    Anew,
}

/// What is asked of versions beside the search: nothing is known where a tree among them cannot be read.
pub(super) fn unless_broken<T>(asked: Result<Option<T>, EarlyExit>) -> Result<Option<T>, EarlyExit> {
    match asked {
        Err(EarlyExit::Failed(SessionError::Git(error))) if error.is_of_a_broken_tree() => Ok(None),
        asked => asked,
    }
}
