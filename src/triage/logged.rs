//! What was logged while a test ran: behind one answer of a server there may be several failures.
//!
//! A test that asserts that a page is there fails in the same way whatever kept the server from giving it. The server
//! logs what that was, and pytest shows it as captured output of the test, other runners in between.

use super::message_shape;
use super::runners::RunSummary;
use crate::model::{FailureKind, FailureSignature, Frame, LoggedException};
use crate::triage::traceback::parsed::ParsedTraceback;

/// More than these are of a test that tries what fails.
const MOST: usize = 8;

/// Exceptions of the project's own code that were logged while this test ran, sorted.
pub(super) fn logged(
    failure: &ParsedTraceback,
    all: &[ParsedTraceback],
    summary: Option<&RunSummary>,
) -> Vec<LoggedException> {
    // Where output is not captured, one test has to have run for it to be that one's.
    let is_alone = summary.is_some_and(|run| run.ran() == 1);
    let is_of_test = |one: &&ParsedTraceback| {
        let is_captured = one.captured && one.test == failure.test;
        is_captured || !one.captured && one.test.is_none() && failure.test.is_some() && is_alone
    };
    let is_own = |one: &&ParsedTraceback| one.frames.iter().any(of_project);
    let mut logged: Vec<LoggedException> = all
        .iter()
        .filter(is_of_test)
        .flat_map(ParsedTraceback::chain)
        .filter(is_own)
        .filter_map(|one| {
            Some(LoggedException { kind: one.kind.clone()?, shape: message_shape::shape(one.headline()) })
        })
        .collect();
    logged.sort();
    logged.dedup();
    logged.truncate(MOST);
    logged
}

/// Whether a frame is none of the interpreter's or of an installed package. (Some name no file at all.)
fn of_project(frame: &Frame) -> bool {
    let elsewhere = ["/site-packages/", "/dist-packages/", "/lib/python3", "/lib64/python3"];
    let is_file = frame.path.contains(['.', '/']) && !frame.path.starts_with('<');
    is_file && !elsewhere.iter().any(|part| frame.path.contains(part))
}

/// Whether what was logged tells two failures apart that are equal otherwise.
pub(super) fn tells_apart(a: &FailureSignature, b: &FailureSignature) -> bool {
    if a.logged == b.logged {
        return false;
    }
    let has_common = a.logged.iter().any(|one| b.logged.contains(one));
    if !has_common && !a.logged.is_empty() && !b.logged.is_empty() {
        return true;
    }
    // One of them logs more: that may be chance, unless the assertion came to another value as well.
    let is_assertion = matches!(&a.kind, FailureKind::Exception(kind) if kind.ends_with("AssertionError"));
    is_assertion && a.message != b.message
}

#[cfg(test)]
mod tests {
    use crate::model::{Captured, FailureSignature, Termination, Timing, TrialOutput};
    use crate::triage::{CommandFacts, read, same_failure};

    fn failure(text: &str) -> FailureSignature {
        let captured = |text: &str| Captured { text: text.to_owned(), bytes: 0 };
        let output = TrialOutput {
            ending: Termination::Exited { code: 1 },
            stdout: captured(text),
            stderr: captured(""),
            timing: Timing::default(),
            leftovers: 0,
            notes: Vec::new(),
            files: Vec::new(),
        };
        read(&output, &CommandFacts::default()).failures.remove(0)
    }

    /// pytest 9.2; `logs` are exceptions in the server's log.
    fn by_pytest(answer: &str, logs: &[(&str, &str)]) -> FailureSignature {
        let trace = |&(file, exception): &(&str, &str)| {
            format!(
                "ERROR    web:web.py:20 Exception on /total [GET]\nTraceback (most recent call last):\n  File \"{file}\", line 4, \
                 in total\n    return add(xs)\n{exception}\n"
            )
        };
        let logs: String = logs.iter().map(trace).collect();
        failure(&format!(
            "F                                [100%]\n=================================== FAILURES \
             ===================================\n__________________________________ test_total \
             __________________________________\n\n    def test_total():\n>       assert ask() == \"6\"\nE       assert \
             {answer} == '6'\nE        +  where {answer} = ask()\n\ntest_app.py:6: AssertionError\n\
             ------------------------------ Captured log call -------------------------------\n{logs}\
             =========================== short test summary info ============================\nFAILED \
             test_app.py::test_total - assert {answer} == '6'\n1 failed in 0.12s\n"
        ))
    }

    /// unittest of Python 3.11, where nothing is captured.
    fn by_unittest(logged: &str, tests: u32) -> FailureSignature {
        failure(&format!(
            "Exception on /total\nTraceback (most recent call last):\n  File \"/repo/app.py\", line 4, in total\n    return \
             add(xs)\n{logged}\nF\n======================================================================\nFAIL: test_total \
             (test_app.T.test_total)\n----------------------------------------------------------------------\nTraceback (most \
             recent call last):\n  File \"/repo/test_app.py\", line 9, in test_total\n    self.assertEqual(ask().status, 200)\n\
             AssertionError: 500 != 200\n\n----------------------------------------------------------------------\nRan {tests} \
             tests in 0.010s\n\nFAILED (failures=1)\n"
        ))
    }

    #[test]
    fn two_failures_of_a_server_behind_one_assertion_are_two() {
        let app = "/repo/app.py";
        let [key, import] = [(app, "KeyError: 'x'"), (app, "ModuleNotFoundError: No module named 'y'")];
        for (a, b, expected) in [
            (by_pytest("'500'", &[key]), by_pytest("'500'", &[import]), false),
            (by_pytest("'5'", &[]), by_pytest("'500'", &[key]), false),
            (by_pytest("'500'", &[key]), by_pytest("'500'", &[(app, "KeyError: 'z'")]), true),
            // One that logs less, and answers the same.
            (by_pytest("'500'", &[key]), by_pytest("'500'", &[]), true),
            (by_pytest("'500'", &[key, import]), by_pytest("'500'", &[key]), true),
            // What a package logs is its own business.
            (by_pytest("'5'", &[]), by_pytest("'4'", &[("/v/site-packages/p/q.py", "KeyError: 1")]), true),
            (by_unittest("KeyError: 'x'", 1), by_unittest("ValueError: y", 1), false),
            // Whose log it is cannot be told.
            (by_unittest("KeyError: 'x'", 2), by_unittest("ValueError: y", 2), true),
        ] {
            assert_eq!(same_failure(&a, &b), expected, "{a:#?} and {b:#?}");
            assert_eq!(same_failure(&b, &a), expected, "{b:#?} and {a:#?}");
        }
    }
}
