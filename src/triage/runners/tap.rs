//! The Test Anything Protocol: `pytest --tap`, tap.py, prove and what else writes it.

use std::sync::LazyLock;

use regex::Regex;

use super::lines::{number, pattern};
use super::reader::ReadRunner;
use super::{Count, RunSummary, Runner};

/// Whoever writes TAP.
pub(super) struct Tap;

/// `1..3`, before the tests or behind them; `1..0 # SKIP why` where all was skipped.
static PLAN: LazyLock<Regex> = LazyLock::new(|| pattern(r"^1\.\.(\d+)(?: *#.*)?$"));
/// `not ok 2 - a name # TODO why`.
static OUTCOME: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^(?P<not>not )?ok \d+(?: (?:- )?(?P<test>[^#]*?))?(?: *# *(?i:(?P<skip>skip)|(?P<todo>todo))\b.*)?$",
    )
});

impl ReadRunner for Tap {
    fn runner(&self) -> Runner {
        Runner::Tap
    }

    fn versions(&self) -> &'static str {
        "TAP 12 to 14; bats 1.13"
    }

    fn read(&self, lines: &[&str], _named: bool) -> Option<RunSummary> {
        let plan = lines.iter().rposition(|line| PLAN.is_match(line))?;
        let outcomes: Vec<_> = lines.iter().filter_map(|line| OUTCOME.captures(line)).collect();
        let last = lines.iter().rposition(|line| OUTCOME.is_match(line));
        let mut run = RunSummary::new(Runner::Tap, last.map_or(plan, |last| last.max(plan)));
        let count = u32::try_from(outcomes.len()).unwrap_or(u32::MAX);
        for outcome in outcomes {
            let (failed, todo) = (outcome.name("not").is_some(), outcome.name("todo").is_some());
            let what = match (outcome.name("skip").is_some(), failed, todo) {
                (true, ..) => Count::Skipped,
                (_, true, true) => Count::ExpectedFailure,
                (_, false, true) => Count::UnexpectedPass,
                (_, true, false) => Count::Failed,
                (_, false, false) => Count::Passed,
            };
            run.add(1, what);
            let test = outcome.name("test").map_or("", |test| test.as_str());
            match what {
                Count::Passed if !test.is_empty() => run.passed_tests.push(test.to_owned()),
                Count::Failed if !test.is_empty() => run.failed_tests.push(test.to_owned()),
                _ => {}
            }
        }
        of_bats(&mut run, lines);
        // Fewer outcomes than planned: it was ended before.
        let planned = PLAN.captures(lines[plan]).map_or(0, |found| number(&found[1]));
        run.is_closed = count >= planned;
        run.interrupted = !run.is_closed;
        Some(run)
    }
}

/// bats names the command of the test that failed below the outcome.
fn of_bats(run: &mut RunSummary, lines: &[&str]) {
    static COMMAND: LazyLock<Regex> = LazyLock::new(|| pattern(r"^# +`(.+)' failed(?: with status \d+)?$"));
    let mut test = None;
    for line in lines {
        if let Some(outcome) = OUTCOME.captures(line) {
            test = outcome.name("not").and(outcome.name("test")).map(|test| test.as_str());
        } else if let (Some(name), Some(found)) = (test, COMMAND.captures(line)) {
            // Quoted words would count as data of a message.
            run.fail(name, "failed", &found[1].replace(['"', '\''], ""));
            test = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(text: &str) -> Option<[u32; 5]> {
        let lines: Vec<&str> = text.lines().collect();
        let run = Tap.read(&lines, false)?;
        Some([run.passed, run.failed, run.skipped, run.xfailed, run.xpassed])
    }

    #[test]
    fn outcomes_are_counted() {
        let text = "1..5\nok 1 test_app.py::test_a\nnot ok 2 - b\n# E  assert 5 == 6\nok 3 c # SKIP not now\n\
                    not ok 4 # TODO later\nok 5 # todo already";
        assert_eq!(counts(text), Some([1, 1, 1, 1, 1]));
    }

    #[test]
    fn a_plan_without_tests_ran_nothing() {
        assert_eq!(counts("TAP version 14\n1..0 # SKIP no network"), Some([0; 5]));
    }

    #[test]
    fn a_run_with_fewer_outcomes_than_planned_was_ended_before() {
        let closed = |text: &str| {
            let lines: Vec<&str> = text.lines().collect();
            Tap.read(&lines, false).unwrap().is_closed
        };
        assert!(!closed("1..3\nok 1 - a\nok 2 - b"));
        assert!(closed("1..2\nok 1 - a\nok 2 - b"));
        assert!(closed("ok 1 - a\nok 2 - b\n1..2"));
    }

    #[test]
    fn lines_that_say_ok_are_no_protocol() {
        assert_eq!(counts("ok 1\nok 2 files written"), None);
    }

    #[test]
    fn tests_are_named() {
        let run = Tap.read(&["ok 1 test_app.py::test_a", "not ok 2 - test_b", "1..2"], false).unwrap();
        assert_eq!(
            (run.passed_tests, run.failed_tests),
            (vec!["test_app.py::test_a".into()], vec!["test_b".into()])
        );
    }

    #[test]
    fn bats_names_the_command_that_failed() {
        let text = "1..2\nnot ok 1 total\n# (in test file sums.bats, line 4)\n#   `[ \"$output\" = 6 ]' failed\nok 2 more";
        let lines: Vec<&str> = text.lines().collect();
        let run = Tap.read(&lines, false).unwrap();
        assert_eq!(run.failures.len(), 1);
        assert_eq!(
            (run.failures[0].test.as_str(), run.failures[0].message.as_str()),
            ("total", "[ $output = 6 ]")
        );
        assert_eq!((run.passed, run.failed), (1, 1));
    }
}
