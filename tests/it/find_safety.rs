//! The user's repository stays as it is, nothing is lost, nothing is left.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::support::repo_builder::{git_in, snapshot};
use crate::support::run::Ran;
use crate::support::{TestRepo, User, culprit};

/// A history, a log of the trials that ran, and a command that takes a moment and writes to the log, which lies outside: it
/// runs without isolation.
struct Scene {
    repo: TestRepo,
    ids: Vec<String>,
    log: tempfile::TempDir,
}

impl Scene {
    fn new(seconds: &str) -> (Self, String) {
        let mut repo = TestRepo::new();
        let ids = (0..40).map(|n| repo.write("n.txt", format!("{n}\n")).commit("c").to_string()).collect();
        repo.check_out();
        let log = tempfile::tempdir().unwrap();
        let path = log.path().join("trials");
        let script = format!("read n < n.txt; sleep {seconds}; echo $n >> {}; [ $n -lt 27 ]", path.display());
        (Self { repo, ids, log }, script)
    }

    /// Numbers of the commits whose trials came to an end, sorted.
    fn ran(&self) -> Vec<usize> {
        let text = std::fs::read_to_string(self.log.path().join("trials")).unwrap_or_default();
        let mut numbers: Vec<usize> = text.lines().map(|line| line.parse().unwrap()).collect();
        numbers.sort_unstable();
        numbers
    }

    fn start(&self, user: &User, script: &str) -> Child {
        let arguments = [
            "find",
            "--quiet",
            "--isolation",
            "off",
            "--jobs",
            "2",
            "--good",
            &self.ids[0],
            "--shell",
            script,
        ];
        user.command(self.repo.path(), &arguments).spawn().unwrap()
    }

    /// Wait until so many trials have ended.
    fn wait_for(&self, trials: usize) {
        let limit = Instant::now() + Duration::from_secs(60);
        while self.ran().len() < trials {
            assert!(Instant::now() < limit, "only {:?} ran", self.ran());
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

fn signal(child: &Child, signal: Signal) {
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), signal).unwrap();
}

fn runs(user: &User) -> usize {
    let folder = user.cache().join("runs");
    std::fs::read_dir(folder)
        .map_or(0, |entries| entries.filter(|entry| entry.as_ref().unwrap().path().is_dir()).count())
}

#[test]
fn the_repository_is_identical_after_runs_that_end_well_and_that_fail() {
    let (scene, script) = Scene::new("0");
    let before = snapshot(scene.repo.path());
    let user = User::new();
    let (code, report) = user.find(scene.repo.path(), &["--good", &scene.ids[0], "--shell", &script]);
    assert_eq!((code, culprit(&report)), (Some(0), scene.ids[27].as_str()));
    assert!(snapshot(scene.repo.path()) == before, "the repository changed");
    let hostile =
        "git tag -f main-was-here; git commit -q --allow-empty -m x; git gc -q; rm -rf .git; exit 1";
    let (code, _) = user.find(scene.repo.path(), &["--good", &scene.ids[0], "--shell", hostile]);
    assert_eq!(code, Some(4));
    // Git itself renews the time of an object that it is asked to write again; the bytes stay.
    let bytes = |all: BTreeMap<PathBuf, String>| -> BTreeMap<PathBuf, String> {
        let of = |line: String| line.rsplit(' ').next().unwrap_or_default().to_owned();
        all.into_iter().map(|(path, line)| (path, of(line))).collect()
    };
    assert!(bytes(snapshot(scene.repo.path())) == bytes(before), "something changed");
    assert_eq!(runs(&user), 0, "a run's folder is left");
}

#[test]
fn an_interrupt_keeps_what_ran_and_says_how_to_go_on() {
    let (scene, script) = Scene::new("0.3");
    let before = snapshot(scene.repo.path());
    let user = User::new();
    let arguments =
        ["find", "--isolation", "off", "--jobs", "2", "--good", &scene.ids[0], "--shell", &script];
    let child = user
        .command(scene.repo.path(), &arguments)
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    scene.wait_for(4);
    signal(&child, Signal::SIGINT);
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(130), "{stderr}");
    assert!(stderr.contains("To go on:"), "{stderr}");
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(!stdout.contains("cancelled"), "a trial that the interrupt ended tells nothing: {stdout}");
    assert!(snapshot(scene.repo.path()) == before, "the repository changed");
    assert_eq!(runs(&user), 0);
    goes_on(&scene, &user, &script);
}

#[test]
fn after_a_kill_nothing_is_lost_run_twice_or_left() {
    let (scene, script) = Scene::new("0.3");
    let before = snapshot(scene.repo.path());
    let user = User::new();
    let mut child = scene.start(&user, &script);
    scene.wait_for(4);
    signal(&child, Signal::SIGKILL);
    child.wait().unwrap();
    assert!(snapshot(scene.repo.path()) == before, "the repository changed");
    goes_on(&scene, &user, &script);
    assert!(snapshot(scene.repo.path()) == before, "the repository changed");
    assert_eq!(runs(&user), 0, "the dead run's folder is left");
    let left = Command::new("pgrep").args(["-f", scene.log.path().to_str().unwrap()]).output().unwrap();
    assert!(left.stdout.is_empty(), "processes are left: {}", String::from_utf8_lossy(&left.stdout));
}

/// The same command ends with the answer, and runs only what is missing.
fn goes_on(scene: &Scene, user: &User, script: &str) {
    let known = scene.ran();
    let (code, report) = user.find(scene.repo.path(), &["--continue"]);
    assert_eq!((code, culprit(&report)), (Some(0), scene.ids[27].as_str()), "{report:#}");
    let count = |key: &str| usize::try_from(report["trials"][key].as_u64().unwrap()).unwrap();
    // The outcome is stored just after the command ends: that of each worker's last one may be missing.
    assert!(
        count("reused") >= known.len().saturating_sub(2),
        "{:#}; ran before: {known:?}",
        report["trials"]
    );
    // What was typed at first is what is told of it, not that it was gone on with.
    let told = user.run(scene.repo.path(), &["report", "--format", "markdown"]).stdout;
    assert!(told.contains("--isolation off --jobs 2 --shell"), "{told}");
    // Nothing is left to go on with; and all of it again runs nothing.
    assert_eq!(user.run(scene.repo.path(), &["find", "--continue"]).code, Some(2));
    let ended = scene.ran();
    let (code, again) = user.find(
        scene.repo.path(),
        &["--isolation", "off", "--jobs", "2", "--good", &scene.ids[0], "--shell", script],
    );
    assert_eq!((code, culprit(&again)), (Some(0), culprit(&report)));
    assert_eq!(again["trials"]["run"], Value::from(0), "{:#}", again["trials"]);
    assert_eq!(scene.ran(), ended);
}

#[test]
fn a_session_is_listed_and_its_log_can_be_replayed_by_git() {
    let (scene, script) = Scene::new("0");
    let user = User::new();
    let (code, report) = user.find(scene.repo.path(), &["--good", &scene.ids[0], "--shell", &script]);
    assert_eq!(code, Some(0));
    let session = report["session"].as_str().unwrap();
    let list = user.run(scene.repo.path(), &["sessions"]);
    assert!(list.stdout.contains(session) && list.stdout.contains(" broke it: "), "{}", list.stdout);
    let log = user.run(scene.repo.path(), &["log", &session[..5]]);
    assert_eq!(log.code, Some(0), "{}", log.stderr);
    let told = replay(scene.repo.path(), &log.stdout);
    // Newer versions of git put the word in quotes.
    let told = told.replace("'bad'", "bad");
    assert!(told.contains(&format!("{} is the first bad commit", scene.ids[27])), "{told}");
}

/// What `git bisect replay` says of the log, in a clone.
fn replay(repo: &Path, log: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    git_in(folder.path(), &["clone", "-q", repo.to_str().unwrap(), "clone"]);
    std::fs::write(folder.path().join("log"), log).unwrap();
    git_in(&folder.path().join("clone"), &["bisect", "replay", folder.path().join("log").to_str().unwrap()])
}

const NO_NAMESPACES: &str = "not tested: this system does not allow namespaces";

/// A command in namespaces of its own; `None` where the system does not allow them, or not what `probe` does there.
fn unshared(inner: &Command, kinds: &[&str], probe: &[&str]) -> Option<Command> {
    let unshare = || {
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user"]).args(kinds);
        command
    };
    if !unshare().args(probe).status().is_ok_and(|status| status.success()) {
        return None;
    }
    let mut command = unshare();
    command.arg(inner.get_program()).args(inner.get_args()).env_clear();
    command.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.current_dir(inner.get_current_dir()?);
    Some(command)
}

/// As in a container whose processes were started from outside of it: their session has no number in there.
#[test]
#[cfg(target_os = "linux")]
fn in_a_process_namespace_of_its_own() {
    let (scene, _) = Scene::new("0.01");
    let user = User::new();
    let script = "read n < n.txt; [ $n -lt 27 ]";
    let arguments = ["find", "--json", "-", "--good", &scene.ids[0], "--shell", script];
    let inner = user.command(scene.repo.path(), &arguments);
    let Some(mut command) = unshared(&inner, &["--pid", "--fork", "--mount-proc"], &["true"]) else {
        println!("{NO_NAMESPACES}");
        return;
    };
    let ran = Ran::from(command.output().unwrap());
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let report: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(culprit(&report), scene.ids[27]);
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_said_and_with_more_room_the_search_goes_on() {
    let mut repo = TestRepo::new();
    let small: Vec<String> =
        (0..4).map(|n| repo.write("n.txt", format!("{n}")).commit("c").to_string()).collect();
    // Random, so that no file system makes it smaller.
    let large: Vec<u8> =
        (0u64..8 << 17).flat_map(|n| blake3::hash(&n.to_le_bytes()).as_bytes()[..8].to_vec()).collect();
    repo.write("large.bin", large).write("n.txt", "4").commit("needs room");
    let before = snapshot(repo.path());
    let user = User::new();
    std::fs::create_dir_all(user.cache()).unwrap();
    let cache = user.cache();
    let cache = cache.to_str().unwrap();
    let find = ["find", "--json", "-", "--good", &small[0], "--shell", "[ $(cat n.txt) -lt 2 ]"];
    let inner = user.command(repo.path(), &find);
    let mut mounted = Command::new("sh");
    let script = "mount -t tmpfs -o size=4m tmpfs \"$PYBISECT_CACHE_DIR\" && exec \"$@\"";
    mounted.args(["-c", script, "sh"]).arg(inner.get_program()).args(inner.get_args());
    mounted.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?)))).current_dir(repo.path());
    let Some(mut command) = unshared(&mounted, &["--mount"], &["mount", "-t", "tmpfs", "tmpfs", cache])
    else {
        println!("{NO_NAMESPACES}");
        return;
    };
    let ran = Ran::from(command.output().unwrap());
    // Whichever comes first: a file of the tree or the record of an outcome.
    assert!(matches!(ran.code, Some(1 | 5)), "{:?} {}", ran.code, ran.stderr);
    let said = ran.stdout + &ran.stderr;
    assert!(said.contains("No space left") || said.contains("disk is full"), "{said}");
    assert!(said.contains("PYBISECT_CACHE_DIR"), "{said}");
    let (code, report) = user.find(repo.path(), &find[3..]);
    assert_eq!((code, culprit(&report)), (Some(0), small[2].as_str()), "{report:#}");
    assert!(snapshot(repo.path()) == before, "the repository changed");
}
