//! What is known of a file without reading it.

use std::os::fd::AsFd;
use std::path::Path;

use rustix::fs::{FileType, Stat, fstat, lstat};
use rustix::io::Result;
use serde::{Deserialize, Serialize};

/// Which file or folder it is: device and inode. As long as somebody has it open, no other one gets the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The number of its file system.
    pub device: u64,
    /// The file's number on that device.
    pub inode: u64,
}

/// What a file is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link.
    Link,
    /// A pipe, a socket, a device.
    #[default]
    Other,
}

impl Kind {
    pub(super) fn of(kind: FileType) -> Self {
        match kind {
            FileType::RegularFile => Self::File,
            FileType::Directory => Self::Folder,
            FileType::Symlink => Self::Link,
            _ => Self::Other,
        }
    }
}

/// What tells whether somebody touched a file: git's own choice, but for the device.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FileFacts {
    /// When the file's content was changed: seconds since 1970, and nanoseconds.
    pub mtime: (i64, i64),
    /// When the file was changed in any way.
    pub ctime: (i64, i64),
    /// The file's length in bytes.
    pub size: u64,
    /// The file's number in its file system.
    pub inode: u64,
    /// The file's kind and permissions, as in stat(2).
    pub mode: u32,
    /// The file's user and group.
    pub owner: (u32, u32),
    /// The number of its file system.
    pub device: u64,
}

impl FileFacts {
    /// The facts of what lies at a path, which is not followed when it is a link.
    ///
    /// # Errors
    /// When nothing lies there.
    pub fn at(path: &Path) -> std::io::Result<Self> {
        Ok(Self::of(&lstat(path)?))
    }

    /// The facts of an open file.
    ///
    /// # Errors
    /// When the file system cannot tell.
    pub fn of_open(file: impl AsFd) -> std::io::Result<Self> {
        Ok(facts_of(file)?)
    }

    // The kernel's numbers have another type on some machines.
    #[cfg_attr(target_arch = "x86_64", expect(clippy::useless_conversion, reason = "not on every machine"))]
    pub(super) fn of(stat: &Stat) -> Self {
        let number = |time: i64| time;
        let nanoseconds = |time: u64| i64::try_from(time).unwrap_or_default();
        Self {
            mtime: (number(stat.st_mtime.into()), nanoseconds(stat.st_mtime_nsec.into())),
            ctime: (number(stat.st_ctime.into()), nanoseconds(stat.st_ctime_nsec.into())),
            size: u64::try_from(stat.st_size).unwrap_or_default(),
            inode: stat.st_ino.into(),
            mode: stat.st_mode.into(),
            owner: (stat.st_uid, stat.st_gid),
            device: stat.st_dev.into(),
        }
    }

    /// Which file it is.
    #[must_use]
    pub const fn identity(&self) -> Identity {
        Identity { device: self.device, inode: self.inode }
    }

    /// What the file is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        Kind::of(FileType::from_raw_mode(self.mode))
    }

    /// Whether the file is a folder, and not a link to one.
    #[must_use]
    pub fn is_folder(&self) -> bool {
        self.kind() == Kind::Folder
    }
}

pub(super) fn facts_of(file: impl AsFd) -> Result<FileFacts> {
    fstat(file).map(|stat| FileFacts::of(&stat))
}
