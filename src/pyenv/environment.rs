//! A Python environment that trials run in.

use std::path::PathBuf;

use super::environment_cache::EnvironmentLease;
use crate::model::EnvironmentFacts;

/// An environment, ready for trials. It is not evicted while this lives.
#[derive(Debug)]
pub struct Environment {
    /// What the environment is, for the report.
    pub facts: EnvironmentFacts,
    /// The environment's folder.
    pub folder: PathBuf,
    /// Where the project's metadata and programs are, which make it look installed; `None` where it says nothing of itself.
    pub project: Option<PathBuf>,
    /// Where the environment's packages are.
    pub packages: PathBuf,
    /// Folders of the tree to import from.
    pub source_folders: Vec<String>,
    /// The interpreter's own library, for its bytecode.
    pub library: PathBuf,
    pub(super) _held: Vec<EnvironmentLease>,
}
