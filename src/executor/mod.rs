//! Where trials run.
//!
//! | file | what it is |
//! |---|---|
//! | [`local`] | work trees on this machine, reused from trial to trial |
//! | `error` | [`ExecutorError`]: the machine failed, not the test |
//! | `retrying` | [`run_with_retries`]: a trial whose machine fails runs again, and is skipped in the end |
//! | `packages` | [`PackageSource`]: the packages that versions run with |
//! | [`remote`](self) | with the feature of that name: a cluster that speaks the Remote Execution API |
//! | `gaps` | what a tree lacks, and what that means for a trial |
//! | `worker` | [`WorkerFacts`]: what a machine that is not this one runs, and what is believed of it |
//! | [`slurm`] | a Slurm cluster that shares a file system with this machine |
//! | `search_order` | the order in which a search may come to versions |
//! | `declarations` | what versions declare, read from their trees |
//! | `host` | [`EnvironmentHost`]: an executor whose trials can run in environments of this machine |
//! | `in_environment` | a command in an environment that lies on this machine |
//! | `environments` | [`EnvironmentExecutor`]: around another one, an environment for each version |

mod declarations;
mod environments;
mod error;
mod gaps;
mod host;
mod in_environment;
pub mod local;
mod packages;
#[cfg(feature = "remote")]
pub mod remote;
mod retrying;
mod search_order;
pub mod slurm;
mod worker;

use crate::model::{CancelToken, CommitId, TreeId, Trial, TrialOutput};

pub use crate::pyenv::Provider as Provided;
pub use declarations::{EndpointManifests, TreeFiles};
pub use environments::EnvironmentExecutor;
pub use error::{ExecutorError, ExecutorErrorKind};
pub use host::{CompiledModules, EnvironmentHost};
pub use packages::PackageSource;
pub use retrying::run_with_retries;
use search_order::search_order;
pub use worker::{ProbeFault, WorkerFacts};

/// What is to be known of a place where trials run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExecutorFacts {
    /// The place, for people; `None` for this machine, whose files are those that trials speak of.
    pub place: Option<String>,
    /// Whether the place gains from knowing early which trees are coming.
    pub prefetches: bool,
}

/// Runs one trial somewhere. `Err` means that the *machine* failed, never that the test failed.
///
/// Called from as many threads at a time as it has capacity.
pub trait Executor: Sync {
    /// What is to be known of the place.
    fn facts(&self) -> ExecutorFacts {
        ExecutorFacts::default()
    }

    /// Trials that can run at the same time.
    fn capacity(&self) -> usize;

    /// Run a trial to its end, or until it is cancelled ([`Termination::Cancelled`]).
    ///
    /// # Errors
    /// When the machine fails.
    ///
    /// [`Termination::Cancelled`]: crate::model::Termination::Cancelled
    fn run(&self, trial: &Trial, cancel: &CancelToken) -> Result<TrialOutput, ExecutorError>;

    /// Trials of these versions may follow: in the order of the history, so that the middle comes first.
    fn prefetch(&self, _versions: &[(CommitId, TreeId)]) {}
}
