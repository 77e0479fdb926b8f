//! Merges that broke it, from the merge to the call and to the fix.

use pybisect::model::CommitId;
use serde_json::Value;

use crate::support::{TestRepo, User, culprit};

const LIB: &str = "\
import json


def load_text(text):
    return json.loads(text)


def other(text):
    return text.strip()


def third(text):
    return text.upper()
";

const APP: &str = "import lib\n\nprint(lib.load_text('[1]'))\nprint(lib.other(' x '))\n";

/// Commits of a history with a merge that broke it.
struct Merge {
    root: CommitId,
    main: CommitId,
    /// The commit of the side with what does not fit, or with nothing in question.
    side: CommitId,
    merge: CommitId,
}

/// Go on after the merge, on lines that neither side touched.
fn go_on(repo: &mut TestRepo) {
    for n in 0..3 {
        repo.write("n.txt", format!("later {n}\n")).commit("later");
    }
    repo.check_out();
}

/// The mainline renames a function, the side calls it by its old name in a new place.
fn sides_that_do_not_fit() -> (TestRepo, Merge) {
    let mut repo = TestRepo::new();
    let root = repo.write("lib.py", LIB).write("app.py", APP).write("n.txt", "0\n").commit("root");
    let fork = repo.write("n.txt", "1\n").commit("on");
    repo.write("docs.txt", "docs\n").commit("side: docs");
    let app = format!("{APP}\n\ndef more():\n    return lib.load_text('[2]')\n\n\nprint(more())\n");
    let side = repo.write("app.py", &app).commit("side: more");
    let end = repo.write("docs.txt", "more docs\n").commit("side: more docs");
    let renamed = |text: &str| text.replacen("load_text", "read_text", 1);
    repo.go_to(fork).write("n.txt", "2\n").commit("on");
    repo.write("lib.py", renamed(LIB)).write("app.py", renamed(APP)).commit("rename");
    let main = repo.write("n.txt", "3\n").commit("on");
    repo.write("app.py", renamed(&app)).write("docs.txt", "more docs\n");
    let merge = repo.merge(end, "merge the side");
    go_on(&mut repo);
    (repo, Merge { root, main, side, merge })
}

/// Both sides are right, and the merge changes one call more.
fn a_merge_that_changed_more() -> (TestRepo, Merge) {
    let mut repo = TestRepo::new();
    let root = repo.write("lib.py", LIB).write("app.py", APP).write("n.txt", "0\n").commit("root");
    let upper = LIB.replace("text.upper()", "text.lower()");
    for n in 0..5 {
        repo.write(&format!("f{n}.py"), format!("def f(a):\n    return json.loads(a, key={n})\n"));
    }
    let side = repo.write("lib.py", &upper).commit("side");
    let twice = |text: &str| text.replace("text.strip()", "text.strip().strip()");
    let main = repo.go_to(root).write("lib.py", twice(LIB)).commit("twice");
    for n in 0..5 {
        repo.write(&format!("f{n}.py"), format!("def f(a):\n    return json.loads(a, key={n})\n"));
    }
    repo.write("lib.py", twice(&upper).replace("json.loads(text)", "json.load(text)"));
    let merge = repo.merge(side, "merge the side");
    go_on(&mut repo);
    (repo, Merge { root, main, side, merge })
}

fn find(user: &User, repo: &TestRepo, merge: &Merge) -> Value {
    let good = merge.root.to_string();
    let (code, report) = user.find(repo.path(), &["--good", &good, "--", "python3", "app.py"]);
    assert_eq!((code, culprit(&report)), (Some(0), merge.merge.to_string().as_str()), "{report:#}");
    assert_eq!(report["last_good"], merge.main.to_string(), "{report:#}");
    assert_eq!(report["narrowing"]["good"], merge.main.to_string(), "{report:#}");
    report
}

fn fix(user: &User, repo: &TestRepo, more: &[&str]) -> Value {
    let ran = user.run(repo.path(), &[&["fix", "--json", "-"], more].concat());
    assert_eq!(ran.code, Some(0), "{}\n{}", ran.stdout, ran.stderr);
    serde_json::from_str(&ran.stdout).unwrap()
}

fn of_kind<'a>(report: &'a Value, kind: &str) -> &'a Value {
    let fixes = report["fixes"].as_array().unwrap();
    fixes.iter().find(|fix| fix["kind"] == kind).unwrap_or_else(|| panic!("{kind}: {report:#}"))
}

#[test]
fn sides_that_do_not_fit_are_narrowed_to_what_the_side_brought_and_its_commit() {
    let (repo, merge) = sides_that_do_not_fit();
    let user = User::new();
    let report = find(&user, &repo, &merge);
    for change in report["breaking_changes"].as_array().unwrap() {
        assert_eq!(
            (&change["path"], &change["commit"], &change["sufficient"], &change["necessary"]),
            (&"app.py".into(), &merge.side.to_string().into(), &true.into(), &true.into()),
            "{report:#}"
        );
    }
    let shown =
        user.run(repo.path(), &["find", "--good", &merge.root.to_string(), "--", "python3", "app.py"]);
    for wanted in [format!("({})", merge.side.short()), format!("git revert -m 1 {}", merge.merge.short())] {
        assert!(shown.stdout.contains(&wanted), "{wanted}\n{}", shown.stdout);
    }
}

#[test]
fn a_merge_is_reverted_as_git_does_and_committed_on_a_branch() {
    let (repo, merge) = sides_that_do_not_fit();
    repo.git(&["config", "user.name", "Eve"]);
    repo.git(&["config", "user.email", "eve@example.org"]);
    let user = User::new();
    find(&user, &repo, &merge);
    let before = repo.git(&["status", "--porcelain=v2", "--branch"]);
    let report = fix(&user, &repo, &["--branch", "hotfix/merge", "--commit"]);
    assert_eq!(repo.git(&["status", "--porcelain=v2", "--branch"]), before);
    assert!(report["fixes"].as_array().unwrap().iter().all(|fix| fix["passed"] == true), "{report:#}");
    // The same tree as that of git's own revert.
    let patch = user.home().join("revert.patch");
    std::fs::write(&patch, of_kind(&report, "revert-commit")["patch"].as_str().unwrap()).unwrap();
    repo.git(&["apply", "--index", patch.to_str().unwrap()]);
    let ours = repo.git(&["write-tree"]);
    repo.git(&["reset", "--quiet", "--hard"]);
    repo.git(&["revert", "--no-edit", "-m", "1", &merge.merge.to_string()]);
    assert_eq!(ours, repo.git(&["write-tree"]));
    let shown = repo.git(&["show", "--format=%B", "hotfix/merge"]);
    for wanted in
        [merge.merge.short(), "merge the side".to_owned(), "-    return lib.load_text('[2]')".to_owned()]
    {
        assert!(shown.contains(&wanted), "{wanted}\n{shown}");
    }
}

#[test]
fn what_only_the_merge_has_is_suspected_first_and_undone_alone() {
    let (repo, merge) = a_merge_that_changed_more();
    let user = User::new();
    let report = find(&user, &repo, &merge);
    let changes = report["breaking_changes"].as_array().unwrap();
    assert_eq!(changes.len(), 1, "{report:#}");
    assert_eq!(
        (&changes[0]["before"], &changes[0]["after"], &changes[0]["commit"]),
        (&"json.loads(text)".into(), &"json.load(text)".into(), &merge.merge.to_string().into()),
        "{report:#}"
    );
    assert_eq!(report["trials"]["narrowing"], 2, "{report:#}");
    let report = fix(&user, &repo, &[]);
    assert_eq!(report["fixes"][0]["kind"], "undo-edits", "{report:#}");
    assert_eq!(report["fixes"][0]["lines"], 2, "{report:#}");
    // Reverted, the mainline keeps what it did itself.
    let revert = of_kind(&report, "revert-commit");
    assert_eq!(revert["passed"], true, "{report:#}");
    assert!(!revert["patch"].as_str().unwrap().contains("strip()"), "{report:#}");
}

#[test]
fn where_sides_do_not_fit_the_calls_that_one_brought_follow_the_other() {
    let (repo, merge) = sides_that_do_not_fit();
    let user = User::new();
    find(&user, &repo, &merge);
    let report = fix(&user, &repo, &[]);
    let best = &report["fixes"][0];
    assert_eq!((&best["kind"], &best["lines"]), (&"follow-other-side".into(), &2.into()), "{report:#}");
    let patch = best["patch"].as_str().unwrap();
    for wanted in ["-    return lib.load_text('[2]')", "+    return lib.read_text('[2]')"] {
        assert!(patch.contains(wanted), "{report:#}");
    }
    // What the merge itself broke is no such case.
    let (repo, merge) = a_merge_that_changed_more();
    find(&user, &repo, &merge);
    let report = fix(&user, &repo, &[]);
    let fixes = report["fixes"].as_array().unwrap();
    assert!(fixes.iter().all(|fix| fix["kind"] != "follow-other-side"), "{report:#}");
}
