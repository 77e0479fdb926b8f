//! `fix` that is stopped by a signal: nothing is lost, run twice or left, and the repository stays as it is.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::support::repo_builder::snapshot;
use crate::support::{TestRepo, User};

/// A history whose third commit broke it among other edits, so that three candidates differ; and a folder outside, with
/// the gates that commands wait at and the logs of those that passed them. They run without isolation.
struct Scene {
    repo: TestRepo,
    outside: tempfile::TempDir,
    user: User,
}

impl Scene {
    fn new() -> Self {
        let mut repo = TestRepo::new();
        let good = repo.write("state", "one\ntwo\nthree\nfour\nfive\n").write("n.txt", "0\n").commit("good");
        repo.write("n.txt", "1\n").commit("on");
        repo.write("state", "one\nbroken\nthree\nfour\nsix\n").write("docs.txt", "new\n").commit("break");
        repo.write("n.txt", "2\n").commit("end");
        repo.check_out();
        repo.git(&["config", "user.name", "Eve"]);
        repo.git(&["config", "user.email", "eve@example.org"]);
        let scene = Self { repo, outside: tempfile::tempdir().unwrap(), user: User::new() };
        scene.open("search");
        scene.open("wider");
        let script = scene.script("search", "! grep -q broken state");
        let (code, report) = scene.user.find(
            scene.repo.path(),
            &["--isolation", "off", "--jobs", "1", "--good", &good.to_string(), "--shell", &script],
        );
        assert_eq!(code, Some(0), "{report:#}");
        scene
    }

    fn script(&self, log: &str, command: &str) -> String {
        let folder = self.outside.path().display();
        let gate = format!("[ -e {folder}/{log}-open ] || rmdir {folder}/{log}-token 2>/dev/null");
        format!("until {gate}; do sleep 0.02; done; cat * | cksum >> {folder}/{log}; {command}")
    }

    /// Let all commands that write this log pass.
    fn open(&self, log: &str) {
        std::fs::write(self.outside.path().join(format!("{log}-open")), "").unwrap();
    }

    /// Let one of them pass, and no other.
    fn open_for_one(&self, log: &str) {
        std::fs::remove_file(self.outside.path().join(format!("{log}-open"))).unwrap();
        std::fs::create_dir(self.outside.path().join(format!("{log}-token"))).unwrap();
    }

    /// The trees on which a command came to its end.
    fn ended(&self, log: &str) -> Vec<String> {
        let text = std::fs::read_to_string(self.outside.path().join(log)).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// Run `fix`, send a signal once `said` is in a line of what it says while the next trial waits, and return all of
    /// what it said.
    fn interrupted(&self, more: &[&str], said: &str, signal: Signal) -> String {
        let before = snapshot(self.repo.path());
        let mut command: Command = self.user.command(self.repo.path(), &[&["fix"], more].concat());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap());
        let mut text = String::new();
        while !text.lines().any(|line| line.contains(said)) {
            assert!(lines.read_line(&mut text).unwrap() > 0, "it ended before it said '{said}': {text}");
        }
        kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), signal).unwrap();
        lines.read_to_string(&mut text).unwrap();
        let mut shown = String::new();
        child.stdout.take().unwrap().read_to_string(&mut shown).unwrap();
        assert_eq!((child.wait().unwrap().code(), shown.as_str()), (Some(130), ""), "{text}");
        assert!(snapshot(self.repo.path()) == before, "the repository changed");
        let runs = std::fs::read_dir(self.user.cache().join("runs")).unwrap();
        let left: Vec<_> = runs.map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect();
        assert!(left.is_empty(), "{left:?}");
        text
    }

    fn fix(&self, more: &[&str]) -> Value {
        let ran = self.user.run(self.repo.path(), &[&["fix", "--json", "-"], more].concat());
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        serde_json::from_str(&ran.stdout).unwrap()
    }
}

#[test]
fn what_was_tested_before_ctrl_c_is_not_tested_again() {
    let scene = Scene::new();
    let searched = scene.ended("search").len();
    scene.open_for_one("search");
    let said =
        scene.interrupted(&["--branch", "mended", "--commit"], "undo the breaking edit", Signal::SIGINT);
    scene.open("search");
    let how = said.lines().last().unwrap_or_default();
    assert!(said.contains("To go on:"), "{said}");
    assert!(how.ends_with("fix --branch mended --commit"), "{said}");
    assert_eq!(scene.ended("search").len() - searched, 1, "{said}");
    let report = scene.fix(&[]);
    assert_eq!(report["fixes"].as_array().unwrap().len(), 3, "{report:#}");
    assert_eq!(report["trials"], 2, "{report:#}");
    let mut trees = scene.ended("search").split_off(searched);
    trees.sort();
    trees.dedup();
    assert_eq!(trees.len(), 3, "each tree ran once");
    assert_eq!(scene.ended("search").len(), searched + 3, "each tree ran once");
    assert_eq!(scene.fix(&[])["trials"], 0);
}

#[test]
fn the_wider_command_goes_on_after_a_sigterm() {
    let scene = Scene::new();
    scene.open_for_one("wider");
    let wider = scene.script("wider", "true");
    let said = scene.interrupted(&["--verify", &wider], ": --verify", Signal::SIGTERM);
    scene.open("wider");
    assert!(said.contains("To go on:"), "{said}");
    assert_eq!(scene.ended("wider").len(), 1, "{said}");
    let report = scene.fix(&["--verify", &wider]);
    // Three candidates and the last good version.
    assert_eq!(report["trials"], 3, "{report:#}");
    assert_eq!(scene.ended("wider").len(), 4);
    assert!(report["fixes"].as_array().unwrap().iter().all(|fix| fix["verified"] == "passes"), "{report:#}");
}
