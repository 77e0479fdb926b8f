//! The shadow repository and the trees composed in it.

use std::path::Path;

use pybisect::git::{GitError, Repository, Shadow};
use pybisect::model::Termination;

use crate::support::repo_builder::{git_in, snapshot};
use crate::support::{Bench, TestRepo};

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

/// A clone without contents (`blob:none`) or without folders as well (`tree:0`), from a folder that stands for
/// a server.
fn partial_clone(repo: &TestRepo, filter: &str) -> tempfile::TempDir {
    repo.git(&["config", "uploadpack.allowFilter", "true"]);
    repo.git(&["config", "uploadpack.allowAnySHA1InWant", "true"]);
    let clone = tempfile::tempdir().unwrap();
    let url = format!("file://{}", repo.path().display());
    git_in(clone.path(), &["clone", "--quiet", "--bare", &format!("--filter={filter}"), &url, "."]);
    clone
}

#[test]
fn what_a_partial_clone_lacks_is_fetched_into_the_shadow() {
    for filter in ["blob:none", "tree:0"] {
        let mut repo = TestRepo::new();
        let old = repo.write("app.py", "1").write("a/b/c.py", "c").commit("1");
        let new = repo.write("app.py", "2").commit("2");
        let clone = partial_clone(&repo, filter);
        let before = snapshot(clone.path());
        let bench = Bench::new(clone.path(), 1);
        assert_eq!(bench.user.promisor_remote().unwrap().as_deref(), Some("origin"));
        let trees = [bench.user.tree_of(old).unwrap(), bench.user.tree_of(new).unwrap()];
        assert!(bench.shadow.fetch_missing(&bench.user, &trees).unwrap() >= 3, "{filter}");
        assert_eq!(
            bench.shadow.fetch_missing(&bench.user, &trees).unwrap(),
            0,
            "nothing is missing any more"
        );
        assert_eq!(bench.shell(old, "cat app.py a/b/c.py").stdout.text, "1c", "{filter}");
        assert_eq!(
            bench.shell(new, "cat app.py a/b/c.py; git status --porcelain").stdout.text,
            "2c",
            "{filter}"
        );
        assert_eq!(snapshot(clone.path()), before, "{filter}");
    }
}

#[test]
fn a_remote_that_is_gone_is_an_error_with_gits_reason() {
    let mut repo = TestRepo::new();
    let id = repo.write("app.py", "1").commit("1");
    let clone = partial_clone(&repo, "blob:none");
    drop(repo);
    let bench = Bench::new(clone.path(), 1);
    let error = bench.shadow.fetch_missing(&bench.user, &[bench.user.tree_of(id).unwrap()]).unwrap_err();
    assert!(
        error.to_string().starts_with("git fetch of 1 missing objects from 'origin' failed: "),
        "{error}"
    );
    // A Python source that cannot be had: nothing can be said about this commit.
    let output = bench.shell(id, "true");
    let Termination::NoTree { reason } = output.ending else { panic!("{:?}", output.ending) };
    assert!(
        reason.starts_with("app.py (") && reason.ends_with(") is missing from the repository"),
        "{reason}"
    );
}

#[test]
fn contents_that_are_missing_or_kept_elsewhere_are_named() {
    let mut repo = TestRepo::new();
    repo.write(".gitattributes", "*.bin filter=lfs\n");
    repo.write("app.py", "1").write("logo.png", "picture").write("big.bin", LFS_POINTER);
    let first = repo.commit("1");
    let second = repo.write("logo.png", "another").write("big.bin", "small").commit("2");
    let lost = repo.git(&["rev-parse", &format!("{first}:logo.png")]);
    let (folder, file) = lost.trim().split_at(2);
    std::fs::remove_file(repo.path().join(".git/objects").join(folder).join(file)).unwrap();
    let bench = Bench::new(repo.path(), 1);
    let notes = [
        "missing from the repository and left out: logo.png".to_owned(),
        "not filled, a Git LFS pointer: big.bin (git lfs fetch --all brings the content)".to_owned(),
    ];
    for _ in 0..2 {
        let output = bench.shell(first, "ls");
        assert_eq!((output.stdout.text.as_str(), &output.notes[..]), ("app.py\nbig.bin\n", &notes[..]));
        let output = bench.shell(second, "ls");
        assert_eq!(
            (output.stdout.text.as_str(), &output.notes[..]),
            ("app.py\nbig.bin\nlogo.png\n", &[][..])
        );
    }
}

const LFS_POINTER: &str = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12345\n";
