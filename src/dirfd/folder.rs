//! An open folder.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::io::Read as _;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use rustix::fs::{
    AtFlags, Mode, OFlags, mkdirat, open, openat, readlinkat, renameat, statat, symlinkat, unlinkat,
};
use rustix::io::Errno;

use super::attributes::FolderAttributes;
use super::entries::{Entry, entries_of, open_up};
use super::facts::{FileFacts, Identity, Kind, facts_of};
use super::remove::remove_beneath;
use super::resolve::{FOLDER, ONLY_NAMES, one_name, open_beneath, open_file_with_links, open_with_links};

/// A folder that was opened once. Paths are relative to it, and lead neither outside nor over a link.
#[derive(Debug)]
pub struct Folder {
    descriptor: OwnedFd,
}

impl AsFd for Folder {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

impl Folder {
    /// Open a folder by its path, which is not followed when it is a link itself.
    ///
    /// # Errors
    /// When it is no folder, or cannot be read.
    pub fn open(path: &Path) -> io::Result<Self> {
        Ok(Self { descriptor: open(path, FOLDER, Mode::empty())? })
    }

    /// Open the folder at a path beneath this one.
    ///
    /// # Errors
    /// When it is no folder, or cannot be read.
    pub fn folder(&self, path: &Path) -> io::Result<Self> {
        Ok(Self { descriptor: open_beneath(self.as_fd(), path, FOLDER, Mode::empty())? })
    }

    /// A folder beneath, readable and writable for us whatever a command did to its mode.
    ///
    /// # Errors
    /// When it is no folder.
    pub fn opened_up(&self, path: &Path) -> io::Result<Self> {
        let names = ONLY_NAMES | OFlags::DIRECTORY;
        let found = open_beneath(self.as_fd(), path, names, Mode::empty())?;
        open_up(found.as_fd())?;
        Ok(Self { descriptor: openat(&found, ".", FOLDER, Mode::empty())? })
    }

    /// Make a folder in this one, and open it. Nothing may lie there.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn new_folder(&self, name: &str) -> io::Result<Self> {
        mkdirat(self, one_name(name.as_ref())?, Mode::RWXU | Mode::RWXG | Mode::RWXO)?;
        self.folder(name.as_ref())
    }

    /// Which folder it is.
    ///
    /// # Errors
    /// When the file system cannot tell.
    pub fn identity(&self) -> io::Result<Identity> {
        Ok(facts_of(self)?.identity())
    }

    /// What the folder has beside its entries.
    ///
    /// # Errors
    /// When the file system cannot tell.
    pub fn attributes(&self) -> io::Result<FolderAttributes> {
        Ok(FolderAttributes::of(self.as_fd())?)
    }

    /// Let it have these attributes, whatever a command made of its own.
    ///
    /// # Errors
    /// When it cannot have them any more.
    pub fn put_back(&self, attributes: &FolderAttributes) -> io::Result<()> {
        Ok(attributes.put_back(self.as_fd())?)
    }

    /// Whether this name is that folder's, and no link to it.
    #[must_use]
    pub fn has(&self, name: &str, folder: &Self) -> bool {
        let there = open_beneath(self.as_fd(), name.as_ref(), ONLY_NAMES | OFlags::DIRECTORY, Mode::empty());
        match (there.and_then(facts_of), facts_of(folder)) {
            (Ok(there), Ok(folder)) => there.identity() == folder.identity(),
            _ => false,
        }
    }

    /// A path to the folder for libraries that want one: it leads here as long as this is open, in this process.
    #[must_use]
    pub fn own_path(&self) -> PathBuf {
        PathBuf::from(format!("/proc/self/fd/{}", self.descriptor.as_raw_fd()))
    }

    /// The facts of what lies at a path.
    ///
    /// # Errors
    /// When nothing lies there.
    pub fn facts(&self, path: &Path) -> io::Result<FileFacts> {
        if let Ok(name) = one_name(path.as_os_str()) {
            return Ok(FileFacts::of(&statat(self, name, AtFlags::SYMLINK_NOFOLLOW)?));
        }
        Ok(facts_of(open_beneath(self.as_fd(), path, ONLY_NAMES, Mode::empty())?)?)
    }

    /// Whether a path leads to a folder, over links also, but not outside.
    #[must_use]
    pub fn leads_to_folder(&self, path: &Path) -> bool {
        open_with_links(self.as_fd(), path).and_then(facts_of).is_ok_and(|facts| facts.is_folder())
    }

    /// What lies in it, in no order.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn entries(&self) -> io::Result<Vec<Entry>> {
        Ok(entries_of(self.as_fd())?)
    }

    /// Open a regular file to read it.
    ///
    /// # Errors
    /// When it is none, or cannot be read.
    pub fn open_file(&self, path: &Path) -> io::Result<File> {
        // Nobody waits for the other end of a pipe.
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        self.regular(path, flags)
    }

    /// Open a regular file to write over it.
    ///
    /// # Errors
    /// When it is none, or cannot be written.
    pub fn overwrite(&self, path: &Path) -> io::Result<File> {
        let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        self.regular(path, flags)
    }

    fn regular(&self, path: &Path, flags: OFlags) -> io::Result<File> {
        only_regular(open_beneath(self.as_fd(), path, flags, Mode::empty())?)
    }

    /// Make a file that is not there yet, with these permissions as far as the umask lets.
    ///
    /// # Errors
    /// When something lies there, or it cannot be made.
    pub fn create(&self, path: &Path, permissions: u32) -> io::Result<File> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(open_beneath(self.as_fd(), path, flags, Mode::from_raw_mode(permissions))?.into())
    }

    /// What is in a regular file, up to a length.
    ///
    /// # Errors
    /// When it is none, or cannot be read.
    pub fn read(&self, path: &Path, most: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.open_file(path)?.take(most).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// What is in a regular file of somebody else's tree: over links, as long as they lead nowhere outside.
    ///
    /// # Errors
    /// When it is none, lies outside, is longer than `most`, or cannot be read.
    pub fn read_over_links(&self, path: &Path, most: u64) -> io::Result<Vec<u8>> {
        let other = |why: &str| io::Error::new(io::ErrorKind::InvalidInput, why.to_owned());
        let file = match open_file_with_links(self.as_fd(), path) {
            Err(Errno::XDEV) => return Err(other("it is a link that leads outside")),
            file => only_regular(file?)?,
        };
        let mut bytes = Vec::new();
        file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
        if u64::try_from(bytes.len()).is_ok_and(|length| length > most) {
            return Err(other("it is too large"));
        }
        Ok(bytes)
    }

    /// Make a symbolic link.
    ///
    /// # Errors
    /// When something lies there, or it cannot be made.
    pub fn link(&self, to: &Path, path: &Path) -> io::Result<()> {
        self.in_parent(path, |parent, name| symlinkat(to, parent, name))
    }

    /// Let a symbolic link be at a path. What is in the way is removed, `until` a moment.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn link_anew(&self, to: &Path, path: &Path, until: Instant) -> io::Result<()> {
        if self.read_link(path).is_ok_and(|there| there == to) {
            return Ok(());
        }
        self.make_folders(path.parent().unwrap_or(Path::new("")), until)?;
        self.remove(path, until)?;
        self.link(to, path)
    }

    /// What is written in a symbolic link.
    ///
    /// # Errors
    /// When it is none.
    pub fn read_link(&self, path: &Path) -> io::Result<PathBuf> {
        let target = self.in_parent(path, |parent, name| readlinkat(parent, name, Vec::new()))?;
        Ok(OsString::from_vec(target.into_bytes()).into())
    }

    /// Make a folder and those above it. What is in the way is removed, `until` a moment.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn make_folders(&self, path: &Path, until: Instant) -> io::Result<()> {
        let names = ONLY_NAMES | OFlags::DIRECTORY;
        if path.as_os_str().is_empty() || open_beneath(self.as_fd(), path, names, Mode::empty()).is_ok() {
            return Ok(());
        }
        let is_missing = |above: &&Path| {
            !above.as_os_str().is_empty() && open_beneath(self.as_fd(), above, names, Mode::empty()).is_err()
        };
        let above: Vec<&Path> = path.ancestors().skip(1).take_while(is_missing).collect();
        let make = |here: &Path| {
            let all = Mode::RWXU | Mode::RWXG | Mode::RWXO;
            self.in_parent(here, |parent, name| mkdirat(parent, name, all))
        };
        for here in above.into_iter().rev().chain([path]) {
            match make(here) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    self.remove(here, until)?;
                    make(here)?;
                }
                made => made?,
            }
        }
        Ok(())
    }

    /// Remove what is no folder.
    ///
    /// # Errors
    /// When nothing lies there, or it is a folder.
    pub fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.in_parent(path, |parent, name| unlinkat(parent, name, AtFlags::empty()))
    }

    /// Remove a folder in which nothing is.
    ///
    /// # Errors
    /// When something is left in it.
    pub fn remove_empty(&self, path: &Path) -> io::Result<()> {
        self.in_parent(path, |parent, name| unlinkat(parent, name, AtFlags::REMOVEDIR))
    }

    /// Remove whatever lies at a path, folders with all they hold, whatever their modes, `until` a moment.
    ///
    /// # Errors
    /// When something cannot be removed, or not in time; what could be is gone. That nothing lies there is no error.
    pub fn remove(&self, path: &Path, until: Instant) -> io::Result<()> {
        match self.in_parent(path, |parent, name| Ok(remove_beneath(parent, name, until))) {
            Ok(removed) => removed,
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Remove all that lies in it.
    ///
    /// # Errors
    /// When something cannot be removed, or not in time.
    pub fn empty(&self, until: Instant) -> io::Result<()> {
        open_up(self.as_fd())?;
        let mut first = Ok(());
        for entry in self.entries()? {
            first = first.and(self.remove(entry.name.as_ref(), until));
        }
        first
    }

    /// Move what has this name to another folder, under another name.
    ///
    /// # Errors
    /// When it cannot be moved.
    pub fn move_to(&self, path: &Path, to: &Self, name: &str) -> io::Result<()> {
        let new = one_name(name.as_ref())?;
        self.in_parent(path, |parent, name| renameat(parent, name, to, new))
    }

    /// Do something with a name in the folder that holds it.
    fn in_parent<T>(
        &self,
        path: &Path,
        act: impl FnOnce(BorrowedFd<'_>, &OsStr) -> rustix::io::Result<T>,
    ) -> io::Result<T> {
        let name = one_name(path.file_name().unwrap_or_default())?;
        match path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            None => Ok(act(self.as_fd(), name)?),
            Some(parent) => {
                let names = ONLY_NAMES | OFlags::DIRECTORY;
                let parent = open_beneath(self.as_fd(), parent, names, Mode::empty())?;
                Ok(act(parent.as_fd(), name)?)
            }
        }
    }
}

/// The file, when it is no folder, pipe or device.
fn only_regular(file: OwnedFd) -> io::Result<File> {
    if facts_of(&file)?.kind() != Kind::File {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
    }
    Ok(File::from(file))
}
