//! Real runners, in the versions of `tests/runners/requirements/ci.txt`: what their runs say of a commit.
//!
//! They need those packages in a virtual environment, its folder in `PYBISECT_TEST_RUNNERS`; `.ci/run` makes
//! both and fails without. Elsewhere `cargo test` counts these tests as ignored. By hand:
//!
//! ```text
//! uv venv VENV && uv pip install --python VENV/bin/python -r tests/runners/requirements/ci.txt
//! PYBISECT_TEST_RUNNERS=$PWD/VENV cargo test --test it real_runners -- --ignored
//! ```
//!
//! Each history passes, is then in the named situations, one a commit, and fails at last (see
//! `tests/runners/projects.py`); `docs/verdicts.md` has all runners in all situations.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{TestRepo, User, report_of};

/// The folder of the runners' programs.
pub(crate) fn programs() -> PathBuf {
    let venv = std::env::var_os("PYBISECT_TEST_RUNNERS")
        .expect("PYBISECT_TEST_RUNNERS: the virtual environment of tests/runners/requirements/ci.txt");
    let programs = Path::new(&venv).join("bin");
    assert!(programs.join("pytest").exists(), "no pytest in {}", programs.display());
    programs
}

/// `find` over a range, without narrowing; the report.
fn find(user: &User, folder: &Path, range: [&str; 2], command: &[&str]) -> Value {
    let mut all = vec!["find", "--json", "-", "--no-narrow", "--jobs", "2", "--timeout", "60"];
    all.extend(["--good", range[0], "--bad", range[1]]);
    all.extend_from_slice(command);
    report_of(&mut user.command(folder, &all)).1
}

/// The verdicts of all trials of a commit, and why it was skipped.
fn verdicts_on(report: &Value, commit: &str) -> String {
    // Bad without a change runs as bad, and says nothing of it.
    let of_commit = |one: &&Value| one["commit"] == commit && one["purpose"] != "narrowing";
    let trials = report["trial_log"].as_array().unwrap().iter().filter(of_commit);
    let mut seen: Vec<&str> = trials.filter_map(|trial| trial["verdict"].as_str()).collect();
    seen.sort_unstable();
    seen.dedup();
    seen.join("/")
}

/// Searches the history of a runner in these situations, and compares the verdict on each commit.
fn each_is_judged_rightly(runner: &str, situations: &[&str]) {
    let programs = programs();
    let folder = TempDir::new().unwrap();
    let repository = folder.path().join("repository");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/runners/histories.py");
    let made = Command::new(programs.join("python"))
        .arg("-B")
        .arg(script)
        .args([runner.as_ref(), programs.as_path(), repository.as_path()])
        .args(situations)
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let history: Value = serde_json::from_slice(&made.stdout).unwrap();
    let commits: BTreeMap<String, String> = serde_json::from_value(history["commits"].clone()).unwrap();
    let command = history["command"].as_str().unwrap();
    let command: Vec<&str> = match history["shell"].as_bool() {
        Some(true) => vec!["--shell", command],
        _ => std::iter::once("--").chain(command.split(' ')).collect(),
    };
    let range = [commits["passes"].as_str(), commits["fails"].as_str()];
    let report = find(&User::new(), &repository, range, &command);
    let mut passed_over = 0;
    for (situation, commit) in &commits {
        let seen = verdicts_on(&report, commit);
        let right = history["right"][situation].as_str().unwrap();
        // A stretch of commits of which none can be judged need not be run to its end: they stay in the answer.
        let candidates = report["culprits"].as_array().unwrap();
        let is_candidate = candidates.iter().any(|one| one["commit"] == commit.as_str());
        if seen.is_empty() && right == "skip" && is_candidate {
            passed_over += 1;
            continue;
        }
        assert_eq!(seen, right, "{runner}, a commit that {situation}: {report:#}");
    }
    assert!(passed_over <= situations.len() / 2, "{runner}: hardly anything ran: {report:#}");
}

macro_rules! judged {
    ($($(#[$doc:meta])* $test:ident: $runner:literal, [$($situation:literal),+];)+) => {$(
        $(#[$doc])*
        #[test]
        #[ignore = "needs the runners of tests/runners/requirements/ci.txt, see tests/it/real_runners.rs"]
        fn $test() {
            each_is_judged_rightly($runner, &[$($situation),+]);
        }
    )+};
}

judged! {
    /// pytest-cov 7.1 ends with 1 for low coverage, also where no test ran.
    low_coverage_is_no_failure_where_no_test_ran:
        "pytest-cov --cov-fail-under", ["does not import", "nothing there", "all skipped"];
    /// coverage 7.17 ends with 2 for low coverage, which for pytest is a run that was interrupted.
    the_status_of_coverage_report_is_not_that_of_pytest:
        "coverage run and report --fail-under", ["does not import", "all skipped", "another failure"];
    /// GNU make ends with 2 for any failure.
    the_status_of_make_is_not_that_of_pytest: "make", ["does not import", "nothing there", "crashes"];
    /// pytest-timeout 2.4 ends the process with 1, by the method thread without a summary.
    an_exit_with_the_status_of_a_timeout_is_none: "pytest-timeout (thread)", ["exits", "another failure"];
    /// `PASSED` without a count (Twisted 26.10).
    trial_passes_without_a_test: "Twisted trial", ["nothing there", "all skipped", "another failure"];
    /// `Executed 0 example` (TestSlide 2.7).
    testslide_passes_without_an_example: "TestSlide", ["nothing there", "all skipped", "another failure"];
    /// `Total: 0 tests` (zope.testrunner 8).
    zope_passes_without_a_test: "zope.testrunner", ["nothing there", "all skipped", "does not import"];
    /// `python -m doctest` prints nothing at all when it passes, and as much when there is no example.
    doctest_passes_without_an_example: "doctest", ["nothing there", "does not import", "another failure"];
    /// behave 1.3 ends with 1 for a step, a step file that does not import, and a missing feature.
    behave_fails_in_several_ways:
        "behave", ["does not import", "nothing there", "all skipped", "another failure"];
    behave_without_a_feature_file: "behave --format progress", ["nothing there", "exits"];
    /// Robot Framework 7.5 ends with the number of failed tests, and prints no traceback.
    robot_tells_failures_apart: "Robot Framework", ["does not import", "all skipped", "another failure"];
    /// ward 0.68 draws a box, and ends with 0 where all was skipped.
    ward_tells_failures_apart: "ward", ["does not import", "all skipped", "another failure"];
    /// stestr 4 ends with 1 also where it found nothing to run.
    stestr_fails_without_a_test: "stestr", ["does not import", "nothing there", "another failure"];
    /// Avocado 113 ends with 1 for a test that fails and for one that does not import.
    avocado_tells_failures_apart: "Avocado", ["does not import", "all skipped", "another failure"];
    /// locust 2 ends with 1 where there is no user class, and where requests fail.
    locust_without_users_says_nothing: "locust", ["does not import", "nothing there", "another failure"];
    /// Without tblib the parallel runner of Django 5.2 ends with the error of a pickle, whatever failed.
    django_parallel_hides_no_failure: "Django --parallel", ["nothing there", "another failure"];
    django_says_that_it_found_no_test: "Django", ["nothing there", "all skipped", "does not import"];
    unittest_passes_without_a_test: "unittest", ["nothing there", "all skipped", "exits"];
    green_tells_failures_apart: "green", ["nothing there", "all skipped", "another failure"];
    /// xdoctest 1.3 closes with a line like that of an old pytest, without a count where no example ran.
    xdoctest_tells_failures_apart:
        "xdoctest", ["does not import", "nothing there", "all skipped", "exits", "another failure"];
}

/// pytest 9 names every failing example `DocTestFailure`, without a message.
#[test]
#[ignore = "needs the runners of tests/runners/requirements/ci.txt, see tests/it/real_runners.rs"]
fn another_example_that_fails_is_another_failure() {
    let module = |total: &str, largest: &str| {
        format!(
            "def total(xs):\n    \"\"\"Add.\n\n    >>> total([1, 2, 3])\n    6\n    \"\"\"\n    return sum(xs){total}\n\n\n\
             def largest(xs):\n    \"\"\"Find.\n\n    >>> largest([1, 2, 3])\n    3\n    \"\"\"\n    return max(xs){largest}\n"
        )
    };
    let versions = [module("", ""), module("", " + 1"), module(" - 1", "")];
    let (repo, ids) = TestRepo::with_versions(&versions.each_ref().map(String::as_str));
    let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
    let python = programs().join("python");
    let command = ["--", python.to_str().unwrap(), "-m", "pytest", "-q", "--doctest-modules", "app.py"];
    let report = find(&User::new(), repo.path(), [&ids[0], &ids[2]], &command);
    assert_eq!(verdicts_on(&report, &ids[1]), "skip", "{report:#}");
}
