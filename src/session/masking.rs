//! Which edits of a culprit hide the failure that it brought.

use std::collections::HashMap;

use super::breaking_change::{Proven, breaking_change};
use super::error::EarlyExit;
use super::narrowing_result::{NarrowingResult, NarrowingTask};
use super::partial_tree::difference_between;
use super::state::Session;
use crate::minimize::{Edit, EditOutcome, EditSet};
use crate::model::{BreakingChange, CommitId, EventKind, FailureSignature, Verdict};

/// Trials that naming what hides a failure is worth: the culprit is proven without it.
const BUDGET: usize = 6;

impl Session<'_> {
    /// The edits of a commit without which it fails in the target's way, though as a whole it fails otherwise. Empty when
    /// that cannot be had with few trials.
    pub(super) fn what_hides(
        &mut self,
        narrowed: &NarrowingResult,
        culprit: CommitId,
    ) -> Result<Vec<BreakingChange>, EarlyExit> {
        let info = self.workshop.repository.info(culprit)?;
        let (Some(failure), [parent]) = (self.other_failure_at(culprit), info.parents.as_slice()) else {
            return Ok(Vec::new());
        };
        // Only there is it known that the version before the commit passes.
        if *parent != narrowed.good {
            return Ok(Vec::new());
        }
        let trees = (self.trials.tree_of(*parent)?, self.trials.tree_of(culprit)?);
        let difference = difference_between(self.workshop.shadow, trees.0, trees.1)?;
        let causes = narrowed.answer.causes.iter().flat_map(EditSet::iter);
        let causes: Vec<&Edit> = causes.map(|edit| &narrowed.difference.edits[edit]).collect();
        let is_cause =
            |edit: &Edit| causes.iter().any(|cause| cause.old == edit.old && cause.new == edit.new);
        let cause: EditSet =
            (0..difference.edits.len()).filter(|&edit| is_cause(&difference.edits[edit])).collect();
        if cause.len() < causes.len() {
            return Ok(Vec::new());
        }
        let search = difference.search(Some(&failure), &|_, _| 1.0).for_masking_edits(cause);
        let ends = HashMap::from([(trees.0, EditOutcome::Passes), (trees.1, EditOutcome::Unresolved)]);
        let ground = NarrowingTask {
            difference: &difference,
            search: &search,
            good: trees.0,
            head: culprit,
            budget: BUDGET,
        };
        let answer = self.explore(&ground, ends, &mut search.initial_outcomes(), &mut 0)?;
        let hiding = answer
            .into_iter()
            .flat_map(|answer| answer.causes)
            .flat_map(|set| set.iter().collect::<Vec<_>>());
        let nothing_of_its_own = Proven { cause: 0, sufficient: false, necessary: false };
        Ok(hiding
            .map(|edit| {
                breaking_change(&difference, &difference.edits[edit], Some(culprit), nothing_of_its_own)
            })
            .collect())
    }

    /// The failure of a commit that was skipped for it.
    fn other_failure_at(&self, commit: CommitId) -> Option<FailureSignature> {
        self.journal.events().iter().find_map(|event| match &event.kind {
            EventKind::TrialFinished(done)
                if done.commit == commit
                    && done.purpose.is_of_commit()
                    && matches!(done.verdict, Verdict::Skip(_)) =>
            {
                done.failure.clone()
            }
            _ => None,
        })
    }
}
