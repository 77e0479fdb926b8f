//! Files of a tree written into a folder, for programs that only read them.

use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};

use super::{GitError, Repository};
use crate::model::{BlobId, TreeId};

impl Repository {
    /// Write the files of a tree that `wanted` accepts below `folder`, without git's filters; contents that
    /// are missing, and links, are left out. Files that `written` has under the same id are linked to it
    /// instead. Returns where each content was written.
    ///
    /// # Errors
    /// When a tree is missing or broken, or the folder cannot be written.
    pub fn export(
        &self,
        tree: TreeId,
        folder: &Path,
        written: &HashMap<(PathBuf, BlobId), PathBuf>,
        wanted: impl Fn(&Path) -> bool,
    ) -> Result<HashMap<(PathBuf, BlobId), PathBuf>, GitError> {
        let mut now = HashMap::new();
        for (path, blob) in self.files(tree, |path| is_inside(path) && wanted(path))? {
            let file = folder.join(&path);
            let failed = |source| GitError::Shadow { path: file.clone(), source };
            if let Some(parent) = file.parent() {
                std::fs::create_dir_all(parent).map_err(failed)?;
            }
            let key = (path, blob);
            let linked = written.get(&key).is_some_and(|other| std::fs::hard_link(other, &file).is_ok());
            if !linked {
                match self.with_blob(blob, |bytes| std::fs::write(&file, bytes))? {
                    Some(result) => result.map_err(failed)?,
                    None => continue,
                }
            }
            now.insert(key, file);
        }
        Ok(now)
    }
}

/// A tree made by hand may name paths that lead out of it.
fn is_inside(path: &Path) -> bool {
    path.components().all(|part| matches!(part, Component::Normal(_)))
}
