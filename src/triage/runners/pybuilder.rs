//! PyBuilder's unit and integration tests. How one failed stands there with `-v` alone.

use std::sync::LazyLock;

use regex::Regex;

use super::lines::{exception, number, pattern};
use super::reader::ReadRunner;
use super::{Count, RunSummary, Runner};

/// PyBuilder.
pub(super) struct PyBuilder;

/// The time may stand in front, in a form of one's own.
static EXECUTED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(?:\[INFO\]  Executed (\d+)|\[WARN\]  No) (?:unit|integration) tests?(?: executed\.)?$")
});
static ENDED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"^BUILD (?:SUCCESSFUL|FAILED - (?:There were (\d+) error\(s\) and (\d+) failure\(s\)|(.*)))")
});
static TEST: LazyLock<Regex> = LazyLock::new(|| pattern(r"\[ERROR\] Test (failed|has error): (\S+)$"));

/// A module of tests that unittest could not import.
const NOT_IMPORTED: &str = "unittest.loader._FailedTest.";

impl ReadRunner for PyBuilder {
    fn runner(&self) -> Runner {
        Runner::Other
    }

    fn versions(&self) -> &'static str {
        "0.13"
    }

    fn read(&self, lines: &[&str], _named: bool) -> Option<RunSummary> {
        let at = lines.iter().rposition(|line| ENDED.is_match(line))?;
        let ended = ENDED.captures(lines[at])?;
        let mut run = RunSummary::new(Runner::Other, at);
        let executed: Vec<u32> = lines
            .iter()
            .filter_map(|line| EXECUTED.captures(line))
            .map(|found| found.get(1).map_or(0, |count| number(count.as_str())))
            .collect();
        if executed.is_empty() {
            // What ends before the tests, or in the middle of them.
            let why = ended.get(3)?.as_str();
            run.not_started = why.starts_with("Unable to install").then(|| why.to_owned());
            return run.not_started.is_some().then_some(run);
        }
        let count = |group| ended.get(group).map_or(0, |count| number(count.as_str()));
        run.add(count(1), Count::Error);
        run.add(count(2), Count::Failed);
        let all = executed.iter().copied().fold(0, u32::saturating_add);
        run.add(all.saturating_sub(run.failed.saturating_add(run.errors)), Count::Passed);
        for (at, found) in lines.iter().enumerate().filter_map(|(at, line)| Some((at, TEST.captures(line)?)))
        {
            let test = &found[2];
            if let Some(module) = test.strip_prefix(NOT_IMPORTED) {
                run.collection_errors.push(module.to_owned());
                continue;
            }
            let (kind, message) = raised(&lines[at + 1..]).unwrap_or((&found[1], ""));
            run.fail(test, kind, message);
        }
        Some(run)
    }
}

/// The exception of the traceback that begins here.
fn raised<'t>(lines: &[&'t str]) -> Option<(&'t str, &'t str)> {
    if !lines.first()?.starts_with("Traceback (most recent call last):") {
        return None;
    }
    let own = lines.iter().take_while(|line| !TEST.is_match(line) && !line.starts_with("-----"));
    own.filter_map(|line| exception(line)).last()
}

#[cfg(test)]
mod tests {
    use super::super::{CommandFacts, read};
    use super::*;

    fn built(said: &str, ended: &str) -> RunSummary {
        let ruler = "-".repeat(60);
        let text = format!(
            "PyBuilder version 0.13.24\n[INFO]  Running unit tests\n{said}{ruler}\n{ended}\n{ruler}\nBuild took 1 seconds \
             (1109 ms)\n"
        );
        read(&text, &CommandFacts::default()).unwrap_or_else(|| RunSummary::new(Runner::Pytest, 0))
    }

    /// PyBuilder 0.13.24.
    #[test]
    fn tests_of_a_build() {
        let executed = "[INFO]  Executed 3 unit tests\n";
        let counts = |run: RunSummary| [run.passed, run.failed, run.errors];
        let passes =
            |said: &str| built(&format!("{said}[INFO]  All unit tests passed.\n"), "BUILD SUCCESSFUL");
        assert_eq!(counts(passes(executed)), [3, 0, 0]);
        assert!(passes("[WARN]  No unit tests executed.\n").nothing_ran());
        let said = format!(
            "{executed}[ERROR] Test failed: t.Sums.test_total\n[ERROR] Test has error: t.Sums.test_b\n"
        );
        let fails =
            "BUILD FAILED - There were 1 error(s) and 1 failure(s) in unit tests (pybuilder/x.py:109)";
        let run = built(&said, fails);
        assert_eq!((&run.failures[0].kind[..], &run.failures[1].kind[..]), ("failed", "has error"));
        assert_eq!((run.failed_tests.len(), counts(run)), (2, [1, 1, 1]));
        let raised = "[ERROR] Test failed: t.Sums.test_total\nTraceback (most recent call last):\n  File \"t.py\", line 8, in \
                      test_total\n    self.assertEqual(1, 2)\nAssertionError: 1 != 2\n\n";
        let run = built(&format!("{executed}{raised}"), fails);
        assert_eq!((&run.failures[0].kind[..], &run.failures[0].message[..]), ("AssertionError", "1 != 2"));
    }

    #[test]
    fn a_build_that_does_not_come_to_its_tests() {
        let run = built(
            "[ERROR] Test has error: unittest.loader._FailedTest.t\n[INFO]  Executed 1 unit tests\n",
            "BUILD FAILED - There were 1 error(s) and 0 failure(s) in unit tests (x.py:109)",
        );
        assert!(run.only_collection_failed());
        let run = built("", "BUILD FAILED - Unable to install plugin packages into /opt/venv. (x.py:105)");
        assert!(run.not_started.is_some_and(|why| why.starts_with("Unable to install plugin packages")));
        let crashed = built("", "BUILD FAILED - Unittest tool failed with exit code -6 (x.py:166)");
        assert_eq!(crashed.runner, Runner::Pytest);
    }
}
