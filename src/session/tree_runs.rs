//! Runs of given trees, for commands that do not search: candidate fixes, both sides of a merge, the bad commit alone.
//!
//! They go through the queue of a search: what is recorded is not run again, a slot takes the next trial as soon as it is
//! free, and what happens is told, journalled and kept as it is of a search.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::finished_trial::FinishedTrial;
use super::journal::{Journal, TrialSays, started};
use super::resume::session_key;
use super::secrets::masked;
use super::trial_queue::Trials;
use super::{Plan, SessionContext, SessionError};
use crate::model::trial_line::TrialLine;
use crate::model::{
    CommitId, Event, EventKind, Termination, TreeId, TrialId, TrialKind, TrialOutput, TrialSpec, Verdict,
};
use crate::store::{OutcomeKey, SessionId, SessionKind, SessionState, Store};
use crate::triage::{CommandFacts, read};

/// A tree to run a command on.
#[derive(Debug, Clone)]
pub struct TreeRun {
    /// The commit that `HEAD` names there.
    pub commit: CommitId,
    /// The tree, with the overlay laid over it.
    pub tree: TreeId,
    /// What the tree is, for people.
    pub subject: String,
    /// What the run is for.
    pub purpose: TrialKind,
    /// How the command runs.
    pub recipe: Arc<TrialSpec>,
}

/// Where runs are journalled.
#[derive(Debug, Clone)]
pub enum JournalOf<'a> {
    /// In a session of their own, once there is one.
    Own(SessionKind),
    /// In a search that came to its end.
    Search(&'a SessionId),
}

/// The runs of one command; see [`with_tree_runs`].
pub struct TreeRuns<'a> {
    trials: Trials<'a>,
    journal: Journal<'a>,
    context: &'a SessionContext<'a>,
    plan: &'a Plan,
    /// The session of their own that begins with the first of them.
    own: Option<(SessionKind, OutcomeKey)>,
    has_begun: bool,
    log: Vec<TrialLine>,
}

impl std::fmt::Debug for TreeRuns<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TreeRuns").field("log", &self.log).finish_non_exhaustive()
    }
}

/// Do some work that runs trees, on threads that end with it. Events go to `listener`, in order, from this thread.
///
/// # Errors
/// Those of the work, and when the store fails.
pub fn with_tree_runs<T, E: From<SessionError>>(
    plan: &Plan,
    context: &SessionContext<'_>,
    journal: &JournalOf<'_>,
    listener: &mut dyn FnMut(&Event),
    work: impl FnOnce(&mut TreeRuns<'_>) -> Result<T, E>,
) -> Result<T, E> {
    let (session, own) = match journal {
        JournalOf::Search(session) => ((*session).clone(), None),
        JournalOf::Own(kind) => {
            let key = own_key(*kind, plan);
            (SessionId::of(key), Some((*kind, key)))
        }
    };
    let first = if own.is_some() { 0 } else { next_trial(context.store, &session)? };
    std::thread::scope(|scope| {
        let mut trials = Trials::new(scope, plan, context, plan.recipe.clone());
        trials.count_from(first);
        let journal = Journal::new(context.store, session, listener);
        let mut runs = TreeRuns { trials, journal, context, plan, own, has_begun: false, log: Vec::new() };
        let done = work(&mut runs);
        runs.close()?;
        done
    })
}

/// What makes such a session the same one: its command, and what makes a search of the plan the same.
fn own_key(kind: SessionKind, plan: &Plan) -> OutcomeKey {
    let of_plan = SessionId::of(session_key(plan));
    OutcomeKey::of_parts("runs/1", [kind.word(), of_plan.as_str()].map(std::ffi::OsStr::new))
}

/// The first number that no trial of a session has.
fn next_trial(store: &Store, session: &SessionId) -> Result<u64, SessionError> {
    let events = store.events(session)?;
    let numbers = events.iter().filter_map(|event| match event.kind {
        EventKind::TrialStarted { trial: TrialId(number), .. } => Some(number),
        _ => None,
    });
    Ok(numbers.max().map_or(0, |number| number + 1))
}

impl TreeRuns<'_> {
    /// Run these, as many at a time as there are slots; what came of each, in their order. Each is judged as it ends, with
    /// its place among these. One that the user stopped is [`Termination::Cancelled`].
    ///
    /// # Errors
    /// When the machine or the store fails.
    pub fn all(
        &mut self,
        asked: &[TreeRun],
        judge: &mut dyn FnMut(usize, &TrialOutput) -> Verdict,
    ) -> Result<Vec<TrialOutput>, SessionError> {
        let mut outputs = vec![TrialOutput::without_run(Termination::Cancelled); asked.len()];
        self.run(asked, judge, &mut |at, done, _| {
            outputs[at] = done.output;
            asked.len()
        })?;
        Ok(outputs)
    }

    /// The first of these that is judged good. What comes after it is not started, or ended.
    ///
    /// # Errors
    /// When the machine or the store fails.
    pub fn first_that_passes(
        &mut self,
        asked: &[TreeRun],
        judge: &mut dyn FnMut(usize, &TrialOutput) -> Verdict,
    ) -> Result<Option<usize>, SessionError> {
        let mut first = asked.len();
        self.run(asked, judge, &mut |at, _, verdict| {
            if *verdict == Verdict::Good {
                first = first.min(at);
            }
            first
        })?;
        Ok((first < asked.len()).then_some(first))
    }

    /// Run these. Whoever takes what came of one says how many of them are wanted now, from the first on.
    fn run(
        &mut self,
        asked: &[TreeRun],
        judge: &mut dyn FnMut(usize, &TrialOutput) -> Verdict,
        take: &mut dyn FnMut(usize, FinishedTrial, &Verdict) -> usize,
    ) -> Result<(), SessionError> {
        self.begin()?;
        let (mut next, mut wanted) = (0, asked.len());
        let mut running: BTreeMap<TrialId, usize> = BTreeMap::new();
        loop {
            while next < wanted && self.trials.free() > 0 && !self.context.cancel.is_cancelled() {
                running.insert(self.start(&asked[next])?, next);
                next += 1;
            }
            if running.is_empty() {
                return Ok(());
            }
            let Some(done) = self.trials.wait(None)? else {
                if self.context.cancel.is_cancelled() {
                    self.trials.drain()?;
                    self.dismiss(&mut running, 0)?;
                }
                continue;
            };
            // What was dismissed when it had ended already is not heard of.
            let Some(at) = running.remove(&done.id) else { continue };
            let verdict = judge(at, &done.output);
            self.tell(&done, &verdict, &asked[at])?;
            wanted = take(at, done, &verdict);
            self.dismiss(&mut running, wanted)?;
        }
    }

    /// End those that run and are not wanted any more.
    fn dismiss(&mut self, running: &mut BTreeMap<TrialId, usize>, wanted: usize) -> Result<(), SessionError> {
        let others: Vec<TrialId> =
            running.iter().filter(|(_, at)| **at >= wanted).map(|(&trial, _)| trial).collect();
        for trial in others {
            running.remove(&trial);
            self.trials.dismiss(trial);
            self.journal.say(EventKind::TrialCancelled { trial })?;
        }
        Ok(())
    }

    /// Each run that came to its end so far.
    pub fn log(&self) -> &[TrialLine] {
        &self.log
    }

    /// The session's id, once something ran.
    #[must_use]
    pub fn session(&self) -> Option<&SessionId> {
        self.has_begun.then(|| self.journal.session())
    }

    /// Trials that can run at the same time.
    #[must_use]
    pub const fn capacity(&self) -> usize {
        self.trials.capacity()
    }

    /// Hand on what a search says that this work asked for: it has a journal of its own.
    pub fn hand_on(&mut self, event: &Event) {
        self.journal.hand_on(event);
    }

    fn begin(&mut self) -> Result<(), SessionError> {
        if std::mem::replace(&mut self.has_begun, true) {
            return Ok(());
        }
        let (Some((kind, key)), store, plan) = (self.own, self.context.store, self.plan) else {
            return Ok(());
        };
        store.evict()?;
        store.begin_session_of(kind, key, &plan.repository, &plan.command_text)?;
        self.journal.say(started(plan, self.journal.session(), self.capacity()))
    }

    fn start(&mut self, run: &TreeRun) -> Result<TrialId, SessionError> {
        let (commit, recipe) = (run.commit, Arc::clone(&run.recipe));
        // Files that it writes are not recorded.
        let trial = if recipe.outputs.is_empty() {
            self.trials.start_with(commit, run.tree, run.purpose, recipe)?
        } else {
            self.trials.start_unrecorded(commit, run.tree, run.purpose, recipe)
        };
        self.journal.say(EventKind::TrialStarted {
            trial,
            commit,
            subject: run.subject.clone(),
            purpose: run.purpose,
            activity: self.trials.activity(trial),
        })?;
        Ok(trial)
    }

    fn tell(&mut self, done: &FinishedTrial, verdict: &Verdict, run: &TreeRun) -> Result<(), SessionError> {
        let command = CommandFacts::of(&run.recipe.command);
        let failures = || read(&masked(&done.output), &command).failures;
        let failure = if *verdict == Verdict::Good { None } else { failures().into_iter().next() };
        let line = TrialLine::of(done.commit, done.purpose, verdict, done.source);
        self.log.push(TrialLine { timing: done.output.timing, ..line });
        let verdict = verdict.clone();
        self.journal.say_finished(done, TrialSays { verdict, failure, likely: None, selected: false })
    }

    fn close(&self) -> Result<(), SessionError> {
        if !self.has_begun || self.own.is_none() {
            return Ok(());
        }
        let is_stopped = self.context.cancel.is_cancelled();
        let state = if is_stopped { SessionState::Interrupted } else { SessionState::Finished };
        self.journal.set_state(state)
    }
}
