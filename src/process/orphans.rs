//! What outlived a command: found and ended.
//!
//! A descendant can leave the command's process group (`setsid`), but on Linux it cannot leave the *tree*: this
//! process declares itself a subreaper (prctl(2), `PR_SET_CHILD_SUBREAPER`), so every descendant whose parent
//! has died becomes a child of this process. Reading our own children is cheap; a scan of all processes
//! is needed only for what an earlier pybisect, killed outright, has left ([`end_marked`]).
//!
//! With several commands at a time, an adopted process is told to its command by its session, its group,
//! or the variable [`MARKER`] in its environment.

use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::process::Pid;

/// The environment variable that tells which run and trial a process belongs to.
pub const MARKER: &str = "PYBISECT_TRIAL";

/// `PF_EXITING` of the kernel's process flags: the end of a process has begun. Its streams close a moment before it is
/// a zombie.
pub(super) const EXITING: u32 = 0x4;

/// A command that runs now.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Running {
    pub(super) leader: Pid,
    pub(super) marker: String,
}

static RUNNING: Mutex<Vec<Running>> = Mutex::new(Vec::new());

/// All commands that run now. While this is held no other command starts, so that a child which is just being
/// started is not taken for somebody's leftover.
pub(super) fn running() -> MutexGuard<'static, Vec<Running>> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(target_os = "linux")]
mod linux {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;
    use std::sync::{LazyLock, Mutex, PoisonError};
    use std::time::{Duration, Instant};

    use rustix::process::{
        Pid, Signal, WaitOptions, getpid, kill_process, kill_process_group, set_child_subreaper, waitpid,
    };

    use super::{EXITING, MARKER, Running, running};

    /// How long to wait for processes that were killed to be gone (one that waits for a disk takes longer).
    const PATIENCE: Duration = Duration::from_secs(2);
    const BETWEEN_LOOKS: Duration = Duration::from_micros(300);

    /// Whose orphans are adopted.
    struct Adoption {
        /// Whether there were trials: theirs are.
        is_wanted: bool,
        /// Commands that act on the world: theirs are not, since what they leave running was wanted.
        actions: usize,
    }

    static ADOPTION: Mutex<Adoption> = Mutex::new(Adoption { is_wanted: false, actions: 0 });

    impl Adoption {
        fn change(change: impl FnOnce(&mut Self)) {
            let mut adoption = ADOPTION.lock().unwrap_or_else(PoisonError::into_inner);
            let adopts = |adoption: &Self| adoption.is_wanted && adoption.actions == 0;
            let before = adopts(&adoption);
            change(&mut adoption);
            // Where the kernel refuses, escaped descendants go unnoticed; the group is still ended.
            match (before, adopts(&adoption)) {
                (false, true) => drop(set_child_subreaper(Some(getpid()))),
                (true, false) => drop(set_child_subreaper(None)),
                _ => {}
            }
        }
    }

    /// Adopt orphaned descendants from now on.
    pub(crate) fn adopt_orphans() {
        Adoption::change(|adoption| adoption.is_wanted = true);
    }

    /// While this lives, orphans are left to the system: a service that a deploy starts becomes no leftover of a trial.
    #[derive(Debug)]
    pub(crate) struct OrphansLeft(());

    impl OrphansLeft {
        pub(crate) fn new() -> Self {
            Adoption::change(|adoption| adoption.actions += 1);
            Self(())
        }
    }

    impl Drop for OrphansLeft {
        fn drop(&mut self) {
            Adoption::change(|adoption| adoption.actions -= 1);
        }
    }

    /// End everything that a command whose leader has exited (but is not reaped) has left. How many
    /// processes were still alive.
    pub(crate) fn end_leftovers(own: &Running) -> u32 {
        let mut alive = BTreeSet::new();
        let started = Instant::now();
        let mut quiet = 0;
        while quiet < 2 && started.elapsed() < PATIENCE {
            let found = adopted_by(own);
            for process in found.iter().filter(|process| !process.is_dead) {
                collect_tree(process.pid, &mut alive);
            }
            let _ = kill_process_group(own.leader, Signal::KILL);
            for process in &found {
                let _ = kill_process(process.pid, Signal::KILL);
                let _ = waitpid(Some(process.pid), WaitOptions::NOHANG);
            }
            // Killing one may hand its children to us, and the list of children may miss one while others end:
            // done when nothing was seen twice.
            if found.is_empty() {
                quiet += 1;
            } else {
                quiet = 0;
                std::thread::sleep(BETWEEN_LOOKS);
            }
        }
        u32::try_from(alive.len()).unwrap_or(u32::MAX)
    }

    /// End all processes of this user whose [`MARKER`] begins with `prefix`. How many there were.
    pub(crate) fn end_marked(prefix: &str) -> u32 {
        let wanted = format!("{MARKER}={prefix}");
        let mut ended = 0;
        let processes = fs::read_dir("/proc").ok().filter(|_| is_proc_ours());
        let Some(processes) = processes else { return 0 };
        for entry in processes.flatten() {
            let pid = entry.file_name().to_str().and_then(|name| name.parse().ok()).and_then(Pid::from_raw);
            let Some(pid) = pid.filter(|&pid| pid != getpid()) else { continue };
            // Other users' environments cannot be read, and their processes cannot be ours.
            let environment = fs::read(entry.path().join("environ")).unwrap_or_default();
            let marked = environment.split(|&byte| byte == 0).any(|var| var.starts_with(wanted.as_bytes()));
            if marked && kill_process(pid, Signal::KILL).is_ok() {
                ended += 1;
            }
        }
        ended
    }

    struct Process {
        pid: Pid,
        group: i32,
        session: i32,
        /// It has ended, or its end has begun (its streams close a moment before it is a zombie).
        is_dead: bool,
    }

    impl Process {
        /// See proc_pid_stat(5); the name, in brackets, may itself hold brackets and spaces.
        fn read(pid: Pid) -> Option<Self> {
            let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
            let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
            let state = fields.next()?;
            let group = fields.nth(1)?.parse().ok()?;
            let session = fields.next()?.parse().ok()?;
            let flags: u32 = fields.nth(2)?.parse().ok()?;
            let is_dead = matches!(state, "Z" | "X") || flags & EXITING != 0;
            Some(Self { pid, group, session, is_dead })
        }
    }

    /// Children of this process that belong to a command, but for its leader.
    fn adopted_by(own: &Running) -> Vec<Process> {
        let running = running();
        // Not getsid(2): 0, a session outside of this PID namespace, is no number that a `Pid` can hold.
        let our_session = Process::read(getpid()).map_or(0, |process| process.session);
        children_of(getpid())
            .into_iter()
            .filter(|pid| running.iter().all(|command| command.leader != *pid))
            .filter_map(Process::read)
            .filter(|process| process.session != our_session && belongs(process, own, &running))
            .collect()
    }

    fn belongs(process: &Process, own: &Running, running: &[Running]) -> bool {
        let is_of = |command: &Running| {
            let leader = command.leader.as_raw_pid();
            process.session == leader || process.group == leader
        };
        if is_of(own) {
            return true;
        }
        if running.iter().any(is_of) {
            return false;
        }
        if process.is_dead {
            return true; // It has no environment any more; whoever sees it may reap it.
        }
        let environment = fs::read(format!("/proc/{}/environ", process.pid)).unwrap_or_default();
        let carries = |command: &Running| {
            let wanted = format!("{MARKER}={}", command.marker);
            environment.split(|&byte| byte == 0).any(|var| var == wanted.as_bytes())
        };
        // One that has also cleared its environment is ours when nobody else's command runs.
        carries(own) || (running.iter().all(|other| other == own) && !running.iter().any(carries))
    }

    /// A process and its living descendants.
    fn collect_tree(pid: Pid, into: &mut BTreeSet<i32>) {
        if into.insert(pid.as_raw_pid()) {
            for child in children_of(pid) {
                if Process::read(child).is_some_and(|process| !process.is_dead) {
                    collect_tree(child, into);
                }
            }
        }
    }

    /// Whether `/proc` shows the PID namespace that this process is in. Where it shows another one, a number in it means
    /// another process, and only the command's group can be ended.
    fn is_proc_ours() -> bool {
        static IS_OURS: LazyLock<bool> = LazyLock::new(|| {
            let shown = fs::read_link("/proc/self").unwrap_or_default();
            shown == Path::new(&getpid().to_string())
        });
        *IS_OURS
    }

    fn children_of(pid: Pid) -> Vec<Pid> {
        if !is_proc_ours() {
            return Vec::new();
        }
        let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else { return Vec::new() };
        threads
            .flatten()
            .filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok())
            .flat_map(|list| {
                list.split_whitespace()
                    .filter_map(|pid| pid.parse().ok().and_then(Pid::from_raw))
                    .collect::<Vec<_>>()
            })
            .collect()
    }
}

#[cfg(not(target_os = "linux"))]
mod elsewhere {
    use rustix::process::{Signal, kill_process_group};

    use super::Running;

    /// Only Linux hands orphaned descendants over.
    pub(crate) const fn adopt_orphans() {}

    /// Orphans are always left to the system.
    #[derive(Debug)]
    pub(crate) struct OrphansLeft(());

    impl OrphansLeft {
        pub(crate) const fn new() -> Self {
            Self(())
        }
    }

    /// End the group. How many processes it had is not known: 0.
    pub(crate) fn end_leftovers(own: &Running) -> u32 {
        let _ = kill_process_group(own.leader, Signal::KILL);
        0
    }

    /// Environments of other processes cannot be read here: nothing is ended.
    pub(crate) const fn end_marked(_prefix: &str) -> u32 {
        0
    }
}

#[cfg(not(target_os = "linux"))]
use elsewhere as system;
#[cfg(target_os = "linux")]
use linux as system;

pub(super) use system::{OrphansLeft, adopt_orphans, end_leftovers};

/// End all processes of this user whose [`MARKER`] begins with `prefix`: what a pybisect that was killed
/// outright has left. How many there were; always 0 but on Linux.
#[must_use]
pub fn end_marked(prefix: &str) -> u32 {
    system::end_marked(prefix)
}
