//! The command fails on the base already: which tests fail on the merge result only.

use std::collections::BTreeSet;
use std::ffi::OsString;

use super::merge_check::MergeCheck;
use super::smoke::SmokeSource;
use crate::model::{CancelToken, SmokeResult, TrialKind, TrialOutput};
use crate::setup::Error;
use crate::triage::{CommandFacts, read};

/// Names in one line.
const MOST_NAMED: usize = 5;

/// The tests of one run that failed.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Red {
    tests: BTreeSet<String>,
    /// Whether it ended before all tests ran, so that others may fail as well.
    stopped: bool,
}

/// What the two sides show together.
#[derive(Debug, PartialEq, Eq)]
enum Compared {
    /// These fail on the merge result only.
    New(BTreeSet<String>),
    /// The merge result has no failing test that the base has not; so many fail there, so many less than on the base.
    Same { failing: usize, fewer: usize },
    /// It cannot be told, for this reason.
    Unknown(String),
}

fn red(output: &TrialOutput, command: &CommandFacts) -> Red {
    let Some(summary) = read(output, command).summary else { return Red::default() };
    let lists = [summary.failed_tests, summary.error_tests, summary.collection_errors];
    Red { tests: lists.into_iter().flatten().collect(), stopped: summary.interrupted }
}

fn compare(base: &Red, merged: &Red) -> Compared {
    if base.tests.is_empty() || merged.tests.is_empty() {
        let why = "the command names no failing tests, so only its exit status was compared";
        return Compared::Unknown(why.to_owned());
    }
    let new: BTreeSet<String> = merged.tests.difference(&base.tests).cloned().collect();
    let stops = "the command stops before all tests ran (at the first failure, or where one cannot be collected), so \
                 what fails after that is not known; without -x it can be told";
    if base.stopped || merged.stopped && new.is_empty() {
        return Compared::Unknown(stops.to_owned());
    }
    if new.is_empty() {
        let fewer = base.tests.len() - merged.tests.len();
        return Compared::Same { failing: merged.tests.len(), fewer };
    }
    Compared::New(new)
}

/// Whether a command asks its runner to stop at a failure, which not every runner says when it does.
fn stops_early(command: &[OsString]) -> bool {
    let words: Vec<String> = command.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let words = || words.iter().flat_map(|word| word.split_whitespace());
    let is_pytest = CommandFacts::of(command).runs_pytest;
    let is_unittest = words().any(|word| word == "unittest" || word.ends_with("manage.py"));
    let short = |word: &str, letter: char| {
        word.strip_prefix('-').is_some_and(|rest| {
            rest.contains(letter) && rest.chars().all(|other| other.is_ascii_alphabetic())
        })
    };
    words().any(|word| {
        ["--exitfirst", "--failfast", "--fail-fast"].contains(&word)
            || word.starts_with("--maxfail")
            || is_pytest && short(word, 'x')
            || is_unittest && short(word, 'f')
    })
}

/// Tests in words: the first few by name.
fn named(tests: &BTreeSet<String>) -> String {
    let shown: Vec<&str> = tests.iter().take(MOST_NAMED).map(String::as_str).collect();
    match tests.len().checked_sub(MOST_NAMED).filter(|more| *more > 0) {
        Some(more) => format!("{} and {more} more", shown.join(", ")),
        None => shown.join(", "),
    }
}

fn count(number: usize) -> String {
    if number == 1 { "1 test".to_owned() } else { format!("{number} tests") }
}

impl MergeCheck<'_, '_> {
    /// Compare which tests fail on both sides. What is new is run again before it is held against the branch.
    pub(super) fn red_on_both(
        &mut self,
        sides: (SmokeSource, SmokeSource),
        outputs: &[TrialOutput; 2],
        smoke: &mut SmokeResult,
        cancel: &CancelToken,
    ) -> Result<(), Error> {
        let command = CommandFacts::of(&self.prepared.plan.recipe.command);
        let (mut base, mut merged) = (red(&outputs[0], &command), red(&outputs[1], &command));
        if stops_early(&self.prepared.plan.recipe.command) {
            base.stopped = true;
        }
        let mut compared = compare(&base, &merged);
        if let Compared::New(before) = &compared {
            let before = before.clone();
            let again = self.trials(&[sides.0, sides.1], TrialKind::Repeat)?;
            if cancel.is_cancelled() {
                return Ok(());
            }
            let [base_again, merged_again] = [&again[0], &again[1]].map(|output| red(output, &command));
            // A test that fails now and then is none that the branch broke.
            base.tests.extend(base_again.tests);
            merged.tests.retain(|test| merged_again.tests.contains(test) || base.tests.contains(test));
            compared = compare(&base, &merged);
            let still = match &compared {
                Compared::New(new) => new.clone(),
                _ => BTreeSet::new(),
            };
            let flaky: BTreeSet<String> = before.difference(&still).cloned().collect();
            if !flaky.is_empty() {
                let one = if flaky.len() == 1 { "it is" } else { "they are" };
                self.report.notes.push(format!(
                    "{}: run again, {one} the same on both sides; flaky, and not held against the branch",
                    named(&flaky)
                ));
            }
        }
        match compared {
            Compared::New(new) => {
                let reading = read(&outputs[1], &command);
                let failure =
                    reading.failures.iter().find(|one| one.tests.iter().any(|test| new.contains(test)));
                let frames = failure.map(|failure| failure.frames.clone()).unwrap_or_default();
                let what = failure.map(|failure| format!(": {failure}")).unwrap_or_default();
                let verb = if new.len() == 1 { "fails that does" } else { "fail that do" };
                let message =
                    format!("{} {verb} not fail on the base: {}{what}", count(new.len()), named(&new));
                let on_base = format!("fails already, with {}, but not with these", count(base.tests.len()));
                let mut finding = self.failed(&frames, &message, &on_base);
                finding.evidence.push("run again, the same".to_owned());
                self.report.findings.insert(0, finding);
                smoke.is_new = true;
                smoke.failure = Some(message);
                smoke.new_failures = new.into_iter().collect();
            }
            Compared::Same { failing, fewer } => {
                let less = match fewer {
                    0 => String::new(),
                    some => format!(", {} fewer than there", count(some)),
                };
                smoke.known = Some(format!(
                    "{} fail{} as on the base{less}",
                    count(failing),
                    if failing == 1 { "s" } else { "" }
                ));
            }
            Compared::Unknown(why) => smoke.not_judged = Some(why),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn red_with(tests: &[&str], stopped: bool) -> Red {
        Red { tests: tests.iter().map(|&test| test.to_owned()).collect(), stopped }
    }

    #[test]
    fn one_more_failing_test_is_new_and_the_same_ones_or_fewer_are_not() {
        let base = red_with(&["a", "b"], false);
        let new = |tests: &[&str]| compare(&base, &red_with(tests, false));
        assert_eq!(new(&["a", "b"]), Compared::Same { failing: 2, fewer: 0 });
        assert_eq!(new(&["b"]), Compared::Same { failing: 1, fewer: 1 });
        assert_eq!(new(&["a", "b", "c"]), Compared::New(["c".to_owned()].into()));
        assert_eq!(new(&["c"]), Compared::New(["c".to_owned()].into()), "as many, and another one");
    }

    #[test]
    fn that_it_stops_early_is_seen_in_the_command() {
        let stops = |words: &str| stops_early(&words.split(' ').map(OsString::from).collect::<Vec<_>>());
        for words in ["pytest -x", "python -m pytest -qx t", "pytest --maxfail=2", "python -m unittest -f t"]
        {
            assert!(stops(words), "{words}");
        }
        for words in ["pytest -q tests/x", "python -m unittest t", "python3 -c x", "pytest --lf"] {
            assert!(!stops(words), "{words}");
        }
    }

    #[test]
    fn what_stops_early_or_names_nothing_cannot_be_compared() {
        let all = red_with(&["a"], false);
        let unknown = |base: &Red, merged: &Red| matches!(compare(base, merged), Compared::Unknown(_));
        assert!(unknown(&red_with(&[], false), &all));
        assert!(unknown(&all, &red_with(&[], false)));
        assert!(unknown(&red_with(&["a"], true), &red_with(&["b"], true)), "b may fail on the base as well");
        assert!(unknown(&all, &red_with(&["a"], true)));
        assert!(!unknown(&all, &red_with(&["b"], true)), "all ran on the base");
    }
}
