//! What mistakes look like on a terminal of 80 columns: what is wrong, where, and the command to type instead.

use std::path::Path;

use crate::support::repo_builder::hermetic;
use crate::support::screen::{assert_screen, seen, seen_of};
use crate::support::{TestRepo, User};

/// Four commits of which the last two fail, with a release.
fn repository() -> TestRepo {
    let mut repo = TestRepo::new();
    repo.write("tests/smoke.py", "import app\nassert app.value < 2, app.value\n");
    repo.write("smoke.py", "import app\nassert app.value < 2, app.value\n").write("smoke.sh", "exit 1\n");
    for number in 0..4 {
        repo.write("app.py", format!("import os\nmode = os.environ.get('APP_MODE')\nvalue = {number}\n"));
        repo.commit(&format!("Version {number}"));
        repo.tag(&format!("v{number}"), repo.last());
    }
    repo.check_out();
    repo
}

fn find<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["find", "--env", "current", "-j", "1"], more].concat()
}

fn told(name: &str, user: &User, folder: &Path, all: &[&[&str]]) {
    let text: Vec<String> = all.iter().map(|words| seen(user, folder, words)).collect();
    assert_screen(name, &text.join("\n"));
}

#[test]
fn ends_of_the_range() {
    let (user, repo) = (User::new(), repository());
    let smoke = ["--", "python3", "smoke.py"];
    let with = |more: &[&'static str]| [&["find"], more, &smoke].concat();
    told(
        "ends",
        &user,
        repo.path(),
        &[
            &with(&["--good", "v9"]),
            &with(&["--good", "HEAD"]),
            &with(&["--good", "v3", "--bad", "v0"]),
            &with(&["v3..v0"]),
        ],
    );
    repo.git(&["bisect", "start"]);
    told("ends_in_a_bisection", &user, repo.path(), &[&with(&["--good", "v0"])]);
}

#[test]
fn a_clone_that_is_cut_off_and_repositories_that_are_none() {
    let (user, repo) = (User::new(), repository());
    let folder = tempfile::tempdir().unwrap();
    let url = format!("file://{}", repo.path().display());
    let cloned = hermetic("git", folder.path()).args(["clone", "-q", "--depth", "2", &url, "clone"]).status();
    assert!(cloned.unwrap().success());
    let smoke = ["--", "python3", "smoke.py"];
    told(
        "a_shallow_clone",
        &user,
        &folder.path().join("clone"),
        &[
            &[&["find", "--good", "v0"][..], &smoke].concat(),
            &["check", "origin/feature..", "--no-smoke"],
            &[&find(&[])[..], &smoke].concat(),
        ],
    );
    told("no_repository", &user, folder.path(), &[&["find", "--", "true"], &["fix"], &["check"]]);
    hermetic("git", folder.path()).args(["init", "-q"]).status().unwrap();
    told("no_commits", &user, folder.path(), &[&["find", "--", "true"], &["check"]]);
}

#[test]
fn commands_that_cannot_be_what_was_meant() {
    let (user, repo) = (User::new(), repository());
    std::fs::write(user.home().join("test_new.py"), "").unwrap();
    let laid = user.home().join("test_new.py").display().to_string();
    told(
        "commands",
        &user,
        repo.path(),
        &[
            &["find", "--good", "v0", "python3", "-m", "unittest", "-q"],
            &["find", "--good", "v0", "--", "python3 -m unittest -q"],
            &["find", "--good", "v0", "--", "pyhton3", "-m", "unittest"],
            &["find", "--good", "v0", "--", "./smoke.sh"],
            &["find", "--good", "v0", "--", "python3", "smok.py"],
            &["find", "--good", "v0", "--with-file", &laid, "--", "python3", "tests/test_new.py"],
            &["find", "--good", "v0"],
        ],
    );
}

#[test]
fn options_and_names() {
    let (user, repo) = (User::new(), repository());
    let with = |more: &[&'static str]| [&["find", "--good", "v0"], more, &["--", "true"]].concat();
    told(
        "options",
        &user,
        repo.path(),
        &[
            &with(&["--with-file", "nothing.py"]),
            &with(&["--match", "f("]),
            &with(&["--timeout", "soon"]),
            &with(&["--jobs", "0"]),
            &["find", "--godo", "v0", "--", "true"],
            &["show", "v9"],
            &["show"],
            &["fix"],
            &["explain", "stale-cal"],
            &["lgos"],
        ],
    );
}

#[test]
fn a_command_that_passes_at_bad() {
    let (user, repo) = (User::new(), repository());
    let passing = ["--", "python3", "-c", "import app"];
    let plain = [&find(&["--good", "v0"])[..], &passing].concat();
    told("passes_at_bad", &user, repo.path(), &[&plain]);
    let fresh = [&plain[..1], &["--fresh"], &plain[1..]].concat();
    let mut withheld = user.command(repo.path(), &fresh);
    let text = seen_of(&user, repo.path(), &fresh, withheld.env("APP_MODE", "prod"));
    assert_screen("passes_at_bad_without_a_variable", &text);
    std::fs::write(repo.path().join("app.py"), "value = 9\n").unwrap();
    told("passes_at_bad_with_changes", &user, repo.path(), &[&plain]);
}

#[test]
fn what_fails_at_good_too() {
    let (user, repo) = (User::new(), repository());
    let refused = "raise ConnectionRefusedError('Connection refused')";
    let all: [&[&str]; 3] = [
        &["--", "sh", "-c", "exit 3"],
        &["--", "python3", "-c", refused],
        &["--", "python3", "tests/smoke.py"],
    ];
    let all = all.map(|command| [&find(&["--good", "v0"])[..], command].concat());
    told("fails_at_good_too", &user, repo.path(), &all.each_ref().map(Vec::as_slice));
    let missing =
        [&find(&["--good", "v0"])[..], &["--", "sh", "-c", "pg_is_not_there -h localhost"]].concat();
    told("a_program_that_a_script_lacks", &user, repo.path(), &[&missing]);
    let secret =
        [&find(&["--good", "v0"])[..], &["--", "python3", "-c", "import os; os.environ['SHOP_KEY']"]]
            .concat();
    let mut command = user.command(repo.path(), &secret);
    let text = seen_of(&user, repo.path(), &secret, command.env("SHOP_KEY", "4711-winter"));
    assert_screen("a_secret_that_trials_lack", &text);
}

/// From a folder below, paths are meant from there.
#[test]
fn in_a_folder_below() {
    let (user, repo) = (User::new(), repository());
    let below = repo.path().join("tests");
    let words = [&find(&["--good", "v0"])[..], &["--", "python3", "smoke.py"]].concat();
    let text = seen(&user, &below, &words);
    assert_screen("in_a_folder_below", &text);
    // What it says to type finds it.
    let hint = text.lines().find_map(|line| line.split_once("PYTHONPATH=..")).unwrap().1;
    assert!(hint.trim_start().starts_with("pybisect find "), "{text}");
    let found = user.command(&below, &words).env("PYTHONPATH", "..").output().unwrap();
    let found = String::from_utf8(found.stdout).unwrap();
    assert!(found.contains("broke it\n  Version 2\n"), "{found}");
}

/// A test that no commit has is laid over, which is said.
#[test]
fn a_test_that_is_only_here() {
    let (user, repo) = (User::new(), repository());
    std::fs::write(repo.path().join("tests/test_new.py"), "import app\nassert app.value < 2\n").unwrap();
    let script = ["--", "env", "PYTHONPATH=.", "python3", "tests/test_new.py"];
    let words = [&find(&["--good", "v0", "--no-narrow"])[..], &script].concat();
    told("a_test_that_is_only_here", &user, repo.path(), &[&words]);
}
