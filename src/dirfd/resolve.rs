//! From a path beneath an open folder to a descriptor.

use std::ffi::OsStr;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path};

use rustix::fs::{Mode, OFlags, ResolveFlags, openat, openat2};
use rustix::io::{Errno, Result};

use super::facts::facts_of;

/// A descriptor that says which file it is, and allows for nothing else.
pub(super) const ONLY_NAMES: OFlags = OFlags::PATH.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
/// A folder whose entries can be read.
pub(super) const FOLDER: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

const INSIDE: ResolveFlags = ResolveFlags::BENEATH
    .union(ResolveFlags::NO_SYMLINKS)
    .union(ResolveFlags::NO_MAGICLINKS)
    .union(ResolveFlags::NO_XDEV);

/// Attempts that a signal or a change to the tree at the same time may spoil.
const ATTEMPTS: usize = 64;

/// Open a path relative to a folder. No link is followed, also not in the middle of the path, no mount point is crossed,
/// and `..` is refused. An empty path is the folder itself.
pub(super) fn open_beneath(
    folder: BorrowedFd<'_>,
    path: &Path,
    flags: OFlags,
    mode: Mode,
) -> Result<OwnedFd> {
    open_within(folder, path, flags, mode, INSIDE)
}

/// The same of a single name, on which something may be mounted.
pub(super) fn open_mounted(folder: BorrowedFd<'_>, name: &OsStr) -> Result<OwnedFd> {
    openat(folder, one_name(name)?, ONLY_NAMES, Mode::empty())
}

/// Open a path with links, as long as they lead nowhere outside.
pub(super) fn open_with_links(folder: BorrowedFd<'_>, path: &Path) -> Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    let inside = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    openat2(folder, or_dot(path), flags, Mode::empty(), inside)
}

/// Open a file that a path with links leads to, as long as they lead nowhere outside. Nobody waits for the other end of a pipe.
pub(super) fn open_file_with_links(folder: BorrowedFd<'_>, path: &Path) -> Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let inside = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    open_within(folder, path, flags, Mode::empty(), inside)
}

fn open_within(
    folder: BorrowedFd<'_>,
    path: &Path,
    flags: OFlags,
    mode: Mode,
    resolve: ResolveFlags,
) -> Result<OwnedFd> {
    for _ in 0..ATTEMPTS {
        match openat2(folder, or_dot(path), flags, mode, resolve) {
            Err(Errno::INTR | Errno::AGAIN) => {}
            // A kernel before 5.6, or a container that forbids what it does not know.
            Err(Errno::NOSYS | Errno::PERM) => return step_by_step(folder, path, flags, mode),
            opened => return opened,
        }
    }
    Err(Errno::AGAIN)
}

fn or_dot(path: &Path) -> &Path {
    if path.as_os_str().is_empty() { Path::new(".") } else { path }
}

/// One name after the other.
fn step_by_step(folder: BorrowedFd<'_>, path: &Path, flags: OFlags, mode: Mode) -> Result<OwnedFd> {
    let device = facts_of(folder)?.device;
    let mut here = openat(folder, ".", OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
    let mut parts = path.components().peekable();
    if parts.peek().is_none() {
        return openat(folder, ".", flags, mode);
    }
    while let Some(part) = parts.next() {
        let Component::Normal(name) = part else { return Err(Errno::XDEV) };
        let is_last = parts.peek().is_none();
        let next = if is_last {
            openat(here.as_fd(), name, flags | OFlags::NOFOLLOW, mode)?
        } else {
            openat(here.as_fd(), name, ONLY_NAMES | OFlags::DIRECTORY, Mode::empty())?
        };
        if facts_of(&next)?.device != device {
            return Err(Errno::XDEV);
        }
        here = next;
    }
    Ok(here)
}

/// A name that cannot lead anywhere else.
pub(super) fn one_name(name: &OsStr) -> Result<&OsStr> {
    let leads_on = matches!(name.as_bytes(), b"" | b"." | b"..") || name.as_bytes().contains(&b'/');
    if leads_on { Err(Errno::XDEV) } else { Ok(name) }
}
