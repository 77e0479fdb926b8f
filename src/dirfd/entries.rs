//! What lies in an open folder, and the folder that a path lies in.

use std::ffi::{OsStr, OsString};
use std::os::fd::{AsRawFd as _, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Mode, OFlags, RawDir, SeekFrom, chmod, openat, seek, statat};
use rustix::io::Errno;

use super::facts::{FileFacts, Kind, facts_of};
use super::resolve::one_name;

/// What lies in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The entry's name.
    pub name: OsString,
    /// What the entry is.
    pub kind: Kind,
}

/// Let a folder be read and written by us.
pub(super) fn open_up(folder: BorrowedFd<'_>) -> rustix::io::Result<()> {
    let mode = facts_of(folder)?.mode;
    if mode & 0o700 == 0o700 {
        return Ok(());
    }
    // The path of a descriptor: fchmod(2) refuses those that only name a file.
    let path = format!("/proc/self/fd/{}", folder.as_raw_fd());
    chmod(path, Mode::from_raw_mode(mode & 0o7777 | 0o700))
}

pub(super) fn entries_of(folder: BorrowedFd<'_>) -> rustix::io::Result<Vec<Entry>> {
    seek(folder, SeekFrom::Start(0))?;
    let mut buffer = Vec::with_capacity(32 << 10);
    let mut listed = RawDir::new(folder, buffer.spare_capacity_mut());
    let mut all = Vec::new();
    while let Some(entry) = listed.next() {
        let entry = entry?;
        let name = OsStr::from_bytes(entry.file_name().to_bytes());
        if name == "." || name == ".." {
            continue;
        }
        let kind = match entry.file_type() {
            // Some file systems do not say.
            rustix::fs::FileType::Unknown => match statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(stat) => FileFacts::of(&stat).kind(),
                Err(Errno::NOENT) => continue,
                Err(error) => return Err(error),
            },
            kind => Kind::of(kind),
        };
        all.push(Entry { name: name.to_owned(), kind });
    }
    Ok(all)
}

/// The folder that holds a path, opened by path, and the name in it.
pub(super) fn parent_of(path: &Path) -> rustix::io::Result<(OwnedFd, &OsStr)> {
    let name = one_name(path.file_name().unwrap_or_default())?;
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok((openat(CWD, parent, flags, Mode::empty())?, name))
}
