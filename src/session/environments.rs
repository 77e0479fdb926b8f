//! Environments of versions, as far as the session has to do with them.

use super::error::{EarlyExit, SessionError};
use super::range::SearchRange;
use super::state::Session;
use crate::graph::Node;
use crate::model::{CommitId, EventKind};
use crate::search::Observation;

impl Session<'_> {
    /// Let the executor make ready what the search comes to next: the own environment of the commit that will probably be named, once few
    /// are left; where nothing is shared, those of the next steps.
    pub(super) fn foresee(&mut self, hunt: &SearchRange) -> Result<(), EarlyExit> {
        /// So few are of one time as a rule, and need the same packages.
        const NEAR: usize = 4;
        /// With so few left, a trial is of a commit that will be named, as a rule.
        const DECIDING: usize = 3;
        if !self.workshop.executor.facts().prefetches {
            return Ok(());
        }
        let graph = &hunt.history.graph;
        let seen = |is: &dyn Fn(Observation) -> bool| {
            graph.nodes().filter(|&node| is(hunt.state.observed(node))).collect::<Vec<Node>>()
        };
        let mut open = hunt.state.candidates.clone();
        open.subtract(&graph.ancestors(seen(&|seen| seen.good > 0)));
        for bad in seen(&|seen| seen.bad > 0) {
            open.intersect_with(&graph.ancestors([bad]));
        }
        let mut nodes: Vec<Node> = open.iter().collect();
        self.sharing.is_deciding = nodes.len() <= DECIDING;
        if self.shares() {
            let middle = nodes.get(nodes.len() / 2).copied().filter(|_| nodes.len() <= NEAR);
            nodes = middle.into_iter().collect();
        }
        let commits: Vec<CommitId> = nodes.into_iter().map(|node| hunt.id(node)).collect();
        if self.foreseen != commits {
            let versions: Result<Vec<_>, SessionError> =
                commits.iter().map(|&commit| Ok((commit, self.trials.tree_of(commit)?))).collect();
            self.workshop.executor.prefetch(&versions?);
            self.foreseen = commits;
        }
        Ok(())
    }

    /// Tell of the environment that a version ran in, once each.
    pub(super) fn say_environment(&mut self, commit: CommitId) -> Result<(), EarlyExit> {
        let tree = self.trials.tree_of(commit)?;
        let facts = self.workshop.packages.and_then(|packages| packages.environment_of(commit, tree));
        if let Some(facts) = facts.filter(|facts| self.environments.insert(facts.key.clone())) {
            for note in &facts.notes {
                self.journal.note(note.clone())?;
            }
            self.journal.say(EventKind::Environment { first: commit, facts })?;
        }
        Ok(())
    }
}
