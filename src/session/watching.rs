//! Endpoints are watched while they run: what the failing run read and executed tells where to search.
//!
//! A program that is watched is slower, and could notice. So what a watched trial shows is used to steer; an
//! answer that rests on one waits until the same tree was run unwatched and did the same.

use std::collections::{HashMap, HashSet};

use super::Tracing;
use super::endpoints::Expected;
use super::find::{Session, Stop};
use super::search::Hunt;
use crate::graph::Node;
use crate::model::{CommitId, Conclusion, EventKind, Purpose, TreeId, TrialId, Verdict};
use crate::search::Outcome;

/// Which trials are watched, and what waits for one that is not.
#[derive(Debug, Default)]
pub(super) struct Watch {
    /// By endpoint, where its watched trial writes.
    tracings: HashMap<CommitId, Tracing>,
    trials: HashSet<TrialId>,
    /// Trees of which only a watched trial is known, and whether that was good.
    unconfirmed: HashMap<TreeId, bool>,
}

impl Watch {
    /// Where the watched trial of an endpoint writes.
    pub(super) fn of(&self, commit: CommitId) -> Option<&Tracing> {
        self.tracings.get(&commit)
    }
}

/// What becomes of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Credit {
    /// It counts.
    Counts,
    /// It was watched, and surprises: it runs again, unwatched.
    Again,
}

impl Session<'_> {
    /// Whether the next trial of a commit is to be watched: the first one of an endpoint.
    pub(super) fn is_to_be_watched(&self, commit: CommitId, purpose: Purpose) -> bool {
        self.plan.watch
            && purpose == Purpose::Endpoint
            && (commit == self.plan.bad || self.plan.good.contains(&commit))
            && !self.watch.tracings.contains_key(&commit)
    }

    /// Start a watched trial of an endpoint. `None` when there is no place to write to.
    pub(super) fn start_watched(&mut self, commit: CommitId, tree: TreeId) -> Result<Option<TrialId>, Stop> {
        let Ok(tracing) = Tracing::new() else { return Ok(None) };
        let recipe = tracing.watched(self.trials.recipe());
        let id = self.trials.start_recipe(commit, tree, Purpose::Endpoint, recipe)?;
        self.watch.tracings.insert(commit, tracing);
        self.watch.trials.insert(id);
        Ok(Some(id))
    }

    /// The target's trial was watched, and nothing failed: it runs again, unwatched.
    pub(super) fn is_watched_in_vain(&mut self, id: TrialId) -> Result<bool, Stop> {
        if !self.watch.trials.remove(&id) {
            return Ok(false);
        }
        self.journal.say(EventKind::TrialCancelled { trial: id })?;
        self.start(self.target_commit(), Purpose::Endpoint)?;
        Ok(true)
    }

    /// Whether a verdict counts, in the terms of the search.
    pub(super) fn credit(
        &mut self,
        id: TrialId,
        commit: CommitId,
        purpose: Purpose,
        verdict: &Verdict,
    ) -> Result<Credit, Stop> {
        if !purpose.is_of_commit() {
            return Ok(Credit::Counts);
        }
        let tree = self.trials.tree_of(commit)?;
        let is_good = match verdict {
            Verdict::Good => Some(true),
            Verdict::Bad => Some(false),
            Verdict::Skip(_) | Verdict::Abort(_) => None,
        };
        if self.watch.trials.remove(&id) {
            let expected = if commit == self.plan.bad { Expected::Bad } else { Expected::Good };
            if is_good != Some(expected == Expected::Good) {
                self.start(commit, Purpose::Endpoint)?;
                return Ok(Credit::Again);
            }
            self.watch.unconfirmed.insert(tree, expected == Expected::Good);
            return Ok(Credit::Counts);
        }
        match self.watch.unconfirmed.remove(&tree) {
            Some(watched) if is_good != Some(watched) => {
                let did = if watched { "passes" } else { "fails in this way" };
                Err(Stop::Concluded(Conclusion::NotReproduced {
                    reason: format!("at {} the command {did} only while it is watched", commit.short()),
                    hint: Some("do not watch it: --no-trace".to_owned()),
                }))
            }
            _ => Ok(Credit::Counts),
        }
    }

    /// Run unwatched what an outcome rests on and what only ran watched. Whether there is such a trial.
    pub(super) fn confirms(&mut self, hunt: &Hunt, outcome: &Outcome) -> Result<bool, Stop> {
        let nodes: Vec<Node> = match outcome {
            Outcome::Found { culprit, .. } => std::iter::once(*culprit)
                .chain(hunt.history.graph.parents(*culprit).iter().copied())
                .collect(),
            Outcome::Ambiguous { .. } => vec![hunt.history.bad],
        };
        let mut is_open = false;
        for node in nodes {
            let commit = hunt.id(node);
            let tree = self.trials.tree_of(commit)?;
            if self.watch.unconfirmed.contains_key(&tree) {
                is_open = true;
                if !self.runs_one_of(&[commit]) {
                    self.start(commit, Purpose::Proof)?;
                }
            }
        }
        Ok(is_open)
    }
}
