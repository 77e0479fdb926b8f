//! Removing what a command left: in two descriptors, however deep, and no longer than until a moment.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd, OwnedFd};
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::fs::{AtFlags, IFlags, Mode, OFlags, ioctl_getflags, ioctl_setflags, open, openat, unlinkat};
use rustix::io::{Errno, Result};
use rustix::mount::{UnmountFlags, unmount};

use super::entries::{entries_of, open_up, parent_of};
use super::facts::{Identity, Kind, facts_of};
use super::resolve::{FOLDER, ONLY_NAMES, open_beneath, open_mounted};

/// Mounts that are taken away from one place.
const MOST_MOUNTS: usize = 16;
/// For who does not say how long.
const LONG: Duration = Duration::from_secs(3600);

/// Remove whatever lies at a path: links are removed and not followed, folders with all they hold, whatever their mode
/// and depth.
///
/// # Errors
/// When something cannot be removed; that nothing lies there is no error.
pub fn remove_tree(path: &Path) -> io::Result<()> {
    match parent_of(path) {
        Ok((parent, name)) => remove_beneath(parent.as_fd(), name, Instant::now() + LONG),
        Err(Errno::NOENT) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// A folder on the way down.
struct Level {
    name: OsString,
    identity: Identity,
    /// Folders in it that something is in.
    waiting: Vec<OsString>,
}

/// Remove what has this name in a folder.
pub(super) fn remove_beneath(parent: BorrowedFd<'_>, name: &OsStr, until: Instant) -> io::Result<()> {
    let mut failed = Failed(None);
    match remove_one(parent, name, Kind::Other) {
        Ok(true) => return Ok(()),
        Ok(false) => {}
        Err(error) => return Err(error.into()),
    }
    let (mut here, top) = enter(parent, name, until, &mut failed)?;
    let mut levels = vec![top];
    while let Some(level) = levels.last_mut() {
        if Instant::now() > until {
            return Err(io::ErrorKind::TimedOut.into());
        }
        if let Some(name) = level.waiting.pop() {
            match enter(here.as_fd(), &name, until, &mut failed) {
                Ok((inner, level)) => {
                    here = inner;
                    levels.push(level);
                }
                Err(error) => failed.note(error),
            }
            continue;
        }
        let Some(done) = levels.pop() else { break };
        let above = match levels.last() {
            None => parent.try_clone_to_owned()?,
            Some(level) => back(here.as_fd(), level.identity)?,
        };
        match remove_one(above.as_fd(), &done.name, Kind::Folder) {
            Ok(true) => {}
            Ok(false) => failed.note(Errno::NOTEMPTY.into()),
            Err(error) => failed.note(error.into()),
        }
        here = above;
    }
    failed.0.map_or(Ok(()), Err)
}

/// The first thing that could not be done.
struct Failed(Option<io::Error>);

impl Failed {
    fn note(&mut self, error: io::Error) {
        self.0.get_or_insert(error);
    }
}

/// Open a folder and remove in it all but the folders that something is in.
fn enter(
    parent: BorrowedFd<'_>,
    name: &OsStr,
    until: Instant,
    failed: &mut Failed,
) -> io::Result<(OwnedFd, Level)> {
    let folder = open_for_removal(parent, name)?;
    let identity = facts_of(&folder)?.identity();
    let mut waiting = Vec::new();
    for entry in entries_of(folder.as_fd())? {
        if Instant::now() > until {
            return Err(io::ErrorKind::TimedOut.into());
        }
        match remove_one(folder.as_fd(), &entry.name, entry.kind) {
            Ok(true) => {}
            Ok(false) => waiting.push(entry.name),
            Err(error) => failed.note(error.into()),
        }
    }
    Ok((folder, Level { name: name.to_owned(), identity, waiting }))
}

/// Open a folder whatever its mode is, and whatever is mounted on it.
fn open_for_removal(parent: BorrowedFd<'_>, name: &OsStr) -> Result<OwnedFd> {
    let names = ONLY_NAMES | OFlags::DIRECTORY;
    let found = match open_beneath(parent, name.as_ref(), names, Mode::empty()) {
        Err(Errno::XDEV) => {
            take_mounts_away(parent, name);
            open_beneath(parent, name.as_ref(), names, Mode::empty())?
        }
        found => found?,
    };
    // Where this fails, what is done in it next fails as well, and says why.
    let _refused = open_up(found.as_fd());
    openat(&found, ".", FOLDER, Mode::empty())
}

/// The folder above, when it is still the one that we came from.
fn back(here: BorrowedFd<'_>, identity: Identity) -> io::Result<OwnedFd> {
    let above = openat(here, "..", ONLY_NAMES | OFlags::DIRECTORY, Mode::empty())?;
    if facts_of(&above)?.identity() == identity {
        Ok(above)
    } else {
        Err(io::Error::other("a folder was moved while it was removed"))
    }
}

/// Remove a file or an empty folder. `false` when it is a folder that something is in.
fn remove_one(folder: BorrowedFd<'_>, name: &OsStr, kind: Kind) -> Result<bool> {
    match attempt(folder, name, kind) {
        Err(Errno::PERM | Errno::ACCESS) => {
            loosen(folder, name);
            attempt(folder, name, kind)
        }
        Err(Errno::BUSY) => {
            take_mounts_away(folder, name);
            attempt(folder, name, kind)
        }
        done => done,
    }
}

fn attempt(folder: BorrowedFd<'_>, name: &OsStr, kind: Kind) -> Result<bool> {
    if kind != Kind::Folder {
        match unlinkat(folder, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => return Ok(true),
            Err(Errno::ISDIR) => {}
            Err(error) => return Err(error),
        }
    }
    match unlinkat(folder, name, AtFlags::REMOVEDIR) {
        Ok(()) | Err(Errno::NOENT) => Ok(true),
        Err(Errno::NOTEMPTY | Errno::EXIST) => Ok(false),
        // It became one meanwhile.
        Err(Errno::NOTDIR) => unlinkat(folder, name, AtFlags::empty()).map(|()| true),
        Err(error) => Err(error),
    }
}

/// Take away what keeps a name from being removed: the modes of its folder, and the flags that forbid changes.
fn loosen(folder: BorrowedFd<'_>, name: &OsStr) {
    let _refused = open_up(folder);
    if let Ok(folder) = openat(folder, ".", FOLDER, Mode::empty()) {
        allow_changes(folder.as_fd());
    }
    let Ok(found) = open_beneath(folder, name.as_ref(), ONLY_NAMES, Mode::empty()) else { return };
    // Others are not opened: a device may do something at that.
    if matches!(facts_of(&found).map(|facts| facts.kind()), Ok(Kind::File | Kind::Folder)) {
        let path = format!("/proc/self/fd/{}", found.as_raw_fd());
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        if let Ok(file) = open(path, flags, Mode::empty()) {
            allow_changes(file.as_fd());
        }
    }
}

fn allow_changes(file: BorrowedFd<'_>) {
    let forbidding = IFlags::IMMUTABLE | IFlags::APPEND;
    if let Ok(flags) = ioctl_getflags(file)
        && flags.intersects(forbidding)
    {
        let _refused = ioctl_setflags(file, flags.difference(forbidding));
    }
}

/// Take away what a command mounted at a name.
fn take_mounts_away(folder: BorrowedFd<'_>, name: &OsStr) {
    for _ in 0..MOST_MOUNTS {
        let Ok(mounted) = open_mounted(folder, name) else { return };
        let path = format!("/proc/self/fd/{}", mounted.as_raw_fd());
        // It fails at what is no mount point: then nothing is left to be taken away.
        if unmount(path, UnmountFlags::DETACH).is_err() {
            return;
        }
    }
}
