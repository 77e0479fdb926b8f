//! What the child does between fork and exec.
#![expect(
    unsafe_code,
    reason = "pre_exec: the closure makes only system calls, which is all that fork allows"
)]

use std::io;
use std::os::fd::{OwnedFd, RawFd};
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use rustix::process::setsid;

use super::inherited::close_on_exec;

/// Make the child the leader of a new session and group, let it die with this process, and let it have no descriptor
/// but standard input, output and error.
///
/// On Linux the kernel kills the child when the *thread* that started it ends; that thread waits for it.
pub(super) fn detach(command: &mut Command) {
    let parent = rustix::process::getpid();
    let before_exec = move || -> io::Result<()> {
        setsid()?;
        // Where there is no such call, those that were open when this program started are marked already, and it opens
        // all of its own so that they close.
        let _marked = close_on_exec();
        die_with(parent)
    };
    // SAFETY: between fork and exec the closure only makes system calls: no allocation, no lock.
    unsafe {
        command.pre_exec(before_exec);
    }
}

/// Have the child tell its number, and become its program only once it was let go. Where whoever started it is gone by then,
/// it never does: nobody has the other end of what it waits at, since it gives up its own.
pub(super) fn wait_to_be_let_go(command: &mut Command, told: OwnedFd, gate: OwnedFd, other_end: RawFd) {
    let before_exec = move || -> io::Result<()> {
        // SAFETY: it is this process's copy, which nothing else in it uses.
        unsafe { rustix::io::close(other_end) };
        let process = rustix::process::getpid().as_raw_nonzero().get();
        rustix::io::write(&told, &process.to_ne_bytes())?;
        let mut word = [0_u8];
        match rustix::io::retry_on_intr(|| rustix::io::read(&gate, &mut word))? {
            0 => Err(io::Error::from_raw_os_error(rustix::io::Errno::CANCELED.raw_os_error())),
            _ => Ok(()),
        }
    };
    // SAFETY: as above.
    unsafe {
        command.pre_exec(before_exec);
    }
}

#[cfg(target_os = "linux")]
fn die_with(parent: rustix::process::Pid) -> io::Result<()> {
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
    // It may have died before the line above.
    if rustix::process::getppid() == Some(parent) {
        Ok(())
    } else {
        Err(io::Error::from_raw_os_error(rustix::io::Errno::SRCH.raw_os_error()))
    }
}

#[cfg(not(target_os = "linux"))]
const fn die_with(_parent: rustix::process::Pid) -> io::Result<()> {
    Ok(())
}
