//! Forms of repositories: what git can read is read, and where it is not, the way out is named.

use std::fs;

use crate::support::repo_builder::{git_in, snapshot};
use crate::support::{TestRepo, User, culprit, report_of};

fn history() -> (TestRepo, Vec<String>) {
    let mut repo = TestRepo::new();
    let ids = (0..6)
        .map(|n| repo.write("app.py", format!("assert {n} < 4\n")).commit("edit").to_string())
        .collect();
    repo.check_out();
    (repo, ids)
}

#[test]
fn a_work_tree_apart_from_its_repository_is_searched_from_its_own_top() {
    let (repo, ids) = history();
    let apart = tempfile::tempdir().unwrap();
    let (git, clone) = (apart.path().join("apart.git"), apart.path().join("clone"));
    let option = format!("--separate-git-dir={}", git.display());
    git_in(apart.path(), &["clone", "-q", &option, repo.path().to_str().unwrap(), clone.to_str().unwrap()]);
    let before = snapshot(apart.path());
    let (code, report) =
        User::new().find(&clone, &["--no-narrow", "--good", &ids[0], "--", "python3", "app.py"]);
    assert_eq!((code, culprit(&report)), (Some(0), ids[4].as_str()), "{report:#}");
    assert_eq!(snapshot(apart.path()), before);
}

/// As files of a home folder are kept: no `.git` stands in the work tree.
#[test]
fn a_work_tree_that_the_environment_names_is_searched() {
    let (repo, ids) = history();
    let apart = tempfile::tempdir().unwrap();
    let (git, tree) = (apart.path().join("files.git"), apart.path().join("home"));
    fs::create_dir(&tree).unwrap();
    git_in(apart.path(), &["clone", "-q", "--bare", repo.path().to_str().unwrap(), git.to_str().unwrap()]);
    git_in(&git, &["config", "core.bare", "false"]);
    let of_tree = format!("--work-tree={}", tree.display());
    git_in(&git, &["--git-dir=.", &of_tree, "checkout", "-q", "-f", "HEAD"]);
    let words = ["find", "--json", "-", "--no-narrow", "--good", &ids[0], "--", "python3", "app.py"];
    let user = User::new();
    let (code, report) =
        report_of(user.command(&tree, &words).env("GIT_DIR", &git).env("GIT_WORK_TREE", &tree));
    assert_eq!((code, culprit(&report)), (Some(0), ids[4].as_str()), "{report:#}");
}

#[test]
fn a_linked_work_tree_and_a_bare_repository_are_searched() {
    let (repo, ids) = history();
    let apart = tempfile::tempdir().unwrap();
    let (linked, bare) = (apart.path().join("linked"), apart.path().join("bare.git"));
    repo.git(&["worktree", "add", "-q", linked.to_str().unwrap(), "HEAD~1"]);
    git_in(apart.path(), &["clone", "-q", "--bare", repo.path().to_str().unwrap(), bare.to_str().unwrap()]);
    for place in [linked, bare] {
        let options = ["--no-narrow", "--good", &ids[0], "--bad", &ids[5], "--", "python3", "app.py"];
        let (code, report) = User::new().find(&place, &options);
        assert_eq!((code, culprit(&report)), (Some(0), ids[4].as_str()), "{}: {report:#}", place.display());
    }
}

/// What is left of a repository by copying its folder does not always say that it is bare, and the folder above is then
/// taken for its work tree.
#[test]
fn a_folder_of_a_repository_without_settings_is_searched() {
    let (repo, ids) = history();
    let apart = tempfile::tempdir().unwrap();
    git_in(apart.path(), &["clone", "-q", "--bare", repo.path().to_str().unwrap(), "copy"]);
    let copy = apart.path().join("copy");
    std::fs::remove_file(copy.join("config")).unwrap();
    let options = ["--no-narrow", "--good", &ids[0], "--bad", &ids[5], "--", "python3", "app.py"];
    let (code, report) = User::new().find(&copy, &options);
    assert_eq!((code, culprit(&report)), (Some(0), ids[4].as_str()), "{report:#}");
}

#[test]
fn a_commit_beyond_the_boundary_of_a_shallow_clone_is_to_be_fetched() {
    let (repo, ids) = history();
    let apart = tempfile::tempdir().unwrap();
    let url = format!("file://{}", repo.path().display());
    git_in(apart.path(), &["clone", "-q", "--depth", "2", &url, "clone"]);
    let clone = apart.path().join("clone");
    git_in(&clone, &["tag", "v1.1"]);
    // Also where something that is there has a similar name.
    for (good, nearest) in [(ids[0].as_str(), ""), ("v1.0", "or did you mean 'v1.1'?")] {
        let ran = User::new().run(&clone, &["find", "--good", good, "--", "python3", "app.py"]);
        assert_eq!(ran.code, Some(2), "{}", ran.stderr);
        assert!(
            ran.stderr.contains("git fetch --unshallow") && ran.stderr.contains(nearest),
            "{}",
            ran.stderr
        );
    }
}

#[test]
fn formats_that_cannot_be_read_are_refused_with_the_way_out() {
    let apart = tempfile::tempdir().unwrap();
    for (option, words) in [
        ("--object-format=sha256", ["SHA-256", "git fast-export"]),
        ("--ref-format=reftable", ["reftable", "--ref-format=files"]),
    ] {
        let place = apart.path().join(&option[2..8]);
        git_in(apart.path(), &["init", "-q", option, place.to_str().unwrap()]);
        let ran = User::new().run(&place, &["find", "--", "true"]);
        assert_eq!(ran.code, Some(2), "{}", ran.stderr);
        assert!(words.iter().all(|word| ran.stderr.contains(word)), "{}", ran.stderr);
    }
}

#[test]
fn replacements_of_git_replace_are_not_followed_and_that_is_said() {
    let (repo, ids) = history();
    let user = User::new();
    let run = |variable: Option<&str>| {
        let options = ["find", "--json", "-", "--no-narrow", "--good", &ids[0], "--", "python3", "app.py"];
        let mut command = user.command(repo.path(), &options);
        command.envs(variable.map(|name| (name, "1")));
        let text = String::from_utf8(command.output().unwrap().stderr).unwrap();
        (text, report_of(&mut command).1)
    };
    assert!(!run(None).0.contains("replace"));
    repo.git(&["replace", &ids[2], &ids[1]]);
    let (said, report) = run(None);
    assert!(said.contains("git replace"), "{said}");
    assert_eq!(culprit(&report), ids[4]);
    assert!(!run(Some("GIT_NO_REPLACE_OBJECTS")).0.contains("replace"));
}

#[test]
fn after_an_error_there_is_no_report_not_even_an_earlier_one() {
    let (repo, ids) = history();
    let apart = tempfile::tempdir().unwrap();
    let report = apart.path().join("report.json");
    let json = report.to_str().unwrap();
    let user = User::new();
    let run = |good: &str| {
        user.run(
            repo.path(),
            &["find", "--no-narrow", "--json", json, "--good", good, "--", "python3", "app.py"],
        )
    };
    assert_eq!(run("no-such-branch").code, Some(2));
    assert!(!report.exists());
    assert_eq!(run(&ids[0]).code, Some(0));
    let text = fs::read_to_string(&report).unwrap();
    assert!(serde_json::from_str::<serde_json::Value>(&text).unwrap()["culprits"].is_array());
    assert_eq!(run("no-such-branch").code, Some(2));
    assert!(!report.exists());
}
