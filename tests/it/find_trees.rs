//! Trees in trials are as git would write them.

use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::repo_builder::{git_in, hermetic, snapshot};
use crate::support::{TestRepo, User, culprit};

/// A folder with a repository that the git executable makes.
struct Made {
    folder: tempfile::TempDir,
    top: PathBuf,
}

impl Made {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let top = folder.path().join("top");
        git_in(folder.path(), &["init", "-q", "-b", "main", "top"]);
        Self { folder, top }
    }

    fn git(&self, arguments: &[&str]) -> String {
        git_in(&self.top, &[&["-c", "protocol.file.allow=always"], arguments].concat()).trim().to_owned()
    }

    fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let file = self.top.join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, content).unwrap();
    }

    /// Commit all that is in the folder, with the program at this state.
    fn commit(&self, program: &str) -> String {
        self.write("app.py", program);
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "--allow-empty", "-m", "edit"]);
        self.git(&["rev-parse", "HEAD"])
    }
}

fn find(folder: &Path, good: &str, options: &[&str]) -> (Option<i32>, Value) {
    let user = User::new();
    let all = [&["--no-narrow", "--good", good], options, &["--", "python3", "check.py"]].concat();
    user.find(folder, &all)
}

/// A program that holds what was checked out against what git checked out.
fn comparing(top: &Path, paths: &[&str]) -> String {
    let expected: Vec<String> = paths
        .iter()
        .map(|path| {
            let bytes = fs::read(top.join(path)).unwrap();
            let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("assert open({path:?}, 'rb').read().hex() == {digits:?}, {path:?}\n")
        })
        .collect();
    expected.concat() + "import app\nassert app.n < 3\n"
}

const FILES: [(&str, &[u8]); 9] = [
    ("a.csv", b"a\nb\n"),
    ("mixed.txt", b"a\r\nb\n"),
    ("sub/bin.txt", b"a\0\n"),
    ("id.h", b"/* $Id$ */\n"),
    ("wide.u16", "h\u{e9}\n".as_bytes()),
    ("wide.bom", "h\u{e9}\n".as_bytes()),
    ("latin.l1", "h\u{e9}\n".as_bytes()),
    ("sub/plain.md", b"x\n"),
    ("sub/.hidden", b"x\n"),
];

/// One history for each of several configurations; what git itself checks out of it is what trials have.
#[test]
fn line_ends_encodings_and_ids_are_those_of_a_checkout_by_git() {
    let attributes = "*.csv text eol=crlf\n*.txt text=auto eol=crlf\n*.h ident\n\
                      *.u16 text working-tree-encoding=UTF-16LE eol=crlf\n*.bom working-tree-encoding=UTF-16\n\
                      *.l1 working-tree-encoding=ISO-8859-1\n";
    for configuration in [&[][..], &["core.autocrlf=true"], &["core.eol=crlf"], &["core.autocrlf=input"]] {
        let made = Made::new();
        for line in configuration {
            let (name, value) = line.split_once('=').unwrap();
            made.git(&["config", name, value]);
        }
        made.write(".git/info/attributes", "sub/.hidden text eol=crlf\n");
        // What is stored is what git would store, whatever is in the work tree.
        for (path, content) in FILES {
            made.write(path, content);
        }
        made.git(&["-c", "core.autocrlf=false", "add", "-A"]);
        made.write(".gitattributes", attributes);
        made.write("sub/.gitattributes", "*.md text=auto\n");
        made.git(&["add", ".gitattributes", "sub/.gitattributes"]);
        made.git(&["commit", "-q", "-m", "files"]);
        let again = made.folder.path().join("again");
        made.git(&["worktree", "add", "-q", "--detach", again.to_str().unwrap()]);
        let paths: Vec<&str> = FILES.iter().map(|(path, _)| *path).collect();
        made.write("check.py", comparing(&again, &paths));
        for path in &paths {
            fs::copy(again.join(path), made.top.join(path)).unwrap();
        }
        let ids: Vec<String> = (0..5).map(|n| made.commit(&format!("n = {n}\n"))).collect();
        let before = snapshot(&made.top.join(".git"));
        let (code, report) = find(&made.top, &ids[0], &[]);
        assert_eq!((code, culprit(&report)), (Some(0), ids[3].as_str()), "{configuration:?}: {report:#}");
        assert_eq!(snapshot(&made.top.join(".git")), before);
    }
}

/// Only the attributes change: files that did not are written anew.
#[test]
fn a_commit_that_changes_attributes_changes_files() {
    let mut repo = TestRepo::new();
    repo.write("data.csv", "a\nb\n")
        .write("check.py", "assert b'\\r' not in open('data.csv', 'rb').read()\n");
    let ids: Vec<String> = (0..6)
        .map(|n| {
            repo.write("notes", n.to_string());
            if n == 3 {
                repo.write(".gitattributes", "*.csv eol=crlf\n");
            }
            repo.commit("edit").to_string()
        })
        .collect();
    let (code, report) = find(repo.path(), &ids[0], &[]);
    assert_eq!((code, culprit(&report)), (Some(0), ids[3].as_str()), "{report:#}");
}

#[test]
fn a_filter_runs_when_asked_for_and_is_told_of_otherwise() {
    let made = Made::new();
    made.git(&["config", "filter.up.smudge", "tr a-z A-Z"]);
    made.git(&["config", "filter.up.clean", "tr A-Z a-z"]);
    made.write(".gitattributes", "*.dat filter=up\n*.other filter=unknown\n");
    made.write("x.dat", "abc\n");
    made.write("y.other", "abc\n");
    made.write(
        "check.py",
        "import app\nassert open('x.dat').read() == 'ABC\\n'\nassert open('y.other').read() == 'abc\\n'\n\
         assert app.n < 3\n",
    );
    let ids: Vec<String> = (0..5).map(|n| made.commit(&format!("n = {n}\n"))).collect();
    let (code, report) = find(&made.top, &ids[0], &[]);
    assert_eq!(code, Some(4), "{report:#}");
    let hint = report["hint"].as_str().unwrap();
    assert!(hint.contains("x.dat") && hint.contains("--filters run") && !hint.contains("y.other"), "{hint}");
    let (code, report) = find(&made.top, &ids[0], &["--filters", "run"]);
    assert_eq!((code, culprit(&report)), (Some(0), ids[3].as_str()), "{report:#}");
}

/// The program of a filter that a commit brings is not run: the one in the user's work tree is.
#[test]
fn a_filter_is_never_a_program_of_a_commit() {
    let made = Made::new();
    made.git(&["config", "filter.up.smudge", "sh tools/up.sh %f"]);
    made.git(&["config", "filter.up.clean", "cat"]);
    made.write(".gitattributes", "*.dat filter=up\n");
    made.write("$(touch owned).dat", "abc\n");
    let mark = made.folder.path().join("mark");
    made.write("check.py", "import app\nassert app.n < 3\n");
    let ids: Vec<String> = (0..5)
        .map(|n| {
            made.write("tools/up.sh", format!("touch '{}'; cat\n", mark.display()));
            made.commit(&format!("n = {n}\n"))
        })
        .collect();
    made.write("tools/up.sh", "cat\n");
    drop(fs::remove_file(&mark));
    let (code, report) = find(&made.top, &ids[0], &["--filters", "run"]);
    assert_eq!((code, culprit(&report)), (Some(0), ids[3].as_str()), "{report:#}");
    assert!(!mark.exists() && !made.top.join("owned").exists());
}

const OID: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

fn pointer() -> String {
    format!("version https://git-lfs.github.com/spec/v1\noid sha256:{OID}\nsize 3\n")
}

#[test]
fn contents_of_git_lfs_come_from_the_local_store() {
    let mut repo = TestRepo::new();
    repo.write(".gitattributes", "*.bin filter=lfs diff=lfs merge=lfs -text\n").write("x.bin", pointer());
    repo.write("not.txt", pointer());
    repo.write(
        "check.py",
        "import subprocess, app\nassert open('x.bin').read() == 'abc'\nassert 'oid' in open('not.txt').read()\n\
         assert subprocess.check_output(['git', 'status', '--porcelain'], text=True) == ''\nassert app.n < 3\n",
    );
    let ids: Vec<String> =
        (0..5).map(|n| repo.write("app.py", format!("n = {n}\n")).commit("edit").to_string()).collect();
    let (code, report) = find(repo.path(), &ids[0], &[]);
    assert_eq!(code, Some(4), "{report:#}");
    let hint = report["hint"].as_str().unwrap();
    assert!(hint.contains("x.bin") && hint.contains("git lfs fetch"), "{hint}");
    let store = tempfile::tempdir().unwrap();
    for (folder, storage) in
        [(repo.path().join(".git/lfs"), None), (store.path().to_owned(), Some(store.path()))]
    {
        drop(fs::remove_dir_all(repo.path().join(".git/lfs")));
        let objects = folder.join("objects").join(&OID[..2]).join(&OID[2..4]);
        fs::create_dir_all(&objects).unwrap();
        fs::write(objects.join(OID), "abc").unwrap();
        if let Some(storage) = storage {
            repo.git(&["config", "lfs.storage", storage.to_str().unwrap()]);
        }
        let (code, report) = find(repo.path(), &ids[0], &[]);
        assert_eq!((code, culprit(&report)), (Some(0), ids[3].as_str()), "{report:#}");
    }
}

/// The commit that brings a content which was never fetched is not taken for the culprit.
#[test]
fn a_content_that_only_some_commits_lack_is_no_culprit() {
    let mut repo = TestRepo::new();
    repo.write(".gitattributes", "*.bin filter=lfs -text\n").write("x.bin", pointer());
    repo.write("check.py", "assert len(open('x.bin').read()) == 3\n");
    let objects = repo.path().join(".git/lfs/objects").join(&OID[..2]).join(&OID[2..4]);
    fs::create_dir_all(&objects).unwrap();
    fs::write(objects.join(OID), "abc").unwrap();
    let ids: Vec<String> = (0..5)
        .map(|n| {
            if n >= 2 {
                repo.write("x.bin", pointer().replace("ba78", "cafe"));
            }
            repo.write("notes", n.to_string()).commit("edit").to_string()
        })
        .collect();
    let (code, report) = find(repo.path(), &ids[0], &[]);
    assert_eq!(code, Some(5), "{report:#}");
    let reason = report["reason"].as_str().unwrap();
    assert!(reason.contains("x.bin") && reason.contains("git lfs fetch"), "{reason}");
}

/// A submodule in a submodule, moved and renamed on the way, that brings the failure.
#[test]
fn submodules_are_filled_at_the_revision_of_the_commit() {
    let made = Made::new();
    let place = made.folder.path();
    for name in ["inner", "outer"] {
        git_in(place, &["init", "-q", "-b", "main", name]);
    }
    let allow = ["-c", "protocol.file.allow=always"];
    let git = |folder: &Path, arguments: &[&str]| git_in(folder, &[&allow[..], arguments].concat());
    let (inner, outer) = (place.join("inner"), place.join("outer"));
    let inner_at = |n: u32| {
        fs::write(inner.join("value.py"), format!("n = {n}\n")).unwrap();
        git(&inner, &["add", "-A"]);
        git(&inner, &["commit", "-q", "-m", "edit"]);
    };
    inner_at(0);
    git(&outer, &["submodule", "add", "-q", inner.to_str().unwrap(), "deep/inner"]);
    fs::write(outer.join(".gitattributes"), "*.txt eol=crlf\n").unwrap();
    fs::write(outer.join("x.txt"), "a\n").unwrap();
    git(&outer, &["add", "-A"]);
    git(&outer, &["commit", "-q", "-m", "edit"]);
    made.git(&["submodule", "add", "-q", outer.to_str().unwrap(), "lib"]);
    made.git(&["submodule", "update", "-q", "--init", "--recursive"]);
    made.write(
        "check.py",
        "import os, subprocess, sys\nlib = 'lib' if os.path.exists('lib') else 'vendor/lib'\n\
         assert open(lib + '/x.txt', 'rb').read() == b'a\\r\\n'\nsys.path.insert(0, lib + '/deep/inner')\n\
         assert subprocess.check_output(['git', 'status', '--porcelain'], text=True) == ''\n\
         import value\nassert value.n < 3\n",
    );
    let mut ids = Vec::new();
    for n in 0..5 {
        if n > 0 {
            inner_at(n);
            git(&outer.join("deep/inner"), &["pull", "-q", "origin", "main"]);
            git(&outer, &["commit", "-q", "-am", "edit"]);
            let lib = made.top.join(if n > 2 { "vendor/lib" } else { "lib" });
            if n == 2 {
                fs::create_dir_all(made.top.join("vendor")).unwrap();
            }
            git(&lib, &["pull", "-q", "origin", "main"]);
            git(&lib, &["submodule", "update", "-q", "--init", "--recursive"]);
            if n == 2 {
                made.git(&["mv", "lib", "vendor/lib"]);
            }
        }
        ids.push(made.commit(""));
    }
    let (code, report) = find(&made.top, &ids[0], &[]);
    assert_eq!((code, culprit(&report)), (Some(0), ids[3].as_str()), "{report:#}");
    // In a linked work tree too, and in a clone without them their absence is told of.
    let linked = place.join("linked");
    made.git(&["worktree", "add", "-q", "--detach", linked.to_str().unwrap()]);
    let (code, report) = find(&linked, &ids[0], &[]);
    assert_eq!((code, culprit(&report)), (Some(0), ids[3].as_str()), "{report:#}");
    git(place, &["clone", "-q", made.top.to_str().unwrap(), "bare-handed"]);
    let (code, report) = find(&place.join("bare-handed"), &ids[0], &[]);
    assert_eq!(code, Some(4), "{report:#}");
    let hint = report["hint"].as_str().unwrap();
    assert!(hint.contains("lib") && hint.contains("git submodule update --init"), "{hint}");
}

/// A commit that the clone's submodule lacks fails for want of it: no culprit.
#[test]
fn a_submodule_at_a_commit_that_was_never_fetched_is_no_culprit() {
    let made = Made::new();
    let library = made.folder.path().join("library");
    git_in(made.folder.path(), &["init", "-q", "-b", "main", "library"]);
    fs::write(library.join("value.py"), "n = 0\n").unwrap();
    git_in(&library, &["add", "-A"]);
    git_in(&library, &["commit", "-q", "-m", "edit"]);
    made.git(&["submodule", "add", "-q", library.to_str().unwrap(), "lib"]);
    made.write("check.py", "import sys\nsys.path.insert(0, 'lib')\nimport value\n");
    let mut ids = vec![made.commit("")];
    ids.push(made.commit("x = 1"));
    let id = made.git(&["rev-parse", "HEAD:lib"]);
    let other = format!("160000,{}{},lib", &id[1..], &id[..1]);
    made.git(&["update-index", "--cacheinfo", &other]);
    made.git(&["commit", "-q", "-m", "bump"]);
    ids.push(made.git(&["rev-parse", "HEAD"]));
    let (code, report) = find(&made.top, &ids[0], &[]);
    assert_eq!(code, Some(5), "{report:#}");
    let reason = report["reason"].as_str().unwrap();
    assert!(reason.contains("lib") && reason.contains("git fetch --recurse-submodules"), "{reason}");
}

/// What a trial does to files that are made of others is undone, and a submodule of its own making is not followed.
#[test]
fn what_a_trial_damages_is_written_again_as_git_would() {
    let mut repo = TestRepo::new();
    repo.write(".gitattributes", "*.csv eol=crlf\n").write("data.csv", "a\n");
    repo.write(
        "check.py",
        "import app\nassert open('data.csv', 'rb').read() == b'a\\r\\n'\nopen('data.csv', 'w').write('x')\n\
         assert app.n < 4\n",
    );
    let ids: Vec<String> =
        (0..8).map(|n| repo.write("app.py", format!("n = {n}\n")).commit("edit").to_string()).collect();
    let (code, report) = find(repo.path(), &ids[0], &["--jobs", "1"]);
    assert_eq!((code, culprit(&report)), (Some(0), ids[4].as_str()), "{report:#}");
}

/// Names of submodules are a commit's to choose.
#[test]
fn a_submodule_does_not_lead_outside() {
    let mut repo = TestRepo::new();
    let user = User::new();
    let outside = user.home().join("secret");
    fs::create_dir_all(&outside).unwrap();
    fs::write(outside.join("HEAD"), "x").unwrap();
    let up = "../".repeat(12);
    let names = format!("[submodule \"{up}{0}\"]\n\tpath = lib\n\turl = {0}\n", outside.display());
    repo.write(".gitmodules", names).submodule("lib");
    repo.write("check.py", "import app, os\nassert os.listdir('lib') == []\nassert app.n < 3\n");
    let ids: Vec<String> =
        (0..5).map(|n| repo.write("app.py", format!("n = {n}\n")).commit("edit").to_string()).collect();
    let before = snapshot(&outside);
    let (code, report) =
        user.find(repo.path(), &["--no-narrow", "--good", &ids[0], "--", "python3", "check.py"]);
    assert_eq!((code, culprit(&report)), (Some(0), ids[3].as_str()), "{report:#}");
    assert!(report["notes"].to_string().contains("git submodule update --init"), "{report:#}");
    assert_eq!(snapshot(&outside), before);
}

/// The paths that the hermetic git of the tests and the one of users agree on.
#[test]
fn what_is_not_git_s_is_not_in_the_status_of_a_trial() {
    let mut repo = TestRepo::new();
    repo.write(
        "check.py",
        "import app, subprocess\nstatus = subprocess.check_output(['git', 'status', '--porcelain'])\n\
                            assert status == b'', status\nassert app.n < 3\n",
    );
    let ids: Vec<String> =
        (0..5).map(|n| repo.write("app.py", format!("n = {n}\n")).commit("edit").to_string()).collect();
    let venv = repo.path().join("my env [1]");
    fs::create_dir_all(venv.join("bin")).unwrap();
    fs::write(venv.join("pyvenv.cfg"), "").unwrap();
    assert!(venv.as_os_str().as_bytes().contains(&b' '));
    let status = hermetic("git", repo.path()).args(["status", "--porcelain"]).output().unwrap();
    assert!(status.status.success());
    let (code, report) = find(repo.path(), &ids[0], &[]);
    assert_eq!((code, culprit(&report)), (Some(0), ids[3].as_str()), "{report:#}");
}

/// A tree that git does not write and cannot check out: an entry in it has no name.
fn broken_tree(repo: &TestRepo) -> String {
    let repository = git2::Repository::open(repo.path()).unwrap();
    let odb = repository.odb().unwrap();
    let blob = odb.write(git2::ObjectType::Blob, b"").unwrap();
    let tree = [b"100644 \0", blob.as_bytes()].concat();
    odb.write(git2::ObjectType::Tree, &tree).unwrap().to_string()
}

fn commit_of(repo: &TestRepo, tree: &str, parent: &str) -> String {
    let who = "A <a@example.org> 1600000000 +0000";
    let text = format!("tree {tree}\nparent {parent}\nauthor {who}\ncommitter {who}\n\nodd\n");
    let repository = git2::Repository::open(repo.path()).unwrap();
    let odb = repository.odb().unwrap();
    odb.write(git2::ObjectType::Commit, text.as_bytes()).unwrap().to_string()
}

#[test]
fn a_version_whose_tree_cannot_be_read_is_left_out() {
    let (mut repo, ids) = TestRepo::with_versions(&["a = 0\n", "a = 1\n"]);
    let odd = commit_of(&repo, &broken_tree(&repo), &ids[0].to_string());
    let next = commit_of(&repo, repo.git(&["rev-parse", &format!("{}^{{tree}}", ids[1])]).trim(), &odd);
    repo.go_to(next.parse().unwrap());
    let after: Vec<String> =
        (2..6).map(|n| repo.write("app.py", format!("a = {n}\n")).commit("edit").to_string()).collect();
    repo.check_out();
    let (user, good) = (User::new(), ids[0].to_string());
    let search = |least: usize, options: &[&str]| {
        let script = format!("import app; assert app.a < {least}");
        let all = [&["--good", &good], options, &["--", "python3", "-c", &script]].concat();
        user.find(repo.path(), &all)
    };
    for options in [&[][..], &["--with-file", "app.py:laid.py"]] {
        let (code, report) = search(4, options);
        assert_eq!((code, culprit(&report)), (Some(0), after[2].as_str()), "{report:#}");
        // The one that cannot be checked out lies between the last that passes and the first that fails.
        let (code, report) = search(1, options);
        assert_eq!((code, &report["status"]), (Some(3), &Value::from("ambiguous")), "{report:#}");
        let skipped = report["skipped"].as_array().unwrap();
        assert!(skipped.iter().any(|skip| skip["commit"] == odd), "{report:#}");
    }
}
