//! Why trials cannot run on a cluster.

use super::connection::ConnectError;

/// Why trials cannot run on a cluster.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RemoteError {
    /// What was said of it makes no sense.
    #[error(transparent)]
    Settings(#[from] ConnectError),
    /// It cannot be reached, or does not answer.
    #[error("no answer from {endpoint}: {why}")]
    NoAnswer {
        /// The address.
        endpoint: String,
        /// What was seen.
        why: String,
    },
    /// TLS does not come about.
    #[error("{endpoint} cannot be spoken to safely: {why}")]
    Certificate {
        /// The address.
        endpoint: String,
        /// What was seen.
        why: String,
    },
    /// It does not let this user in.
    #[error("{endpoint} does not let you in: {why}")]
    Denied {
        /// The address.
        endpoint: String,
        /// What it said.
        why: String,
    },
    /// It is no cluster that runs trials.
    #[error("{endpoint} runs no trials: {why}")]
    NotAble {
        /// The address.
        endpoint: String,
        /// What it lacks.
        why: String,
    },
    /// A worker does not do what it is told.
    #[error("the workers of {endpoint} cannot be believed: {why}")]
    BadWorker {
        /// The address.
        endpoint: String,
        /// What was seen.
        why: String,
    },
    /// The workers lack a program.
    #[error("the workers of {endpoint} have no program '{program}' (PATH is {path})")]
    NoProgram {
        /// The address.
        endpoint: String,
        /// Its name.
        program: String,
        /// Where it was looked for.
        path: String,
    },
    /// The way of running things here fails.
    #[error("failed to begin with the cluster")]
    Machine(#[from] std::io::Error),
}
