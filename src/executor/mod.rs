//! Where trials run.
//!
//! | file | what it is |
//! |---|---|
//! | [`local`] | work trees on this machine, reused from trial to trial |
//! | `declarations` | what versions declare, read from their trees |
//! | `environments` | [`EnvironmentExecutor`]: around it, an environment for each version |

mod declarations;
mod environments;
pub mod local;

use std::io;
use std::path::PathBuf;

use crate::git::GitError;
use crate::model::{
    CancelToken, CommitId, EnvironmentFacts, PackageOrigin, TreeId, Trial, TrialOutput, TrialSpec,
};

pub use crate::pyenv::Provider as Provided;
pub use declarations::{EndpointManifests, TreeFiles};
pub use environments::EnvironmentExecutor;

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

    /// Run a trial to its end, or until it is cancelled ([`Termination::Cancelled`]).
    ///
    /// # Errors
    /// When the machine fails.
    ///
    /// [`Termination::Cancelled`]: crate::model::Termination::Cancelled
    fn run(&self, trial: &Trial, cancel: &CancelToken) -> Result<TrialOutput, ExecutorError>;

    /// Whether versions have environments of their own.
    fn has_environments(&self) -> bool {
        false
    }

    /// A fingerprint of all outside of tree and recipe that can change an outcome: the session's, and where
    /// versions have environments of their own, that of this version's.
    fn environment_key(
        &self,
        session: &str,
        _commit: CommitId,
        _tree: TreeId,
        _recipe: &TrialSpec,
    ) -> String {
        session.to_owned()
    }

    /// The environment that trials of a version ran in; `None` before one did, or where there is only one.
    fn environment_of(&self, _commit: CommitId, _tree: TreeId) -> Option<EnvironmentFacts> {
        None
    }

    /// The interpreter of a version's environment, which is made when it is not there; `None` where there is only one,
    /// or it cannot be had.
    fn interpreter_of(&self, _commit: CommitId, _tree: TreeId, _cancel: &CancelToken) -> Option<PathBuf> {
        None
    }

    /// The exact packages of a version's environment; `None` where there is only one, or it cannot be had.
    fn packages_of(&self, _origin: PackageOrigin, _cancel: &CancelToken) -> Option<Vec<String>> {
        None
    }

    /// The same when the version also declared these constraints; `None` where that cannot be had.
    fn packages_under(
        &self,
        _origin: PackageOrigin,
        _constraints: &[String],
        _cancel: &CancelToken,
    ) -> Option<Vec<String>> {
        None
    }

    /// The packages of a version's environment that require another one, each with the extra with which it does.
    fn requirers_of(
        &self,
        _origin: PackageOrigin,
        _package: &str,
        _cancel: &CancelToken,
    ) -> Vec<(String, Option<String>)> {
        Vec::new()
    }

    /// Whether a version's environment has a module; `None` where there is only one environment, or it cannot be had.
    fn has_module(&self, _origin: PackageOrigin, _module: &str, _cancel: &CancelToken) -> Option<bool> {
        None
    }

    /// The package that has a module which a version's environment has not.
    fn provider_of(&self, _origin: PackageOrigin, _module: &str, _cancel: &CancelToken) -> Option<Provided> {
        None
    }

    /// Whether the packages of one version satisfy what another declares, so that it may run with them.
    fn serves(&self, _host: PackageOrigin, _guest: PackageOrigin, _cancel: &CancelToken) -> bool {
        false
    }

    /// Add requirements to what every version declares.
    fn add_packages(&self, _lines: &[String]) {}

    /// As of when the packages of a version are chosen, in seconds since 1970; `None` for now, or where there is only
    /// one environment.
    fn package_cutoff(&self, _origin: PackageOrigin) -> Option<i64> {
        None
    }

    /// Exact packages with the first ones among them, the others as they are as far as those allow; `None` where
    /// there are none.
    fn resolve_with_pins(
        &self,
        _origin: PackageOrigin,
        _fixed: &[String],
        _others: &[String],
        _cancel: &CancelToken,
    ) -> Option<Vec<String>> {
        None
    }

    /// The versions of a package between two of them, oldest first, as of a version's date; empty where they cannot be had.
    fn versions_between(
        &self,
        _origin: PackageOrigin,
        _package: &str,
        _between: (&str, &str),
        _cancel: &CancelToken,
    ) -> Vec<String> {
        Vec::new()
    }

    /// These versions may be asked for: in the order of the history, so that the middle comes first.
    fn prefetch(&self, _versions: Vec<(CommitId, TreeId)>) {}
}
