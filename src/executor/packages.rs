//! The packages that versions run with, where each has an environment of its own.

use std::path::PathBuf;

use super::Provided;
use crate::model::{CancelToken, CommitId, EnvironmentFacts, PackageOrigin, TreeId, TrialSpec};

/// The packages that versions run with, where each version has an environment of its own.
pub trait PackageSource: Sync {
    /// A fingerprint of all outside of tree and recipe that can change an outcome: the session's, and that of the
    /// version's own packages.
    fn environment_key(&self, session: &str, commit: CommitId, tree: TreeId, recipe: &TrialSpec) -> String;

    /// The environment that trials of a version ran in; `None` before one did.
    fn environment_of(&self, commit: CommitId, tree: TreeId) -> Option<EnvironmentFacts>;

    /// The interpreter of a version's environment, which is made on this machine when it is not there; `None` where it
    /// cannot be had.
    fn interpreter_of(&self, commit: CommitId, tree: TreeId, cancel: &CancelToken) -> Option<PathBuf>;

    /// The exact packages of a version's environment; `None` where they cannot be had.
    fn packages_of(&self, origin: PackageOrigin, cancel: &CancelToken) -> Option<Vec<String>>;

    /// The same when the version also declared these constraints; `None` where that cannot be had.
    fn packages_under(
        &self,
        origin: PackageOrigin,
        constraints: &[String],
        cancel: &CancelToken,
    ) -> Option<Vec<String>>;

    /// The packages of a version's environment that require another one, each with the extra with which it does.
    fn requirers_of(
        &self,
        origin: PackageOrigin,
        package: &str,
        cancel: &CancelToken,
    ) -> Vec<(String, Option<String>)>;

    /// Whether a version's environment has a module; `None` where that cannot be known.
    fn has_module(&self, origin: PackageOrigin, module: &str, cancel: &CancelToken) -> Option<bool>;

    /// The package that has a module which a version's environment has not.
    fn provider_of(&self, origin: PackageOrigin, module: &str, cancel: &CancelToken) -> Option<Provided>;

    /// Whether the packages of one version satisfy what another declares, so that it may run with them.
    fn serves(&self, host: PackageOrigin, guest: PackageOrigin, cancel: &CancelToken) -> bool;

    /// Add requirements to what every version declares.
    fn add_packages(&self, lines: &[String]);

    /// As of when the packages of a version are chosen, in seconds since 1970; `None` for now.
    fn package_cutoff(&self, origin: PackageOrigin) -> Option<i64>;

    /// Exact packages with the first ones among them, the others as they are as far as those allow; `None` where
    /// there are none.
    fn resolve_with_pins(
        &self,
        origin: PackageOrigin,
        fixed: &[String],
        others: &[String],
        cancel: &CancelToken,
    ) -> Option<Vec<String>>;

    /// The versions of a package between two of them, oldest first, as of a version's date; empty where they cannot be had.
    fn versions_between(
        &self,
        origin: PackageOrigin,
        package: &str,
        between: (&str, &str),
        cancel: &CancelToken,
    ) -> Vec<String>;
}
