//! Steps of a response, and what each brought.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::{Action, CommitId, FixReport, LogReport, Report, RollbackReport, SuspectReport};

/// What a step of a response does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepKind {
    /// Something else in front of the service while it is broken.
    Fallback,
    /// The last good version again.
    Rollback,
    /// The fallback is taken back, once the service is well.
    FallbackOff,
    /// The logs are fetched and read.
    Logs,
    /// Commits that the log points at.
    Suspects,
    /// The commit that broke it, and the edit in it.
    Find,
    /// All candidate fixes are tested.
    Fixes,
    /// The fix that passed becomes a commit on a branch.
    Branch,
    /// That branch is pushed.
    Push,
    /// The fix is deployed: one stage of several.
    Rollout,
    /// The report is written.
    Report,
}

impl StepKind {
    /// All of them, in the order of a response.
    pub const ALL: [Self; 11] = [
        Self::Fallback,
        Self::Rollback,
        Self::FallbackOff,
        Self::Logs,
        Self::Suspects,
        Self::Find,
        Self::Fixes,
        Self::Branch,
        Self::Push,
        Self::Rollout,
        Self::Report,
    ];

    /// The word by which the step is configured and typed.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Fallback => "fallback",
            Self::Rollback => "rollback",
            Self::FallbackOff => "fallback-off",
            Self::Logs => "logs",
            Self::Suspects => "suspects",
            Self::Find => "find",
            Self::Fixes => "fixes",
            Self::Branch => "branch",
            Self::Push => "push",
            Self::Rollout => "rollout",
            Self::Report => "report",
        }
    }

    /// The kind that is called so.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// Whether the step changes something outside of pybisect's own folders: such a step needs the policy's leave, or
    /// a person's.
    #[must_use]
    pub const fn acts(self) -> bool {
        matches!(self, Self::Fallback | Self::Rollback | Self::Branch | Self::Push | Self::Rollout)
    }
}

/// Which step it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct StepId {
    /// What the step does.
    pub kind: StepKind,
    /// The stage of a rollout, from 1.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub stage: Option<u32>,
}

impl From<StepKind> for StepId {
    fn from(kind: StepKind) -> Self {
        Self { kind, stage: None }
    }
}

impl fmt::Display for StepId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.stage {
            Some(stage) => write!(f, "{}-{stage}", self.kind.word()),
            None => f.write_str(self.kind.word()),
        }
    }
}

/// How far a step is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepState {
    /// Its turn has not come.
    #[default]
    Planned,
    /// It waits for a person's leave.
    Waiting,
    /// It runs, or who ran it was killed.
    Running,
    /// A step that did what it should.
    Done,
    /// A step that did not do what it should.
    Failed,
    /// It was not done, and its outcome says why.
    Skipped,
}

impl StepState {
    /// One word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }

    /// Whether nothing of it is left to do.
    #[must_use]
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Done | Self::Failed | Self::Skipped)
    }
}

/// What a step brought.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepResult {
    /// A command that was run.
    Action(Box<Action>),
    /// A rollback; of a rollout, the deploy of the fix.
    Rollback(Box<RollbackReport>),
    /// A stage of a rollout that was not healthy, and the way back.
    TakenBack {
        /// The deploy of the fix.
        rollout: Box<RollbackReport>,
        /// What was deployed again, for each stage that had the fix, the last stage first.
        back: Vec<RollbackReport>,
    },
    /// What the log says.
    Logs(Box<LogReport>),
    /// What the log points at.
    Suspects(Box<SuspectReport>),
    /// What the search found; its session has the trials in full.
    Find(Box<Report>),
    /// The candidate fixes.
    Fixes(Box<FixReport>),
    /// A commit on a branch.
    Branch {
        /// The branch.
        name: String,
        /// The commit.
        commit: CommitId,
    },
    /// A branch that was pushed.
    Push {
        /// The remote.
        remote: String,
        /// The branch.
        branch: String,
    },
    /// Where the report was written.
    Report {
        /// The file.
        path: String,
    },
}

/// A step of a response.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Which.
    #[serde(flatten)]
    pub id: StepId,
    /// What is done, for people: a command, as a rule.
    pub what: String,
    /// How far it is.
    pub state: StepState,
    /// Whether a person has given leave.
    pub approved: bool,
    /// When the step began; the first time, when it was begun more than once.
    pub started: Option<Timestamp>,
    /// When the step ended.
    pub ended: Option<Timestamp>,
    /// How often it was begun: more than once when who ran it was killed.
    pub begun: u32,
    /// What came of it, in one line; why it waits, or was skipped.
    pub outcome: String,
    /// What was told while it ran, the latest last.
    pub progress: Vec<String>,
    /// What the step brought.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub result: Option<StepResult>,
}

impl Step {
    pub(super) const fn new(id: StepId, what: String) -> Self {
        Self {
            id,
            what,
            state: StepState::Planned,
            approved: false,
            started: None,
            ended: None,
            begun: 0,
            outcome: String::new(),
            progress: Vec::new(),
            result: None,
        }
    }

    /// How long it took, in seconds.
    #[must_use]
    pub fn seconds(&self) -> Option<f64> {
        Some(seconds_between(self.started?, self.ended?))
    }
}

/// From one moment to another, in seconds.
pub(super) fn seconds_between(from: Timestamp, to: Timestamp) -> f64 {
    to.duration_since(from).as_secs_f64()
}
