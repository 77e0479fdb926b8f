//! The shadow repository and the trees composed in it.

use std::path::Path;

use pybisect::git::{GitError, Repository, Shadow};

use crate::support::TestRepo;
use crate::support::repo_builder::{git_in, snapshot};

fn file(path: &str, text: &str, executable: bool) -> (String, Vec<u8>, bool) {
    (path.to_owned(), text.as_bytes().to_vec(), executable)
}

#[test]
fn the_shadow_knows_all_names_and_leaves_the_users_repository_alone() {
    let (repo, ids) = TestRepo::with_versions(&["1", "2", "3"]);
    repo.annotated_tag("v1.0", ids[0]);
    repo.tag("light", ids[1]);
    repo.branch("topic", ids[1]);
    repo.git(&["gc", "--quiet"]);
    let before = snapshot(repo.path());
    let folder = tempfile::tempdir().unwrap();
    let user = Repository::open(repo.path()).unwrap();
    let shadow = Shadow::create(&folder.path().join("shadow"), &user).unwrap();
    // Among the laid-over trees is one that the user's repository already has, packed.
    let tree = user.tree_of(ids[2]).unwrap();
    assert_eq!(
        shadow.with_overlay(tree, &[file("app.py", "2", false)]).unwrap(),
        user.tree_of(ids[1]).unwrap()
    );
    shadow.with_overlay(tree, &[file("new/app.py", "new", true)]).unwrap();
    assert_eq!(snapshot(repo.path()), before);
    let git = |arguments: &[&str]| git_in(shadow.folder(), arguments).trim().to_owned();
    assert_eq!(
        git(&["describe", "--tags", &ids[2].to_string()]),
        format!("light-1-g{}", &ids[2].to_string()[..7])
    );
    assert_eq!(git(&["rev-parse", "v1.0^{commit}"]), ids[0].to_string());
    assert_eq!(git(&["rev-parse", "topic"]), ids[1].to_string());
    git(&["fsck", "--strict"]);
}

#[test]
fn overlays_make_the_trees_that_git_would_make() {
    let mut repo = TestRepo::new();
    repo.write("a.py", "a")
        .write("lib/x.py", "x")
        .write("lib.txt", "t")
        .write("lib-a", "-")
        .write("deep", "file");
    let base = repo.commit("base");
    repo.write("lib/x.py", "X").write("lib/y/z.py", "z").remove("deep").write("deep/er/est", "d");
    repo.write_as(b"run", b"r", 0o100_755);
    let wanted = repo.commit("as laid over");
    let user = Repository::open(repo.path()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let shadow = Shadow::create(&folder.path().join("shadow"), &user).unwrap();
    let overlay = [
        file("lib/x.py", "X", false),
        file("./lib/y/z.py", "z", false),
        file("deep/er/est", "d", false),
        file("run", "r", true),
    ];
    let made = shadow.with_overlay(user.tree_of(base).unwrap(), &overlay).unwrap();
    assert_eq!(made, user.tree_of(wanted).unwrap());
}

#[test]
fn overlays_stay_inside_the_tree() {
    let (repo, ids) = TestRepo::with_versions(&["1"]);
    let user = Repository::open(repo.path()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let shadow = Shadow::create(&folder.path().join("shadow"), &user).unwrap();
    let tree = user.tree_of(ids[0]).unwrap();
    for path in ["../x", "/etc/passwd", "a/../../x", ".git/hooks/x", "a/.GIT/x", "", "a//b", "a/"] {
        let result = shadow.with_overlay(tree, &[file(path, "x", false)]);
        assert!(matches!(result, Err(GitError::UnsafePath(_))), "{path:?}");
    }
}

#[test]
fn stores_that_borrow_from_others_and_linked_worktrees_are_followed() {
    let (repo, ids) = TestRepo::with_versions(&["1", "2"]);
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    git_in(
        folder.path(),
        &["clone", "--quiet", "--shared", "--bare", &repo.path().display().to_string(), &at("b")],
    );
    git_in(Path::new(&at("b")), &["worktree", "add", "--quiet", "--detach", &at("linked")]);
    let user = Repository::open(Path::new(&at("linked"))).unwrap();
    let shadow = Shadow::create(Path::new(&at("shadow")), &user).unwrap();
    assert_eq!(shadow.repository().resolve("main").unwrap().id, ids[1]);
    assert_eq!(git_in(shadow.folder(), &["show", "main:app.py"]), "2");
}
