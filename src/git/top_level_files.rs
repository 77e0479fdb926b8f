//! The files near the top of a tree, without reading what lies deep.

use std::path::Path;

use git2::{ObjectType, Oid, Tree};

use super::ids::{ToOid, blob_id, tree_id};
use super::{GitError, Repository};
use crate::model::{BlobId, TreeId};

impl Repository {
    /// The files of a tree in at most this many folders, one in the other, with their blobs; sorted. Paths that are no
    /// UTF-8 are left out.
    ///
    /// # Errors
    /// When a tree is missing or broken.
    pub fn files_near_top(&self, tree: TreeId, depth: usize) -> Result<Vec<(String, BlobId)>, GitError> {
        let mut found = Vec::new();
        self.list(tree.oid()?, "", depth, &mut found)?;
        found.sort();
        Ok(found)
    }

    /// The tree of a folder; `None` when there is none.
    ///
    /// # Errors
    /// When a tree is missing or broken.
    pub fn folder_at(&self, tree: TreeId, folder: &Path) -> Result<Option<TreeId>, GitError> {
        if folder.as_os_str().is_empty() {
            return Ok(Some(tree));
        }
        match self.inner.find_tree(tree.oid()?)?.get_path(folder) {
            Ok(entry) => Ok((entry.kind() == Some(ObjectType::Tree)).then(|| tree_id(entry.id()))),
            Err(error) if error.code() == git2::ErrorCode::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn list(
        &self,
        tree: Oid,
        folder: &str,
        depth: usize,
        found: &mut Vec<(String, BlobId)>,
    ) -> Result<(), GitError> {
        let tree: Tree<'_> = self.inner.find_tree(tree)?;
        for entry in &tree {
            let Ok(name) = std::str::from_utf8(entry.name_bytes()) else { continue };
            match entry.kind() {
                Some(ObjectType::Blob) => found.push((format!("{folder}{name}"), blob_id(entry.id()))),
                Some(ObjectType::Tree) if depth > 0 => {
                    self.list(entry.id(), &format!("{folder}{name}/"), depth - 1, found)?;
                }
                _ => {}
            }
        }
        Ok(())
    }
}
