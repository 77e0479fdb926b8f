//! One commit judged by itself, for a search that somebody else conducts.

use std::collections::BTreeMap;

use super::fix::outcome;
use super::isolation_skip::isolation_failure;
use super::plan::{Limits, Matching};
use super::trial_queue::Trials;
use super::{Plan, SessionContext, SessionError};
use crate::model::{CommitId, FailureSignature, SkipKind, TrialKind, TrialOutput, Verdict};
use crate::triage::{Baseline, CommandFacts, Oracle as _, Target, TargetError, TargetOracle, read};

/// What a commit came to.
#[derive(Debug, Clone)]
pub struct Judgement {
    /// The verdict.
    pub verdict: Verdict,
    /// What was seen, for people.
    pub outcome: String,
    /// The failure that it was compared with; `None` where any failure counts, or a pattern decides.
    pub failure: Option<FailureSignature>,
    /// The commit's trial.
    pub output: TrialOutput,
}

/// Why nothing could be judged.
#[derive(Debug)]
pub enum Unjudged {
    /// The user stopped it.
    Cancelled,
    /// The bad commit shows no failure to compare with.
    NoTarget(TargetError),
}

/// Run the command on a commit, and at the ends of the plan that are not recorded yet, and judge what came of it by the
/// failure that is `given`, or else by the one seen at bad.
///
/// # Errors
/// When the machine, the repository or the store fails.
pub fn judge(
    plan: &Plan,
    workshop: &SessionContext<'_>,
    commit: CommitId,
    given: Option<FailureSignature>,
) -> Result<Result<Judgement, Unjudged>, SessionError> {
    let compares = given.is_none() && matches!(plan.matching, Matching::Signature);
    let mut commits = vec![commit];
    if compares {
        // One commit that passes tells what is not new at bad.
        commits.extend(plan.good.first().copied().into_iter().chain([plan.bad]));
    }
    let Some(outputs) = run_all(plan, workshop, commits)? else { return Ok(Err(Unjudged::Cancelled)) };
    let command = CommandFacts::of(&plan.recipe.command);
    let good = plan.good.first().and_then(|good| outputs.get(good)).filter(|_| compares);
    let oracle = match (given, &plan.matching) {
        (Some(failure), _) => Ok(TargetOracle::new(Target::Signature(failure), command)),
        (None, Matching::AnyFailure) => Ok(TargetOracle::new(Target::AnyFailure, command)),
        (None, Matching::Pattern(pattern)) => {
            Ok(TargetOracle::new(Target::Pattern(pattern.clone()), command))
        }
        (None, Matching::Signature) => by_what_fails_at_bad(&outputs[&plan.bad], good, command),
    };
    let (oracle, output) = match (oracle, outputs.get(&commit)) {
        (Ok(oracle), Some(output)) => (oracle, output.clone()),
        (Err(no), _) => return Ok(Err(Unjudged::NoTarget(no))),
        (_, None) => return Ok(Err(Unjudged::Cancelled)),
    };
    let mut verdict = oracle.judge(&output);
    if let Some(want) = isolation_failure(&output, &plan.isolation).filter(|_| verdict != Verdict::Good) {
        verdict = Verdict::skip(SkipKind::Isolation, format!("it {}: {}", want.what, want.option));
    }
    let outcome = outcome(&verdict, &output);
    Ok(Ok(Judgement { verdict, outcome, failure: oracle.failure().cloned(), output }))
}

/// The oracle for the first failure at bad that is not at good, too.
fn by_what_fails_at_bad(
    bad: &TrialOutput,
    good: Option<&TrialOutput>,
    command: CommandFacts,
) -> Result<TargetOracle, TargetError> {
    let first = TargetOracle::target_of(bad, command)?;
    let at_bad = read(bad, &command);
    let at_good = good.map(|good| read(good, &command));
    let (new, baseline) = at_good
        .and_then(|at_good| Baseline::between(&at_good, &at_bad))
        .unwrap_or_else(|| Baseline::without_good(&at_bad));
    let target = new.into_iter().next().unwrap_or(first);
    let mut oracle = TargetOracle::new(Target::Signature(target), command).with_baseline(baseline);
    let _news = oracle.learn(&at_bad);
    Ok(oracle)
}

/// The outputs by commit; `None` when the user stopped it.
fn run_all(
    plan: &Plan,
    workshop: &SessionContext<'_>,
    commits: Vec<CommitId>,
) -> Result<Option<BTreeMap<CommitId, TrialOutput>>, SessionError> {
    let mut recipe = plan.recipe.clone();
    recipe.timeout = recipe.timeout.or(Some(Limits::LONGEST));
    std::thread::scope(|scope| {
        let mut trials = Trials::new(scope, plan, workshop, recipe);
        let mut waiting: Vec<CommitId> = commits;
        waiting.sort();
        waiting.dedup();
        let wanted = waiting.len();
        let mut ended = BTreeMap::new();
        while ended.len() < wanted {
            while trials.free() > 0
                && let Some(commit) = waiting.pop()
            {
                let tree = trials.tree_of(commit)?;
                trials.start_tree(commit, tree, TrialKind::Search)?;
            }
            match trials.wait(None)? {
                Some(done) => drop(ended.insert(done.commit, done.output)),
                None => {
                    trials.drain()?;
                    return Ok(None);
                }
            }
        }
        Ok(Some(ended))
    })
}
