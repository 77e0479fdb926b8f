//! What a trial is worth as evidence: a pass that does not tell that a test ran is taken back once another trial shows
//! that this command's runner tells.

use super::FailingTree;
use super::error::{EarlyExit, SessionError};
use super::finished_trial::Judged;
use super::state::{Session, Unproven};
use crate::model::{EventKind, FailureKind, SkipKind, TrialKind, Verdict};
use crate::search::Doubt;
use crate::suspects::{SourceOfChance, source_of_chance};
use crate::triage::ParsedOutput;

impl Session<'_> {
    /// Trials that passed and are no evidence any more, once it is known that the command prints counts where tests run.
    pub(super) fn withdrawn(&mut self) -> Result<Vec<Judged>, SessionError> {
        let Some(runner) = self.oracle.as_ref().and_then(crate::triage::TargetOracle::counting) else {
            return Ok(Vec::new());
        };
        let mut withdrawn = Vec::new();
        for Unproven { trial, commit, purpose, seen } in std::mem::take(&mut self.unproven) {
            let verdict = Verdict::skip(
                SkipKind::NothingPassed,
                format!(
                    "nothing tells that a test ran: {runner} printed its counts in another trial, and none here"
                ),
            );
            self.journal.say(EventKind::Withdrawn { trial, commit, verdict: verdict.clone() })?;
            self.seen.entry(commit).or_default().retract(seen);
            withdrawn.push(Judged { trial, purpose, commit, verdict, withdrawn: Some(seen) });
        }
        Ok(withdrawn)
    }

    /// The verdict on the test that is searched for, where others fail beside it: good when the runner tells that this one
    /// passed. A composed tree, which may become a fix, must not break another test for that.
    pub(super) fn of_the_target(
        &mut self,
        plain: Verdict,
        reading: &ParsedOutput,
        purpose: TrialKind,
    ) -> Result<Verdict, SessionError> {
        let Some(oracle) = &self.oracle else { return Ok(plain) };
        let differs = matches!(&plain, Verdict::Skip(skip) if skip.kind == SkipKind::DifferentFailure);
        let counts = purpose.is_of_commit() || oracle.nothing_new_is_red(reading);
        if !(differs && counts && oracle.target_passed(reading)) {
            return Ok(plain);
        }
        self.journal.note(
            "other tests fail in some trials: a trial is good where the test that is searched for is told to have passed",
        )?;
        Ok(Verdict::Good)
    }

    /// Once the failure is known: look whether its code can go another way next time.
    pub(super) fn look_for_chance(&mut self) -> Result<(), EarlyExit> {
        let Some(target) = self.target.as_ref().filter(|_| self.reaches_chance.is_none()) else {
            return Ok(());
        };
        if matches!(&target.kind, FailureKind::Exception(kind) if is_of_the_code(kind)) {
            self.reaches_chance = Some(false);
            return Ok(());
        }
        let tree = FailingTree::new(self.workshop.repository, self.plan.bad, &self.plan.overlay)?;
        let failure = self.failure_as_evidence()?;
        let source = failure.and_then(|failure| source_of_chance(&failure, &tree));
        self.reaches_chance = Some(source.is_some());
        if let Some(SourceOfChance { path, code }) = source {
            self.journal.note(format!(
                "the failing code rests on what no commit decides ({path}: {code}): it is run more often before a commit is \
                 named"
            ))?;
        }
        Ok(())
    }

    /// How likely it is, before anything ran, that the test is flaky: the more a failure tells of
    /// itself, the less likely it appears by chance, unless its code draws lots, waits or runs things at the same time.
    pub(super) fn doubt(&self) -> Doubt {
        let by_kind = match self.target.as_ref().map(|target| &target.kind) {
            Some(FailureKind::Exception(kind)) if kind.ends_with("AssertionError") => 0.015,
            // What waits for others may fail anywhere, also where another failure is the one that is meant.
            Some(FailureKind::Exception(kind)) if waits(kind) => 0.3,
            Some(FailureKind::Exception(_)) => 0.007,
            Some(FailureKind::Signal(_)) => 0.05,
            Some(FailureKind::Timeout) => 0.3,
            Some(FailureKind::ExitCode(_))
                if self.target.as_ref().is_some_and(|target| !target.shape.is_empty()) =>
            {
                0.1
            }
            Some(FailureKind::ExitCode(_)) | None => 0.5,
        };
        if self.reaches_chance == Some(true) { OF_CHANCE } else { Doubt::new(by_kind) }
    }
}

/// Whether an exception tells that the code itself is wrong: a name, a signature or a file that is not there is not there in
/// the next run either.
fn is_of_the_code(kind: &str) -> bool {
    let kind = kind.rsplit('.').next().unwrap_or(kind);
    [
        "TypeError",
        "NameError",
        "UnboundLocalError",
        "ImportError",
        "ModuleNotFoundError",
        "SyntaxError",
        "IndentationError",
        "TabError",
        "NotImplementedError",
    ]
    .contains(&kind)
}

/// The doubt about a test that rests on what no commit decides: what is new in it shows in some runs, rather than in all.
const OF_CHANCE: Doubt = Doubt { false_failures: 0.25, false_passes: 0.4 };

/// Whether an exception is one of what waits for others: a network, another process, a lock.
fn waits(kind: &str) -> bool {
    let kind = kind.rsplit('.').next().unwrap_or(kind);
    ["Timeout", "TimedOut", "Connection", "BrokenPipe", "Unavailable", "Blocking", "Lock"]
        .iter()
        .any(|word| kind.contains(word))
}
