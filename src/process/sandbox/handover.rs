//! What is handed to the first process inside.

use std::fs::File;
use std::os::fd::RawFd;
use std::{fs, io};

use nix::sys::signal::{SigSet, Signal};
use nix::unistd::close;
use rustix::process::geteuid;
use rustix::stdio::{dup2_stderr, dup2_stdout};
use serde::{Deserialize, Serialize};

use super::landlock::Leaves;
use super::mounts::{Place, opened};
use super::{Confinement, Limits, Network, sockets};
use crate::dirfd::Identity;

/// What is left to be done by the init that bubblewrap starts.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct AfterBubblewrap {
    /// The file that this program was started from.
    pub(super) program: RawFd,
    /// What the command writes to.
    pub(super) streams: [RawFd; 2],
    /// The user namespace outside.
    pub(super) users: String,
    /// The command's own folders, where they are seen.
    pub(super) own: Vec<(Place, Identity)>,
}

impl AfterBubblewrap {
    /// Do it. Whether this is a user namespace of its own.
    pub(super) fn done(&self) -> io::Result<bool> {
        let again = |stream: RawFd| File::options().write(true).open(format!("/proc/self/fd/{stream}"));
        dup2_stdout(again(self.streams[0])?)?;
        dup2_stderr(again(self.streams[1])?)?;
        for left in [self.program, self.streams[0], self.streams[1]] {
            close(left)?;
        }
        SigSet::from(Signal::SIGTERM).thread_unblock()?;
        // It takes what it mounts by path: no command starts when that led elsewhere.
        for (place, identity) in &self.own {
            opened(&place.0, *identity)?;
        }
        Ok(users()? != self.users)
    }
}

/// What of a confinement this process carries out.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct InitConfig {
    pub(super) limits: Limits,
    pub(super) folder: Place,
    /// Where sockets in the file system are still to be put out of reach: all places but these.
    pub(super) seal: Option<Vec<Place>>,
    /// What of the machine's network is out of reach.
    pub(super) leaves: Leaves,
    /// The port that somebody outside listens on.
    pub(super) listens: Option<u16>,
    /// Whether system calls are refused.
    pub(super) filter: bool,
    /// Whether a `/proc` of this namespace is still to be made.
    pub(super) proc: bool,
    /// Whether there is to be a network without a loopback.
    pub(super) no_loopback: bool,
    /// What bubblewrap left to be done.
    pub(super) bubblewrap: Option<AfterBubblewrap>,
}

impl InitConfig {
    pub(super) fn of(confinement: &Confinement) -> Self {
        Self {
            limits: confinement.limits,
            folder: confinement.folder.clone(),
            seal: None,
            leaves: confinement.leaves(),
            listens: None,
            filter: confinement.filter,
            proc: confinement.namespaces.mount,
            no_loopback: false,
            bubblewrap: None,
        }
    }

    /// The same for one that bubblewrap starts.
    pub(super) fn in_bubblewrap(confinement: &Confinement, left: AfterBubblewrap) -> Self {
        Self {
            // Where root makes it, the numbers of its processes can be limited.
            proc: geteuid().is_root(),
            no_loopback: confinement.namespaces.network && confinement.network == Network::None,
            seal: confinement.seal.then(|| sockets::places(&confinement.mounts)),
            bubblewrap: Some(left),
            listens: confinement.listens(),
            ..Self::of(confinement)
        }
    }
}

/// What tells user namespaces apart.
pub(super) fn users() -> io::Result<String> {
    Ok(fs::read_link("/proc/self/ns/user")?.to_string_lossy().into_owned())
}
