//! The same failure under other names: tests that move, are renamed, or have ids that drift; messages that hold data.

use crate::support::{TestRepo, User, culprit};

/// A test file for unittest: the classes' bodies, by class.
fn unittest(classes: &[(&str, &str)]) -> String {
    let bodies = classes.iter().map(|(class, body)| format!("class {class}(unittest.TestCase):\n{body}\n\n"));
    format!("import unittest\n\nimport app\n\n\n{}", bodies.collect::<String>())
}

fn test(name: &str, body: &str) -> String {
    format!("    def {name}(self):\n        {body}\n")
}

/// Commits with these test files (path, text); from the second on `app.total` is wrong. The culprit has to be found
/// between the first and the last, with one trial beside another's name at most shown as such.
fn finds_the_second(what: &str, files: &[(&str, String)]) -> serde_json::Value {
    let mut repo = TestRepo::new();
    repo.write("app.py", "def total(xs):\n    return sum(xs)\n");
    let mut ids = Vec::new();
    let mut before: Option<&str> = None;
    for (at, (path, text)) in files.iter().enumerate() {
        if at == 1 {
            repo.write("app.py", "def total(xs):\n    return sum(xs) - 1\n");
        }
        if let Some(old) = before.filter(|old| old != path) {
            repo.remove(old);
        }
        before = Some(path);
        repo.write("n.txt", format!("{at}\n")).write(path, text);
        ids.push(repo.commit(&format!("commit {at}")).to_string());
    }
    let arguments = ["--jobs", "1", "--no-narrow", "--good", &ids[0], "--", "python3", "-m", "unittest"];
    let (code, report) = User::new().find(repo.path(), &arguments);
    assert_eq!((code, culprit(&report)), (Some(0), ids[1].as_str()), "{what}: {report:#}");
    report
}

#[test]
fn a_test_that_moves_is_renamed_or_split_is_the_same() {
    let body = "self.assertEqual(app.total([1, 2, 3]), 6)";
    let of = |class: &str, name: &str| unittest(&[(class, &test(name, body))]);
    let first = of("T", "test_total");
    let both = unittest(&[("T", &(test("test_kind", "self.assertTrue(app)") + &test("test_total", body)))]);
    for (what, path, last) in [
        ("moved", "test_sums.py", first.clone()),
        ("another class", "test_app.py", of("TestSums", "test_total")),
        ("renamed", "test_app.py", of("T", "test_sum_of_three")),
        ("all of it", "test_sums.py", of("TestSums", "test_sum_of_three")),
        ("split", "test_sums.py", both),
    ] {
        let old = ("test_app.py", first.clone());
        let report =
            finds_the_second(what, &[old.clone(), old.clone(), old, (path, last.clone()), (path, last)]);
        let likely = report["trial_log"].to_string();
        assert!(likely.contains("the failing test was called"), "{what}: {report:#}");
    }
}

#[test]
fn a_running_number_in_a_name_may_shift() {
    // The number of a case grows when another one comes before it; the other cases pass.
    let text = |count: usize| {
        let tests = (0..count).map(|at| {
            let value = if at + 1 == count { "app.total([1, 2])" } else { "3" };
            test(&format!("test_case_{at}_of_totals"), &format!("self.assertEqual({value}, 3)"))
        });
        unittest(&[("T", &tests.collect::<String>())])
    };
    let files: Vec<(&str, String)> =
        [2, 2, 2, 3, 4].into_iter().map(|count| ("test_app.py", text(count))).collect();
    finds_the_second("shifted", &files);
}

#[test]
fn data_in_a_message_is_no_other_failure() {
    let text = |count: usize| {
        let data: Vec<String> = (0..count).map(|at| format!("'key{at}': [{at}]")).collect();
        let body = "if app.total([1]) != 1:\n            raise ValueError(f'wrong total for {DATA}')";
        unittest(&[("T", &test("test_total", body))]) + &format!("DATA = {{{}}}\n", data.join(", "))
    };
    let files: Vec<(&str, String)> =
        [1, 1, 2, 3, 90].into_iter().map(|count| ("test_app.py", text(count))).collect();
    finds_the_second("data", &files);
}
