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
    let mut arguments = vec!["fix", "--format", "json"];
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
        [("undo-edits", true), ("revert-commit", true), ("restore-files", true)],
        "{report:#}"
    );
    assert_eq!(report["fixes"][2]["undoes"][0]["subject"], "comment", "{report:#}");
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
fn its_trials_are_further_ones_of_the_search() {
    let user = User::new();
    let (repo, good, _) = broken(|_, _| ());
    find(&user, &repo, good);
    let before = user.run(repo.path(), &["report", "--format", "json"]);
    let (_, report, _) = fix(&user, &repo, &["--verify", "python3 app.py"]);
    let log = report["trial_log"].as_array().unwrap();
    assert_eq!(log.iter().filter(|line| line["source"] == "ran").count(), report["trials"], "{report:#}");
    assert!(log.iter().any(|line| line["purpose"] == "verify"), "{report:#}");
    let told = user.run(repo.path(), &["report", "--format", "json"]);
    let read = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    let (before, told) = (read(&before.stdout), read(&told.stdout));
    assert_eq!(before["trials"]["fix"], 0);
    assert_eq!(told["trials"]["fix"], report["trials"]);
    for key in ["status", "culprits", "rounds", "skipped", "last_good"] {
        assert_eq!(before[key], told[key], "{key}");
    }
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
fn a_file_that_the_search_put_into_the_home_is_there_for_the_fix() {
    let app = format!("import os\nopen(os.path.expanduser('~/.apprc')).close()\n{APP}");
    let mut repo = TestRepo::new();
    let good = repo.write("app.py", &app).commit("first").to_string();
    repo.write("n.txt", "1\n").commit("second");
    repo.write("app.py", app.replace("json.loads(text)", "json.load(text)")).commit("break");
    repo.check_out();
    let user = User::new();
    let given = user.home().join("apprc");
    fs::write(&given, "x").unwrap();
    let option = format!("{}:~/.apprc", given.display());
    let search = ["--good", &good, "--with-file", &option, "--", "python3", "app.py"];
    let (code, report) = user.find(repo.path(), &search);
    assert_eq!(code, Some(0), "{report:#}");
    // As it was when the search ran: it may be gone since.
    fs::remove_file(given).unwrap();
    let (code, report, _) = fix(&user, &repo, &[]);
    assert_eq!(code, Some(0), "{report:#}");
    assert_eq!(kinds(&report)[0], ("undo-edits", true), "{report:#}");
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
fn a_file_that_the_repository_lacks_is_no_obstacle() {
    let (repo, good, _) = broken(|repo, text| {
        repo.write("assets/picture.png", "lost")
            .write("app.py", format!("# a comment\n{text}"))
            .commit("later");
    });
    let id = repo.git(&["rev-parse", "HEAD:assets/picture.png"]);
    let (folder, file) = id.trim().split_at(2);
    fs::remove_file(repo.path().join(".git/objects").join(folder).join(file)).unwrap();
    let user = User::new();
    find(&user, &repo, good);
    let (code, report, said) = fix(&user, &repo, &[]);
    assert_eq!(code, Some(0), "{report:#}\n{said}");
    assert_eq!(kinds(&report)[0], ("undo-edits", true), "{report:#}");
    assert!(kinds(&report).contains(&("revert-commit", true)), "{report:#}");
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

#[test]
fn mistakes_are_told_before_anything_runs() {
    let (repo, good, _) = broken(|_, _| {});
    let user = User::new();
    find(&user, &repo, good);
    repo.git(&["config", "user.name", "Eve"]);
    repo.git(&["config", "user.email", "eve@example.org"]);
    repo.git(&["remote", "add", "backup", "/nowhere"]);
    for (arguments, wanted) in [
        (&["--branch", "my fix"][..], "a branch cannot be called 'my fix'"),
        (&["--push", "bakcup"], "there are: backup"),
        (&["--", "python3", "app.py"], "--verify 'python3 app.py'"),
        (&["--onto", "nowhere"], "no commit is called 'nowhere'"),
        (&["zzz"], "pybisect sessions"),
    ] {
        let ran = user.run(repo.path(), &[&["fix"], arguments].concat());
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{arguments:?}\n{}", ran.stderr);
        assert!(ran.stderr.contains(wanted) && !ran.stderr.contains("without a fix"), "{}", ran.stderr);
    }
}

#[test]
fn a_wider_command_that_is_not_there_is_no_verdict_on_the_candidates() {
    let (repo, good, _) = broken(|_, _| {});
    let user = User::new();
    find(&user, &repo, good);
    let ran = user.run(repo.path(), &["fix", "--verify", "pytset-of-nowhere -q"]);
    assert_eq!(ran.code, Some(3), "{}", ran.stdout);
    let first = ran.stdout.lines().next().unwrap();
    assert!(first.starts_with("the wider command cannot be run: ") && first.contains("pytset"), "{first}");
}

#[test]
fn what_is_told_of_head_is_what_head_does() {
    // The commit fails otherwise here: what is undone does not mend that.
    let (repo, good, _) = broken(|repo, text| {
        repo.write("app.py", format!("import nowhere\n{text}")).commit("another mistake");
        repo.write("app.py", text).commit("taken back");
    });
    let user = User::new();
    find(&user, &repo, good);
    fs::create_dir(repo.path().join("below")).unwrap();
    let ran = user.run(&repo.path().join("below"), &["fix", "--onto", "HEAD~1"]);
    assert!(ran.stdout.contains("as it is: different failure: ModuleNotFoundError"), "{}", ran.stdout);
    let ran = user.run(&repo.path().join("below"), &["fix"]);
    assert!(ran.stdout.contains("as it is: AttributeError"), "{}", ran.stdout);
    // Where the user stands, `git apply` would leave out what lies above.
    let top = repo.path().canonicalize().unwrap();
    assert!(ran.stdout.contains(&format!("git -C {} apply ", top.display())), "{}", ran.stdout);
}

#[test]
fn that_the_edit_is_not_known_is_said() {
    let (repo, good, _) = broken(|_, _| {});
    let user = User::new();
    let arguments = ["--no-narrow", "--good", &good.to_string(), "--", "python3", "app.py"];
    assert_eq!(user.find(repo.path(), &arguments).0, Some(0));
    let (code, report, _) = fix(&user, &repo, &[]);
    assert_eq!((code, kinds(&report)), (Some(0), vec![("revert-commit", true)]), "{report:#}");
    assert!(report["left_out"][0].as_str().unwrap().starts_with("undo the breaking edit: "), "{report:#}");
}

#[test]
fn tests_that_failed_before_are_no_obstacle_to_a_fix() {
    let tests = "import unittest\n\nimport app\n\n\nclass T(unittest.TestCase):\n    def test_known(self):\n        \
                 self.fail('an old one')\n\n    def test_name(self):\n        self.assertTrue(app.NAME)\n\n    def \
                 test_read(self):\n        self.assertEqual(app.read('[1]'), [1])\n";
    let app = APP.replace("\n\nprint(read('[1]'))\n", "");
    let mut repo = TestRepo::new();
    let good = repo.write("app.py", &app).write("test_app.py", tests).commit("first");
    for at in 0..3 {
        repo.write("n.txt", format!("{at}\n")).commit("more");
    }
    let bad = repo.write("app.py", app.replace("json.loads(text)", "json.load(text)")).commit("break");
    repo.check_out();
    let user = User::new();
    let good = good.to_string();
    let (code, report) = user.find(repo.path(), &["--good", &good, "--", "python3", "-m", "unittest"]);
    assert_eq!((code, report["culprits"][0]["commit"].as_str()), (Some(0), Some(bad.to_string().as_str())));
    let (code, report, _) = fix(&user, &repo, &[]);
    assert_eq!(code, Some(0), "{report:#}");
    assert!(kinds(&report).iter().any(|(_, passed)| *passed), "{report:#}");
    assert!(report["fixes"][0]["outcome"].to_string().contains("others fail without it, too"), "{report:#}");
}

#[test]
fn what_takes_back_later_commits_is_a_fix_only_when_that_is_allowed() {
    let (repo, good, _) = broken(|repo, text| {
        let text = text.replace("json.load(text)", "json.load(text.strip())");
        repo.write("app.py", &text).commit("strip what is read");
        repo.write("app.py", format!("{text}\n\ndef more():\n    return 1\n")).commit("something new");
    });
    let user = User::new();
    find(&user, &repo, good);
    let patch = user.cache().join("my.patch");
    let (code, report, _) = fix(&user, &repo, &["--output", patch.to_str().unwrap()]);
    assert_eq!(kinds(&report), [("restore-files", true)], "{report:#}");
    let undone: Vec<&str> = report["fixes"][0]["undoes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|commit| commit["subject"].as_str().unwrap())
        .collect();
    assert_eq!(undone, ["something new", "strip what is read"], "{report:#}");
    assert_eq!(code, Some(3), "{report:#}");
    assert!(!patch.exists());
    let told = user.run(repo.path(), &["fix"]).stdout;
    assert!(told.contains("undoes 2 later commits") && told.contains("strip what is read"), "{told}");
    assert!(!told.contains("git apply"), "{told}");

    let (code, report, _) = fix(&user, &repo, &["--allow-restore", "--output", patch.to_str().unwrap()]);
    assert_eq!(code, Some(0), "{report:#}");
    assert!(patch.exists());
}
