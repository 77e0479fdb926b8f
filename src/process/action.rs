//! A command that acts on the world: a deploy, a restart. Unlike a trial it is confined by nothing, goes on when pybisect
//! is gone, and what it leaves running is what was wanted.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};
use serde::{Deserialize, Serialize};

use super::child::{ending_of, timed_out};
use super::orphans::OrphansLeft;
use super::pre_exec::wait_to_be_let_go;
use crate::model::{CancelReason, CancelToken, Termination};

/// From SIGTERM to SIGKILL.
const GRACE: Duration = Duration::from_secs(5);
/// Its end is noticed within this time.
const BETWEEN_LOOKS: Duration = Duration::from_millis(5);

/// A command to run.
#[derive(Debug)]
pub struct ActionSpec<'a> {
    /// The program and its arguments.
    pub words: &'a [OsString],
    /// The folder it runs in.
    pub folder: PathBuf,
    /// Variables beside those that pybisect has.
    pub variables: Vec<(&'static str, OsString)>,
    /// How long it may take.
    pub limit: Duration,
    /// Where the action writes to. A file: to a pipe, what it leaves running could not write any more.
    pub output: File,
}

/// Run a command to its end or its time limit. It has nothing on standard input. How it ended, and how long it ran.
///
/// An interrupt is waited out, since half a deploy is worse than a whole one; one that is forced ends it.
///
/// # Errors
/// When the system has no more processes or files to give.
pub fn act(spec: &ActionSpec<'_>, cancel: &CancelToken) -> io::Result<(Termination, Duration)> {
    act_as(spec, cancel, &mut |_| Ok(()))
}

/// Do an action, where `began` hears which process it is before anything else happens. When it cannot be told, the command is
/// ended.
///
/// # Errors
/// As for [`act`], and when `began` fails.
pub fn act_as(
    spec: &ActionSpec<'_>,
    cancel: &CancelToken,
    began: &mut dyn FnMut(Acting) -> io::Result<()>,
) -> io::Result<(Termination, Duration)> {
    let _left = OrphansLeft::new();
    let started = Instant::now();
    let (program, arguments) = spec.words.split_first().ok_or(io::ErrorKind::InvalidInput)?;
    let mut command = Command::new(program);
    command
        .args(arguments)
        .current_dir(&spec.folder)
        .envs(spec.variables.iter().map(|(name, value)| (OsStr::new(name), value)))
        .stdin(Stdio::null())
        .stdout(spec.output.try_clone()?)
        .stderr(spec.output.try_clone()?)
        // A Ctrl-C at the terminal is for pybisect to hear.
        .process_group(0);
    let mut child = match start(command, began)? {
        Ok(child) => child,
        Err(error) => return Ok((Termination::NotStarted { error: error.to_string() }, started.elapsed())),
    };
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break Ok(status);
        }
        if cancel.reason() == Some(CancelReason::Forced) {
            end(&mut child)?;
            break Err(Termination::Cancelled);
        }
        if started.elapsed() >= spec.limit {
            end(&mut child)?;
            break Err(timed_out(spec.limit));
        }
        std::thread::sleep(BETWEEN_LOOKS);
    };
    Ok((status.map_or_else(|ending| ending, ending_of), started.elapsed()))
}

/// Start a command, which does nothing before `began` has heard which process it is: where this one is killed in between,
/// nothing was started. Why the command itself could not be is the inner result.
fn start(
    mut command: Command,
    began: &mut dyn FnMut(Acting) -> io::Result<()>,
) -> io::Result<io::Result<Child>> {
    let (mut hears, told) = io::pipe()?;
    let (gate, mut lets_go) = io::pipe()?;
    wait_to_be_let_go(&mut command, told.into(), gate.into(), lets_go.as_raw_fd());
    std::thread::scope(|scope| {
        // This comes back once the command has become its program, with which its ends of the pipes are closed.
        let starting = scope.spawn(move || command.spawn());
        let mut number = [0; size_of::<u32>()];
        // Without a number it could not even be started.
        if hears.read_exact(&mut number).is_ok() {
            let heard = began(Acting::of(u32::from_ne_bytes(number)));
            let let_go = heard.and_then(|()| lets_go.write_all(&[1]));
            // Where it was not let go, it ends at this.
            drop(lets_go);
            if let Err(error) = let_go {
                drop(starting.join());
                return Err(error);
            }
        }
        starting.join().map_err(|_| io::Error::other("the command could not be started"))
    })
}

/// A command that was started, perhaps by one that is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acting {
    /// The action's number.
    pub process: u32,
    /// When the system started it, in its own count: another process with this number has another. 0 where that is not told.
    pub since: u64,
}

impl Acting {
    fn of(process: u32) -> Self {
        Self { process, since: since(process).unwrap_or(0) }
    }

    /// Whether the action still runs.
    #[must_use]
    pub fn runs(&self) -> bool {
        self.since != 0 && since(self.process) == Some(self.since)
    }

    /// Wait until it has ended, which it is made to when this time is over; not longer than until the user insists.
    pub fn wait(&self, limit: Duration, cancel: &CancelToken) {
        let group = i32::try_from(self.process).ok().and_then(Pid::from_raw);
        let started = Instant::now();
        let mut told = None;
        while self.runs() && cancel.reason() != Some(CancelReason::Forced) {
            // It leads a group of its own, as all that are started here.
            let signal = match told {
                None if started.elapsed() >= limit => Some(Signal::TERM),
                Some(at) if Instant::now() >= at + GRACE => Some(Signal::KILL),
                _ => None,
            };
            if let (Some(signal), Some(group)) = (signal, group) {
                told.get_or_insert_with(Instant::now);
                // It may be gone already.
                let _ = kill_process_group(group, signal);
            }
            std::thread::sleep(BETWEEN_LOOKS);
        }
    }
}

/// The start time of a process that has not ended; see proc_pid_stat(5).
fn since(process: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?;
    if matches!(state, "Z" | "X") {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

/// End its group, politely at first.
fn end(child: &mut Child) -> io::Result<()> {
    let group = Pid::from_child(child);
    // It may be gone already.
    let _ = kill_process_group(group, Signal::TERM);
    let told = Instant::now();
    while child.try_wait()?.is_none() {
        if told.elapsed() >= GRACE {
            let _ = kill_process_group(group, Signal::KILL);
            child.wait()?;
        }
        std::thread::sleep(BETWEEN_LOOKS);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(script: &str, limit: Duration) -> (Termination, String) {
        let output = tempfile::NamedTempFile::new().unwrap();
        let words = ["sh", "-c", script].map(OsString::from);
        let spec = ActionSpec {
            words: &words,
            folder: "/".into(),
            variables: vec![("PYBISECT_COMMIT", "abc".into())],
            limit,
            output: output.reopen().unwrap(),
        };
        let mut acting = None;
        let mut began = |it: Acting| {
            acting = Some(it);
            Ok(())
        };
        let (ending, _) = act_as(&spec, &CancelToken::new(), &mut began).unwrap();
        assert!(!acting.unwrap().runs());
        (ending, std::fs::read_to_string(output.path()).unwrap())
    }

    #[test]
    fn a_command_ends_by_itself_or_at_its_limit() {
        let long = Duration::from_secs(600);
        let (ending, text) = run("read line; echo $PYBISECT_COMMIT; echo err >&2; exit 3", long);
        assert_eq!((ending, text.as_str()), (Termination::Exited { code: 3 }, "abc\nerr\n"));
        let (ending, _) = run("exec sleep 1000", Duration::from_millis(50));
        assert_eq!(ending, Termination::TimedOut { after_ms: 50 });
    }

    #[test]
    fn a_command_does_nothing_before_it_is_known_which_it_is() {
        let top = tempfile::tempdir().unwrap();
        let mark = top.path().join("mark");
        let touch: [OsString; 2] = ["touch".into(), mark.clone().into()];
        let missing: [OsString; 1] = ["/no/such/program".into()];
        fn spec(words: &[OsString]) -> ActionSpec<'_> {
            ActionSpec {
                words,
                folder: "/".into(),
                variables: Vec::new(),
                limit: Duration::from_secs(600),
                output: tempfile::tempfile().unwrap(),
            }
        }
        let mut began = |_| {
            // For as long as a command takes, and more.
            assert!(Command::new("sh").args(["-c", "sleep 0.1"]).status()?.success());
            assert!(!mark.exists());
            Err(io::Error::other("the disk is full"))
        };
        let error = act_as(&spec(&touch), &CancelToken::new(), &mut began).unwrap_err();
        assert_eq!(error.to_string(), "the disk is full");
        assert!(!mark.exists(), "nobody knows of it");
        let (ending, _) = act(&spec(&touch), &CancelToken::new()).unwrap();
        assert!(ending == Termination::Exited { code: 0 } && mark.exists());
        let (ending, _) = act(&spec(&missing), &CancelToken::new()).unwrap();
        assert!(matches!(ending, Termination::NotStarted { .. }), "{ending:?}");
        let lost = ActionSpec { folder: "/no/such/folder".into(), ..spec(&touch) };
        let (ending, _) = act(&lost, &CancelToken::new()).unwrap();
        assert!(matches!(ending, Termination::NotStarted { .. }), "{ending:?}");
    }

    #[test]
    fn one_that_was_left_is_waited_for_and_ended_at_its_limit() {
        let mut child = Command::new("sh").args(["-c", "sleep 1000; true"]).process_group(0).spawn().unwrap();
        let left = Acting::of(child.id());
        assert!(left.runs());
        // Reaped elsewhere, as by the system.
        let reaped = std::thread::spawn(move || child.wait().unwrap());
        left.wait(Duration::from_millis(50), &CancelToken::new());
        assert!(!left.runs());
        assert!(!reaped.join().unwrap().success());
        assert!(!Acting { process: std::process::id(), since: 1 }.runs(), "another one with its number");
    }

    #[test]
    fn what_a_deploy_starts_lives_on() {
        let (ending, text) = run("sleep 1000 & echo $!", Duration::from_secs(600));
        assert_eq!(ending, Termination::Exited { code: 0 });
        let left = Pid::from_raw(text.trim().parse().unwrap()).unwrap();
        rustix::process::kill_process(left, Signal::KILL).unwrap();
    }
}
