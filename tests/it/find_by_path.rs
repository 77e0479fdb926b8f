//! `--path` and `--first-parent` leave commits out: then no answer says of one that did not run that it passes.

use crate::support::run::culprit;
use crate::support::{TestRepo, User};

const COMMAND: [&str; 4] = ["--", "python3", "-c", "import app; assert app.value < 3, 'too much'"];

/// Six versions of app.py, the value growing by one, so that the fourth fails; docs change where said.
fn repository(docs_at: &[usize]) -> (TestRepo, Vec<String>) {
    let mut repo = TestRepo::new();
    let ids = (0..6).map(|at| {
        if docs_at.contains(&at) {
            repo.write("docs/index.md", format!("{at}\n"));
        }
        repo.write("app.py", format!("value = {at}\n")).commit(&format!("value {at}")).to_string()
    });
    let ids = ids.collect();
    (repo, ids)
}

fn by_path(repo: &TestRepo, good: &str) -> (Option<i32>, serde_json::Value) {
    let mut words = vec!["--no-narrow", "--path", "docs", "--good", good];
    words.extend(COMMAND);
    User::new().find(repo.path(), &words)
}

#[test]
fn a_parent_that_the_path_leaves_out_and_that_fails_makes_it_one_of_those_between() {
    // 3 breaks it; of those that touch docs, 0 is the last that passes and 5 the first that fails.
    let (repo, ids) = repository(&[0, 5]);
    let (code, report) = by_path(&repo, &ids[0]);
    assert_eq!((code, &report["status"]), (Some(3), &"ambiguous".into()), "{report:#}");
    let named: Vec<&str> =
        report["culprits"].as_array().unwrap().iter().map(|one| one["commit"].as_str().unwrap()).collect();
    assert_eq!(named, [&ids[4], &ids[3], &ids[2], &ids[1]], "the four between, and not the fifth");
    let reason = report["reason"].as_str().unwrap();
    assert!(
        reason.contains("so does its parent") && reason.contains("4 commits that do not touch docs"),
        "{reason}"
    );
    assert!(report["hint"].as_str().unwrap().contains("--good"), "{report:#}");
}

#[test]
fn a_parent_that_passes_makes_it_the_answer() {
    let (repo, ids) = repository(&[1, 3, 5]);
    let (code, report) = by_path(&repo, &ids[0]);
    assert_eq!(code, Some(0), "{report:#}");
    assert_eq!(culprit(&report), ids[3]);
    assert_eq!(
        report["culprits"][0]["proof"]["parents"][0]["commit"],
        ids[2].as_str(),
        "its own parent, which ran"
    );
}

#[test]
fn a_single_commit_between_is_the_answer_though_it_does_not_touch_the_path() {
    let (repo, ids) = repository(&[2, 4]);
    let (code, report) = by_path(&repo, &ids[0]);
    assert_eq!(code, Some(0), "{report:#}");
    assert_eq!(culprit(&report), ids[3]);
}

#[test]
fn of_a_merge_only_the_first_parent_is_told_of_when_only_that_was_followed() {
    let mut repo = TestRepo::new();
    let base = repo.write("app.py", "value = 1\n").commit("base");
    let side = repo.write("app.py", "value = 3\n").commit("side");
    repo.go_to(base);
    let main = repo.write("README", "a\n").commit("main");
    let merge = repo.write("app.py", "value = 3\n").merge(side, "merge side");
    let user = User::new();
    let mut words = vec!["find", "--no-narrow", "-q", "--first-parent", "--good"];
    let base = base.to_string();
    words.push(&base);
    words.extend(COMMAND);
    let ran = user.run(repo.path(), &words);
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains(&format!("{merge} broke it")), "{}", ran.stdout);
    let line = ran.stdout.lines().find(|line| line.starts_with("proof")).unwrap();
    assert!(line.contains(&format!("its first parent {} passes", main.short())), "{line}");
    let full = user.run(repo.path(), &["show", "--full"]).stdout;
    assert!(full.contains(&format!("{}, was not looked at", side.short())), "{full}");
}
