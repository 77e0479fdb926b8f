//! Jobs from their submission to their end: what is wanted at the same time is submitted as one array, and one question
//! is asked for all of them.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::commands::{CommandError, JobState, SlurmCommands, Submission};

/// So long what Slurm said of all jobs is good.
const BETWEEN_QUESTIONS: Duration = Duration::from_secs(2);
/// Jobs of one array, at most: what Slurm's own limit allows anywhere.
const MOST_TOGETHER: usize = 500;

/// A job that was submitted.
#[derive(Debug, Clone)]
pub(super) struct Job {
    pub(super) id: String,
    /// What Slurm writes of it.
    pub(super) log: PathBuf,
    pub(super) since: Instant,
}

/// A job that is to be submitted.
struct Ticket {
    folder: PathBuf,
    minutes: u64,
    outcome: Mutex<Option<Result<Job, CommandError>>>,
}

/// What was said of the jobs, and when that was asked.
#[derive(Default)]
struct Said {
    asked: Option<Instant>,
    states: BTreeMap<String, JobState>,
    /// Since when there is no answer.
    silent: Option<(Instant, String)>,
}

/// The jobs of a session.
pub(super) struct JobQueue {
    commands: SlurmCommands,
    /// The name of all of them.
    name: String,
    /// The folder of the session, with the script.
    run: PathBuf,
    waiting: Mutex<Vec<Arc<Ticket>>>,
    turn: Mutex<usize>,
    said: Mutex<Said>,
    has_submitted: AtomicBool,
    /// Jobs that have no end yet.
    pub(super) under_way: AtomicUsize,
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl JobQueue {
    pub(super) fn new(commands: SlurmCommands, name: String, run: PathBuf) -> Self {
        let (waiting, turn, said) = (Mutex::default(), Mutex::default(), Mutex::default());
        let (has_submitted, under_way) = (AtomicBool::default(), AtomicUsize::default());
        Self { commands, name, run, waiting, turn, said, has_submitted, under_way }
    }

    /// Submit a job whose orders lie in a folder. Those that come while another submission is under way go together.
    pub(super) fn submit(&self, folder: &Path, minutes: u64) -> Result<Job, CommandError> {
        let ticket = Arc::new(Ticket { folder: folder.to_owned(), minutes, outcome: Mutex::default() });
        lock(&self.waiting).push(Arc::clone(&ticket));
        let mut turn = lock(&self.turn);
        if lock(&ticket.outcome).is_none() {
            let (together, others): (Vec<_>, Vec<_>) = std::mem::take(&mut *lock(&self.waiting))
                .into_iter()
                .partition(|other| other.minutes == minutes);
            lock(&self.waiting).extend(others);
            together.chunks(MOST_TOGETHER).for_each(|batch| self.submit_batch(&mut turn, batch));
        }
        let outcome = lock(&ticket.outcome).take();
        outcome.unwrap_or_else(|| Err(CommandError::NoAnswer("the job was not submitted".to_owned())))
    }

    fn submit_batch(&self, number: &mut usize, batch: &[Arc<Ticket>]) {
        self.has_submitted.store(true, Ordering::Relaxed);
        let outcome = self.array(number, batch);
        // What is too much together may be taken one by one.
        let is_whole = matches!(&outcome, Err(CommandError::Refused(_) | CommandError::TooMany(_)));
        if is_whole && batch.len() > 1 {
            batch.iter().for_each(|ticket| self.submit_batch(number, std::slice::from_ref(ticket)));
            return;
        }
        for (at, ticket) in batch.iter().enumerate() {
            let job = outcome.clone().map(|(ids, folder)| {
                let (id, log) = (ids[at].clone(), folder.join(format!("{at}.log")));
                Job { id, log, since: Instant::now() }
            });
            *lock(&ticket.outcome) = Some(job);
        }
    }

    fn array(
        &self,
        number: &mut usize,
        batch: &[Arc<Ticket>],
    ) -> Result<(Vec<String>, PathBuf), CommandError> {
        *number += 1;
        let folder = self.run.join("batches").join(number.to_string());
        let lay = || -> io::Result<()> {
            fs::create_dir_all(&folder)?;
            let mut jobs = batch.iter().enumerate();
            jobs.try_for_each(|(at, ticket)| symlink(&ticket.folder, folder.join(at.to_string())))
        };
        lay().map_err(|error| {
            CommandError::NoAnswer(format!("{} cannot be written: {error}", folder.display()))
        })?;
        let (script, count) = (self.run.join("job"), batch.len());
        let minutes = batch.first().map_or(1, |ticket| ticket.minutes);
        let jobs = Submission { script: &script, run: &self.run, batch: &folder, count, minutes };
        self.commands.submit(&self.name, jobs).map(|ids| (ids, folder))
    }

    /// What Slurm says of a job. Of one that it knows no more, that it has ended; `Err` since when it says nothing.
    pub(super) fn state(&self, job: &Job) -> Result<Option<JobState>, (Instant, String)> {
        let mut said = lock(&self.said);
        if said.asked.is_none_or(|asked| asked.elapsed() >= BETWEEN_QUESTIONS) {
            let now = Instant::now();
            match self.commands.states(&self.name) {
                Ok(states) => (said.states, said.silent) = (states, None),
                Err(error) => {
                    let since = said.silent.as_ref().map_or(now, |(since, _)| *since);
                    said.silent = Some((since, error.text().to_owned()));
                }
            }
            // A question that takes long is not asked all the time.
            said.asked = Some(if said.silent.is_some() { Instant::now() } else { now });
        }
        if let Some(silent) = &said.silent {
            return Err(silent.clone());
        }
        if said.asked.is_none_or(|asked| asked <= job.since) {
            return Ok(None);
        }
        let unknown = || JobState::Ended("no longer known to Slurm".to_owned());
        Ok(Some(said.states.get(&job.id).cloned().unwrap_or_else(unknown)))
    }

    /// End a job.
    pub(super) fn cancel(&self, job: &Job) {
        self.commands.cancel(&job.id);
    }
}

impl Drop for JobQueue {
    fn drop(&mut self) {
        if self.has_submitted.load(Ordering::Relaxed) {
            self.commands.cancel_all(&self.name);
        }
    }
}
