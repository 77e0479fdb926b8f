//! Files of trees that are kept in a folder from run to run.

use std::collections::BTreeMap;
use std::path::Path;

use pybisect::git::{ExportedTrees, Repository, is_python};
use pybisect::model::TreeId;

use crate::support::TestRepo;

fn files(folder: &Path) -> BTreeMap<String, String> {
    let entries = walkdir::WalkDir::new(folder).into_iter().map(Result::unwrap);
    let read = |entry: walkdir::DirEntry| {
        let path = entry.path().strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
        let is_folder = entry.file_type().is_dir();
        (path, if is_folder { "folder".to_owned() } else { std::fs::read_to_string(entry.path()).unwrap() })
    };
    entries.map(read).filter(|(path, _)| !path.is_empty()).collect()
}

struct Versions {
    _repo: TestRepo,
    repository: Repository,
    trees: Vec<TreeId>,
}

/// A file that stays, one that becomes a folder, one that goes with its folder.
fn versions() -> Versions {
    let mut repo = TestRepo::new();
    repo.write("a.py", "a\n").write("b.py", "b\n").write("data.txt", "no Python\n");
    let first = repo.write("old/deep/c.py", "c\n").commit("first");
    repo.write("a.py", "a2\n").remove("b.py").write("b.py/d.py", "d\n");
    let second = repo.remove("old/deep/c.py").commit("second");
    let repository = Repository::open(repo.path()).unwrap();
    let trees = [first, second].map(|commit| repository.tree_of(commit).unwrap()).to_vec();
    Versions { _repo: repo, repository, trees }
}

fn expected(entries: &[(&str, &str)]) -> BTreeMap<String, String> {
    entries.iter().map(|&(path, text)| (path.to_owned(), text.to_owned())).collect()
}

#[test]
fn a_folder_is_brought_from_tree_to_tree_and_back() {
    let Versions { repository, trees, _repo } = versions();
    let top = tempfile::tempdir().unwrap();
    let first = expected(&[
        ("a.py", "a\n"),
        ("b.py", "b\n"),
        ("old", "folder"),
        ("old/deep", "folder"),
        ("old/deep/c.py", "c\n"),
    ]);
    let second = expected(&[("a.py", "a2\n"), ("b.py", "folder"), ("b.py/d.py", "d\n")]);
    for _ in 0..2 {
        for (tree, wanted) in trees.iter().zip([&first, &second]) {
            let mut mirror = kept_again(top.path(), "repo");
            let folder = mirror.sync_tree(&repository, "merged", *tree, is_python).unwrap();
            assert_eq!(files(&folder), *wanted);
            // The other name shares what is equal, and nothing of it changes with the first.
            let other = mirror.sync_tree(&repository, "base", trees[0], is_python).unwrap();
            assert_eq!(files(&other), first);
        }
    }
}

/// A folder that was let go. A process that another test starts at this moment may hold its lock a little longer, until
/// it becomes the program that it is to run.
fn kept_again(top: &Path, name: &str) -> ExportedTrees {
    let mut tries = std::iter::repeat_with(|| {
        let kept = ExportedTrees::kept(top, name).unwrap();
        if kept.is_none() {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        kept
    });
    tries.by_ref().take(500).flatten().next().unwrap()
}

#[test]
fn an_interrupted_run_leaves_nothing_that_is_trusted() {
    let Versions { repository, trees, _repo } = versions();
    let top = tempfile::tempdir().unwrap();
    let bring = |tree: TreeId| {
        let mut mirror = kept_again(top.path(), "repo");
        files(&mirror.sync_tree(&repository, "merged", tree, is_python).unwrap())
    };
    let whole = bring(trees[0]);
    let folder = top.path().join("repo");
    for damage in ["", "not a list\n", "0000000000000000000000000000000000000000 ../../a.py\n"] {
        if damage.is_empty() {
            std::fs::remove_file(folder.join("merged.list")).unwrap();
        } else {
            std::fs::write(folder.join("merged.list"), damage).unwrap();
        }
        std::fs::write(folder.join("merged/left.py"), "half\n").unwrap();
        assert_eq!(bring(trees[0]), whole);
    }
}

#[test]
fn one_run_at_a_time_uses_a_kept_folder() {
    let top = tempfile::tempdir().unwrap();
    let first = ExportedTrees::kept(top.path(), "repo").unwrap();
    assert!(first.is_some());
    assert!(ExportedTrees::kept(top.path(), "repo").unwrap().is_none());
    assert!(ExportedTrees::kept(top.path(), "other").unwrap().is_some());
    drop(first);
    drop(kept_again(top.path(), "repo"));
    for name in 0..10 {
        assert!(ExportedTrees::kept(top.path(), &name.to_string()).unwrap().is_some());
    }
    assert_eq!(std::fs::read_dir(top.path()).unwrap().count(), 8, "the least recently used ones go");
}
