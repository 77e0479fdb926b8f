//! Executors whose trials can run in environments that were made on this machine.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Executor;

/// An executor that runs trials in the environments they come with.
///
/// [`Trial::environment`](crate::model::Trial::environment) names one as data; what has to be done to run a command there
/// is this executor's own business.
pub trait EnvironmentHost: Executor {
    /// The compiled modules that trials import, which are kept from one to the next.
    fn compiled_modules(&self) -> Arc<dyn CompiledModules>;
}

/// Compiled modules outside of trees, for trials that begin later.
pub trait CompiledModules: Send + Sync {
    /// Let trials that begin later find the bytecode of the packages in these folders. Where that fails, Python compiles.
    fn seed(&self, folders: &[PathBuf]);

    /// The sources below a folder, from there, that trials imported and for which they found no bytecode.
    fn compiled_below(&self, folder: &Path) -> BTreeSet<PathBuf>;
}
