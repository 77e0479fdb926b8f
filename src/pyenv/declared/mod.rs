//! What a version of a project says it needs.
//!
//! | file | reads |
//! |---|---|
//! | `project` | [`ProjectFiles`]: a version's files; which of them declare something |
//! | `wanted` | [`Wanted`]: all declarations of a version together |
//! | `requirements` | requirements files, with what they include |
//! | `pyproject` | `pyproject.toml`: the standard tables, groups, Poetry's |
//! | `pipfile` | `Pipfile` |
//! | `setup_cfg` | `setup.cfg` |
//! | `setup_py` | `setup.py`, run with a `setup()` that only listens |
//! | `tox` | `tox.ini`, for what tests need |
//! | `lock` | lock files, as constraints |
//! | `identity` | name, version and entry points, parsed or dropped |
//! | `constrain` | a constraint written into the file that declares the package |
//! | `names` | names and versions, normalised |

mod constrain;
mod identity;
mod lock;
mod names;
mod pipfile;
mod project;
mod pyproject;
mod requirements;
mod setup_cfg;
mod setup_py;
mod tox;
mod wanted;

pub use constrain::{Constrained, add_constraint, constrain};
pub(super) use names::{name_of, normalised};
pub use project::{ProjectFiles, declares};
pub use setup_cfg::read as ini;
pub use wanted::{Choice, LeastPytest};
pub(super) use wanted::{PythonHints, Wanted};
