//! The pool of slots.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use super::RunFolder;
use super::slot::{Slot, SlotParts};
use super::slot_dir::{SlotDir, SlotDirs};
use crate::executor::in_environment::inside;
use crate::executor::{CompiledModules, EnvironmentHost, Executor, ExecutorError};
use crate::git::Shadow;
use crate::model::{CancelToken, Trial, TrialOutput};
use crate::process::sandbox::Sandbox;

/// Runs trials on this machine, one a slot. The folder of the run must outlive it.
pub struct LocalExecutor {
    slots: Arc<Slots>,
    jobs: usize,
    run: String,
    next: AtomicU64,
    dirs: Arc<SlotDirs>,
    /// What is done beside the trials.
    helpers: Mutex<Vec<JoinHandle<()>>>,
    /// Seeds the bytecode of packages; the first command waits for it.
    seeding: Mutex<Option<JoinHandle<()>>>,
}

impl CompiledModules for SlotDirs {
    fn seed(&self, folders: &[PathBuf]) {
        drop(Self::seed(self, folders));
    }

    fn compiled_below(&self, folder: &Path) -> BTreeSet<PathBuf> {
        Self::compiled_below(self, folder)
    }
}

impl EnvironmentHost for LocalExecutor {
    fn compiled_modules(&self) -> Arc<dyn CompiledModules> {
        let dirs: Arc<SlotDirs> = Arc::clone(&self.dirs);
        dirs
    }
}

/// The slots that no trial is in.
struct Slots {
    free: Mutex<Vec<Slot>>,
    returned: Condvar,
}

impl Slots {
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

    /// A free slot in which nothing was checked out yet.
    fn take_new(&self) -> Option<Slot> {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let at = free.iter().rposition(Slot::is_new)?;
        Some(free.remove(at))
    }

    /// Return a slot: one that a trial was in is the next to be taken.
    fn give_back(&self, slot: Slot, was_used: bool) {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let at = if was_used { free.len() } else { 0 };
        free.insert(at, slot);
        self.returned.notify_one();
    }
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
        let of_run = |source| ExecutorError::Slot { folder: run.path().to_owned(), source };
        let is_read_only = sandbox.as_ref().is_some_and(Sandbox::keeps_files);
        let dirs = Arc::new(SlotDirs::new(run, is_read_only).map_err(of_run)?);
        let exchange = Arc::new(dirs.exchange().map_err(of_run)?);
        // Repositories in the slots borrow objects from the shadow's.
        let mut visible = shadow.object_folders();
        visible.extend([exchange.path().to_owned(), dirs.packages_path()]);
        let sandbox = sandbox.map(|sandbox| sandbox.allow_paths(&visible, &[]));
        let slots: Result<Vec<Slot>, ExecutorError> = (0..jobs)
            .rev()
            .map(|number| {
                let dir = SlotDir::new(&dirs, number).map_err(of_run)?;
                let objects = shadow
                    .repository()
                    .reopen()
                    .map_err(|source| ExecutorError::Repository { folder: run.path().to_owned(), source })?;
                let (borrowed, exchange) = (shadow.borrowed(), Arc::clone(&exchange));
                Slot::new(dir, SlotParts { objects, borrowed, exchange, sandbox: sandbox.clone() })
            })
            .collect();
        Ok(Self {
            slots: Arc::new(Slots { free: Mutex::new(slots?), returned: Condvar::new() }),
            jobs,
            run: run.name().to_owned(),
            next: AtomicU64::new(0),
            dirs,
            helpers: Mutex::default(),
            seeding: Mutex::default(),
        })
    }

    /// Begin to seed the bytecode of the packages in these folders; no command runs before that is done.
    pub fn seed(&self, folders: Vec<PathBuf>) {
        let dirs = Arc::clone(&self.dirs);
        // Where it cannot be seeded, Python compiles.
        let seeding = std::thread::spawn(move || drop(dirs.seed(&folders)));
        *self.seeding.lock().unwrap_or_else(PoisonError::into_inner) = Some(seeding);
    }

    /// Wait for the seeds.
    fn seeded(&self) {
        if let Some(seeding) = self.seeding.lock().unwrap_or_else(PoisonError::into_inner).take() {
            drop(seeding.join());
        }
    }

    /// While the first command of a slot runs, check its tree out in one more slot: whatever comes next is near.
    fn prepare_another(&self, trial: &Trial) {
        let Some(mut slot) = self.slots.take_new() else { return };
        let (slots, commit, tree) = (Arc::clone(&self.slots), trial.commit, trial.tree);
        let helper = std::thread::spawn(move || {
            slot.prepare(commit, tree);
            slots.give_back(slot, false);
        });
        self.helpers.lock().unwrap_or_else(PoisonError::into_inner).push(helper);
    }
}

/// The folders that they write in go next.
impl Drop for LocalExecutor {
    fn drop(&mut self) {
        self.seeded();
        for helper in std::mem::take(&mut *self.helpers.lock().unwrap_or_else(PoisonError::into_inner)) {
            drop(helper.join());
        }
    }
}

impl Executor for LocalExecutor {
    fn capacity(&self) -> usize {
        self.jobs
    }

    fn run(&self, trial: &Trial, cancel: &CancelToken) -> Result<TrialOutput, ExecutorError> {
        let inside = trial.environment.as_ref().map(|environment| {
            let recipe = Arc::new(inside(&trial.recipe, environment));
            Trial { recipe, ..trial.clone() }
        });
        let trial = inside.as_ref().unwrap_or(trial);
        let asked = Instant::now();
        let mut slot = self.slots.take();
        let waited = asked.elapsed();
        let marker = format!("{}-{}", self.run, self.next.fetch_add(1, Ordering::Relaxed));
        let is_first = !slot.has_run();
        let result = slot.run(trial, cancel, &marker, || {
            self.seeded();
            if is_first {
                self.prepare_another(trial);
            }
        });
        // One that failed is not the first to be taken again.
        self.slots.give_back(slot, result.is_ok());
        result.map(|mut output| {
            output.timing.queue_ms = waited.as_secs_f64() * 1e3;
            output
        })
    }
}
