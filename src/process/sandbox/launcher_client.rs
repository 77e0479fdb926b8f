//! pybisect's end of the line to a launcher.

use std::net::TcpListener;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use std::{fs, io};

use rustix::process::{Pid, getegid, geteuid};

use super::Confinement;
use super::protocol::{Channel, LAUNCHER, LauncherMessage, ParentMessage};
use crate::model::{CancelToken, Termination};

/// Making the namespaces takes milliseconds, on a busy machine more.
const PATIENCE: Duration = Duration::from_secs(60);
/// A cancellation is noticed within this time.
const BETWEEN_CHECKS: Duration = Duration::from_millis(20);
/// How long to wait for the number of processes that are left.
const PATIENCE_AT_THE_END: Duration = Duration::from_secs(2);

/// A command that a launcher starts.
#[derive(Debug)]
pub(in crate::process) struct Confined {
    line: Channel,
    has_init: bool,
    ending: Option<Termination>,
    /// What came over the line that is no message.
    broken: Option<String>,
}

/// What came of starting it.
pub(in crate::process) enum LaunchResult {
    /// It runs.
    Runs,
    /// It could not be started: this is why.
    NotStarted(io::Error),
    /// Nobody needs it any more.
    Cancelled,
    /// Its time was over before it was known to run.
    TimedOut,
}

impl Confined {
    /// The launcher's command line, to which the command's is to be added, and the line to it.
    pub(in crate::process) fn new(confinement: &Confinement) -> io::Result<(Self, Command)> {
        let (ours, theirs) = UnixStream::pair()?;
        let mut launcher = Command::new(&confinement.launcher);
        launcher.arg(LAUNCHER).current_dir("/").stdin(Stdio::from(OwnedFd::from(theirs)));
        let has_init = confinement.namespaces.process || confinement.bubblewrap.is_some();
        Ok((Self { line: Channel::ours(ours)?, has_init, ending: None, broken: None }, launcher))
    }

    /// Tell the launcher what to do, and wait until the command runs, or its time is over.
    ///
    /// # Errors
    /// When the sandbox cannot be made.
    pub(in crate::process) fn introduce(
        &mut self,
        confinement: &Confinement,
        launcher: Pid,
        cancel: &CancelToken,
        until: Option<Instant>,
        listens: &dyn Fn(TcpListener),
    ) -> io::Result<LaunchResult> {
        self.line.send(confinement)?;
        let began = Instant::now();
        loop {
            if cancel.is_cancelled() {
                return Ok(LaunchResult::Cancelled);
            }
            if until.is_some_and(|until| until <= Instant::now()) {
                return Ok(LaunchResult::TimedOut);
            }
            match self.line.receive(BETWEEN_CHECKS)? {
                Some(LauncherMessage::Map) => {
                    map_users(launcher)
                        .map_err(|error| io::Error::new(error.kind(), format!("map users: {error}")))?;
                    self.line.send(&ParentMessage::Mapped)?;
                }
                Some(LauncherMessage::Listens) => {
                    let none = || io::Error::other("no socket came with the message");
                    listens(self.line.take_descriptor().ok_or_else(none)?.into());
                }
                Some(LauncherMessage::Started) => return Ok(LaunchResult::Runs),
                Some(LauncherMessage::NotStarted { number, error }) => {
                    let error = number.map_or_else(|| io::Error::other(error), io::Error::from_raw_os_error);
                    return Ok(LaunchResult::NotStarted(error));
                }
                Some(LauncherMessage::Failed { step, error }) => {
                    return Err(io::Error::other(format!("{step}: {error}")));
                }
                // Without an init the line closes when the launcher becomes the command.
                None if self.line.is_closed() && !self.has_init => return Ok(LaunchResult::Runs),
                None if !self.line.is_closed() && began.elapsed() < PATIENCE => {}
                Some(LauncherMessage::Ended { .. } | LauncherMessage::Left { .. }) | None => {
                    return Err(io::Error::other("the launcher went away"));
                }
            }
        }
    }

    /// Whether an init tells how the command ends; otherwise the launcher's end is the command's.
    pub(in crate::process) const fn has_init(&self) -> bool {
        self.has_init
    }

    /// How the command ended, once it has.
    pub(in crate::process) fn ending(&mut self) -> Option<&Termination> {
        if self.has_init && self.ending.is_none() && self.broken.is_none() {
            match self.line.receive(Duration::ZERO) {
                Ok(Some(LauncherMessage::Ended { code, signal })) => {
                    self.ending = Some(match (code, signal) {
                        (Some(code), _) => Termination::Exited { code },
                        (None, signal) => Termination::Signalled { signal: signal.unwrap_or_default() },
                    });
                }
                Ok(_) => {}
                Err(error) => self.broken = Some(error.to_string()),
            }
        }
        self.ending.as_ref()
    }

    /// What came over the line that is no message, if anything did: nothing it says can be believed then.
    pub(in crate::process) fn broken(&self) -> Option<&str> {
        self.broken.as_deref()
    }

    /// Have all that is left ended. How many processes there were.
    pub(in crate::process) fn finish(&mut self) -> u32 {
        if !self.has_init || self.ending.is_none() || self.line.send(&ParentMessage::Finish).is_err() {
            return 0;
        }
        match self.line.receive(PATIENCE_AT_THE_END) {
            Ok(Some(LauncherMessage::Left { count })) => count,
            _ => 0,
        }
    }
}

impl AsFd for Confined {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.line.as_fd()
    }
}

/// Give the users of a new user namespace the numbers they have out here: root gives all, another user his own.
fn map_users(launcher: Pid) -> io::Result<()> {
    let write = |name: &str, text: &str| fs::write(format!("/proc/{launcher}/{name}"), text);
    if geteuid().is_root()
        && write("uid_map", &same(&fs::read_to_string("/proc/self/uid_map")?)).is_ok()
        && write("gid_map", &same(&fs::read_to_string("/proc/self/gid_map")?)).is_ok()
    {
        return Ok(());
    }
    let (user, group) = (geteuid().as_raw(), getegid().as_raw());
    // Without this, a group that takes rights away could be left.
    write("setgroups", "deny")?;
    write("uid_map", &format!("{user} {user} 1\n"))?;
    write("gid_map", &format!("{group} {group} 1\n"))
}

/// A map that gives each number that is known here to itself; see user_namespaces(7).
fn same(map: &str) -> String {
    let line = |line: &str| {
        let mut numbers = line.split_whitespace();
        let (first, count) = (numbers.next()?, numbers.nth(1)?);
        Some(format!("{first} {first} {count}\n"))
    };
    map.lines().filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_keeps_all_numbers_that_are_known() {
        assert_eq!(same("         0          0 4294967295\n"), "0 0 4294967295\n");
        assert_eq!(same("0 1000 1\n1 100000 65536\n"), "0 0 1\n1 1 65536\n");
    }
}
