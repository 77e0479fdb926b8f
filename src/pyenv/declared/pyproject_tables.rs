//! What a `pyproject.toml` declares.

use std::collections::BTreeMap;

/// What it declares.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Pyproject {
    pub(super) name: Option<String>,
    pub(super) version: Option<String>,
    pub(super) dependencies: Vec<String>,
    pub(super) extras: BTreeMap<String, Vec<String>>,
    pub(super) groups: BTreeMap<String, Vec<String>>,
    pub(super) requires_python: Option<String>,
    pub(super) classifiers: Vec<String>,
    /// Group and `name = target`.
    pub(super) entry_points: Vec<(String, String)>,
    /// Requirements files that stand for the dependencies.
    pub(super) dependency_files: Vec<String>,
    /// Requirements files that stand for an extra.
    pub(super) extra_files: BTreeMap<String, Vec<String>>,
    /// Versions that hold where a package is needed.
    pub(super) constraints: Vec<String>,
    /// Folders of other projects that it depends on, from its own.
    pub(super) local: Vec<String>,
    /// Names of the packages that are members of the same workspace.
    pub(super) members: Vec<String>,
    /// Where the members of a workspace lie, and where none do.
    pub(super) workspace: Option<(Vec<String>, Vec<String>)>,
    /// Environments of Hatch that are for tests.
    pub(super) hatch: Vec<HatchEnvironment>,
    /// What a build needs.
    pub(super) build_requires: Vec<String>,
    /// What tox installs, and the extras and groups that it asks for.
    pub(super) tox: Vec<String>,
    /// The folder of the packages, where it is named.
    pub(super) source_folder: Option<String>,
    /// Registries, as options.
    pub(super) indexes: Vec<String>,
    /// Whether it declares anything about the project itself.
    pub(super) declares: bool,
}

/// An environment of Hatch.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct HatchEnvironment {
    pub(super) dependencies: Vec<String>,
    /// Extras of the project.
    pub(super) features: Vec<String>,
    /// Dependency groups.
    pub(super) groups: Vec<String>,
}
