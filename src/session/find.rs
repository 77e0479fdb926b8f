//! From a plan to a conclusion.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::Plan;
use super::call_evidence::ChangedCalls;
use super::context::SessionContext;
use super::endpoint_state::{Endpoints, Expected};
use super::error::{EarlyExit, SessionError};
use super::finished_trial::FinishedTrial;
use super::history_state::Faces;
use super::journal::{Journal, TrialSays, started};
use super::package_trial::PackageTask;
use super::partial_tree::KnownDifferences;
use super::resume::{earlier_trials, session_key};
use super::selection_state::Selection;
use super::sharing_state::Sharing;
use super::state::{AtGood, Printed, Session, Speculation, TimeLimits, TracedRun, TracedVerdict, Unproven};
use super::target_state::Targets;
use super::trial_queue::Trials;
use crate::model::{
    CommitId, Conclusion, EventKind, FailureSignature, Inconclusive, Report, SkipKind, TreeId, TrialId,
    TrialKind, Verdict,
};
use crate::search::Observation;
use crate::triage::Sameness;

pub(super) use super::finished_trial::Judged;

/// Find the commit that broke it (or, with `find_fix`, that mended it). Events go to `listener`, in
/// order, from this thread.
///
/// # Errors
/// When the machine, the repository or the store fails. That nothing was found is a report, not an
/// error.
pub fn find(
    plan: &Plan,
    workshop: &SessionContext<'_>,
    listener: &mut dyn FnMut(&crate::model::Event),
) -> Result<Report, SessionError> {
    let key = session_key(plan);
    workshop.store.evict()?;
    let earlier = earlier_trials(workshop.store, key, plan.fresh)?;
    let session = workshop.store.begin_session(key, &plan.repository, &plan.command_text)?;
    let mut journal = Journal::new(workshop.store, session.clone(), listener);
    journal.say(started(plan, &session, workshop.executor.capacity()))?;
    for note in &plan.notes {
        journal.note(note.clone())?;
    }
    std::thread::scope(|scope| {
        let trials = Trials::new(scope, plan, workshop, plan.recipe.clone());
        let mut session = Session {
            plan,
            workshop,
            journal,
            trials,
            oracle: None,
            target: None,
            target_output: None,
            unproven: Vec::new(),
            unjudged: Vec::new(),
            at_good: AtGood::default(),
            endpoints: Endpoints::default(),
            seen: HashMap::new(),
            failed_otherwise: Vec::new(),
            faces: Faces::default(),
            voted_target: None,
            targets: Targets::default(),
            selection: Selection::default(),
            sharing: Sharing::default(),
            doubts_target: false,
            printed: Printed::default(),
            goods: Vec::new(),
            pace: TimeLimits::default(),
            earlier,
            environments: BTreeSet::new(),
            foreseen: Vec::new(),
            watch: TracedRun::default(),
            failure: None,
            suspects: Vec::new(),
            unreached: Vec::new(),
            reaches_chance: None,
            ahead: Speculation::default(),
            narrowing_spent: 0,
            differences: KnownDifferences::default(),
            changed_calls: ChangedCalls::default(),
            ground: PackageTask::default(),
            added: Vec::new(),
            wanted_outputs: BTreeMap::new(),
            flaws: BTreeSet::new(),
            narrows_exactly: false,
        };
        let ended = session.conduct();
        let ended = session.or_packages(ended);
        session.end(ended)
    })
}

impl<E: Into<SessionError>> From<E> for EarlyExit {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

impl Session<'_> {
    /// The search; again when it looked for a failure that comes by chance, or for one that is not new, and where packages
    /// were added.
    pub(super) fn conduct(&mut self) -> Result<Conclusion, EarlyExit> {
        /// A failure that is not new, and one that comes by chance.
        const MOST: usize = 3;
        /// So often packages may be added.
        const MOST_ADDED: usize = 4;
        let mut others = 0;
        loop {
            match self.conduct_once() {
                Err(EarlyExit::OtherTarget(failure)) if others < MOST => {
                    others += 1;
                    self.begin_anew(Some(*failure))?;
                }
                Err(EarlyExit::Anew) if self.added.len() <= MOST_ADDED => self.begin_anew(None)?,
                ended => return ended,
            }
            self.trials.replay();
        }
    }

    fn conduct_once(&mut self) -> Result<Conclusion, EarlyExit> {
        self.endpoints.expect(self.plan.bad, Expected::Bad);
        let repository = self.workshop.repository;
        let ends = std::iter::once(&self.plan.bad).chain(&self.plan.good);
        let ends = ends.map(|&commit| repository.tree_of(commit)).collect::<Result<Vec<_>, _>>()?;
        self.fetch_missing(&ends)?;
        self.say_conversions(ends[0])?;
        self.start(self.target_commit(), TrialKind::Endpoint)?;
        while self.trials.has_answer() {
            self.next_judged()?;
        }
        let goods = match self.targets.good {
            Some(found) => vec![found],
            None if self.plan.good.is_empty() => vec![self.gallop()?],
            None => self.plan.good.clone(),
        };
        self.search(&goods)
    }

    /// The commit at which the target failure is read.
    pub(super) fn target_commit(&self) -> CommitId {
        match self.plan.good.first() {
            Some(&broken) if self.plan.find_fix => broken,
            _ => self.plan.bad,
        }
    }

    /// Ask for a trial and say so.
    pub(super) fn start(&mut self, commit: CommitId, purpose: TrialKind) -> Result<TrialId, EarlyExit> {
        self.heed_interrupt()?;
        let tree = self.trials.tree_of(commit)?;
        if self.is_to_be_watched(commit, purpose) {
            let id = self.start_watched(commit, tree)?;
            return self.say_started(id, commit, purpose);
        }
        self.start_tree(commit, tree, purpose)
    }

    /// A search whose trials are all recorded waits for none, and would hear of no signal.
    fn heed_interrupt(&self) -> Result<(), EarlyExit> {
        if self.workshop.cancel.is_cancelled() { Err(EarlyExit::Interrupted) } else { Ok(()) }
    }

    /// Ask for a trial of a composed tree and say so.
    pub(super) fn start_tree(
        &mut self,
        commit: CommitId,
        tree: TreeId,
        purpose: TrialKind,
    ) -> Result<TrialId, EarlyExit> {
        self.heed_interrupt()?;
        let mut id = self.start_selected(commit, tree, purpose)?;
        if id.is_none() {
            id = self.start_shared(commit, tree, purpose)?;
        }
        let id = match id {
            Some(id) => id,
            None => self.trials.start_tree(commit, tree, purpose)?,
        };
        self.say_started(id, commit, purpose)
    }

    /// Say that a trial was asked for.
    pub(super) fn say_started(
        &mut self,
        id: TrialId,
        commit: CommitId,
        purpose: TrialKind,
    ) -> Result<TrialId, EarlyExit> {
        let subject = self.workshop.repository.info(commit)?.subject;
        let activity = self.trials.activity(id);
        self.journal.say(EventKind::TrialStarted { trial: id, commit, subject, purpose, activity })?;
        Ok(id)
    }

    /// End a trial that nobody needs, and say so.
    pub(super) fn dismiss(&mut self, id: TrialId) -> Result<(), SessionError> {
        if self.trials.dismiss(id) {
            self.journal.say(EventKind::TrialCancelled { trial: id })?;
        }
        Ok(())
    }

    /// Wait for the next result, judge it (and those that waited for the target), record and say it.
    /// Empty when the result has to wait for the target itself.
    pub(super) fn next_judged(&mut self) -> Result<Vec<Judged>, EarlyExit> {
        let deadline = self.next_deadline()?;
        let until = deadline.into_iter().chain(self.target_expected()).min();
        let mut done = match self.trials.wait(until)? {
            Some(done) => done,
            None if self.workshop.cancel.is_cancelled() => return Err(EarlyExit::Interrupted),
            None => {
                self.learn_pace()?;
                let Some(done) = self.overdue()? else { return Ok(Vec::new()) };
                done
            }
        };
        self.keep_watched(&mut done);
        if self.good_runs_with_own(&done)? {
            return Ok(Vec::new());
        }
        self.learn_speed(&done);
        if self.oracle.is_some() {
            let judged = self.judge(done)?;
            return Ok(self.withdrawn()?.into_iter().chain(judged).collect());
        }
        let is_target = done.commit == self.target_commit();
        if is_target {
            // Also where no failure is seen: what it ran with may be why.
            self.say_environment(done.commit)?;
            if !self.learn_target(&done)? {
                return Ok(Vec::new());
            }
        }
        let is_known = is_target || self.learn_baseline(&done)?;
        self.unjudged.push(done);
        if !is_known {
            return Ok(Vec::new());
        }
        let waited = std::mem::take(&mut self.unjudged).into_iter();
        let judged: Vec<Judged> =
            waited.filter_map(|done| self.judge(done).transpose()).collect::<Result<_, _>>()?;
        // What is taken back was judged before.
        let withdrawn = self.withdrawn()?;
        Ok(judged.into_iter().chain(withdrawn).collect())
    }

    /// Say that a trial came to an end.
    pub(super) fn say_finished(
        &mut self,
        done: &FinishedTrial,
        verdict: &Verdict,
        failure: Option<FailureSignature>,
        likely: Option<String>,
    ) -> Result<(), SessionError> {
        let (verdict, selected) = (verdict.clone(), self.selection.has(done.id));
        self.journal.say_finished(done, TrialSays { verdict, failure, likely, selected })
    }

    /// Empty when the trial runs again, unwatched.
    fn judge(&mut self, done: FinishedTrial) -> Result<Option<Judged>, EarlyExit> {
        let Some(oracle) = &mut self.oracle else {
            return Err(EarlyExit::Concluded(Conclusion::NotReproduced {
                reason: "the failure at bad is not known".to_owned(),
                hint: None,
            }));
        };
        let reading = oracle.read(&done.output);
        let plain = oracle.judge_reading(&done.output, &reading);
        let is_unproven = plain == Verdict::Good && reading.summary.is_none();
        if plain == Verdict::Good {
            oracle.learn(&reading);
        }
        let plain = Self::unless_kept_from(plain, || self.kept_from(&done.output));
        let plain = self.of_the_target(plain, &reading, done.purpose)?;
        if self.runs_whole_instead(done.id, (done.commit, done.purpose), &plain, &reading)? {
            return Ok(None);
        }
        if self.runs_with_own_instead(done.id, (done.commit, done.purpose), &plain)? {
            return Ok(None);
        }
        self.flaws.extend(done.output.notes.iter().cloned());
        for note in done.output.notes.iter().cloned().chain(self.trials.made()) {
            self.journal.note(note)?;
        }
        if done.output.leftovers > 0 {
            self.journal.note("the command leaves processes running; they were ended after each trial")?;
        }
        self.say_environment(done.commit)?;
        let likely = match self.oracle.as_ref().map(|oracle| oracle.sameness(&reading)) {
            Some(Sameness::Likely(why)) if plain == Verdict::Bad => Some(why),
            _ => None,
        };
        self.targets.note(&done, &reading);
        let failure = self.oracle.as_ref().and_then(|oracle| oracle.telling(&reading)).cloned();
        let plain = self.unless_said_otherwise(plain, &done, failure.as_ref());
        self.say_finished(&done, &plain, failure.clone(), likely)?;
        if let (Verdict::Skip(skip), true) = (&plain, done.purpose.is_of_commit()) {
            self.keep_skipped(skip.kind, done.commit, &done.output);
            self.faces.note(done.commit, &done.output.ending, skip.kind, failure.as_ref());
        }
        let is_other = matches!(&plain, Verdict::Skip(skip) if skip.kind == SkipKind::DifferentFailure);
        let other = failure.filter(|_| is_other);
        if let Some(other) = &other {
            self.vote(&done, other)?;
        }
        if let Verdict::Abort(why) = &plain {
            let conclusion =
                Conclusion::Inconclusive { why: Inconclusive::NothingRunnable, reason: why.clone() };
            return Err(EarlyExit::Concluded(conclusion));
        }
        let verdict = if self.plan.find_fix { plain.inverted() } else { plain };
        if self.credit(done.id, done.commit, done.purpose, &verdict)? == TracedVerdict::Again {
            return Ok(None);
        }
        self.ahead.note(done.id, &verdict);
        // A composed tree says nothing of the commit itself.
        if done.purpose.is_of_commit() {
            self.failed_otherwise.extend(other.map(|other| (done.commit, other)));
            self.seen.entry(done.commit).or_default().add(Observation::of(&verdict));
            self.note_selection(done.id, done.commit, &verdict)?;
            self.note_sharing(done.id, done.commit, &verdict)?;
        }
        if is_unproven && done.purpose.is_of_commit() {
            let seen = Observation::of(&verdict);
            let FinishedTrial { id: trial, commit, purpose, .. } = done;
            self.unproven.push(Unproven { trial, commit, purpose, seen });
        }
        if done.purpose == TrialKind::Endpoint {
            self.keep_output(done.commit, &done.output);
            self.check_endpoint(done.commit, &verdict, &done.output)?;
        }
        if let Some(place) = self.wanted_outputs.get_mut(&done.id) {
            *place = Some(done.output);
        }
        Ok(Some(Judged {
            trial: done.id,
            purpose: done.purpose,
            commit: done.commit,
            verdict,
            withdrawn: None,
        }))
    }
}
