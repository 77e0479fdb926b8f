//! Trials on a Slurm cluster that shares a file system with this machine, through Slurm's commands.
//!
//! A trial is a job: its tree and its orders lie in the shared folder, it runs in a folder of its node, and what came of it
//! it writes into the shared folder. Only that is believed. Slurm itself is asked whether a job is still there: one that has
//! ended without a result says nothing of its trial.
//!
//! | file | what it does |
//! |---|---|
//! | `settings` | [`SlurmSettings`]: which nodes are meant, and what is asked of them |
//! | `error` | [`SlurmError`]: why trials cannot run there |
//! | `commands` | `sbatch`, `squeue` and `scancel`, and what they say |
//! | `queue` | jobs from their submission to their end |
//! | `trees` | trees as archives |
//! | `shared_folder` | what the nodes need, where they see it |
//! | `job.sh`, `trial.sh` | what runs there |
//! | `result` | what a job wrote down |

mod commands;
mod error;
mod queue;
mod result;
mod settings;
mod shared_folder;
mod trees;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::gaps::{notes, unless_of_a_gap, vital_gap};
use super::worker::ending::failed;
use super::worker::output::last_line;
use super::worker::probe::{ProbeFault, WorkerFacts, probe};
use super::{Executor, ExecutorError, ExecutorErrorKind, ExecutorFacts};
use crate::git::{Checkout, Repository};
use crate::model::{
    CancelReason, CancelToken, Termination, Trial, TrialActivity, TrialOutput, TrialPhase, TrialSpec,
};

use commands::{CommandError, JobState, SlurmCommands};
use queue::{Job, JobQueue, lock};
use result::{Seen, has_begun, look, node};
use shared_folder::{SharedFolder, job_name};
use trees::{PackError, PackedTree, TreePacker};

pub use error::SlurmError;
pub use settings::SlurmSettings;

/// A job may take so much longer than its trial: until it is killed by Slurm, which counts in minutes.
const BESIDE_THE_TRIAL: Duration = Duration::from_secs(600);
/// Looks for a result, at most this often and at least.
const SHORTEST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// A cancellation is noticed within this time.
const BETWEEN_CHECKS: Duration = Duration::from_millis(20);
/// From one submission to the next where Slurm takes none.
const BETWEEN_SUBMISSIONS: Duration = Duration::from_secs(1);

/// Runs trials as jobs of Slurm.
pub struct SlurmExecutor {
    settings: SlurmSettings,
    /// Its jobs end before their folder goes.
    queue: JobQueue,
    checkout: Arc<Checkout>,
    trees: Mutex<TreePacker>,
    folder: Mutex<SharedFolder>,
    /// A job ended and left no trace in the shared folder.
    is_unseen: AtomicBool,
}

/// How the wait for a job ended.
enum Waited {
    Result(Box<result::JobResult>),
    Cancelled,
}

impl SlurmExecutor {
    /// Find Slurm's commands and make a place in the shared folder; nothing runs yet. `objects` is a repository that has
    /// all trees of trials, composed ones too; `find` finds Slurm's commands by their names.
    ///
    /// # Errors
    /// When there is no Slurm here, it does not answer, the shared folder cannot be written, or the settings make no
    /// sense.
    pub fn new(
        settings: SlurmSettings,
        objects: Repository,
        checkout: Arc<Checkout>,
        find: &dyn Fn(&str) -> io::Result<PathBuf>,
    ) -> Result<Self, SlurmError> {
        let words = settings.words().map_err(SlurmError::Settings)?;
        let commands = SlurmCommands::new(words, find)?;
        commands.states("none").map_err(|error| SlurmError::NoAnswer(error.text().to_owned()))?;
        let folder = SharedFolder::create(&settings.shared, |run| commands.cancel_all(&job_name(run)))?;
        let packer = TreePacker::new(objects, Arc::clone(&checkout), folder.path().join("trees"));
        let queue = JobQueue::new(commands, folder.name(), folder.path().to_owned());
        let (trees, folder, is_unseen) = (Mutex::new(packer), Mutex::new(folder), AtomicBool::default());
        Ok(Self { settings, queue, checkout, trees, folder, is_unseen })
    }

    /// See whether a node does what it is told, and what it is. `program` is looked for.
    ///
    /// # Errors
    /// When it does not, sees no shared folder, or does not have the program.
    pub fn probe(
        &self,
        environment: &BTreeMap<OsString, OsString>,
        program: Option<&str>,
        cancel: &CancelToken,
    ) -> Result<WorkerFacts, SlurmError> {
        let run = |recipe: &TrialSpec, _: &str| {
            let activity = TrialActivity::default();
            let recipe = TrialSpec { timeout: Some(self.settings.timeout), ..recipe.clone() };
            self.run_job(&Arc::new(recipe), None, &activity, cancel)
        };
        let found = probe(environment, program, run);
        if cancel.is_cancelled() {
            return Err(SlurmError::Interrupted);
        }
        found.map_err(|fault| match fault {
            ProbeFault::Denied(why) => SlurmError::Refused(why),
            ProbeFault::BadWorker(why) if self.is_unseen.load(Ordering::Relaxed) => {
                SlurmError::NotSeen { folder: self.settings.shared.clone(), why }
            }
            ProbeFault::BadWorker(why) => SlurmError::BadNode(why),
            ProbeFault::NoProgram { program, path } => SlurmError::NoProgram { program, path },
        })
    }

    fn run_job(
        &self,
        recipe: &Arc<TrialSpec>,
        tree: Option<&PackedTree>,
        activity: &TrialActivity,
        cancel: &CancelToken,
    ) -> Result<TrialOutput, ExecutorError> {
        let limit = recipe.timeout.unwrap_or(self.settings.timeout);
        let minutes = (limit + BESIDE_THE_TRIAL).as_secs().div_ceil(60);
        let folder =
            lock(&self.folder).order(recipe, tree, limit).map_err(|error| self.unwritable(&error))?;
        let asked = Instant::now();
        let Some(job) = self.submit(&folder, minutes, cancel)? else { return Ok(cancelled()) };
        let under_way = UnderWay::new(&self.queue.under_way);
        let waited = self.wait(&job, &folder, activity, cancel);
        drop(under_way);
        let result = match waited? {
            Waited::Cancelled => return Ok(cancelled()),
            Waited::Result(result) => result,
        };
        let after_ms = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX);
        let mut output = result.output(&folder, recipe, after_ms)?;
        let ran = output.timing.run_ms + output.timing.checkout_ms;
        output.timing.queue_ms = (asked.elapsed().as_secs_f64() * 1e3 - ran).max(0.0);
        // What cannot be removed now goes with the session.
        drop(std::fs::remove_dir_all(&folder));
        Ok(output)
    }

    /// Submit a job, also where Slurm does not take it at once; `None` when it is not wanted any more.
    fn submit(
        &self,
        folder: &Path,
        minutes: u64,
        cancel: &CancelToken,
    ) -> Result<Option<Job>, ExecutorError> {
        let mut silent_since = None;
        loop {
            if cancel.is_cancelled() {
                return Ok(None);
            }
            let error = match self.queue.submit(folder, minutes) {
                Ok(job) => return Ok(Some(job)),
                Err(error) => error,
            };
            let (kind, patience) = match &error {
                CommandError::NoAnswer(_) => (ExecutorErrorKind::Retryable, self.settings.patience),
                // When those that are there have ended, there is room.
                CommandError::TooMany(_) if self.queue.under_way.load(Ordering::Relaxed) > 0 => {
                    silent_since = None;
                    (ExecutorErrorKind::Fatal, self.settings.patience)
                }
                CommandError::TooMany(_) => (ExecutorErrorKind::Fatal, self.settings.patience),
                CommandError::Refused(_) => (ExecutorErrorKind::Fatal, Duration::ZERO),
            };
            let since = *silent_since.get_or_insert_with(Instant::now);
            if since.elapsed() >= patience {
                let message = format!("the job is not taken: {}", error.text());
                return Err(ExecutorError::Remote { kind, message });
            }
            pause(BETWEEN_SUBMISSIONS, cancel);
        }
    }

    /// Wait for what a job writes; an error when it ends without that.
    fn wait(
        &self,
        job: &Job,
        folder: &Path,
        activity: &TrialActivity,
        cancel: &CancelToken,
    ) -> Result<Waited, ExecutorError> {
        let (mut ended_since, mut has_begun_there) = (None, false);
        let mut rest = SHORTEST_PAUSE;
        loop {
            if let Some(reason) = cancel.reason() {
                // When all of them are to end, all of them are ended together.
                if reason == CancelReason::Irrelevant {
                    self.queue.cancel(job);
                }
                return Ok(Waited::Cancelled);
            }
            if !has_begun_there && has_begun(folder) {
                has_begun_there = true;
                activity.enter(TrialPhase::Running);
            }
            let seen = look(folder).unwrap_or_else(|error| Seen::Part(error.to_string()));
            let part = match seen {
                Seen::Result(result) => return Ok(Waited::Result(result)),
                Seen::Failed(why) => return Err(failed(&why, &node(folder), &said(&job.log))),
                Seen::Part(what) => Some(what),
                Seen::Nothing => None,
            };
            let state = match self.queue.state(job) {
                Ok(state) => state,
                Err((since, why)) if since.elapsed() >= self.settings.patience => {
                    return Err(retryable(format!("Slurm does not answer: {why}")));
                }
                Err(_) => None,
            };
            if let Some(reason) = state.as_ref().and_then(JobState::is_hopeless) {
                self.queue.cancel(job);
                let message = format!("the job would wait without an end: {reason}");
                return Err(ExecutorError::Remote { kind: ExecutorErrorKind::Fatal, message });
            }
            match state {
                Some(JobState::Ended(state)) => {
                    let since = *ended_since.get_or_insert_with(Instant::now);
                    if since.elapsed() >= self.settings.settling {
                        let what = part.unwrap_or_else(|| "there is no result".to_owned());
                        let log = said(&job.log);
                        // One that no node fits has none of them look.
                        if !has_begun_there && log.is_empty() && !state.contains("BadConstraints") {
                            self.is_unseen.store(true, Ordering::Relaxed);
                        }
                        return Err(failed(
                            &format!("the job ended ({state}), and {what}"),
                            &node(folder),
                            &log,
                        ));
                    }
                }
                Some(_) => ended_since = None,
                None => {}
            }
            pause(rest, cancel);
            rest = (rest * 5 / 4).min(LONGEST_PAUSE);
        }
    }

    /// What can be done about a shared folder that cannot be written.
    fn unwritable(&self, error: &io::Error) -> ExecutorError {
        let kind = match error.kind() {
            io::ErrorKind::InvalidInput => ExecutorErrorKind::Rejected,
            io::ErrorKind::StorageFull
            | io::ErrorKind::QuotaExceeded
            | io::ErrorKind::PermissionDenied
            | io::ErrorKind::ReadOnlyFilesystem => ExecutorErrorKind::Fatal,
            _ => ExecutorErrorKind::Retryable,
        };
        let message = match kind {
            ExecutorErrorKind::Rejected => error.to_string(),
            _ => format!("the shared folder {} cannot be written: {error}", self.settings.shared.display()),
        };
        ExecutorError::Remote { kind, message }
    }
}

/// Counts a job while it has no end.
struct UnderWay<'a>(&'a AtomicUsize);

impl<'a> UnderWay<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn cancelled() -> TrialOutput {
    TrialOutput::without_run(Termination::Cancelled)
}

fn retryable(message: String) -> ExecutorError {
    ExecutorError::Remote { kind: ExecutorErrorKind::Retryable, message }
}

/// What Slurm wrote of a job last.
fn said(log: &Path) -> String {
    std::fs::read(log).map(|bytes| last_line(&String::from_utf8_lossy(&bytes))).unwrap_or_default()
}

/// Wait, but not when nobody wants that any more.
fn pause(time: Duration, cancel: &CancelToken) {
    let until = Instant::now() + time;
    while !cancel.is_cancelled() && Instant::now() < until {
        std::thread::sleep(BETWEEN_CHECKS.min(time));
    }
}

impl Executor for SlurmExecutor {
    fn facts(&self) -> ExecutorFacts {
        ExecutorFacts { place: Some("slurm".to_owned()), prefetches: false }
    }

    fn capacity(&self) -> usize {
        self.settings.jobs.max(1)
    }

    fn run(&self, trial: &Trial, cancel: &CancelToken) -> Result<TrialOutput, ExecutorError> {
        let no_tree = |reason: String| Ok(TrialOutput::without_run(Termination::NoTree { reason }));
        let tree = match lock(&self.trees).pack(trial.tree) {
            Ok(tree) => tree,
            Err(PackError::Tree(reason)) => return no_tree(reason),
            Err(PackError::Folder(error)) => return Err(self.unwritable(&error)),
        };
        if let Some(path) = vital_gap(&tree.gaps) {
            return no_tree(format!("{} is missing from the repository", String::from_utf8_lossy(path)));
        }
        let mut output = self.run_job(&trial.recipe, Some(&tree), &trial.activity, cancel)?;
        output.notes = notes(&tree.gaps);
        output.ending = unless_of_a_gap(&self.checkout, &tree.gaps, output.ending);
        Ok(output)
    }
}
