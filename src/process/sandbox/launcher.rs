//! The launcher: this program, started once more for each confined command, alone in its process, where namespaces can
//! be made.
//!
//! It makes them, lets the users be mapped from outside, and arranges the file system. With a process namespace it starts
//! [`init`] as the first process in it; without one it becomes the command itself.

use std::ffi::OsString;
use std::io;
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use nix::sched::{CloneFlags, unshare};
use rustix::process::{Signal, set_parent_process_death_signal};

use super::limits::Counted;
use super::protocol::{
    Channel, InStep, LAUNCHER, LaunchFailure, LauncherMessage, ParentMessage, no_command, not_started,
};
use super::{
    Confinement, INIT, Network, bubblewrap, detect, filter, init, landlock, limits, mounts, network, sockets,
};
use crate::process::inherited::leave_keys;

/// The other end answers at once, unless the machine is very busy.
const PATIENCE: Duration = Duration::from_secs(60);

impl<T, E: Into<io::Error>> InStep<T> for Result<T, E> {
    fn step(self, step: &'static str) -> Result<T, LaunchFailure> {
        self.map_err(|error| LaunchFailure { step, error: error.into() })
    }
}

/// Behave as a launcher when the arguments ask for it. To be called first of all in `main`, while there is one thread;
/// `None` when this is an ordinary run.
#[must_use]
pub fn launch(arguments: &[OsString]) -> Option<ExitCode> {
    let (first, rest) = arguments.get(1..)?.split_first()?;
    let run: fn(&mut Channel, &[OsString]) -> Result<ExitCode, LaunchFailure> = match first.to_str()? {
        LAUNCHER => outer,
        INIT => init::run,
        super::NOTHING => return Some(detect::probe()),
        _ => return None,
    };
    let Ok(mut line) = line_on_stdin() else { return Some(ExitCode::FAILURE) };
    Some(run(&mut line, rest).unwrap_or_else(|failure| {
        // With nobody at the other end there is nobody to tell.
        drop(line.send(&failure.said()));
        ExitCode::FAILURE
    }))
}

fn line_on_stdin() -> io::Result<Channel> {
    Channel::theirs(UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?))
}

fn outer(line: &mut Channel, command: &[OsString]) -> Result<ExitCode, LaunchFailure> {
    let told = line.receive::<Confinement>(PATIENCE).step("line")?;
    let confinement = told.ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof)).step("line")?;
    if confinement.filter {
        // Where there are no keyrings, or an outer sandbox refuses them, no key can be read; and the filter refuses all.
        let _none = leave_keys();
    }
    if let Some(bwrap) = &confinement.bubblewrap {
        let error = bubblewrap::become_it(&bwrap.0, &confinement, command);
        return Err(error).step("bubblewrap");
    }
    enter(line, &confinement)?;
    // Leaving the old namespace may have taken this away.
    set_parent_process_death_signal(Some(Signal::KILL)).step("line")?;
    if confinement.namespaces.mount {
        let prepared = mounts::prepare(&confinement.mounts).step("mounts")?;
        if confinement.seal {
            sockets::seal(&sockets::places(&confinement.mounts)).step("sockets")?;
        }
        mounts::apply(prepared).step("mounts")?;
    }
    if confinement.namespaces.network && confinement.network != Network::None {
        network::bring_loopback_up().step("loopback")?;
        network::listen(confinement.listens(), line).step("proxy")?;
    }
    if let Some(fence) = &confinement.fence {
        fence.put_up(confinement.only_port).step("Landlock")?;
    }
    if confinement.namespaces.process {
        return start_init(&confinement, command);
    }
    let counted = if confinement.namespaces.user { Counted::Ours(0) } else { Counted::Others };
    limits::limit(confinement.limits, counted).step("limits")?;
    limits::give_up(confinement.namespaces.user).step("privileges")?;
    landlock::leave_network(confinement.leaves()).step("Landlock")?;
    if confinement.filter {
        filter::put_up(false).step("filter")?;
    }
    let (program, arguments) = command.split_first().ok_or_else(no_command).step("command")?;
    let error =
        Command::new(program).args(arguments).current_dir(&confinement.folder.0).stdin(Stdio::null()).exec();
    drop(line.send(&not_started(&error)));
    Ok(ExitCode::FAILURE)
}

/// Enter the namespaces.
fn enter(line: &mut Channel, confinement: &Confinement) -> Result<(), LaunchFailure> {
    let wanted = confinement.namespaces;
    if !wanted.user {
        return Ok(());
    }
    let flags = [
        (wanted.mount, CloneFlags::CLONE_NEWNS),
        (wanted.process, CloneFlags::CLONE_NEWPID | CloneFlags::CLONE_NEWIPC),
        (wanted.network, CloneFlags::CLONE_NEWNET),
    ];
    let flags = flags.iter().filter(|(wanted, _)| *wanted).map(|(_, flag)| *flag);
    unshare(flags.fold(CloneFlags::CLONE_NEWUSER, |all, flag| all | flag)).step("namespaces")?;
    line.send(&LauncherMessage::Map).step("line")?;
    match line.receive(PATIENCE).step("line")? {
        Some(ParentMessage::Mapped) => Ok(()),
        Some(ParentMessage::Finish) | None => Err(io::Error::from(io::ErrorKind::UnexpectedEof)).step("line"),
    }
}

/// Start the first process of the namespace and end with it. It has the line; what it writes to is closed here, so that
/// the end of the command's output is seen.
fn start_init(confinement: &Confinement, command: &[OsString]) -> Result<ExitCode, LaunchFailure> {
    let text = serde_json::to_string(&super::handover::InitConfig::of(confinement))
        .map_err(io::Error::from)
        .step("line")?;
    limits::keep_for_init().step("privileges")?;
    // SIGTERM is for the command; init passes it on.
    signal_hook::flag::register(signal_hook::consts::SIGTERM, Arc::new(AtomicBool::new(false)))
        .step("signals")?;
    let mut init = Command::new("/proc/self/exe")
        .arg(INIT)
        .arg(text)
        .args(command)
        .stdin(Stdio::inherit())
        .spawn()
        .step("processes")?;
    init::close_streams().step("streams")?;
    let status = init.wait().step("processes")?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
