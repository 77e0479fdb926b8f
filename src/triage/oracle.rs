//! What a trial says about its commit.
//!
//! | what happened | verdict |
//! |---|---|
//! | exit status 0 | good; skip when a test runner says that nothing passed |
//! | 125 | skip |
//! | 126, 127, program not there | skip |
//! | pytest's 2 to 5: could not collect, internal error, usage error, no tests | skip, unless the failure matches the target |
//! | time limit | skip, unless the target is the time limit |
//! | setup failed, tree or environment not to be had | skip |
//! | anything else | bad when the failure matches the target, otherwise skip: a different failure |

use std::sync::LazyLock;

use regex::Regex;

use super::pytest_options::remedy;
use super::runner::{RunSummary, Runner};
use super::signature::{Reading, read, same_failure};
use crate::model::{Ending, FailureKind, FailureSignature, SkipKind, TrialOutput, Verdict};

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
    /// Whether the command is known to run pytest, also where a run prints nothing recognisable.
    runs_pytest: bool,
}

/// Why the failure at bad cannot be a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoTarget {
    /// What was seen, to be read after "at bad, ".
    pub seen: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl TargetOracle {
    /// The oracle for a target.
    #[must_use]
    pub const fn new(target: Target, runs_pytest: bool) -> Self {
        Self { target, runs_pytest }
    }

    /// The target failure at bad, with the reading it comes from.
    ///
    /// # Errors
    /// When the trial did not fail in a way that could be searched for.
    pub fn target_of(output: &TrialOutput, runs_pytest: bool) -> Result<FailureSignature, NoTarget> {
        let reading = read(output);
        if let Some(seen) = not_a_failure(output, &reading, runs_pytest) {
            return Err(seen);
        }
        Ok(reading.failures.into_iter().next().unwrap_or_else(|| {
            FailureSignature::bare(FailureKind::ExitCode(exit_code(&output.ending).unwrap_or(1)))
        }))
    }

    fn matches(&self, output: &TrialOutput, reading: &Reading) -> bool {
        match &self.target {
            Target::AnyFailure => true,
            Target::Pattern(pattern) => {
                pattern.is_match(&output.stdout.text) || pattern.is_match(&output.stderr.text)
            }
            Target::Signature(target) => reading.failures.iter().any(|failure| same_failure(target, failure)),
        }
    }
}

impl Oracle for TargetOracle {
    fn judge(&self, output: &TrialOutput) -> Verdict {
        self.judge_reading(output, &read(output))
    }
}

impl TargetOracle {
    /// The verdict on a trial whose output was read already.
    #[must_use]
    pub fn judge_reading(&self, output: &TrialOutput, reading: &Reading) -> Verdict {
        if let Some(skip) = says_nothing(output) {
            return skip;
        }
        match &output.ending {
            Ending::Exited { code: 0 } => match &reading.summary {
                Some(summary) if summary.nothing_passed() => {
                    Verdict::skip(SkipKind::NothingPassed, nothing_passed(summary))
                }
                _ => Verdict::Good,
            },
            Ending::Exited { code: code @ 2..=5 } if self.is_pytest(reading) => {
                let named = !matches!(self.target, Target::AnyFailure) || *code == 2;
                if named && self.matches(output, reading) && has_evidence(&self.target, reading) {
                    Verdict::Bad
                } else {
                    Verdict::skip(SkipKind::NotRunnable, not_runnable(*code, output, reading))
                }
            }
            Ending::TimedOut { after_ms } if !self.matches(output, reading) || self.is_any() => {
                Verdict::skip(
                    SkipKind::Timeout,
                    format!(
                        "took longer than {:.0} s",
                        std::time::Duration::from_millis(*after_ms).as_secs_f64()
                    ),
                )
            }
            _ if self.matches(output, reading) => Verdict::Bad,
            _ => Verdict::skip(SkipKind::DifferentFailure, different(reading)),
        }
    }

    fn is_pytest(&self, reading: &Reading) -> bool {
        self.runs_pytest || is_pytest(reading)
    }

    const fn is_any(&self) -> bool {
        matches!(self.target, Target::AnyFailure)
    }
}

fn is_pytest(reading: &Reading) -> bool {
    reading.summary.as_ref().is_some_and(|summary| summary.runner == Runner::Pytest)
}

/// A pytest run that could not begin matches a target by what it shows, not by its exit status alone.
fn has_evidence(target: &Target, reading: &Reading) -> bool {
    match target {
        Target::Signature(_) => {
            !reading.failures.iter().all(|failure| matches!(failure.kind, FailureKind::ExitCode(_)))
        }
        Target::AnyFailure | Target::Pattern(_) => true,
    }
}

const fn exit_code(ending: &Ending) -> Option<i32> {
    match ending {
        Ending::Exited { code } => Some(*code),
        _ => None,
    }
}

/// Endings that are skips whatever the target is.
fn says_nothing(output: &TrialOutput) -> Option<Verdict> {
    let ending = &output.ending;
    let skip = |kind, reason: String| Some(Verdict::skip(kind, reason));
    match ending {
        Ending::Exited { code: 125 } => skip(SkipKind::Requested, "exit status 125".to_owned()),
        Ending::Exited { code: code @ (126 | 127) } => {
            skip(SkipKind::CommandNotFound, format!("command not found here (exit status {code})"))
        }
        Ending::NotStarted { error } => {
            skip(SkipKind::CommandNotFound, format!("command cannot be started here: {error}"))
        }
        Ending::SetupFailed { reason } => {
            skip(SkipKind::Setup, format!("setup failed: {reason}{}", last_words(output)))
        }
        Ending::NoTree { reason } => skip(SkipKind::Tree, reason.clone()),
        Ending::NoEnvironment { reason } => skip(SkipKind::Environment, format!("no environment: {reason}")),
        Ending::Cancelled => skip(SkipKind::Requested, "cancelled".to_owned()),
        Ending::Signalled { signal } if super::signature::crash_signal(ending).is_none() => {
            skip(SkipKind::NotRunnable, format!("ended from outside by signal {signal}"))
        }
        Ending::Exited { .. } | Ending::Signalled { .. } | Ending::TimedOut { .. } => None,
    }
}

/// The last line that a command wrote, behind a colon.
fn last_words(output: &TrialOutput) -> String {
    let texts = [&output.stderr.text, &output.stdout.text];
    let last = texts.into_iter().find_map(|text| text.trim_end().lines().next_back());
    last.map(|line| format!(": {}", line.trim())).unwrap_or_default()
}

/// What was seen at bad, when it cannot be a target.
fn not_a_failure(output: &TrialOutput, reading: &Reading, runs_pytest: bool) -> Option<NoTarget> {
    let no = |seen: String, hint: Option<&str>| Some(NoTarget { seen, hint: hint.map(str::to_owned) });
    match &output.ending {
        Ending::Exited { code: 0 } => match &reading.summary {
            Some(summary) if summary.nothing_passed() => no(
                format!("nothing failed and nothing passed ({})", nothing_passed(summary)),
                Some("name a test that runs, or lay the reproducing one over with --with-file"),
            ),
            _ => no(
                "the command passes".to_owned(),
                Some("name the commit that fails with --bad, and check the command there by hand"),
            ),
        },
        Ending::Exited { code: code @ 2..=5 }
            if (runs_pytest || is_pytest(reading))
                && reading.failures.iter().all(|one| matches!(one.kind, FailureKind::ExitCode(_))) =>
        {
            let hint = match (missing_module(output), usage_error(output)) {
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
                    "check the test's path; a test that is newer than the history goes in with --with-file"
                        .to_owned()
                }
            };
            no(
                format!("pytest did not come to run the test: {}", not_runnable(*code, output, reading)),
                Some(&hint),
            )
        }
        Ending::Exited { code: 125 } => {
            no("the command asks to be skipped (exit status 125)".to_owned(), None)
        }
        Ending::Exited { code: 126 | 127 } | Ending::NotStarted { .. } => {
            let verdict = says_nothing(output).map(|verdict| verdict.to_string()).unwrap_or_default();
            no(
                verdict.trim_start_matches("skip: ").to_owned(),
                Some("give the command as you would type it in the repository, after `--`"),
            )
        }
        _ => says_nothing(output).map(|verdict| NoTarget {
            seen: verdict.to_string().trim_start_matches("skip: ").to_owned(),
            hint: None,
        }),
    }
}

fn nothing_passed(summary: &RunSummary) -> String {
    let counts = [
        (summary.skipped, "skipped"),
        (summary.deselected, "deselected"),
        (summary.xfailed, "failed as expected"),
    ];
    let parts: Vec<String> = counts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    if parts.is_empty() { "no tests ran".to_owned() } else { format!("no test passed: {}", parts.join(", ")) }
}

/// The module that the run could not find, as the interpreter says.
fn missing_module(output: &TrialOutput) -> Option<String> {
    static SAID: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"No module named '?([A-Za-z_][\w.]*)'?").ok());
    let texts = [&output.stdout.text, &output.stderr.text];
    let found = texts.into_iter().find_map(|text| SAID.as_ref()?.captures_iter(text).last())?;
    Some(found[1].trim_end_matches('.').to_owned())
}

/// What pytest says of its command line. Old versions end with status 2 then, as where tests cannot be collected.
fn usage_error(output: &TrialOutput) -> Option<String> {
    static SAID: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(r"(?m)^\S*(?:py\.?test|__main__|ERROR)\S*: (?:error: )?((?:unrecognized arguments?|no such option|argument |ambiguous option).*)$").ok()
    });
    let texts = [&output.stderr.text, &output.stdout.text];
    let found = texts.into_iter().find_map(|text| SAID.as_ref()?.captures(text))?;
    Some(found[1].trim_end().to_owned())
}

fn not_runnable(code: i32, output: &TrialOutput, reading: &Reading) -> String {
    let what = match code {
        2 => "could not collect the tests",
        3 => "internal error of pytest",
        4 => "pytest could not start",
        _ => "no tests were found",
    };
    match reading.failures.first() {
        Some(failure) if matches!(failure.kind, FailureKind::Exception(_)) => {
            format!("{what}: {}", one_line(failure))
        }
        _ => match (missing_module(output), usage_error(output)) {
            (Some(module), _) => format!("{what}: No module named '{module}'"),
            (None, Some(error)) => format!("pytest could not start: {error}"),
            (None, None) => format!("{what} (exit status {code})"),
        },
    }
}

fn different(reading: &Reading) -> String {
    match reading.failures.first() {
        Some(failure) => format!("different failure: {}", one_line(failure)),
        None => "different failure".to_owned(),
    }
}

/// A failure in at most about a hundred characters.
fn one_line(failure: &FailureSignature) -> String {
    const MOST: usize = 100;
    let text = failure.to_string();
    let line = text.lines().next().unwrap_or_default();
    match line.char_indices().nth(MOST) {
        Some((cut, _)) => format!("{}…", &line[..cut]),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests;
