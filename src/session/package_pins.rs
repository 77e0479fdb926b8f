//! Where a project declares packages, and its files with some of them held back.

use std::collections::BTreeMap;

use super::SessionError;
use crate::git::Repository;
use crate::model::{PackageEdit, TreeId};
use crate::pyenv::{Constrained, add_constraint, constrain, declares};

/// Declarations lie this near the top.
const DEPTH: usize = 3;

/// Files with constraints in them.
#[derive(Debug, Default)]
pub(super) struct PinnedFiles {
    /// Path and new text of those that change.
    pub(super) files: BTreeMap<String, String>,
    /// For each constraint where it stands.
    pub(super) edits: Vec<Option<PackageEdit>>,
}

/// The declaring files of a tree with these constraints written into them. `sources` are those that its environment was
/// made of, which come first.
pub(super) fn held_back(
    repository: &Repository,
    tree: TreeId,
    sources: &[String],
    constraints: &[String],
) -> Result<PinnedFiles, SessionError> {
    let mut known = BTreeMap::new();
    for (path, id) in repository.files_near_top(tree, DEPTH)? {
        if declares(path.rsplit('/').next().unwrap_or(&path)) || declares(&path) {
            let text = repository.blob(id).ok().and_then(|bytes| String::from_utf8(bytes).ok());
            known.extend(text.map(|text| (path, text)));
        }
    }
    let rest: Vec<String> = known.keys().filter(|path| !sources.contains(path)).cloned().collect();
    let order: Vec<String> = sources.iter().cloned().chain(rest).collect();
    let mut held = PinnedFiles::default();
    for constraint in constraints {
        let mut first = |write: fn(&str, &str, &str) -> Option<Constrained>, order: &[String]| {
            let found = order
                .iter()
                .find_map(|path| Some((path.clone(), write(path, known.get(path)?, constraint)?)))?;
            known.insert(found.0.clone(), found.1.text.clone());
            Some(found)
        };
        // What only another package requires is declared nowhere.
        let found = first(constrain, &order).or_else(|| first(add_constraint, sources));
        let edit = found.map(|(path, made)| {
            held.files.insert(path.clone(), made.text);
            PackageEdit { path, line: made.line, before: made.before, after: made.after }
        });
        held.edits.push(edit);
    }
    Ok(held)
}
