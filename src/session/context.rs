//! What a session works with.

use crate::executor::{Executor, PackageSource};
use crate::git::{Repository, Shadow};
use crate::model::CancelToken;
use crate::store::Store;

/// What a session works with.
pub struct SessionContext<'a> {
    /// The user's repository; only read.
    pub repository: &'a Repository,
    /// Where composed trees go.
    pub shadow: &'a Shadow,
    /// Where trials run.
    pub executor: &'a dyn Executor,
    /// The packages that versions run with, where each has an environment of its own.
    pub packages: Option<&'a dyn PackageSource>,
    /// Where outcomes are kept.
    pub store: &'a Store,
    /// Trips when the user wants to stop.
    pub cancel: &'a CancelToken,
}

impl std::fmt::Debug for SessionContext<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SessionContext").finish_non_exhaustive()
    }
}
