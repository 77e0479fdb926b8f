//! Python environments: the one the user has, or one for each version of the project, as it was in its day.
//!
//! | file | what it does |
//! |---|---|
//! | `interpreter` | [`Interpreter`]: the user's own, asked once |
//! | `prober` | [`Prober`]: how interpreters are asked |
//! | `in_folder` | environments that lie in a checkout |
//! | `install_paths` | where an interpreter's parts lie |
//! | `fingerprint` | which variables can change what a test does |
//! | [`declared`] | what a version of the project says it needs |
//! | [`pythons`] | the interpreters that are there, and which one fits |
//! | [`uv`] | the program that resolves and installs |
//! | [`build_folder`] | where a run builds packages, apart from what lasts |
//! | [`proxy`] | the way from a build to registries, and to nothing else |
//! | [`netrc`] | keys to registries, and to no other hosts |
//! | [`index_settings`] | how the user reaches package registries |
//! | [`resolve`] | from what is wanted, as of a date, to exact versions |
//! | [`unsatisfiable`] | which requirement keeps all of them from being had together |
//! | [`pip_compile`] | one question to the resolver |
//! | [`outdated`] | which answers are far behind their date |
//! | [`date_overrides`] | which packages are taken as of later than that, and why |
//! | [`resolution_cache`] | what was resolved, kept |
//! | [`install`] | installing them |
//! | [`installed`] | which installed packages require another |
//! | [`project_metadata`] | what makes the project look installed |
//! | [`environment_cache`] | environments on disk: made once, shared, evicted |
//! | [`environments`] | [`Environments`]: all of it, for one session |
//! | `environment` | a Python environment that trials run in |
//! | `python_version` | a minor version of Python, and since when there is one |
//! | `resolved` | exact versions of packages, or why there are none |

mod build_folder;
mod date_overrides;
mod declared;
mod environment;
mod environment_cache;
mod environments;
mod fingerprint;
mod in_folder;
mod index_settings;
mod install;
mod install_paths;
mod installed;
mod interpreter;
mod netrc;
mod outdated;
mod pip_compile;
mod prober;
mod project_metadata;
mod proxy;
mod python_version;
mod pythons;
mod resolution_cache;
mod resolve;
mod resolved;
mod unsatisfiable;
mod uv;

pub use declared::{
    Constrained, InstallOptions, LeastPytest, ProjectFiles, VersionFile, add_constraint, constrain, declares,
    declares_project, ini, version_files, version_of_tag,
};
pub use environment::Environment;
pub use environment_cache::evict_environments;
pub use environments::{Environments, Policy, ProjectVersion, Provider, TimeTravel};
pub use fingerprint::{fingerprint, is_private};
pub use in_folder::{environment_around, environments_in, is_environment};
pub use index_settings::{registry_files, registry_variables};
pub use install_paths::places_of_python;
pub use installed::Requirer;
pub use interpreter::{Interpreter, ProbeError, find_python};
pub use prober::Prober;
pub use python_version::PythonVersion;
pub use pythons::InterpreterSet;
pub use resolved::EnvironmentError;
pub use resolved::Resolved;
pub use uv::{Uv, UvError};
