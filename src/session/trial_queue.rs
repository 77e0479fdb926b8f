//! Trials as the session sees them: asked for by commit, answered from the record where the outcome
//! is known, run otherwise, and recorded as they end.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::thread::Scope;
use std::time::{Duration, Instant};

use super::dispatcher::{Dispatcher, Running};
use super::finished_trial::{FinishedTrial, UntimedTrial};
use super::secrets::{Secrets, masked};
use super::{Plan, SessionContext, SessionError, Trees};
use crate::executor::PackageSource;
use crate::model::trial_line::OutcomeSource;
use crate::model::{
    CommitId, PackageSelection, Termination, Timing, TreeId, Trial, TrialActivity, TrialId, TrialKind,
    TrialOutput, TrialSpec,
};
use crate::store::{OutcomeKey, Store};

/// Everything that runs or is known.
pub(super) struct Trials<'a> {
    dispatcher: Dispatcher,
    packages: Option<&'a dyn PackageSource>,
    store: &'a Store,
    trees: Trees<'a>,
    recipe: Arc<TrialSpec>,
    environment: String,
    fresh: bool,
    /// Recorded outcomes by key, without those that this session has used.
    records: HashMap<OutcomeKey, VecDeque<TrialOutput>>,
    /// What this session has used so far, in order.
    used: HashMap<OutcomeKey, Vec<TrialOutput>>,
    /// What it had used when the target became another one: this many results are to be had once more.
    replays: HashMap<OutcomeKey, usize>,
    ready: VecDeque<FinishedTrial>,
    next_id: u64,
    started: usize,
    secrets: Secrets,
}

impl<'a> Trials<'a> {
    /// The trials of a plan, run by this recipe, on threads that end with the scope.
    pub(super) fn new<'scope>(
        scope: &'scope Scope<'scope, 'a>,
        plan: &Plan,
        workshop: &SessionContext<'a>,
        recipe: TrialSpec,
    ) -> Self {
        let secrets = Secrets::of(&recipe.environment);
        Self {
            dispatcher: Dispatcher::new(scope, workshop.executor, workshop.cancel),
            packages: workshop.packages,
            store: workshop.store,
            trees: Trees::new(plan, workshop),
            recipe: Arc::new(recipe),
            environment: plan.environment_key.clone(),
            fresh: plan.fresh,
            records: HashMap::new(),
            used: HashMap::new(),
            replays: HashMap::new(),
            ready: VecDeque::new(),
            next_id: 0,
            started: 0,
            secrets,
        }
    }

    /// Number trials from here on.
    pub(super) const fn count_from(&mut self, first: u64) {
        self.next_id = first;
    }

    /// Slots without a trial.
    pub(super) fn free(&self) -> usize {
        self.dispatcher.free()
    }

    /// Trials that can run at the same time.
    pub(super) const fn capacity(&self) -> usize {
        self.dispatcher.capacity()
    }

    /// Trials that were started or answered so far.
    pub(super) const fn started(&self) -> usize {
        self.started
    }

    /// What a trial does at the moment; nothing when it does not run.
    pub(super) fn activity(&self, id: TrialId) -> TrialActivity {
        self.dispatcher.activity(id)
    }

    /// Whether nothing runs and no answer waits.
    pub(super) fn is_idle(&self) -> bool {
        self.ready.is_empty() && self.dispatcher.running().next().is_none()
    }

    /// Trials that run now: number, commit, since when.
    pub(super) fn running(&self) -> impl Iterator<Item = (TrialId, CommitId, TrialKind, Instant)> {
        self.dispatcher
            .running()
            .map(|running| (running.trial.id, running.trial.commit, running.trial.purpose, running.since))
    }

    /// Those of them that run a commit's own tree.
    pub(super) fn of_commits(&self) -> impl Iterator<Item = (TrialId, CommitId, TrialKind)> {
        self.running()
            .map(|(id, commit, purpose, _)| (id, commit, purpose))
            .filter(|(.., of)| of.is_of_commit())
    }

    /// Those of these that were started before there was a limit of time.
    pub(super) fn unlimited(&self) -> Vec<UntimedTrial> {
        let unlimited = |running: &&Running| {
            running.trial.purpose.is_of_commit() && running.trial.recipe.timeout.is_none()
        };
        let found = self.dispatcher.running().filter(unlimited);
        found
            .map(|Running { trial, since, .. }| UntimedTrial {
                id: trial.id,
                commit: trial.commit,
                purpose: trial.purpose,
                since: *since,
                runs_since: trial.activity.runs_since(),
            })
            .collect()
    }

    /// From now on, trials may take this long.
    pub(super) fn limit(&mut self, limit: Duration) {
        let mut recipe = TrialSpec::clone(&self.recipe);
        recipe.timeout = Some(limit);
        self.recipe = Arc::new(recipe);
    }

    /// From now on, trials run with these packages. With which they ran before.
    pub(super) fn with_packages(&mut self, packages: PackageSelection) -> PackageSelection {
        let mut recipe = TrialSpec::clone(&self.recipe);
        let before = std::mem::replace(&mut recipe.packages, packages);
        self.recipe = Arc::new(recipe);
        before
    }

    /// Run with another seed from now on.
    pub(super) fn with_hash_seed(&mut self, seed: u32) {
        let mut recipe = TrialSpec::clone(&self.recipe);
        recipe.hash_seed = Some(seed);
        self.recipe = Arc::new(recipe);
    }

    /// How trials run now.
    pub(super) fn recipe(&self) -> &TrialSpec {
        &self.recipe
    }

    /// The tree that a trial of a commit checks out.
    pub(super) fn tree_of(&mut self, commit: CommitId) -> Result<TreeId, SessionError> {
        self.trees.tree_of(commit)
    }

    /// The files that were laid into trees since this was asked last, for people.
    pub(super) fn made(&mut self) -> Vec<String> {
        self.trees.made()
    }

    /// Ask for a trial of a tree, with this commit as `HEAD`. Answers at once (through
    /// [`wait`](Self::wait)) when an outcome is recorded that this session has not used yet.
    pub(super) fn start_tree(
        &mut self,
        commit: CommitId,
        tree: TreeId,
        purpose: TrialKind,
    ) -> Result<TrialId, SessionError> {
        self.start_with(commit, tree, purpose, Arc::clone(&self.recipe))
    }

    /// The same with other packages than the tree's own.
    pub(super) fn start_packages(
        &mut self,
        commit: CommitId,
        tree: TreeId,
        purpose: TrialKind,
        packages: PackageSelection,
    ) -> Result<TrialId, SessionError> {
        let recipe = TrialSpec { packages, ..TrialSpec::clone(&self.recipe) };
        self.start_recipe(commit, tree, purpose, recipe)
    }

    /// The same with a recipe of its own.
    pub(super) fn start_recipe(
        &mut self,
        commit: CommitId,
        tree: TreeId,
        purpose: TrialKind,
        recipe: TrialSpec,
    ) -> Result<TrialId, SessionError> {
        self.start_with(commit, tree, purpose, Arc::new(recipe))
    }

    /// The same with a recipe that others have, too.
    pub(super) fn start_with(
        &mut self,
        commit: CommitId,
        tree: TreeId,
        purpose: TrialKind,
        recipe: Arc<TrialSpec>,
    ) -> Result<TrialId, SessionError> {
        let id = self.number();
        let key = self.key(commit, tree, &recipe);
        let limit = recipe.timeout;
        let known = self.record(key)?;
        let at = known.iter().position(|output| holds(output, limit));
        match at.and_then(|at| known.remove(at)) {
            Some(mut output) => {
                let is_replay = self.take_replay(key);
                if !is_replay {
                    self.used.entry(key).or_default().push(output.clone());
                }
                let ran = ran(&output);
                output.timing = Timing::default();
                let source = if is_replay { OutcomeSource::Replayed } else { OutcomeSource::Reused };
                self.ready.push_back(FinishedTrial { id, commit, purpose, output, source, ran });
            }
            None => self.run(id, key, commit, tree, purpose, recipe),
        }
        Ok(id)
    }

    /// The same of a recipe whose outcome no record has whole: it runs in any case.
    pub(super) fn start_unrecorded(
        &mut self,
        commit: CommitId,
        tree: TreeId,
        purpose: TrialKind,
        recipe: Arc<TrialSpec>,
    ) -> TrialId {
        let id = self.number();
        let key = self.key(commit, tree, &recipe);
        self.run(id, key, commit, tree, purpose, recipe);
        id
    }

    /// The number of a trial that begins.
    const fn number(&mut self) -> TrialId {
        let id = TrialId(self.next_id);
        self.next_id += 1;
        self.started += 1;
        id
    }

    fn run(
        &mut self,
        id: TrialId,
        key: OutcomeKey,
        commit: CommitId,
        tree: TreeId,
        purpose: TrialKind,
        recipe: Arc<TrialSpec>,
    ) {
        let repeat = self.repeats(key, tree, &recipe);
        let activity = TrialActivity::default();
        self.dispatcher.start(Trial {
            id,
            commit,
            tree,
            purpose,
            recipe,
            environment: None,
            repeat,
            attempt: 0,
            activity,
        });
    }

    /// How often this session ran or used a trial of this key before, or does so now.
    fn repeats(&self, key: OutcomeKey, tree: TreeId, recipe: &TrialSpec) -> u32 {
        let used = self.used.get(&key).map_or(0, Vec::len);
        let is_same = |trial: &Trial| {
            let other = &trial.recipe;
            trial.tree == tree && other.command == recipe.command && other.packages == recipe.packages
        };
        let running = self.dispatcher.running().filter(|running| is_same(&running.trial));
        u32::try_from(used + running.count()).unwrap_or(u32::MAX)
    }

    /// What identifies the outcome of a trial. The environment counts as far as it is known before the trial.
    fn key(&self, commit: CommitId, tree: TreeId, recipe: &TrialSpec) -> OutcomeKey {
        match self.packages {
            Some(packages) => {
                let environment = packages.environment_key(&self.environment, commit, tree, recipe);
                OutcomeKey::new(tree, recipe, &environment)
            }
            None => OutcomeKey::new(tree, recipe, &self.environment),
        }
    }

    fn record(&mut self, key: OutcomeKey) -> Result<&mut VecDeque<TrialOutput>, SessionError> {
        use std::collections::hash_map::Entry;
        match self.records.entry(key) {
            Entry::Occupied(entry) => Ok(entry.into_mut()),
            Entry::Vacant(entry) => {
                let mut known = if self.fresh { Vec::new() } else { self.store.outcomes(key)? };
                // Of earlier versions, which kept those.
                known.retain(|output| !lacks_program(output));
                Ok(entry.insert(known.into()))
            }
        }
    }

    /// The target is another one: all that this session has seen is to be had again, before what else is recorded.
    pub(super) fn replay(&mut self) {
        let keys: Vec<OutcomeKey> = self.used.keys().copied().collect();
        keys.into_iter().for_each(|key| self.replay_one(key));
    }

    fn replay_one(&mut self, key: OutcomeKey) {
        let Some(outputs) = self.used.get(&key) else { return };
        let record = self.records.entry(key).or_default();
        // Of what was to be had again before, the rest is still there.
        let left = self.replays.get(&key).copied().unwrap_or_default();
        record.drain(..left.min(record.len()));
        for output in outputs.iter().rev() {
            record.push_front(output.clone());
        }
        self.replays.insert(key, outputs.len());
    }

    /// Count a result from the record; whether this session had it before.
    fn take_replay(&mut self, key: OutcomeKey) -> bool {
        match self.replays.get_mut(&key).filter(|left| **left > 0) {
            Some(left) => {
                *left -= 1;
                true
            }
            None => false,
        }
    }

    /// Whether the next trial of a commit would be answered from the record.
    pub(super) fn is_known(&mut self, commit: CommitId) -> Result<bool, SessionError> {
        let recipe = Arc::clone(&self.recipe);
        self.is_known_with(commit, &recipe)
    }

    /// The same of a recipe of its own.
    pub(super) fn is_known_with(
        &mut self,
        commit: CommitId,
        recipe: &TrialSpec,
    ) -> Result<bool, SessionError> {
        let tree = self.trees.tree_of(commit)?;
        let key = self.key(commit, tree, recipe);
        let limit = recipe.timeout;
        Ok(self.record(key)?.iter().any(|output| holds(output, limit)))
    }

    /// Whether an answer waits to be taken.
    pub(super) fn has_answer(&self) -> bool {
        !self.ready.is_empty()
    }

    /// End a running trial that nobody needs. Whether it was running.
    pub(super) fn dismiss(&mut self, id: TrialId) -> bool {
        self.dispatcher.dismiss(id).is_some()
    }

    /// Results that wait to be taken are not wanted any more.
    pub(super) fn forget_answers(&mut self) {
        self.ready.clear();
    }

    /// Results that were taken too early: they come first again.
    pub(super) fn put_back(&mut self, results: Vec<FinishedTrial>) {
        for done in results.into_iter().rev() {
            self.ready.push_front(done);
        }
    }

    /// The next result. `None` when nothing runs, `until` passes first, or the user interrupts.
    pub(super) fn wait(&mut self, until: Option<Instant>) -> Result<Option<FinishedTrial>, SessionError> {
        if let Some(done) = self.ready.pop_front() {
            return Ok(Some(done));
        }
        let Some((trial, result)) = self.dispatcher.wait(until) else { return Ok(None) };
        let mut output = self.secrets.hide(result?);
        // They are the caller's alone.
        let files = std::mem::take(&mut output.files);
        self.keep(&trial, &output)?;
        if output.ending != Termination::Cancelled {
            let key = self.key(trial.commit, trial.tree, &trial.recipe);
            self.used.entry(key).or_default().push(output.clone());
        }
        output.files = files;
        Ok(Some(FinishedTrial {
            id: trial.id,
            commit: trial.commit,
            purpose: trial.purpose,
            ran: ran(&output),
            output,
            source: OutcomeSource::Ran,
        }))
    }

    /// Whether it is recorded that a commit's trial was ended after this time or a longer one.
    pub(super) fn is_known_to_hang(
        &mut self,
        commit: CommitId,
        limit: Duration,
    ) -> Result<bool, SessionError> {
        let tree = self.trees.tree_of(commit)?;
        if self.fresh {
            return Ok(false);
        }
        // Not among `records`: without a limit, time-outs are left out there.
        let known = self.store.outcomes(self.key(commit, tree, &self.recipe))?;
        Ok(known.iter().any(|output| match output.ending {
            Termination::TimedOut { after_ms } => limit.as_millis() <= u128::from(after_ms),
            _ => false,
        }))
    }

    /// End a trial whose time is over, with this as its result, and record it unless it is recorded.
    pub(super) fn end_overdue(
        &mut self,
        id: TrialId,
        output: &TrialOutput,
        is_recorded: bool,
    ) -> Result<(), SessionError> {
        let Some(trial) = self.dispatcher.dismiss(id) else { return Ok(()) };
        let key = self.key(trial.commit, trial.tree, &trial.recipe);
        self.used.entry(key).or_default().push(output.clone());
        if is_recorded { Ok(()) } else { self.keep(&trial, output) }
    }

    /// After an interrupt: record whatever still came to a result.
    pub(super) fn drain(&mut self) -> Result<(), SessionError> {
        for (trial, output) in self.dispatcher.drain() {
            let output = self.secrets.hide(output);
            self.keep(&trial, &output)?;
        }
        Ok(())
    }

    fn keep(&self, trial: &Trial, output: &TrialOutput) -> Result<(), SessionError> {
        // A cancelled trial says nothing; a full disk or a missing program is not the tree's doing.
        if matches!(
            output.ending,
            Termination::Cancelled
                | Termination::NoTree { .. }
                | Termination::NoEnvironment { .. }
                | Termination::MachineFailed { .. }
        ) {
            return Ok(());
        }
        if lacks_program(output) {
            return Ok(());
        }
        // Nor is a failure in a tree that lacked something: what is fetched meanwhile may mend it.
        if !output.notes.is_empty() && output.ending != (Termination::Exited { code: 0 }) {
            return Ok(());
        }
        let key = self.key(trial.commit, trial.tree, &trial.recipe);
        Ok(self.store.add_outcome(key, trial.commit, &masked(output))?)
    }
}

/// Whether the command could not be started for want of a program: once that is installed, the same trial says something.
fn lacks_program(output: &TrialOutput) -> bool {
    matches!(output.ending, Termination::NotStarted { .. } | Termination::Exited { code: 126 | 127 })
}

fn ran(output: &TrialOutput) -> Duration {
    Duration::try_from_secs_f64(output.timing.run_ms / 1e3).unwrap_or_default()
}

/// Whether an outcome is one under the limit that holds now: one that ran into a shorter limit may come to another
/// end with more time.
fn holds(output: &TrialOutput, limit: Option<Duration>) -> bool {
    match output.ending {
        Termination::TimedOut { after_ms } => {
            limit.is_some_and(|limit| limit.as_millis() <= u128::from(after_ms))
        }
        _ => true,
    }
}
