//! Each test that newly fails at bad gets its culprit.
//!
//! They are searched for one after the other, and what ran for one is read for all: a trial says of each test whether it
//! failed. So a further test begins with all that is known, and only what is missing for its own proof runs. Tests of
//! which all trials say the same, as those that one commit broke, have one answer, which is proven for each by its own
//! verdicts.

use super::Matching;
use super::error::{EarlyExit, SessionError};
use super::missing_modules::is_for_want_of;
use super::state::{AtGood, Session};
use super::target_state::{Basis, Ended, Run};
use crate::model::trial_line::{OutcomeSource, TrialLine};
use crate::model::{
    AlikeTarget, CommitId, CommitInfo, Conclusion, EventKind, FailureSignature, Inconclusive, Shown, Verdict,
};
use crate::store::SessionState;
use crate::triage::{Baseline, ParsedOutput, TargetOracle, of_tests};

/// So many tests are searched for. Those that share an answer with one of them are not counted.
const MOST_SEARCHED: usize = 20;
/// Ids that are listed where none is chosen.
const MOST_LISTED: usize = 6;

impl Session<'_> {
    /// Whether proven culprits are narrowed to their edits: that of the first target is.
    pub(super) const fn narrows_culprits(&self) -> bool {
        self.plan.narrow && !self.targets.is_later
    }

    fn is_by_signature(&self) -> bool {
        matches!(self.plan.matching, Matching::Signature) && !self.plan.find_fix
    }

    /// The failure to search for, of those that bad shows, and what fails beside it.
    pub(super) fn choose_target(
        &mut self,
        reading: &ParsedOutput,
        first: FailureSignature,
    ) -> Result<(FailureSignature, Baseline), EarlyExit> {
        let (found, aims) = match &self.at_good {
            AtGood::Read(good) => (Baseline::between(good, reading), true),
            _ if self.is_by_signature() => {
                let found = Baseline::without_good(reading);
                let aims = of_tests(&found.0);
                (Some(found), aims)
            }
            _ => (None, false),
        };
        let (new, baseline) = found.unwrap_or_default();
        let chosen = self.chosen(&new, reading)?;
        if !self.targets.is_later {
            let is_told = self.is_by_signature() && reading.summary.is_some() && of_tests(&chosen);
            self.targets.new = if is_told { chosen.clone() } else { Vec::new() };
        }
        let target = self.voted_target.clone().or_else(|| chosen.first().cloned()).unwrap_or(first);
        if !self.targets.is_later {
            let waits = |failure: &&FailureSignature| **failure != target;
            self.targets.waiting.tests = self.targets.new.iter().filter(waits).cloned().collect();
        }
        self.targets.beside = (new, baseline);
        let (new, baseline) = &self.targets.beside;
        let baseline = if aims { baseline.clone().aimed_at(&target, new) } else { baseline.clone() };
        Ok((target, baseline))
    }

    /// The new failures that the user wants searched for.
    fn chosen(
        &self,
        new: &[FailureSignature],
        reading: &ParsedOutput,
    ) -> Result<Vec<FailureSignature>, EarlyExit> {
        let Some(choice) = &self.plan.target else {
            let is_left_aside = |failure: &&FailureSignature| {
                self.targets.wanting.as_ref().is_some_and(|module| is_for_want_of(failure, module))
            };
            let rest: Vec<FailureSignature> =
                new.iter().filter(|failure| !is_left_aside(failure)).cloned().collect();
            return Ok(if rest.is_empty() { new.to_vec() } else { rest });
        };
        let pick = |failures: &[FailureSignature]| -> Vec<FailureSignature> {
            let ids = choice.chosen(failures.iter().flat_map(|one| one.tests.iter().map(String::as_str)));
            let is_chosen =
                |one: &&FailureSignature| one.tests.iter().any(|test| ids.contains(&test.as_str()));
            failures.iter().filter(is_chosen).cloned().collect()
        };
        // One that fails at good, too, is told to do so.
        let chosen = Some(pick(new)).filter(|chosen| !chosen.is_empty());
        let chosen = chosen.unwrap_or_else(|| pick(&reading.failures));
        if !chosen.is_empty() {
            return Ok(chosen);
        }
        let commit = self.target_commit().short();
        let ids: Vec<&str> = reading.failures.iter().flat_map(|one| &one.tests).map(String::as_str).collect();
        let (shown, more) = (ids.iter().take(MOST_LISTED), ids.len().saturating_sub(MOST_LISTED));
        let shown: Vec<&str> = shown.copied().collect();
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let hint = if ids.is_empty() {
            "its runner names no failing test; leave --target out".to_owned()
        } else {
            format!("failing there: {}{more}", shown.join(", "))
        };
        Err(EarlyExit::Concluded(Conclusion::NotReproduced {
            reason: format!(
                "at the bad commit {commit}, no failing test is called, or matches, '{}'",
                choice.text
            ),
            hint: Some(hint),
        }))
    }

    /// A good commit was looked for and found: what fails there, too, is not new.
    pub(super) fn good_was_found(&mut self, good: CommitId) -> Result<(), EarlyExit> {
        if self.targets.is_later {
            return Ok(());
        }
        self.targets.good = Some(good);
        let readings = (self.targets.reading_at(good), self.targets.reading_at(self.plan.bad));
        let ((Some(at_good), Some(bad)), Some(target)) = (readings, &self.target) else { return Ok(()) };
        if self.targets.new.is_empty() {
            return Ok(());
        }
        let Some((new, baseline)) = Baseline::between(at_good, bad) else { return Ok(()) };
        if let Some(oracle) = self.oracle.take() {
            self.oracle = Some(oracle.with_baseline(baseline.clone().aimed_at(target, &new)));
        }
        let known = baseline.known();
        self.at_good = AtGood::Read(Box::new(at_good.clone()));
        self.targets.new.retain(|failure| new.contains(failure));
        self.targets.waiting.tests.retain(|failure| new.contains(failure));
        self.targets.beside = (new, baseline);
        self.say_known(known)
    }

    /// Say how much of what fails at bad is not new.
    pub(super) fn say_known(&mut self, known: usize) -> Result<(), EarlyExit> {
        if known > 0 && !self.targets.is_later {
            let are = if known == 1 { "1 failure is" } else { &format!("{known} failures are") };
            self.journal.note(format!("{are} there at good, too: the search is for what is new at bad"))?;
        }
        Ok(())
    }

    /// A good commit is looked for, and this one shows the target, or something else: where a test passes here that fails
    /// at bad, that one is new, and this commit is good for it.
    ///
    /// Ends the search with [`EarlyExit::OtherTarget`] then.
    pub(super) fn newer_target(&mut self, commit: CommitId) -> Result<(), EarlyExit> {
        if self.targets.is_later || self.targets.new.is_empty() || self.at_good != AtGood::NotAsked {
            return Ok(());
        }
        let readings = (self.targets.reading_at(commit), self.targets.reading_at(self.plan.bad));
        let ((Some(here), Some(bad)), Some(target)) = (readings, &self.target) else { return Ok(()) };
        let ran = |reading: &ParsedOutput| {
            let run = reading.summary.as_ref();
            run.is_some_and(|run| run.is_closed && !run.interrupted && !run.nothing_passed())
        };
        let Some((new, _)) = Baseline::between(here, bad).filter(|_| ran(here)) else { return Ok(()) };
        let newer = self.targets.new.iter().find(|failure| *failure != target && new.contains(failure));
        let Some(newer) = newer.filter(|_| !new.contains(target)).cloned() else { return Ok(()) };
        self.at_good = AtGood::Read(Box::new(here.clone()));
        Err(EarlyExit::OtherTarget(Box::new(newer)))
    }

    /// Search for the tests beside the first, whose search has ended so. Whether the user stopped it.
    pub(super) fn search_others(
        &mut self,
        first: &Conclusion,
        last_good: Option<&CommitInfo>,
    ) -> Result<bool, SessionError> {
        let Some(target) = self.target.clone() else { return Ok(false) };
        let is_other = |failure: &&FailureSignature| **failure != target;
        let others: Vec<FailureSignature> = self.targets.new.iter().filter(is_other).cloned().collect();
        let mut left = Vec::new();
        let mut ended = Vec::new();
        ended.extend(self.ended(first.clone(), last_good.cloned()));
        let mut searched = 1;
        let mut others = others.into_iter();
        if self.workshop.cancel.is_cancelled() {
            self.say_stopped(others)?;
            return Ok(true);
        }
        while let Some(failure) = others.next() {
            if let Some(alike) = self.alike(&failure, &ended)? {
                self.targets.waiting.tests.retain(|waiting| *waiting != failure);
                self.journal.say(EventKind::AlikeTarget(Box::new(alike)))?;
                continue;
            }
            match self.newer_than(&failure, &ended) {
                Ok(Some(newer)) => {
                    self.targets.waiting.tests.retain(|waiting| *waiting != failure);
                    self.journal.say(EventKind::AlikeTarget(Box::new(newer)))?;
                    continue;
                }
                Ok(None) => {}
                Err(EarlyExit::Failed(error)) => return Err(error),
                Err(_) => {
                    self.say_stopped(std::iter::once(failure).chain(left).chain(others))?;
                    return Ok(true);
                }
            }
            if searched == MOST_SEARCHED {
                left.push(failure);
                continue;
            }
            searched += 1;
            self.targets.waiting.tests.retain(|waiting| *waiting != failure);
            let (conclusion, state) = self.search_other(failure)?;
            let last_good = self.last_good(&conclusion)?;
            self.journal.say(EventKind::TargetConcluded {
                conclusion: conclusion.clone(),
                last_good: last_good.clone(),
            })?;
            if state == SessionState::Interrupted {
                self.say_stopped(left.into_iter().chain(others))?;
                return Ok(true);
            }
            ended.extend(self.ended(conclusion, last_good));
        }
        self.say_newer()?;
        self.say_left(left)?;
        Ok(false)
    }

    /// Say which tests are left because the user stopped the search.
    fn say_stopped(&mut self, left: impl Iterator<Item = FailureSignature>) -> Result<(), SessionError> {
        for failure in left {
            let reason = "stopped before it was searched for".to_owned();
            self.journal.say(EventKind::LeftTarget { failure, reason })?;
        }
        Ok(())
    }

    /// Say which tests are left, where there are too many.
    fn say_left(&mut self, left: Vec<FailureSignature>) -> Result<(), SessionError> {
        let Some(first) = left.first().and_then(|failure| failure.tests.first()) else { return Ok(()) };
        self.journal.note(format!(
            "{MOST_SEARCHED} failing tests were searched for, and {} more are left; one of them: --target '{first}'",
            left.len()
        ))?;
        for failure in left {
            let reason = format!("only {MOST_SEARCHED} tests are searched for in one session");
            self.journal.say(EventKind::LeftTarget { failure, reason })?;
        }
        Ok(())
    }

    /// Search for a further test, beginning with all that ran.
    fn search_other(
        &mut self,
        failure: FailureSignature,
    ) -> Result<(Conclusion, SessionState), SessionError> {
        self.targets.is_later = true;
        self.journal.next_target();
        self.journal.say(EventKind::NextTarget { failure: failure.clone() })?;
        self.earlier = self.targets.known();
        let ended = match self.begin_anew(Some(failure)) {
            Ok(()) => {
                self.trials.replay();
                self.conduct()
            }
            Err(stop) => Err(stop),
        };
        let ended = self.or_packages(ended);
        let concluded = self.concluded(ended)?;
        for (id, ..) in self.trials.running().collect::<Vec<_>>() {
            self.dismiss(id)?;
        }
        self.say_suspects()?;
        Ok(concluded)
    }

    /// The present target, whose search has ended so; `None` where that says nothing of others.
    fn ended(&self, conclusion: Conclusion, last_good: Option<CommitInfo>) -> Option<Ended> {
        let stopped = matches!(conclusion, Conclusion::Inconclusive { why: Inconclusive::Interrupted, .. });
        let oracle = self.oracle.clone().filter(|_| !stopped)?;
        let basis = self.journal.events().iter().fold(Basis::Commits, |basis, event| match &event.kind {
            EventKind::Package(_) => Basis::More,
            EventKind::Narrowed { narrowing, .. } if narrowing.decides => Basis::More,
            EventKind::History(history) if basis == Basis::Commits => match history.shown {
                Shown::Undone => Basis::Undone { other: None },
                Shown::StillThere { other } | Shown::WithoutBoth { other } => {
                    Basis::Undone { other: Some(other) }
                }
                Shown::OtherFault { .. } | Shown::Mended { .. } | Shown::Unsettled => Basis::More,
            },
            _ => basis,
        });
        Some(Ended { oracle, conclusion, last_good, basis })
    }

    /// The answer for a test of which every trial says what it says of one that was found.
    fn alike(
        &mut self,
        failure: &FailureSignature,
        ended: &[Ended],
    ) -> Result<Option<AlikeTarget>, SessionError> {
        // A set is claimed to be no more than that, whatever else was tried for it.
        let is_found = |one: &&Ended| match one.conclusion {
            Conclusion::Found { .. } => one.basis == Basis::Commits,
            Conclusion::Ambiguous { .. } => true,
            _ => false,
        };
        if !ended.iter().any(|one| is_found(&one)) {
            return Ok(None);
        }
        let Some(oracle) = self.oracle_of(failure) else { return Ok(None) };
        let own = self.verdicts_by(oracle)?;
        for one in ended.iter().filter(is_found) {
            let theirs = self.verdicts_by(one.oracle.clone())?;
            let is_alike = own.iter().zip(&theirs).all(|(own, their)| own.word() == their.word());
            if is_alike {
                let log = self.targets.runs.iter().zip(&own).map(|(run, verdict)| {
                    TrialLine::of(run.commit, run.purpose, verdict, OutcomeSource::Replayed)
                });
                return Ok(Some(AlikeTarget {
                    failure: failure.clone(),
                    log: log.collect(),
                    conclusion: one.conclusion.clone(),
                    last_good: one.last_good.clone(),
                    undone_at: None,
                }));
            }
        }
        Ok(None)
    }

    /// The oracle for another of the new failures.
    pub(super) fn oracle_of(&self, failure: &FailureSignature) -> Option<TargetOracle> {
        let (new, baseline) = &self.targets.beside;
        let oracle = self.oracle.as_ref()?.aimed_at(failure.clone());
        Some(oracle.with_baseline(baseline.clone().aimed_at(failure, new)))
    }

    /// What each trial so far says of an oracle's target.
    pub(super) fn verdicts_by(&mut self, oracle: TargetOracle) -> Result<Vec<Verdict>, SessionError> {
        let before = self.oracle.replace(oracle.clone());
        let runs = std::mem::take(&mut self.targets.runs);
        let mut verdicts = Vec::with_capacity(runs.len());
        let mut failed = None;
        for run in &runs {
            match self.judged(&oracle, run) {
                Ok(verdict) => verdicts.push(verdict),
                Err(error) => failed = Some(error),
            }
        }
        self.targets.runs = runs;
        self.oracle = before;
        failed.map_or(Ok(verdicts), Err)
    }

    /// What one trial says of an oracle's target.
    pub(super) fn verdict_by(&mut self, oracle: &TargetOracle, run: &Run) -> Result<Verdict, SessionError> {
        let before = self.oracle.replace(oracle.clone());
        let verdict = self.judged(oracle, run);
        self.oracle = before;
        verdict
    }

    /// The same where the oracle is the session's.
    fn judged(&mut self, oracle: &TargetOracle, run: &Run) -> Result<Verdict, SessionError> {
        let plain = oracle.judge_reading(&run.output, &run.reading);
        let want = || run.kept_from.get_or_init(|| self.kept_from(&run.output)).clone();
        let plain = Self::unless_kept_from(plain, want);
        self.of_the_target(plain, &run.reading, run.purpose)
    }
}
