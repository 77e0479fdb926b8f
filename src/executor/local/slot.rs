//! One trial in one slot.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use super::environment::{Folders, environment};
use super::exchange::Exchange;
use super::pycache;
use super::worktree::{CheckoutError, WorkTree};
use crate::executor::ExecutorError;
use crate::git::{Borrowed, Repository, TreeFile, open_folder, remove_tree};
use crate::model::{CancelToken, Captured, CommitId, Ending, Recipe, Timing, TreeId, Trial, TrialOutput};
use crate::process::sandbox::{Room, Sandbox};
use crate::process::{ChildOutcome, ChildSpec, run};

/// A folder in which one trial runs at a time.
pub(super) struct Slot {
    folders: Folders,
    tree: WorkTree,
    keep: (Vec<String>, GlobSet),
    exchange: Arc<Exchange>,
    sandbox: Option<Sandbox>,
    has_run: bool,
    /// Whether nothing is left of the last trial, or of a checkout that failed.
    is_clean: bool,
    /// What was checked out ahead of the next trial.
    prepared: Vec<TreeFile>,
}

impl Slot {
    /// A new slot in its folders. Nothing is checked out yet.
    pub(super) fn new(
        folders: Folders,
        objects: Repository,
        borrowed: Borrowed,
        exchange: Arc<Exchange>,
        sandbox: Option<Sandbox>,
    ) -> Result<Self, ExecutorError> {
        pycache::divert(&folders.prefix, &folders.tree, &folders.bytecode)
            .map_err(|error| machine(&folders, CheckoutError::Folder(error)))?;
        let tree = WorkTree::new(folders.tree.clone(), objects, borrowed)
            .map_err(|error| machine(&folders, error))?;
        for folder in [&folders.home, &folders.tmp] {
            empty(folder).map_err(|error| machine(&folders, CheckoutError::Folder(error)))?;
        }
        // Only this slot writes there.
        let sandbox = sandbox.map(|sandbox| sandbox.and(&[], std::slice::from_ref(&folders.bytecode)));
        let (keep, prepared) = ((Vec::new(), GlobSet::empty()), Vec::new());
        Ok(Self { folders, tree, keep, exchange, sandbox, has_run: false, is_clean: true, prepared })
    }

    /// Whether nothing was checked out in it yet.
    pub(super) const fn is_new(&self) -> bool {
        self.tree.is_new()
    }

    /// Whether a trial was in it.
    pub(super) const fn has_run(&self) -> bool {
        self.has_run
    }

    /// Check out a tree, for a trial of the same or a similar one. Where that fails, the trial will say so.
    pub(super) fn prepare(&mut self, commit: CommitId, tree: TreeId) {
        match self.tree.check_out(commit, tree) {
            Ok(written) => self.prepared = written,
            Err(_) => self.is_clean = false,
        }
    }

    /// Check out the trial's tree, set it up, run the command, put the slot back. `at_start` is called when everything
    /// is checked out.
    pub(super) fn run(
        &mut self,
        trial: &Trial,
        cancel: &CancelToken,
        marker: &str,
        at_start: impl FnOnce(),
    ) -> Result<TrialOutput, ExecutorError> {
        self.has_run = true;
        let keep = &trial.recipe.keep;
        if self.keep.0 != *keep {
            self.keep = globs(keep).map(|set| (keep.clone(), set)).map_err(|error| self.of_folder(error))?;
            self.is_clean = false;
        }
        if !self.is_clean {
            self.put_back().map_err(|error| self.of_folder(error))?;
        }
        self.is_clean = false;
        let mut output = self.run_in_clean(trial, cancel, marker, at_start)?;
        let started = Instant::now();
        // What cannot be undone is the next trial's trouble: this one has its result.
        drop(self.put_back());
        output.timing.clean_ms += milliseconds(started);
        Ok(output)
    }

    /// The trial without the putting back.
    fn run_in_clean(
        &mut self,
        trial: &Trial,
        cancel: &CancelToken,
        marker: &str,
        at_start: impl FnOnce(),
    ) -> Result<TrialOutput, ExecutorError> {
        let mut timing = Timing::default();
        let started = Instant::now();
        let ready = self.get_ready(trial, cancel)?;
        timing.checkout_ms = milliseconds(started);
        let notes = self.tree.manifest.notes();
        let without_a_run = |ending| TrialOutput {
            ending,
            stdout: Captured::default(),
            stderr: Captured::default(),
            timing,
            leftovers: 0,
            notes: notes.clone(),
        };
        let folder = match ready {
            Ok(folder) => folder,
            Err(ending) => return Ok(without_a_run(ending)),
        };
        at_start();
        let mut leftovers = 0;
        if let Some(script) = &trial.recipe.setup {
            let command = ["sh".into(), "-c".into(), script.into()];
            let setup = self.execute(&command, &trial.recipe, &folder, cancel, marker)?;
            timing.setup_ms = setup.ran.as_secs_f64() * 1e3;
            timing.clean_ms = setup.ended.as_secs_f64() * 1e3;
            leftovers += setup.leftovers;
            if let Some(ending) = failed_setup(&setup.ending) {
                let (stdout, stderr) = (setup.stdout, setup.stderr);
                return Ok(TrialOutput { ending, stdout, stderr, timing, leftovers, notes });
            }
        }
        let outcome = self.execute(&trial.recipe.command, &trial.recipe, &folder, cancel, marker)?;
        timing.run_ms = outcome.ran.as_secs_f64() * 1e3;
        timing.clean_ms += outcome.ended.as_secs_f64() * 1e3;
        leftovers += outcome.leftovers;
        let ChildOutcome { ending, stdout, stderr, .. } = outcome;
        Ok(TrialOutput { ending, stdout, stderr, timing, leftovers, notes })
    }

    /// Undo what the trial left.
    fn put_back(&mut self) -> io::Result<()> {
        self.tree.restore(&self.keep.1)?;
        let Folders { tree, bytecode, .. } = &self.folders;
        pycache::tidy(bytecode, tree, &self.tree.manifest, &self.exchange)?;
        empty(&self.folders.home)?;
        empty(&self.folders.tmp)?;
        self.is_clean = true;
        Ok(())
    }

    fn of_folder(&self, error: io::Error) -> ExecutorError {
        machine(&self.folders, CheckoutError::Folder(error))
    }

    /// Check out. The folder to run in, or how the trial ends without a run.
    fn get_ready(
        &mut self,
        trial: &Trial,
        cancel: &CancelToken,
    ) -> Result<Result<PathBuf, Ending>, ExecutorError> {
        if cancel.is_cancelled() {
            return Ok(Err(Ending::Cancelled));
        }
        match self.tree.check_out(trial.commit, trial.tree) {
            Ok(written) => {
                let Folders { tree, bytecode, .. } = &self.folders;
                self.exchange.give(&std::mem::take(&mut self.prepared), tree, bytecode);
                self.exchange.give(&written, tree, bytecode);
                self.tree
                    .make_links(&self.folders.prefix, bytecode)
                    .map_err(|error| machine(&self.folders, CheckoutError::Folder(error)))?;
            }
            Err(CheckoutError::Tree(reason)) => return Ok(Err(Ending::NoTree { reason })),
            Err(error) => return Err(machine(&self.folders, error)),
        }
        if let Some(reason) = self.tree.manifest.vital_gap() {
            return Ok(Err(Ending::NoTree { reason }));
        }
        let subdir = &trial.recipe.subdir;
        let folder: PathBuf = self.folders.tree.join(subdir).components().collect();
        if folder.is_dir() {
            Ok(Ok(folder))
        } else {
            let error = format!("there is no folder '{}' in this tree", subdir.display());
            Ok(Err(Ending::NotStarted { error }))
        }
    }

    fn execute(
        &self,
        command: &[OsString],
        recipe: &Recipe,
        folder: &Path,
        cancel: &CancelToken,
        marker: &str,
    ) -> Result<ChildOutcome, ExecutorError> {
        let (program, arguments) = command
            .split_first()
            .map_or((OsString::new(), &[][..]), |(program, rest)| (program.clone(), rest));
        let Folders { slot, home, tmp, .. } = &self.folders;
        let room = Room { slot, home, tmp };
        let confine = |sandbox: &Sandbox| sandbox.confine(room, folder, &recipe.visible, &recipe.writable);
        let spec = ChildSpec {
            program,
            arguments: arguments.to_vec(),
            folder: folder.to_owned(),
            environment: environment(recipe, &self.folders, folder),
            timeout: recipe.timeout,
            marker: marker.to_owned(),
            confinement: self.sandbox.as_ref().map(confine),
        };
        run(&spec, cancel).map_err(ExecutorError::Process)
    }
}

/// How a trial ends whose setup ended like this; `None` when the setup did its work.
fn failed_setup(ending: &Ending) -> Option<Ending> {
    let reason = match ending {
        Ending::Exited { code: 0 } => return None,
        Ending::Cancelled => return Some(Ending::Cancelled),
        Ending::Exited { code } => format!("exit status {code}"),
        Ending::Signalled { signal } => format!("signal {signal}"),
        Ending::TimedOut { after_ms } => format!("not done after {after_ms} ms"),
        Ending::NotStarted { error } => error.clone(),
        Ending::SetupFailed { reason } | Ending::NoTree { reason } | Ending::NoEnvironment { reason } => {
            reason.clone()
        }
    };
    Some(Ending::SetupFailed { reason })
}

fn machine(folders: &Folders, error: CheckoutError) -> ExecutorError {
    let folder = folders.slot.clone();
    match error {
        CheckoutError::Folder(source) => ExecutorError::Slot { folder, source },
        CheckoutError::Tree(reason) => ExecutorError::Slot { folder, source: io::Error::other(reason) },
        CheckoutError::Repository(source) => ExecutorError::Repository { folder, source },
    }
}

/// Make a folder, or remove all that is in it.
fn empty(folder: &Path) -> io::Result<()> {
    if !folder.symlink_metadata().is_ok_and(|metadata| metadata.is_dir()) {
        remove_tree(folder)?;
        return fs::create_dir_all(folder);
    }
    open_folder(folder);
    fs::read_dir(folder)?.try_for_each(|entry| remove_tree(&entry?.path()))
}

/// The paths that survive: what a pattern matches, and everything in it when it is a folder.
fn globs(patterns: &[String]) -> io::Result<GlobSet> {
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        let pattern = pattern.trim_start_matches("./").trim_end_matches('/');
        for pattern in [pattern.to_owned(), format!("{pattern}/**")] {
            let glob = GlobBuilder::new(&pattern).literal_separator(true).build();
            set.add(glob.map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?);
        }
    }
    set.build().map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))
}

fn milliseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e3
}
