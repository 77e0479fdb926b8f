//! The tests that newly fail, and where the search for each stands.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, OnceLock};

use super::finished_trial::FinishedTrial;
use super::rank_suspects::RangeChanges;
use crate::model::trial_line::OutcomeSource;
use crate::model::{CommitId, CommitInfo, Conclusion, FailureSignature, TrialKind, TrialOutput};
use crate::triage::denied_access::DeniedAccess;
use crate::triage::{Baseline, ParsedOutput, TargetOracle};

/// The tests that newly fail at bad.
#[derive(Debug, Default)]
pub(super) struct Targets {
    /// Those that are to be searched for, in the runner's order; empty where there is one or none.
    pub(super) new: Vec<FailureSignature>,
    /// All that newly fail, and what fails at good, too.
    pub(super) beside: (Vec<FailureSignature>, Baseline),
    /// Whether the present target is another than the first.
    pub(super) is_later: bool,
    /// The module for want of which some tests could not be imported at bad: they are not searched for.
    pub(super) wanting: Option<String>,
    /// The good commit that was looked for and found.
    pub(super) good: Option<CommitId>,
    /// What the commits of the range between bad and these good ones changed, once it was read.
    pub(super) range: Option<(Vec<CommitId>, RangeChanges)>,
    /// Those that wait for their search.
    pub(super) waiting: Waiting,
    /// What each trial of a commit showed.
    pub(super) runs: Vec<Run>,
    /// What each trial showed with a test's file laid over a commit, by the file.
    pub(super) laid: Vec<(String, Arc<Run>)>,
    /// What bad showed without what a commit changed, and another one, if it takes both; `None` where nothing of that is left.
    pub(super) undone: Vec<(Undone, Option<Arc<Run>>)>,
    /// How many tests were found to be broken by a commit that broke others, by what shows it.
    pub(super) newer: BTreeMap<(CommitId, ShownBy), usize>,
}

/// A commit whose change is taken back, and another one, if it takes both.
pub(super) type Undone = (CommitId, Option<CommitId>);

/// What shows that a commit which broke other tests broke a further one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum ShownBy {
    /// It fails there, and not before it, with this file as at bad.
    LaidOver(String),
    /// It passes at bad without the commit's change, and that of the other commit, if there is one.
    Undone { other: Option<CommitId> },
}

/// A trial of a commit's own tree, to be read for each target.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) commit: CommitId,
    pub(super) purpose: TrialKind,
    pub(super) output: TrialOutput,
    pub(super) reading: ParsedOutput,
    /// What the trial was kept from, once that was looked for.
    pub(super) kept_from: OnceLock<Option<DeniedAccess>>,
}

impl Run {
    pub(super) const fn new(
        commit: CommitId,
        purpose: TrialKind,
        output: TrialOutput,
        reading: ParsedOutput,
    ) -> Self {
        Self { commit, purpose, output, reading, kept_from: OnceLock::new() }
    }
}

/// A target whose search has ended.
pub(super) struct Ended {
    pub(super) oracle: TargetOracle,
    pub(super) conclusion: Conclusion,
    pub(super) last_good: Option<CommitInfo>,
    pub(super) basis: Basis,
}

/// What an answer rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Basis {
    /// Trials of commits alone.
    Commits,
    /// Bad passes without the culprit's change, since the failure did not always look the same: without that of the other
    /// commit, too, which made it look otherwise, where there is one.
    Undone { other: Option<CommitId> },
    /// Edits, or packages.
    More,
}

impl Targets {
    /// Take note of a trial that came to a result.
    pub(super) fn note(&mut self, done: &FinishedTrial, reading: &ParsedOutput) {
        if done.source != OutcomeSource::Replayed && done.purpose.is_of_commit() {
            let FinishedTrial { commit, purpose, output, .. } = done.clone();
            self.runs.push(Run::new(commit, purpose, output, reading.clone()));
        }
    }

    /// The first trial of a commit.
    pub(super) fn run_at(&self, commit: CommitId) -> Option<(&TrialOutput, &ParsedOutput)> {
        self.runs.iter().find(|run| run.commit == commit).map(|run| (&run.output, &run.reading))
    }

    /// Trials of commits that came to a result, and what they were for.
    pub(super) fn known(&self) -> Vec<(CommitId, TrialKind)> {
        self.runs.iter().map(|run| (run.commit, run.purpose)).collect()
    }

    pub(super) fn reading_at(&self, commit: CommitId) -> Option<&ParsedOutput> {
        self.runs.iter().find(|run| run.commit == commit).map(|run| &run.reading)
    }
}

/// What is known of the tests that wait for their search.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    /// They, in the order of their searches.
    pub(super) tests: Vec<FailureSignature>,
    /// By a test's id, what its failure points at in the range.
    pub(super) priors: HashMap<String, Vec<f64>>,
    /// How many trials had ended when it was last looked at.
    pub(super) looked: usize,
}
