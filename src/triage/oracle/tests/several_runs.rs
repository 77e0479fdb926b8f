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
