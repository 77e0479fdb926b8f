//! Real commands: how they end, what is kept of their output, and that nothing of them is left.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use pybisect::model::{CancelReason, CancelToken, Termination, TrialActivity};
use pybisect::process::{ChildOutcome, ChildSpec, MARKER, end_marked, run};

fn spec(program: &str, arguments: &[&str]) -> ChildSpec {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let path = std::env::var_os("PATH").unwrap();
    ChildSpec {
        program: program.into(),
        arguments: arguments.iter().map(OsString::from).collect(),
        folder: PathBuf::from("/"),
        environment: BTreeMap::from([("PATH".into(), path)]),
        timeout: Some(Duration::from_secs(30)),
        marker: format!("process-runs-{}-{number}", std::process::id()),
        confinement: None,
        activity: TrialActivity::default(),
    }
}

fn shell(script: &str) -> ChildSpec {
    spec("sh", &["-c", script])
}

fn finish(spec: &ChildSpec) -> ChildOutcome {
    run(spec, &CancelToken::new()).unwrap()
}

/// Whether a process is there and not merely waiting to be reaped.
fn is_alive(pid: &str) -> bool {
    std::fs::read_to_string(format!("/proc/{}/stat", pid.trim()))
        .is_ok_and(|stat| !stat.rsplit_once(") ").unwrap().1.starts_with(['Z', 'X']))
}

fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let started = Instant::now();
    while !condition() {
        assert!(started.elapsed() < Duration::from_secs(120), "never happened: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn exit_status_streams_and_environment_come_through() {
    let outcome = finish(&shell("echo out; echo err >&2; env; pwd; read line || echo nothing; exit 7"));
    assert_eq!(outcome.ending, Termination::Exited { code: 7 });
    assert_eq!(outcome.stderr.text, "err\n");
    assert!(outcome.stdout.text.starts_with("out\n"));
    assert!(outcome.stdout.text.ends_with("/\nnothing\n"), "{}", outcome.stdout.text);
    assert!(outcome.stdout.text.contains(MARKER) && !outcome.stdout.text.contains("CARGO"));
    assert_eq!(outcome.leftovers, 0);
}

#[test]
fn a_crash_signal_is_not_an_exit_status() {
    assert_eq!(finish(&shell("kill -SEGV $$")).ending, Termination::Signalled { signal: 11 });
}

#[test]
fn programs_that_cannot_start_are_outcomes() {
    let folder = tempfile::tempdir().unwrap();
    let plain = folder.path().join("plain.sh");
    std::fs::write(&plain, "#!/bin/sh\n").unwrap();
    let nowhere = ChildSpec { folder: "/nonexistent".into(), ..shell("true") };
    for spec in [spec("no-such-program", &[]), spec(plain.to_str().unwrap(), &[]), nowhere] {
        assert!(matches!(finish(&spec).ending, Termination::NotStarted { .. }), "{:?}", spec.program);
    }
}

#[test]
fn a_flood_of_output_is_counted_and_not_kept() {
    let outcome = finish(&shell("echo start; head -c 300000000 /dev/zero | tr '\\0' x; echo; echo end"));
    assert_eq!(outcome.stdout.bytes, 300_000_011);
    assert!(outcome.stdout.text.len() < 4_000_000, "{}", outcome.stdout.text.len());
    assert!(outcome.stdout.text.starts_with("start\n") && outcome.stdout.text.ends_with("\nend\n"));
}

#[test]
fn an_endless_flood_meets_its_deadline() {
    let outcome = finish(&ChildSpec { timeout: Some(Duration::from_millis(300)), ..spec("yes", &[]) });
    assert_eq!(outcome.ending, Termination::TimedOut { after_ms: 300 });
}

#[test]
fn a_timeout_lets_the_command_clean_up_and_ends_those_that_do_not() {
    // Long enough that it is ready by then.
    let timeout = Some(Duration::from_secs(3));
    let polite =
        finish(&ChildSpec { timeout, ..shell("trap 'echo bye; exit 0' TERM; while :; do sleep 0.02; done") });
    assert_eq!(polite.ending, Termination::TimedOut { after_ms: 3000 });
    assert_eq!(polite.stdout.text, "bye\n");
    let deaf = finish(&ChildSpec { timeout, ..shell("trap '' TERM; echo $$; while :; do sleep 1; done") });
    assert_eq!(deaf.ending, Termination::TimedOut { after_ms: 3000 });
    assert!(!is_alive(&deaf.stdout.text));
}

#[test]
fn cancellation_ends_the_command() {
    for reason in [CancelReason::Irrelevant, CancelReason::Interrupted, CancelReason::Forced] {
        let cancel = CancelToken::new();
        let marks = tempfile::tempdir().unwrap();
        let mark = marks.path().join("runs");
        let outcome = std::thread::scope(|scope| {
            let spec =
                shell(&format!("trap '' TERM; echo $$; : > {}; while :; do sleep 1; done", mark.display()));
            let running = scope.spawn({
                let cancel = cancel.clone();
                move || run(&spec, &cancel).unwrap()
            });
            wait_until("the command runs", || mark.exists());
            cancel.cancel(reason);
            running.join().unwrap()
        });
        assert_eq!(outcome.ending, Termination::Cancelled, "{reason:?}");
        assert!(!is_alive(&outcome.stdout.text), "{reason:?}");
    }
    let cancelled = CancelToken::new();
    cancelled.cancel(CancelReason::Irrelevant);
    let outcome = run(&shell("echo ran"), &cancelled).unwrap();
    assert_eq!((outcome.ending, outcome.stdout.bytes), (Termination::Cancelled, 0));
}

#[test]
fn a_grandchild_that_keeps_the_pipe_open_is_ended_and_counted() {
    let outcome = finish(&shell("sleep 1000 & echo $!"));
    assert_eq!(outcome.ending, Termination::Exited { code: 0 });
    assert_eq!(outcome.leftovers, 1);
    assert!(!is_alive(&outcome.stdout.text));
}

#[test]
fn the_rest_of_a_pipeline_may_finish_its_sentence() {
    // On a busy machine it may take longer than anybody waits for it.
    let mut outcomes = (0..50).map(|_| finish(&shell("(sleep 0.01; echo late) & echo early")));
    assert!(outcomes.any(|outcome| outcome.stdout.text == "early\nlate\n" && outcome.leftovers == 0));
}

/// A daemon by the book: forks twice, leads a session of its own, closes its streams. This one also has a child.
const DAEMON: &str = r"
import os, time
report = os.dup(1)
reader, writer = os.pipe()
if os.fork():
    os.read(reader, 1)  # when the daemon has written its number
    os._exit(0)
os.setsid()
if os.fork():
    os._exit(0)
null = os.open('/dev/null', os.O_RDWR)
for stream in 0, 1, 2:
    os.dup2(null, stream)
if os.fork():
    os.write(report, f'{os.getpid()}\n'.encode())
    os.write(writer, b'.')
os.close(report)
time.sleep(1000)
";

#[test]
fn daemons_that_left_the_group_are_ended() {
    let outcome = finish(&spec("python3", &["-c", DAEMON]));
    assert_eq!(outcome.leftovers, 2);
    assert!(!is_alive(&outcome.stdout.text));
    assert!(!outcome.stdout.text.is_empty());
}

#[test]
fn commands_side_by_side_end_only_what_is_theirs() {
    std::thread::scope(|scope| {
        let long = scope.spawn(|| finish(&shell("setsid sh -c 'echo $$; sleep 0.5; echo survived'; true")));
        let short: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| finish(&shell("setsid sleep 1000 >/dev/null 2>&1 & sleep 0.05; echo $!")))
            })
            .collect();
        for run in short {
            let outcome = run.join().unwrap();
            assert_eq!(outcome.leftovers, 1);
            assert!(!is_alive(&outcome.stdout.text));
        }
        assert!(long.join().unwrap().stdout.text.ends_with("survived\n"));
    });
}

/// Plays two parts: started by itself with a folder in the environment, it runs a command and is killed.
#[test]
fn a_command_does_not_outlive_a_killed_pybisect_and_its_children_are_found_later() {
    const FOLDER: &str = "PYBISECT_TEST_FOLDER";
    let this_test =
        "process_runs::a_command_does_not_outlive_a_killed_pybisect_and_its_children_are_found_later";
    if let Some(folder) = std::env::var_os(FOLDER) {
        let script = "sleep 1000 & echo $! > child; echo $$ > leader.new; mv leader.new leader; wait";
        let marker = Path::new(&folder).display().to_string();
        let spec = ChildSpec { folder: folder.into(), marker, timeout: None, ..shell(script) };
        finish(&spec);
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut other = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", this_test])
        .env(FOLDER, folder.path())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let leader = folder.path().join("leader");
    wait_until("the command runs", || leader.exists());
    other.kill().unwrap();
    other.wait().unwrap();
    let leader = std::fs::read_to_string(leader).unwrap();
    wait_until("the kernel ends the command", || !is_alive(&leader));
    let child = std::fs::read_to_string(folder.path().join("child")).unwrap();
    assert!(is_alive(&child));
    assert_eq!(end_marked(&folder.path().display().to_string()), 1);
    wait_until("the child ends", || !is_alive(&child));
}
