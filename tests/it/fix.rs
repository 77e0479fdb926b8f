//! Fixes for what a search found, by pybisect itself.

use std::fs;

use pybisect::model::CommitId;
use serde_json::Value;

use crate::support::{TestRepo, User};

const APP: &str = "\
import json

NAME = 'app'


def read(text):
    return json.loads(text)


print(read('[1]'))
";

/// A history in which the fourth commit breaks the call and edits two more places; then `later` goes on.
fn broken(later: impl FnOnce(&mut TestRepo, &str)) -> (TestRepo, CommitId, CommitId) {
    let mut repo = TestRepo::new();
    let good = repo.write("app.py", APP).write("n.txt", "0\n").commit("first");
    repo.write("n.txt", "1\n").commit("second");
    repo.write("n.txt", "2\n").commit("third");
    let text = APP.replace("json.loads(text)", "json.load(text)").replace("NAME = 'app'", "NAME = 'the app'");
    let bad = repo.write("app.py", &text).write("docs.txt", "new\n").commit("break");
    later(&mut repo, &text);
    repo.check_out();
    (repo, good, bad)
}

fn find(user: &User, repo: &TestRepo, good: CommitId) -> Value {
    let good = good.to_string();
    let (code, report) = user.find(repo.path(), &["--good", &good, "--", "python3", "app.py"]);
    assert_eq!(code, Some(0), "{report:#}");
    report
}

fn fix(user: &User, repo: &TestRepo, more: &[&str]) -> (Option<i32>, Value, String) {
    let mut arguments = vec!["fix", "--json", "-"];
    arguments.extend_from_slice(more);
    let ran = user.run(repo.path(), &arguments);
    let report = serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}\n{}", ran.stderr));
    (ran.code, report, ran.stderr)
}

fn kinds(report: &Value) -> Vec<(&str, bool)> {
    let fixes = report["fixes"].as_array().unwrap();
    fixes.iter().map(|fix| (fix["kind"].as_str().unwrap(), fix["passed"].as_bool().unwrap())).collect()
}

#[test]
fn the_smallest_change_that_passes_comes_first_and_applies_with_git() {
    let (repo, good, _) = broken(|repo, text| {
        repo.write("app.py", format!("# a comment\n{text}")).commit("comment");
        repo.write("n.txt", "3\n").commit("end");
    });
    let user = User::new();
    find(&user, &repo, good);
    let before = repo.git(&["status", "--porcelain=v2", "--branch"]);
    let patch = user.cache().join("my.patch");
    let (code, report, _) = fix(&user, &repo, &["--output", patch.to_str().unwrap()]);
    assert_eq!(code, Some(0), "{report:#}");
    assert_eq!(
        kinds(&report),
        [("undo-edits", true), ("restore-files", true), ("revert-commit", true)],
        "{report:#}"
    );
    assert_eq!(report["fixes"][0]["lines"], 2, "{report:#}");
    assert_eq!(repo.git(&["status", "--porcelain=v2", "--branch"]), before);
    repo.git(&["apply", patch.to_str().unwrap()]);
    let mended = fs::read_to_string(repo.path().join("app.py")).unwrap();
    assert!(
        mended.starts_with("# a comment")
            && mended.contains("json.loads(text)")
            && mended.contains("the app")
    );
    // Everything is known now.
    let (_, again, _) = fix(&user, &repo, &[]);
    assert_eq!(again["trials"], 0, "{again:#}");
}

#[test]
fn the_same_call_elsewhere_is_corrected_when_only_that_passes() {
    let (repo, good, _) = broken(|repo, text| {
        repo.write(
            "app.py",
            format!("{text}\n\ndef again(text):\n    return json.load(text)\n\n\nprint(again('2'))\n"),
        );
        repo.commit("the same mistake again");
    });
    let user = User::new();
    find(&user, &repo, good);
    let (code, report, _) = fix(&user, &repo, &[]);
    assert_eq!(code, Some(0), "{report:#}");
    assert_eq!(kinds(&report)[0], ("same-elsewhere", true), "{report:#}");
    assert!(kinds(&report).contains(&("undo-edits", false)), "{report:#}");
}

#[test]
fn a_fix_is_committed_on_a_branch_and_pushed_and_nothing_else_changes() {
    let (repo, good, bad) = broken(|repo, _| {
        repo.write("n.txt", "3\n").commit("end");
    });
    repo.git(&["config", "user.name", "Eve"]);
    repo.git(&["config", "user.email", "eve@example.org"]);
    let remote = tempfile::tempdir().unwrap();
    repo.git(&["init", "--quiet", "--bare", remote.path().to_str().unwrap()]);
    repo.git(&["remote", "add", "origin", remote.path().to_str().unwrap()]);
    let user = User::new();
    find(&user, &repo, good);
    fs::write(repo.path().join("uncommitted.txt"), "mine").unwrap();
    let before = repo.git(&["status", "--porcelain=v2", "--branch"]);
    let (code, report, said) = fix(&user, &repo, &["--branch", "hotfix/load", "--push", "origin"]);
    assert_eq!(code, Some(0), "{report:#}\n{said}");
    assert_eq!(repo.git(&["status", "--porcelain=v2", "--branch"]), before);
    let shown = repo.git(&["show", "--format=%an|%ae|%P%n%B", "hotfix/load"]);
    let head = repo.git(&["rev-parse", "HEAD"]);
    assert!(shown.starts_with(&format!("Eve|eve@example.org|{}", head.trim())), "{shown}");
    for wanted in
        ["Fix: json.load(text) back to json.loads(text)", &bad.short(), "+    return json.loads(text)"]
    {
        assert!(shown.contains(wanted), "{wanted}\n{shown}");
    }
    let pushed = repo.git(&["--git-dir", remote.path().to_str().unwrap(), "rev-parse", "hotfix/load"]);
    assert_eq!(pushed, repo.git(&["rev-parse", "hotfix/load"]));
    // The name is taken now.
    let ran = user.run(repo.path(), &["fix", "--branch", "hotfix/load"]);
    assert_eq!(ran.code, Some(2), "{}", ran.stderr);
}

#[test]
fn what_head_mended_already_needs_no_fix() {
    let (repo, good, bad) = broken(|_, _| {});
    let user = User::new();
    find(&user, &repo, good);
    let mut repo = repo;
    repo.go_to(bad).write("app.py", APP).commit("mended");
    let (code, report, _) = fix(&user, &repo, &[]);
    assert_eq!((code, &report["mended_already"]), (Some(0), &true.into()), "{report:#}");
}

#[test]
fn the_wider_command_is_compared_with_the_last_good_version() {
    // The wider command fails where NAME is not 'the app', and in the last good version that fails too.
    let (repo, good, _) = broken(|repo, text| {
        repo.write("app.py", text.replace("'the app'", "'THE APP'")).commit("shout");
    });
    let user = User::new();
    find(&user, &repo, good);
    let (code, report, _) = fix(&user, &repo, &["--verify", "grep -q THE app.py"]);
    assert_eq!(code, Some(0), "{report:#}");
    let fixes = report["fixes"].as_array().unwrap();
    let verified = |kind: &str| {
        let fix = fixes.iter().find(|fix| fix["kind"] == kind).unwrap();
        (fix["passed"].as_bool().unwrap(), fix["verified"].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(verified("undo-edits"), (true, "passes".to_owned()), "{report:#}");
    assert!(!verified("restore-files").0, "{report:#}");
    // A later commit changed the line of NAME, so the commit cannot be reverted as it is.
    assert!(report["left_out"][0].as_str().unwrap().contains("revert the whole commit"), "{report:#}");
}

#[test]
fn without_a_search_there_is_nothing_to_mend() {
    let (repo, _, _) = broken(|_, _| {});
    let ran = User::new().run(repo.path(), &["fix"]);
    assert_eq!(ran.code, Some(2), "{}", ran.stderr);
    assert!(ran.stderr.contains("pybisect find"), "{}", ran.stderr);
}
