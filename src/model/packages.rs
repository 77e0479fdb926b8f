//! The packages that a trial runs with.

use serde::{Deserialize, Serialize};

use super::{CommitId, TreeId};

/// The day as of which the packages of a version are chosen that are not pinned.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum PackageDate {
    /// As the session's options say.
    #[default]
    Asked,
    /// The commit's own date, whatever they say.
    Own,
    /// Now, whatever they say.
    Today,
    /// This moment, in seconds since 1970, whatever they say.
    At(i64),
}

/// Whose declarations packages are chosen by, and as of when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PackageOrigin {
    /// The commit whose date counts.
    pub commit: CommitId,
    /// The tree that declares.
    pub tree: TreeId,
    /// The day as of which packages are chosen.
    pub day: PackageDate,
}

/// Whose packages a trial runs with, where each version has an environment of its own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub enum PackageSelection {
    /// What the tree under test declares.
    #[default]
    Own,
    /// What another tree declares, or the same as of another day.
    Of(PackageOrigin),
    /// What another tree declares, but these exact versions.
    Exactly {
        /// Whose interpreter, and as of when what builds them.
        origin: PackageOrigin,
        /// `name==version`, sorted.
        packages: Vec<String>,
    },
}

/// An environment that trials ran in: what was chosen, and why.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnvironmentFacts {
    /// The environment's name in the cache.
    pub key: String,
    /// The version of Python.
    pub python: String,
    /// Why this version.
    pub because: String,
    /// The day as of which packages were chosen; `None` for now.
    pub as_of: Option<String>,
    /// The files that declare what is in it.
    pub sources: Vec<String>,
    /// `name==version`, sorted.
    pub packages: Vec<String>,
    /// What the user should know.
    pub notes: Vec<String>,
}

/// A package that is gone because another one requires it no more.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dropped {
    /// The package's name.
    pub name: String,
    /// The extra with which it still is required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extra: Option<String>,
}

/// A line of a file that declares packages, with a constraint in it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackageEdit {
    /// The file, from the top of the work tree.
    pub path: String,
    /// The line, from 1.
    pub line: usize,
    /// What the file required of the package; `None` where the package was not named.
    pub before: Option<String>,
    /// What the file has to require of the package.
    pub after: String,
}

/// A package whose new version breaks the command, proven by trials.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackageChange {
    /// The package's name.
    pub name: String,
    /// The version with which the command passes; `None` when it came.
    pub before: Option<String>,
    /// The version with which it fails; `None` when it went.
    pub after: Option<String>,
    /// The first version that fails, where versions in between were tried.
    pub first_bad: Option<String>,
    /// The last version that passes, likewise.
    pub last_good: Option<String>,
    /// Whether the last good version of the project fails with this change of packages alone.
    pub sufficient: bool,
    /// Whether the first bad version passes without it.
    pub necessary: bool,
    /// A line for a requirements file that mends it.
    pub constraint: Option<String>,
    /// Whether the bad commit passes with that constraint, and those of the other packages.
    pub constraint_passed: bool,
    /// The failure that it brings, in one line; it may be another than the one at bad, where several releases broke it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// Packages that are gone because it requires them no more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dropped: Vec<Dropped>,
    /// Where the constraint belongs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edit: Option<PackageEdit>,
    /// The constraints that were tested together, where there are several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tested_together: Vec<String>,
}
