//! What the user's work tree has and his commits have not. Only read.

use std::path::{Path, PathBuf};

use git2::{Status, StatusOptions};

use super::Repository;

/// How a file of the work tree stands to `HEAD`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum WorkState {
    /// As it is committed.
    Committed,
    /// Committed, and changed since.
    Changed,
    /// Not committed, and not ignored.
    Untracked,
    /// Not committed, and ignored.
    Ignored,
}

impl WorkState {
    /// In words, to be read after "is".
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Committed => "committed",
            Self::Changed => "changed, and not committed",
            Self::Untracked => "not committed",
            Self::Ignored => "ignored by git",
        }
    }

    fn of(status: Status) -> Self {
        if status.is_ignored() {
            Self::Ignored
        } else if status.intersects(Status::WT_NEW.union(Status::INDEX_NEW)) {
            Self::Untracked
        } else if status.is_empty() {
            Self::Committed
        } else {
            Self::Changed
        }
    }
}

impl Repository {
    /// How a file stands, by its path from the top; `None` when there is no such file, or it is no plain one.
    #[must_use]
    pub fn work_state(&self, path: &Path) -> Option<WorkState> {
        let file = self.workdir()?.join(path);
        if !file.symlink_metadata().is_ok_and(|facts| facts.is_file()) {
            return None;
        }
        self.inner.status_file(path).ok().map(WorkState::of)
    }

    /// Files below a folder that are changed or untracked, but not ignored; sorted, paths from the top. Empty where
    /// that cannot be told.
    #[must_use]
    pub fn uncommitted_below(&self, folder: &Path) -> Vec<(PathBuf, WorkState)> {
        let mut options = StatusOptions::new();
        options
            .include_untracked(true)
            .recurse_untracked_dirs(true)
            .exclude_submodules(true)
            .update_index(false);
        if !folder.as_os_str().is_empty() {
            options.pathspec(folder).disable_pathspec_match(true);
        }
        let Ok(statuses) = self.inner.statuses(Some(&mut options)) else { return Vec::new() };
        let found = statuses.iter().filter_map(|entry| {
            let path = PathBuf::from(entry.path().ok()?);
            let is_there = self.workdir()?.join(&path).symlink_metadata().is_ok_and(|facts| facts.is_file());
            is_there.then(|| (path, WorkState::of(entry.status())))
        });
        let mut found: Vec<(PathBuf, WorkState)> = found.collect();
        found.sort();
        found
    }
}
