//! What differs between two trees.

use std::ops::Range;
use std::path::PathBuf;

use git2::{Delta, Diff, DiffFile, DiffFindOptions, DiffFormat, DiffOptions, Tree};

use super::ids::{ToOid, blob_id};
use super::tree_modes::{SUBMODULE, TreeModes};
use super::{GitError, Repository};
use crate::model::{BlobId, CommitId, TreeId};

/// Renames are looked for among at most this many files that came or went: the work grows with the square.
const MOST_RENAME_SOURCES: usize = 200;

/// What happened to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChangeStatus {
    /// It is new.
    Added,
    /// It is gone.
    Deleted,
    /// Its content or mode changed.
    Modified,
    /// It has a new path, and perhaps other content.
    Renamed,
    /// A file became a symbolic link or a submodule, or the reverse.
    TypeChanged,
}

/// One file that differs between two trees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileChange {
    /// The file's path in the new tree; in the old one when it was deleted.
    pub path: PathBuf,
    /// The file's path in the old tree, when that is another.
    pub old_path: Option<PathBuf>,
    /// What happened to it.
    pub status: ChangeStatus,
    /// The file's old content; `None` when it was not there, or was a submodule.
    pub old: Option<BlobId>,
    /// The file's new content; `None` when it is not there, or is a submodule.
    pub new: Option<BlobId>,
    /// The file's old mode (`0o100644`, `0o100755`, `0o120000`, `0o160000`), 0 when it was not there.
    pub old_mode: u32,
    /// The file's new mode, 0 when it is not there.
    pub new_mode: u32,
}

/// The lines of a file that a change touches, from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedLines {
    /// The file's path in the new tree; in the old one when it was deleted.
    pub path: PathBuf,
    /// Lines of the old file that are gone.
    pub removed: Vec<Range<u32>>,
    /// Lines of the new file that are new.
    pub added: Vec<Range<u32>>,
}

impl Repository {
    /// The files that differ between two trees, sorted by path; with `None` all files of `new` are added.
    ///
    /// # Errors
    /// When a tree is missing or broken.
    pub fn changed_files(&self, old: Option<TreeId>, new: TreeId) -> Result<Vec<FileChange>, GitError> {
        let diff = self.diff(old, new, 0)?;
        let (mut old_modes, mut new_modes) =
            (TreeModes::new(&self.inner, old)?, TreeModes::new(&self.inner, Some(new))?);
        Ok(diff
            .deltas()
            .filter_map(|delta| {
                let (before, after) = (delta.old_file(), delta.new_file());
                let old_mode = old_modes.of(before.path_bytes()?);
                let new_mode = new_modes.of(after.path_bytes()?);
                let status = match delta.status() {
                    Delta::Added => ChangeStatus::Added,
                    Delta::Deleted => ChangeStatus::Deleted,
                    Delta::Modified => ChangeStatus::Modified,
                    Delta::Renamed => ChangeStatus::Renamed,
                    Delta::Typechange => ChangeStatus::TypeChanged,
                    _ => return None,
                };
                Some(FileChange {
                    path: after.path()?.to_owned(),
                    old_path: before
                        .path()
                        .filter(|_| status == ChangeStatus::Renamed)
                        .map(ToOwned::to_owned),
                    status,
                    old: content(&before, old_mode),
                    new: content(&after, new_mode),
                    old_mode,
                    new_mode,
                })
            })
            .collect())
    }

    /// The files that a commit changes against its first parent.
    ///
    /// # Errors
    /// When an object is missing or broken.
    pub fn changes_of(&self, commit: CommitId) -> Result<Vec<FileChange>, GitError> {
        let (old, new) = self.tree_pair(commit)?;
        self.changed_files(old, new)
    }

    /// The unified diff of a commit against its first parent, cut off after `most` bytes.
    ///
    /// # Errors
    /// When an object is missing or broken.
    pub fn diff_text(&self, commit: CommitId, most: usize) -> Result<String, GitError> {
        let (old, new) = self.tree_pair(commit)?;
        self.diff_text_between(old, new, most)
    }

    /// The unified diff between two trees, cut off after `most` bytes at the end of a line.
    ///
    /// # Errors
    /// When an object is missing or broken.
    pub fn diff_text_between(
        &self,
        old: Option<TreeId>,
        new: TreeId,
        most: usize,
    ) -> Result<String, GitError> {
        let mut text = Vec::new();
        let mut whole = true;
        let printed = self.diff(old, new, 3)?.print(DiffFormat::Patch, |_, _, line| {
            let origin = line.origin_value();
            let marked = matches!(
                origin,
                git2::DiffLineType::Context | git2::DiffLineType::Addition | git2::DiffLineType::Deletion
            );
            whole = text.len() + line.content().len() < most;
            if whole {
                if marked {
                    text.extend_from_slice(line.origin().to_string().as_bytes());
                }
                text.extend_from_slice(line.content());
            }
            whole
        });
        if whole {
            printed?;
        } else {
            text.extend_from_slice(b"[the rest of the diff is left out]\n");
        }
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    /// Which lines differ between two trees, file by file; binary files have none.
    ///
    /// # Errors
    /// When an object is missing or broken.
    pub fn changed_lines(&self, old: Option<TreeId>, new: TreeId) -> Result<Vec<ChangedLines>, GitError> {
        let mut files: Vec<ChangedLines> = Vec::new();
        let mut hunks: Vec<(Option<PathBuf>, Range<u32>, Range<u32>)> = Vec::new();
        self.diff(old, new, 0)?.foreach(
            &mut |delta, _| {
                let path = delta.new_file().path().map(ToOwned::to_owned).unwrap_or_default();
                files.push(ChangedLines { path, removed: Vec::new(), added: Vec::new() });
                true
            },
            None,
            Some(&mut |delta, hunk| {
                let path = delta.new_file().path().map(ToOwned::to_owned);
                hunks.push((
                    path,
                    lines(hunk.old_start(), hunk.old_lines()),
                    lines(hunk.new_start(), hunk.new_lines()),
                ));
                true
            }),
            None,
        )?;
        for (path, removed, added) in hunks {
            if let Some(file) = files.iter_mut().find(|file| Some(&file.path) == path.as_ref()) {
                file.removed.extend(Some(removed).filter(|range| !range.is_empty()));
                file.added.extend(Some(added).filter(|range| !range.is_empty()));
            }
        }
        Ok(files)
    }

    fn tree_pair(&self, commit: CommitId) -> Result<(Option<TreeId>, TreeId), GitError> {
        let info = self.info(commit)?;
        let old = info.parents.first().map(|&parent| self.tree_of(parent)).transpose()?;
        Ok((old, info.tree))
    }

    /// The differences, with renames found.
    fn diff(&self, old: Option<TreeId>, new: TreeId, context: u32) -> Result<Diff<'_>, GitError> {
        let find = |id: TreeId| -> Result<Tree<'_>, GitError> { Ok(self.inner.find_tree(id.oid()?)?) };
        let old = old.map(find).transpose()?;
        let new = find(new)?;
        let mut options = DiffOptions::new();
        options.context_lines(context).include_typechange(true).indent_heuristic(true);
        let mut diff = self.inner.diff_tree_to_tree(old.as_ref(), Some(&new), Some(&mut options))?;
        let mut renames = DiffFindOptions::new();
        renames.renames(true).rename_limit(MOST_RENAME_SOURCES);
        // Content that is not in the object store cannot be compared: then nothing counts as a rename.
        if let Err(error) = diff.find_similar(Some(&mut renames))
            && error.code() == git2::ErrorCode::NotFound
        {
            diff = self.inner.diff_tree_to_tree(old.as_ref(), Some(&new), Some(&mut options))?;
        }
        Ok(diff)
    }
}

const fn lines(start: u32, count: u32) -> Range<u32> {
    start..start + count
}

fn content(file: &DiffFile<'_>, mode: u32) -> Option<BlobId> {
    (!file.id().is_zero() && mode != SUBMODULE).then(|| blob_id(file.id()))
}
