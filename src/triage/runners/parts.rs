//! Several runs in one output: `pytest a && pytest b`, a script, a Makefile, sessions of nox, environments of tox.
//!
//! All their counts are summed, and each run is kept by itself ([`Part`](super::Part)): the tests that are searched for may stand in one
//! that ran nothing while another one passed. A run that a test of a plugin made stands within the outer run's report, and
//! is none of the command's.

use std::ops::RangeInclusive;
use std::sync::LazyLock;

use regex::Regex;

use super::RunSummary;
use super::lines::pattern;

/// The sum of several runs, each told by itself. It stands where the last one does.
pub(super) fn sum(runs: Vec<RunSummary>) -> Option<RunSummary> {
    let mut runs = runs.into_iter();
    let mut all = runs.next()?;
    let mut parts = all.own_parts();
    for run in runs {
        parts.extend(run.own_parts());
        all = add(all, run);
    }
    if parts.len() > 1 {
        all.parts = parts;
    }
    Some(all)
}

fn add(mut all: RunSummary, run: RunSummary) -> RunSummary {
    for (sum, more) in [
        (&mut all.passed, run.passed),
        (&mut all.failed, run.failed),
        (&mut all.errors, run.errors),
        (&mut all.skipped, run.skipped),
        (&mut all.deselected, run.deselected),
        (&mut all.xfailed, run.xfailed),
        (&mut all.xpassed, run.xpassed),
        (&mut all.reruns, run.reruns),
        (&mut all.listed, run.listed),
    ] {
        *sum = sum.saturating_add(more);
    }
    all.failed_tests.extend(run.failed_tests);
    all.error_tests.extend(run.error_tests);
    all.passed_tests.extend(run.passed_tests);
    all.collection_errors.extend(run.collection_errors);
    all.failures.extend(run.failures);
    all.interrupted |= run.interrupted;
    all.is_closed &= run.is_closed;
    all.not_started = all.not_started.or(run.not_started);
    if run.at >= all.at {
        (all.at, all.runner) = (run.at, run.runner);
    }
    all
}

/// Progress of a run: `..F.s  [100%]`.
static PROGRESS: LazyLock<Regex> = LazyLock::new(|| pattern(r"^[.FEsxXR]+ +\[ *\d+%\]$"));
/// Below it a run tells of its tests one by one, with what they printed.
static REPORTS: LazyLock<Regex> = LazyLock::new(|| pattern(r"^=+ (?:FAILURES|ERRORS|PASSES) =+$"));

/// Where runs of pytest begin and end that stand in no other's report; `None` where a run has no end, so that nobody can
/// tell what stands in what.
pub(super) fn spans(lines: &[&str], is_end: fn(&str) -> bool) -> Option<Vec<RangeInclusive<usize>>> {
    struct Open {
        at: usize,
        reports: bool,
    }
    let mut open: Vec<Open> = Vec::new();
    let mut spans = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        if line.starts_with('=') && line.contains(" test session starts ") {
            open.push(Open { at, reports: false });
        } else if REPORTS.is_match(line) {
            match open.last_mut() {
                Some(last) => last.reports = true,
                None => open.push(Open { at, reports: true }),
            }
        } else if line.ends_with("%]") && PROGRESS.is_match(line) {
            if open.last().is_none_or(|last| last.reports) {
                open.push(Open { at, reports: false });
            }
        } else if is_end(line) {
            let begins = open.pop().map_or(at, |last| last.at);
            if open.is_empty() {
                spans.push(begins..=at);
            }
        }
    }
    open.is_empty().then_some(spans)
}

/// The closing lines of unittest's runs, where they follow each other: as many tests are marked in front of each as it
/// counts. Between the marks of an outer run stands what a test of a runner made.
pub(super) fn in_turn(lines: &[&str], ends: &[(usize, u32)]) -> bool {
    static MARKS: LazyLock<Regex> = LazyLock::new(|| pattern(r"^[.sSFExu]+$"));
    static VERBOSE: LazyLock<Regex> = LazyLock::new(|| {
        pattern(r" \.\.\. (?:ok|FAIL|ERROR|skipped .*|expected failure|unexpected success)$")
    });
    let mut from = 0;
    let marked = ends.iter().map(|&(at, ran)| {
        let own = &lines[from..at];
        from = at + 1;
        let marks = own.iter().filter(|line| MARKS.is_match(line)).map(|line| line.len()).sum::<usize>();
        let marks = marks + own.iter().filter(|line| VERBOSE.is_match(line)).count();
        (marks, usize::try_from(ran).unwrap_or(usize::MAX))
    });
    let marked: Vec<(usize, usize)> = marked.collect();
    // With -q there are no marks.
    marked.iter().all(|(marks, _)| *marks == 0) || marked.iter().all(|(marks, ran)| marks == ran)
}

#[cfg(test)]
mod tests {
    use super::super::{CommandFacts, read};

    fn counts(text: &str) -> (u32, u32, u32, usize) {
        let run = read(text, &CommandFacts::default()).unwrap();
        (run.passed, run.failed, run.skipped, run.parts.len())
    }

    const FAILS: &str = "F          [100%]\n=========== FAILURES ===========\n___ test_a ___\n\nE   assert 0\n\n\
                         test_a.py:2: AssertionError\n=== short test summary info ===\nFAILED test_a.py::test_a - assert 0\n\
                         1 failed in 0.03s\n";

    /// pytest 9.2.0, with its header and with -q; unittest of Python 3.11.
    #[test]
    fn runs_behind_each_other_are_summed() {
        let header = "==== test session starts ====\ncollected 1 item\n\ntest_b.py s   [100%]\n\n==== 1 skipped in 0.02s ====\n";
        assert_eq!(counts(&format!("{FAILS}..    [100%]\n2 passed in 0.01s\n")), (2, 1, 0, 2));
        assert_eq!(counts(&format!("{header}$ pytest\n{FAILS}")), (0, 1, 1, 2));
        assert_eq!(counts(&format!("..   [100%]\n2 passed in 0.01s\n{header}")), (2, 0, 1, 2));
        assert_eq!(counts(&format!("no tests ran in 0.01s\n{header}")), (0, 0, 1, 2));
        let ruler = "-".repeat(70);
        let cases = format!(
            "s\n{ruler}\nRan 1 test in 0.001s\n\nOK (skipped=1)\n..\n{ruler}\nRan 2 tests in 0.001s\n\nOK\n"
        );
        assert_eq!(counts(&cases), (2, 0, 1, 2));
        assert_eq!(counts(&format!("{FAILS}{cases}")), (2, 1, 1, 3));
    }

    #[test]
    fn a_run_within_the_report_of_another_is_none_of_the_command() {
        let inner = "---- Captured stdout call ----\n==== test session starts ====\ncollected 1 item\n\n\
                     test_x.py F  [100%]\n\n=== FAILURES ===\nE  assert 1\n==== 1 failed in 0.01s ====\n";
        let outer = FAILS.replace("=== short", &format!("{inner}{inner}=== short"));
        assert_eq!(counts(&outer), (0, 1, 0, 0));
        assert_eq!(counts(&format!("{outer}.   [100%]\n1 passed in 0.01s\n")), (1, 1, 0, 2));
        // What a test of unittest's runner prints between the marks of the outer run.
        let ruler = "-".repeat(70);
        let inner = format!(".F\n{ruler}\nRan 1 test in 0.000s\n\nFAILED (failures=1)\n");
        assert_eq!(counts(&format!("{inner}..\n{ruler}\nRan 4 tests in 0.001s\n\nOK\n")), (4, 0, 0, 0));
        let captured = FAILS.replace("=== short", &format!("{inner}=== short"));
        assert_eq!(counts(&captured), (0, 1, 0, 0));
    }

    #[test]
    fn a_run_without_an_end_leaves_the_last_one_alone() {
        let header =
            "==== test session starts ====\ncollected 1 item\n\ntest_a.py Fatal Python error: Aborted\n";
        assert_eq!(counts(&format!("{header}.   [100%]\n1 passed in 0.01s\n")), (1, 0, 0, 0));
    }
}
