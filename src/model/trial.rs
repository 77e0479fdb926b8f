//! A trial: what to run, on which tree, and what came of it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{CommitId, PackageSelection, TreeId, TrialActivity, TrialEnvironment};

/// How every trial of one kind runs; the same for all trees.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrialSpec {
    /// Program and arguments. A trial of an empty one is not started.
    pub command: Vec<OsString>,
    /// Sub-folder of the work tree to run in, relative; empty for its root.
    pub subdir: PathBuf,
    /// Shell command to run before `command` in each tree. Its failure is a skip.
    pub setup: Option<String>,
    /// Time that `command` (and, by itself, `setup`) may take; `None` for no limit.
    pub timeout: Option<Duration>,
    /// Untracked paths (globs relative to the tree) that survive from one trial to the next.
    pub keep: Vec<String>,
    /// The whole environment of the command, but for what the slot sets itself
    /// (`HOME`, `TMPDIR`, `PYTHONPYCACHEPREFIX`, `XDG_*`).
    pub environment: BTreeMap<OsString, OsString>,
    /// `PYTHONHASHSEED` of the command, where its environment names none; `None` leaves it to Python. With one for all trials,
    /// what rests on the order of a set is the same in each.
    pub hash_seed: Option<u32>,
    /// Variables whose values are path lists relative to the work tree (`PYTHONPATH=.:src`): each
    /// relative entry is made absolute in the slot, so that a command may change its folder.
    pub tree_paths: BTreeMap<String, Vec<PathBuf>>,
    /// Whose packages it runs with, where each version has an environment of its own.
    pub packages: PackageSelection,
    /// Files and folders that it needs to read, wherever they lie; all else of the user's may be hidden from it.
    pub visible: Vec<PathBuf>,
    /// Files and folders outside of the slot that it may write.
    pub writable: Vec<PathBuf>,
    /// Files that lie in its home, which is empty otherwise.
    pub home: Vec<HomeFile>,
    /// Files that it finds beside its tree, in a folder of their own; with them it is another recipe, with outcomes of
    /// its own.
    pub inputs: Vec<InputFile>,
    /// Folders beside its tree, relative to that of its inputs, in which it may write, and whose files are then told.
    pub outputs: Vec<PathBuf>,
    /// Variables that name a place relative to the folder of its inputs. In `PYTHONPATH` it comes before what is there.
    pub input_paths: BTreeMap<String, PathBuf>,
}

impl TrialSpec {
    /// The seed that trials have unless it turns out that another one is needed to see the failure.
    pub const FIRST_HASH_SEED: u32 = 1;

    /// The environment of the command, with its seed.
    #[must_use]
    pub fn variables(&self) -> BTreeMap<OsString, OsString> {
        let mut all = self.environment.clone();
        if let Some(seed) = self.hash_seed {
            all.entry("PYTHONHASHSEED".into()).or_insert_with(|| seed.to_string().into());
        }
        all
    }
}

/// A file that a trial finds beside its tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputFile {
    /// Where, relative to the folder of the trial's inputs.
    pub path: PathBuf,
    /// The file's content.
    pub content: Vec<u8>,
}

/// A file that a trial wrote in one of its output folders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputFile {
    /// Where, relative to the folder of the trial's inputs.
    pub path: PathBuf,
    /// The file's content.
    pub content: Vec<u8>,
}

/// A file that lies in the home of every trial.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct HomeFile {
    /// Where, relative to the home, with `/`.
    pub path: String,
    /// The file's content.
    pub content: Vec<u8>,
}

/// A number that is unique within a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TrialId(pub u64);

/// What a trial is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TrialKind {
    /// Checks that bad is bad and good is good.
    Endpoint,
    /// Divides the candidates.
    Search,
    /// Runs a parent of the culprit, or the culprit, to prove the answer.
    Proof,
    /// Repeats a trial, to tell a flaky test from a history that is not monotonic.
    Repeat,
    /// Runs a partial tree between a good and a bad one.
    Narrowing,
    /// Tests a candidate fix.
    Fix,
    /// Tests a candidate fix with the wider command.
    Verify,
}

impl TrialKind {
    /// Whether the trial runs a commit's own tree, so that its outcome says something of the commit.
    #[must_use]
    pub const fn is_of_commit(self) -> bool {
        !matches!(self, Self::Narrowing | Self::Fix | Self::Verify)
    }
}

/// One run of a recipe on one tree.
#[derive(Debug, Clone)]
pub struct Trial {
    /// The trial's number.
    pub id: TrialId,
    /// The commit that `HEAD` names in the work tree.
    pub commit: CommitId,
    /// The tree to check out: the commit's with the overlay laid over it, or a composed one.
    pub tree: TreeId,
    /// What the trial is for.
    pub purpose: TrialKind,
    /// How the trial runs.
    pub recipe: Arc<TrialSpec>,
    /// The environment to run in; `None` where the recipe's variables name it.
    pub environment: Option<Arc<TrialEnvironment>>,
    /// How often the session has had a result of the same tree and recipe before: a result that somebody else had of as
    /// many runs is as good as another run.
    pub repeat: u32,
    /// How often a machine failed at it.
    pub attempt: u32,
    /// Where whoever runs it says what it does at the moment.
    pub activity: TrialActivity,
}

/// How a trial's command ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "ending")]
pub enum Termination {
    /// It exited by itself.
    Exited {
        /// The exit status, 0 to 255.
        code: i32,
    },
    /// A signal that pybisect did not send ended it.
    Signalled {
        /// The signal's number.
        signal: i32,
    },
    /// It took longer than the recipe allows and was ended.
    TimedOut {
        /// The limit in milliseconds.
        after_ms: u64,
    },
    /// The program is not there or is not executable, in this tree.
    NotStarted {
        /// What the system said.
        error: String,
    },
    /// The setup command failed; the command was not run.
    SetupFailed {
        /// Exit status or reason.
        reason: String,
    },
    /// The environment that the version declares could not be made; the command was not run.
    NoEnvironment {
        /// The last lines of what tried to make it.
        reason: String,
    },
    /// The tree cannot be checked out in full: a Python source is missing from the repository, or
    /// the disk is full.
    NoTree {
        /// What is missing.
        reason: String,
    },
    /// The machine failed, each time that it was tried; nothing is known of the command.
    MachineFailed {
        /// What failed.
        reason: String,
    },
    /// It was cancelled before it ended.
    Cancelled,
}

/// What a command wrote to one of its streams.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Captured {
    /// The text: whole when short, otherwise its beginning and its end with a line between them
    /// that says how much was left out. Invalid UTF-8 is replaced.
    pub text: String,
    /// How many bytes the command wrote.
    pub bytes: u64,
}

/// Where a trial's time went, milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Timing {
    /// From request to a free slot.
    pub queue_ms: f64,
    /// Writing the files that differ.
    pub checkout_ms: f64,
    /// Setup command.
    pub setup_ms: f64,
    /// The command itself.
    pub run_ms: f64,
    /// Ending what was left running and removing what was left lying.
    pub clean_ms: f64,
}

impl Timing {
    /// Everything but waiting, the setup and the command itself.
    #[must_use]
    pub fn overhead_ms(&self) -> f64 {
        self.checkout_ms + self.clean_ms
    }
}

/// What came of a trial. That the test failed is data; only a failing *machine* is an error.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrialOutput {
    /// How the command ended.
    #[serde(flatten)]
    pub ending: Termination,
    /// Standard output (of the setup command, when that failed).
    pub stdout: Captured,
    /// Standard error (of the setup command, when that failed).
    pub stderr: Captured,
    /// Where the time went.
    pub timing: Timing,
    /// Processes that outlived the command and were ended.
    pub leftovers: u32,
    /// What was not as in git: files left out, submodules and LFS pointers not filled.
    pub notes: Vec<String>,
    /// What the trial wrote in its output folders. Not recorded.
    #[serde(skip)]
    pub files: Vec<OutputFile>,
}

impl TrialOutput {
    /// The output of a trial whose command did not run.
    #[must_use]
    pub fn without_run(ending: Termination) -> Self {
        Self {
            ending,
            stdout: Captured::default(),
            stderr: Captured::default(),
            timing: Timing::default(),
            leftovers: 0,
            notes: Vec::new(),
            files: Vec::new(),
        }
    }
}
