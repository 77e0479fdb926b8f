//! Where trials run.

use std::io;

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
