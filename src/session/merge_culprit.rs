//! Culprits that are merges: each side passes, and what they make together fails.
//!
//! A merge is narrowed seen from its mainline, the first parent that passes, as `git revert -m` does: the edits are those
//! that it brought there. What the merge itself has, and neither side, is the first to be suspected (a conflict that
//! was solved wrongly, or a change that was slipped in). Where there is nothing of the kind, the sides do not fit
//! together, and the commit of the side that brought the breaking edit is named with it.

use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use super::attribution::{from_zero, touches};
use super::error::{EarlyExit, unless_broken};
use super::narrowing_result::NarrowingResult;
use super::range::SearchRange;
use super::state::Session;
use crate::graph::Node;
use crate::minimize::{EditList, EditSet};
use crate::model::CommitId;

impl Session<'_> {
    /// The parent of a culprit that it is narrowed against: the first one that passes, another when the difference to
    /// that one is no commit but a release.
    pub(super) fn parent_to_narrow_against(
        &mut self,
        hunt: &SearchRange,
        culprit: Node,
    ) -> Result<Option<Node>, EarlyExit> {
        let passes = |node: &Node| {
            let seen = hunt.state.observed(*node);
            seen.good > 0 && seen.bad == 0
        };
        let parents: Vec<Node> = hunt.history.graph.parents(culprit).iter().copied().filter(passes).collect();
        let [first, _, ..] = parents[..] else { return Ok(parents.first().copied()) };
        let bad = self.trials.tree_of(hunt.id(culprit))?;
        for parent in parents {
            let good = self.trials.tree_of(hunt.id(parent))?;
            if self.differences.between(self.workshop.shadow, good, bad)?.is_some() {
                return Ok(Some(parent));
            }
        }
        Ok(Some(first))
    }

    /// The edits of a merge that none of its sides has; none of a commit that is no merge.
    pub(super) fn made_in_merge(&self, difference: &EditList, bad: CommitId) -> Result<EditSet, EarlyExit> {
        let repository = self.workshop.repository;
        let parents = repository.info(bad)?.parents;
        let mut made = EditSet::default();
        if parents.len() < 2 {
            return Ok(made);
        }
        let trees =
            parents.iter().map(|&parent| repository.tree_of(parent)).collect::<Result<Vec<_>, _>>()?;
        for (at, edit) in difference.edits.iter().enumerate() {
            let Some(new) = &difference.files[edit.file].new else { continue };
            let text = new.text.as_deref().map(String::from_utf8_lossy);
            let path = Path::new(std::ffi::OsStr::from_bytes(&new.path));
            let mut is_own = true;
            for &tree in &trees {
                let there = repository.entry_at(tree, path)?;
                is_own &= there != Some(new.id);
                if let (true, Some(text), Some(there)) = (is_own, &text, there) {
                    let there = self.text(Some(there))?;
                    is_own = there.is_none_or(|there| touches(text, &there, &from_zero(&edit.lines)));
                }
            }
            if is_own {
                made.insert(at);
            }
        }
        Ok(made)
    }

    /// For each edit the commit that brought it, as far as that can be told: for those that a merge took from a side,
    /// a commit of that side.
    pub(super) fn bringers(
        &self,
        hunt: &SearchRange,
        culprit: Node,
        good: Node,
        narrowed: &NarrowingResult,
    ) -> Result<Vec<Option<CommitId>>, EarlyExit> {
        let NarrowingResult { difference, answer, .. } = narrowed;
        let graph = &hunt.history.graph;
        let mut commits = vec![Some(hunt.id(culprit)); difference.edits.len()];
        if graph.parents(culprit).len() < 2 {
            return Ok(commits);
        }
        let before = graph.ancestors([good]);
        let brought = graph.ancestors([culprit]);
        let set: Vec<(Node, f64)> =
            brought.iter().filter(|&node| !before.contains(node)).map(|node| (node, 0.0)).collect();
        for edit in answer.causes.iter().flat_map(EditSet::iter) {
            commits[edit] = unless_broken(self.bringer(hunt, &set, difference, edit))?.or(commits[edit]);
        }
        Ok(commits)
    }
}
