//! Where trials run.
//!
//! | file | what it is |
//! |---|---|
//! | [`local`] | work trees on this machine, reused from trial to trial |

pub mod local;

use std::io;

use crate::git::GitError;
use crate::model::{CancelToken, Trial, TrialOutput};

/// The machine failed, not the test.
#[derive(Debug, thiserror::Error)]
pub enum ExecutorError {
    /// The slot's folder could not be prepared or cleaned.
    #[error("failed to prepare the work tree in {folder}")]
    Slot {
        /// The folder.
        folder: std::path::PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The private repository of the slot could not be prepared.
    #[error("failed to prepare the repository in {folder}")]
    Repository {
        /// The folder.
        folder: std::path::PathBuf,
        /// What went wrong.
        #[source]
        source: GitError,
    },
    /// No process could be started, for want of processes, files or memory.
    #[error("failed to start a process")]
    Process(#[source] io::Error),
}

/// Runs one trial somewhere. `Err` means that the *machine* failed, never that the test failed.
///
/// Called from as many threads at a time as it has capacity.
pub trait Executor: Sync {
    /// Trials that can run at the same time.
    fn capacity(&self) -> usize;

    /// Run a trial to its end, or until it is cancelled ([`Ending::Cancelled`]).
    ///
    /// # Errors
    /// When the machine fails.
    ///
    /// [`Ending::Cancelled`]: crate::model::Ending::Cancelled
    fn run(&self, trial: &Trial, cancel: &CancelToken) -> Result<TrialOutput, ExecutorError>;
}
