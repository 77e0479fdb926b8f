//! The search runs the failing tests only, and the proof the whole command.

use crate::support::{TestRepo, User, culprit};

/// A file of unittest with these test methods, each a name and a line.
fn tests(methods: &[(&str, &str)]) -> String {
    let methods = methods.iter().map(|(name, line)| format!("    def {name}(self):\n        {line}\n\n"));
    format!("import unittest\n\nimport app\n\n\nclass T(unittest.TestCase):\n{}", methods.collect::<String>())
}

/// Commits with these texts of `app.py` beside that test file.
fn history(test: &str, texts: &[&str]) -> (TestRepo, Vec<String>) {
    let mut repo = TestRepo::new();
    repo.write("test_app.py", test);
    let mut ids = Vec::new();
    for (at, text) in texts.iter().enumerate() {
        repo.write("app.py", text).write("n.txt", format!("{at}\n"));
        ids.push(repo.commit(&format!("commit {at}")).to_string());
    }
    (repo, ids)
}

fn find(repo: &TestRepo, good: &str) -> serde_json::Value {
    let arguments = [
        "--jobs",
        "1",
        "--no-narrow",
        "--only-failing",
        "always",
        "--good",
        good,
        "--",
        "python3",
        "-m",
        "unittest",
    ];
    let (code, report) = User::new().find(repo.path(), &arguments);
    assert_eq!(code, Some(0), "{report:#}");
    report
}

/// Trials of a commit that ran to the verdict, by whether they ran the failing tests only.
fn runs(report: &serde_json::Value, commit: &str, verdict: &str, selected: bool) -> usize {
    let log = report["trial_log"].as_array().unwrap().iter();
    let is_it = |line: &&serde_json::Value| {
        let own = (&line["commit"], &line["verdict"]) == (&commit.into(), &verdict.into());
        own && line["selected"].as_bool().unwrap_or(false) == selected
    };
    log.filter(is_it).count()
}

#[test]
fn the_commit_that_is_named_and_its_parent_run_the_whole_command() {
    let suite =
        tests(&[("test_a", "app.a()"), ("test_b", "self.assertEqual(app.a(), 1)"), ("test_c", "app.a()")]);
    let (good, bad) = ("def a():\n    return 1\n", "def a():\n    return 2\n");
    let (repo, ids) = history(&suite, &[good, good, good, good, bad, bad, bad, bad]);
    let report = find(&repo, &ids[0]);
    assert_eq!(culprit(&report), ids[4], "{report:#}");
    let log = report["trial_log"].as_array().unwrap();
    let of_search = log.iter().filter(|line| line["purpose"] == "search");
    assert!(
        of_search.clone().count() > 0 && of_search.clone().all(|line| line["selected"] == true),
        "{report:#}"
    );
    assert!(runs(&report, &ids[4], "bad", false) > 0, "{report:#}");
    assert!(runs(&report, &ids[3], "good", false) > 0, "{report:#}");
    let notes = report["notes"].to_string();
    assert!(notes.contains("python3 -m unittest -k '*.T.test_b'"), "{notes}");
}

#[test]
fn a_test_that_only_fails_behind_another_is_searched_for_with_the_whole_command() {
    let suite = tests(&[
        ("test_a", "app.fill()"),
        ("test_b", "self.assertEqual(app.seen(), 0)"),
        ("test_c", "app.seen()"),
    ]);
    let good = "CACHE = []\n\n\ndef fill():\n    pass\n\n\ndef seen():\n    return len(CACHE)\n";
    let bad = good.replace("    pass", "    CACHE.append(1)");
    let (repo, ids) = history(&suite, &[good, good, good, &bad, &bad, &bad]);
    let report = find(&repo, &ids[0]);
    assert_eq!(culprit(&report), ids[3], "{report:#}");
    let log = report["trial_log"].as_array().unwrap();
    assert!(log.iter().all(|line| line["selected"].is_null()), "{report:#}");
    assert!(report["notes"].to_string().contains("do not fail alone"), "{report:#}");
}

#[test]
fn where_the_selected_test_is_not_there_the_whole_command_runs() {
    let old = tests(&[("test_a", "app.a()"), ("test_c", "app.a()")]);
    let new =
        tests(&[("test_a", "app.a()"), ("test_b", "self.assertEqual(app.a(), 1)"), ("test_c", "app.a()")]);
    let (good, bad) = ("def a():\n    return 1\n", "def a():\n    return 2\n");
    let mut repo = TestRepo::new();
    let mut ids = Vec::new();
    for (at, (test, app)) in
        [(&old, good), (&old, good), (&old, good), (&old, good), (&new, good), (&new, bad), (&new, bad)]
            .into_iter()
            .enumerate()
    {
        repo.write("app.py", app).write("test_app.py", test).write("n.txt", format!("{at}\n"));
        ids.push(repo.commit(&format!("commit {at}")).to_string());
    }
    let report = find(&repo, &ids[0]);
    assert_eq!(culprit(&report), ids[5], "{report:#}");
    assert!(
        runs(&report, &ids[5], "bad", false) > 0 && runs(&report, &ids[4], "good", false) > 0,
        "{report:#}"
    );
}
