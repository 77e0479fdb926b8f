//! The lines that commits change, with the definitions around them at hand: for whole ranges.

use std::path::Path;

use git2::{Blob, Delta, Diff, DiffFindOptions, DiffLine, DiffOptions, Oid, Tree};

use super::ids::ToOid;
use super::{GitError, Repository};
use crate::model::CommitId;

/// Files larger than this are not compared line by line: nobody edits them by hand.
const LARGEST_FILE: usize = 1 << 20;
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
    /// The content before; empty when there is none, or it was not asked for.
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
    /// that are as in none of its parents. Lines and contents are given for the files that `wanted` names;
    /// what is binary, very large or missing has none.
    ///
    /// # Errors
    /// When the commit or a tree is missing or broken.
    pub fn line_changes(
        &self,
        id: CommitId,
        wanted: impl Fn(&str) -> bool,
    ) -> Result<Vec<FileLines>, GitError> {
        let commit = self.inner.find_commit(id.oid()?)?;
        let tree = commit.tree()?;
        let parent = commit.parents().next().map(|parent| parent.tree()).transpose()?;
        let others = commit.parents().skip(1).map(|parent| parent.tree());
        let others = others.collect::<Result<Vec<Tree<'_>>, _>>()?;
        let diff = self.tree_diff(parent.as_ref(), &tree, others.is_empty())?;
        let mut changed = Vec::new();
        for delta in diff.deltas() {
            let (before, after) = (delta.old_file(), delta.new_file());
            let Some(path) = after.path().or(before.path()) else { continue };
            let is_of = |other: &Tree<'_>| {
                other.get_path(path).map_or(after.id().is_zero(), |entry| entry.id() == after.id())
            };
            if others.iter().any(is_of) {
                continue;
            }
            let text = |path: &Path| path.to_string_lossy().into_owned();
            let old_path = before.path().filter(|old| *old != path).map(text);
            let mut file = FileLines { path: text(path), old_path, ..FileLines::default() };
            if wanted(&file.path) {
                self.read_lines(&mut file, before.id(), after.id())?;
            }
            changed.push(file);
        }
        Ok(changed)
    }

    fn read_lines(&self, file: &mut FileLines, old: Oid, new: Oid) -> Result<(), GitError> {
        // A partial clone may lack them; what is very large nobody edits by hand.
        let (Some(old), Some(new)) = (self.text_of(old), self.text_of(new)) else { return Ok(()) };
        let mut options = DiffOptions::new();
        options.context_lines(0);
        let FileLines { removed, added, .. } = file;
        // Not from plain bytes: of those libgit2 would compute the ids again.
        let (before, after) = (old.as_ref(), new.as_ref());
        self.inner.diff_blobs(
            before,
            None,
            after,
            None,
            Some(&mut options),
            None,
            None,
            None,
            Some(&mut |_, _, line| {
                add_line(removed, added, &line);
                true
            }),
        )?;
        let content = |blob: Option<Blob<'_>>| blob.map(|blob| blob.content().to_vec()).unwrap_or_default();
        (file.old, file.new) = (content(old), content(new));
        Ok(())
    }

    /// A blob of a usual size: `Some(None)` when there is no file, `None` when it cannot be had.
    #[expect(clippy::option_option, reason = "a file that is not there has content, none")]
    fn text_of(&self, id: Oid) -> Option<Option<Blob<'_>>> {
        if id.is_zero() {
            return Some(None);
        }
        let blob = self.inner.find_blob(id).ok()?;
        (blob.size() <= LARGEST_FILE).then_some(Some(blob))
    }

    fn tree_diff(
        &self,
        old: Option<&Tree<'_>>,
        new: &Tree<'_>,
        with_renames: bool,
    ) -> Result<Diff<'_>, GitError> {
        let mut diff = self.inner.diff_tree_to_tree(old, Some(new), None)?;
        let has = |status| diff.deltas().any(|delta| delta.status() == status);
        if with_renames && has(Delta::Added) && has(Delta::Deleted) {
            let mut renames = DiffFindOptions::new();
            renames.renames(true).rename_limit(MOST_RENAME_SOURCES);
            // Without the contents nothing counts as a rename.
            if diff.find_similar(Some(&mut renames)).is_err() {
                diff = self.inner.diff_tree_to_tree(old, Some(new), None)?;
            }
        }
        Ok(diff)
    }
}

fn add_line(removed: &mut Vec<ChangedLine>, added: &mut Vec<ChangedLine>, line: &DiffLine<'_>) {
    let (list, number) = match line.origin() {
        '+' => (added, line.new_lineno()),
        '-' => (removed, line.old_lineno()),
        _ => return,
    };
    let text = String::from_utf8_lossy(line.content()).trim_end_matches(['\n', '\r']).to_owned();
    list.push(ChangedLine { number: number.unwrap_or_default(), text });
}
