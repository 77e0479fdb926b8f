//! One trial in one slot.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use super::bytecode_cache::BytecodeCache;
use super::command_env::{Folders, environment};
use super::input_folder::InputFolder;
use super::pycache;
use super::slot_dir::{PATIENCE, SlotDir, deadline};
use super::worktree::{CheckoutError, WorkTree};
use crate::executor::ExecutorError;
use crate::executor::gaps::{notes, unless_of_a_gap};
use crate::git::{Repository, RepositoryTemplate, TreeFile};
use crate::model::{CancelToken, CommitId, Termination, Timing, TreeId, Trial, TrialOutput, TrialPhase};
use crate::process::sandbox::{Sandbox, SlotDirs};
use crate::process::{ChildOutcome, ChildSpec, run};

/// What a slot is made of beside its folders.
pub(super) struct SlotParts {
    pub(super) objects: Repository,
    pub(super) borrowed: RepositoryTemplate,
    pub(super) exchange: Arc<BytecodeCache>,
    pub(super) sandbox: Option<Sandbox>,
}

/// A folder in which one trial runs at a time.
pub(super) struct Slot {
    dir: SlotDir,
    tree: WorkTree,
    parts: SlotParts,
    keep: (Vec<String>, GlobSet),
    /// What the files that are kept were made from.
    kept_of: Option<[u8; 32]>,
    has_run: bool,
    /// Whether nothing is left of the last trial, or of a checkout that failed.
    is_clean: bool,
    /// What was checked out ahead of the next trial.
    prepared: Vec<TreeFile>,
}

impl Slot {
    /// A new slot in its folders. Nothing is checked out yet.
    pub(super) fn new(dir: SlotDir, parts: SlotParts) -> Result<Self, ExecutorError> {
        let tree = new_tree(&dir, &parts)?;
        let (keep, prepared) = ((Vec::new(), GlobSet::empty()), Vec::new());
        let (kept_of, has_run, is_clean) = (None, false, true);
        Ok(Self { dir, tree, parts, keep, kept_of, has_run, is_clean, prepared })
    }

    /// Give the folders up, with all that a trial did to them, and go on in new ones.
    fn renew(&mut self) -> Result<(), ExecutorError> {
        self.dir = self.dir.renewed().map_err(|error| self.of_folder(error))?;
        self.tree = new_tree(&self.dir, &self.parts)?;
        self.prepared.clear();
        self.is_clean = true;
        Ok(())
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
        match self.tree.check_out(commit, tree, deadline()) {
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
        // What cannot be put back, or is not where it was made, is of no use.
        if !self.dir.is_ours() || !self.is_clean && self.reset().is_err() {
            self.renew()?;
        }
        self.is_clean = false;
        let mut output = self.run_in_clean(trial, cancel, marker, at_start)?;
        if refuses_links(&output) {
            self.parts.exchange.close();
            if !self.dir.is_ours() || self.reset().is_err() {
                self.renew()?;
            }
            self.is_clean = false;
            output = self.run_in_clean(trial, cancel, marker, || ())?;
        }
        let started = Instant::now();
        // What cannot be undone is the next trial's trouble: this one has its result.
        if self.dir.is_ours() {
            drop(self.reset());
        }
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
        let beside = InputFolder::new(&trial.recipe).map_err(|error| self.of_folder(error))?;
        let Some(beside) = beside else { return self.run_shown(trial, cancel, marker, at_start) };
        let shown = Trial { recipe: Arc::new(beside.shown(&trial.recipe)), ..trial.clone() };
        let mut output = self.run_shown(&shown, cancel, marker, at_start)?;
        output.files = beside.written();
        Ok(output)
    }

    /// The same for a trial whose inputs lie where its recipe says.
    fn run_shown(
        &mut self,
        trial: &Trial,
        cancel: &CancelToken,
        marker: &str,
        at_start: impl FnOnce(),
    ) -> Result<TrialOutput, ExecutorError> {
        let mut timing = Timing::default();
        let started = Instant::now();
        trial.activity.enter(TrialPhase::Checkout);
        let ready = self.get_ready(trial, cancel)?;
        timing.checkout_ms = milliseconds(started);
        let notes = notes(&self.tree.manifest.flaws);
        let without_a_run =
            |ending, timing| TrialOutput { timing, notes: notes.clone(), ..TrialOutput::without_run(ending) };
        let folder = match ready {
            Ok(folder) => folder,
            Err(ending) => return Ok(without_a_run(ending, timing)),
        };
        for file in &trial.recipe.home {
            let laid = self.dir.lay_in_home(Path::new(&file.path), &file.content, deadline());
            laid.map_err(|error| self.of_folder(error))?;
        }
        at_start();
        if !self.dir.has_all_seeds() {
            self.dir.tidy_prefix(deadline()).map_err(|error| self.of_folder(error))?;
        }
        let mut leftovers = 0;
        if let Some(script) = &trial.recipe.setup {
            trial.activity.enter(TrialPhase::Setup);
            let command = ["sh".into(), "-c".into(), script.into()];
            let setup = self.execute(&command, trial, &folder, cancel, marker)?;
            timing.setup_ms = setup.ran.as_secs_f64() * 1e3;
            timing.clean_ms = setup.ended.as_secs_f64() * 1e3;
            leftovers += setup.leftovers;
            if let Some(ending) = failed_setup(&setup.ending) {
                let (stdout, stderr) = (setup.stdout, setup.stderr);
                return Ok(TrialOutput {
                    ending,
                    stdout,
                    stderr,
                    timing,
                    leftovers,
                    notes,
                    files: Vec::new(),
                });
            }
            if !self.dir.is_ours() {
                let reason = "it moved or replaced the trial's own folders".to_owned();
                return Ok(without_a_run(Termination::SetupFailed { reason }, timing));
            }
        }
        trial.activity.enter(TrialPhase::Running);
        let outcome = match self.execute(&trial.recipe.command, trial, &folder, cancel, marker) {
            // It started a moment ago: this is what the set-up did.
            Err(ExecutorError::Process(error)) if trial.recipe.setup.is_some() => {
                let reason = format!("after it the command cannot be started: {error}");
                return Ok(without_a_run(Termination::SetupFailed { reason }, timing));
            }
            outcome => outcome?,
        };
        timing.run_ms = outcome.ran.as_secs_f64() * 1e3;
        timing.clean_ms += outcome.ended.as_secs_f64() * 1e3;
        leftovers += outcome.leftovers;
        let ChildOutcome { ending, stdout, stderr, .. } = outcome;
        let ending = unless_of_a_gap(&self.tree.checkout, &self.tree.manifest.flaws, ending);
        Ok(TrialOutput { ending, stdout, stderr, timing, leftovers, notes, files: Vec::new() })
    }

    /// Undo what the trial left.
    fn reset(&mut self) -> io::Result<()> {
        self.tree.restore(&self.keep.1, PATIENCE)?;
        let (code, exchange) = (&self.dir.bytecode, &self.parts.exchange);
        pycache::prune_bytecode(code, &self.dir.folders.tree, &self.tree.manifest, exchange, deadline())?;
        self.dir.tidy_prefix(deadline())?;
        self.dir.empty(deadline())?;
        self.is_clean = true;
        Ok(())
    }

    /// What was kept of earlier trials goes when it was made from something else: an object that a compiler made of another
    /// header would be linked into this version, and lie.
    fn forget_stale(&mut self, keep: &[String]) -> io::Result<()> {
        if keep.is_empty() {
            return Ok(());
        }
        let inputs = self.tree.manifest.inputs();
        if self.kept_of.replace(inputs).is_some_and(|before| before != inputs) {
            self.tree.restore(&GlobSet::empty(), PATIENCE)?;
        }
        Ok(())
    }

    fn of_folder(&self, error: io::Error) -> ExecutorError {
        machine(&self.dir.folders, CheckoutError::Folder(error))
    }

    /// Check out; in new folders when these cannot be written.
    fn check_out(&mut self, trial: &Trial) -> Result<Vec<TreeFile>, CheckoutError> {
        match self.tree.check_out(trial.commit, trial.tree, deadline()) {
            Err(CheckoutError::Folder(_) | CheckoutError::Repository(_)) if self.renew().is_ok() => {
                self.tree.check_out(trial.commit, trial.tree, deadline())
            }
            checked_out => checked_out,
        }
    }

    /// Check out. The folder to run in, or how the trial ends without a run.
    fn get_ready(
        &mut self,
        trial: &Trial,
        cancel: &CancelToken,
    ) -> Result<Result<PathBuf, Termination>, ExecutorError> {
        if cancel.is_cancelled() {
            return Ok(Err(Termination::Cancelled));
        }
        match self.check_out(trial) {
            Ok(written) => {
                let (tree, code, until) = (&self.dir.folders.tree, &self.dir.bytecode, deadline());
                for sources in [std::mem::take(&mut self.prepared), written] {
                    self.parts.exchange.give(&sources, tree, code, until);
                }
                self.forget_stale(&trial.recipe.keep).map_err(|error| self.of_folder(error))?;
                self.tree.make_links(&self.dir, until).map_err(|error| self.of_folder(error))?;
            }
            Err(CheckoutError::Tree(reason)) => return Ok(Err(Termination::NoTree { reason })),
            Err(error) => return Err(machine(&self.dir.folders, error)),
        }
        if let Some(reason) = self.tree.manifest.vital_gap() {
            return Ok(Err(Termination::NoTree { reason }));
        }
        let subdir = &trial.recipe.subdir;
        if self.dir.tree.leads_to_folder(subdir) {
            Ok(Ok(self.dir.folders.tree.join(subdir).components().collect()))
        } else {
            let error = format!("there is no folder '{}' in this tree", subdir.display());
            Ok(Err(Termination::NotStarted { error }))
        }
    }

    fn execute(
        &self,
        command: &[OsString],
        trial: &Trial,
        folder: &Path,
        cancel: &CancelToken,
        marker: &str,
    ) -> Result<ChildOutcome, ExecutorError> {
        let recipe = &trial.recipe;
        let (program, arguments) = command
            .split_first()
            .map_or((OsString::new(), &[][..]), |(program, rest)| (program.clone(), rest));
        let Folders { slot, home, tmp, .. } = &self.dir.folders;
        let own = self.dir.own(self.tree.git.folder()).map_err(|error| self.of_folder(error))?;
        let room = SlotDirs { slot, home, tmp, own: &own };
        let confine = |sandbox: &Sandbox| sandbox.confine(room, folder, &recipe.visible, &recipe.writable);
        let spec = ChildSpec {
            program,
            arguments: arguments.to_vec(),
            folder: folder.to_owned(),
            environment: environment(recipe, &self.dir.folders, folder),
            timeout: recipe.timeout,
            marker: marker.to_owned(),
            confinement: self.parts.sandbox.as_ref().map(confine),
            activity: trial.activity.clone(),
        };
        run(&spec, cancel).map_err(ExecutorError::Process)
    }
}

/// Whether a command that compiles by itself met bytecode that another trial had made of the same source: Python's
/// `py_compile` fails where a link lies.
fn refuses_links(output: &TrialOutput) -> bool {
    const SAID: &str = "is a symlink and will be changed into a regular file if import writes";
    let failed = !matches!(output.ending, Termination::Exited { code: 0 });
    failed && [&output.stdout.text, &output.stderr.text].into_iter().any(|text| text.contains(SAID))
}

/// How a trial ends whose setup ended like this; `None` when the setup did its work.
fn failed_setup(ending: &Termination) -> Option<Termination> {
    let reason = match ending {
        Termination::Exited { code: 0 } => return None,
        Termination::Cancelled => return Some(Termination::Cancelled),
        Termination::Exited { code } => format!("exit status {code}"),
        Termination::Signalled { signal } => format!("signal {signal}"),
        Termination::TimedOut { after_ms } => format!("not done after {after_ms} ms"),
        Termination::NotStarted { error } => error.clone(),
        Termination::SetupFailed { reason }
        | Termination::NoTree { reason }
        | Termination::NoEnvironment { reason }
        | Termination::MachineFailed { reason } => reason.clone(),
    };
    Some(Termination::SetupFailed { reason })
}

fn new_tree(dir: &SlotDir, parts: &SlotParts) -> Result<WorkTree, ExecutorError> {
    let objects = parts.objects.reopen().map_err(CheckoutError::Repository);
    objects
        .and_then(|objects| WorkTree::new(dir.tree.clone(), objects, parts.borrowed.clone(), dir.drafts()))
        .map_err(|error| machine(&dir.folders, error))
}

fn machine(folders: &Folders, error: CheckoutError) -> ExecutorError {
    let folder = folders.slot.clone();
    match error {
        CheckoutError::Folder(source) => ExecutorError::Slot { folder, source },
        CheckoutError::Tree(reason) => ExecutorError::Slot { folder, source: io::Error::other(reason) },
        CheckoutError::Repository(source) => ExecutorError::Repository { folder, source },
    }
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
