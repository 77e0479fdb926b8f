//! The folder of one run of pybisect, and what dead runs have left.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use crate::git::remove_tree;
use crate::process::end_marked;

/// A folder for everything that a run writes, `runs/<name>` under the cache folder. Removed when dropped; the lock
/// on a file in it says that the run is alive.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    name: String,
    bytecode: PathBuf,
    _lock: File,
}

/// A folder in memory needs this much space; what it gets is links, the few modules of an environment that have no
/// bytecode yet, and the bytecode of the trees: 30 MB for one that executes a thousand modules, and what changes.
const LEAST_MEMORY: u64 = 512 << 20;

impl RunFolder {
    /// Make the folder of a new run.
    ///
    /// # Errors
    /// When the cache folder cannot be written.
    pub fn create(cache: &Path) -> io::Result<Self> {
        let runs = cache.join("runs");
        fs::create_dir_all(&runs)?;
        // Nobody sweeps between the making of a folder and the locking of its file.
        let _guard = lock_of_all(&runs)?;
        let path = tempfile::Builder::new().prefix("run-").rand_bytes(8).tempdir_in(&runs)?.keep();
        let lock = File::create(path.join("lock"))?;
        flock(&lock, FlockOperation::LockExclusive)?;
        let path = path.canonicalize()?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let bytecode = match folder_in_memory(&name) {
            Some(folder) if DirBuilder::new().mode(0o700).create(&folder).is_ok() => folder,
            _ => path.join("bytecode"),
        };
        fs::create_dir_all(&bytecode)?;
        Ok(Self { path, name, bytecode, _lock: lock })
    }

    /// Where it is, absolute and without links.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where bytecode goes: in memory where the system has a folder for that.
    #[must_use]
    pub fn bytecode(&self) -> &Path {
        &self.bytecode
    }

    /// The run's name, unlike that of every other run.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Drop for RunFolder {
    fn drop(&mut self) {
        // Whoever waits for the answer waits for this. What cannot be removed now is swept by a later run.
        rayon::join(|| drop(remove_tree(&self.bytecode)), || drop(remove_tree(&self.path)));
    }
}

/// End the processes and remove the folders of runs that are no longer alive. How many runs there were.
///
/// # Errors
/// When the list of runs cannot be read.
pub fn sweep(cache: &Path) -> io::Result<usize> {
    let runs = cache.join("runs");
    if !runs.exists() {
        return Ok(0);
    }
    let mut dead = Vec::new();
    {
        let _guard = lock_of_all(&runs)?;
        for entry in fs::read_dir(&runs)? {
            let path = entry?.path();
            if path.is_dir()
                && let Some(lock) = lock_of_dead(&path)
            {
                dead.push((path, lock));
            }
        }
    }
    for (path, _lock) in &dead {
        if let Some(name) = path.file_name().and_then(|name| name.to_str()) {
            let _ended = end_marked(&format!("{name}-"));
            if let Some(folder) = folder_in_memory(name) {
                drop(remove_tree(&folder));
            }
        }
        // Another user's folder stays.
        drop(remove_tree(path));
    }
    Ok(dead.len())
}

/// The folder in memory that belongs to a run, whether it is there or not.
#[cfg(target_os = "linux")]
fn folder_in_memory(run: &str) -> Option<PathBuf> {
    const TMPFS: u64 = 0x0102_1994;
    let memory = Path::new("/dev/shm");
    let facts = rustix::fs::statfs(memory).ok()?;
    let block = u64::try_from(facts.f_bsize).ok()?;
    let is_fit =
        u64::try_from(facts.f_type) == Ok(TMPFS) && facts.f_bavail.saturating_mul(block) >= LEAST_MEMORY;
    is_fit.then(|| memory.join(format!("pybisect-{run}")))
}

#[cfg(not(target_os = "linux"))]
const fn folder_in_memory(_run: &str) -> Option<PathBuf> {
    None
}

fn lock_of_all(runs: &Path) -> io::Result<File> {
    let lock = OpenOptions::new().create(true).truncate(false).write(true).open(runs.join("lock"))?;
    flock(&lock, FlockOperation::LockExclusive)?;
    Ok(lock)
}

/// The lock of a run, when nobody holds it.
fn lock_of_dead(run: &Path) -> Option<File> {
    let lock = OpenOptions::new().create(true).truncate(false).write(true).open(run.join("lock")).ok()?;
    flock(&lock, FlockOperation::NonBlockingLockExclusive).is_ok().then_some(lock)
}
