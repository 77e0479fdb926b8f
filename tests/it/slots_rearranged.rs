//! Trials that rearrange their slot at random: nothing outside changes, nothing is left, and none has a say in how
//! another one ends.
//!
//! `PYBISECT_REARRANGED_TRIALS` is the number of trials in each way of isolation, `PYBISECT_REARRANGED_IN` the one way that is
//! tried.

use std::fs;
use std::path::{Path, PathBuf};

use pybisect::executor::local::RunFolder;
use pybisect::model::{CommitId, Termination, TrialSpec};
use pybisect::process::sandbox::Sandbox;

use crate::support::repo_builder::snapshot;
use crate::support::sandbox::sandboxes_of_all_kinds;
use crate::support::trials::recipe;
use crate::support::{Bench, TestRepo};

const SEED: u64 = 20_261_128;
const PROGRAM: &str = include_str!("support/rearrange.py");

/// Folders that look like what a slot has, in which nothing may change.
fn canary() -> tempfile::TempDir {
    let canary = tempfile::tempdir().unwrap();
    for folder in ["pkg/deep", ".git/objects/info", "tree", "home", "tmp", "0/tree"] {
        fs::create_dir_all(canary.path().join(folder)).unwrap();
    }
    for file in
        ["app.py", "data", "pkg/mod.py", ".git/index", ".git/HEAD", "tree/mine", "pkg/mod.cpython-311.pyc"]
    {
        fs::write(canary.path().join(file), "mine\n").unwrap();
    }
    canary
}

/// Versions that end with 0 and 1 in turn, whose sources are of the same size.
fn versions() -> (TestRepo, Vec<CommitId>) {
    let mut repo = TestRepo::new();
    repo.write("rearrange.py", PROGRAM).write("pkg/__init__.py", "").write("pkg/deep/__init__.py", "");
    let commits = (0..4).map(|n| {
        let value = format!("value = {}\n", n % 2);
        repo.write("app.py", &value)
            .write("pkg/mod.py", &value)
            .write("data", format!("data of {}\n", n % 2));
        repo.write(&format!("pkg/deep/x.d.pyc/m{n}.py"), "x = 1\n").commit("edit")
    });
    let commits = commits.collect();
    (repo, commits)
}

/// As many trials as asked for, in a sandbox or none.
fn rearrange(name: &str, sandbox: Option<Sandbox>, may_mount: bool) {
    let is_hidden = sandbox.as_ref().is_some_and(Sandbox::hides_all);
    let count: u64 =
        std::env::var("PYBISECT_REARRANGED_TRIALS").ok().map_or(60, |count| count.parse().unwrap());
    let (canary, (repo, commits)) = (canary(), versions());
    let before = (snapshot(canary.path()), snapshot(repo.path()));
    let bench = Bench::with_sandbox(repo.path(), 1, sandbox);
    let (run, bytecode) = (bench.run.path().to_owned(), bench.run.bytecode().to_owned());
    for number in 0..count {
        let at = usize::try_from(number.wrapping_mul(7) >> 1).unwrap() % commits.len();
        let expected = Termination::Exited { code: i32::from(at % 2 == 1) };
        let script = |seed: &str, further: &str| {
            let mount = if may_mount { "yes" } else { "no" };
            let canary = canary.path().display();
            format!("exec timeout -s KILL 60 python3 rearrange.py {seed} {canary} {mount} {further}")
        };
        let seed = (SEED + number).to_string();
        if number % 5 == 4 {
            // What a set-up does may well end the trial, but reaches no further.
            let setup = Some(format!("{} || true", script(&seed, "set-up").trim_start_matches("exec ")));
            // Where it can, the command itself goes where a link of the set-up's leads: Python with its bytecode.
            let command = if is_hidden { script("check", "") } else { "true".to_owned() };
            let trial = TrialSpec { setup, ..recipe(&command) };
            bench.trial(commits[at], &trial);
        } else {
            let output = bench.shell(commits[at], &script(&seed, ""));
            let said = (&output.stdout.text, &output.stderr.text);
            assert_eq!(output.ending, expected, "{name}, trial {number}: {said:?}");
        }
        if number % 20 == 19 || number + 1 == count {
            let now = snapshot(canary.path());
            let changed: Vec<_> =
                now.iter().filter(|(path, line)| before.0.get(*path) != Some(*line)).collect();
            assert!(now == before.0, "{name}: outside is changed by trial {number}: {changed:?}");
        }
    }
    let output = bench.shell(commits[0], "exec python3 rearrange.py check / no");
    assert_eq!(output.ending, Termination::Exited { code: 0 }, "{name}: {:?}", output.stdout.text);
    drop(bench);
    assert!(snapshot(repo.path()) == before.1, "{name}: the repository changed");
    assert_nothing_is_left(name, &[run, bytecode]);
}

fn assert_nothing_is_left(name: &str, folders: &[PathBuf]) {
    for folder in folders {
        assert!(!folder.exists(), "{name}: {} is left", folder.display());
    }
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
    let inside = |folder: &PathBuf| mounts.contains(folder.to_str().unwrap());
    assert!(!folders.iter().any(inside), "{name}: something is still mounted");
}

#[test]
fn trials_that_rearrange_their_slot_reach_no_further() {
    let only = std::env::var("PYBISECT_REARRANGED_IN").ok();
    let mut tried = 0;
    for (name, sandbox) in sandboxes_of_all_kinds() {
        if only.as_ref().is_none_or(|only| only == name) {
            rearrange(name, Some(sandbox), false);
            tried += 1;
        }
    }
    assert!(tried > 0, "{only:?} is not to be had");
}

/// Without isolation a trial may do all that the user may. What pybisect does afterwards stays in the slot also then.
#[test]
fn without_isolation_the_putting_back_reaches_no_further_either() {
    rearrange("none", None, rustix::process::geteuid().is_root());
}

/// What the trials above try would be of no avail if the check that ends them saw nothing.
#[test]
fn what_is_left_by_hand_is_noticed_by_the_next_trial() {
    let (repo, commits) = versions();
    let bench = Bench::new(repo.path(), 1);
    let script = "echo left > other; exec python3 rearrange.py check / no";
    let output = bench.shell(commits[0], script);
    assert_eq!(output.ending, Termination::Exited { code: 90 }, "{:?}", output.stdout.text);
}

/// What a folder has beside its entries stays when all in it goes. Each is found by the same trial in the same way where
/// nothing comes between.
#[test]
fn what_a_folder_has_beside_its_entries_is_put_back() {
    const ALTER: &str = r#"
import os, struct, sys
kind, look, places = sys.argv[1], sys.argv[2], [".", "pkg", ".git", os.environ["HOME"], os.environ["TMPDIR"]]
acl = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", tag, 7, 0xffffffff) for tag in (1, 4, 32))
state = lambda at: (oct(os.stat(at).st_mode), os.stat(at).st_uid, os.stat(at).st_gid, os.listxattr(at))
for at in places if look != "only" else []:
    if kind == "mode":
        os.chmod(at, 0o2707)
    elif kind == "owner":
        os.chown(at, 1, 1)
    elif kind == "list":
        os.setxattr(at, "system.posix_acl_default", acl)
    else:
        os.setxattr(at, "user.note", b"left")
print([state(at) for at in places if look != "not"])
"#;
    let mut repo = TestRepo::new();
    let commit = repo.write("alter.py", ALTER).write("pkg/__init__.py", "").commit("one");
    let mut kinds = vec!["mode", "list", "note"];
    if rustix::process::geteuid().is_root() {
        kinds.push("owner");
    }
    for (name, sandbox) in sandboxes_of_all_kinds() {
        let bench = Bench::with_sandbox(repo.path(), 1, Some(sandbox));
        let said = |words: &str| {
            let output = bench.shell(commit, &format!("python3 alter.py {words}"));
            assert_eq!(output.ending, Termination::Exited { code: 0 }, "{name}: {words}: {output:?}");
            output.stdout.text
        };
        let at_first = said("mode only");
        for kind in &kinds {
            let altered = said(&format!("{kind} too"));
            assert_ne!(altered, at_first, "{name}: {kind} can be altered");
            said(&format!("{kind} not"));
            assert_eq!(said(&format!("{kind} only")), at_first, "{name}: {kind} is left");
        }
    }
}

/// A dead run, deep and with a link in the place of its lock: the next one goes on at once, and sweeps it meanwhile.
#[test]
fn a_dead_run_with_a_link_for_a_lock_is_swept_and_the_link_not_followed() {
    let (cache, canary) = (tempfile::tempdir().unwrap(), canary());
    let before = snapshot(canary.path());
    let runs = cache.path().join("runs");
    let dead = runs.join("run-dead");
    fs::create_dir_all(dead.join("slots/0/tree")).unwrap();
    let link = |to: &Path, at: PathBuf| std::os::unix::fs::symlink(to, at).unwrap();
    link(&canary.path().join("new"), dead.join("lock"));
    link(canary.path(), runs.join("run-link"));
    link(canary.path(), dead.join("slots/1"));
    let sweep = pybisect::executor::local::sweep(cache.path()).unwrap();
    assert_eq!(sweep.count(), 1, "a link is no run");
    drop(sweep);
    assert!(!dead.exists());
    drop(RunFolder::create(cache.path()).unwrap());
    assert!(snapshot(canary.path()) == before);
}
