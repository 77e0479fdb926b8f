//! What might mend it, as trees on top of a commit (with the overlay laid over them, as in every trial).

use std::path::Path;

use super::breaking::{Proven, breaking_change};
use super::fix::FixRequest;
use super::versions::{difference_between, partial_tree};
use super::{SessionError, Trees, Workshop};
use crate::git::{Merged, Placed};
use crate::minimize::{Difference, EditSet};
use crate::model::{BreakingChange, CommitId, FixKind, Narrowing, Report, TreeId};

/// A tree to test.
#[derive(Debug, Clone, Copy)]
pub(super) struct Candidate {
    pub(super) kind: FixKind,
    pub(super) tree: TreeId,
}

/// The places where candidates are made.
struct Ground<'a> {
    workshop: &'a Workshop<'a>,
    request: &'a FixRequest,
    head: TreeId,
    made: Vec<Candidate>,
    left_out: Vec<String>,
}

/// The candidates, each tree once, and those that cannot be made.
pub(super) fn candidates(
    workshop: &Workshop<'_>,
    trees: &mut Trees<'_>,
    request: &FixRequest,
) -> Result<(Vec<Candidate>, Vec<String>), SessionError> {
    let head = trees.tree_of(request.onto)?;
    let mut ground = Ground { workshop, request, head, made: Vec::new(), left_out: Vec::new() };
    if let Some(Narrowing { good: Some(good), bad: Some(bad), .. }) = &request.report.narrowing {
        ground.undo(trees.tree_of(*good)?, trees.tree_of(*bad)?)?;
        ground.same_elsewhere()?;
        ground.restore(trees.tree_of(*good)?)?;
    }
    if let Some(culprit) = request.report.culprits.first()
        && let Some(parent) = mainline(&culprit.commit.parents, &request.report)
    {
        ground.merge(FixKind::RevertCommit, trees.tree_of(culprit.commit.id)?, trees.tree_of(parent)?)?;
    }
    Ok((ground.made, ground.left_out))
}

/// The parent that a commit is reverted to: of a merge the first one that was good, as the report says.
fn mainline(parents: &[CommitId], report: &Report) -> Option<CommitId> {
    let narrowed_against = report.narrowing.as_ref().and_then(|narrowing| narrowing.good);
    let good = [report.last_good.as_ref().map(|good| good.id), narrowed_against];
    let known = good.into_iter().flatten().find(|good| parents.contains(good));
    known.or(parents.first().copied())
}

impl Ground<'_> {
    fn add(&mut self, kind: FixKind, tree: TreeId) {
        if tree != self.head && !self.made.iter().any(|candidate| candidate.tree == tree) {
            self.made.push(Candidate { kind, tree });
        }
    }

    /// Put the change from one tree to another onto the head.
    fn merge(&mut self, kind: FixKind, from: TreeId, to: TreeId) -> Result<(), SessionError> {
        match self.workshop.shadow.merge(from, self.head, to)? {
            Merged::Clean(tree) => self.add(kind, tree),
            Merged::Conflicts(paths) => {
                let places = paths.join(", ");
                self.left_out
                    .push(format!("{}: later commits changed the same lines of {places}", kind.phrase()));
            }
        }
        Ok(())
    }

    /// The bad version without the breaking edits, and without those that rest on them.
    fn undo(&mut self, good: TreeId, bad: TreeId) -> Result<(), SessionError> {
        let report = &self.request.report;
        let (Some(narrowing), false) = (&report.narrowing, report.breaking_changes.is_empty()) else {
            return Ok(());
        };
        let shadow = self.workshop.shadow;
        let difference = difference_between(shadow, good, bad)?;
        if !are_the_same(&difference, narrowing, &report.breaking_changes) {
            self.left_out
                .push("undo the breaking edit: an older version found it; run find again".to_owned());
            return Ok(());
        }
        let breaking: EditSet = narrowing.breaking.iter().copied().collect();
        let resting: EditSet = narrowing.resting.iter().copied().collect();
        let rest = EditSet::all(difference.edits.len()).without(&difference.with_users(&breaking));
        let without = partial_tree(shadow, &difference, good, &rest)?;
        self.merge(FixKind::UndoEdits, bad, without)?;
        if resting.is_empty() {
            return Ok(());
        }
        let without = partial_tree(shadow, &difference, good, &rest.without(&resting))?;
        self.merge(FixKind::UndoEditsAndResting, bad, without)
    }

    /// The breaking call undone, and every other call that is written the same way corrected as well.
    fn same_elsewhere(&mut self) -> Result<(), SessionError> {
        let undone = self.made.iter().find(|candidate| candidate.kind == FixKind::UndoEdits);
        let (Some(undone), [change]) = (undone.copied(), self.request.report.breaking_changes.as_slice())
        else {
            return Ok(());
        };
        let (Some(before), Some(after)) = (&change.before, &change.after) else { return Ok(()) };
        if change.callee_before == change.callee_after || after.contains('\n') || !change.calls.is_empty() {
            return Ok(());
        }
        let shadow = self.workshop.shadow;
        let repository = shadow.repository();
        let mut entries: Vec<Placed> = Vec::new();
        let is_python = |path: &Path| path.extension().is_some_and(|extension| extension == "py");
        for (path, id) in repository.files(undone.tree, is_python)? {
            let Ok(text) = repository.blob(id) else { continue };
            let Some(mended) = replaced(&text, after.as_bytes(), before.as_bytes()) else { continue };
            use std::os::unix::ffi::OsStrExt as _;
            let path = path.as_os_str().as_bytes();
            let mode = repository.mode_at(undone.tree, path)?;
            entries.push((path.to_vec(), Some((mode, shadow.write_blob(&mended)?))));
        }
        let tree = shadow.with_entries(undone.tree, &entries)?;
        self.add(FixKind::SameElsewhere, tree);
        Ok(())
    }

    /// The files of the breaking edits as they were in the good version.
    fn restore(&mut self, good: TreeId) -> Result<(), SessionError> {
        let mut entries: Vec<Placed> = Vec::new();
        let paths: Vec<&str> =
            self.request.report.breaking_changes.iter().map(|change| change.path.as_str()).collect();
        for pair in self.workshop.shadow.repository().entry_pairs(self.head, good)? {
            let sides = [&pair.old, &pair.new];
            let named = sides
                .into_iter()
                .flatten()
                .any(|file| std::str::from_utf8(&file.path).is_ok_and(|path| paths.contains(&path)));
            if named {
                entries.extend(pair.old.map(|file| (file.path, None)));
                entries.extend(pair.new.map(|file| (file.path, Some((file.mode, file.id)))));
            }
        }
        entries.sort_by_key(|(_, entry)| entry.is_some());
        let tree = self.workshop.shadow.with_entries(self.head, &entries)?;
        self.add(FixKind::RestoreFiles, tree);
        Ok(())
    }
}

/// Whether a difference has the edits that a report speaks of.
fn are_the_same(difference: &Difference, narrowing: &Narrowing, changes: &[BreakingChange]) -> bool {
    difference.edits.len() == narrowing.edits
        && narrowing.breaking.len() == changes.len()
        && narrowing.breaking.iter().zip(changes).all(|(&edit, change)| {
            let proven =
                Proven { cause: change.cause, sufficient: change.sufficient, necessary: change.necessary };
            difference
                .edits
                .get(edit)
                .is_some_and(|edit| breaking_change(difference, edit, change.commit, proven) == *change)
        })
}

/// A text with every occurrence of a call replaced; None when there is none.
fn replaced(text: &[u8], call: &[u8], by: &[u8]) -> Option<Vec<u8>> {
    let is_part = |byte: u8| byte == b'_' || byte == b'.' || byte.is_ascii_alphanumeric();
    let mut new = Vec::new();
    let mut copied = 0;
    for at in memchr::memmem::find_iter(text, call) {
        let before = at.checked_sub(1).and_then(|before| text.get(before));
        if before.is_none_or(|&byte| !is_part(byte)) {
            new.extend_from_slice(&text[copied..at]);
            new.extend_from_slice(by);
            copied = at + call.len();
        }
    }
    (copied > 0).then(|| [new, text[copied..].to_vec()].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_calls_are_replaced() {
        let new = |text: &str| {
            replaced(text.as_bytes(), b"json.loads(f)", b"json.load(f)")
                .map(|new| String::from_utf8(new).unwrap())
        };
        assert_eq!(
            new("a = json.loads(f)\nb = json.loads(f)[0]\n").unwrap(),
            "a = json.load(f)\nb = json.load(f)[0]\n"
        );
        assert_eq!(new("a = my.json.loads(f)\nb = json.loads(g)\n"), None);
    }
}
