//! Where a run builds packages: a folder of its own, with a cache of its own.
//!
//! A package is built by code of its own. What that code may write is gone with the run, but for the environment that the
//! package is for: neither the cache that later runs install from, nor what was resolved, nor any other environment.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{FlockOperation, Mode, OFlags, flock, open};

use super::netrc;
use crate::dirfd::{Scratch, remove_tree};

/// Beginning of the names of folders in which packages are built.
const NAME: &str = "desk-";
/// Held as long as the folder is used; builds do not see it.
const LOCK: &str = "lock";
/// A folder without a lock is somebody's who is just making it, unless it is older than this.
const OLD: Duration = Duration::from_secs(3600);
/// Bytes of an answer that are read.
const LONGEST_ANSWER: u64 = 64 << 20;
/// Bytes of lists of versions that are taken over from the lasting cache.
const MOST_LISTS: u64 = 64 << 20;

/// The folder of one run; it goes with the last that uses it.
#[derive(Debug)]
pub(super) struct BuildFolder {
    folder: Scratch,
    _lock: File,
}

impl BuildFolder {
    /// One in this folder, where uv keeps its lasting cache beside it. Of the keys in `netrc`, those for these hosts are
    /// copied.
    ///
    /// # Errors
    /// When it cannot be made.
    pub(super) fn new(
        environments: &Path,
        netrc: Option<&Path>,
        hosts: &BTreeSet<String>,
    ) -> io::Result<Self> {
        fs::create_dir_all(environments)?;
        let folder = Scratch::new_in(environments, NAME)?;
        let private = |name: &str| fs::DirBuilder::new().mode(0o700).create(folder.path().join(name));
        private("cache")?;
        private("desks")?;
        let write = |name: &str| {
            OpenOptions::new().create_new(true).write(true).mode(0o600).open(folder.path().join(name))
        };
        let lock = write(LOCK)?;
        flock(&lock, FlockOperation::LockExclusive)?;
        // Without one, uv is told of an empty one: the user's is not its affair.
        let keys = netrc.and_then(|file| fs::read_to_string(file).ok()).unwrap_or_default();
        io::Write::write_all(&mut write("netrc")?, netrc::for_hosts(&keys, hosts).as_bytes())?;
        // Lists of versions hold nothing that is run, and are long.
        take_lists(&environments.join("uv"), &folder.path().join("cache"), |_| {});
        Ok(Self { folder, _lock: lock })
    }

    /// uv's cache for what it builds.
    pub(super) fn cache(&self) -> PathBuf {
        self.folder.path().join("cache")
    }

    /// Take the lists of versions over from uv's lasting cache once more; what they say.
    pub(super) fn take_lists(&self, from: &Path) -> Vec<String> {
        let mut texts = Vec::new();
        take_lists(from, &self.cache(), |list| texts.push(String::from_utf8_lossy(list).into_owned()));
        texts
    }

    /// The keys to registries.
    pub(super) fn netrc(&self) -> PathBuf {
        self.folder.path().join("netrc")
    }

    /// A folder for what a program is told and what it answers. No other sees it.
    ///
    /// # Errors
    /// When it cannot be made.
    pub(super) fn desk(&self) -> io::Result<Scratch> {
        Scratch::new_in(&self.folder.path().join("desks"), NAME)
    }
}

/// Copy the lists of versions from one cache of uv to another, as far as they are not too many. Without one it is asked
/// for again.
fn take_lists(from: &Path, to: &Path, mut tell: impl FnMut(&[u8])) {
    let mut left = MOST_LISTS;
    let tops = fs::read_dir(from).into_iter().flatten().flatten();
    for top in tops.filter(|top| top.file_name().to_string_lossy().starts_with("simple-")) {
        for entry in walkdir::WalkDir::new(top.path()).into_iter().flatten() {
            let Ok(place) = entry.path().strip_prefix(from) else { continue };
            let place = to.join(place);
            if entry.file_type().is_dir() {
                drop(fs::create_dir_all(place));
            } else if entry.file_type().is_file() {
                let size = entry.metadata().map_or(u64::MAX, |facts| facts.len());
                let Some(rest) = left.checked_sub(size) else { return };
                left = rest;
                let Ok(list) = fs::read(entry.path()) else { continue };
                tell(&list);
                drop(fs::write(place, list));
            }
        }
    }
}

/// Read what a program wrote where others may write too: a file and no link, of a size that can be held.
///
/// # Errors
/// When it is anything else.
pub(super) fn read_answer(path: &Path) -> io::Result<String> {
    // Not waiting for the other end of a pipe.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = File::from(open(path, flags, Mode::empty())?);
    if !file.metadata()?.is_file() {
        return Err(io::Error::other(format!("{} is no file", path.display())));
    }
    let mut text = String::new();
    file.take(LONGEST_ANSWER).read_to_string(&mut text)?;
    Ok(text)
}

/// Remove what runs that were killed have left.
pub(super) fn sweep(environments: &Path) {
    for entry in fs::read_dir(environments).into_iter().flatten().flatten() {
        if !entry.file_name().to_string_lossy().starts_with(NAME) {
            continue;
        }
        let is_left = match File::open(entry.path().join(LOCK)) {
            Ok(lock) => flock(&lock, FlockOperation::NonBlockingLockExclusive).is_ok(),
            Err(_) => {
                let made = entry.metadata().and_then(|facts| facts.modified());
                made.is_ok_and(|made| made.elapsed().is_ok_and(|age| age > OLD))
            }
        };
        if is_left {
            // Another time, then.
            drop(remove_tree(&entry.path()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_in_use_stay_and_what_was_left_goes() {
        let place = tempfile::tempdir().unwrap();
        let used = BuildFolder::new(place.path(), None, &BTreeSet::new()).unwrap();
        let left = BuildFolder::new(place.path(), None, &BTreeSet::new()).unwrap();
        let BuildFolder { folder, _lock } = left;
        let path = folder.path().to_owned();
        // As when the run is killed: the lock is gone, the folder is not.
        std::mem::forget(folder);
        drop(_lock);
        sweep(place.path());
        assert!(used.cache().is_dir() && !path.exists());
    }

    #[test]
    fn an_answer_is_a_file_and_no_link() {
        let place = tempfile::tempdir().unwrap();
        let [file, link, pipe] = ["file", "link", "pipe"].map(|name| place.path().join(name));
        fs::write(&file, "flask==1\n").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, Mode::RUSR | Mode::WUSR).unwrap();
        assert_eq!(read_answer(&file).unwrap(), "flask==1\n");
        assert!(read_answer(&link).is_err());
        assert!(read_answer(&pipe).is_err());
    }

    #[test]
    fn lists_of_versions_are_taken_over_and_nothing_else() {
        let place = tempfile::tempdir().unwrap();
        for (folder, file) in [("uv/simple-v1/index", "flask"), ("uv/wheels-v1", "flask.whl")] {
            fs::create_dir_all(place.path().join(folder)).unwrap();
            fs::write(place.path().join(folder).join(file), "x").unwrap();
        }
        let made = BuildFolder::new(place.path(), None, &BTreeSet::new()).unwrap();
        assert!(made.cache().join("simple-v1/index/flask").is_file());
        assert!(!made.cache().join("wheels-v1").exists());
    }
}
