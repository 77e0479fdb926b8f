//! The lines that commits change, with the definitions around them at hand: for whole ranges.

use std::path::Path;

use git2::{Delta, Diff, DiffFindOptions, DiffOptions, Oid, Tree};

use super::ids::ToOid;
use super::{GitError, Repository};
use crate::model::CommitId;

/// Files larger than this are not compared line by line: nobody edits them by hand.
const LARGEST_FILE: i64 = 1 << 20;
/// Renames are looked for among at most this many files that came or went.
const MOST_RENAME_SOURCES: usize = 100;

/// A line that came or went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedLine {
    /// Its number in its version of the file, from 1.
    pub number: u32,
    /// Its text, without the end of line; invalid UTF-8 is replaced.
    pub text: String,
}

/// What a commit did to one file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileLines {
    /// Its path in the commit; in the parent when it is gone.
    pub path: String,
    /// Its path in the parent, when that is another.
    pub old_path: Option<String>,
    /// The content before, when text that differs was found.
    pub old: Vec<u8>,
    /// The content after, likewise.
    pub new: Vec<u8>,
    /// Lines of the old version that are gone.
    pub removed: Vec<ChangedLine>,
    /// Lines of the new version that are new.
    pub added: Vec<ChangedLine>,
}

impl Repository {
    /// What a commit did to each file, in lines, against its first parent. Of a merge, only files count
    /// that are as in none of its parents. Contents are given for the files that `wants_content` names;
    /// what is binary, very large or missing has no lines.
    ///
    /// # Errors
    /// When the commit or a tree is missing or broken.
    pub fn line_changes(
        &self,
        id: CommitId,
        wants_content: impl Fn(&str) -> bool,
    ) -> Result<Vec<FileLines>, GitError> {
        let commit = self.inner.find_commit(id.oid()?)?;
        let tree = commit.tree()?;
        let parent = commit.parents().next().map(|parent| parent.tree()).transpose()?;
        let others = commit.parents().skip(1).map(|parent| parent.tree());
        let others = others.collect::<Result<Vec<Tree<'_>>, _>>()?;
        let diff = self.line_diff(parent.as_ref(), &tree, others.is_empty())?;
        let is_own = |path: &Path, new: Oid| {
            let is_of =
                |other: &Tree<'_>| other.get_path(path).map_or(new.is_zero(), |entry| entry.id() == new);
            !others.iter().any(is_of)
        };
        let mut changed = lines_of(&diff, is_own)?;
        for (file, old, new) in &mut changed {
            let differs = !file.added.is_empty() || !file.removed.is_empty();
            if differs && wants_content(&file.path) {
                file.old = self.content_or_none(*old);
                file.new = self.content_or_none(*new);
            }
        }
        Ok(changed.into_iter().map(|(file, _, _)| file).collect())
    }

    fn content_or_none(&self, id: Oid) -> Vec<u8> {
        // A partial clone may lack it; then only its lines are known.
        self.inner.find_blob(id).map(|blob| blob.content().to_vec()).unwrap_or_default()
    }

    fn line_diff(
        &self,
        old: Option<&Tree<'_>>,
        new: &Tree<'_>,
        with_renames: bool,
    ) -> Result<Diff<'_>, GitError> {
        let mut options = DiffOptions::new();
        options.context_lines(0).max_size(LARGEST_FILE);
        let mut diff = self.inner.diff_tree_to_tree(old, Some(new), Some(&mut options))?;
        let has = |status| diff.deltas().any(|delta| delta.status() == status);
        if with_renames && has(Delta::Added) && has(Delta::Deleted) {
            let mut renames = DiffFindOptions::new();
            renames.renames(true).rename_limit(MOST_RENAME_SOURCES);
            // Without the contents nothing counts as a rename.
            if diff.find_similar(Some(&mut renames)).is_err() {
                diff = self.inner.diff_tree_to_tree(old, Some(new), Some(&mut options))?;
            }
        }
        Ok(diff)
    }
}

type WithIds = (FileLines, Oid, Oid);

/// The files of a difference that count, with their lines, and the ids of both versions.
fn lines_of(diff: &Diff<'_>, counts: impl Fn(&Path, Oid) -> bool) -> Result<Vec<WithIds>, GitError> {
    let mut files: Vec<WithIds> = Vec::new();
    for (at, delta) in diff.deltas().enumerate() {
        let Some(path) = delta.new_file().path().or(delta.old_file().path()) else { continue };
        if !counts(path, delta.new_file().id()) {
            continue;
        }
        let text = |path: Option<&Path>| path.map(|path| path.to_string_lossy().into_owned());
        let path = text(Some(path)).unwrap_or_default();
        let old_path = text(delta.old_file().path()).filter(|old| *old != path);
        let mut file = FileLines { path, old_path, ..FileLines::default() };
        // What cannot be read, such as a picture that a copy of the history lacks, has no lines.
        if let Ok(Some(patch)) = git2::Patch::from_diff(diff, at) {
            for hunk in 0..patch.num_hunks() {
                for line in 0..patch.num_lines_in_hunk(hunk)? {
                    add_line(&mut file, &patch.line_in_hunk(hunk, line)?);
                }
            }
        }
        files.push((file, delta.old_file().id(), delta.new_file().id()));
    }
    Ok(files)
}

fn add_line(file: &mut FileLines, line: &git2::DiffLine<'_>) {
    let (list, number) = match line.origin() {
        '+' => (&mut file.added, line.new_lineno()),
        '-' => (&mut file.removed, line.old_lineno()),
        _ => return,
    };
    let text = String::from_utf8_lossy(line.content()).trim_end_matches(['\n', '\r']).to_owned();
    list.push(ChangedLine { number: number.unwrap_or_default(), text });
}
