//! What to do to get from one checked-out tree to another: unlike `changes`, without renames and with every path
//! as git has it.

use git2::{Delta, DiffOptions, ErrorCode};

use super::ids::{ToOid, blob_id, tree_id};
use super::tree_modes::TreeModes;
use super::{GitError, Repository};
use crate::model::{BlobId, TreeId};

/// A file, symbolic link or submodule of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeFile {
    /// The file's path from the top, with `/`; any bytes but NUL.
    pub path: Vec<u8>,
    /// The file's content; of a submodule the id of its commit.
    pub id: BlobId,
    /// The file's mode: [`SYMLINK`](super::SYMLINK), [`SUBMODULE`](super::SUBMODULE), otherwise a regular file,
    /// executable when a bit of `0o111` is set.
    pub mode: u32,
}

impl TreeFile {
    /// Whether its path leads to a place in the tree. A tree made by hand may name anything; git itself refuses others.
    #[must_use]
    pub fn is_inside(&self) -> bool {
        let leads_out =
            |part: &[u8]| matches!(part, b"" | b"." | b"..") || part.eq_ignore_ascii_case(b".git");
        !self.path.split(|&byte| byte == b'/').any(leads_out)
    }
}

/// The difference between two trees.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CheckoutDelta {
    /// Paths that are no more, or are now something else (then also in `written`).
    pub removed: Vec<Vec<u8>>,
    /// Files that are new or changed.
    pub written: Vec<TreeFile>,
}

impl Repository {
    /// The difference between two trees; unchanged sub-trees cost nothing. With `None` all of `new` is written.
    ///
    /// # Errors
    /// When a tree is missing or broken.
    pub fn tree_delta(&self, old: Option<TreeId>, new: TreeId) -> Result<CheckoutDelta, GitError> {
        if old == Some(new) {
            return Ok(CheckoutDelta::default());
        }
        let mut modes = TreeModes::new(&self.inner, Some(new))?;
        let old = old.map(|old| Ok::<_, GitError>(self.inner.find_tree(old.oid()?)?)).transpose()?;
        let new = self.inner.find_tree(new.oid()?)?;
        let mut options = DiffOptions::new();
        options.skip_binary_check(true);
        let diff = self.inner.diff_tree_to_tree(old.as_ref(), Some(&new), Some(&mut options))?;
        let mut delta = CheckoutDelta::default();
        for change in diff.deltas() {
            let file = if change.status() == Delta::Deleted { change.old_file() } else { change.new_file() };
            let Some(path) = file.path_bytes().map(<[u8]>::to_vec) else { continue };
            if change.status() == Delta::Deleted {
                delta.removed.push(path);
            } else {
                let mode = modes.of(&path);
                delta.written.push(TreeFile { path, id: blob_id(file.id()), mode });
            }
        }
        Ok(delta)
    }

    /// The files of a submodule at a commit (by the id that a tree has for it), their paths below a folder; `None` when
    /// the commit or its trees are not in the object store.
    ///
    /// # Errors
    /// When a tree is broken.
    pub fn files_of_submodule(
        &self,
        folder: &[u8],
        commit: BlobId,
    ) -> Result<Option<Vec<TreeFile>>, GitError> {
        let tree = match self.inner.find_commit(commit.oid()?).map(|commit| commit.tree_id()) {
            Ok(tree) => tree,
            Err(error) if error.code() == ErrorCode::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        match self.tree_delta(None, tree_id(tree)) {
            Ok(mut delta) => {
                for file in &mut delta.written {
                    file.path = [folder, b"/", &file.path].concat();
                }
                Ok(Some(delta.written))
            }
            Err(GitError::Library(error)) if error.code() == ErrorCode::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Hand the bytes of a blob to `use_bytes`, without a copy; `None` when it is not in the object store.
    ///
    /// # Errors
    /// When the blob is broken.
    pub fn with_blob<T>(
        &self,
        id: BlobId,
        use_bytes: impl FnOnce(&[u8]) -> T,
    ) -> Result<Option<T>, GitError> {
        match self.inner.find_blob(id.oid()?) {
            Ok(blob) => Ok(Some(use_bytes(blob.content()))),
            Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The file at a path of each of these trees; `None` where there is none.
    ///
    /// # Errors
    /// When a tree is missing or broken.
    pub fn blobs_at(
        &self,
        trees: &[TreeId],
        path: &std::path::Path,
    ) -> Result<Vec<Option<BlobId>>, GitError> {
        trees.iter().map(|&tree| self.entry_at(tree, path)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trees_made_by_hand_cannot_lead_outside() {
        let is_inside = |path: &str| {
            let id = BlobId::from_bytes([0; 20]);
            TreeFile { path: path.into(), id, mode: 0o100_644 }.is_inside()
        };
        for path in ["a", "a/b.git/c", ".github/x", "..a"] {
            assert!(is_inside(path), "{path}");
        }
        for path in ["..", "a/../../b", ".git/config", "a/.GIT/hooks", "/etc/passwd", "a//b", "."] {
            assert!(!is_inside(path), "{path}");
        }
    }
}
