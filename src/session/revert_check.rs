//! Commits after the would-be culprit that look like a revert of it.
//!
//! A search by halves can end in an earlier episode: broken, mended, broken again. Nothing that it saw
//! contradicts that. But the history often tells: what the culprit added is gone in a later commit and
//! back in bad, or gone for good. Such a commit is tested; if it passes, the search goes on after it.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use similar::{ChangeTag, DiffTag, TextDiff};

use super::error::EarlyExit;
use super::range::SearchRange;
use super::state::Session;
use crate::graph::Node;
use crate::model::{BlobId, CommitId};
use crate::search::SearchOutcome;

/// Files of the culprit that are looked at; more would cost more than the trial it may save.
const MOST_FILES: usize = 40;
/// A file larger than this is no source that somebody edits.
const LARGEST_FILE: usize = 1 << 20;
/// Commits that are tested on this suspicion.
const MOST_TESTED: usize = 3;

/// One hunk of the culprit's change: lines without surrounding space, blank ones left out.
#[derive(Debug, Default)]
struct Hunk {
    removed: Vec<String>,
    added: Vec<String>,
}

impl Hunk {
    /// Whether a file shows this change: its new lines are there, or, when it only removed, its old
    /// lines are not.
    fn is_in(&self, lines: &HashSet<&str>) -> bool {
        if self.added.is_empty() {
            !self.removed.iter().all(|line| lines.contains(line.as_str()))
        } else {
            self.added.iter().all(|line| lines.contains(line.as_str()))
        }
    }
}

impl Session<'_> {
    /// A commit to test before the outcome is believed. `checked` remembers what was asked for.
    pub(super) fn mender(
        &self,
        hunt: &SearchRange,
        outcome: &SearchOutcome,
        checked: &mut Vec<CommitId>,
    ) -> Result<Option<CommitId>, EarlyExit> {
        let SearchOutcome::Found { culprit, .. } = *outcome else { return Ok(None) };
        let graph = &hunt.history.graph;
        let mut after = graph.descendants([culprit]);
        after.remove(culprit);
        after.intersect_with(&graph.ancestors([hunt.state.bad]));
        let later: Vec<Node> = after.iter().collect();
        if later.is_empty() || checked.len() >= MOST_TESTED {
            return Ok(None);
        }
        let gone = self.first_without(hunt, culprit, &later)?;
        let fresh = gone
            .into_iter()
            .find(|&node| hunt.state.observed(node).runs() == 0 && !checked.contains(&hunt.id(node)));
        let fresh = fresh.map(|node| hunt.id(node));
        checked.extend(fresh);
        Ok(fresh)
    }

    /// Commits among `later` in which a hunk of the culprit is gone that bad has again, or all of them
    /// are gone for good; for each hunk the first.
    fn first_without(
        &self,
        hunt: &SearchRange,
        culprit: Node,
        later: &[Node],
    ) -> Result<Vec<Node>, EarlyExit> {
        let repository = self.workshop.repository;
        let mut found: Vec<Node> = Vec::new();
        let mut vanished: Vec<Option<Node>> = Vec::new();
        let changes = repository.changes_of(hunt.id(culprit))?;
        for change in changes.iter().take(MOST_FILES) {
            let hunks = self.hunks(change.old, change.new)?;
            if hunks.is_empty() {
                continue;
            }
            let states = self.states(hunt, later, &change.path, &hunks)?;
            for at in 0..hunks.len() {
                let without = |state: &&(Node, Vec<bool>)| !state.1[at];
                let first = states.iter().find(without).map(|state| state.0);
                let at_end = states.last().is_some_and(|state| state.1[at]);
                match first {
                    Some(node) if at_end => found.push(node),
                    _ => vanished.push(first),
                }
            }
        }
        // Everything that the culprit did is undone at the end, so the failure there has another source.
        if found.is_empty() && !vanished.is_empty() && vanished.iter().all(Option::is_some) {
            found.extend(vanished.into_iter().flatten().max());
        }
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }

    /// The hunks of a change of one file; none when it is no text of a usual size.
    fn hunks(&self, old: Option<BlobId>, new: Option<BlobId>) -> Result<Vec<Hunk>, EarlyExit> {
        let (Some(before), Some(after)) = (self.text(old)?, self.text(new)?) else { return Ok(Vec::new()) };
        let diff = TextDiff::from_lines(&before, &after);
        let mut hunks = Vec::new();
        for op in diff.ops().iter().filter(|op| op.tag() != DiffTag::Equal) {
            let mut hunk = Hunk::default();
            for change in diff.iter_changes(op) {
                let line = change.value().trim();
                match change.tag() {
                    ChangeTag::Insert if !line.is_empty() => hunk.added.push(line.to_owned()),
                    ChangeTag::Delete if !line.is_empty() => hunk.removed.push(line.to_owned()),
                    ChangeTag::Insert | ChangeTag::Delete | ChangeTag::Equal => {}
                }
            }
            if !hunk.added.is_empty() || !hunk.removed.is_empty() {
                hunks.push(hunk);
            }
        }
        Ok(hunks)
    }

    /// A blob as text; empty for a file that is not there, `None` for what is no usual text.
    pub(super) fn text(&self, blob: Option<BlobId>) -> Result<Option<String>, EarlyExit> {
        let Some(blob) = blob else { return Ok(Some(String::new())) };
        let Ok(bytes) = self.workshop.repository.blob(blob) else { return Ok(None) };
        let usual = bytes.len() <= LARGEST_FILE && !bytes.contains(&0);
        Ok(usual.then(|| String::from_utf8_lossy(&bytes).into_owned()))
    }

    /// For each commit, which hunks its version of the file shows. A commit without the file is left
    /// out: it may have been renamed.
    fn states(
        &self,
        hunt: &SearchRange,
        later: &[Node],
        path: &Path,
        hunks: &[Hunk],
    ) -> Result<Vec<(Node, Vec<bool>)>, EarlyExit> {
        let trees: Vec<_> = later.iter().map(|node| hunt.history.trees[node.index()]).collect();
        let blobs = self.workshop.repository.blobs_at(&trees, &PathBuf::from(path))?;
        let mut known: Vec<(BlobId, Vec<bool>)> = Vec::new();
        let mut states = Vec::new();
        for (&node, blob) in later.iter().zip(blobs) {
            let Some(blob) = blob else { continue };
            if let Some((_, state)) = known.iter().find(|(id, _)| *id == blob) {
                states.push((node, state.clone()));
                continue;
            }
            let Some(text) = self.text(Some(blob))? else { continue };
            let lines: HashSet<&str> = text.lines().map(str::trim).collect();
            let state: Vec<bool> = hunks.iter().map(|hunk| hunk.is_in(&lines)).collect();
            known.push((blob, state.clone()));
            states.push((node, state));
        }
        Ok(states)
    }
}
