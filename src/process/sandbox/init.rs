//! The first process of a process namespace: it starts the command, reaps what is orphaned, says how the command ended,
//! and takes everything with it when it goes.

use std::ffi::OsString;
use std::fs::File;
use std::io::Read as _;
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;
use std::{fs, io};

use nix::sched::{CloneFlags, unshare};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::mount::{MountPropagationFlags, mount_change};
use rustix::process::{
    DumpableBehavior, Pid, Signal, WaitOptions, kill_process_group, set_dumpable_behavior,
    set_parent_process_death_signal, wait,
};
use rustix::stdio::{dup2_stderr, dup2_stdin, dup2_stdout};

use super::handover::{AfterBubblewrap, InitConfig};
use super::limits::Counted;
use super::protocol::{
    Channel, InStep as _, LaunchFailure, LauncherMessage, ParentMessage, no_command, not_started,
};
use super::{filter, landlock, limits, mounts, network, sockets};
use crate::process::orphans::EXITING;
use crate::process::pre_exec::detach;

/// Let go of what the command writes to; otherwise the other end would never see it closed.
pub(super) fn close_streams() -> io::Result<()> {
    let null = File::options().read(true).write(true).open("/dev/null")?;
    dup2_stdin(&null)?;
    dup2_stdout(&null)?;
    dup2_stderr(&null)?;
    Ok(())
}

pub(super) fn run(line: &mut Channel, words: &[OsString]) -> Result<ExitCode, LaunchFailure> {
    set_parent_process_death_signal(Some(Signal::KILL)).step("line")?;
    let (part, command) = words.split_first().ok_or_else(no_command).step("line")?;
    let part: InitConfig =
        serde_json::from_str(&part.to_string_lossy()).map_err(io::Error::from).step("line")?;
    // Before any signal is waited for.
    let has_own_users =
        part.bubblewrap.as_ref().map_or(Ok(true), AfterBubblewrap::done).step("bubblewrap")?;
    if part.proc {
        mounts::own_proc(part.bubblewrap.is_some(), || limits::limit_numbers(part.limits)).step("proc")?;
    }
    if let Some(own) = &part.seal {
        // Those of bubblewrap may belong to users that are not ours.
        unshare(CloneFlags::CLONE_NEWNS).step("sockets")?;
        mount_change("/", MountPropagationFlags::REC | MountPropagationFlags::DOWNSTREAM).step("sockets")?;
        sockets::seal(own).step("sockets")?;
    }
    if part.no_loopback {
        // Not that of bubblewrap, which brings it up and may own it: another one.
        unshare(CloneFlags::CLONE_NEWNET).step("loopback")?;
    }
    network::listen(part.listens, line).step("proxy")?;
    // This process, and the launcher where it is inside.
    let counted = match (&part.bubblewrap, has_own_users) {
        (Some(_), false) => Counted::Others,
        (Some(_), true) => Counted::Ours(1),
        (None, _) => Counted::Ours(2),
    };
    limits::limit(part.limits, counted).step("limits")?;
    limits::give_up(has_own_users).step("privileges")?;
    // The command can be the same user: it is not to look into this process, stop it, or take its end of the line.
    set_dumpable_behavior(DumpableBehavior::NotDumpable).step("privileges")?;
    landlock::leave_network(part.leaves).step("Landlock")?;
    if part.filter {
        filter::put_up(true).step("filter")?;
    }
    let ended = notice(signal_hook::consts::SIGCHLD)?;
    let told_to_stop = notice(signal_hook::consts::SIGTERM)?;
    let (program, arguments) = command.split_first().ok_or_else(no_command).step("command")?;
    let mut starting = Command::new(program);
    starting.args(arguments).current_dir(&part.folder.0).stdin(Stdio::null());
    detach(&mut starting);
    let child = match starting.spawn() {
        Ok(child) => child,
        Err(error) => {
            line.send(&not_started(&error)).step("line")?;
            return Ok(ExitCode::FAILURE);
        }
    };
    close_streams().step("streams")?;
    line.send(&LauncherMessage::Started).step("line")?;
    Watch { line, command: Pid::from_child(&child), ended, told_to_stop }.until_the_end()
}

/// A descriptor that can be read when this signal came.
fn notice(signal: i32) -> Result<UnixStream, LaunchFailure> {
    let (reader, writer) = UnixStream::pair().step("signals")?;
    reader.set_nonblocking(true).step("signals")?;
    writer.set_nonblocking(true).step("signals")?;
    signal_hook::low_level::pipe::register(signal, writer).step("signals")?;
    Ok(reader)
}

struct Watch<'a> {
    line: &'a mut Channel,
    command: Pid,
    ended: UnixStream,
    told_to_stop: UnixStream,
}

impl Watch<'_> {
    /// Reap and pass on signals until the other end has heard enough, or is gone.
    fn until_the_end(mut self) -> Result<ExitCode, LaunchFailure> {
        loop {
            self.reap()?;
            let mut watched = [self.line.as_fd(), self.ended.as_fd(), self.told_to_stop.as_fd()]
                .map(|descriptor| PollFd::from_borrowed_fd(descriptor, PollFlags::IN));
            // Interrupted by a signal: the pipes tell which.
            let _ = poll(&mut watched, None);
            if take(&mut self.ended) {
                continue;
            }
            if take(&mut self.told_to_stop) {
                // It may have ended just now.
                let _ = kill_process_group(self.command, Signal::TERM);
            }
            match self.line.receive(Duration::ZERO).step("line")? {
                Some(ParentMessage::Finish) => {
                    self.line.send(&LauncherMessage::Left { count: alive() }).step("line")?;
                    return Ok(ExitCode::SUCCESS);
                }
                Some(ParentMessage::Mapped) => {}
                None if self.line.is_closed() => return Ok(ExitCode::FAILURE),
                None => {}
            }
        }
    }

    fn reap(&mut self) -> Result<(), LaunchFailure> {
        while let Ok(Some((pid, status))) = wait(WaitOptions::NOHANG) {
            if pid == self.command {
                let said = LauncherMessage::Ended {
                    code: status.exit_status(),
                    signal: status.terminating_signal(),
                };
                self.line.send(&said).step("line")?;
            }
        }
        Ok(())
    }
}

fn take(notice: &mut UnixStream) -> bool {
    let mut bytes = [0; 64];
    let mut came = false;
    while notice.read(&mut bytes).is_ok_and(|count| count > 0) {
        came = true;
    }
    came
}

/// Processes of this namespace but for this one, as far as its `/proc` is there to tell.
fn alive() -> u32 {
    // Where it is another namespace's, nothing in it is ours.
    if !fs::read_link("/proc/self").is_ok_and(|own| own == Path::new("1")) {
        return 0;
    }
    let Ok(entries) = fs::read_dir("/proc") else { return 0 };
    let is_alive = |name: &str| {
        let stat = fs::read_to_string(format!("/proc/{name}/stat")).unwrap_or_default();
        let mut fields = stat.rsplit_once(") ").map_or("", |(_, rest)| rest).split(' ');
        let state = fields.next().filter(|state| !state.is_empty());
        let flags: u32 = fields.nth(5).and_then(|flags| flags.parse().ok()).unwrap_or_default();
        state.is_some_and(|state| !matches!(state, "Z" | "X") && flags & EXITING == 0)
    };
    let numbers = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let others = numbers.filter(|name| name != "1" && name.bytes().all(|byte| byte.is_ascii_digit()));
    u32::try_from(others.filter(|name| is_alive(name)).count()).unwrap_or(u32::MAX)
}
