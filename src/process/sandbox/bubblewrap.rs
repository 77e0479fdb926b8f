//! bubblewrap (`bwrap`), where it may make namespaces and this program may not: systems that forbid them to ordinary
//! programs often let it, by its name or because it is set-user-ID.
//!
//! The launcher becomes bwrap, which makes the namespaces and the view, and starts this program's [`init`](super::init)
//! as the first process in them. From there on all is as with namespaces of our own.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd as _, IntoRawFd as _, RawFd};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::sys::signal::{SigSet, Signal};
use rustix::io::{FdFlags, dup, fcntl_setfd};
use rustix::process::geteuid;

use super::handover::{AfterBubblewrap, users};
use super::mounts::{Mount, OTHER_DEVICES, Place};
use super::{Confinement, INIT, Network};
use crate::dirfd::Identity;
use crate::process::program;

/// Where it is; `None` when it is not on `PATH`, or refused there.
pub(super) fn find(refuses: &dyn Fn(&Path) -> bool) -> Option<PathBuf> {
    program("bwrap", refuses).ok()
}

/// Variables that the C library takes from a set-user-ID program, and with it from all that it starts.
const TAKEN: [&str; 12] = [
    "GCONV_PATH",
    "GLIBC_TUNABLES",
    "HOSTALIASES",
    "LD_LIBRARY_PATH",
    "LD_PRELOAD",
    "LOCALDOMAIN",
    "LOCPATH",
    "MALLOC_ARENA_MAX",
    "NLSPATH",
    "RES_OPTIONS",
    "TMPDIR",
    "TZDIR",
];

/// Become bwrap. Returns only when that fails.
pub(super) fn become_it(bwrap: &Path, confinement: &Confinement, command: &[OsString]) -> io::Error {
    match prepared(bwrap, confinement, command) {
        Ok(mut bwrap) => bwrap.exec(),
        Err(error) => error,
    }
}

fn prepared(bwrap: &Path, confinement: &Confinement, command: &[OsString]) -> io::Result<Command> {
    // Its path may mean nothing inside, so bwrap gets it as an open file.
    let own = File::open("/proc/self/exe")?;
    fcntl_setfd(&own, FdFlags::empty())?;
    let own: RawFd = own.into_raw_fd();
    // SIGTERM is for the command; bwrap would end of it. The init takes the block away for itself.
    SigSet::from(Signal::SIGTERM).thread_block()?;
    // Of what the command writes to, bwrap would keep the other end open while it watches. It gets these under numbers
    // that it closes then, and for its own words the line.
    let streams = [dup(io::stdout())?, dup(io::stderr())?].map(|stream| stream.into_raw_fd());
    let left = AfterBubblewrap { program: own, streams, users: users()?, own: own_folders(confinement) };
    let part = serde_json::to_string(&super::handover::InitConfig::in_bubblewrap(confinement, left))?;
    let line = io::stdin().as_fd().try_clone_to_owned()?;
    let mut made = Command::new(bwrap);
    made.stdout(Stdio::null()).stderr(Stdio::from(line));
    made.args(arguments(confinement, geteuid().is_root()))
        .arg("--")
        .arg(format!("/proc/self/fd/{own}"))
        .args([INIT.into(), OsString::from(part)])
        .args(command);
    Ok(made)
}

fn own_folders(confinement: &Confinement) -> Vec<(Place, Identity)> {
    let own = confinement.mounts.iter().filter_map(|mount| match mount {
        Mount::Write { at, is: Some(identity), .. } => Some((at.clone(), *identity)),
        _ => None,
    });
    own.collect()
}

/// The namespaces and the view, in bwrap's words. It takes sources from outside, whatever is covered by then.
fn arguments(confinement: &Confinement, is_root: bool) -> Vec<OsString> {
    let mut words: Vec<OsString> = Vec::new();
    let mut say = |option: &str, rest: &[&Path]| {
        words.push(option.into());
        words.extend(rest.iter().map(|path| path.as_os_str().to_owned()));
    };
    for option in ["--die-with-parent", "--as-pid-1", "--unshare-pid", "--unshare-ipc"] {
        say(option, &[]);
    }
    if confinement.namespaces.network {
        say("--unshare-net", &[]);
    }
    if !is_root {
        // In a set-user-ID bwrap it can do without.
        say("--unshare-user-try", &[]);
        if confinement.network == Network::None || confinement.seal {
            // It brings the loopback up; the init leaves for a network without one. And it makes no overlays.
            say("--cap-add", &[Path::new("CAP_SYS_ADMIN")]);
        }
    }
    say("--ro-bind", &[Path::new("/"), Path::new("/")]);
    say("--proc", &[Path::new("/proc")]);
    let mut hidden = Vec::new();
    for mount in &confinement.mounts {
        let at = mount.at();
        match mount {
            Mount::Devices { .. } => {
                say("--dev", &[at]);
                hidden.push(at);
                for device in OTHER_DEVICES.map(|name| Path::new("/dev").join(name)) {
                    say("--dev-bind-try", &[&device, &device]);
                }
            }
            Mount::Hide { .. } => {
                say("--perms", &[Path::new("0755")]);
                say("--tmpfs", &[at]);
                hidden.push(at);
            }
            Mount::Memory { .. } => {
                say("--perms", &[Path::new("1777")]);
                say("--tmpfs", &[at]);
            }
            Mount::Show { from, .. } if from.0 == Path::new("/dev/null") => say("--dev-bind", &[&from.0, at]),
            Mount::Show { from, .. } => say("--ro-bind-try", &[&from.0, at]),
            Mount::Write { from, .. } => say("--bind-try", &[&from.0, at]),
            Mount::Link { to, .. } => say("--symlink", &[&to.0, at]),
        }
    }
    // Only now: places for what lies in them had to be made.
    for at in hidden {
        say("--remount-ro", &[at]);
    }
    for (name, value) in std::env::vars_os().filter(|(name, _)| TAKEN.iter().any(|taken| name == taken)) {
        say("--setenv", &[Path::new(&name), Path::new(&value)]);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::sandbox::{Limits, Namespaces};

    #[test]
    fn a_view_is_told_in_the_order_in_which_it_is_made() {
        let place = |path: &str| Place(path.into());
        let confinement = Confinement {
            launcher: PathBuf::new(),
            bubblewrap: Some(place("/usr/bin/bwrap")),
            namespaces: Namespaces { user: true, mount: true, process: true, network: true },
            network: Network::Loopback,
            mounts: vec![
                Mount::Hide { at: place("/home/ada") },
                Mount::Link { at: place("/home/ada/3"), to: place("3.11") },
                Mount::Show { from: place("/home/ada/3.11"), at: place("/home/ada/3.11") },
                Mount::Write { from: place("/cache/slot"), at: place("/cache/slot"), is: None },
            ],
            fence: None,
            only_port: None,
            seal: true,
            no_abstract_sockets: false,
            filter: true,
            limits: Limits::default(),
            folder: place("/"),
        };
        let words = arguments(&confinement, false);
        let text = words.iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ");
        assert!(
            text.contains(
                "--unshare-net --unshare-user-try --cap-add CAP_SYS_ADMIN --ro-bind / / --proc /proc"
            )
        );
        let steps = "--perms 0755 --tmpfs /home/ada --symlink 3.11 /home/ada/3 \
                     --ro-bind-try /home/ada/3.11 /home/ada/3.11 --bind-try /cache/slot /cache/slot \
                     --remount-ro /home/ada";
        assert!(text.contains(steps), "{text}");
        assert!(!arguments(&confinement, true).contains(&"--unshare-user-try".into()));
    }
}
