//! The environment that a trial runs in, where its version has one of its own.

use std::path::PathBuf;

/// An environment as data: what whoever runs a trial has to know to run it there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrialEnvironment {
    /// Fingerprint of all that is in the environment; equal ones are the same.
    pub key: String,
    /// The environment's folder, with its programs in `bin`, on the machine that made it.
    pub folder: PathBuf,
    /// Where the project's metadata and programs are, which make it look installed; `None` where it says nothing of itself.
    pub project: Option<PathBuf>,
    /// Files and folders that a command in it has to read.
    pub visible: Vec<PathBuf>,
    /// Folders of the tree to import from.
    pub source_folders: Vec<String>,
}
