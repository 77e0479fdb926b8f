//! What is known of the program itself: its cache, its pages, what the machine has for it.

use std::os::unix::fs::symlink;
use std::process::Command;

use serde_json::Value;

use super::support::repo_builder::hermetic_environment;
use super::support::{TestRepo, User};

fn searched() -> (User, TestRepo, String) {
    let (user, (repo, ids)) = (User::new(), TestRepo::with_versions(&["a = 1\n", "a = 2\n", "a = 3\n"]));
    repo.check_out();
    let good = ids[0].to_string();
    let (code, _) =
        user.find(repo.path(), &["--good", &good, "--", "python3", "-c", "import app; assert app.a < 2"]);
    assert_eq!(code, Some(0));
    (user, repo, good)
}

#[test]
fn the_cache_is_shown_pruned_and_cleaned() {
    let (user, repo, _) = searched();
    let run = |arguments: &[&str]| {
        let ran = user.run(repo.path(), arguments);
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        ran.stdout
    };
    assert_eq!(run(&["cache", "dir"]).trim(), user.cache().to_str().unwrap());
    let size = |name: &str| {
        let object: Value = serde_json::from_str(&run(&["cache", "size", "--json"])).unwrap();
        let parts = object["parts"].as_array().unwrap();
        parts.iter().find(|part| part["name"] == name).unwrap()["bytes"].as_u64().unwrap()
    };
    assert!(size("sessions-1.sqlite") > 0);
    // What a dead run left.
    std::fs::create_dir_all(user.cache().join("runs/run-dead/slots")).unwrap();
    assert!(run(&["cache", "prune"]).contains("1 dead run"));
    assert!(!user.cache().join("runs/run-dead").exists());
    assert!(run(&["sessions"]).contains("broke it"), "what is young stays");
    run(&["cache", "clean"]);
    assert_eq!(run(&["sessions"]), "");
    assert!(run(&["cache", "size"]).contains(user.cache().to_str().unwrap()));
}

#[test]
fn cleaning_beside_a_search_takes_nothing_from_it() {
    let (user, repo, good) = searched();
    let flag = user.home().join("flag");
    // Each trial says that it runs, and waits for the word to go on.
    let script = format!(
        "import app, os, time; open('{0}', 'a').write('x')\nwhile not os.path.exists('{0}.go'): time.sleep(.02)\n\
         assert app.a < 2",
        flag.display()
    );
    let arguments = [
        "find",
        "--json",
        "-",
        "--good",
        &good,
        "--isolation",
        "off",
        "--",
        "python3",
        "-c",
        script.as_str(),
    ];
    let child = user.command(repo.path(), &arguments).stdout(std::process::Stdio::piped()).spawn().unwrap();
    while !flag.exists() {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let cleaned = user.run(repo.path(), &["cache", "clean"]);
    assert!(cleaned.stdout.contains("a search runs: what may be in use stays"), "{}", cleaned.stdout);
    std::fs::write(format!("{}.go", flag.display()), "").unwrap();
    let output = child.wait_with_output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["status"], "found", "{report:#}");
    let sessions = user.run(repo.path(), &["sessions"]).stdout;
    assert_eq!(sessions.lines().count(), 2, "the finished one is gone, the other is there: {sessions}");
}

#[test]
fn the_doctor_tells_of_each_thing_with_its_remedy() {
    let (user, repo) = (User::new(), TestRepo::with_versions(&["a = 1\n"]).0);
    let ran = user.run(repo.path(), &["self", "doctor", "--json"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let object: Value = serde_json::from_str(&ran.stdout).unwrap();
    let lines = object["lines"].as_array().unwrap();
    for name in ["git", "repository", "python", "uv", "ty", "isolation", "cache", "limits"] {
        assert!(lines.iter().any(|line| line["name"] == name), "{name}: {object:#}");
    }
    assert!(lines.iter().all(|line| line["state"] == "ok" || line["remedy"].is_string()), "{object:#}");
    // Nothing of it on PATH.
    let bare = tempfile::tempdir().unwrap();
    let mut command = user.command(bare.path(), &["self", "doctor"]);
    let output = command.env("PATH", bare.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(5));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("missing git") && text.contains("apt-get install git"), "{text}");
}

#[test]
fn there_is_a_manual_page_for_each_command() {
    let user = User::new();
    let folder = user.home().join("man1");
    let ran = user.run(user.home(), &["self", "man", folder.to_str().unwrap()]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let help = user.run(user.home(), &["--help"]).stdout;
    let list = help.split("Commands:").nth(1).unwrap().split("Options:").next().unwrap();
    let names = list.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let names: Vec<&str> = names.filter_map(|line| line.split_whitespace().next()).collect();
    assert!(names.len() > 12, "{help}");
    for name in names.iter().filter(|name| **name != "help") {
        let page = std::fs::read_to_string(folder.join(format!("pybisect-{name}.1"))).unwrap();
        assert!(page.contains(".SH SYNOPSIS"), "{name}");
    }
}

#[test]
fn the_version_is_told_at_length_when_asked() {
    let user = User::new();
    let run = |arguments: &[&str]| user.run(user.home(), arguments).stdout;
    let short = format!("pybisect {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(run(&["--version"]), short);
    for words in [&["--version", "--verbose"][..], &["-v", "-V"], &["-vV"]] {
        let long = run(words);
        assert!(long.starts_with(&short) && long.contains("sqlite: "), "{long}");
    }
}

#[test]
fn git_finds_it_as_a_command_of_its_own() {
    let user = User::new();
    let folder = user.home().join("bin");
    std::fs::create_dir(&folder).unwrap();
    symlink(assert_cmd::cargo::cargo_bin!("pybisect"), folder.join("git-pybisect")).unwrap();
    let mut git = Command::new("git");
    git.env_clear().envs(hermetic_environment());
    git.env("PATH", format!("{}:{}", folder.display(), std::env::var("PATH").unwrap()));
    let output = git.args(["pybisect", "find", "-h"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("Usage: git pybisect find "), "{text}");
}
