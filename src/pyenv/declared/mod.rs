//! What a version of a project says it needs.
//!
//! | file | reads |
//! |---|---|
//! | `project_files` | [`ProjectFiles`]: a version's files; which of them declare something |
//! | `dependencies` | [`DeclaredDependencies`]: all declarations of a version together |
//! | `reading` | a project file by file, and others of the tree that it depends on |
//! | `extras` | which extras and groups are taken, and those that name the project itself |
//! | `requirements` | requirements files, with what they include |
//! | `pyproject` | `pyproject.toml`: the standard tables, groups, those of uv, PDM, Hatch, Flit |
//! | `poetry` | Poetry's tables |
//! | `pipfile` | `Pipfile` |
//! | `setup_cfg` | `setup.cfg` |
//! | `setup_py` | `setup.py`, run with a `setup()` that only listens |
//! | `tox` | `tox.ini` and `noxfile.py`, for what tests need |
//! | `members` | other projects of the tree that it depends on |
//! | `lock` | lock files, as constraints |
//! | `version_file` | files with the version that a build writes |
//! | `identity` | name, version and entry points, parsed or dropped |
//! | `satisfied` | whether packages that are there satisfy it |
//! | `constrain` | a constraint written into the file that declares the package |
//! | `package_name` | names and versions, normalised |
//! | `discovery` | which files and folders of a tree declare a project |
//! | `pyproject_tables` | what a `pyproject.toml` declares |
//! | `toml_lists` | reading TOML: lists of strings, and tables within tables |

mod constrain;
mod dependencies;
mod discovery;
mod extras;
mod identity;
mod lock;
mod members;
mod package_name;
mod pipfile;
mod poetry;
mod project_files;
mod pyproject;
mod pyproject_tables;
mod reading;
mod requirements;
mod satisfied;
mod setup_cfg;
mod setup_py;
mod toml_lists;
mod tox;
mod tox_ini;
mod version_file;

pub use constrain::{Constrained, add_constraint, constrain};
pub(super) use dependencies::{DeclaredDependencies, PythonHints};
pub use dependencies::{InstallOptions, LeastPytest};
pub use discovery::declares;
pub use discovery::declares_project;
pub(super) use package_name::{name_of, normalised};
pub use project_files::ProjectFiles;
pub use setup_cfg::read as ini;
pub use version_file::{VersionFile, version_files, version_of_tag};
