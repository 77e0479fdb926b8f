//! Events: the only thing that a session emits.
//!
//! The journal is this stream on disk, the live view reads it as it comes, and the [`Report`] is a
//! fold over it.
//!
//! [`Report`]: super::Report

use super::trial_line::OutcomeSource;
use serde::{Deserialize, Serialize};

use super::{
    AlikeTarget, BreakingChange, CommitId, CommitInfo, Conclusion, EnvironmentFacts, Episode, FailureHistory,
    FailureSignature, NarrowingSummary, PackageChange, Suspect, Termination, Timing, TrialActivity, TrialId,
    TrialKind, Verdict,
};

/// Something happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Seconds since the session began (this part of it, when it was resumed).
    pub seconds: f64,
    /// What.
    #[serde(flatten)]
    pub kind: EventKind,
}

/// What isolation was in force while the trials ran.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Isolation {
    /// `process-group`, `private-home`, `private-tmp`, `network-namespace` …
    pub in_force: Vec<String>,
    /// What was wanted and not to be had here, with the reason.
    pub missing: Vec<String>,
    /// What the sandbox is made of: `namespaces`, `bubblewrap`, `landlock`, or nothing but `process-groups`.
    #[serde(default)]
    pub by: String,
    /// The limits that hold for each trial.
    #[serde(default)]
    pub limits: TrialLimits,
    /// `host`, `none`, or `loopback`: one of its own for each trial.
    #[serde(default)]
    pub network: String,
    /// Folders of the user that trials do not see.
    #[serde(default)]
    pub hidden: Vec<String>,
    /// Names of variables that trials do not get.
    #[serde(default)]
    pub withheld: Vec<String>,
    /// Ports on which this machine serves, when the session began.
    #[serde(skip)]
    pub services: Vec<u16>,
}

/// Limits that hold for each trial, beside the time; `None` is no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrialLimits {
    /// Bytes of memory of its own, for each process.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<u64>,
    /// Processes and threads at the same time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub processes: Option<u64>,
    /// Bytes of a file that it writes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_size: Option<u64>,
}

impl Isolation {
    fn has(&self, part: &str) -> bool {
        self.in_force.iter().any(|other| other == part)
    }

    /// Whether anything is withheld or hidden from trials.
    #[must_use]
    pub fn is_any(&self) -> bool {
        self.has("clean-environment")
    }

    /// Whether trials see less of the file system than the user.
    #[must_use]
    pub fn hides_files(&self) -> bool {
        self.has("read-only-files") || self.is_fenced()
    }

    /// Whether what trials may not see or change is denied to them, rather than not there.
    #[must_use]
    pub fn is_fenced(&self) -> bool {
        self.has("landlock")
    }

    /// Whether trials have limits beside the time.
    #[must_use]
    pub fn has_limits(&self) -> bool {
        self.has("limits")
    }
}

/// A finished trial, as the journal keeps it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrialFinished {
    /// The trial's number.
    pub trial: TrialId,
    /// The commit it ran for.
    pub commit: CommitId,
    /// What the trial was for.
    pub purpose: TrialKind,
    /// What the trial says.
    pub verdict: Verdict,
    /// How the command ended.
    #[serde(flatten)]
    pub ending: Termination,
    /// The failure that was read from its output.
    pub failure: Option<FailureSignature>,
    /// Where the trial counts as bad by a failure that is only likely the target: why that is not certain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub likely: Option<String>,
    /// Where the time went.
    pub timing: Timing,
    /// Whether the trial ran or was known.
    pub source: OutcomeSource,
    /// Whether the trial ran the failing tests only, and not the whole command.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub selected: bool,
}

/// The end of what a trial's command printed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputTail {
    /// The commit that it ran on.
    pub commit: CommitId,
    /// The last lines, without control characters: of standard output, then of standard error.
    pub lines: Vec<String>,
    /// Which end of the range that is; none for a commit that could not be tested.
    #[serde(default)]
    pub end: Option<WhichEnd>,
    /// How the command ended, in words: `exit status 1`.
    #[serde(default)]
    pub ended: String,
}

/// An end of the range, in the user's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WhichEnd {
    /// The commit that is said to fail.
    Bad,
    /// A commit that is said to pass.
    Good,
}

impl WhichEnd {
    /// One word: `bad`, `good`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Bad => "bad",
            Self::Good => "good",
        }
    }
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "event")]
pub enum EventKind {
    /// The session begins.
    Started {
        /// The session's id in the store.
        session: String,
        /// The command under test, for people.
        command: String,
        /// Commits given as good; empty when one is to be found.
        good: Vec<CommitId>,
        /// The commit given as bad.
        bad: CommitId,
        /// Trials at the same time.
        jobs: usize,
        /// What isolation is in force.
        isolation: Isolation,
        /// Facts of the environment: interpreter, its version, its packages' fingerprint.
        environment: Vec<(String, String)>,
        /// Whether the search is for the commit that mended something.
        find_fix: bool,
        /// Whether only the first parents of merges are followed.
        #[serde(default)]
        first_parent: bool,
        /// Only commits that touch one of these are looked at; empty for all.
        #[serde(default)]
        paths: Vec<String>,
    },
    /// The range is known.
    Range {
        /// The good commits that bound it.
        good: Vec<CommitId>,
        /// The bad commit.
        bad: CommitId,
        /// Candidates.
        commits: usize,
        /// Merges among them.
        merges: usize,
    },
    /// A trial begins on a slot.
    TrialStarted {
        /// Its number.
        trial: TrialId,
        /// The commit.
        commit: CommitId,
        /// The commit's subject.
        subject: String,
        /// What it is for.
        purpose: TrialKind,
        /// What it does at the moment.
        #[serde(skip)]
        activity: TrialActivity,
    },
    /// A trial ended.
    TrialFinished(Box<TrialFinished>),
    /// A trial that passed is no evidence any more: what another trial shows of the command takes it back.
    Withdrawn {
        /// Its number.
        trial: TrialId,
        /// The commit.
        commit: CommitId,
        /// What it says now.
        verdict: Verdict,
    },
    /// A trial was cancelled: another result made it irrelevant.
    TrialCancelled {
        /// Its number.
        trial: TrialId,
    },
    /// The failure that is searched for.
    Target {
        /// As seen at bad.
        failure: FailureSignature,
    },
    /// What the evidence of the failure points at.
    Suspects {
        /// The most probable first; not all of the range.
        suspects: Vec<Suspect>,
    },
    /// What is believed now.
    Belief {
        /// Candidates left.
        left: usize,
        /// About how many rounds of trials are left.
        rounds_left: f64,
        /// The most probable candidates and their probabilities, first the leading one.
        leading: Vec<(CommitId, f64)>,
    },
    /// An environment that trials run in, where versions have their own.
    Environment {
        /// The first commit that ran in it.
        first: CommitId,
        /// What was chosen, and why.
        facts: EnvironmentFacts,
    },
    /// A package breaks it.
    Package(PackageChange),
    /// An earlier stretch had the failure too.
    Episode(Episode),
    /// The failure did not always look the same.
    History(FailureHistory),
    /// The commit at which the failure is read passed, and is run with another seed, as all is from here on.
    HashSeed {
        /// The commit.
        commit: CommitId,
        /// `PYTHONHASHSEED`.
        seed: u32,
    },
    /// The test gives different results on the same tree.
    Flaky {
        /// Estimated rate of failures where the failure is not there, 0 to 1.
        false_failures: f64,
        /// Estimated rate of passes where it is there, 0 to 1.
        false_passes: f64,
    },
    /// The commit was narrowed to the edits that matter.
    Narrowed {
        /// The edits.
        changes: Vec<BreakingChange>,
        /// How they were found.
        narrowing: NarrowingSummary,
    },
    /// The end of what the command printed where the answer was decided.
    Output(OutputTail),
    /// What follows is said of another test that newly fails at bad, until its search ends.
    NextTarget {
        /// Its failure, as seen at bad.
        failure: FailureSignature,
    },
    /// The search for a further failing test ended.
    TargetConcluded {
        /// How.
        conclusion: Conclusion,
        /// The last good commit to go back to.
        last_good: Option<CommitInfo>,
    },
    /// A further failing test whose runs say at every commit what those of another say.
    AlikeTarget(Box<AlikeTarget>),
    /// A further failing test that is not searched for.
    LeftTarget {
        /// Its failure, as seen at bad.
        failure: FailureSignature,
        /// Why not.
        reason: String,
    },
    /// Something the user should know.
    Note {
        /// One line.
        text: String,
    },
    /// The session ended.
    Concluded {
        /// How.
        conclusion: Conclusion,
        /// The last good commit to go back to.
        last_good: Option<CommitInfo>,
        /// Commits that did not run, since the failing run read and executed nothing that they changed.
        #[serde(default)]
        inferred: usize,
    },
}

impl EventKind {
    /// Let whoever hears of a trial's beginning, told once more with other texts, watch the trial itself.
    pub fn watch_trial_of(&mut self, other: &Self) {
        if let (Self::TrialStarted { activity, .. }, Self::TrialStarted { activity: of, .. }) = (self, other)
        {
            *activity = of.clone();
        }
    }
}
