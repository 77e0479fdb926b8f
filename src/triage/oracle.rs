//! What a trial says about its commit.
//!
//! | what happened | verdict |
//! |---|---|
//! | exit status 0 | good; skip when a test runner says that nothing passed, or does not say that anything did |
//! | the same where bad fails before any test, at an import | good, also when all tests are skipped, or there are none in a module that is named |
//! | the same, though a runner counts failures | as a failure with another status |
//! | 125 | skip |
//! | 126, 127, program not there | skip |
//! | a runner that did not start, could not collect, ran nothing | skip, unless the failure matches the target |
//! | time limit | skip, unless the target is the time limit |
//! | setup failed, tree or environment not to be had | skip |
//! | anything else | bad when the failure matches the target, otherwise skip: a different failure |
//!
//! What fails at good, too, is none of it ([`Baseline`]): a run in which nothing else fails is good. Of a different failure
//! [`TargetOracle::target_passed`] tells whether the test that is searched for passed beside it.
//!
//! Good needs evidence: that something ran and passed, where the command runs tests. Whether it does is told by its
//! words, or by the counts of another trial ([`TargetOracle::learn`]). Bad needs the failure: where no reader knows one,
//! the closing lines have to agree, and the exit status alone decides only where the command prints nothing.

use self::endings::{exit_code, ran_nothing, says_nothing};
use super::baseline::Baseline;
use super::identity::{Identity, of_ids};
use super::message_shape::within_tree;
use super::pytest_options::remedy;
use super::reasons::{
    missing_module, not_of_sh, nothing_passed, one_line, other_closing, run_in_vain, usage_error,
};
use super::runners::{CommandFacts, Part, RunSummary, Runner};
use super::sameness::{Sameness, sameness};
use super::signature::{ParsedOutput, read};
use crate::model::{FailureKind, FailureSignature, SkipKind, Termination, TrialOutput, Verdict};
use regex::Regex;

/// Turns what happened into a verdict. Pure.
pub trait Oracle {
    /// The verdict on a trial.
    fn judge(&self, output: &TrialOutput) -> Verdict;
}

/// When a failure counts as the target.
#[derive(Debug, Clone)]
pub enum Target {
    /// When it matches this failure.
    Signature(FailureSignature),
    /// Always.
    AnyFailure,
    /// When the output matches this pattern.
    Pattern(Regex),
}

/// The oracle of `find`.
#[derive(Debug, Clone)]
pub struct TargetOracle {
    target: Target,
    /// What the command's words tell.
    command: CommandFacts,
    /// The runner that printed its counts at bad, or where the command passed.
    counts: Option<Runner>,
    /// Whether a runner that only counts told of failures, and of errors, at bad.
    told: Option<(bool, bool)>,
    /// Runs at bad, where the command makes several.
    parts: Vec<Part>,
    /// The command fails without a word.
    is_silent: bool,
    /// Tests that fail at bad.
    red: Vec<String>,
    /// Whether what fails at bad is an import, before any test.
    fails_at_import: bool,
    baseline: Baseline,
}

/// Why the failure at bad cannot be a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetError {
    /// What was seen, to be read after "at bad, ".
    pub seen: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl TargetOracle {
    /// The oracle for a target.
    #[must_use]
    pub fn new(target: Target, command: CommandFacts) -> Self {
        let (counts, told, is_silent, red) = (None, None, false, Vec::new());
        let baseline = Baseline::default();
        let parts = Vec::new();
        Self { target, command, counts, told, parts, is_silent, red, fails_at_import: false, baseline }
    }

    /// The target failure at bad, with the reading it comes from.
    ///
    /// # Errors
    /// When the trial did not fail in a way that could be searched for.
    pub fn target_of(output: &TrialOutput, command: CommandFacts) -> Result<FailureSignature, TargetError> {
        let reading = read(output, &command);
        if let Some(seen) = not_a_failure(output, &reading, command) {
            return Err(seen);
        }
        Ok(reading.failures.into_iter().next().unwrap_or_else(|| {
            FailureSignature::bare(FailureKind::ExitCode(exit_code(&output.ending).unwrap_or(1)))
        }))
    }

    /// This oracle for another target.
    #[must_use]
    pub fn aimed_at(&self, failure: FailureSignature) -> Self {
        Self { target: Target::Signature(failure), ..self.clone() }
    }

    /// This oracle with what fails at the ends of the range beside the target.
    #[must_use]
    pub fn with_baseline(self, baseline: Baseline) -> Self {
        Self { baseline, ..self }
    }

    /// The failure that is looked for; `None` where any counts, or a pattern decides.
    #[must_use]
    pub const fn failure(&self) -> Option<&FailureSignature> {
        match &self.target {
            Target::Signature(failure) => Some(failure),
            Target::AnyFailure | Target::Pattern(_) => None,
        }
    }

    /// What a trial's output says.
    #[must_use]
    pub fn read(&self, output: &TrialOutput) -> ParsedOutput {
        read(output, &self.command)
    }

    /// Take note of what a trial at bad, or one that passed, shows of the command: a runner that prints counts there
    /// prints them wherever it runs. Whether that is news, so that earlier verdicts on passing trials may change.
    pub fn learn(&mut self, reading: &ParsedOutput) -> bool {
        self.red.extend(reading.summary.as_ref().map(RunSummary::failing).unwrap_or_default());
        if let Some(run) =
            reading.summary.as_ref().filter(|run| self.parts.is_empty() && run.anything_failed())
        {
            self.parts = run.own_parts();
        }
        let in_vain = |run: &RunSummary| run.only_collection_failed() || run.not_started.is_some();
        let came_to_none = reading.summary.as_ref().map_or(self.command.names_modules, in_vain);
        self.fails_at_import |= came_to_none && !reading.failures.iter().all(is_unread);
        self.told = self.told.or_else(|| reading.summary.as_ref().and_then(RunSummary::kinds_counted));
        self.is_silent |= !reading.failures.is_empty() && reading.closing.shape.is_empty();
        // doctest counts where an example fails, and is silent where all pass, and so is a checker. So may be what a filter
        // lets through.
        let is_silent = |run: &RunSummary| {
            matches!(run.runner, Runner::Doctest | Runner::Checker)
                || self.command.is_filtered && run.anything_failed()
        };
        let counted = reading.summary.as_ref();
        let counted = counted.filter(|run| run.is_closed && !run.nothing_ran() && !is_silent(run));
        match (self.counts, counted) {
            (None, Some(run)) => {
                self.counts = Some(run.runner);
                true
            }
            _ => false,
        }
    }

    /// The runner that is known to print counts where this command runs tests.
    #[must_use]
    pub const fn counting(&self) -> Option<Runner> {
        self.counts
    }

    /// Whether the runner tells that the tests of the target passed in this run, though something else failed in it.
    #[must_use]
    pub fn target_passed(&self, reading: &ParsedOutput) -> bool {
        let (Target::Signature(target), Some(run)) = (&self.target, &reading.summary) else { return false };
        // Of a docstring is told that it passed, not that the example stood in it.
        if matches!(&target.kind, FailureKind::Exception(kind) if kind.ends_with("DocTestFailure")) {
            return false;
        }
        let failing = run.failing();
        let passed = |test: &String| {
            run.passed_tests.iter().any(|id| is_same_id(id, test))
                && !failing.iter().any(|id| is_same_id(id, test))
        };
        run.is_closed && !target.tests.is_empty() && target.tests.iter().all(passed)
    }

    /// Whether nothing fails in this run but what fails at bad, too.
    #[must_use]
    pub fn nothing_new_is_red(&self, reading: &ParsedOutput) -> bool {
        reading.summary.as_ref().is_some_and(|run| run.failing().iter().all(|test| self.red.contains(test)))
    }

    /// The failure of a run that tells most of the target: itself, or what its test failed with, or what nothing else
    /// explains.
    #[must_use]
    pub fn telling<'a>(&self, reading: &'a ParsedOutput) -> Option<&'a FailureSignature> {
        let Target::Signature(target) = &self.target else { return reading.failures.first() };
        let own = |failure: &&FailureSignature| failure.tests.iter().any(|test| target.tests.contains(test));
        let unexplained = || {
            let failures = reading.failures.iter();
            failures.filter(|failure| !self.baseline.explains(target, failure))
        };
        let is_it = |failure: &&FailureSignature| sameness(target, failure).is_taken();
        let found = reading.failures.iter().find(own).or_else(|| unexplained().find(is_it));
        found.or_else(|| unexplained().next()).or(reading.failures.first())
    }

    fn matches(&self, output: &TrialOutput, reading: &ParsedOutput) -> bool {
        match &self.target {
            Target::AnyFailure => true,
            Target::Pattern(pattern) => {
                pattern.is_match(&output.stdout.text) || pattern.is_match(&output.stderr.text)
            }
            Target::Signature(_) => self.sameness(reading).is_taken(),
        }
    }

    /// How sure it is that a run shows the failure that is searched for. Where no failure is, the target is any, there is
    /// nothing to be unsure of.
    #[must_use]
    pub fn sameness(&self, reading: &ParsedOutput) -> Sameness {
        let Target::Signature(target) = &self.target else { return Sameness::Same };
        let failures = self.baseline.failures_of(reading);
        failures
            .filter(|failure| !self.baseline.explains(target, failure))
            .map(|failure| self.sameness_of(target, failure, reading))
            .fold(Sameness::Other, Sameness::or)
    }

    /// A failure that is likely the target by what it says is none where the target's own test is told to have passed
    /// beside it: then it is another test that says the same. Running numbers shift, so that id may be another case now.
    fn sameness_of(
        &self,
        target: &FailureSignature,
        failure: &FailureSignature,
        reading: &ParsedOutput,
    ) -> Sameness {
        let sameness = sameness(target, failure);
        let has_drifted = || {
            let pairs = target.tests.iter().flat_map(|a| failure.tests.iter().map(move |b| (a, b)));
            pairs.into_iter().any(|(a, b)| of_ids(a, b) == Identity::Drifted)
        };
        match sameness {
            Sameness::Likely(_) if self.target_passed(reading) && !has_drifted() => Sameness::Other,
            sameness => sameness,
        }
    }
}

impl Oracle for TargetOracle {
    fn judge(&self, output: &TrialOutput) -> Verdict {
        self.judge_reading(output, &self.read(output))
    }
}

impl TargetOracle {
    /// The verdict on a trial whose output was read already.
    #[must_use]
    pub fn judge_reading(&self, output: &TrialOutput, reading: &ParsedOutput) -> Verdict {
        match self.judge_as_printed(output, reading) {
            Verdict::Skip(skip) => Verdict::skip(skip.kind, within_tree(&skip.reason)),
            verdict => verdict,
        }
    }

    fn judge_as_printed(&self, output: &TrialOutput, reading: &ParsedOutput) -> Verdict {
        if let Some(skip) = says_nothing(output) {
            return skip;
        }
        match &output.ending {
            Termination::Exited { code: 0 } if !self.goes_by_counts(reading) => self.unless_in_vain(reading),
            Termination::Exited { .. } => self.judge_failure(output, reading),
            Termination::TimedOut { after_ms } if !self.matches(output, reading) || self.is_any() => {
                Verdict::skip(
                    SkipKind::Timeout,
                    format!(
                        "took longer than {:.0} s",
                        std::time::Duration::from_millis(*after_ms).as_secs_f64()
                    ),
                )
            }
            _ if self.matches(output, reading) => Verdict::Bad,
            _ => Verdict::skip(SkipKind::DifferentFailure, self.different(reading)),
        }
    }

    /// Whether failures are told by a runner's counts alone, its exit status being 0, and that is to decide: where the
    /// target is such a one, or how they failed can be read as well.
    fn goes_by_counts(&self, reading: &ParsedOutput) -> bool {
        let is_told = !reading.failures.iter().all(is_unread);
        let is_target = match &self.target {
            Target::Signature(target) => target.kind == FailureKind::ExitCode(0),
            Target::AnyFailure | Target::Pattern(_) => true,
        };
        !reading.failures.is_empty() && (is_told || is_target)
    }

    /// Exit status 0 is good where something passed, or where nobody runs tests.
    fn unless_in_vain(&self, reading: &ParsedOutput) -> Verdict {
        let Some(run) = &reading.summary else {
            return match (self.counts, self.command.runner) {
                (Some(runner), _) => Verdict::skip(
                    SkipKind::NothingPassed,
                    format!(
                        "nothing tells that a test ran: {runner} printed its counts in another trial, and none here"
                    ),
                ),
                // Their status tells that a test ran, and they may be told to print nothing.
                (None, Some(Runner::Pytest | Runner::Robot))
                    if self.is_silent && reading.closing.shape.is_empty() =>
                {
                    Verdict::Good
                }
                (None, Some(runner)) => Verdict::skip(
                    SkipKind::NothingPassed,
                    format!("nothing tells that a test ran: {runner} printed no counts"),
                ),
                (None, None) => Verdict::Good,
            };
        };
        if let Some(why) = &run.not_started {
            return Verdict::skip(SkipKind::NotRunnable, format!("{} did not start: {why}", run.runner));
        }
        // What could not be imported at bad was imported here: its tests are skipped, or are none of this runner.
        let is_imported = run.skipped > 0 || self.command.names_modules;
        if self.fails_at_import && is_imported && run.is_closed && run.nothing_ran() {
            return Verdict::Good;
        }
        if run.nothing_passed() {
            return Verdict::skip(SkipKind::NothingPassed, nothing_passed(run));
        }
        if let Some(why) = run_in_vain(&self.parts, &run.own_parts(), self.command.in_any_order) {
            return Verdict::skip(SkipKind::NothingPassed, why);
        }
        if !run.is_closed {
            let why = format!("{} was ended before its closing lines, with exit status 0", run.runner);
            return Verdict::skip(SkipKind::NotRunnable, why);
        }
        if run.anything_failed() && !matches!(run.runner, Runner::Other | Runner::Checker) {
            let failed = run.failed.saturating_add(run.errors);
            let why = format!("exit status 0, though {} counted {failed} as failed", run.runner);
            return Verdict::skip(SkipKind::NothingPassed, why);
        }
        Verdict::Good
    }

    fn judge_failure(&self, output: &TrialOutput, reading: &ParsedOutput) -> Verdict {
        let in_vain = ran_nothing(output, reading, self.command);
        let skip = |(kind, why): (SkipKind, String)| Verdict::skip(kind, why);
        let matches = self.matches(output, reading);
        match &self.target {
            Target::Pattern(_) if matches => Verdict::Bad,
            // A status and closing lines are no evidence where no test ran.
            Target::Signature(target) if matches && is_unread(target) => {
                in_vain.map(skip).or_else(|| self.counts_otherwise(reading)).unwrap_or(Verdict::Bad)
            }
            Target::Signature(_) if matches => Verdict::Bad,
            // What cannot be imported is a failure, too, when any is wanted, and so is an exception before the first test.
            Target::AnyFailure => {
                let imports = reading.summary.as_ref().is_some_and(RunSummary::only_collection_failed);
                let raised = !reading.failures.iter().all(is_unread)
                    && reading.summary.as_ref().is_none_or(|run| run.not_started.is_none());
                in_vain.filter(|_| !imports && !raised).map_or(Verdict::Bad, skip)
            }
            Target::Signature(target) if in_vain.is_none() && self.baseline.explains_all(target, reading) => {
                Verdict::Good
            }
            Target::Signature(_) | Target::Pattern(_) => in_vain
                .map_or_else(|| Verdict::skip(SkipKind::DifferentFailure, self.different(reading)), skip),
        }
    }

    /// A run that does not come to its counts, where others do, did not end as they did, nor one that counts errors
    /// where others count failures.
    fn counts_otherwise(&self, reading: &ParsedOutput) -> Option<Verdict> {
        let told = reading.summary.as_ref().and_then(RunSummary::kinds_counted);
        if self.told.is_some() && told.is_some() && self.told != told {
            let why =
                format!("failures and errors are counted otherwise than at bad{}", closing_words(reading));
            return Some(Verdict::skip(SkipKind::DifferentFailure, why));
        }
        let runner = self.counts.filter(|_| reading.summary.is_none())?;
        let why =
            format!("{runner} printed its counts in another trial, and none here{}", closing_words(reading));
        Some(Verdict::skip(SkipKind::DifferentFailure, why))
    }

    fn different(&self, reading: &ParsedOutput) -> String {
        match (&self.target, reading.failures.first()) {
            (Target::Signature(target), Some(failure)) if is_unread(target) && is_unread(failure) => {
                other_closing(target, failure)
            }
            (_, Some(failure)) => format!("different failure: {}", one_line(failure)),
            (_, None) => "different failure".to_owned(),
        }
    }

    const fn is_any(&self) -> bool {
        matches!(self.target, Target::AnyFailure)
    }
}

/// Whether two ids are of the same test, also where its file moved to another folder.
fn is_same_id(a: &str, b: &str) -> bool {
    let from_file = |id: &str| {
        let folders = id.split_once("::").and_then(|(path, _)| path.rfind('/'));
        id[folders.map_or(0, |slash| slash + 1)..].to_owned()
    };
    a == b || from_file(a) == from_file(b)
}

/// Whether no reader knew the failure, so that its status and closing lines are all that is known.
const fn is_unread(failure: &FailureSignature) -> bool {
    matches!(failure.kind, FailureKind::ExitCode(_))
}

fn closing_words(reading: &ParsedOutput) -> String {
    match reading.closing.message.as_str() {
        "" => String::new(),
        message => format!(": {message}"),
    }
}

/// What was seen at bad, when it cannot be a target.
fn not_a_failure(output: &TrialOutput, reading: &ParsedOutput, command: CommandFacts) -> Option<TargetError> {
    let no = |seen: String, hint: Option<&str>| Some(TargetError { seen, hint: hint.map(str::to_owned) });
    let failed = matches!(output.ending, Termination::Exited { code } if code != 0);
    if let Some(said) = not_of_sh(output).filter(|_| failed && reading.failures.iter().all(is_unread)) {
        return no(
            format!("the shell does not know the command: {said}"),
            Some("--shell runs sh; what only bash knows: -- bash -c '…'"),
        );
    }
    match &output.ending {
        Termination::Exited { code: 0 } if !reading.failures.is_empty() => None,
        Termination::Exited { code: 0 } => match &reading.summary {
            Some(run) if run.anything_failed() && !matches!(run.runner, Runner::Other | Runner::Checker) => {
                no(
                    format!("the command ends with status 0, though {} counted failures", run.runner),
                    Some(
                        "let the status through: no `|| true`, nothing behind it that passes; a pipe in -- bash -o pipefail -c '…'",
                    ),
                )
            }
            Some(run) if run.nothing_passed() => no(
                format!("nothing failed and nothing passed ({})", nothing_passed(run)),
                Some("name a test that runs, or lay the reproducing one over with --with-file"),
            ),
            _ => no("the command passes".to_owned(), Some("name the commit that fails: --bad REV")),
        },
        Termination::Exited { code: 125 } => {
            no("the command asks to be skipped (exit status 125)".to_owned(), None)
        }
        Termination::Exited { code: 126 | 127 } | Termination::NotStarted { .. } => {
            let verdict = says_nothing(output).map(|verdict| verdict.to_string()).unwrap_or_default();
            no(
                verdict.trim_start_matches("skip: ").to_owned(),
                Some("give the command as you would type it in the repository, after `--`"),
            )
        }
        Termination::Exited { .. } if reading.failures.iter().all(is_unread) => {
            let (_, why) = ran_nothing(output, reading, command)?;
            let runner = reading.summary.as_ref().map_or(Runner::Pytest, |run| run.runner);
            no(format!("{runner} did not come to run the test: {why}"), Some(&hint_of(output)))
        }
        _ => says_nothing(output).map(|verdict| TargetError {
            seen: verdict.to_string().trim_start_matches("skip: ").to_owned(),
            hint: None,
        }),
    }
}

/// What brings a run to its tests.
fn hint_of(output: &TrialOutput) -> String {
    match (missing_module(output), usage_error(output)) {
        (Some(module), _) => {
            let package = module.split('.').next().unwrap_or(&module);
            format!(
                "a package that nobody declares goes in with --with {package} (and --env auto); a module of \
                 the project's own tests with --with-file"
            )
        }
        (None, Some(said)) => {
            let remedy = remedy(&said).unwrap_or_else(|| "pytest>=X.Y".to_owned());
            format!(
                "the pytest of that environment does not know it: --with '{remedy}' (and --env auto) brings what \
                 does, or leave it out"
            )
        }
        (None, None) => {
            "check the test's path; a test that is newer than the history goes in with --with-file".to_owned()
        }
    }
}

mod endings;
#[cfg(test)]
mod tests;
