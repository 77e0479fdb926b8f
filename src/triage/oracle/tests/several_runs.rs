use super::*;

/// pytest 9.2.0, called twice by a script.
#[test]
fn of_several_runs_the_one_that_fails_at_bad_has_to_pass_something() {
    let bad = exited(1, PYTEST_ASSERTION, "");
    let mut oracle = oracle(&bad);
    oracle.learn(&oracle.read(&bad));
    let other = ".    [100%]\n1 passed in 0.01s\n";
    let judged =
        |first: &str, code: i32| oracle.judge(&exited(code, &format!("{first}{other}"), "")).to_string();
    assert_eq!(judged(other, 0), "good");
    assert_eq!(
        judged("s    [100%]\n1 skipped in 0.01s\n", 0),
        "skip: of 2 runs of pytest, nothing passed in number 1"
    );
    assert_eq!(judged(PYTEST_ASSERTION, 0), "bad");
    assert_eq!(judged(PYTEST_COLLECTION, 1).split(':').next(), Some("skip"));
    // The other one may be skipped everywhere.
    let skipped = exited(0, &format!("{other}s    [100%]\n1 skipped in 0.01s\n"), "");
    assert_eq!(oracle.judge(&skipped), Verdict::Good);
    // Where both run at bad, both run where it is good.
    let both = exited(1, &format!("{PYTEST_ASSERTION}{other}"), "");
    let mut oracle = TargetOracle::new(oracle.target.clone(), CommandFacts::default());
    oracle.learn(&oracle.read(&both));
    assert_eq!(oracle.judge(&exited(0, other, "")).to_string(), "skip: runs of pytest: 2 at bad, 1 here");
}

#[test]
fn a_run_of_nothing_behind_one_that_passed_is_no_failure() {
    let text = ".    [100%]\n1 passed in 0.01s\nno tests ran in 0.01s\n";
    let oracle = TargetOracle::new(Target::AnyFailure, CommandFacts::default());
    assert_eq!(oracle.judge(&exited(5, text, "")).word(), "skip");
}

/// GNU parallel, which prints what each wrote when it ends: which number a run has says nothing.
#[test]
fn of_runs_in_any_order_as_many_have_to_pass_something_as_at_bad() {
    let other = ".    [100%]\n1 passed in 0.01s\n";
    let bad = exited(1, &format!("{other}{PYTEST_ASSERTION}"), "");
    let facts = CommandFacts { in_any_order: true, ..CommandFacts::default() };
    let target = oracle(&bad).target.clone();
    let mut oracle = TargetOracle::new(target, facts);
    oracle.learn(&oracle.read(&bad));
    let judged =
        |first: &str, second: &str| oracle.judge(&exited(0, &format!("{first}{second}"), "")).to_string();
    let skipped = "s    [100%]\n1 skipped in 0.01s\n";
    let why = "skip: of 2 runs of pytest, which end in any order, 1 passed something";
    assert_eq!([judged(skipped, other), judged(other, skipped)], [why, why]);
    assert_eq!(judged(other, other), "good");
}

/// `python -m unittest tests.test_a` on a file with tests of pytest: where it can be imported, nothing runs.
#[test]
fn what_could_not_be_imported_at_bad_is_good_where_it_can_though_no_test_ran() {
    let bad = "E\n======\nERROR: tests.test_a (unittest.loader._FailedTest.tests.test_a)\n------\nImportError: Failed to import test \
               module: tests.test_a\nTraceback (most recent call last):\n  File \"/t/app.py\", line 3, in <module>\n    raise \
               ValueError(\"bad state\")\nValueError: bad state\n\n\n------\nRan 1 test in 0.000s\n\nFAILED (errors=1)\n";
    let bad = exited(1, "", bad);
    let nothing = exited(0, "", "\n------\nRan 0 tests in 0.000s\n\nOK\n");
    for (command, is_good) in
        [("python -m unittest tests.test_a", true), ("python -m unittest discover tests", false)]
    {
        let words: Vec<std::ffi::OsString> = command.split(' ').map(Into::into).collect();
        let facts = CommandFacts::of(&words);
        let target = TargetOracle::target_of(&bad, facts).unwrap();
        let mut oracle = TargetOracle::new(Target::Signature(target), facts);
        oracle.learn(&oracle.read(&bad));
        assert_eq!(oracle.judge(&bad), Verdict::Bad, "{command}");
        assert_eq!(oracle.judge(&nothing) == Verdict::Good, is_good, "{command}");
    }
}
