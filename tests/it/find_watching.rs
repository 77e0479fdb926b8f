//! The failing run is watched: that tells where to search, and never decides an answer.

use std::fmt::Write as _;

use crate::support::{TestRepo, User, culprit};

/// A program that does something else while it is watched.
fn watched(then: &str, otherwise: &str) -> String {
    format!("import os\nif 'PYBISECT_TRACE' in os.environ:\n    {then}\nelse:\n    {otherwise}\n")
}

const FAIL: &str = "raise ValueError('broken')";

/// The report on three versions, the first of which is good.
fn find(versions: [&str; 3], more: &[&str]) -> (Option<i32>, serde_json::Value, Vec<String>) {
    let (repo, ids) = TestRepo::with_versions(&versions);
    let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
    let mut all = vec!["--good", &ids[0]];
    all.extend_from_slice(more);
    all.extend_from_slice(&["--", "python3", "app.py"]);
    let (code, report) = User::new().find(repo.path(), &all);
    (code, report, ids)
}

#[test]
fn a_failure_that_comes_from_watching_is_none() {
    let only_watched = watched(FAIL, "pass");
    let (code, report, _) = find(["a = 1", "a = 2", &only_watched], &["--trace"]);
    assert_eq!(code, Some(4), "{report:#}");
    let text = report.to_string();
    assert!(text.contains("only while it is watched") && text.contains("--trace"), "{report:#}");
    let (code, report, _) = find(["a = 1", "a = 2", &only_watched], &[]);
    assert_eq!(code, Some(4));
    assert!(report.to_string().contains("the command passes"), "{report:#}");
}

#[test]
fn a_run_that_surprises_while_it_is_watched_runs_again() {
    let fails_otherwise = watched("raise KeyError('watched')", FAIL);
    let (code, report, ids) = find(["a = 1", "a = 2", &fails_otherwise], &["--trace"]);
    assert_eq!((code, culprit(&report)), (Some(0), ids[2].as_str()), "{report:#}");
    assert!(report["failure"]["kind"].as_str().unwrap().contains("ValueError"), "{report:#}");
    let bad_unless_watched = watched("pass", FAIL);
    let (code, report, ids) = find(["a = 1", "a = 2", &bad_unless_watched], &["--trace"]);
    assert_eq!((code, culprit(&report)), (Some(0), ids[2].as_str()), "{report:#}");
}

/// A program of many functions, of which it executes one; each commit changes another one.
fn program(values: &[u32]) -> String {
    let mut text = String::new();
    for (at, value) in values.iter().enumerate() {
        write!(text, "def part{at}():\n    return {value}\n\n").unwrap();
    }
    let names: Vec<String> = (0..values.len()).map(|at| format!("part{at}")).collect();
    write!(text, "PARTS = [{}]\nassert PARTS[12]() == 0\n", names.join(", ")).unwrap();
    text
}

#[test]
fn what_ran_tells_where_to_begin() {
    let mut repo = TestRepo::new();
    let mut values = [0; 40];
    let good = repo.write("app.py", program(&values)).commit("Edit");
    let ids: Vec<_> = (0..40)
        .map(|at| {
            values[at] = 1;
            repo.write("app.py", program(&values)).commit("Edit")
        })
        .collect();
    let good = good.to_string();
    let arguments = ["--good", &good, "--jobs", "2", "--trace", "--no-narrow", "--", "python3", "app.py"];
    let (code, report) = User::new().find(repo.path(), &arguments);
    assert_eq!((code, culprit(&report)), (Some(0), ids[12].to_string().as_str()), "{report:#}");
    assert_eq!(report["trials"]["run"], 3, "bad, the culprit, its parent: {report:#}");
}
