//! The files of a commit, in a folder of their own.

use std::fs;
use std::path::Path;

use git2::ObjectType;
use git2::build::CheckoutBuilder;

use super::ids::ToOid as _;
use super::{GitError, Repository};
use crate::model::CommitId;

impl Repository {
    /// Write the files of a commit into a folder, which is there only when all of them are. Nothing of the repository
    /// changes: not its index, nor its work tree.
    ///
    /// # Errors
    /// When an object is missing, or the folder cannot be written.
    pub fn export(&self, commit: CommitId, folder: &Path) -> Result<(), GitError> {
        let failed = |error: std::io::Error| GitError::GitCommand {
            action: format!("writing of {}", folder.display()),
            message: error.to_string(),
        };
        let mut part = folder.as_os_str().to_owned();
        part.push(".part");
        let part = Path::new(&part);
        if part.symlink_metadata().is_ok() {
            // Left by one that was killed.
            fs::remove_dir_all(part).map_err(failed)?;
        }
        fs::create_dir_all(part).map_err(failed)?;
        let object = self.inner.find_object(commit.oid()?, Some(ObjectType::Commit))?;
        let mut options = CheckoutBuilder::new();
        options.target_dir(part).force().recreate_missing(true).update_index(false).disable_filters(true);
        self.inner.checkout_tree(&object, Some(&mut options))?;
        fs::rename(part, folder).map_err(failed)
    }
}
