//! What might mend it, as trees on top of a commit (with the overlay laid over them, as in every trial).

use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use super::breaking_change::{Proven, breaking_change};
use super::fix_task::FixTask;
use super::narrow::STOPPED;
use super::package_pins::{PinnedFiles, held_back};
use super::partial_tree::{difference_between, narrowable_between, partial_tree};
use super::{SessionContext, SessionError, Trees};
use crate::git::{MergeOutcome, TreeEdit};
use crate::minimize::{EditList, EditSet};
use crate::model::{BreakingChange, FixKind, NarrowingSummary, TreeId};

/// A tree to test.
#[derive(Debug, Clone, Copy)]
pub(super) struct Candidate {
    pub(super) kind: FixKind,
    pub(super) tree: TreeId,
}

/// The places where candidates are made.
struct FixBuilder<'a> {
    workshop: &'a SessionContext<'a>,
    task: &'a FixTask,
    head: TreeId,
    made: Vec<Candidate>,
    left_out: Vec<String>,
}

/// The candidates, each tree once, and those that cannot be made.
pub(super) fn candidates(
    workshop: &SessionContext<'_>,
    trees: &mut Trees<'_>,
    task: &FixTask,
) -> Result<(Vec<Candidate>, Vec<String>), SessionError> {
    let head = trees.tree_of(task.onto)?;
    let mut ground = FixBuilder { workshop, task, head, made: Vec::new(), left_out: Vec::new() };
    ground.hold_back()?;
    if let Some(NarrowingSummary { good: Some(good), bad: Some(bad), .. }) = &task.report.narrowing {
        ground.undo(trees.tree_of(*good)?, trees.tree_of(*bad)?)?;
        ground.same_elsewhere()?;
        if let Some(merge) = task.report.culprits.first().filter(|culprit| culprit.commit.id == *bad) {
            for &other in merge.commit.parents.iter().filter(|parent| *parent != good) {
                ground.follow(trees.tree_of(*good)?, trees.tree_of(*bad)?, trees.tree_of(other)?)?;
            }
        }
        ground.restore(trees.tree_of(*good)?)?;
    }
    // Where packages are to blame, no edit was looked for.
    if task.report.narrowing.is_none() && !task.report.culprits.is_empty() {
        let was_stopped = task.report.notes.iter().any(|note| note == STOPPED);
        let why = if was_stopped {
            "the search was stopped before it was found; run the same pybisect find again"
        } else {
            "the search did not find it, or did not look for it"
        };
        ground.left_out.push(format!("{}: {why}", FixKind::UndoEdits.phrase()));
    }
    if let Some(culprit) = task.report.culprits.first()
        && let Some(parent) = task.report.mainline(&culprit.commit.parents)
    {
        ground.merge(FixKind::RevertCommit, trees.tree_of(culprit.commit.id)?, trees.tree_of(parent)?)?;
    }
    Ok((ground.made, ground.left_out))
}

impl FixBuilder<'_> {
    fn add(&mut self, kind: FixKind, tree: TreeId) {
        if tree != self.head && !self.made.iter().any(|candidate| candidate.tree == tree) {
            self.made.push(Candidate { kind, tree });
        }
    }

    /// The packages whose releases broke it held back, in the files that declare them.
    fn hold_back(&mut self) -> Result<(), SessionError> {
        let packages = &self.task.report.packages;
        let mut constraints: Vec<String> =
            packages.iter().filter_map(|package| package.constraint.clone()).collect();
        constraints.sort();
        constraints.dedup();
        if constraints.is_empty() {
            return Ok(());
        }
        let sources: Vec<String> = packages
            .iter()
            .filter_map(|package| package.edit.as_ref().map(|edit| edit.path.clone()))
            .chain(self.task.report.environments.iter().flat_map(|facts| facts.sources.clone()))
            .collect();
        let shadow = self.workshop.shadow;
        let repository = shadow.repository();
        let PinnedFiles { files, edits } = held_back(repository, self.head, &sources, &constraints)?;
        for (constraint, _) in constraints.iter().zip(&edits).filter(|(_, edit)| edit.is_none()) {
            self.left_out.push(format!(
                "{}: no file declares it; where you install from: {constraint}",
                FixKind::HoldBack.phrase()
            ));
        }
        let mut entries: Vec<TreeEdit> = Vec::new();
        for (path, text) in files {
            let mode = repository.mode_at(self.head, path.as_bytes())?;
            entries.push((path.into_bytes(), Some((mode, shadow.write_blob(text.as_bytes())?))));
        }
        let tree = shadow.with_entries(self.head, &entries)?;
        self.add(FixKind::HoldBack, tree);
        Ok(())
    }

    /// Put the change from one tree to another onto the head.
    fn merge(&mut self, kind: FixKind, from: TreeId, to: TreeId) -> Result<(), SessionError> {
        match self.workshop.shadow.merge(from, self.head, to)? {
            MergeOutcome::Clean(tree) => self.add(kind, tree),
            MergeOutcome::Conflicts(paths) => {
                let places = paths.join(", ");
                self.left_out
                    .push(format!("{}: later commits changed the same lines of {places}", kind.phrase()));
            }
        }
        Ok(())
    }

    /// The bad version without the breaking edits, and without those that rest on them.
    fn undo(&mut self, good: TreeId, bad: TreeId) -> Result<(), SessionError> {
        let report = &self.task.report;
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
        let (Some(undone), [change]) = (undone.copied(), self.task.report.breaking_changes.as_slice()) else {
            return Ok(());
        };
        let (Some(before), Some(after)) = (&change.before, &change.after) else { return Ok(()) };
        if change.callee_before == change.callee_after || after.contains('\n') || !change.calls.is_empty() {
            return Ok(());
        }
        let shadow = self.workshop.shadow;
        let repository = shadow.repository();
        let mut entries: Vec<TreeEdit> = Vec::new();
        let is_python = |path: &Path| path.extension().is_some_and(|extension| extension == "py");
        for (path, id) in repository.files(undone.tree, is_python)? {
            let Ok(text) = repository.blob(id) else { continue };
            let Some(mended) = replaced(&text, after.as_bytes(), before.as_bytes()) else { continue };
            let path = path.as_os_str().as_bytes();
            let mode = repository.mode_at(undone.tree, path)?;
            entries.push((path.to_vec(), Some((mode, shadow.write_blob(&mended)?))));
        }
        let tree = shadow.with_entries(undone.tree, &entries)?;
        self.add(FixKind::SameElsewhere, tree);
        Ok(())
    }

    /// The sides of a merge do not fit: where it brought calls to the mainline (the good version) as they were before
    /// the mainline changed all that it had, those are changed in the same way. `other` is the side that brought them.
    fn follow(&mut self, good: TreeId, bad: TreeId, other: TreeId) -> Result<(), SessionError> {
        let shadow = self.workshop.shadow;
        let repository = shadow.repository();
        let Some(followed) = narrowable_between(shadow, other, bad)? else { return Ok(()) };
        let mut renamed: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
        for change in followed.edits.iter().flat_map(|edit| &edit.calls) {
            if let (Some(old), Some(new)) = (&change.before, &change.after)
                && let (Some(old_name), Some(new_name)) = (called(&old.text), called(&new.text))
                && old.callee != new.callee
                && old_name != new_name
            {
                renamed.insert(old_name.into(), new_name.into());
            }
        }
        let brought = self.breaking_texts(&difference_between(shadow, good, bad)?);
        renamed.retain(|old, new| brought.iter().any(|text| replaced(text, old, new).is_some()));
        if renamed.is_empty() {
            return Ok(());
        }
        let mut entries: Vec<TreeEdit> = Vec::new();
        for file in repository.entry_pairs(good, bad)?.into_iter().filter_map(|pair| pair.new) {
            let path = Path::new(std::ffi::OsStr::from_bytes(&file.path));
            let Some(id) = repository.entry_at(self.head, path)?.filter(|_| file.path.ends_with(b".py"))
            else {
                continue;
            };
            let Ok(before) = repository.blob(id) else { continue };
            let mut text = before.clone();
            for (old, new) in &renamed {
                text = replaced(&text, old, new).unwrap_or(text);
            }
            if text != before {
                let mode = repository.mode_at(self.head, &file.path)?;
                entries.push((file.path, Some((mode, shadow.write_blob(&text)?))));
            }
        }
        let tree = shadow.with_entries(self.head, &entries)?;
        self.add(FixKind::FollowOtherSide, tree);
        Ok(())
    }

    /// What the breaking edits bring.
    fn breaking_texts(&self, difference: &EditList) -> Vec<Vec<u8>> {
        let report = &self.task.report;
        let Some(narrowing) = &report.narrowing else { return Vec::new() };
        if !are_the_same(difference, narrowing, &report.breaking_changes) {
            return Vec::new();
        }
        let edits = narrowing.breaking.iter().filter_map(|&edit| difference.edits.get(edit));
        edits.map(|edit| edit.new.clone()).collect()
    }

    /// The files of the breaking edits as they were in the good version.
    fn restore(&mut self, good: TreeId) -> Result<(), SessionError> {
        let mut entries: Vec<TreeEdit> = Vec::new();
        let paths: Vec<&str> =
            self.task.report.breaking_changes.iter().map(|change| change.path.as_str()).collect();
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
fn are_the_same(difference: &EditList, narrowing: &NarrowingSummary, changes: &[BreakingChange]) -> bool {
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

/// What a call calls, as written, with its parenthesis.
fn called(text: &str) -> Option<&str> {
    text.find('(').filter(|&at| at > 0).map(|at| &text[..=at])
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
