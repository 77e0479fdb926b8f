//! The state of a session, one field for each question that is still open.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use super::Plan;
use super::call_evidence::ChangedCalls;
use super::context::SessionContext;
use super::endpoint_state::Endpoints;
use super::finished_trial::FinishedTrial;
use super::history_state::Faces;
use super::journal::Journal;
use super::package_trial::PackageTask;
use super::partial_tree::KnownDifferences;
use super::selection_state::Selection;
use super::sharing_state::Sharing;
use super::target_state::Targets;
use super::trial_queue::Trials;
use crate::model::{
    CommitId, FailureSignature, SkipKind, Suspect, TreeId, TrialId, TrialKind, TrialOutput, Verdict,
};
use crate::search::Observation;
use crate::suspects::FailureEvidence;
use crate::triage::{ParsedOutput, TargetOracle};

/// The state of a session.
pub(super) struct Session<'a> {
    pub(super) plan: &'a Plan,
    pub(super) workshop: &'a SessionContext<'a>,
    pub(super) journal: Journal<'a>,
    pub(super) trials: Trials<'a>,
    pub(super) oracle: Option<TargetOracle>,
    pub(super) target: Option<FailureSignature>,
    /// The output that the target was read from, or could not be.
    pub(super) target_output: Option<TrialOutput>,
    /// Trials that passed without telling that a test ran.
    pub(super) unproven: Vec<Unproven>,
    /// Results that came before the target was known.
    pub(super) unjudged: Vec<FinishedTrial>,
    /// What fails at good, where that was asked for to tell which of several failures at bad is new.
    pub(super) at_good: AtGood,
    pub(super) endpoints: Endpoints,
    /// What was seen at each commit, in the terms of the search: with `find_fix`, inverted.
    pub(super) seen: HashMap<CommitId, Observation>,
    /// Trials of commits that showed another failure than the target, and which.
    pub(super) failed_otherwise: Vec<(CommitId, FailureSignature)>,
    /// Commits whose other failure may be the same fault.
    pub(super) faces: Faces,
    /// The failure to look for, when several were seen at bad and the most frequent was chosen.
    pub(super) voted_target: Option<FailureSignature>,
    /// The tests that newly fail at bad, where there are several.
    pub(super) targets: Targets,
    /// Whether trials of the search run the failing tests only.
    pub(super) selection: Selection,
    /// Whether trials of the search share packages.
    pub(super) sharing: Sharing,
    /// Whether bad was run again because other commits keep failing otherwise.
    pub(super) doubts_target: bool,
    /// What was printed where it may have to be shown.
    pub(super) printed: Printed,
    /// Good commits that bound the range.
    pub(super) goods: Vec<CommitId>,
    pub(super) pace: TimeLimits,
    /// Trials of the earlier part of this session, when it is continued.
    pub(super) earlier: Vec<(CommitId, TrialKind)>,
    /// Environments that were told of.
    pub(super) environments: BTreeSet<String>,
    /// Commits whose environments are made ahead.
    pub(super) foreseen: Vec<CommitId>,
    pub(super) watch: TracedRun,
    /// The failure as evidence, once it was read.
    pub(super) failure: Option<FailureEvidence>,
    /// The commits that it points at, until they are told of.
    pub(super) suspects: Vec<Suspect>,
    /// Commits that the failing run is known to have had nothing to do with.
    pub(super) unreached: Vec<CommitId>,
    /// Whether the failing code can go another way next time, once that was looked for.
    pub(super) reaches_chance: Option<bool>,
    /// Trials of narrowing that are ahead of the search.
    pub(super) ahead: Speculation,
    /// Whether versions in between count as bad only where the message is the very one.
    pub(super) narrows_exactly: bool,
    /// Differences between versions that were split into edits.
    pub(super) differences: KnownDifferences,
    /// What commits changed of calls, of those that were suspected.
    pub(super) changed_calls: ChangedCalls,
    /// Trials that narrowing took so far.
    pub(super) narrowing_spent: usize,
    /// With which packages edits may be tried.
    pub(super) ground: PackageTask,
    /// Requirements that were added for all commits.
    pub(super) added: Vec<Vec<String>>,
    /// What trials print of which somebody wants to know it.
    pub(super) wanted_outputs: BTreeMap<TrialId, Option<TrialOutput>>,
    /// What trees are not like in git, in words.
    pub(super) flaws: BTreeSet<String>,
}

/// Outputs that may have to be shown.
#[derive(Debug, Default)]
pub(super) struct Printed {
    /// Of the ends of the range, the last run of each.
    pub(super) ends: Vec<(CommitId, TrialOutput)>,
    /// Of commits that could not be tested, the first of each kind.
    pub(super) skipped: Vec<(SkipKind, CommitId, TrialOutput)>,
}

/// A trial that ended with status 0 and printed no counts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Unproven {
    pub(super) trial: TrialId,
    pub(super) commit: CommitId,
    pub(super) purpose: TrialKind,
    /// What was recorded of it, in the terms of the search.
    pub(super) seen: Observation,
}

/// Trials ahead of the search.
#[derive(Debug, Default)]
pub(super) struct Speculation {
    /// The suspect, and the good version below it.
    pub(super) suspect: Option<(CommitId, CommitId)>,
    /// Trees to try, in order of their use.
    pub(super) open: Vec<TreeId>,
    pub(super) running: BTreeMap<TrialId, TreeId>,
    pub(super) ended: HashMap<TreeId, Verdict>,
}

impl Speculation {
    /// Slots that can be had back.
    pub(super) fn running(&self) -> usize {
        self.running.len()
    }

    /// Whether a trial is one of these.
    pub(super) fn has(&self, trial: TrialId) -> bool {
        self.running.contains_key(&trial)
    }

    /// A trial came to a result.
    pub(super) fn note(&mut self, trial: TrialId, verdict: &Verdict) {
        if let Some(tree) = self.running.remove(&trial) {
            self.ended.insert(tree, verdict.clone());
        }
    }

    /// Take over the trial of a tree that runs.
    pub(super) fn adopt(&mut self, tree: TreeId) -> Option<TrialId> {
        let id = *self.running.iter().find(|(_, running)| **running == tree)?.0;
        self.running.remove(&id);
        Some(id)
    }

    /// The result of a tree, once.
    pub(super) fn take(&mut self, tree: TreeId) -> Option<Verdict> {
        self.ended.remove(&tree)
    }
}

/// What fails at good.
#[derive(Debug, Default, PartialEq)]
pub(super) enum AtGood {
    /// Nobody has to know.
    #[default]
    NotAsked,
    /// Its trial runs, and the one at bad waits for it.
    Asked {
        /// The good commit.
        good: CommitId,
        /// The trial at bad.
        bad: Box<FinishedTrial>,
    },
    /// It was read.
    Read(Box<ParsedOutput>),
}

/// What is known of the time that the command takes.
#[derive(Debug, Default)]
pub(super) struct TimeLimits {
    /// The slowest trial of a commit that ended by itself.
    pub(super) slowest: Duration,
    /// Whether one has passed.
    pub(super) has_passed: bool,
    /// Commits whose trial came to no end within the time it had.
    pub(super) overdue: BTreeMap<CommitId, Duration>,
    /// Whether such trials were run again with more time.
    pub(super) gave_more: bool,
}

/// The watched trial, and what waits for one that is not.
#[derive(Debug, Default)]
pub(super) struct TracedRun {
    /// Whether it was asked for.
    pub(super) is_asked: bool,
    /// What it told of the functions that it executed.
    pub(super) functions: Vec<String>,
    /// It, until it has come to a result.
    pub(super) trial: Option<TrialId>,
    /// Its tree, while that is known to fail only from this trial.
    pub(super) unconfirmed: Option<TreeId>,
}

/// What becomes of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TracedVerdict {
    /// It counts.
    Counts,
    /// It was watched, and surprises: it runs again, unwatched.
    Again,
}
