//! Which changes of calls are asked for.

use std::path::PathBuf;

use crate::model::ChangeKind;

/// What is to be compared, and which of the changes are wanted.
///
/// ```
/// let mut request = pybisect::CallsRequest::default();
/// request.what = vec!["v1.4..main".to_owned()];
/// request.callee = vec!["json.*".to_owned()];
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct CallsRequest {
    /// A range, a commit (against its parents), or two files (against each other); empty for the work tree against `HEAD`.
    pub what: Vec<String>,
    /// A patch to read in the place of that; `-` for standard input.
    pub patch: Option<PathBuf>,
    /// Whether the range is gone through commit by commit, the newest first.
    pub each: bool,
    /// Commit by commit: whether merges are left out.
    pub no_merges: bool,
    /// Commit by commit: at most this many.
    pub max_count: Option<usize>,
    /// Globs of files or folders; empty for all.
    pub path: Vec<String>,
    /// Globs of functions by qualified name, commit by commit; empty for all.
    pub callee: Vec<String>,
    /// Kinds of change; empty for all.
    pub kind: Vec<ChangeKind>,
    /// Whether calls are looked for that no longer fit a changed definition; by default unless commit by commit.
    pub stale: Option<bool>,
    /// Folder of the repository; the current one by default.
    pub repo: Option<PathBuf>,
    /// Whether what was compared before is neither used nor remembered.
    pub no_cache: bool,
}
