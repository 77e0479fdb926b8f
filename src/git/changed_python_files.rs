//! The Python files that differ between two trees, fast: for whole histories.
//!
//! Trees are compared entry by entry, and equal folders cost nothing. Only when Python files both came and
//! went is libgit2 asked for renames.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use git2::{ErrorCode, ObjectType, Oid, Sort, Tree};

use super::changes::{ChangeStatus, FileChange};
use super::ids::{ToOid, blob_id, commit_id, tree_id};
use super::{GitError, Repository};
use crate::model::{BlobId, CommitId, TreeId};

/// Which commits of a history to list.
#[derive(Debug, Clone, Default)]
pub struct CommitFilter {
    /// Commits whose ancestors are left out, and they themselves.
    pub without: Vec<CommitId>,
    /// At most this many.
    pub most: Option<usize>,
    /// Leave out merges; they do not count.
    pub no_merges: bool,
}

/// A commit as far as its changes are concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitTrees {
    /// The commit.
    pub id: CommitId,
    /// The commit's tree.
    pub tree: TreeId,
    /// The trees of its parents.
    pub parents: Vec<TreeId>,
    /// First line of its message.
    pub subject: String,
}

/// A file of the work tree that is not as in `HEAD`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkTreeChange {
    /// The file's path in the work tree, or in `HEAD` when it is gone.
    pub path: String,
    /// The file's path in `HEAD`, when that is another.
    pub old_path: Option<String>,
    /// The file's content in `HEAD`.
    pub old: Option<BlobId>,
    /// Whether the file is in the work tree.
    pub exists: bool,
}

/// Whether a path is that of a Python file, by its ending.
#[must_use]
pub fn is_python(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "py" || extension == "pyi" || extension == "pyw")
}

/// Read objects of this process from here on as git itself does: without computing each one's hash again,
/// which takes a tenth of the time when a history is read.
pub fn disable_hash_verification() {
    git2::opts::strict_hash_verification(false);
}

impl Repository {
    /// Commits reachable from one, the newest first.
    ///
    /// # Errors
    /// When a commit is missing or broken.
    pub fn commits(&self, from: CommitId, listing: &CommitFilter) -> Result<Vec<CommitTrees>, GitError> {
        let mut walk = self.inner.revwalk()?;
        // Newest first, as git log has it, and no further than is asked for: any other order needs all commits.
        walk.set_sorting(Sort::NONE)?;
        walk.push(from.oid()?)?;
        for hidden in &listing.without {
            walk.hide(hidden.oid()?)?;
        }
        let mut commits = Vec::new();
        // A parent is often a commit of the list itself.
        let mut trees = HashMap::new();
        for oid in walk {
            if listing.most.is_some_and(|most| commits.len() >= most) {
                break;
            }
            let commit = self.inner.find_commit(oid?)?;
            trees.insert(commit.id(), commit.tree_id());
            if !(listing.no_merges && commit.parent_count() > 1) {
                commits.push(commit);
            }
        }
        commits.iter().map(|commit| self.trees_of(commit, &trees)).collect()
    }

    /// One commit with its trees.
    ///
    /// # Errors
    /// When it or a parent is missing or broken.
    pub fn commit_trees(&self, id: CommitId) -> Result<CommitTrees, GitError> {
        self.trees_of(&self.inner.find_commit(id.oid()?)?, &HashMap::new())
    }

    fn trees_of(
        &self,
        commit: &git2::Commit<'_>,
        known: &HashMap<Oid, Oid>,
    ) -> Result<CommitTrees, GitError> {
        let tree = |parent: Oid| match known.get(&parent) {
            Some(tree) => Ok(*tree),
            None => match self.inner.find_commit(parent) {
                Ok(commit) => Ok(commit.tree_id()),
                Err(error) if error.code() == ErrorCode::NotFound && self.is_shallow() => {
                    Err(GitError::Shallow(commit_id(commit.id())))
                }
                Err(error) => Err(error.into()),
            },
        };
        let parents: Result<Vec<TreeId>, GitError> =
            commit.parent_ids().map(|parent| tree(parent).map(tree_id)).collect();
        let subject = String::from_utf8_lossy(commit.summary_bytes().unwrap_or_default()).into_owned();
        Ok(CommitTrees {
            id: commit_id(commit.id()),
            tree: tree_id(commit.tree_id()),
            parents: parents?,
            subject,
        })
    }

    /// The Python files that differ between two trees, with renames found, sorted by path.
    ///
    /// # Errors
    /// When a tree is missing or broken.
    pub fn changed_python_files(
        &self,
        old: Option<TreeId>,
        new: TreeId,
    ) -> Result<Vec<FileChange>, GitError> {
        let mut found = Vec::new();
        let before = old.map(|old| self.inner.find_tree(old.oid()?).map_err(GitError::from)).transpose()?;
        let after = self.inner.find_tree(new.oid()?)?;
        self.compare_trees(before.as_ref(), Some(&after), &mut Vec::new(), &mut found)?;
        let has = |status| found.iter().any(|change: &FileChange| change.status == status);
        if has(ChangeStatus::Added) && has(ChangeStatus::Deleted) {
            let is_python_change = |change: &FileChange| {
                is_python(&change.path) || change.old_path.as_deref().is_some_and(is_python)
            };
            return Ok(self.changed_files(old, new)?.into_iter().filter(is_python_change).collect());
        }
        found.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(found)
    }

    fn compare_trees(
        &self,
        old: Option<&Tree<'_>>,
        new: Option<&Tree<'_>>,
        folder: &mut Vec<u8>,
        found: &mut Vec<FileChange>,
    ) -> Result<(), GitError> {
        let entries = |tree: Option<&Tree<'_>>| -> Vec<Entry> {
            let list = tree
                .into_iter()
                .flat_map(|tree| tree.iter().map(|entry| Entry::of(&entry)).collect::<Vec<_>>());
            let mut list: Vec<Entry> = list.collect();
            list.sort_by(|a, b| a.key().cmp(&b.key()));
            list
        };
        let (olds, news) = (entries(old), entries(new));
        let (mut i, mut j) = (0, 0);
        while i < olds.len() || j < news.len() {
            let order = match (olds.get(i), news.get(j)) {
                (Some(a), Some(b)) => a.key().cmp(&b.key()),
                (Some(_), None) => std::cmp::Ordering::Less,
                (None, _) => std::cmp::Ordering::Greater,
            };
            let a = olds.get(i).filter(|_| order.is_le());
            let b = news.get(j).filter(|_| order.is_ge());
            i += usize::from(a.is_some());
            j += usize::from(b.is_some());
            if a.map(|a| (a.id, a.mode)) != b.map(|b| (b.id, b.mode)) {
                self.compare_entries(a, b, folder, found)?;
            }
        }
        Ok(())
    }

    fn compare_entries(
        &self,
        old: Option<&Entry>,
        new: Option<&Entry>,
        folder: &mut Vec<u8>,
        found: &mut Vec<FileChange>,
    ) -> Result<(), GitError> {
        let Some(any) = old.or(new) else { return Ok(()) };
        let length = folder.len();
        folder.extend_from_slice(&any.name);
        match any.kind {
            Some(ObjectType::Tree) => {
                folder.push(b'/');
                let tree =
                    |entry: Option<&Entry>| entry.map(|entry| self.inner.find_tree(entry.id)).transpose();
                let (old, new) = (tree(old)?, tree(new)?);
                self.compare_trees(old.as_ref(), new.as_ref(), folder, found)?;
            }
            Some(ObjectType::Blob) => {
                let path = PathBuf::from(String::from_utf8_lossy(folder).into_owned());
                if is_python(&path) {
                    let mode = |entry: Option<&Entry>| entry.map_or(0, |entry| entry.mode);
                    let status = match (old, new) {
                        (None, _) => ChangeStatus::Added,
                        (_, None) => ChangeStatus::Deleted,
                        _ => ChangeStatus::Modified,
                    };
                    found.push(FileChange {
                        path,
                        old_path: None,
                        status,
                        old: old.map(|entry| blob_id(entry.id)),
                        new: new.map(|entry| blob_id(entry.id)),
                        old_mode: mode(old),
                        new_mode: mode(new),
                    });
                }
            }
            _ => {}
        }
        folder.truncate(length);
        Ok(())
    }

    /// The Python files of the work tree that git follows and that are not as in `HEAD`, sorted by path.
    ///
    /// # Errors
    /// When there is no work tree or no commit yet, or an object is missing or broken.
    pub fn changed_in_work_tree(&self) -> Result<Vec<WorkTreeChange>, GitError> {
        let head = self.inner.head()?.peel_to_tree()?;
        let mut diff = self.inner.diff_tree_to_workdir_with_index(Some(&head), None)?;
        diff.find_similar(None)?;
        let text = |path: Option<&Path>| path.map(|path| path.to_string_lossy().into_owned());
        let mut found: Vec<WorkTreeChange> = diff
            .deltas()
            .filter_map(|delta| {
                let (before, after) = (delta.old_file(), delta.new_file());
                let path = text(after.path().or(before.path()))?;
                let old_path = text(before.path()).filter(|old| *old != path);
                let python = is_python(Path::new(&path))
                    || old_path.as_ref().is_some_and(|old| is_python(Path::new(old)));
                python.then(|| WorkTreeChange {
                    path,
                    old_path,
                    old: (!before.id().is_zero() && before.exists()).then(|| blob_id(before.id())),
                    exists: after.exists(),
                })
            })
            .collect();
        found.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(found)
    }

    /// The blob whose id begins with these digits, if it is the only one.
    ///
    /// # Errors
    /// When the blob is broken.
    pub fn blob_by_prefix(&self, digits: &str) -> Result<Option<Vec<u8>>, GitError> {
        let Ok(object) = self.inner.revparse_single(digits) else { return Ok(None) };
        Ok(object.as_blob().map(|blob| blob.content().to_vec()))
    }
}

struct Entry {
    name: Vec<u8>,
    id: Oid,
    kind: Option<ObjectType>,
    mode: u32,
}

impl Entry {
    fn of(entry: &git2::TreeEntry<'_>) -> Self {
        Self {
            name: entry.name_bytes().to_vec(),
            id: entry.id(),
            kind: entry.kind(),
            mode: entry.filemode().unsigned_abs(),
        }
    }

    /// A file and a folder of one name are two entries.
    fn key(&self) -> (&[u8], bool) {
        (&self.name, self.kind == Some(ObjectType::Tree))
    }
}
