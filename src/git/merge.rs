//! Trees that no commit has: a merge made in memory, and what is uncommitted in the work tree.

use std::collections::BTreeMap;
use std::path::Path;

use git2::{ErrorCode, Index, MergeOptions, Oid, StatusOptions, Tree};

use super::ids::{ToOid, blob_id, tree_id};
use super::{GitError, Repository, Shadow, TreeEdit};
use crate::model::TreeId;

/// Larger files that git does not follow are no source of a program.
const LARGEST_UNTRACKED: u64 = 8 << 20;

/// What came of a merge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MergeOutcome {
    /// The result.
    Clean(TreeId),
    /// The two sides changed the same places of these files (sorted).
    Conflicts(Vec<String>),
}

impl Shadow {
    /// Merge two trees that have `ancestor` in common, as git would, into the shadow.
    ///
    /// # Errors
    /// When an object is missing, or the shadow cannot be written.
    pub fn merge(&self, ancestor: TreeId, ours: TreeId, theirs: TreeId) -> Result<MergeOutcome, GitError> {
        if ancestor == ours || ours == theirs {
            return Ok(MergeOutcome::Clean(theirs));
        }
        let repository = &self.repository().inner;
        let find = |id: TreeId| -> Result<Tree<'_>, GitError> { Ok(repository.find_tree(id.oid()?)?) };
        let (base, ancestor, ours, theirs) = (ours, find(ancestor)?, find(ours)?, find(theirs)?);
        let index = repository.merge_trees(&ancestor, &ours, &theirs, Some(&MergeOptions::new()))?;
        if !index.has_conflicts() {
            return Ok(MergeOutcome::Clean(self.tree_of(&index, base)?));
        }
        let mut paths = Vec::new();
        for conflict in index.conflicts()? {
            let conflict = conflict?;
            let side = conflict.their.or(conflict.our).or(conflict.ancestor);
            paths.extend(side.map(|side| String::from_utf8_lossy(&side.path).into_owned()));
        }
        paths.sort();
        paths.dedup();
        Ok(MergeOutcome::Conflicts(paths))
    }

    /// An index as a tree, on top of one that it has most entries in common with. libgit2 would look up every entry, also
    /// those that the repository does not have, as in a partial clone.
    fn tree_of(&self, index: &Index, base: TreeId) -> Result<TreeId, GitError> {
        let mut before = Index::new()?;
        before.read_tree(&self.repository().inner.find_tree(base.oid()?)?)?;
        let entries = |index: &Index| -> BTreeMap<Vec<u8>, (u32, Oid)> {
            index.iter().map(|entry| (entry.path, (entry.mode, entry.id))).collect()
        };
        let (before, after) = (entries(&before), entries(index));
        let gone = before.keys().filter(|path| !after.contains_key(*path)).map(|path| (path.clone(), None));
        let came = after.iter().filter(|(path, entry)| before.get(*path) != Some(*entry));
        let came = came.map(|(path, &(mode, id))| (path.clone(), Some((mode, blob_id(id)))));
        let placed: Vec<TreeEdit> = gone.chain(came).collect();
        self.with_entries(base, &placed)
    }

    /// The work tree of a repository as a tree: `HEAD` with all that is uncommitted, new files that are not
    /// ignored included; `None` when there is nothing of the kind, or no work tree.
    ///
    /// # Errors
    /// When there is no commit yet, an object is missing, or the shadow cannot be written.
    pub fn work_tree(&self, user: &Repository) -> Result<Option<TreeId>, GitError> {
        let Some(folder) = user.workdir() else { return Ok(None) };
        let mut options = StatusOptions::new();
        options
            .include_untracked(true)
            .recurse_untracked_dirs(true)
            .exclude_submodules(true)
            .update_index(false);
        let statuses = user.inner.statuses(Some(&mut options))?;
        if statuses.is_empty() {
            return Ok(None);
        }
        let repository = &self.repository().inner;
        let mut index = Index::new()?;
        let head = user.inner.head()?.peel_to_tree()?.id();
        index.read_tree(&repository.find_tree(head)?)?;
        for status in statuses.iter() {
            let path = String::from_utf8_lossy(status.path_bytes()).into_owned();
            self.take_up(&mut index, folder, Path::new(&path), status.status().is_wt_new())?;
        }
        let head = tree_id(head);
        let tree = self.tree_of(&index, head)?;
        Ok((tree != head).then_some(tree))
    }

    /// Put a file as it is on disk into the index, or take it out.
    fn take_up(&self, index: &mut Index, top: &Path, path: &Path, is_new: bool) -> Result<(), GitError> {
        use std::os::unix::ffi::OsStrExt as _;
        use std::os::unix::fs::PermissionsExt as _;
        let file = top.join(path);
        let facts = match file.symlink_metadata() {
            Ok(facts) if facts.is_file() || facts.is_symlink() => facts,
            // A folder is in the way, or nothing is there.
            _ => return forget(index, path),
        };
        if is_new && facts.len() > LARGEST_UNTRACKED {
            return Ok(());
        }
        let failed = |source| GitError::Shadow { path: file.clone(), source };
        let (mode, bytes) = if facts.is_symlink() {
            let target = std::fs::read_link(&file).map_err(failed)?;
            (super::SYMLINK, target.as_os_str().as_bytes().to_vec())
        } else {
            let executable = facts.permissions().mode() & 0o111 != 0;
            (if executable { 0o100_755 } else { 0o100_644 }, std::fs::read(&file).map_err(failed)?)
        };
        let id = self.repository().inner.blob(&bytes)?;
        let zero = git2::IndexTime::new(0, 0);
        index.add(&git2::IndexEntry {
            ctime: zero,
            mtime: zero,
            dev: 0,
            ino: 0,
            mode,
            uid: 0,
            gid: 0,
            file_size: 0,
            id,
            flags: 0,
            flags_extended: 0,
            path: path.as_os_str().as_bytes().to_vec(),
        })?;
        Ok(())
    }
}

fn forget(index: &mut Index, path: &Path) -> Result<(), GitError> {
    match index.remove_path(path) {
        Err(error) if error.code() != ErrorCode::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}
