//! `--path`: the graph of the commits that change one of the given paths.
//!
//! The rule is that of `git bisect -- PATH` (history simplification, git-rev-list(1)): a commit counts
//! when it differs at the paths from every parent. Edges lead to the nearest ancestors that count; through
//! a merge that equals one of its parents only that parent is followed.

use std::collections::HashSet;
use std::collections::hash_map::{Entry, HashMap};
use std::path::{Path, PathBuf};

use git2::{DiffOptions, Oid};

use super::history::Step;
use super::{GitError, Repository};

impl Repository {
    /// The steps that change one of the paths, and the last one, `bad`, in any case.
    pub(super) fn only_touching(
        &self,
        steps: Vec<Step>,
        bad: Oid,
        paths: &[PathBuf],
    ) -> Result<Vec<Step>, GitError> {
        let inside: HashSet<Oid> = steps.iter().map(|step| step.oid).collect();
        let mut trees: HashMap<Oid, Oid> = steps.iter().map(|step| (step.oid, step.tree)).collect();
        // A commit that does not count stands for its nearest ancestors that do.
        let mut stands_for: HashMap<Oid, Vec<Oid>> = HashMap::new();
        let mut kept = Vec::new();
        for mut step in steps {
            let mut same = None;
            for &parent in &step.parents {
                let tree = match trees.entry(parent) {
                    Entry::Occupied(known) => *known.get(),
                    Entry::Vacant(unknown) => *unknown.insert(self.inner.find_commit(parent)?.tree_id()),
                };
                if same.is_none() && self.same_at(tree, step.tree, paths)? {
                    same = Some(parent);
                }
            }
            let nearest = |parent: &Oid| match stands_for.get(parent) {
                Some(ancestors) if inside.contains(parent) => ancestors.clone(),
                _ => vec![*parent],
            };
            let followed = same.map_or_else(|| step.parents.clone(), |parent| vec![parent]);
            let mut up: Vec<Oid> = Vec::new();
            for ancestor in followed.iter().flat_map(nearest) {
                if !up.contains(&ancestor) {
                    up.push(ancestor);
                }
            }
            if same.is_none() || step.oid == bad {
                step.parents = up;
                kept.push(step);
            } else {
                stands_for.insert(step.oid, up);
            }
        }
        Ok(reachable_from(bad, kept))
    }

    fn same_at(&self, old: Oid, new: Oid, paths: &[PathBuf]) -> Result<bool, GitError> {
        if old == new {
            return Ok(true);
        }
        let (old, new) = (self.inner.find_tree(old)?, self.inner.find_tree(new)?);
        if !paths.iter().any(|path| is_glob(path)) {
            let entry = |tree: &git2::Tree<'_>, path: &Path| {
                tree.get_path(path).ok().map(|entry| (entry.id(), entry.filemode()))
            };
            return Ok(paths.iter().all(|path| entry(&old, path) == entry(&new, path)));
        }
        let mut options = DiffOptions::new();
        for path in paths {
            options.pathspec(path);
        }
        Ok(self.inner.diff_tree_to_tree(Some(&old), Some(&new), Some(&mut options))?.deltas().len() == 0)
    }
}

fn is_glob(path: &Path) -> bool {
    path.as_os_str().as_encoded_bytes().iter().any(|byte| b"*?[".contains(byte))
}

/// A side branch that a merge discards is no longer reachable once the merge is gone.
fn reachable_from(bad: Oid, steps: Vec<Step>) -> Vec<Step> {
    let mut wanted = HashSet::from([bad]);
    let mut kept: Vec<Step> = steps
        .into_iter()
        .rev()
        .filter(|step| {
            let keep = wanted.contains(&step.oid);
            if keep {
                wanted.extend(step.parents.iter().copied());
            }
            keep
        })
        .collect();
    kept.reverse();
    kept
}
