//! The lines that commits change, with the definitions around them at hand: for whole ranges.

use git2::{DiffFindOptions, Oid, Tree};
use imara_diff::{Algorithm, Diff, InternedInput};

use super::combined_diff::{PathChange, path_changes};
use super::ids::ToOid;
use super::{GitError, Repository};
use crate::model::CommitId;
use crate::model::common_affixes::{common_end, common_start};

/// Files larger than this are not compared line by line: nobody edits them by hand.
const LARGEST_FILE: usize = 1 << 20;
/// Renames are looked for among at most this many files that came or went.
const MOST_RENAME_SOURCES: usize = 100;

/// A line that came or went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedLine {
    /// The line's number in its version of the file, from 1.
    pub number: u32,
    /// The line's text, without the end of line; invalid UTF-8 is replaced.
    pub text: String,
}

/// What a commit did to one file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileLines {
    /// The file's path in the commit; in the parent when it is gone.
    pub path: String,
    /// The file's path in the parent, when that is another.
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
        let changes = path_changes(&self.inner, parent.as_ref(), &tree, &others)?;
        let has = |is: fn(&PathChange) -> bool| changes.iter().any(is);
        let may_rename =
            others.is_empty() && has(|file| file.old.is_zero()) && has(|file| file.new.is_zero());
        let changes = if may_rename { self.with_renames(parent.as_ref(), &tree)? } else { changes };
        let text = |path: &[u8]| String::from_utf8_lossy(path).into_owned();
        let mut changed = Vec::new();
        for PathChange { path, old_path, old, new } in changes {
            let old_path = old_path.map(|path| text(&path));
            let mut file = FileLines { path: text(&path), old_path, ..FileLines::default() };
            if wanted(&file.path) {
                self.read_lines(&mut file, old, new);
            }
            changed.push(file);
        }
        Ok(changed)
    }

    fn read_lines(&self, file: &mut FileLines, old: Oid, new: Oid) {
        // A partial clone may lack them; what is very large nobody edits by hand.
        let (Some(old), Some(new)) = (self.content(old), self.content(new)) else { return };
        if !is_binary(&old) && !is_binary(&new) {
            add_lines(file, &old, &new);
        }
        (file.old, file.new) = (old, new);
    }

    /// The content of a file of a usual size; empty when there is no file, `None` when it cannot be had.
    fn content(&self, id: Oid) -> Option<Vec<u8>> {
        if id.is_zero() {
            return Some(Vec::new());
        }
        let blob = self.inner.find_blob(id).ok()?;
        (blob.size() <= LARGEST_FILE).then(|| blob.content().to_vec())
    }

    /// The paths that changed, those that were renamed with their old path.
    fn with_renames(&self, old: Option<&Tree<'_>>, new: &Tree<'_>) -> Result<Vec<PathChange>, GitError> {
        let mut diff = self.inner.diff_tree_to_tree(old, Some(new), None)?;
        let mut renames = DiffFindOptions::new();
        renames.renames(true).rename_limit(MOST_RENAME_SOURCES);
        // Without the contents nothing counts as a rename.
        if diff.find_similar(Some(&mut renames)).is_err() {
            diff = self.inner.diff_tree_to_tree(old, Some(new), None)?;
        }
        let changes = diff.deltas().filter_map(|delta| {
            let (before, after) = (delta.old_file(), delta.new_file());
            let path = after.path_bytes().or(before.path_bytes())?.to_vec();
            let old_path = before.path_bytes().filter(|old| *old != path).map(<[u8]>::to_vec);
            Some(PathChange { path, old_path, old: before.id(), new: after.id() })
        });
        Ok(changes.collect())
    }
}

/// git's own way to tell.
fn is_binary(content: &[u8]) -> bool {
    const LOOKED_AT: usize = 8000;
    memchr::memchr(0, &content[..content.len().min(LOOKED_AT)]).is_some()
}

/// The part of two contents that has all differences, in whole lines, and how many lines are in front of it. Around
/// them some lines are left, for what is ambiguous to be decided as in the whole.
fn around_difference<'a>(old: &'a [u8], new: &'a [u8]) -> (u32, &'a [u8], &'a [u8]) {
    const AROUND: usize = 30;
    let start = common_start(old, new);
    // Before the line of the first difference, and so many more.
    let first = memchr::memrchr_iter(b'\n', &old[..start]).nth(AROUND).map_or(0, |end| end + 1);
    let end = common_end(&old[start..], &new[start..]);
    let common = &old[old.len() - end..];
    // The first line of what is common may differ in front of it.
    let left_out = end - memchr::memchr_iter(b'\n', common).nth(AROUND).map_or(end, |end| end + 1);
    let skipped = memchr::memchr_iter(b'\n', &old[..first]).count();
    let [old, new] = [old, new].map(|text| &text[first..text.len() - left_out]);
    (u32::try_from(skipped).unwrap_or(u32::MAX), old, new)
}

/// Add the lines that differ, as git finds them.
fn add_lines(file: &mut FileLines, old: &[u8], new: &[u8]) {
    let (skipped, old, new) = around_difference(old, new);
    let input = InternedInput::new(old, new);
    let mut diff = Diff::compute(Algorithm::Myers, &input);
    diff.postprocess_lines(&input);
    let index = |line: u32| usize::try_from(line).unwrap_or(usize::MAX);
    for hunk in diff.hunks() {
        let sides =
            [(&mut file.removed, &input.before, hunk.before), (&mut file.added, &input.after, hunk.after)];
        for (list, lines, changed) in sides {
            let lines = lines.iter().zip(1..).skip(index(changed.start)).take(changed.len());
            list.extend(lines.map(|(&line, number)| {
                let text = String::from_utf8_lossy(input.interner[line]);
                let text = text.trim_end_matches(['\n', '\r']).to_owned();
                ChangedLine { number: skipped + number, text }
            }));
        }
    }
}
