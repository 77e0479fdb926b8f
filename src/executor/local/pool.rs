//! The pool of slots.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Instant;

use super::RunFolder;
use super::slot::Slot;
use crate::executor::{Executor, ExecutorError};
use crate::git::Shadow;
use crate::model::{CancelToken, Trial, TrialOutput};
use crate::process::sandbox::Sandbox;

/// Runs trials on this machine, one a slot. The folder of the run must outlive it.
pub struct LocalExecutor {
    free: Mutex<Vec<Slot>>,
    returned: Condvar,
    jobs: usize,
    run: String,
    next: AtomicU64,
    pycache: PathBuf,
}

impl LocalExecutor {
    /// An executor with `jobs` slots (at least one) in the folder of a run. Nothing is checked out yet. With a sandbox,
    /// commands run in it.
    ///
    /// # Errors
    /// When the folders cannot be made.
    pub fn new(
        run: &RunFolder,
        shadow: &Shadow,
        jobs: usize,
        sandbox: Option<Sandbox>,
    ) -> Result<Self, ExecutorError> {
        let jobs = jobs.max(1);
        let pycache = run.pycache().to_owned();
        // Repositories in the slots borrow objects from these.
        let sandbox =
            sandbox.map(|sandbox| sandbox.and(&shadow.object_folders(), std::slice::from_ref(&pycache)));
        let slots: Result<Vec<Slot>, ExecutorError> = (0..jobs)
            .rev()
            .map(|number| {
                let folder = run.path().join("slots").join(number.to_string());
                let objects = shadow.repository().reopen();
                let objects =
                    objects.map_err(|source| ExecutorError::Repository { folder: folder.clone(), source })?;
                Slot::new(folder, pycache.clone(), objects, shadow.borrowed(), sandbox.clone())
            })
            .collect();
        Ok(Self {
            free: Mutex::new(slots?),
            returned: Condvar::new(),
            jobs,
            run: run.name().to_owned(),
            next: AtomicU64::new(0),
            pycache,
        })
    }

    /// The bytecode prefix that all slots share; to be [seeded](super::pycache::seed_pycache).
    #[must_use]
    pub fn pycache(&self) -> &Path {
        &self.pycache
    }

    /// A slot nobody uses; the one that was returned last, as its work tree is the likeliest to be near.
    fn take(&self) -> Slot {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(slot) = free.pop() {
                return slot;
            }
            free = self.returned.wait(free).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn give_back(&self, slot: Slot) {
        self.free.lock().unwrap_or_else(PoisonError::into_inner).push(slot);
        self.returned.notify_one();
    }
}

impl Executor for LocalExecutor {
    fn capacity(&self) -> usize {
        self.jobs
    }

    fn run(&self, trial: &Trial, cancel: &CancelToken) -> Result<TrialOutput, ExecutorError> {
        let asked = Instant::now();
        let mut slot = self.take();
        let waited = asked.elapsed();
        let marker = format!("{}-{}", self.run, self.next.fetch_add(1, Ordering::Relaxed));
        let result = slot.run(trial, cancel, &marker);
        self.give_back(slot);
        result.map(|mut output| {
            output.timing.queue_ms = waited.as_secs_f64() * 1e3;
            output
        })
    }
}
