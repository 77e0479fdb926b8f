//! How long trials may take, when the user has not said.
//!
//! Trials that ended by themselves tell: once one has passed, a trial gets a multiple of the time of the slowest. A failure
//! alone tells little, since it may end a command early that takes long when it passes. So until one has passed, a trial
//! may take very long; and when one takes long, the good commit is run beside it, which shows how fast the command is.
//! Where such a limit leaves the answer open, what it cut short runs once more, with more time.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::SessionError;
use super::error::EarlyExit;
use super::finished_trial::{FinishedTrial, UntimedTrial};
use super::plan::Limits;
use super::range::SearchRange;
use super::state::Session;
use crate::model::trial_line::OutcomeSource;
use crate::model::{CommitId, Termination, TrialKind, TrialOutput};
use crate::search::SearchOutcome;

/// The command is quick if it ends within this time; when nothing has, the good commit is run to learn the pace.
const QUICK: Duration = Duration::from_secs(10);
/// So often it is looked whether a trial's environment is made and its command runs.
const LOOK: Duration = Duration::from_secs(1);

impl Session<'_> {
    /// Once a trial has passed, now or in an earlier part of the session, trials have a time limit.
    pub(super) fn learn_speed(&mut self, done: &FinishedTrial) {
        if let Termination::TimedOut { after_ms } = done.output.ending
            && done.purpose.is_of_commit()
        {
            self.pace.overdue.insert(done.commit, Duration::from_millis(after_ms));
        }
        let Termination::Exited { code } = done.output.ending else { return };
        if !done.purpose.is_of_commit() {
            return;
        }
        // Of a good commit any end counts: it is what the command does there.
        let is_good = done.purpose == TrialKind::Endpoint && done.commit != self.target_commit();
        let has_passed = self.pace.has_passed || code == 0 || is_good;
        if done.ran > self.pace.slowest || has_passed != self.pace.has_passed {
            self.pace.slowest = self.pace.slowest.max(done.ran);
            self.pace.has_passed = has_passed;
            if has_passed && self.plan.recipe.timeout.is_none() {
                self.trials.limit(Limits::after(self.pace.slowest));
            }
        }
    }

    /// Run again, with more time, what decides and came to no end within a limit that nobody set: in its version the command
    /// may just be slow. Whether there is anything.
    pub(super) fn gives_more_time(
        &mut self,
        hunt: &SearchRange,
        outcome: &SearchOutcome,
    ) -> Result<bool, EarlyExit> {
        const TIMES_MORE: u32 = 6;
        const MOST: usize = 4;
        let SearchOutcome::Ambiguous { set } = outcome else { return Ok(false) };
        if self.plan.recipe.timeout.is_some() || self.pace.gave_more {
            return Ok(false);
        }
        let parents = set.iter().flat_map(|(node, _)| hunt.history.graph.parents(*node)).copied();
        let decisive = set.iter().map(|(node, _)| *node).chain(parents);
        let mut asked = BTreeSet::new();
        let slow: Vec<CommitId> = decisive
            .filter(|node| hunt.state.observed(*node).is_skipped())
            .map(|node| hunt.id(node))
            .filter(|commit| self.pace.overdue.contains_key(commit) && asked.insert(*commit))
            .take(MOST)
            .collect();
        let Some(had) = slow.iter().filter_map(|commit| self.pace.overdue.get(commit)).max() else {
            return Ok(false);
        };
        let limit = (*had * TIMES_MORE).max(Limits::after(self.pace.slowest));
        let names: Vec<String> = slow.iter().map(CommitId::short).collect();
        self.journal.note(format!(
            "{} took longer than {} s, which follows from the other trials and nobody set: run again with {} s",
            names.join(", "),
            had.as_secs(),
            limit.as_secs()
        ))?;
        self.pace.gave_more = true;
        self.trials.limit(limit);
        for commit in slow {
            self.start(commit, TrialKind::Proof)?;
        }
        Ok(true)
    }

    /// When something is to be done if no result comes first: the time of a trial without a limit of its own is over, or
    /// the pace is to be learned.
    pub(super) fn next_deadline(&mut self) -> Result<Option<Instant>, SessionError> {
        if self.plan.recipe.timeout.is_some() {
            return Ok(None);
        }
        let mut first = self.pace_wanted();
        for trial in self.trials.unlimited() {
            // One that is known to hang for so long need not do so again.
            let is_known = self.pace.has_passed
                && self.trials.is_known_to_hang(trial.commit, self.limit_of_command())?;
            let deadline = if is_known { trial.since } else { self.deadline_of(&trial) };
            // That its command begins is told by nothing but a look.
            let next = if self.makes_environment(&trial) { Instant::now() + LOOK } else { deadline };
            let next = next.min(deadline);
            first = Some(first.map_or(next, |first| first.min(next)));
        }
        Ok(first)
    }

    /// When a trial takes so long that the pace has to be learned; `None` when it is known, or being learned.
    fn pace_wanted(&self) -> Option<Instant> {
        if self.pace.has_passed || self.pace_setter().is_none() {
            return None;
        }
        let patience = if self.pace.slowest.is_zero() { QUICK } else { Limits::after(self.pace.slowest) };
        self.trials.unlimited().iter().map(|trial| trial.since + patience).min()
    }

    /// The good commit that shows the pace; `None` when one runs, or has come to nothing that tells.
    fn pace_setter(&self) -> Option<CommitId> {
        let was_begun = |commit: &CommitId| self.seen.contains_key(commit) || self.runs_one_of(&[*commit]);
        self.goods.first().copied().filter(|_| !self.goods.iter().any(was_begun))
    }

    /// Run a good commit when the pace is to be learned. With no slot free, the trial that took long makes room: it is run
    /// again when there is a limit.
    pub(super) fn learn_pace(&mut self) -> Result<(), EarlyExit> {
        if self.pace_wanted().is_none_or(|at| at > Instant::now()) {
            return Ok(());
        }
        let Some(good) = self.pace_setter() else { return Ok(()) };
        let movable = |trial: &UntimedTrial| {
            trial.purpose != TrialKind::Endpoint || trial.commit == self.target_commit()
        };
        let oldest = self.trials.unlimited().into_iter().filter(movable).min_by_key(|trial| trial.since);
        let in_the_way = oldest.filter(|_| self.trials.free() == 0);
        if let Some(trial) = &in_the_way {
            self.dismiss(trial.id)?;
        }
        self.endpoints.expect_good_if_testable(good);
        self.start(good, TrialKind::Endpoint)?;
        // The search asks for its trials again, but not for the failing run.
        match in_the_way {
            Some(trial) if trial.purpose == TrialKind::Endpoint => {
                self.start(trial.commit, TrialKind::Endpoint).map(drop)
            }
            _ => Ok(()),
        }
    }

    /// The trial whose time is over, as a result.
    pub(super) fn overdue(&mut self) -> Result<Option<FinishedTrial>, SessionError> {
        let limit = self.limit_of_command();
        for trial in self.trials.unlimited() {
            let is_known = self.pace.has_passed && self.trials.is_known_to_hang(trial.commit, limit)?;
            if Instant::now() < self.deadline_of(&trial) && !is_known {
                continue;
            }
            let UntimedTrial { id, commit, purpose, .. } = trial;
            let after_ms = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX);
            let output = TrialOutput::without_run(Termination::TimedOut { after_ms });
            let source = if is_known { OutcomeSource::Reused } else { OutcomeSource::Ran };
            self.trials.end_overdue(id, &output, is_known)?;
            return Ok(Some(FinishedTrial { id, commit, purpose, output, source, ran: limit }));
        }
        Ok(None)
    }

    /// Until when the failing run, of which the evidence is read, is expected to end by itself: until then a trial
    /// without evidence is worth less. `None` when it is over, or not to be expected.
    pub(super) fn target_expected(&self) -> Option<Instant> {
        /// Other trials may be quicker, but seldom more than that.
        const QUICKER: u32 = 2;
        let target = self.target_commit();
        let of_target = |(_, commit, purpose, _): &(_, CommitId, TrialKind, _)| {
            *commit == target && purpose.is_of_commit()
        };
        let (.., since) = self.trials.running().find(of_target)?;
        let usual = if self.pace.slowest.is_zero() { Limits::ENDPOINT } else { self.pace.slowest * QUICKER };
        let until = since + usual;
        (self.target.is_none() && until > Instant::now()).then_some(until)
    }

    /// When the time of a trial without a limit of its own is over: that of its command, where it is known since when
    /// that runs.
    fn deadline_of(&self, trial: &UntimedTrial) -> Instant {
        match trial.runs_since.filter(|_| self.workshop.packages.is_some()) {
            Some(since) => since + self.limit_of_command(),
            // Making an environment takes as long as it takes.
            None if self.workshop.packages.is_some() => trial.since + Limits::LONGEST,
            None => trial.since + self.limit_of_command(),
        }
    }

    /// Whether the trial may still be busy with its environment, which has no limit.
    fn makes_environment(&self, trial: &UntimedTrial) -> bool {
        self.workshop.packages.is_some() && trial.runs_since.is_none() && self.pace.has_passed
    }

    /// How long a command without a limit of its own may run.
    fn limit_of_command(&self) -> Duration {
        if self.pace.has_passed { Limits::after(self.pace.slowest) } else { Limits::ENDPOINT }
    }
}
