//! The direct entries of a tree object.

use super::ids::{ToOid, blob_id, tree_id};
use super::tree_builder::lines_of;
use super::{GitError, Repository, SUBMODULE};
use crate::model::{BlobId, TreeId};

/// What a name in a tree stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryTarget {
    /// Another tree.
    Folder(TreeId),
    /// A file or symbolic link; which of them says the mode.
    File(BlobId),
    /// A submodule, with the id of its commit.
    Submodule(BlobId),
}

/// A name in a tree, and what it stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeEntry {
    /// Any bytes; of trees made by hand also `..` and the like.
    pub name: Vec<u8>,
    /// The mode, as git has it.
    pub mode: u32,
    /// What the entry stands for.
    pub target: EntryTarget,
}

impl Repository {
    /// The entries of a tree, without those of the trees in it; `None` when it is not in the object store.
    ///
    /// # Errors
    /// When the tree is broken.
    pub fn tree_entries(&self, tree: TreeId) -> Result<Option<Vec<TreeEntry>>, GitError> {
        let lines = match lines_of(self, Some(tree.oid()?)) {
            Ok(lines) => lines,
            Err(GitError::Library(error)) if error.code() == git2::ErrorCode::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let entry = |line: super::tree_builder::Line| {
            let mode = u32::try_from(line.mode).unwrap_or_default();
            let target = match mode {
                _ if line.is_tree() => EntryTarget::Folder(tree_id(line.id)),
                SUBMODULE => EntryTarget::Submodule(blob_id(line.id)),
                _ => EntryTarget::File(blob_id(line.id)),
            };
            TreeEntry { name: line.name, mode, target }
        };
        Ok(Some(lines.into_iter().map(entry).collect()))
    }

    /// The tree of a submodule's commit; `None` when it is not in the object store.
    ///
    /// # Errors
    /// When the commit is broken.
    pub fn submodule_tree(&self, commit: BlobId) -> Result<Option<TreeId>, GitError> {
        match self.inner.find_commit(commit.oid()?).map(|commit| commit.tree_id()) {
            Ok(tree) => Ok(Some(tree_id(tree))),
            Err(error) if error.code() == git2::ErrorCode::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}
