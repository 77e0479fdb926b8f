use std::fmt::Write as _;

use super::*;
use crate::model::{Captured, Timing};

/// A command that starts pytest itself.
const PYTEST: CommandFacts = CommandFacts {
    runner: Some(Runner::Pytest),
    runs_pytest: true,
    is_filtered: false,
    in_any_order: false,
    names_modules: false,
};

fn output(ending: Termination, stdout: &str, stderr: &str) -> TrialOutput {
    let captured = |text: &str| Captured { text: text.to_owned(), bytes: 0 };
    TrialOutput {
        ending,
        stdout: captured(stdout),
        stderr: captured(stderr),
        timing: Timing::default(),
        leftovers: 0,
        notes: Vec::new(),
        files: Vec::new(),
    }
}

fn exited(code: i32, stdout: &str, stderr: &str) -> TrialOutput {
    output(Termination::Exited { code }, stdout, stderr)
}

/// The oracle for what this trial shows.
fn oracle(bad: &TrialOutput) -> TargetOracle {
    TargetOracle::new(
        Target::Signature(TargetOracle::target_of(bad, CommandFacts::default()).unwrap()),
        CommandFacts::default(),
    )
}

fn script_failure(kind: &str, message: &str) -> TrialOutput {
    let text = format!(
        "Traceback (most recent call last):\n  File \"/x/runs/ab/slots/0/tree/smoke.py\", line 3, in <module>\n    \
         run()\n  File \"/x/runs/ab/slots/0/tree/app.py\", line 20, in run\n    urls = json.loads(urls_file)\n{kind}: {message}\n"
    );
    exited(1, "", &text)
}

const PYTEST_ASSERTION: &str = "\
F                                                                        [100%]
=================================== FAILURES ===================================
________________________________ test_noname ___________________________________

    def test_noname():
>       assert render('</>') == '<p>x</p>'
E       AssertionError: assert '<p></p>' == '<p>x</p>'

tests/test_code.py:7: AssertionError
=========================== short test summary info ============================
FAILED tests/test_code.py::test_noname - AssertionError: assert '<p></p>' == ...
1 failed in 0.05s
";

const PYTEST_COLLECTION: &str = "\
==================================== ERRORS ====================================
______________________ ERROR collecting tests/test_code.py _____________________
ImportError while importing test module '/x/runs/ab/slots/1/tree/tests/test_code.py'.
Hint: make sure your test modules/packages have valid Python names.
Traceback:
/usr/lib/python3.11/importlib/__init__.py:126: in import_module
    return _bootstrap._gcd_import(name[level:], package, level)
tests/test_code.py:1: in <module>
    import markdown.nothing
E   ModuleNotFoundError: No module named 'markdown.nothing'
=========================== short test summary info ============================
ERROR tests/test_code.py
!!!!!!!!!!!!!!!!!!!! Interrupted: 1 error during collection !!!!!!!!!!!!!!!!!!!!
1 error in 0.07s
";

#[test]
fn a_failure_with_another_value_in_its_message_is_the_same() {
    let oracle = oracle(&script_failure("ValueError", "cannot open '/tmp/a1/x.db' at 0x7f01 after 12 tries"));
    let same = script_failure("ValueError", "cannot open '/tmp/b2/y.db' at 0x7fff after 3 tries");
    assert_eq!(oracle.judge(&same), Verdict::Bad);
    let other = oracle.judge(&script_failure("ValueError", "unknown string format"));
    assert!(matches!(other, Verdict::Skip(ref skip) if skip.kind == SkipKind::DifferentFailure), "{other}");
}

#[test]
fn another_exception_is_a_skip_that_names_it() {
    let message = "the JSON object must be str, bytes or bytearray, not TextIOWrapper";
    let oracle = oracle(&script_failure("TypeError", message));
    let hidden = script_failure("AttributeError", "'Flask' object has no attribute 'routes'");
    let Verdict::Skip(skip) = oracle.judge(&hidden) else { panic!("not a skip") };
    assert_eq!(skip.kind, SkipKind::DifferentFailure);
    assert!(
        skip.reason.contains("AttributeError: 'Flask' object has no attribute 'routes'"),
        "{}",
        skip.reason
    );
}

#[test]
fn an_exception_class_may_move_between_modules() {
    let oracle = oracle(&script_failure("marshmallow.exceptions.ValidationError", "not a valid address"));
    let moved = script_failure("marshmallow.validate.ValidationError", "not a valid address");
    assert_eq!(oracle.judge(&moved), Verdict::Bad);
}

#[test]
fn a_failed_assertion_matches_by_its_test_not_by_its_values() {
    let oracle = oracle(&exited(1, PYTEST_ASSERTION, ""));
    let other_values = PYTEST_ASSERTION.replace("'<p></p>'", "'<p><p/>'").replace("tests/", "testing/");
    assert_eq!(oracle.judge(&exited(1, &other_values, "")), Verdict::Bad);
    let other_test = other_values.replace("test_noname", "test_named");
    assert!(matches!(oracle.judge(&exited(1, &other_test, "")), Verdict::Skip(_)));
    // A test of another name that says the same, to the letter, is the same one, renamed …
    let renamed = PYTEST_ASSERTION.replace("test_noname", "test_named");
    assert_eq!(oracle.judge(&exited(1, &renamed, "")), Verdict::Bad);
    let reading = oracle.read(&exited(1, &renamed, ""));
    assert!(matches!(oracle.sameness(&reading), Sameness::Likely(why) if why.contains("test_named")));
    // … unless the test that is searched for is told to have passed.
    let beside = renamed
        .replace("\nFAILED", "\nPASSED tests/test_code.py::test_noname\nFAILED")
        .replace("1 failed", "1 failed, 1 passed");
    assert!(matches!(oracle.judge(&exited(1, &beside, "")), Verdict::Skip(_)));
}

#[test]
fn what_pytest_could_not_collect_is_a_skip_unless_that_is_the_target() {
    let oracle_of_assertion = oracle(&exited(1, PYTEST_ASSERTION, ""));
    let Verdict::Skip(skip) = oracle_of_assertion.judge(&exited(2, PYTEST_COLLECTION, "")) else {
        panic!("not a skip")
    };
    assert_eq!(skip.kind, SkipKind::NotRunnable);
    assert!(skip.reason.contains("No module named 'markdown.nothing'"), "{}", skip.reason);

    let oracle_of_import = oracle(&exited(2, PYTEST_COLLECTION, ""));
    assert_eq!(oracle_of_import.judge(&exited(2, PYTEST_COLLECTION, "")), Verdict::Bad);
    // The same, asked for by the test's name.
    let not_found = "ERROR: not found: /x/tests/test_code.py::test_noname\n(no match in any of [<Module test_code.py>])\n";
    let Verdict::Skip(skip) = oracle_of_assertion.judge(&exited(4, PYTEST_COLLECTION, not_found)) else {
        panic!("not a skip")
    };
    assert!(skip.reason.contains("No module named 'markdown.nothing'"), "{}", skip.reason);
    assert_eq!(oracle_of_import.judge(&exited(4, PYTEST_COLLECTION, not_found)), Verdict::Bad);
    let usage = "ERROR: file or directory not found: tests/test_code.py\n\nno tests ran in 0.00s\n";
    let none = oracle_of_import.judge(&exited(4, usage, ""));
    assert!(matches!(none, Verdict::Skip(ref skip) if skip.kind == SkipKind::NotRunnable), "{none}");
}

#[test]
fn a_run_in_which_nothing_passed_is_not_good() {
    let oracle = oracle(&exited(1, PYTEST_ASSERTION, ""));
    for nothing in ["s   [100%]\n1 skipped in 0.01s\n", "3 deselected in 0.02s\n"] {
        let verdict = oracle.judge(&exited(0, nothing, ""));
        assert!(
            matches!(verdict, Verdict::Skip(ref skip) if skip.kind == SkipKind::NothingPassed),
            "{verdict}"
        );
    }
    let unittest = "ss\n------------------\nRan 2 tests in 0.001s\n\nOK (skipped=2)\n";
    assert!(matches!(oracle.judge(&exited(0, "", unittest)), Verdict::Skip(_)));
    assert_eq!(oracle.judge(&exited(0, ".s  [100%]\n1 passed, 1 skipped in 0.01s\n", "")), Verdict::Good);
    assert_eq!(oracle.judge(&exited(0, "fine\n", "")), Verdict::Good);
}

#[test]
fn where_a_filter_lets_failures_through_silence_is_good() {
    let words = ["sh", "-c", "pytest -q | awk '/failed/ { print; bad = 1 } END { exit bad }'"];
    let command = CommandFacts::of(&words.map(std::ffi::OsString::from));
    let bad = exited(1, "1 failed in 0.05s\n", "");
    let target = Target::Signature(TargetOracle::target_of(&bad, command).unwrap());
    for (command, expected) in [(command, "good"), (CommandFacts::default(), "skip")] {
        let mut oracle = TargetOracle::new(target.clone(), command);
        oracle.learn(&oracle.read(&bad));
        assert_eq!(oracle.judge(&exited(0, "", "")).word(), expected);
        assert_eq!(oracle.judge(&bad), Verdict::Bad);
        // Where passing runs show their counts, too, silence tells that none ran.
        oracle.learn(&oracle.read(&exited(0, "1 passed in 0.05s\n", "")));
        assert_eq!(oracle.judge(&exited(0, "", "")).word(), "skip");
    }
}

#[test]
fn a_test_that_is_not_there_is_named_without_a_traceback() {
    let named = "E\n======\nERROR: test_totals (unittest.loader._FailedTest.test_totals)\n------\nAttributeError: type object 'T' \
                 has no attribute 'test_totals'\n\n\n------\nRan 1 test in 0.000s\n\nFAILED (errors=1)\n";
    let verdict = oracle(&script_failure("ValueError", "x")).judge(&exited(1, "", named));
    assert!(verdict.to_string().contains("has no attribute 'test_totals'"), "{verdict}");
}

#[test]
fn without_a_traceback_the_closing_lines_are_the_signature() {
    let oracle = oracle(&exited(3, "step 1 of 3\n", "error: 17 rows are missing in /tmp/a/rows.csv\n"));
    let same = exited(3, "step 2 of 3\n", "error: 4 rows are missing in /tmp/b/rows.csv\n");
    assert_eq!(oracle.judge(&same), Verdict::Bad);
    for other in [
        exited(3, "", ""),
        exited(3, "step 1 of 3\n", "error: no such table\n"),
        exited(1, "step 1 of 3\n", "error: 17 rows are missing in /tmp/a/rows.csv\n"),
    ] {
        let Verdict::Skip(skip) = oracle.judge(&other) else { panic!("not a skip: {other:?}") };
        assert_eq!(skip.kind, SkipKind::DifferentFailure);
        assert!(skip.reason.contains("bad closes with 'error: 17 rows are missing"), "{}", skip.reason);
    }
}

#[test]
fn where_nothing_is_printed_the_status_alone_is_compared() {
    let oracle = oracle(&exited(3, "", ""));
    assert_eq!(oracle.judge(&exited(3, "", "\n")), Verdict::Bad);
    assert!(matches!(oracle.judge(&exited(1, "", "")), Verdict::Skip(_)));
    let speaks = oracle.judge(&exited(3, "", "cannot start\n"));
    assert!(matches!(speaks, Verdict::Skip(_)), "{speaks}");
}

#[test]
fn endings_that_say_nothing() {
    let oracle = oracle(&exited(1, "", ""));
    let kinds = [
        (exited(125, "", ""), SkipKind::Requested),
        (exited(127, "", ""), SkipKind::CommandNotFound),
        (output(Termination::NotStarted { error: "no such file".into() }, "", ""), SkipKind::CommandNotFound),
        (output(Termination::TimedOut { after_ms: 2000 }, "", ""), SkipKind::Timeout),
        (output(Termination::SetupFailed { reason: "exit status 1".into() }, "", ""), SkipKind::Setup),
        (output(Termination::NoTree { reason: "a.py is missing".into() }, "", ""), SkipKind::Tree),
        (output(Termination::MachineFailed { reason: "no answer".into() }, "", ""), SkipKind::Machine),
        (output(Termination::Signalled { signal: 9 }, "", ""), SkipKind::NotRunnable),
        (output(Termination::Signalled { signal: 11 }, "", ""), SkipKind::DifferentFailure),
    ];
    for (output, kind) in kinds {
        let verdict = oracle.judge(&output);
        assert!(matches!(verdict, Verdict::Skip(ref skip) if skip.kind == kind), "{output:?}: {verdict}");
    }
}

#[test]
fn a_crash_is_the_same_crash_behind_a_shell() {
    let oracle = oracle(&output(Termination::Signalled { signal: 11 }, "", ""));
    assert_eq!(oracle.judge(&exited(139, "", "Segmentation fault\n")), Verdict::Bad);
    assert!(matches!(oracle.judge(&output(Termination::Signalled { signal: 6 }, "", "")), Verdict::Skip(_)));
}

#[test]
fn a_hang_can_be_the_target() {
    let oracle = oracle(&output(Termination::TimedOut { after_ms: 1000 }, "", ""));
    assert_eq!(oracle.judge(&output(Termination::TimedOut { after_ms: 9000 }, "", "")), Verdict::Bad);
    assert!(matches!(oracle.judge(&exited(1, "", "")), Verdict::Skip(_)));
}

#[test]
fn any_failure_counts_but_not_what_did_not_run() {
    let oracle = TargetOracle::new(Target::AnyFailure, PYTEST);
    assert_eq!(oracle.judge(&script_failure("KeyError", "'a'")), Verdict::Bad);
    assert_eq!(oracle.judge(&exited(2, PYTEST_COLLECTION, "")), Verdict::Bad);
    assert!(matches!(oracle.judge(&exited(5, "no tests ran in 0.00s\n", "")), Verdict::Skip(_)));
    assert!(matches!(oracle.judge(&exited(127, "", "")), Verdict::Skip(_)));
}

#[test]
fn a_pattern_replaces_the_signature() {
    let oracle =
        TargetOracle::new(Target::Pattern(Regex::new("lock(ed|ing)").unwrap()), CommandFacts::default());
    assert_eq!(oracle.judge(&script_failure("OSError", "database is locked")), Verdict::Bad);
    assert!(matches!(oracle.judge(&script_failure("OSError", "no space")), Verdict::Skip(_)));
}

#[test]
fn what_is_no_target_says_what_to_do() {
    let no = |output: &TrialOutput| TargetOracle::target_of(output, PYTEST).unwrap_err();
    assert_eq!(no(&exited(0, "1 passed in 0.1s\n", "")).seen, "the command passes");
    assert!(no(&exited(4, "ERROR: file not found: x\n", "")).hint.unwrap().contains("--with-file"));
    assert!(no(&exited(127, "", "")).seen.contains("command not found"));
    let missing = no(&exited(2, "could not import tests: No module named 'hypothesis'\n", ""));
    assert!(missing.seen.contains("hypothesis"), "{missing:?}");
    assert!(missing.hint.unwrap().contains("--with hypothesis"));
    let usage = "usage: pytest.py [options]\npytest.py: error: unrecognized arguments: --rootdir=.\n";
    let unknown = no(&exited(2, "", usage));
    assert!(unknown.seen.ends_with("could not start: unrecognized arguments: --rootdir=."), "{unknown:?}");
    assert!(unknown.hint.unwrap().contains("--with 'pytest>="));
}

#[test]
fn frames_are_relative_to_the_tree() {
    let failure =
        TargetOracle::target_of(&script_failure("TypeError", "x"), CommandFacts::default()).unwrap();
    assert_eq!(failure.frames.last().unwrap().path, "app.py");
    assert_eq!(failure.frames.last().unwrap().line, 20);
}

/// What pytest prints with `-rp` where these tests pass and those fail.
fn told(passed: &[&str], failed: &[&str]) -> TrialOutput {
    let mut text =
        String::from("=================================== FAILURES ===================================\n");
    for test in failed {
        write!(
            text,
            "______ {test} ______\n\n    def {test}():\n>       assert app.{test}() == 1\nE       assert 2 == 1\n\n\
             test_app.py:3: AssertionError\n"
        )
        .unwrap();
    }
    text += "=========================== short test summary info ============================\n";
    for test in passed {
        writeln!(text, "PASSED test_app.py::{test}").unwrap();
    }
    for test in failed {
        writeln!(text, "FAILED test_app.py::{test} - assert 2 == 1").unwrap();
    }
    writeln!(text, "{} failed, {} passed in 0.05s", failed.len(), passed.len()).unwrap();
    exited(1, &text, "")
}

#[test]
fn the_target_is_known_to_have_passed_beside_another_red_test() {
    let mut oracle = oracle(&told(&["test_old"], &["test_total"]));
    let passed = |oracle: &TargetOracle, output: &TrialOutput| oracle.target_passed(&oracle.read(output));
    let beside = told(&["test_total"], &["test_old"]);
    assert!(passed(&oracle, &beside));
    // By itself the run shows another failure.
    assert!(
        matches!(oracle.judge(&beside), Verdict::Skip(ref skip) if skip.kind == SkipKind::DifferentFailure)
    );
    // A test that is not named did not pass, nor did one that failed as well, in its teardown.
    assert!(!passed(&oracle, &told(&["test_new"], &["test_old"])));
    assert!(!passed(&oracle, &told(&["test_total"], &["test_total", "test_old"])));
    // A run that was ended before its counts.
    let cut = exited(1, "test_app.py::test_total PASSED [ 50%]\ncollected 2 items\n", "");
    assert!(!passed(&oracle, &cut));
    // What fails beside it is new, until it was seen at bad.
    let reading = oracle.read(&beside);
    assert!(!oracle.nothing_new_is_red(&reading));
    oracle.learn(&oracle.read(&told(&[], &["test_old", "test_total"])));
    assert!(oracle.nothing_new_is_red(&reading));
}

#[test]
fn no_test_is_known_to_pass_where_the_failure_has_none() {
    let beside = told(&["test_total"], &["test_old"]);
    let script = oracle(&script_failure("AssertionError", ""));
    assert!(!script.target_passed(&script.read(&beside)));
    let any = TargetOracle::new(Target::AnyFailure, PYTEST);
    assert!(!any.target_passed(&any.read(&beside)));
    assert_eq!(any.judge(&beside), Verdict::Bad);
}

#[test]
fn another_statement_of_the_same_test_is_another_failure() {
    let run = |line: &str, message: &str| {
        let text = format!(
            "___ test_page ___\n\n    def test_page():\n        page = get()\n>       {line}\nE       {message}\n\n\
             test_app.py:4: AssertionError\n=== short test summary info ===\n\
             FAILED test_app.py::test_page - {message}\n1 failed in 0.05s\n"
        );
        exited(1, &text, "")
    };
    let oracle = oracle(&run("assert 'total' in page.text", "assert 'total' in '<p>none</p>'"));
    let same = run("assert 'total' in page.text", "assert 'total' in '<p>what is == here</p>'");
    assert_eq!(oracle.judge(&same), Verdict::Bad);
    let verdict = oracle.judge(&run("assert page.status == 200", "assert 500 == 200"));
    assert!(
        matches!(verdict, Verdict::Skip(ref skip) if skip.kind == SkipKind::DifferentFailure),
        "{verdict}"
    );
}

#[test]
fn bare_assertions_of_a_script_are_told_apart_by_their_lines() {
    let fails = |line: &str| {
        let text = format!(
            "Traceback (most recent call last):\n  File \"smoke.py\", line 3, in <module>\n    {line}\nAssertionError\n"
        );
        exited(1, "", &text)
    };
    let oracle = oracle(&fails("assert total([1]) == 1"));
    assert_eq!(oracle.judge(&fails("assert total([1]) == 1")), Verdict::Bad);
    assert!(matches!(oracle.judge(&fails("assert ready()")), Verdict::Skip(_)));
}

/// `pytest -p no:terminal` prints nothing whatever comes of it: its status tells.
#[test]
fn a_command_that_never_says_a_word_is_judged_by_its_status() {
    let command = CommandFacts::of(&["pytest", "-p", "no:terminal"].map(std::ffi::OsString::from));
    let bad = exited(1, "", "");
    let target = Target::Signature(TargetOracle::target_of(&bad, command).unwrap());
    let mut oracle = TargetOracle::new(target, command);
    assert_eq!(oracle.judge(&exited(0, "", "")).word(), "skip");
    oracle.learn(&oracle.read(&bad));
    assert_eq!(oracle.judge(&exited(0, "", "")), Verdict::Good);
    assert_eq!(oracle.judge(&exited(0, "starting\n", "")).word(), "skip");
    for code in [2, 4, 5] {
        assert_eq!(oracle.judge(&exited(code, "", "")).word(), "skip", "{code}");
    }
}

/// A script of one's own that prints how many failed, and how many could not run.
#[test]
fn errors_are_told_from_failures_where_both_are_only_counted() {
    let bad = exited(1, "tests 1 failures 1 errors 0\n", "");
    let mut oracle = oracle(&bad);
    oracle.learn(&oracle.read(&bad));
    assert_eq!(oracle.judge(&exited(1, "tests 4 failures 2 errors 0\n", "")), Verdict::Bad);
    assert_eq!(oracle.judge(&exited(1, "tests 1 failures 0 errors 1\n", "")).word(), "skip");
    assert_eq!(oracle.judge(&exited(0, "tests 0 failures 0 errors 0\n", "")).word(), "skip");
    assert_eq!(oracle.judge(&exited(0, "tests 1 failures 0 errors 0\n", "")), Verdict::Good);
}

/// A runner whose exit status is 0 whatever comes of its tests, as that of ptest.
#[test]
fn counts_decide_where_the_status_is_always_0() {
    let counts = |passed: u32, failed: u32| {
        format!(
            "Test finished in 0.02s.\nTotal: {}, passed: {passed}, failed: {failed}, skipped: 0.\n",
            passed + failed
        )
    };
    for (passed, failed) in [(0, 1), (2, 1)] {
        let bad = exited(0, &counts(passed, failed), "");
        let mut oracle = oracle(&bad);
        oracle.learn(&oracle.read(&bad));
        assert_eq!(oracle.failure().unwrap().kind, FailureKind::ExitCode(0));
        assert_eq!(oracle.judge(&bad), Verdict::Bad);
        assert_eq!(oracle.judge(&exited(0, &counts(passed + failed, 0), "")), Verdict::Good);
        assert_eq!(oracle.judge(&exited(0, &counts(0, 0), "")).word(), "skip");
        assert_eq!(oracle.judge(&exited(0, "", "")).word(), "skip");
    }
    let raised = |what: &str| {
        let traceback = "Traceback (most recent call last):\n  File \"app.py\", line 3, in f\n    g()\n";
        exited(0, &format!("{traceback}{what}: 'a'\n{}", counts(2, 1)), "")
    };
    let oracle = oracle(&raised("KeyError"));
    assert_eq!(oracle.judge(&raised("KeyError")), Verdict::Bad);
    assert_eq!(oracle.judge(&raised("IndexError")).word(), "skip");
    assert_eq!(oracle.judge(&exited(0, &counts(3, 0), "")), Verdict::Good);
    // Where the status tells at bad, what a passing script counts is its own affair.
    let oracle = oracle_of_status();
    assert_eq!(oracle.judge(&exited(0, &counts(2, 1), "")), Verdict::Good);
}

/// `pytest || true`, `--suppress-tests-failed-exit-code`, `unittest.main(exit=False)`, `robot --nostatusrc`: what a known
/// runner counts decides, and how its tests failed.
#[test]
fn known_runners_are_judged_by_their_counts_where_the_status_is_0() {
    let of_pytest = |raised: &str| {
        let code = "    def test_total():\n>       assert app.total([1]) == 6\n";
        exited(
            0,
            &format!(
                "==== FAILURES ====\n____ test_total ____\n\n{code}E       {raised}\n\ntest_app.py:5: {}\n==== short test \
                 summary info ====\nFAILED test_app.py::test_total - {raised}\n==== 1 failed in 0.05s ====\n",
                raised.split(':').next().unwrap_or_default().replace("assert 5 == 6", "AssertionError")
            ),
            "",
        )
    };
    let of_unittest = |raised: &str| {
        exited(
            0,
            "",
            &format!(
                "E\n{}\nERROR: test_total (test_app.Totals.test_total)\n{}\nTraceback (most recent call last):\n  File \
                 \"/srv/test_app.py\", line 8, in test_total\n    self.assertEqual(app.total([1]), 6)\n{raised}\n\n{}\nRan 1 \
                 test in 0.001s\n\nFAILED (errors=1)\n",
                "=".repeat(70),
                "-".repeat(70),
                "-".repeat(70)
            ),
        )
    };
    let cases = [
        (of_pytest("assert 5 == 6"), of_pytest("KeyError: 'a'"), exited(0, "1 passed in 0.01s\n", "")),
        (
            of_unittest("ValueError: four"),
            of_unittest("KeyError: 'a'"),
            exited(0, "", "Ran 1 test in 0.001s\n\nOK\n"),
        ),
    ];
    for (bad, other, good) in cases {
        let mut oracle = oracle(&bad);
        oracle.learn(&oracle.read(&bad));
        assert!(matches!(oracle.failure().unwrap().kind, FailureKind::Exception(_)), "{bad:?}");
        assert_eq!(oracle.judge(&bad), Verdict::Bad);
        assert_eq!(oracle.judge(&other).word(), "skip");
        assert_eq!(oracle.judge(&good), Verdict::Good);
        assert_eq!(oracle.judge(&exited(0, "", "")).word(), "skip", "it came to no counts");
        assert_eq!(oracle.judge(&exited(1, "", "")).word(), "skip", "it ended in the middle");
    }
}

fn oracle_of_status() -> TargetOracle {
    oracle(&exited(1, "no rates\n", ""))
}

/// Several runs of one command.
mod several_runs;
