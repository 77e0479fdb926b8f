//! Sockets in the file system: out of reach, though all else there can be read.
//!
//! That a mount is read only keeps nobody from connecting to a socket on it, and behind a socket is a program with rights
//! of its own: a container engine, a database, an agent. A network namespace does not count for these either. Seen through
//! another file system, though, a socket is only a name: so what a command sees of the machine's files beside the system's
//! own is laid under an overlay without an upper layer, where it can be read as before.

use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};
use std::{fs, io};

use rustix::fs::{Access, access};
use rustix::io::Errno;
use rustix::mount::{MountFlags, UnmountFlags, mount, mount_bind, unmount};

use super::mounts::{Mount, Place, unescaped};

/// Right below the top, what holds no socket, has been replaced, or is the kernel's.
const PASSED_OVER: [&str; 14] = [
    "/bin", "/boot", "/dev", "/etc", "/lib", "/lib32", "/lib64", "/libx32", "/proc", "/run", "/sbin", "/sys",
    "/tmp", "/usr",
];
/// Where container engines keep what they run, with hundreds of mounts that nobody reads: hidden as a whole.
const STORES: [&str; 5] =
    ["/var/lib/containerd", "/var/lib/containers", "/var/lib/docker", "/var/lib/kubelet", "/var/lib/lxcfs"];

/// How what covers them is mounted.
const COVER: MountFlags = MountFlags::RDONLY.union(MountFlags::NOSUID).union(MountFlags::NODEV);

/// The places that are covered as they should be, or will be: those of a command's view.
pub(super) fn places(mounts: &[Mount]) -> Vec<Place> {
    mounts.iter().map(|mount| Place(mount.at().clone())).collect()
}

/// Put all others out of reach. Best done before the view is mounted: what lies around a place of it is one overlay
/// then, and each takes milliseconds to go on a busy machine.
///
/// # Errors
/// When the system does not let overlays be made here.
pub(super) fn seal(own: &[Place]) -> io::Result<()> {
    let mut seal = Seal { own, mounted: mounted(&fs::read("/proc/self/mountinfo")?), first_error: None };
    seal.mounted.sort();
    seal.mounted.dedup();
    let empty = Path::new("/dev/shm");
    // The lower one of two layers; each overlay keeps it when it is no longer seen.
    mount("tmpfs", empty, "tmpfs", COVER, c"size=4k,mode=0755")?;
    seal.below(Path::new("/"), empty);
    unmount(empty, UnmountFlags::DETACH)?;
    seal.first_error.map_or(Ok(()), Err)
}

struct Seal<'a> {
    own: &'a [Place],
    mounted: Vec<PathBuf>,
    first_error: Option<io::Error>,
}

impl Seal<'_> {
    fn place(&mut self, at: &Path, empty: &Path) {
        if self.own.iter().any(|own| own.0 == at) || PASSED_OVER.iter().any(|other| Path::new(other) == at) {
            return;
        }
        let done = if STORES.iter().any(|store| Path::new(store) == at) {
            mount_bind(empty, at)
        } else if access(at, Access::EXEC_OK).is_err() {
            // Nobody gets in.
            Ok(())
        } else if self.holds_mounts(at) {
            // An overlay would not show them.
            self.below(at, empty);
            Ok(())
        } else if fs::read_dir(at).is_ok_and(|mut entries| entries.next().is_none()) {
            mount_bind(empty, at)
        } else {
            overlay(at, empty)
        };
        self.note(at, done);
    }

    fn below(&mut self, folder: &Path, empty: &Path) {
        // What cannot be listed cannot be entered, as things are for other users' folders; by root all can.
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let Ok(kind) = entry.file_type() else { continue };
            let at = entry.path();
            if kind.is_dir() {
                self.place(&at, empty);
            } else if kind.is_socket() {
                let done = mount_bind("/dev/null", &at);
                self.note(&at, done);
            }
        }
    }

    fn holds_mounts(&self, at: &Path) -> bool {
        // In order, what lies in a folder follows it.
        let first = self.mounted.partition_point(|mounted| mounted.as_path() <= at);
        self.mounted.get(first).is_some_and(|mounted| mounted.starts_with(at))
    }

    fn note(&mut self, at: &Path, done: Result<(), Errno>) {
        match done {
            // Gone by now, or not to be entered: nobody gets there either.
            Ok(()) | Err(Errno::NOENT | Errno::ACCESS | Errno::NOTDIR) => {}
            Err(error) => {
                let error = io::Error::from(error);
                let told = io::Error::new(error.kind(), format!("{}: {error}", at.display()));
                self.first_error.get_or_insert(told);
            }
        }
    }
}

fn overlay(at: &Path, empty: &Path) -> Result<(), Errno> {
    let mut options = b"lowerdir=".to_vec();
    for byte in at.as_os_str().as_bytes() {
        if matches!(byte, b'\\' | b':' | b',') {
            options.push(b'\\');
        }
        options.push(*byte);
    }
    options.push(b':');
    options.extend(empty.as_os_str().as_bytes());
    let options = std::ffi::CString::new(options).map_err(|_| Errno::INVAL)?;
    mount("overlay", at, "overlay", COVER, options.as_c_str())
}

/// Where something is mounted; see proc_pid_mountinfo(5).
fn mounted(table: &[u8]) -> Vec<PathBuf> {
    let place = |line: &[u8]| line.split(|&byte| byte == b' ').nth(4).map(unescaped);
    table.split(|&byte| byte == b'\n').filter_map(place).collect()
}
