//! Slurm's command line: jobs are submitted, asked about, ended.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::error::SlurmError;
use crate::executor::worker::output::last_line;
use crate::model::{CancelToken, Termination, TrialActivity};
use crate::process::{ChildSpec, run};

/// A command of Slurm's gives up after a while by itself; so long is it waited for.
const LONGEST: Duration = Duration::from_secs(180);

/// Why a command of Slurm's did not do what it was to do.
#[derive(Debug, Clone)]
pub(super) enum CommandError {
    /// The controller does not answer, for now.
    NoAnswer(String),
    /// There are too many jobs, of this user or at all.
    TooMany(String),
    /// It says no.
    Refused(String),
}

impl CommandError {
    pub(super) fn text(&self) -> &str {
        match self {
            Self::NoAnswer(why) | Self::TooMany(why) | Self::Refused(why) => why,
        }
    }
}

/// What Slurm says of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum JobState {
    /// It waits; why, in Slurm's word.
    Pending(String),
    /// It runs, or is about to, or is not done yet.
    Running,
    /// It came to its end, in Slurm's word.
    Ended(String),
}

impl JobState {
    fn of(state: &str, reason: &str) -> Self {
        match state {
            "PENDING" | "REQUEUE_HOLD" | "SPECIAL_EXIT" => Self::Pending(reason.to_owned()),
            "RUNNING" | "SUSPENDED" | "COMPLETING" | "CONFIGURING" | "RESIZING" | "SIGNALING"
            | "STAGE_OUT" | "STOPPED" | "REQUEUED" | "REQUEUE_FED" => Self::Running,
            "FAILED" if !matches!(reason, "" | "None") => Self::Ended(format!("FAILED: {reason}")),
            ended => Self::Ended(ended.to_owned()),
        }
    }

    /// Why a job that waits like this never begins; `None` where it may.
    pub(super) fn is_hopeless(&self) -> Option<&str> {
        let Self::Pending(reason) = self else { return None };
        let starts =
            ["BadConstraints", "JobHeld", "PartitionNodeLimit", "PartitionTimeLimit", "launch_failed"];
        let is_hopeless =
            starts.iter().any(|start| reason.starts_with(start)) || reason.ends_with("PerJobLimit");
        is_hopeless.then_some(reason)
    }
}

/// Jobs that are submitted together.
#[derive(Debug, Clone, Copy)]
pub(super) struct Submission<'a> {
    /// The script, and its arguments.
    pub(super) script: &'a Path,
    pub(super) run: &'a Path,
    pub(super) batch: &'a Path,
    /// How many.
    pub(super) count: usize,
    /// `--time`.
    pub(super) minutes: u64,
}

/// Slurm's commands, and what is said to them each time.
pub(super) struct SlurmCommands {
    sbatch: PathBuf,
    squeue: PathBuf,
    scancel: PathBuf,
    /// Which nodes are meant.
    words: Vec<String>,
    user: String,
}

impl SlurmCommands {
    /// Have them found, each by its name.
    pub(super) fn new(
        words: Vec<String>,
        find: &dyn Fn(&str) -> io::Result<PathBuf>,
    ) -> Result<Self, SlurmError> {
        let find = |name| find(name).map_err(|_| SlurmError::NoCommand { program: name });
        let user = rustix::process::getuid().as_raw().to_string();
        let (sbatch, squeue, scancel) = (find("sbatch")?, find("squeue")?, find("scancel")?);
        Ok(Self { sbatch, squeue, scancel, words, user })
    }

    /// Submit jobs under a name; their ids, in order.
    pub(super) fn submit(&self, name: &str, jobs: Submission<'_>) -> Result<Vec<String>, CommandError> {
        let Submission { script, run, batch, count, minutes } = jobs;
        // Slurm's own words for a job that is run again after its node failed would write into the same place.
        let mut words: Vec<OsString> = ["--parsable", "--export=NONE", "--no-requeue", "--chdir=/"]
            .map(OsString::from)
            .into_iter()
            .chain(self.words.iter().map(OsString::from))
            .collect();
        words.push(format!("--job-name={name}").into());
        words.push(format!("--time={minutes}").into());
        let mut log = OsString::from("--output=");
        log.push(batch.join(if count > 1 { "%a.log" } else { "0.log" }));
        words.push(log);
        if count > 1 {
            words.push(format!("--array=0-{}", count - 1).into());
        }
        words.extend([script, run, batch].map(|path| path.as_os_str().to_owned()));
        let told = self.call(&self.sbatch, words)?;
        // A cluster's name may stand behind it.
        let id = told.lines().last().and_then(|line| line.split(';').next()).unwrap_or_default().trim();
        if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(CommandError::Refused(format!("sbatch names no job: {}", last_line(&told))));
        }
        Ok(match count {
            1 => vec![id.to_owned()],
            _ => (0..count).map(|at| format!("{id}_{at}")).collect(),
        })
    }

    /// The states of all jobs under a name that Slurm still knows.
    pub(super) fn states(&self, name: &str) -> Result<BTreeMap<String, JobState>, CommandError> {
        let words = ["--noheader", "--array", "--states=all", "--format=%i|%T|%r"].map(str::to_owned);
        let whose = [format!("--user={}", self.user), format!("--name={name}")];
        let told = self.call(&self.squeue, words.into_iter().chain(whose).map(Into::into).collect())?;
        let state = |line: &str| {
            let mut parts = line.trim().splitn(3, '|');
            let (id, state) = (parts.next()?, parts.next()?);
            Some((id.to_owned(), JobState::of(state, parts.next().unwrap_or_default())))
        };
        Ok(told.lines().filter_map(state).collect())
    }

    /// End a job.
    pub(super) fn cancel(&self, id: &str) {
        // One that is not known any more has ended.
        drop(self.call(&self.scancel, vec![id.into()]));
    }

    /// End all jobs under a name.
    pub(super) fn cancel_all(&self, name: &str) {
        let words = [format!("--user={}", self.user), format!("--name={name}")];
        drop(self.call(&self.scancel, words.map(OsString::from).to_vec()));
    }

    fn call(&self, program: &Path, arguments: Vec<OsString>) -> Result<String, CommandError> {
        static CALLS: AtomicU64 = AtomicU64::new(0);
        let own = std::process::id();
        // What a user is used to see of the queue is not what is asked for here.
        let is_said = |name: &OsString| {
            !name.to_str().is_some_and(|n| n.starts_with("SQUEUE_") || n.starts_with("SCANCEL_"))
        };
        let spec = ChildSpec {
            program: program.as_os_str().to_owned(),
            arguments,
            folder: "/".into(),
            environment: std::env::vars_os().filter(|(name, _)| is_said(name)).collect(),
            timeout: Some(LONGEST),
            marker: format!("slurm-{own}-{}", CALLS.fetch_add(1, Ordering::Relaxed)),
            confinement: None,
            activity: TrialActivity::default(),
        };
        let outcome =
            run(&spec, &CancelToken::new()).map_err(|error| CommandError::NoAnswer(error.to_string()))?;
        let said = said(&outcome.stderr.text);
        match outcome.ending {
            Termination::Exited { code: 0 } => Ok(outcome.stdout.text),
            Termination::Exited { .. } => Err(error_of(said)),
            ending => {
                let name = program.file_name().unwrap_or_default().to_string_lossy();
                Err(CommandError::NoAnswer(format!("{name}: {ending:?} {said}")))
            }
        }
    }
}

/// What matters of what a command says.
fn said(stderr: &str) -> String {
    let line = stderr.lines().rev().find(|line| line.contains("error:")).unwrap_or(stderr);
    let text = line.split_once("error: ").map_or(line, |(_, text)| text);
    last_line(text.trim_start_matches("Batch job submission failed: "))
}

fn error_of(said: String) -> CommandError {
    let no_answer = [
        "Unable to contact slurm controller",
        "Socket timed out",
        "Connection refused",
        "Zero Bytes were transmitted",
        "temporarily unable",
        "Resource temporarily unavailable",
        "standby mode",
        "Connection timed out",
        "Communication connection failure",
        "Transport endpoint",
        "Unexpected message received",
    ];
    let too_many = ["submit limit", "SubmitJob", "SubmitLimit", "MaxJobCount", "exceeded maximum job"];
    if no_answer.iter().any(|text| said.contains(text)) {
        CommandError::NoAnswer(said)
    } else if too_many.iter().any(|text| said.contains(text)) {
        CommandError::TooMany(said)
    } else {
        CommandError::Refused(said)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_slurm_says_is_told_apart_by_what_can_be_done() {
        let text = "sbatch: error: invalid partition specified: nope\n\
                    sbatch: error: Batch job submission failed: Invalid partition name specified\n";
        let error = error_of(said(text));
        assert!(matches!(&error, CommandError::Refused(why) if why == "Invalid partition name specified"));
        let text = "sbatch: error: Batch job submission failed: Unable to contact slurm controller (connect failure)";
        assert!(matches!(error_of(said(text)), CommandError::NoAnswer(_)));
        assert!(matches!(
            error_of(said("slurm_load_jobs error: Unable to contact slurm controller (connect failure)")),
            CommandError::NoAnswer(_)
        ));
        let text = "sbatch: error: QOSMaxSubmitJobPerUserLimit\nsbatch: error: Batch job submission failed: \
                    Job violates accounting/QOS policy (job submit limit, user's size and/or time limits)";
        assert!(matches!(error_of(said(text)), CommandError::TooMany(_)));
        assert!(matches!(error_of(said("sbatch: unrecognized option '--bogus'")), CommandError::Refused(_)));
    }

    #[test]
    fn a_job_that_never_begins_is_told_from_one_that_waits() {
        let waits = |reason| JobState::of("PENDING", reason).is_hopeless().is_none();
        for reason in ["Priority", "Resources", "None", "QOSMaxJobsPerUserLimit", "ReqNodeNotAvail, Reserved"]
        {
            assert!(waits(reason), "{reason}");
        }
        for reason in
            ["PartitionTimeLimit", "QOSMaxWallDurationPerJobLimit", "JobHeldAdmin", "BadConstraints"]
        {
            assert!(!waits(reason), "{reason}");
        }
        for state in
            ["COMPLETED", "FAILED", "NODE_FAIL", "PREEMPTED", "OUT_OF_MEMORY", "CANCELLED", "TIMEOUT"]
        {
            assert_eq!(JobState::of(state, ""), JobState::Ended(state.to_owned()));
        }
        assert_eq!(JobState::of("COMPLETING", ""), JobState::Running);
        let failed = JobState::of("FAILED", "BadConstraints");
        assert_eq!(failed, JobState::Ended("FAILED: BadConstraints".to_owned()));
    }
}
