//! Files on disk: what tells that one was touched, and removing what a trial left.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

/// What tells whether somebody touched a file: git's own choice, but for the device.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FileFacts {
    pub(super) mtime: (i64, i64),
    pub(super) ctime: (i64, i64),
    pub(super) size: u64,
    pub(super) inode: u64,
    mode: u32,
    pub(super) owner: (u32, u32),
    pub(super) device: u64,
}

impl FileFacts {
    /// The facts of what lies at a path, which is not followed when it is a link.
    ///
    /// # Errors
    /// When nothing lies there.
    pub fn at(path: &Path) -> io::Result<Self> {
        fs::symlink_metadata(path).map(|metadata| Self::of(&metadata))
    }

    /// The facts in a file's metadata.
    #[must_use]
    pub fn of(metadata: &fs::Metadata) -> Self {
        Self {
            mtime: (metadata.mtime(), metadata.mtime_nsec()),
            ctime: (metadata.ctime(), metadata.ctime_nsec()),
            size: metadata.size(),
            inode: metadata.ino(),
            mode: metadata.mode(),
            owner: (metadata.uid(), metadata.gid()),
            device: metadata.dev(),
        }
    }

    /// The file's length in bytes.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }
}

/// Make a folder readable and writable for us, whatever a trial did to its mode.
pub fn open_folder(path: &Path) {
    if let Ok(metadata) = path.symlink_metadata()
        && metadata.is_dir()
        && metadata.mode() & 0o700 != 0o700
    {
        // Where this fails, what is done in the folder next fails as well, and says why.
        drop(fs::set_permissions(path, fs::Permissions::from_mode(metadata.mode() | 0o700)));
    }
}

/// Remove whatever lies at a path: links are removed and not followed, folders with all they hold, whatever
/// their mode.
///
/// # Errors
/// When something cannot be removed; that nothing lies there is no error.
pub fn remove_tree(path: &Path) -> io::Result<()> {
    let is_folder = match path.symlink_metadata() {
        Ok(metadata) => metadata.is_dir(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if !is_folder {
        return fs::remove_file(path);
    }
    // Fast, and safe against links that appear meanwhile; it fails at folders that we may not write to.
    if fs::remove_dir_all(path).is_ok() {
        return Ok(());
    }
    open_folder(path);
    for entry in fs::read_dir(path)? {
        remove_tree(&entry?.path())?;
    }
    fs::remove_dir(path)
}
