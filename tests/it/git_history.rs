//! Reading history: names, ranges, differences.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use pybisect::git::{ChangeStatus, GitError, History, RangeOptions, Repository};
use pybisect::graph::Node;
use pybisect::model::CommitId;

use crate::support::TestRepo;
use crate::support::repo_builder::{EXECUTABLE, FILE, SUBMODULE, SYMLINK, git_in, snapshot};

fn open(repo: &TestRepo) -> Repository {
    Repository::open(repo.path()).unwrap()
}

fn candidates(history: &History) -> BTreeSet<CommitId> {
    history.candidates.iter().map(|node| history.ids[node.index()]).collect()
}

fn parents(history: &History, commit: CommitId) -> Vec<CommitId> {
    let node = history.index[&commit];
    history.graph.parents(node).iter().map(|parent| history.ids[parent.index()]).collect()
}

fn paths(names: &[&str]) -> RangeOptions {
    RangeOptions { paths: names.iter().map(PathBuf::from).collect(), ..RangeOptions::default() }
}

#[test]
fn names_lead_to_commits_and_unknown_ones_to_their_neighbours() {
    let (repo, ids) = TestRepo::with_versions(&["1", "2", "3"]);
    repo.annotated_tag("v1.0", ids[0]);
    repo.branch("feature/login", ids[1]);
    let git = open(&repo);
    assert_eq!(git.resolve("v1.0").unwrap().id, ids[0]);
    assert_eq!(git.resolve("main~1").unwrap().id, ids[1]);
    assert_eq!(git.resolve(&ids[2].short()).unwrap().id, ids[2]);
    assert_eq!(git.resolve("main").unwrap().author, "Ada <ada@example.org>");
    assert!(matches!(git.resolve("main^{tree}"), Err(GitError::NotACommit(_))));
    match git.resolve("feature/logn") {
        Err(GitError::UnknownRevision { nearest, .. }) => assert_eq!(nearest[0], "feature/login"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_folder_without_a_repository_is_said_so() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(Repository::open(folder.path()), Err(GitError::NotARepository(_))));
}

#[test]
fn sha256_and_unknown_extensions_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    git_in(folder.path(), &["init", "--quiet", "--object-format=sha256", "."]);
    let error = Repository::open(folder.path()).err().unwrap();
    assert!(error.to_string().contains("SHA-256"), "{error}");

    let (repo, _) = TestRepo::with_versions(&["1"]);
    repo.git(&["config", "core.repositoryFormatVersion", "1"]);
    repo.git(&["config", "extensions.shinyNewThing", "true"]);
    let error = Repository::open(repo.path()).err().unwrap();
    assert!(
        matches!(&error, GitError::UnsupportedFormat { reason, .. } if reason.contains("shinynewthing")),
        "{error}"
    );
}

/// ```text
/// root ── a ── b ── merge ── c
///    └─── side1 ── side2 ┘
/// ```
struct Forked {
    repo: TestRepo,
    root: CommitId,
    a: CommitId,
    b: CommitId,
    side1: CommitId,
    side2: CommitId,
    merge: CommitId,
    c: CommitId,
}

fn forked() -> Forked {
    let mut repo = TestRepo::new();
    let root = repo.write("main.txt", "0").write("lib/side.txt", "0").commit("root");
    let side1 = repo.write("lib/side.txt", "1").commit("side1");
    let side2 = repo.write("lib/side.txt", "2").commit("side2");
    let a = repo.go_to(root).write("main.txt", "a").commit("a");
    let b = repo.write("main.txt", "b").commit("b");
    let merge = repo.write("lib/side.txt", "2").merge(side2, "merge");
    let c = repo.write("main.txt", "c").commit("c");
    Forked { repo, root, a, b, side1, side2, merge, c }
}

#[test]
fn a_range_has_candidates_boundary_and_goods() {
    let f = forked();
    let history = open(&f.repo).range(f.c, &[f.a], &RangeOptions::default()).unwrap();
    assert_eq!(candidates(&history), BTreeSet::from([f.b, f.side1, f.side2, f.merge, f.c]));
    assert_eq!(history.graph.len(), 7, "the good commit and the root as boundary");
    assert_eq!(parents(&history, f.merge), [f.b, f.side2]);
    assert_eq!(parents(&history, f.side1), [f.root]);
    assert_eq!(history.merges, 1);
    // What the search derives from the graph alone is the same set.
    let mut derived = history.graph.ancestors([history.bad]);
    derived.subtract(&history.graph.ancestors(history.goods.iter().copied()));
    assert_eq!(derived, history.candidates);
}

#[test]
fn several_goods_hide_what_each_of_them_contains() {
    let f = forked();
    let history = open(&f.repo).range(f.c, &[f.side1, f.b, f.a], &RangeOptions::default()).unwrap();
    assert_eq!(candidates(&history), BTreeSet::from([f.side2, f.merge, f.c]));
    let mut derived = history.graph.ancestors([history.bad]);
    derived.subtract(&history.graph.ancestors(history.goods.iter().copied()));
    assert_eq!(derived, history.candidates);
    assert_eq!(parents(&history, f.b), [f.a]);
}

#[test]
fn first_parents_only() {
    let f = forked();
    let options = RangeOptions { first_parent: true, ..RangeOptions::default() };
    let history = open(&f.repo).range(f.c, &[f.root], &options).unwrap();
    assert_eq!(candidates(&history), BTreeSet::from([f.a, f.b, f.merge, f.c]));
    assert_eq!(parents(&history, f.merge), [f.b]);
}

#[test]
fn paths_leave_out_commits_that_do_not_touch_them() {
    let f = forked();
    let git = open(&f.repo);
    for name in ["lib", "lib/side.txt", "lib/*.txt"] {
        let history = git.range(f.c, &[f.root], &paths(&[name])).unwrap();
        assert_eq!(candidates(&history), BTreeSet::from([f.side1, f.side2, f.c]), "{name}");
        assert_eq!(parents(&history, f.c), [f.side2], "{name}");
        assert_eq!(parents(&history, f.side1), [f.root], "{name}");
    }
    // As git itself counts them; bad stays in any case.
    let theirs = f.repo.git(&["rev-list", &format!("{}..{}", f.root, f.c), "--", "main.txt"]);
    let theirs: BTreeSet<CommitId> = theirs.lines().map(|line| line.parse().unwrap()).collect();
    let history = git.range(f.c, &[f.root], &paths(&["main.txt"])).unwrap();
    assert_eq!(candidates(&history), theirs);
}

#[test]
fn commits_with_the_same_tree_are_twins() {
    let (repo, ids) = TestRepo::with_versions(&["1", "2", "1", "3"]);
    let history = open(&repo).range(ids[3], &[ids[0]], &RangeOptions::default()).unwrap();
    assert_eq!(history.twin[history.index[&ids[2]].index()], history.index[&ids[0]]);
    assert_eq!(history.twin[history.index[&ids[1]].index()], history.index[&ids[1]]);
}

#[test]
fn bad_inside_good_is_an_error() {
    let (repo, ids) = TestRepo::with_versions(&["1", "2"]);
    let error = open(&repo).range(ids[0], &[ids[1]], &RangeOptions::default()).unwrap_err();
    assert!(matches!(error, GitError::BadInGood { .. }), "{error}");
}

#[test]
fn a_range_that_a_shallow_clone_cuts_is_refused_with_the_command_that_mends_it() {
    let (repo, ids) = TestRepo::with_versions(&["1", "2", "3", "4"]);
    let clone = tempfile::tempdir().unwrap();
    let url = format!("file://{}", repo.path().display());
    git_in(clone.path(), &["clone", "--quiet", "--bare", "--depth", "3", &url, "."]);
    let git = Repository::open(clone.path()).unwrap();
    assert!(git.is_shallow());
    let whole = git.range(ids[3], &[ids[1]], &RangeOptions::default()).unwrap();
    assert_eq!(candidates(&whole), BTreeSet::from([ids[2], ids[3]]));
    let error = git.range(ids[3], &[], &RangeOptions::default()).unwrap_err();
    assert!(error.to_string().contains("git fetch --unshallow"), "{error}");
}

#[test]
fn release_tags_come_versions_first_and_newest_first() {
    let (repo, ids) = TestRepo::with_versions(&["1", "2", "3", "4", "5"]);
    repo.tag("v1.0", ids[0]);
    repo.annotated_tag("v1.1", ids[1]);
    repo.tag("nightly", ids[2]);
    repo.tag("v2.0", ids[3]);
    repo.tag("v3.0", ids[4]);
    let git = open(&repo);
    let names = |commit| -> Vec<String> {
        git.release_tags_reachable_from(commit).unwrap().into_iter().map(|tag| tag.name).collect()
    };
    assert_eq!(names(ids[4]), ["v2.0", "v1.1", "v1.0", "nightly"]);
    assert_eq!(names(ids[1]), ["v1.0"]);
}

#[test]
fn relations_between_commits() {
    let f = forked();
    let git = open(&f.repo);
    assert_eq!(git.merge_bases(f.b, f.side2).unwrap(), [f.root]);
    assert!(git.is_ancestor(f.side1, f.c).unwrap());
    assert!(!git.is_ancestor(f.side1, f.b).unwrap());
    assert_eq!(git.first_parent_chain(f.c, 3).unwrap(), [f.c, f.merge, f.b]);
    assert_eq!(git.first_parent_chain(f.b, 9).unwrap(), [f.b, f.a, f.root]);
}

#[test]
fn changes_name_paths_modes_and_lines() {
    let mut repo = TestRepo::new();
    repo.write("keep.py", "one\ntwo\nthree\n").write("old name.py", "a\nb\nc\nd\n").write("gone.py", "x\n");
    repo.commit("before");
    repo.write("keep.py", "one\n2\nthree\nfour\n").write("new.py", "a\nb\nc\nd\n");
    repo.remove("old name.py").remove("gone.py");
    repo.write_as(b"run.sh", b"#!/bin/sh\n", EXECUTABLE).write_as(b"link", b"keep.py", SYMLINK);
    repo.write_as(b"odd-\xff.bin", &[0, 1, 2], FILE);
    let after = repo.commit("after");
    let git = open(&repo);
    let changes = git.changes_of(after).unwrap();
    let summary: Vec<(String, ChangeStatus, u32)> = changes
        .iter()
        .map(|change| (change.path.to_string_lossy().into_owned(), change.status, change.new_mode))
        .collect();
    assert_eq!(
        summary,
        [
            ("gone.py".to_owned(), ChangeStatus::Deleted, 0),
            ("keep.py".to_owned(), ChangeStatus::Modified, FILE),
            ("link".to_owned(), ChangeStatus::Added, SYMLINK),
            ("new.py".to_owned(), ChangeStatus::Renamed, FILE),
            ("odd-\u{fffd}.bin".to_owned(), ChangeStatus::Added, FILE),
            ("run.sh".to_owned(), ChangeStatus::Added, EXECUTABLE),
        ]
    );
    assert_eq!(changes[3].old_path.as_deref(), Some(Path::new("old name.py")));
    let info = git.info(after).unwrap();
    let old = git.tree_of(info.parents[0]).unwrap();
    let lines = git.changed_lines(Some(old), info.tree).unwrap();
    let kept = lines.iter().find(|file| file.path == Path::new("keep.py")).unwrap();
    assert_eq!((kept.removed.as_slice(), kept.added.len()), ([2..3].as_slice(), 2));
    assert_eq!(git.file_at(after, Path::new("link")).unwrap().unwrap(), b"keep.py");
    assert_eq!(git.file_at(after, Path::new("nothing")).unwrap(), None);
    let text = git.diff_text(after, 100_000).unwrap();
    assert!(text.contains("\n-two\n+2\n"), "{text}");
    let cut = git.diff_text(after, 100).unwrap();
    assert!(cut.len() < 160 && cut.ends_with("left out]\n"), "{cut}");
}

#[test]
fn nodes_come_parents_first() {
    let f = forked();
    let history = open(&f.repo).range(f.c, &[f.root], &RangeOptions::default()).unwrap();
    let order: Vec<Node> =
        [f.root, f.side1, f.side2, f.merge, f.c].iter().map(|id| history.index[id]).collect();
    assert!(order.is_sorted(), "{order:?}");
}

#[test]
fn reading_leaves_the_users_folder_as_it_is() {
    let (mut repo, ids) = TestRepo::with_versions(&["1", "2", "3"]);
    let last = repo.submodule("vendor/lib").commit("add a submodule");
    repo.check_out();
    let before = snapshot(repo.path());
    let git = open(&repo);
    git.range(last, &[ids[0]], &paths(&["app.py"])).unwrap();
    let changes = git.changes_of(last).unwrap();
    assert_eq!((changes[0].new, changes[0].new_mode), (None, SUBMODULE));
    git.diff_text(last, 1000).unwrap();
    assert_eq!(snapshot(repo.path()), before);
}
