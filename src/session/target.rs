//! Which failure is searched for: the one that is seen at bad.

use std::path::Path;

use super::Matching;
use super::endpoint_state::{Expected, PATIENCE};
use super::endpoints::hint_of_skip;
use super::error::EarlyExit;
use super::finished_trial::FinishedTrial;
use super::state::{AtGood, Session};
use crate::model::{
    CommitId, Conclusion, EventKind, FailureKind, SkipKind, Termination, TrialKind, TrialOutput, TrialSpec,
};
use crate::search::Observation;
use crate::triage::message_shape::within_tree;
use crate::triage::{Baseline, CommandFacts, Target, TargetError, TargetOracle, read};

impl Session<'_> {
    /// Whether the target is known now; it is not when its trial, which was watched, runs again.
    pub(super) fn learn_target(&mut self, done: &FinishedTrial) -> Result<bool, EarlyExit> {
        let output = &done.output;
        if let Some(want) = self.kept_from(output) {
            let commit = self.target_commit().short();
            let reason =
                format!("at the bad commit {commit}, the command {}: that may be all that fails", want.what);
            let hint = Some(format!("if it is to have it: {}", want.option));
            return Err(EarlyExit::Concluded(Conclusion::NotReproduced { reason, hint }));
        }
        let command = CommandFacts::of(&self.plan.recipe.command);
        self.target_output = Some(output.clone());
        self.keep_output(done.commit, output);
        if let Some(stop) = self.for_want_of_a_module(done)? {
            return Err(stop);
        }
        let failure = match TargetOracle::target_of(output, command) {
            Ok(_) if self.waits_for_good(done, command)? => return Ok(false),
            Ok(failure) => failure,
            Err(_) if self.is_watched_in_vain(done.id)? => return Ok(false),
            Err(no) => {
                self.say_no_target(done, command)?;
                let passes = output.ending == Termination::Exited { code: 0 } && self.passes_at_bad();
                if passes && self.seen.get(&done.commit).map_or(0, |seen| seen.runs()) < PATIENCE {
                    // It may rest on the order of a set.
                    if let Some(seed) = self.trials.recipe().hash_seed {
                        self.trials.with_hash_seed(seed + 1);
                    }
                    self.start(done.commit, TrialKind::Endpoint)?;
                    return Ok(false);
                }
                let plain = self.no_target(output, no);
                if let EarlyExit::Concluded(Conclusion::NotReproduced { reason, .. }) = &plain
                    && let Some(conclusion) = self.for_want_of_files(done.commit, output, reason)?
                {
                    return Err(EarlyExit::Concluded(conclusion));
                }
                return Err(plain);
            }
        };
        let reading = read(output, &command);
        let (failure, baseline) = self.choose_target(&reading, failure)?;
        let known = baseline.known();
        let target = match &self.plan.matching {
            Matching::Signature => Target::Signature(failure.clone()),
            Matching::AnyFailure => Target::AnyFailure,
            Matching::Pattern(pattern) => Target::Pattern(pattern.clone()),
        };
        let mut oracle = TargetOracle::new(target, command).with_baseline(baseline);
        oracle.learn(&reading);
        self.oracle = Some(oracle);
        let others = reading.failures.len().saturating_sub(1 + known);
        self.say_known(known)?;
        let is_alone = self.targets.new.is_empty() && self.plan.target.is_none();
        if others > 0 && is_alone && matches!(self.plan.matching, Matching::Signature) {
            self.journal.note(format!(
                "{others} more failures at bad; this search is for '{failure}' (another: --match REGEX)"
            ))?;
        }
        // When it may be for want of a file of the user's, or of a package, good fails as well: that is soon seen.
        let wants_module =
            matches!(&failure.kind, FailureKind::Exception(kind) if kind.ends_with("ModuleNotFoundError"));
        if wants_module || !self.lacks(done.commit, output).is_empty() {
            for good in self.plan.good.clone() {
                if !self.seen.contains_key(&good) && !self.plan.find_fix {
                    self.start_good(good)?;
                }
            }
        }
        if output.ending == (Termination::Exited { code: 0 }) {
            self.journal.note(
                "the command counts failures and ends with status 0: trials are judged by its counts"
                    .to_owned(),
            )?;
        }
        self.target = Some(failure.clone());
        self.say_hash_seed(done.commit)?;
        if !self.targets.is_later {
            self.journal.say(EventKind::Target { failure })?;
        }
        Ok(true)
    }

    /// Say with which seed bad fails, if it passed with others. What was seen there with those does not count: it is no
    /// chance, if it is the seed.
    fn say_hash_seed(&mut self, bad: CommitId) -> Result<(), EarlyExit> {
        let Some(seed) = self.trials.recipe().hash_seed.filter(|&seed| seed != TrialSpec::FIRST_HASH_SEED)
        else {
            return Ok(());
        };
        if self.targets.is_later {
            return Ok(());
        }
        self.seen.remove(&bad);
        self.reaches_chance = Some(true);
        self.journal.say(EventKind::HashSeed { commit: bad, seed })?;
        Ok(self.journal.note(format!(
            "{} passed with PYTHONHASHSEED={}, and fails with {seed}, which all trials have: it may rest on the order of a set, \
             or on chance, and runs more often before a commit is named",
            bad.short(),
            seed - 1
        ))?)
    }

    /// Whether good has to run first, because bad shows more than one failure: the target is one that is new. Asks for
    /// that trial.
    fn waits_for_good(&mut self, done: &FinishedTrial, command: CommandFacts) -> Result<bool, EarlyExit> {
        let is_by_signature = matches!(self.plan.matching, Matching::Signature) && !self.plan.find_fix;
        let Some(&good) = self.plan.good.first().filter(|_| is_by_signature) else { return Ok(false) };
        let reading = read(&done.output, &command);
        let shows = reading.failures.len() + reading.others.len();
        if shows < 2 || self.at_good != AtGood::NotAsked {
            return Ok(false);
        }
        let waited = self.unjudged.iter().position(|waiting| waiting.commit == good);
        if let Some(at) = waited {
            self.at_good = AtGood::Read(Box::new(read(&self.unjudged[at].output, &command)));
            return Ok(false);
        }
        self.at_good = AtGood::Asked { good, bad: Box::new(done.clone()) };
        if !self.runs_one_of(&[good]) {
            self.start(good, TrialKind::Endpoint)?;
        }
        Ok(true)
    }

    /// Take note of what fails at good, if this is what was waited for. Whether the target is known with it.
    pub(super) fn learn_baseline(&mut self, done: &FinishedTrial) -> Result<bool, EarlyExit> {
        let AtGood::Asked { good, bad } = &self.at_good else { return Ok(false) };
        if *good != done.commit {
            return Ok(false);
        }
        let (good, bad) = (*good, bad.clone());
        let command = CommandFacts::of(&self.plan.recipe.command);
        let reading = read(&done.output, &command);
        let fails_alike = !reading.failures.is_empty()
            && Baseline::between(&reading, &read(&bad.output, &command)).is_none();
        if fails_alike {
            // Nothing is new: then good is none.
            self.endpoints.expect(good, Expected::Good);
        }
        self.at_good = AtGood::Read(Box::new(reading));
        let is_known = self.learn_target(&bad)?;
        self.unjudged.push(*bad);
        Ok(is_known)
    }

    /// Whether the trials at bad so far passed, rather than ran nothing.
    fn passes_at_bad(&self) -> bool {
        let seen = self.seen.get(&self.target_commit()).copied().unwrap_or_default();
        seen.skipped == 0 && seen.runs() > 0
    }

    /// Say what came of a trial at bad in which the failure is not to be seen, and count it.
    fn say_no_target(&mut self, done: &FinishedTrial, command: CommandFacts) -> Result<(), EarlyExit> {
        let oracle = TargetOracle::new(Target::AnyFailure, command);
        let reading = oracle.read(&done.output);
        let verdict = oracle.judge_reading(&done.output, &reading);
        self.say_finished(done, &verdict, reading.failures.into_iter().next(), None)?;
        let verdict = if self.plan.find_fix { verdict.inverted() } else { verdict };
        self.seen.entry(done.commit).or_default().add(Observation::of(&verdict));
        Ok(())
    }

    fn no_target(&self, output: &TrialOutput, no: TargetError) -> EarlyExit {
        let commit = self.target_commit().short();
        let mut reason = format!("at the bad commit {commit}, {}", within_tree(&no.seen));
        if matches!(output.ending, Termination::NoEnvironment { .. }) {
            let hint = Some(hint_of_skip(SkipKind::Environment).to_owned());
            return EarlyExit::Concluded(Conclusion::NoEnvironment { reason, hint });
        }
        let passes = output.ending == Termination::Exited { code: 0 };
        let asked = || self.advice(self.target_commit(), output).filter(|_| !passes);
        let withheld = || self.withheld_hint(self.target_commit()).filter(|_| passes);
        let uncommitted = self.uncommitted().filter(|_| passes);
        if let Some(files) = &uncommitted {
            reason = format!("{reason}; {files}, and trials run what is committed");
        }
        let check = || format!("pybisect check -- {}   # looks at your changes", self.plan.command_text);
        let own_packages = || {
            let has_others = self.workshop.packages.is_some() && passes;
            has_others
                .then(|| "it ran with packages of the commit's day; with yours: --env current".to_owned())
        };
        let told = uncommitted.map(|_| check()).or_else(withheld).or_else(asked).or_else(own_packages);
        let plain = |hint: String| {
            let by_hand = self.by_hand(self.target_commit()).filter(|_| hint.ends_with(" REV"));
            by_hand.into_iter().fold(hint, |hint, more| format!("{hint}\n{more}"))
        };
        let hint = told.or_else(|| no.hint.map(plain));
        EarlyExit::Concluded(Conclusion::NotReproduced { reason, hint })
    }

    /// Why a command may pass on the commit and fail for the user: what he has changed is in no commit.
    fn uncommitted(&self) -> Option<String> {
        const SHOWN: usize = 4;
        let is_given = |path: &Path| self.plan.overlay.iter().any(|file| Path::new(&file.path) == path);
        let changed = self.workshop.repository.uncommitted_below(Path::new(""));
        let changed: Vec<String> = changed
            .iter()
            .filter(|(path, _)| path.extension().is_some_and(|end| end == "py") && !is_given(path))
            .map(|(path, _)| path.display().to_string())
            .collect();
        if changed.is_empty() {
            return None;
        }
        let more = changed.len().saturating_sub(SHOWN);
        let shown = changed.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let are = if changed.len() == 1 { "is" } else { "are" };
        Some(format!("{shown}{more} {are} new or changed in your work tree"))
    }
}
