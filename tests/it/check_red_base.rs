//! `check` where the command fails on the base already: which tests fail is compared.

use serde_json::Value;

use super::check_inputs::Reviewer;
use super::support::TestRepo;

const APP: &str = "def load():\n    return 1 / 0\n\n\ndef total(xs):\n    return sum(xs)\n";
const TESTS: &str = "\
import app
import unittest


class Test(unittest.TestCase):
    def test_load(self):
        self.assertEqual(app.load(), 1)

    def test_total(self):
        self.assertEqual(app.total([1]), 1)
";

/// What `check` says of a branch with this app.py, on a base whose `test_load` fails.
fn check(branch: &str, command: &[&str]) -> (Option<i32>, Value) {
    let mut repo = TestRepo::new();
    repo.write("test_app.py", TESTS);
    let base = repo.write("app.py", APP).commit("base");
    let head = repo.write("app.py", branch).commit("branch");
    let range = format!("{base}..{head}");
    let words = [&[&range, "--format", "json", "--types", "off", "--"][..], command].concat();
    let ran = Reviewer::new().check(repo.path(), &words);
    let report = serde_json::from_str(&ran.stdout);
    (ran.code, report.unwrap_or_else(|error| panic!("{error}\n{}\n{}", ran.stdout, ran.stderr)))
}

const UNITTEST: [&str; 5] = ["python3", "-m", "unittest", "-q", "test_app"];

#[test]
fn one_test_more_that_fails_is_a_finding() {
    let (code, report) = check(&APP.replace("sum(xs)", "sum(xs, start=xs)"), &UNITTEST);
    assert_eq!(code, Some(10), "{report:#}");
    assert_eq!(report["smoke"]["is_new"], true);
    let new = report["smoke"]["new_failures"].to_string();
    assert!(new.contains("test_total") && !new.contains("test_load"), "{new}");
}

#[test]
fn the_same_tests_and_fewer_are_said_and_not_held_against_the_branch() {
    for (branch, said) in [
        (APP.replace("sum(xs)", "sum(list(xs))"), "1 test fails as on the base"),
        (APP.replace("1 / 0", "1"), "passed"),
    ] {
        let (code, report) = check(&branch, &UNITTEST);
        assert_eq!(code, Some(0), "{report:#}");
        assert!(report["smoke"].to_string().contains(said), "{report:#}");
    }
}

#[test]
fn where_no_tests_are_named_nothing_is_called_clean() {
    let command = ["python3", "-c", "import app; app.load()"];
    let (code, report) = check(&APP.replace("sum(xs)", "sum(xs, start=xs)"), &command);
    assert_eq!(code, Some(0), "{report:#}");
    assert!(report["smoke"]["not_judged"].as_str().unwrap().contains("only its exit status"), "{report:#}");
}

#[test]
fn what_stops_at_the_first_failure_is_not_judged() {
    let command = ["python3", "-m", "unittest", "-f", "test_app"];
    let (_, report) = check(&APP.replace("sum(xs)", "sum(xs, start=xs)"), &command);
    assert_eq!(report["findings"].as_array().unwrap().len(), 0, "{report:#}");
    assert!(report["smoke"]["not_judged"].is_string(), "{report:#}");
}
