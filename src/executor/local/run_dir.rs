//! The folder of one run of pybisect, and what dead runs have left.

use std::fs::{DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};

use crate::dirfd::{Folder, Kind};
use crate::process::end_marked;

/// A folder for everything that a run writes, `runs/<name>` under the cache folder. Removed when dropped; the lock
/// on a file in it says that the run is alive.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    name: String,
    bytecode: PathBuf,
    runs: Folder,
    folder: Folder,
    _lock: File,
}

/// A folder in memory needs this much space; what it gets is links, the few modules of an environment that have no
/// bytecode yet, and the bytecode of the trees: 30 MB for one that executes a thousand modules, and what changes.
const LEAST_MEMORY: u64 = 512 << 20;
/// Who waits for the answer waits so long at most for the folder to be gone.
const PATIENCE: Duration = Duration::from_secs(20);
/// So long the folders of dead runs are removed beside everything else.
const PATIENCE_BESIDE: Duration = Duration::from_secs(600);
/// So long the end of that is waited for, when there is nothing else left to do.
const PATIENCE_AT_THE_END: Duration = Duration::from_secs(2);

const LOCK: &str = "lock";
const PREFIX: &str = "run-";

impl RunFolder {
    /// Make the folder of a new run, with one in memory for its bytecode where the system has such a folder.
    ///
    /// # Errors
    /// When the cache folder cannot be written.
    pub fn create(cache: &Path) -> io::Result<Self> {
        Self::new(cache, true)
    }

    /// Make the folder of a new run without one in memory: that would lie where all can write.
    ///
    /// # Errors
    /// When the cache folder cannot be written.
    pub fn create_on_disk(cache: &Path) -> io::Result<Self> {
        Self::new(cache, false)
    }

    fn new(cache: &Path, in_memory: bool) -> io::Result<Self> {
        let path = cache.join("runs");
        DirBuilder::new().recursive(true).create(&path)?;
        let path = path.canonicalize()?;
        let runs = Folder::open(&path)?;
        // Nobody sweeps between the making of a folder and the locking of its file.
        let _guard = lock_of_all(&runs)?;
        let path = tempfile::Builder::new().prefix(PREFIX).rand_bytes(8).tempdir_in(&path)?.keep();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let folder = runs.folder(name.as_ref())?;
        let lock = folder.create(LOCK.as_ref(), 0o600)?;
        flock(&lock, FlockOperation::LockExclusive)?;
        let in_memory = folder_in_memory(&name).filter(|_| in_memory && is_memory_roomy());
        let bytecode = match in_memory {
            Some(folder) if DirBuilder::new().mode(0o700).create(&folder).is_ok() => folder,
            _ => {
                folder.new_folder("bytecode")?;
                path.join("bytecode")
            }
        };
        Ok(Self { path, name, bytecode, runs, folder, _lock: lock })
    }

    /// Where the run is, absolute and without links.
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
        let until = Instant::now() + PATIENCE;
        rayon::join(
            || remove_from_memory(&self.name, until),
            || {
                // Also where it was moved to.
                drop(self.folder.empty(until));
                drop(self.runs.remove(self.name.as_ref(), until));
            },
        );
    }
}

/// The removal of what dead runs left, which goes on beside everything else.
#[derive(Debug)]
pub struct Sweep {
    count: usize,
    done: Receiver<()>,
}

impl Sweep {
    /// How many dead runs there were.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.count
    }

    /// Wait until all of it is gone.
    pub fn finish(self) {
        let _gone = self.done.recv();
    }
}

/// Runs that are alive now.
///
/// # Errors
/// When the list of runs cannot be read.
pub fn alive(cache: &Path) -> io::Result<usize> {
    let runs = match Folder::open(&cache.join("runs")) {
        Ok(runs) => runs,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(error),
    };
    let _guard = lock_of_all(&runs)?;
    let names = runs.entries()?.into_iter().filter(|entry| entry.kind == Kind::Folder);
    let names = names.filter_map(|entry| entry.name.into_string().ok());
    Ok(names.filter(|name| name.starts_with(PREFIX) && lock_of_dead(&runs, name).is_none()).count())
}

impl Drop for Sweep {
    fn drop(&mut self) {
        // Done, or not in time: then a later run goes on with it.
        let _late = self.done.recv_timeout(PATIENCE_AT_THE_END);
    }
}

/// End the processes of runs that are no longer alive, and begin to remove their folders.
///
/// # Errors
/// When the list of runs cannot be read.
pub fn sweep(cache: &Path) -> io::Result<Sweep> {
    sweep_with(cache, |name| {
        let _ended = end_marked(&format!("{name}-"));
    })
}

/// Begin to remove the folders of runs that are no longer alive, after `end` has ended what they left running.
///
/// # Errors
/// When the list of runs cannot be read.
pub fn sweep_with(cache: &Path, end: impl Fn(&str)) -> io::Result<Sweep> {
    let (tell, done) = channel();
    let runs = match Folder::open(&cache.join("runs")) {
        Ok(runs) => runs,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Sweep { count: 0, done }),
        Err(error) => return Err(error),
    };
    let mut dead = Vec::new();
    {
        let _guard = lock_of_all(&runs)?;
        for entry in runs.entries()?.into_iter().filter(|entry| entry.kind == Kind::Folder) {
            let Ok(name) = entry.name.into_string() else { continue };
            if let Some(lock) = lock_of_dead(&runs, &name) {
                dead.push((name, lock));
            }
        }
    }
    let count = dead.len();
    for (name, _) in &dead {
        end(name);
    }
    std::thread::spawn(move || {
        let until = Instant::now() + PATIENCE_BESIDE;
        for (name, _lock) in &dead {
            remove_from_memory(name, until);
            // Another user's folder stays.
            drop(remove_run(&runs, name, until));
        }
        let _gone = tell.send(());
    });
    Ok(Sweep { count, done })
}

/// Remove the folder of a run, its lock last: nobody else begins with it.
fn remove_run(runs: &Folder, name: &str, until: Instant) -> io::Result<()> {
    let folder = runs.opened_up(name.as_ref())?;
    for entry in folder.entries()?.iter().filter(|entry| entry.name != LOCK) {
        folder.remove(entry.name.as_ref(), until)?;
    }
    runs.remove(name.as_ref(), until)
}

const MEMORY: &str = "/dev/shm";

fn name_in_memory(run: &str) -> String {
    format!("pybisect-{run}")
}

/// The folder in memory that belongs to a run, whether it is there or not.
#[cfg(target_os = "linux")]
fn folder_in_memory(run: &str) -> Option<PathBuf> {
    const TMPFS: u64 = 0x0102_1994;
    let facts = rustix::fs::statfs(MEMORY).ok()?;
    (u64::try_from(facts.f_type) == Ok(TMPFS)).then(|| Path::new(MEMORY).join(name_in_memory(run)))
}

#[cfg(not(target_os = "linux"))]
const fn folder_in_memory(_run: &str) -> Option<PathBuf> {
    None
}

fn is_memory_roomy() -> bool {
    rustix::fs::statvfs(MEMORY)
        .is_ok_and(|facts| facts.f_bavail.saturating_mul(facts.f_frsize) >= LEAST_MEMORY)
}

fn remove_from_memory(run: &str, until: Instant) {
    if folder_in_memory(run).is_some()
        && let Ok(memory) = Folder::open(Path::new(MEMORY))
    {
        drop(memory.remove(name_in_memory(run).as_ref(), until));
    }
}

fn lock_of_all(runs: &Folder) -> io::Result<File> {
    let lock = lock_file(runs)?;
    flock(&lock, FlockOperation::LockExclusive)?;
    Ok(lock)
}

/// The lock of a run, when nobody holds it.
fn lock_of_dead(runs: &Folder, run: &str) -> Option<File> {
    let lock = lock_file(&runs.opened_up(run.as_ref()).ok()?).ok()?;
    flock(&lock, FlockOperation::NonBlockingLockExclusive).is_ok().then_some(lock)
}

/// The lock in a folder. What a command may have put in its place is removed.
fn lock_file(folder: &Folder) -> io::Result<File> {
    match folder.overwrite(LOCK.as_ref()) {
        Ok(file) => return Ok(file),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(_) => folder.remove(LOCK.as_ref(), Instant::now() + PATIENCE_AT_THE_END)?,
    }
    match folder.create(LOCK.as_ref(), 0o600) {
        // Another run was quicker.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => folder.overwrite(LOCK.as_ref()),
        made => made,
    }
}
