//! Why trials cannot run on Slurm.

use std::io;
use std::path::PathBuf;

/// Why trials cannot run on Slurm.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SlurmError {
    /// Slurm's commands are not here.
    #[error("{program} is not on PATH: this machine submits no jobs to Slurm")]
    NoCommand {
        /// Which.
        program: &'static str,
    },
    /// What was said of it makes no sense.
    #[error("{0}")]
    Settings(String),
    /// The shared folder cannot be used here.
    #[error("the shared folder {folder} cannot be used")]
    Shared {
        /// Where it is.
        folder: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Somebody else could change what trials run.
    #[error("the folder {folder} is not yours alone")]
    NotOwn {
        /// Where it is.
        folder: PathBuf,
    },
    /// The controller does not answer.
    #[error("Slurm does not answer: {0}")]
    NoAnswer(String),
    /// It takes no job like this, or never starts it.
    #[error("Slurm does not run the trials: {0}")]
    Refused(String),
    /// The nodes do not see the shared folder.
    #[error("the nodes do not see {folder}: {why}")]
    NotSeen {
        /// The folder.
        folder: PathBuf,
        /// What came of the job.
        why: String,
    },
    /// A node does not do what it is told.
    #[error("the nodes cannot be believed: {0}")]
    BadNode(String),
    /// The nodes lack a program.
    #[error("the nodes have no program '{program}' (PATH is {path})")]
    NoProgram {
        /// Its name.
        program: String,
        /// Where it was looked for.
        path: String,
    },
    /// The user does not want to wait.
    #[error("interrupted before a node was free")]
    Interrupted,
}
