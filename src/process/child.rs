//! Start a command, watch it, end it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::net::TcpListener;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

use super::capture::Capture;
use super::orphans::{MARKER, Running, adopt_orphans, end_leftovers, running};
use super::pre_exec::detach;
use super::sandbox::{Confined, Confinement, LaunchResult};
use crate::model::{CancelReason, CancelToken, Captured, Termination, TrialActivity};

/// From SIGTERM to SIGKILL after a timeout.
const GRACE_AFTER_TIMEOUT: Duration = Duration::from_secs(2);
/// From SIGTERM to SIGKILL after a cancellation.
const GRACE_AFTER_CANCEL: Duration = Duration::from_millis(500);
/// How long other processes may go on writing to the command's streams after it exited: enough for
/// the rest of a pipeline, not for a daemon.
const LAST_WORDS: Duration = Duration::from_millis(100);
/// A cancellation is noticed within this time.
const BETWEEN_CHECKS: Duration = Duration::from_millis(10);
/// The same where the system cannot tell us of an exit.
const BETWEEN_CHECKS_BLIND: Duration = Duration::from_millis(2);

/// A command to run.
#[derive(Debug, Clone)]
pub struct ChildSpec {
    /// The program: a path, or a name to look for in the `PATH` of `environment`.
    pub program: OsString,
    /// The command's arguments.
    pub arguments: Vec<OsString>,
    /// The folder it runs in.
    pub folder: PathBuf,
    /// The command's whole environment, but for [`MARKER`].
    pub environment: BTreeMap<OsString, OsString>,
    /// How long it may take.
    pub timeout: Option<Duration>,
    /// The value of [`MARKER`]: unlike that of any other command.
    pub marker: String,
    /// The sandbox that it runs in; `None` to run as the user does.
    pub confinement: Option<Confinement>,
    /// Where what the command prints is said, as it comes.
    pub activity: TrialActivity,
}

/// What came of a command.
#[derive(Debug, Clone, PartialEq)]
pub struct ChildOutcome {
    /// How the command ended.
    pub ending: Termination,
    /// What the command wrote to standard output.
    pub stdout: Captured,
    /// What the command wrote to standard error.
    pub stderr: Captured,
    /// From start to exit.
    pub ran: Duration,
    /// From exit until nothing of it was left.
    pub ended: Duration,
    /// Processes that outlived it and were ended.
    pub leftovers: u32,
}

/// Run a command to its end, its timeout or its cancellation, and end whatever it left running.
///
/// It runs in its own session, without a terminal and with nothing on standard input. Of each stream the first
/// 256 KiB and the last MiB are kept, the rest is read and counted. At the timeout its process group
/// gets SIGTERM, and two seconds later SIGKILL; cancelled, half a second later, or at once when the
/// cancellation is [`CancelReason::Forced`]. A program that cannot be started is an outcome
/// ([`Termination::NotStarted`]).
///
/// # Errors
/// When the system has no more processes, files or memory to give, or the sandbox cannot be made.
pub fn run(spec: &ChildSpec, cancel: &CancelToken) -> io::Result<ChildOutcome> {
    run_with_proxy(spec, cancel, &drop)
}

/// Run a command in a sandbox with [a socket](super::sandbox::Network::Proxy) that pybisect listens on, which `listens` is given
/// before the command starts.
///
/// # Errors
/// As for [`run`].
pub fn run_with_proxy(
    spec: &ChildSpec,
    cancel: &CancelToken,
    listens: &dyn Fn(TcpListener),
) -> io::Result<ChildOutcome> {
    adopt_orphans();
    if cancel.is_cancelled() {
        return Ok(without_a_run(Termination::Cancelled));
    }
    let started = Instant::now();
    let (mut child, own, mut confined) = match start(spec) {
        Ok(started) => started,
        Err(error) => return not_started(error),
    };
    match introduce(spec, &own, confined.as_mut(), cancel, started, listens) {
        Ok(LaunchResult::Runs) => {}
        other => {
            let _none = end_leftovers(&own);
            reap(&mut child, &own)?;
            return match other {
                Ok(LaunchResult::NotStarted(error)) => not_started(error),
                Err(error) => Err(io::Error::new(error.kind(), format!("the sandbox: {error}"))),
                Ok(LaunchResult::TimedOut) => Ok(without_a_run(timed_out(spec.timeout.unwrap_or_default()))),
                Ok(LaunchResult::Runs | LaunchResult::Cancelled) => Ok(without_a_run(Termination::Cancelled)),
            };
        }
    }
    let watched = watch(&mut child, own.leader, confined.as_mut(), spec, cancel, started);
    let exited = Instant::now();
    let leftovers = match confined.as_mut().filter(|confined| confined.has_init()) {
        Some(confined) => {
            let count = confined.finish();
            wait_for_exit(own.leader);
            // The launcher and its init are ours, not the command's.
            let _ours = end_leftovers(&own);
            count
        }
        None => end_leftovers(&own),
    };
    let status = reap(&mut child, &own)?;
    let Watched { mut streams, stopped } = watched?;
    streams.iter_mut().for_each(|stream| stream.drain(&spec.activity));
    let [stdout, stderr] = streams.map(Capture::finish);
    let ended = match &mut confined {
        Some(confined) if confined.has_init() => confined.ending().cloned(),
        _ => Some(ending_of(status)),
    };
    let broken = confined.as_ref().and_then(Confined::broken);
    let no_ending =
        || io::Error::other(format!("the sandbox: {}", broken.unwrap_or("it ended before the command")));
    Ok(ChildOutcome {
        ending: stopped.or(ended).ok_or_else(no_ending)?,
        stdout,
        stderr,
        ran: exited - started,
        ended: exited.elapsed(),
        leftovers,
    })
}

/// Reap the leader, and forget it. While it is not reaped its number cannot be given to another, and while it is not
/// forgotten nobody takes it for somebody's leftover: nobody looks in between.
fn reap(child: &mut Child, own: &Running) -> io::Result<ExitStatus> {
    let mut running = running();
    let status = child.wait();
    running.retain(|command| command != own);
    status
}

/// Give the leader, which has been told to end, the time to do so.
fn wait_for_exit(leader: Pid) {
    const PATIENCE: Duration = Duration::from_secs(2);
    let told = Instant::now();
    let notice = exit_notice(leader);
    while !has_exited(leader) && told.elapsed() < PATIENCE {
        match &notice {
            Some(notice) => {
                let left = Timespec::try_from(PATIENCE.saturating_sub(told.elapsed())).ok();
                let _ = poll(&mut [PollFd::new(notice, PollFlags::IN)], left.as_ref());
            }
            None => std::thread::sleep(BETWEEN_CHECKS_BLIND),
        }
    }
}

pub(super) fn timed_out(limit: Duration) -> Termination {
    Termination::TimedOut { after_ms: u64::try_from(limit.as_millis()).unwrap_or(u64::MAX) }
}

fn without_a_run(ending: Termination) -> ChildOutcome {
    ChildOutcome {
        ending,
        stdout: Captured::default(),
        stderr: Captured::default(),
        ran: Duration::ZERO,
        ended: Duration::ZERO,
        leftovers: 0,
    }
}

fn not_started(error: io::Error) -> io::Result<ChildOutcome> {
    if is_about_the_program(&error) {
        return Ok(without_a_run(Termination::NotStarted { error: error.to_string() }));
    }
    Err(error)
}

fn start(spec: &ChildSpec) -> io::Result<(Child, Running, Option<Confined>)> {
    let (confined, mut command) = match &spec.confinement {
        Some(confinement) => {
            let (confined, mut launcher) = Confined::new(confinement)?;
            launcher.arg(&spec.program);
            (Some(confined), launcher)
        }
        None => {
            let mut command = Command::new(&spec.program);
            command.current_dir(&spec.folder).stdin(Stdio::null());
            (None, command)
        }
    };
    command
        .args(&spec.arguments)
        .env_clear()
        .envs(&spec.environment)
        .env(MARKER, &spec.marker)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    detach(&mut command);
    let mut running = running();
    let child = command.spawn()?;
    let own = Running { leader: Pid::from_child(&child), marker: spec.marker.clone() };
    running.push(own.clone());
    Ok((child, own, confined))
}

fn introduce(
    spec: &ChildSpec,
    own: &Running,
    confined: Option<&mut Confined>,
    cancel: &CancelToken,
    started: Instant,
    listens: &dyn Fn(TcpListener),
) -> io::Result<LaunchResult> {
    let until = spec.timeout.and_then(|limit| started.checked_add(limit));
    match confined.zip(spec.confinement.as_ref()) {
        Some((confined, confinement)) => confined.introduce(confinement, own.leader, cancel, until, listens),
        None => Ok(LaunchResult::Runs),
    }
}

/// Errors that lie in the program or the folder as they are in this tree, not in the machine.
fn is_about_the_program(error: &io::Error) -> bool {
    let about = [
        Errno::NOENT,
        Errno::ACCESS,
        Errno::PERM,
        Errno::NOEXEC,
        Errno::NOTDIR,
        Errno::ISDIR,
        Errno::LOOP,
        Errno::NAMETOOLONG,
        Errno::TOOBIG,
        Errno::TXTBSY,
        Errno::INVAL,
    ];
    // An argument with a NUL byte has no number.
    error.raw_os_error().map_or(error.kind() == io::ErrorKind::InvalidInput, |number| {
        about.iter().any(|errno| errno.raw_os_error() == number)
    })
}

pub(super) fn ending_of(status: ExitStatus) -> Termination {
    use std::os::unix::process::ExitStatusExt as _;
    match (status.code(), status.signal()) {
        (Some(code), _) => Termination::Exited { code },
        (None, signal) => Termination::Signalled { signal: signal.unwrap_or_default() },
    }
}

struct Watched {
    streams: [Capture; 2],
    /// Why we ended it; `None` when it ended by itself.
    stopped: Option<Termination>,
}

/// Wait for the leader to exit, which it does at the latest when it is killed. It is not reaped. Where a sandbox's init
/// tells of the command's end, that counts.
fn watch(
    child: &mut Child,
    leader: Pid,
    mut confined: Option<&mut Confined>,
    spec: &ChildSpec,
    cancel: &CancelToken,
    started: Instant,
) -> io::Result<Watched> {
    let (timeout, activity) = (spec.timeout, &spec.activity);
    let streams = streams_of(child);
    let Ok(mut streams) = streams else {
        let _ = kill_process_group(leader, Signal::KILL);
        return streams.map(|streams| Watched { streams, stopped: None });
    };
    let exit = exit_notice(leader);
    let mut stop = Stop { leader, timeout, started, stopped: None, kill_at: None };
    loop {
        let rest = if exit.is_some() { BETWEEN_CHECKS } else { BETWEEN_CHECKS_BLIND };
        let rest = rest.min(stop.until_next_step());
        wait_for_news(&streams, exit.as_ref().map(AsFd::as_fd), confined.as_deref(), rest);
        streams.iter_mut().for_each(|stream| stream.drain(activity));
        let has_ended = confined.as_mut().is_some_and(|confined| confined.ending().is_some());
        if confined.as_ref().is_some_and(|confined| confined.broken().is_some()) {
            let _ = kill_process_group(leader, Signal::KILL);
            break;
        }
        if has_ended || has_exited(leader) {
            break;
        }
        stop.step(cancel.reason());
    }
    let patience = if stop.stopped.is_some() { Duration::ZERO } else { LAST_WORDS };
    let exited = Instant::now();
    loop {
        streams.iter_mut().for_each(|stream| stream.drain(activity));
        let left = patience.saturating_sub(exited.elapsed());
        if left.is_zero() || streams.iter().all(|stream| stream.open_pipe().is_none()) {
            return Ok(Watched { streams, stopped: stop.stopped });
        }
        wait_for_news(&streams, None, None, left);
    }
}

fn streams_of(child: &mut Child) -> io::Result<[Capture; 2]> {
    let missing = || io::Error::other("the child has no pipe");
    let stdout: OwnedFd = child.stdout.take().ok_or_else(missing)?.into();
    let stderr: OwnedFd = child.stderr.take().ok_or_else(missing)?.into();
    Ok([Capture::new(stdout)?, Capture::new(stderr)?])
}

/// Ending a command in two steps.
struct Stop {
    leader: Pid,
    timeout: Option<Duration>,
    started: Instant,
    stopped: Option<Termination>,
    kill_at: Option<Instant>,
}

impl Stop {
    fn step(&mut self, reason: Option<CancelReason>) {
        if reason == Some(CancelReason::Forced) {
            self.stopped.get_or_insert(Termination::Cancelled);
            self.kill_at = Some(Instant::now());
        } else if self.stopped.is_none() {
            let late = self.timeout.filter(|&limit| self.started.elapsed() >= limit);
            if reason.is_some() {
                self.terminate(Termination::Cancelled, GRACE_AFTER_CANCEL);
            } else if let Some(limit) = late {
                self.terminate(timed_out(limit), GRACE_AFTER_TIMEOUT);
            }
        }
        if self.kill_at.is_some_and(|at| at <= Instant::now()) {
            self.signal(Signal::KILL);
        }
    }

    fn terminate(&mut self, why: Termination, grace: Duration) {
        self.stopped = Some(why);
        self.kill_at = Some(Instant::now() + grace);
        self.signal(Signal::TERM);
    }

    /// The group is there as long as its leader is not reaped; that it may be gone already is no error.
    fn signal(&self, signal: Signal) {
        let _ = kill_process_group(self.leader, signal);
    }

    fn until_next_step(&self) -> Duration {
        let next = if self.stopped.is_some() {
            self.kill_at.map(|at| at.saturating_duration_since(Instant::now()))
        } else {
            self.timeout.map(|limit| limit.saturating_sub(self.started.elapsed()))
        };
        // After the kill only the exit is waited for.
        next.filter(|rest| !rest.is_zero()).unwrap_or(BETWEEN_CHECKS)
    }
}

/// A descriptor that becomes readable when the process exits, where the system has such a thing.
#[cfg(target_os = "linux")]
fn exit_notice(leader: Pid) -> Option<OwnedFd> {
    rustix::process::pidfd_open(leader, rustix::process::PidfdFlags::empty()).ok()
}

#[cfg(not(target_os = "linux"))]
const fn exit_notice(_leader: Pid) -> Option<OwnedFd> {
    None
}

fn has_exited(leader: Pid) -> bool {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    // An error means that there is no such child: then it is over as well.
    waitid(WaitId::Pid(leader), options).map_or(true, |status| status.is_some())
}

/// Wait until a stream has something to say, the process exits, or the time is over.
fn wait_for_news(
    streams: &[Capture; 2],
    exit: Option<BorrowedFd<'_>>,
    confined: Option<&Confined>,
    most: Duration,
) {
    let pipes = streams.iter().filter_map(Capture::open_pipe);
    let confined = confined.filter(|confined| confined.has_init()).map(AsFd::as_fd);
    let mut watched: Vec<PollFd<'_>> = pipes
        .chain(exit)
        .chain(confined)
        .map(|descriptor| PollFd::from_borrowed_fd(descriptor, PollFlags::IN))
        .collect();
    let most = Timespec::try_from(most).ok();
    // An interruption is as good as news: the caller looks at everything anyway.
    let _ = poll(&mut watched, most.as_ref());
}
