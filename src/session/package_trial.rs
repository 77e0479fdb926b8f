//! A trial of a version with the packages of another, and what it showed.

use std::collections::BTreeMap;

use crate::model::{CommitId, PackageDate, PackageOrigin, TreeId, Verdict};

/// A version of the project: commit and tree.
pub(super) type CommitTree = (CommitId, TreeId);

/// Exact packages: name → version.
pub(super) type Versions = BTreeMap<String, String>;

pub(super) const fn origin((commit, tree): CommitTree, day: PackageDate) -> PackageOrigin {
    PackageOrigin { commit, tree, day }
}

/// With which packages the edits of a commit may be tried.
#[derive(Debug, Clone, Default)]
pub(super) enum PackageTask {
    /// Those that each tree declares.
    #[default]
    Own,
    /// Those of this version: with its own, the good version fails as well.
    Of(PackageOrigin),
    /// With none: the good version does not pass with those of the bad one, so that no edit could be shown to do it.
    Nowhere,
}

/// What the good version does with the packages of the bad one's date, and the bad version with those of the good one.
pub(super) struct Swapped {
    pub(super) control: Verdict,
    pub(super) bad_with_old: Verdict,
}

/// Exact packages to try on a version.
pub(super) struct PackageSetTrial {
    pub(super) version: CommitTree,
    pub(super) origin: PackageOrigin,
    pub(super) packages: Versions,
    /// Those that have to stay what they are.
    pub(super) fixed: Vec<String>,
}

/// What came of a mixture.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct PackageSetOutcome {
    pub(super) verdict: Verdict,
    /// Packages that had to change as well, because what is fixed requires it.
    pub(super) brought: Vec<String>,
}

pub(super) fn versions(lines: &[String]) -> Versions {
    let pairs = lines.iter().filter_map(|line| line.split_once("=="));
    pairs.map(|(name, version)| (name.to_owned(), version.to_owned())).collect()
}

pub(super) fn lines(versions: &Versions) -> Vec<String> {
    versions.iter().map(|(name, version)| format!("{name}=={version}")).collect()
}
