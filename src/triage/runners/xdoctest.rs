//! xdoctest's own program. Its last line looks like that of an old pytest.

use std::sync::LazyLock;

use regex::Regex;

use super::lines::{add_counts, pattern};
use super::reader::ReadRunner;
use super::{RunSummary, Runner};

/// xdoctest.
pub(super) struct Xdoctest;

/// `=== 1 failed, 2 passed in 0.02 seconds ===`; between the rulers nothing is counted where there was no example.
static COUNTS: LazyLock<Regex> = LazyLock::new(|| pattern(r"^=== (.*?) ?in [\d.]+ seconds ===$"));
static RUNNING: LazyLock<Regex> = LazyLock::new(|| pattern(r"^running \d+ test\(s\)$"));
/// `* FAILURE: app.py::total:0`, `* SUCCESS: …`
static OUTCOME: LazyLock<Regex> = LazyLock::new(|| pattern(r"^\* (FAILURE|SUCCESS|SKIPPED): (\S.*)$"));

impl ReadRunner for Xdoctest {
    fn runner(&self) -> Runner {
        Runner::Xdoctest
    }

    fn versions(&self) -> &'static str {
        "1.1 to 1.3"
    }

    fn read(&self, lines: &[&str], _named: bool) -> Option<RunSummary> {
        let begin = lines.iter().rposition(|line| RUNNING.is_match(line))?;
        let end = lines[begin..].iter().position(|line| COUNTS.is_match(line)).map(|end| begin + end);
        let mut run = RunSummary::new(Runner::Xdoctest, end.unwrap_or(begin));
        run.is_closed = end.is_some();
        run.interrupted = end.is_none();
        let counts = end.and_then(|end| COUNTS.captures(lines[end]));
        let counts = counts.as_ref().map_or("", |found| found.get(1).map_or("", |text| text.as_str()));
        add_counts(&mut run, counts);
        let lines = &lines[begin..end.unwrap_or(lines.len())];
        for (at, found) in
            lines.iter().enumerate().filter_map(|(at, line)| Some((at, OUTCOME.captures(line)?)))
        {
            match &found[1] {
                "SUCCESS" => run.passed_tests.push(found[2].to_owned()),
                "FAILURE" => failure(&mut run, &found[2], &lines[at + 1..]),
                _ => {}
            }
        }
        Some(run)
    }
}

/// `* REASON: GotWantException`, `Failed Part:` with the source of the example, and what came of it.
fn failure(run: &mut RunSummary, test: &str, lines: &[&str]) {
    let end = lines.iter().position(|line| *line == "DOCTEST REPRODUCTION").unwrap_or(lines.len());
    let lines = &lines[..end];
    let reason = lines.iter().find_map(|line| line.strip_prefix("* REASON: ")).unwrap_or("failed");
    // What was expected and what came stands below the source; of an exception, its last line.
    let part = lines.iter().position(|line| *line == "Failed Part:").map_or(0, |at| at + 1);
    let source: Vec<&str> = lines[part..].iter().map_while(|line| line.strip_prefix("    ")).collect();
    let raised = lines.iter().rev().find_map(|line| line.strip_prefix(reason)?.strip_prefix(": "));
    match raised {
        // The module itself: every example fails so.
        Some(message) if message.starts_with("ERROR: Failed to import ") => {
            run.collection_errors.push(test.split("::").next().unwrap_or(test).to_owned());
            run.fail("", reason, message);
        }
        Some(message) => run.fail(test, reason, message),
        None => run.fail(test, "DocTestFailure", &source.join("\n")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> RunSummary {
        Xdoctest.read(&text.lines().collect::<Vec<_>>(), false).unwrap()
    }

    #[test]
    fn an_example_is_told_by_its_source() {
        let run = read(
            "running 2 test(s)\n* SUCCESS: app.py::largest:0\n* FAILURE: app.py::total:0\n* REASON: GotWantException\n\
             Failed Part:\n    1 >>> total([1, 2, 3])\nDOCTEST TRACEBACK\nExpected:\n    6\nGot:\n    5\n\
             DOCTEST REPRODUCTION\n=== 1 failed, 1 passed in 0.02 seconds ===",
        );
        assert_eq!((run.passed, run.failed), (1, 1));
        assert_eq!(run.passed_tests, ["app.py::largest:0"]);
        assert_eq!(run.failures[0].message, "1 >>> total([1, 2, 3])");
    }

    #[test]
    fn an_exception_is_told_by_its_last_line() {
        let run = read(
            "running 1 test(s)\n* FAILURE: app.py::total:0\n* REASON: KeyError\nFailed Part:\n    1 >>> total(1)\n\
             KeyError: 'no-such-key'\nDOCTEST REPRODUCTION\n=== 1 failed in 0.01 seconds ===",
        );
        assert_eq!(
            (run.failures[0].kind.as_str(), run.failures[0].message.as_str()),
            ("KeyError", "'no-such-key'")
        );
    }

    #[test]
    fn nothing_ran_where_nothing_is_counted() {
        assert!(read("running 0 test(s)\n============\n===  in 0.00 seconds ===").nothing_ran());
    }
}
