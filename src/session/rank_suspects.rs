//! A range ranked for a failure: reading both, and putting them together.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::call_evidence::ChangedCalls;
use super::read_changes::{FailingTree, read_changes};
use super::tree_runs::{JournalOf, TreeRun, with_tree_runs};
use super::{OverlayFile, Plan, SessionContext, SessionError, Trees};
use crate::git::{GitError, History, Repository};
use crate::graph::Node;
use crate::model::trial_line::TrialLine;
use crate::model::{
    CommitId, Event, FailingLine, FailureSignature, Suspect, SuspectReport, Termination, TrialKind,
    TrialOutput, TrialSpec,
};
use crate::store::SessionKind;
use crate::suspects::{FailureEvidence, Features, Ranking, Suspicion};
use crate::triage::{CommandFacts, Oracle as _, Target, TargetOracle};

/// A range of history, read for its suspects.
#[derive(Debug)]
pub struct RangeChanges {
    nodes: Vec<Node>,
    ids: Vec<CommitId>,
    changes: Vec<crate::suspects::CommitChange>,
}

impl RangeChanges {
    /// The candidates of a range, to be read.
    #[must_use]
    pub fn candidates(history: &History) -> Vec<(Node, CommitId)> {
        history.candidates.iter().map(|node| (node, history.ids[node.index()])).collect()
    }

    /// Read what these commits changed: parents first, the failing one last. Once `stop` is set, the rest
    /// is left out.
    ///
    /// # Errors
    /// When an object is missing or broken.
    pub fn read(
        repository: &Repository,
        candidates: Vec<(Node, CommitId)>,
        overlay: &[OverlayFile],
        stop: &AtomicBool,
    ) -> Result<Self, GitError> {
        let (nodes, ids): (Vec<Node>, Vec<CommitId>) = candidates.into_iter().unzip();
        let changes = read_changes(repository, &ids, overlay, stop)?;
        Ok(Self { nodes, ids, changes })
    }

    /// Weigh the candidates for a failure.
    #[must_use]
    pub fn ranking<'a>(&'a self, failure: &'a FailureEvidence) -> Ranking<'a> {
        Ranking::new(&self.changes, failure)
    }

    /// The probability of each candidate.
    pub(super) fn probabilities(&self, ranking: &Ranking<'_>) -> impl Iterator<Item = (Node, f64)> {
        self.nodes.iter().copied().zip(ranking.probabilities().iter().copied())
    }

    /// The candidates that the failing run is known to have had nothing to do with.
    pub(super) fn unreached(&self, ranking: &Ranking<'_>) -> impl Iterator<Item = CommitId> {
        (0..self.ids.len()).filter(|&at| ranking.is_unreached(at)).map(|at| self.ids[at])
    }

    /// The most probable commits, with reasons; [`add_calls`] has more of them.
    ///
    /// # Errors
    /// When a commit is missing or broken.
    pub fn rank(
        &self,
        repository: &Repository,
        failure: &FailureEvidence,
        ranking: &Ranking<'_>,
        most: usize,
    ) -> Result<SuspectReport, GitError> {
        let ranked = ranking.suspicions(most);
        let signals = ranking.signals();
        let open_bits = ranked.iter().map(|one| -one.probability * one.probability.log2()).sum();
        let suspects = ranked.into_iter().take(most).map(|one| {
            let Suspicion { commit, probability, reasons } = one;
            let values = Features::NAMES.iter().map(|&name| name.to_owned()).zip(signals[commit].values());
            Ok(Suspect {
                commit: repository.info(self.ids[commit])?,
                probability,
                reasons,
                signals: values.collect::<BTreeMap<_, _>>(),
            })
        });
        Ok(SuspectReport {
            command: Vec::new(),
            commits: self.ids.len(),
            place: failure
                .frames
                .last()
                .map(|frame| FailingLine { path: frame.path.clone(), line: frame.line }),
            evidence: evidence(failure),
            open_bits,
            suspects: suspects.collect::<Result<_, GitError>>()?,
            ..SuspectReport::default()
        })
    }
}

/// Add to the reasons of the leading suspects the calls that they changed, where they have to do with the failure.
///
/// # Errors
/// When a commit is missing or broken.
pub fn add_calls(
    repository: &Repository,
    failure: &FailureEvidence,
    suspects: &mut [Suspect],
    calls: &mut ChangedCalls,
) -> Result<(), GitError> {
    /// So many commits have their calls compared: reading all of them would cost more than it tells.
    const MOST_COMPARED: usize = 5;
    for suspect in suspects.iter_mut().take(MOST_COMPARED) {
        if let Some(call) = calls.reason(repository, suspect.commit.id, failure)? {
            // Behind the line that raised, if it is that.
            suspect.reasons.insert(suspect.reasons.len().min(1), call);
        }
    }
    Ok(())
}

fn evidence(failure: &FailureEvidence) -> Vec<String> {
    let mut evidence = Vec::new();
    if !failure.frames.is_empty() {
        evidence.push("traceback".to_owned());
    }
    if failure.has_words() {
        evidence.push("words".to_owned());
    }
    if failure.was_watched() {
        evidence.push("executed functions".to_owned());
    }
    evidence
}

/// Run the command of a plan once, at the bad commit, by its recipe or a watched one. What came of it, and its line for the
/// report.
///
/// # Errors
/// When the machine or the repository fails.
pub fn run_bad_commit(
    plan: &Plan,
    workshop: &SessionContext<'_>,
    recipe: TrialSpec,
    kind: SessionKind,
    listener: &mut dyn FnMut(&Event),
) -> Result<(TrialOutput, Vec<TrialLine>), SessionError> {
    let run = TreeRun {
        commit: plan.bad,
        tree: Trees::new(plan, workshop).tree_of(plan.bad)?,
        subject: workshop.repository.info(plan.bad)?.subject,
        purpose: TrialKind::Endpoint,
        recipe: Arc::new(recipe),
    };
    let oracle = TargetOracle::new(Target::AnyFailure, CommandFacts::of(&run.recipe.command));
    with_tree_runs(plan, workshop, &JournalOf::Own(kind), listener, |runs| {
        let outputs = runs.all(&[run], &mut |_, output| oracle.judge(output))?;
        let output = outputs.into_iter().next();
        let output = output.unwrap_or_else(|| TrialOutput::without_run(Termination::Cancelled));
        Ok((output, runs.log().to_vec()))
    })
}

/// Read a failure from the output of a trial at bad, and from what was `watched` there; only of the `target`'s test, where there
/// is one.
///
/// # Errors
/// When the tree of bad is missing or broken.
pub fn failure_of(
    plan: &Plan,
    repository: &Repository,
    output: &TrialOutput,
    watched: &[String],
    target: Option<&FailureSignature>,
) -> Result<FailureEvidence, GitError> {
    let tree = FailingTree::new(repository, plan.bad, &plan.overlay)?;
    let text = format!("{}\n{}", output.stdout.text, output.stderr.text);
    Ok(FailureEvidence::read_one(&text, target, &tree, watched))
}
