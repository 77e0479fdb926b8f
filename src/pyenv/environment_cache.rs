//! Environments on disk: each made once, shared by all that want the same packages, evicted by age and size.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rustix::fs::{FlockOperation, flock};

use crate::dirfd::remove_tree;

/// An environment that nobody used for this long goes.
const OLDEST: Duration = Duration::from_secs(30 * 24 * 3600);

/// The folder of environments.
#[derive(Debug, Clone)]
pub(super) struct EnvironmentCache {
    folder: PathBuf,
    /// Bytes that all of them may take, not counting what they share with others by hard links.
    limit: u64,
}

/// A lock on an environment: it is not evicted while this lives.
#[derive(Debug)]
pub(super) struct EnvironmentLease {
    _lock: File,
}

impl EnvironmentCache {
    pub(super) const fn new(folder: PathBuf, limit: u64) -> Self {
        Self { folder, limit }
    }

    pub(super) fn path(&self, key: &str) -> PathBuf {
        self.folder.join(key)
    }

    /// An environment that is complete, locked against eviction; `None` when it has to be made.
    pub(super) fn hold(&self, key: &str) -> io::Result<Option<EnvironmentLease>> {
        if !self.complete(key).is_file() {
            return Ok(None);
        }
        let lock = self.lock_file(key)?;
        flock(&lock, FlockOperation::LockShared)?;
        // It may have been evicted while we waited.
        Ok(self.complete(key).is_file().then_some(EnvironmentLease { _lock: lock }))
    }

    /// Make an environment with `make`, unless somebody else does so meanwhile. Whether it was made now.
    pub(super) fn make<E>(
        &self,
        key: &str,
        machine: impl Fn(&io::Error) -> E,
        make: impl FnOnce(&Path) -> Result<(), E>,
    ) -> Result<bool, E> {
        fs::create_dir_all(&self.folder).map_err(|error| machine(&error))?;
        let lock = self.lock_file(key).map_err(|error| machine(&error))?;
        flock(&lock, FlockOperation::LockExclusive).map_err(|error| machine(&error.into()))?;
        if self.complete(key).is_file() {
            return Ok(false);
        }
        let folder = self.path(key);
        remove_tree(&folder).map_err(|error| machine(&error))?;
        make(&folder)?;
        fs::write(self.complete(key), size_of(&folder).to_string()).map_err(|error| machine(&error))?;
        Ok(true)
    }

    /// Note that an environment is used.
    pub(super) fn touch(&self, key: &str) {
        if let Ok(file) = OpenOptions::new().write(true).open(self.complete(key)) {
            // An old time only makes it go sooner.
            drop(file.set_modified(SystemTime::now()));
        }
    }

    /// Remove environments that nobody used for long, and the least recently used ones beyond the size. Those in
    /// use stay, and `spared` does too. How many were removed.
    pub(super) fn evict(&self, spared: &str) -> io::Result<usize> {
        let mut known = Vec::new();
        for entry in fs::read_dir(&self.folder)?.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let Some(key) = name.strip_suffix(".complete") else { continue };
            let used = entry.metadata()?.modified()?;
            let size = fs::read_to_string(entry.path())?.parse::<u64>().unwrap_or_default();
            known.push((used, size, key.to_owned()));
        }
        known.sort();
        let mut total: u64 = known.iter().map(|(_, size, _)| size).sum();
        let mut removed = 0;
        for (used, size, key) in known {
            let is_old = used.elapsed().is_ok_and(|age| age > OLDEST);
            if key != spared && (is_old || total > self.limit) && self.remove(&key)? {
                total = total.saturating_sub(size);
                removed += 1;
            }
        }
        Ok(removed)
    }

    /// Whether it could be removed: nobody uses it.
    fn remove(&self, key: &str) -> io::Result<bool> {
        let lock = self.lock_file(key)?;
        if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() {
            return Ok(false);
        }
        fs::remove_file(self.complete(key))?;
        remove_tree(&self.path(key))?;
        Ok(true)
    }

    fn complete(&self, key: &str) -> PathBuf {
        self.folder.join(format!("{key}.complete"))
    }

    fn lock_file(&self, key: &str) -> io::Result<File> {
        OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(self.folder.join(format!("{key}.lock")))
    }
}

/// Remove environments under a cache folder that no run uses: those that nobody used for long and the least recently used
/// beyond `limit` bytes; all of them where that is 0. How many were removed.
///
/// # Errors
/// When the folder cannot be read or written.
pub fn evict_environments(cache: &Path, limit: u64) -> io::Result<usize> {
    let folder = environments_folder(cache);
    let beside = EnvironmentCache::new(projects_folder(&folder), if limit == 0 { 0 } else { u64::MAX });
    let store = EnvironmentCache::new(made_folder(&folder), limit);
    if beside.folder.is_dir() {
        beside.evict("")?;
    }
    if store.folder.is_dir() { store.evict("") } else { Ok(0) }
}

/// Where all that belongs to environments is kept under a cache folder.
pub(super) fn environments_folder(cache: &Path) -> PathBuf {
    cache.join("environments")
}

/// Where the environments themselves are.
pub(super) fn made_folder(environments: &Path) -> PathBuf {
    environments.join("made")
}

/// Where what makes projects look installed is.
pub(super) fn projects_folder(environments: &Path) -> PathBuf {
    environments.join("projects")
}

/// Bytes in a folder; a file with several names counts for its share.
fn size_of(folder: &Path) -> u64 {
    let entries = walkdir::WalkDir::new(folder).into_iter().flatten();
    let facts = entries.filter_map(|entry| entry.metadata().ok()).filter(fs::Metadata::is_file);
    facts.map(|facts| facts.len() / facts.nlink().max(1)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn make(store: &EnvironmentCache, key: &str) -> bool {
        let write = |folder: &Path| {
            fs::create_dir_all(folder).unwrap();
            fs::write(folder.join("file"), [0; 100]).map_err(|error| error.to_string())
        };
        store.make(key, ToString::to_string, write).unwrap()
    }

    #[test]
    fn each_is_made_once_and_the_least_recently_used_go_first() {
        let folder = tempfile::tempdir().unwrap();
        let store = EnvironmentCache::new(folder.path().to_owned(), 250);
        for (age, key) in ["a", "b", "c"].iter().enumerate() {
            assert!(make(&store, key));
            let file = OpenOptions::new().write(true).open(store.complete(key)).unwrap();
            let age = Duration::from_secs(100 - 10 * u64::try_from(age).unwrap());
            file.set_modified(SystemTime::now() - age).unwrap();
        }
        assert!(!make(&store, "a"), "it is there");
        let held = store.hold("a").unwrap().unwrap();
        assert_eq!(store.evict("").unwrap(), 1);
        assert!(store.path("a").exists() && !store.path("b").exists(), "what is in use stays");
        drop(held);
        store.touch("a");
        assert!(make(&store, "d"));
        assert_eq!(store.evict("d").unwrap(), 1);
        assert!(store.path("a").exists() && !store.path("c").exists());
        assert!(store.hold("c").unwrap().is_none());
    }

    #[test]
    fn what_nobody_used_for_long_goes_whatever_its_size() {
        let folder = tempfile::tempdir().unwrap();
        let store = EnvironmentCache::new(folder.path().to_owned(), u64::MAX);
        for key in ["a", "b"] {
            assert!(make(&store, key));
        }
        let file = OpenOptions::new().write(true).open(store.complete("a")).unwrap();
        file.set_modified(SystemTime::now() - OLDEST - Duration::from_secs(60)).unwrap();
        assert_eq!(store.evict("").unwrap(), 1);
        assert!(!store.path("a").exists() && store.path("b").exists());
    }
}
