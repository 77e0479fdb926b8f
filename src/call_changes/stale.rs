//! Stale calls in a whole tree.

use std::path::Path;

use super::{CallComparer, ChangesError, ComparedFiles};
use crate::calls::StaleFinder;
use crate::git::{Repository, is_python};
use crate::model::{CallChange, TreeId};

/// Looks for calls of the definitions that changed; `exists` tells whether the new tree has a path.
pub fn stale_finder(compared: &ComparedFiles, exists: impl Fn(&str) -> bool) -> StaleFinder {
    let mut finder = StaleFinder::default();
    for (pair, calls) in compared {
        // A module that became a package, or the reverse, or whose stub went, is still there.
        let stem = pair.path.trim_end_matches(".pyi").trim_end_matches(".py").trim_end_matches("/__init__");
        let other_form = exists(&format!("{stem}.py")) || exists(&format!("{stem}/__init__.py"));
        if pair.new.is_some() || !other_form {
            finder.add(&pair.path, &calls.definitions);
        }
    }
    finder
}

/// The stale calls in a tree, by path.
///
/// # Errors
/// When an object of the tree is broken.
pub fn stale_in_tree(
    repository: &Repository,
    comparer: &CallComparer,
    tree: TreeId,
    compared: &ComparedFiles,
) -> Result<Vec<(String, CallChange)>, ChangesError> {
    let exists = |path: &str| repository.entry_at(tree, Path::new(path)).is_ok_and(|entry| entry.is_some());
    let mut finder = stale_finder(compared, exists);
    if finder.is_empty() {
        return Ok(Vec::new());
    }
    let files = repository.files(tree, is_python)?;
    for (path, blob) in files.iter().filter(|(path, _)| path.ends_with("__init__.py")) {
        if let Ok(Some(source)) = repository.with_blob(*blob, <[u8]>::to_vec)
            && finder.may_concern(&source)
        {
            finder.add_package(&path.to_string_lossy(), &source);
        }
    }
    let finder = &finder;
    let found: Vec<Vec<(String, CallChange)>> =
        comparer.in_parallel(&files, |repository, (path, blob)| {
            let path = path.to_string_lossy();
            let calls = repository.with_blob(*blob, |source| {
                if finder.may_concern(source) { finder.find(&path, source) } else { Vec::new() }
            })?;
            Ok(calls.unwrap_or_default().into_iter().map(|call| (path.clone().into_owned(), call)).collect())
        })?;
    Ok(found.into_iter().flatten().collect())
}
