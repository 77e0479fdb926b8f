//! What the commits of a range changed, read from the repository for the [`rank_suspects`](crate::suspects).

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;

use super::OverlayFile;
use crate::git::{ChangedLine, FileLines, GitError, Repository};
use crate::model::CommitId;
use crate::suspects::{CommitChange, FileEdit, RepositoryView, is_python};
use crate::triage::log::RepositoryFiles;

/// Read what each commit changed, in their order. Files that lie over every tree are left out: what a
/// commit does to them changes nothing. Once `stop` is set, the rest is left empty.
///
/// # Errors
/// When an object is missing or broken.
pub fn read_changes(
    repository: &Repository,
    commits: &[CommitId],
    overlay: &[OverlayFile],
    stop: &AtomicBool,
) -> Result<Vec<CommitChange>, GitError> {
    // Commits in a row share an open repository; and no thread should be the last one for long.
    let in_a_row = (commits.len() / (4 * rayon::current_num_threads())).clamp(1, 32);
    let read = |repository: &Repository, id: CommitId| {
        if stop.load(Ordering::Relaxed) {
            return Ok(CommitChange::default());
        }
        read_change(repository, id, overlay)
    };
    let folder = repository.folder();
    let rows = commits.par_chunks(in_a_row).map(|row| {
        let repository = Repository::open(folder)?;
        row.iter().map(|&id| read(&repository, id)).collect::<Result<Vec<_>, GitError>>()
    });
    Ok(rows.collect::<Result<Vec<_>, GitError>>()?.into_iter().flatten().collect())
}

fn read_change(
    repository: &Repository,
    id: CommitId,
    overlay: &[OverlayFile],
) -> Result<CommitChange, GitError> {
    let is_covered = |path: &str| overlay.iter().any(|file| file.path == path);
    let merge = repository.info(id)?.parents.len() > 1;
    let wants = |path: &str| is_python(path) && !is_covered(path);
    let mut change = CommitChange::new(&repository.message(id)?, merge);
    for file in repository.line_changes(id, wants)? {
        if !is_covered(&file.path) {
            add(&mut change, &file);
        }
    }
    Ok(change)
}

fn add(change: &mut CommitChange, file: &FileLines) {
    fn plain(lines: &[ChangedLine]) -> Vec<(u32, &str)> {
        lines.iter().map(|line| (line.number, line.text.as_str())).collect()
    }
    change.add(&FileEdit {
        path: &file.path,
        old_path: file.old_path.as_deref(),
        old: &file.old,
        new: &file.new,
        removed: &plain(&file.removed),
        added: &plain(&file.added),
    });
}

/// The files at the commit that failed, with what lies over its tree.
pub struct FailingTree<'a> {
    repository: &'a Repository,
    bad: CommitId,
    overlay: &'a [OverlayFile],
    files: RepositoryFiles,
}

impl std::fmt::Debug for FailingTree<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FailingTree").field("bad", &self.bad).finish_non_exhaustive()
    }
}

impl<'a> FailingTree<'a> {
    /// Look at a commit.
    ///
    /// # Errors
    /// When its tree is missing or broken.
    pub fn new(
        repository: &'a Repository,
        bad: CommitId,
        overlay: &'a [OverlayFile],
    ) -> Result<Self, GitError> {
        let files = repository.files(repository.tree_of(bad)?, |_| true)?;
        let mut paths: BTreeSet<String> =
            files.into_iter().map(|(path, _)| path.to_string_lossy().into_owned()).collect();
        paths.extend(overlay.iter().map(|file| file.path.clone()));
        Ok(Self { repository, bad, overlay, files: RepositoryFiles::new(paths) })
    }
}

impl RepositoryView for FailingTree<'_> {
    fn own_path(&self, path: &str) -> Option<String> {
        self.files.find(path).map(str::to_owned)
    }

    fn content(&self, path: &str) -> Option<Vec<u8>> {
        match self.overlay.iter().find(|file| file.path == path) {
            Some(file) => Some(file.content.clone()),
            None => self.repository.file_at(self.bad, Path::new(path)).ok().flatten(),
        }
    }

    fn paths(&self) -> BTreeSet<String> {
        self.files.paths().cloned().collect()
    }
}
