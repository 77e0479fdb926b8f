//! Where the user stands.

use std::path::{Path, PathBuf};

use super::config;
use super::error::Error;
use crate::git::Repository;
use crate::model::CommitId;

/// The folder that is named, or the current one.
pub(crate) fn named_or_current(folder: Option<&Path>) -> Result<PathBuf, Error> {
    folder.map_or_else(std::env::current_dir, |folder| Ok(folder.to_owned())).map_err(Error::internal)
}

/// Where the user stands.
pub(crate) struct Location {
    /// The folder, with links resolved.
    pub(crate) folder: PathBuf,
    /// The top of the work tree; `None` in a bare repository.
    pub(crate) top: Option<PathBuf>,
    /// The folder relative to the top.
    pub(crate) subdir: PathBuf,
}

impl Location {
    pub(crate) fn new(repository: &Repository, place: &Path) -> Self {
        let folder = place.canonicalize().unwrap_or_else(|_| place.to_owned());
        // Whoever stands in the git folder itself has no place in the work tree, if there is one.
        let in_git_folder = repository.folder().canonicalize().is_ok_and(|git| folder.starts_with(git));
        let top = repository.workdir().filter(|_| !in_git_folder);
        let top = top.map(|top| top.canonicalize().unwrap_or_else(|_| top.to_owned()));
        let subdir = top
            .as_deref()
            .and_then(|top| folder.strip_prefix(top).ok())
            .map(Path::to_owned)
            .unwrap_or_default();
        Self { folder, top, subdir }
    }

    /// Where the configuration is looked for: here, or in a commit.
    pub(crate) fn config<'a>(
        &'a self,
        repository: &'a Repository,
        base: Option<CommitId>,
    ) -> config::Place<'a> {
        let top = self.top.as_deref().unwrap_or(&self.folder);
        config::Place { repository: Some(repository), folder: &self.folder, top, base }
    }
}
