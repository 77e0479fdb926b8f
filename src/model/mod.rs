//! The plain words that every room shares: no input or output, no clock, no randomness.
//!
//! | file | words |
//! |---|---|
//! | [`annotation`] | [`Annotation`]: a remark on a place in a file, for reviewers' tools |
//! | [`call`] | [`CallChange`], [`FileCalls`]: what a change did, in calls |
//! | [`commit`] | object ids, [`CommitInfo`] |
//! | [`common_affixes`] | what two versions of a text have in common at their ends |
//! | [`trial`] | [`TrialSpec`], [`Trial`], [`TrialOutput`]: what to run, and what came of it |
//! | [`trial_activity`] | [`TrialActivity`]: what a trial does at the moment |
//! | [`packages`] | [`PackageSelection`], [`EnvironmentFacts`]: what a trial runs with |
//! | [`verdict`] | [`Verdict`], [`Skip`]: what the outcome says about a commit |
//! | [`failure`] | [`FailureSignature`], [`Frame`], [`Compared`]: which failure it was |
//! | [`conclusion`] | [`Conclusion`], [`Culprit`], [`Episode`], [`BreakingChange`]: what a search ends with |
//! | [`fix`] | [`FixReport`]: candidate fixes, and what came of testing them |
//! | [`downtime`] | [`DowntimeBudget`]: how much of it is allowed |
//! | [`event`] | [`Event`]: the only thing that a session emits |
//! | [`log`] | [`LogReport`]: what a log says went wrong |
//! | [`confined_path`] | [`component`], [`beneath`]: where a foreign name may lead |
//! | [`proof`] | [`Proof`]: that trials have shown an answer |
//! | [`report`] | [`Report`]: the versioned result, a fold over events |
//! | [`check`] | [`CheckReport`]: what a look at a branch before its merge found |
//! | [`suspect`] | [`Suspect`], [`SuspectReport`]: commits that the evidence points at |
//! | [`target`] | [`TargetReport`]: each test that newly fails, and what broke it |
//! | [`texts`] | what is told with its texts changed, such as to mask secrets |
//! | [`cancel`] | [`CancelToken`]: how a running trial is told to end |
//! | [`rollback`] | [`RollbackReport`]: what a rollback did |
//! | [`incident`] | [`Incident`]: what was done about an outage, a fold over its events |
//! | `narrowing` | what narrowing came to, and what is proven of it |
//! | `trial_line` | a trial in the report, in one line |

pub mod annotation;
pub mod call;
pub mod cancel;
pub mod check;
pub mod commit;
pub mod common_affixes;
pub mod conclusion;
pub mod confined_path;
pub mod downtime;
pub mod event;
pub mod failure;
pub mod fix;
pub mod history;
pub mod incident;
pub mod kept_output;
pub mod log;
mod narrowing;
pub mod packages;
pub mod proof;
mod proving;
pub mod report;
pub mod rollback;
pub mod status;
pub mod suspect;
pub mod target;
pub mod texts;
pub mod trial;
pub mod trial_activity;
pub mod trial_environment;
pub mod trial_line;
pub mod verdict;

pub use annotation::{Annotation, Rule, Severity, Suggestion};
pub use call::{
    CallChange, CallReport, CallSite, CallSpan, ChangeKind, DefinitionChange, FileCalls, LocatedChange,
    Parameter, ParameterKind, PartlyParsed, PartlyParsedFile, Signature, StaleReason,
};
pub use cancel::{CancelReason, CancelToken};
pub use check::{CheckReport, MergeSide, SmokeResult};
pub use commit::{BlobId, CommitId, CommitInfo, TreeId};
pub use conclusion::{Conclusion, Culprit, Episode, Inconclusive};
pub use confined_path::{beneath, component};
pub use downtime::{DowntimeBudget, InvalidBudget, Period};
pub use event::{Event, EventKind};
pub use failure::{Compared, FailureKind, FailureSignature, Frame, LoggedException};
pub use fix::{CandidateFix, FixKind, FixReport, UndoneCommit};
pub use history::{Face, FailureHistory, Shown};
pub use incident::{
    Alarm, Incident, IncidentEvent, IncidentEventKind, IncidentOutcome, ReceivedAlarm, Step, StepId,
    StepKind, StepResult, StepState,
};
pub use kept_output::KeptOutput;
pub use log::{
    Excerpt, ExcerptLine, LogEventKind, LogFrame, LogGroup, LogReport, LogTimestamp, ScannedSource,
};
pub use narrowing::BreakingChange;
pub use narrowing::ChangedCallSummary;
pub use narrowing::NarrowingSummary;
pub use packages::{
    Dropped, EnvironmentFacts, PackageChange, PackageDate, PackageEdit, PackageOrigin, PackageSelection,
};
pub use proof::{Evidence, Proof};
pub use report::Report;
pub use rollback::{
    Action, AnswerCount, Attempt, DeployedVersion, Grounds, HealthReport, RollbackOutcome, RollbackReport,
    TestedVersion,
};
pub use status::Status;
pub use suspect::{FailingLine, Suspect, SuspectReport};
pub use target::{AlikeTarget, TargetGroup, TargetReport, by_culprit};
pub use trial::{
    Captured, InputFile, OutputFile, Termination, Timing, Trial, TrialId, TrialKind, TrialOutput, TrialSpec,
};
pub use trial_activity::{TrialActivity, TrialPhase};
pub use trial_environment::TrialEnvironment;
pub use verdict::{Skip, SkipKind, Verdict, VerdictKind};
