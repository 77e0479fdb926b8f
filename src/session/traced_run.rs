//! With `--trace` the failing run is watched: what it read and executed tells where to search. Without, only the
//! text of the failure does, which tells nearly as much of a traceback and costs nothing.
//!
//! A program that is watched is slower, and could notice. So what the watched trial shows is used to steer; an
//! answer that rests on it waits until the same tree was run unwatched and did the same.

use super::FunctionTracer;
use super::error::EarlyExit;
use super::finished_trial::FinishedTrial;
use super::range::SearchRange;
use super::state::{Session, TracedRun, TracedVerdict};
use crate::graph::Node;
use crate::model::{CommitId, Conclusion, EventKind, TreeId, TrialId, TrialKind, Verdict};
use crate::search::SearchOutcome;

impl Session<'_> {
    /// Whether the next trial of a commit is to be watched: the first one of the bad commit.
    pub(super) fn is_to_be_watched(&self, commit: CommitId, purpose: TrialKind) -> bool {
        let is_first = !self.watch.is_asked;
        self.plan.watch && is_first && purpose == TrialKind::Endpoint && commit == self.plan.bad
    }

    /// Start the watched trial.
    pub(super) fn start_watched(&mut self, commit: CommitId, tree: TreeId) -> Result<TrialId, EarlyExit> {
        let recipe = FunctionTracer::watched(self.trials.recipe());
        let id = self.trials.start_recipe(commit, tree, TrialKind::Endpoint, recipe)?;
        self.watch = TracedRun { is_asked: true, trial: Some(id), ..TracedRun::default() };
        Ok(id)
    }

    /// Keep what the watched trial told, when it is the one that ended.
    pub(super) fn keep_watched(&mut self, done: &mut FinishedTrial) {
        if self.watch.trial == Some(done.id) {
            self.watch.functions = FunctionTracer::read(&done.output);
            done.output.files.clear();
        }
    }

    /// Whether this trial was the watched one, in which nothing failed: then it runs again, unwatched.
    pub(super) fn is_watched_in_vain(&mut self, id: TrialId) -> Result<bool, EarlyExit> {
        if self.watch.trial != Some(id) {
            return Ok(false);
        }
        self.watch.trial = None;
        self.journal.say(EventKind::TrialCancelled { trial: id })?;
        self.start(self.plan.bad, TrialKind::Endpoint)?;
        Ok(true)
    }

    /// Whether a verdict counts.
    pub(super) fn credit(
        &mut self,
        id: TrialId,
        commit: CommitId,
        purpose: TrialKind,
        verdict: &Verdict,
    ) -> Result<TracedVerdict, EarlyExit> {
        if !purpose.is_of_commit() {
            return Ok(TracedVerdict::Counts);
        }
        let tree = self.trials.tree_of(commit)?;
        let is_bad = matches!(verdict, Verdict::Bad);
        if self.watch.trial.take_if(|trial| *trial == id).is_some() {
            if !is_bad {
                self.start(commit, TrialKind::Endpoint)?;
                return Ok(TracedVerdict::Again);
            }
            self.watch.unconfirmed = Some(tree);
            return Ok(TracedVerdict::Counts);
        }
        if self.watch.unconfirmed.take_if(|watched| *watched == tree).is_some() && !is_bad {
            return Err(EarlyExit::Concluded(Conclusion::NotReproduced {
                reason: format!(
                    "at the bad commit {} the command fails in this way only while it is watched",
                    self.plan.bad.short()
                ),
                hint: Some("do not watch it: leave --trace out".to_owned()),
            }));
        }
        Ok(TracedVerdict::Counts)
    }

    fn is_seen_elsewhere(&self) -> bool {
        self.seen.iter().any(|(commit, seen)| *commit != self.plan.bad && seen.bad > 0)
    }

    /// Run unwatched what an outcome rests on and what only ran watched. Whether there is such a trial.
    pub(super) fn confirms(
        &mut self,
        hunt: &SearchRange,
        outcome: &SearchOutcome,
    ) -> Result<bool, EarlyExit> {
        let Some(watched) = self.watch.unconfirmed else { return Ok(false) };
        let node: Node = match outcome {
            SearchOutcome::Found { culprit, .. } => *culprit,
            // Elsewhere the failure was seen unwatched: so it is none of watching.
            SearchOutcome::Ambiguous { .. } if self.is_seen_elsewhere() => return Ok(false),
            SearchOutcome::Ambiguous { .. } => hunt.history.bad,
        };
        let commit = hunt.id(node);
        if self.trials.tree_of(commit)? != watched {
            return Ok(false);
        }
        if !self.runs_one_of(&[commit]) {
            self.start(commit, TrialKind::Proof)?;
        }
        Ok(true)
    }
}
