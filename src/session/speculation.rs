//! Narrowing that begins while the search still runs, in slots that the search leaves free.
//!
//! When one commit is probably the culprit, the first sets of edits that its narrowing will ask for are tried already.
//! These are ordinary trials of narrowing: when the suspect is proven, their results and those that still run are taken
//! over; when it is another, they are ended. A trial of the search never waits for one of them.

use super::error::EarlyExit;
use super::partial_tree::partial_tree;
use super::range::SearchRange;
use super::state::{Session, Speculation};
use crate::graph::Node;
use crate::model::{CommitId, TreeId, TrialKind};
use crate::search::{BeliefSummary, InformationGain};
use crate::triage::is_scripts_assertion;

/// How probable a suspect has to be.
const PROBABLE: f64 = 0.6;
/// Trials that have to be able to run at a time. With two, the search has use for both nearly always, and where it has not,
/// a trial more only slows down the one that decides.
const LEAST_SLOTS: usize = 3;

impl Session<'_> {
    /// Try the first edits of the probable culprit, as far as slots are free.
    pub(super) fn narrow_ahead(
        &mut self,
        strategy: &InformationGain,
        hunt: &SearchRange,
    ) -> Result<(), EarlyExit> {
        // Of these, the message decides, which is not known before the culprit is.
        let is_plain = !self.target.as_ref().is_some_and(is_scripts_assertion);
        let may = is_plain && self.narrows_culprits() && self.oracle.is_some() && self.unjudged.is_empty();
        if !may || self.trials.capacity() < LEAST_SLOTS || self.trials.free() == 0 {
            return Ok(());
        }
        let BeliefSummary { leading, .. } = strategy.belief(&hunt.history.graph, &hunt.state, 1, 1);
        let Some(&(suspect, _)) = leading.first().filter(|(_, probability)| *probability >= PROBABLE) else {
            return Ok(());
        };
        let Some(good) = self.below(hunt, suspect) else { return Ok(()) };
        let pair = (hunt.id(suspect), hunt.id(good));
        if self.may_be_only_shared(pair.0) {
            return Ok(());
        }
        if self.ahead.suspect != Some(pair) {
            self.forget_ahead()?;
            self.ahead.suspect = Some(pair);
            self.ahead.open = self.first_trees(pair)?;
        }
        while self.trials.free() > 0 && !self.ahead.open.is_empty() {
            let tree = self.ahead.open.remove(0);
            let id = self.start_tree(pair.0, tree, TrialKind::Narrowing)?;
            self.ahead.running.insert(id, tree);
        }
        Ok(())
    }

    /// The only parent of a suspect, when the suspect can be bad and the parent is good, or is being tried.
    fn below(&self, hunt: &SearchRange, suspect: Node) -> Option<Node> {
        let [parent] = *hunt.history.graph.parents(suspect) else { return None };
        let (here, below) = (hunt.state.observed(suspect), hunt.state.observed(parent));
        let may_be = here.good == 0 && (here.bad > 0 || hunt.state.running.contains(&suspect));
        let is_good = below.bad == 0 && (below.good > 0 || hunt.state.running.contains(&parent));
        (may_be && is_good).then_some(parent)
    }

    /// The trees that the narrowing of a suspect will ask for first.
    fn first_trees(&mut self, (bad, good): (CommitId, CommitId)) -> Result<Vec<TreeId>, EarlyExit> {
        let ends = (self.trials.tree_of(good)?, self.trials.tree_of(bad)?);
        let shadow = self.workshop.shadow;
        let Some(difference) = self.differences.between(shadow, ends.0, ends.1)? else {
            return Ok(Vec::new());
        };
        let search = self.narrowing_of(&difference, bad)?;
        let mut trees = Vec::new();
        for applied in search.next_sets(&search.initial_outcomes(), self.trials.capacity()) {
            let tree = partial_tree(shadow, &difference, ends.0, &applied)?;
            if tree != ends.0 && tree != ends.1 && !trees.contains(&tree) {
                trees.push(tree);
            }
        }
        Ok(trees)
    }

    /// End trials ahead of the search until so many slots are free.
    pub(super) fn make_room(&mut self, slots: usize) -> Result<(), EarlyExit> {
        while self.trials.free() < slots {
            let Some((id, tree)) = self.ahead.running.pop_last() else { break };
            self.dismiss(id)?;
            self.ahead.open.insert(0, tree);
        }
        Ok(())
    }

    /// The suspect is another one.
    pub(super) fn forget_ahead(&mut self) -> Result<(), EarlyExit> {
        let Speculation { running, .. } = std::mem::take(&mut self.ahead);
        for (id, _) in running {
            self.dismiss(id)?;
        }
        Ok(())
    }

    /// A pair is narrowed: what was begun for another one is ended.
    pub(super) fn take_over(&mut self, good: CommitId, bad: CommitId) -> Result<(), EarlyExit> {
        if self.ahead.suspect == Some((bad, good)) { Ok(()) } else { self.forget_ahead() }
    }
}
