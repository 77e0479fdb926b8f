//! Python environments: the one the user has, or one for each version of the project, as it was in its day.
//!
//! | file | what it does |
//! |---|---|
//! | `current` | [`Interpreter`]: the user's own, asked once |
//! | `prober` | [`Prober`]: how interpreters are asked |
//! | `in_folder` | environments that lie in a checkout |
//! | `places` | where an interpreter's parts lie |
//! | `variables` | which variables can change what a test does |
//! | [`declared`] | what a version of the project says it needs |
//! | [`pythons`] | the interpreters that are there, and which one fits |
//! | [`uv`] | the program that resolves and installs |
//! | [`build_folder`] | where a run builds packages, apart from what lasts |
//! | [`proxy`] | the way from a build to registries, and to nothing else |
//! | [`netrc`] | keys to registries, and to no other hosts |
//! | [`registry`] | how the user reaches package registries |
//! | [`resolve`] | from what is wanted, as of a date, to exact versions |
//! | [`compile`] | one question to the resolver |
//! | [`behind`] | which answers are far behind their date |
//! | [`later`] | which packages are taken as of later than that, and why |
//! | [`answers`] | what was resolved, kept |
//! | [`install`] | installing them |
//! | [`installed`] | which installed packages require another |
//! | [`project_metadata`] | what makes the project look installed |
//! | [`store`] | environments on disk: made once, shared, evicted |
//! | [`environments`] | [`Environments`]: all of it, for one session |

mod answers;
mod behind;
mod build_folder;
mod compile;
mod current;
mod declared;
mod environments;
mod in_folder;
mod install;
mod installed;
mod later;
mod netrc;
mod places;
mod prober;
mod project_metadata;
mod proxy;
mod pythons;
mod registry;
mod resolve;
mod store;
mod uv;
mod variables;

pub use current::{Interpreter, ProbeError, find_python};
pub use declared::{
    Choice, Constrained, LeastPytest, ProjectFiles, VersionFile, add_constraint, constrain, declares,
    declares_project, ini, version_files, version_of_tag,
};
pub use environments::{Environment, Environments, Policy, Provider, TimeTravel, Version};
pub use in_folder::{environment_around, environments_in, is_environment};
pub use installed::Requirer;
pub use places::places_of_python;
pub use prober::Prober;
pub use pythons::{Minor, Pythons};
pub use registry::{registry_files, registry_variables};
pub use resolve::{Resolved, Unmade};
pub use store::evict_environments;
pub use uv::{Uv, UvError};
pub use variables::{fingerprint, is_private};
