//! From a request to a running session: the one door for the command line, a server and users of the library.
//!
//! [`Request`] says what is asked, without a word of how it was said. [`prepare`](prepare()) lays the configuration under
//! it, finds out where the user stands and what the machine offers, and makes of it a [`Plan`](crate::session::Plan) and
//! the place where that runs.
//!
//! | file | what it does |
//! |---|---|
//! | [`request`] | what is asked |
//! | `options` | of environments and isolation, within it |
//! | `stored_request` | what was asked, kept with its session |
//! | [`error`] | what is wrong, and what can be done about it |
//! | `prepare` | all of it, in order |
//! | `search` | a session of what was prepared |
//! | `fix`, `fix_commit` | what a search found, as fixes that are tested, and one of them as a commit |
//! | `calls` | what changes did to calls |
//! | `resolved_options` | a request over the configuration over the defaults |
//! | `config` | the configuration |
//! | `allowed` | what a repository's configuration may lead to |
//! | `location` | where the user stands |
//! | `ends` | the ends of the range |
//! | `preflight` | mistakes that can be seen before anything runs |
//! | `corrected_command` | the user's command line, with one thing put right |
//! | `overlay`, `with_file`, `named_files` | files that trials have and commits do not |
//! | `last_failed`, `junit` | tests that failed elsewhere, as part of the command |
//! | `history` | what has to be said of the history |
//! | `venvs`, `python_path` | the user's virtual environments, and what of them trials see |
//! | `environments` | which environment trials run in |
//! | `isolation`, `visible_files` | what trials see, reach and take |
//! | `machine` | what this machine has |
//! | `trial_spec` | how trials run |
//! | `fingerprint` | what lies outside of tree and recipe |
//! | `cluster`, `cluster_place`, `slurm` | a cluster as the place where trials run |
//! | `workspace` | a run's folder, the shadow repository in it, and the slots |
//! | `cache_dir` | where pybisect keeps its things |
//! | `units` | words for sizes, times and numbers |

mod allowed;
pub(crate) mod cache_dir;
mod calls;
mod cluster;
mod cluster_place;
pub(crate) mod config;
mod corrected_command;
mod ends;
mod environments;
pub mod error;
mod fingerprint;
mod fix;
mod fix_commit;
mod history;
mod isolation;
mod junit;
mod last_failed;
mod location;
mod machine;
mod named_files;
mod options;
mod overlay;
mod preflight;
mod prepare;
mod python_path;
pub mod request;
mod resolved_options;
mod search;
mod slurm;
mod stored_request;
mod trial_spec;
mod units;
mod venvs;
mod visible_files;
mod with_file;
mod workspace;

pub use calls::calls;
#[cfg(feature = "internals")]
pub use config::remarks_on;
pub(crate) use corrected_command::CorrectedCommand;
pub use error::{Error, ErrorKind};
pub use fix::{FixRequest, fix};
pub(crate) use fix::{FoundCause, TestedFixes};
pub(crate) use fix_commit::author;
pub(crate) use isolation::{SandboxProbe, offered_here};
pub(crate) use location::{Location, named_or_current};
pub(crate) use machine::memory_of_the_machine;
pub(crate) use options::MOST_BYTES;
pub use options::{
    EnvironmentKind, EnvironmentOptions, FilterDrivers, IsolationLevel, IsolationOptions, NetworkAccess,
};
pub(crate) use prepare::{Prepared, prepare};
pub use request::Request;
pub(crate) use request::Runs;
pub use search::find;
pub(crate) use search::search;
pub(crate) use stored_request::StoredRequest;
pub(crate) use units::{parse_duration, parse_size};
