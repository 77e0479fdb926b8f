//! Nothing that a command does, or that becomes of its sandbox, keeps pybisect from ending it.

use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use pybisect::model::{CancelReason, CancelToken, Termination};
use pybisect::process::sandbox::{FilesystemView, Limits, Network, Sandbox, SandboxCapabilities};
use pybisect::process::{ChildSpec, run};

use crate::sandbox::Slot;
use crate::support::sandbox::sandboxes_of_all_kinds;
use crate::support::{TestRepo, User};

/// Far more than anything here takes.
const PATIENCE: Duration = Duration::from_secs(120);

/// The processes whose command line has both words.
fn processes(one: &str, other: &str) -> Vec<Pid> {
    let all = fs::read_dir("/proc").unwrap().flatten();
    let numbers = all.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let is_one = |number: &i32| {
        let line = fs::read(format!("/proc/{number}/cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).into_owned();
        // Just forked, a child still has the line of the search itself.
        line.contains(one) && line.contains(other) && !line.contains("--json")
    };
    numbers.filter(is_one).map(Pid::from_raw).collect()
}

/// Whether they end, which one that was just killed does in a moment.
fn is_gone(one: &str, other: &str) -> bool {
    let began = Instant::now();
    while !processes(one, other).is_empty() {
        if began.elapsed() > PATIENCE {
            return false;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    true
}

#[test]
fn a_first_process_that_is_stopped_keeps_nobody_waiting() {
    for (name, sandbox) in sandboxes_of_all_kinds() {
        if !["namespaces", "bubblewrap"].contains(&name) {
            continue; // There is none.
        }
        for is_cancelled in [false, true] {
            let slot = Slot::new();
            let mark = slot.path("").display().to_string();
            let timeout = Some(if is_cancelled { PATIENCE } else { Duration::from_secs(3) });
            let script = format!("echo > ran; while :; do sleep 1; done # {mark}");
            let spec = ChildSpec { timeout, ..slot.spec(&sandbox, &["sh", "-c", &script]) };
            let cancel = CancelToken::new();
            let outcome = std::thread::scope(|scope| {
                let running = scope.spawn(|| run(&spec, &cancel).unwrap());
                let began = Instant::now();
                while !slot.path("tree/ran").exists() && began.elapsed() < PATIENCE {
                    std::thread::sleep(Duration::from_millis(5));
                }
                // The launcher has the same words, but is no init.
                let inits = processes("__sandbox-init\0", &mark);
                assert!(!inits.is_empty(), "{name}: there is none");
                inits.iter().for_each(|init| kill(*init, Signal::SIGSTOP).unwrap());
                if is_cancelled {
                    cancel.cancel(CancelReason::Interrupted);
                }
                running.join().unwrap()
            });
            let expected =
                if is_cancelled { Termination::Cancelled } else { Termination::TimedOut { after_ms: 3000 } };
            assert_eq!(outcome.ending, expected, "{name}");
            assert!(is_gone("while", &mark), "{name}: it lives");
        }
    }
}

#[test]
fn a_sandbox_that_is_not_made_in_time_is_a_command_that_was_not_done_in_time() {
    use std::os::unix::fs::PermissionsExt as _;

    let slot = Slot::new();
    let launcher = slot.path("launcher");
    fs::write(&launcher, "#!/bin/sh\nexec sleep 600\n").unwrap();
    fs::set_permissions(&launcher, fs::Permissions::from_mode(0o755)).unwrap();
    let parts = SandboxCapabilities {
        filter: true,
        user: true,
        mount: true,
        process: true,
        ..SandboxCapabilities::default()
    };
    let sandbox = Sandbox::new(launcher, parts, Network::Host, Limits::default(), FilesystemView::default());
    let spec = ChildSpec { timeout: Some(Duration::from_millis(200)), ..slot.spec(&sandbox, &["true"]) };
    let outcome = run(&spec, &CancelToken::new()).unwrap();
    assert_eq!(outcome.ending, Termination::TimedOut { after_ms: 200 });
}

#[test]
fn a_command_that_is_deaf_to_signals_ends_with_the_search() {
    let mut repo = TestRepo::new();
    let script = "trap '' TERM INT HUP; : $MARK; while :; do sleep 1; done";
    let first = repo.write("app.py", "a = 1\n").commit("one");
    repo.write("app.py", "a = 2\n").commit("two");
    repo.check_out();
    for by in ["namespaces", "bubblewrap", "landlock", "process-groups"] {
        let user = User::new();
        let marks = tempfile::tempdir().unwrap();
        let mark = marks.path().join("ran");
        let script = script.replace("$MARK", &mark.display().to_string());
        let words = ["find", "--json", "-", "--good", &first.to_string(), "--shell", &script];
        let mut command = user.command(repo.path(), &words);
        command.env("PYBISECT_ISOLATION_BY", by).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let search = Pid::from_raw(i32::try_from(child.id()).unwrap());
        let mark_of_it = marks.path().display().to_string();
        let began = Instant::now();
        while processes("trap", &mark_of_it).is_empty() {
            assert!(began.elapsed() < PATIENCE, "{by}: it did not run");
            std::thread::sleep(Duration::from_millis(20));
        }
        kill(search, Signal::SIGTERM).unwrap();
        let status = child.wait().unwrap();
        assert_eq!(status.code(), Some(130), "{by}");
        assert!(is_gone("trap", &mark_of_it), "{by}: it lives");
    }
}
