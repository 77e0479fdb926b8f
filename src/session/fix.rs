//! Candidate fixes on top of a commit, all tested at the same time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::fix_candidates::{Candidate, candidates};
use super::fix_task::FixTask;
use super::plan::Limits;
use super::tree_runs::{JournalOf, TreeRun, TreeRuns, with_tree_runs};
use super::{Matching, Plan, SessionContext, SessionError, Trees};
use crate::git::Patch;
use crate::model::fix::FIX_SCHEMA;
use crate::model::trial_line::OutcomeSource;
use crate::model::{
    CandidateFix, CommitId, Event, FixKind, FixReport, PackageDate, PackageOrigin, PackageSelection, Report,
    Termination, TreeId, TrialKind, TrialOutput, TrialSpec, UndoneCommit, Verdict,
};
use crate::triage::{Baseline, CommandFacts, Oracle as _, Target, TargetOracle, passes, read};

/// What came of it.
#[derive(Debug)]
pub struct Fixes {
    /// The candidates, the best first.
    pub report: FixReport,
    /// The tree and the patch of each, without the overlay.
    pub made: Vec<(TreeId, Patch)>,
}

/// Make the candidates for a report and test them, as further trials of the search that found the cause. Events go to
/// `listener`, in order, from this thread. `None` when the user stopped it; what ran is kept, and answered from the record
/// the next time.
///
/// # Errors
/// When the machine, the repository or the store fails.
pub fn fix(
    plan: &Plan,
    workshop: &SessionContext<'_>,
    task: &FixTask,
    listener: &mut dyn FnMut(&Event),
) -> Result<Option<Fixes>, SessionError> {
    with_tree_runs(plan, workshop, &JournalOf::Search(&task.session), listener, |runs| {
        test(plan, workshop, task, runs)
    })
}

fn test(
    plan: &Plan,
    workshop: &SessionContext<'_>,
    task: &FixTask,
    runs: &mut TreeRuns<'_>,
) -> Result<Option<Fixes>, SessionError> {
    let mut trees = Trees::new(plan, workshop);
    let (candidates, left_out) = candidates(workshop, &mut trees, task)?;
    let mut report = FixReport {
        schema: FIX_SCHEMA.to_owned(),
        session: task.report.session.clone(),
        onto: Some(task.onto),
        culprit: task.report.culprits.first().map(|culprit| culprit.commit.id),
        left_out,
        ..FixReport::default()
    };
    let head = trees.tree_of(task.onto)?;
    let mut recipe = plan.recipe.clone();
    recipe.hash_seed = recipe.hash_seed.map(|first| task.report.hash_seed.unwrap_or(first));
    recipe.timeout = recipe.timeout.or_else(|| Some(limit(&task.report)));
    let recipe = Arc::new(recipe);
    let of = |tree: TreeId, what: &str| TreeRun {
        commit: task.onto,
        tree,
        subject: what.to_owned(),
        purpose: TrialKind::Fix,
        recipe: Arc::clone(&recipe),
    };
    let mut asked = vec![of(head, "without a fix")];
    asked.extend(candidates.iter().map(|candidate| of(candidate.tree, candidate.kind.phrase())));
    let judge = oracle(plan, &task.report);
    let mut aimed = judge.clone();
    let mut judged = |at: usize, output: &TrialOutput| {
        if at == 0 {
            aimed = beside_the_target(judge.clone(), &task.report, output);
        }
        aimed.judge(output)
    };
    let Some(mut outputs) = outputs(workshop, runs, &asked, &mut judged)? else { return Ok(None) };
    let judge = beside_the_target(judge.clone(), &task.report, &outputs[0]);
    let mut verdicts: Vec<Verdict> = outputs.iter().map(|output| judge.judge(output)).collect();
    // What only fails with the packages of today has to pass with those.
    if verdicts[0] == Verdict::Good && task.report.culprits.is_empty() && !task.report.packages.is_empty() {
        asked.iter_mut().for_each(|run| run.recipe = with_packages_of_today(run));
        let mut judged = |_: usize, output: &TrialOutput| judge.judge(output);
        let Some(later) = self::outputs(workshop, runs, &asked, &mut judged)? else { return Ok(None) };
        verdicts = later.iter().map(|output| judge.judge(output)).collect();
        outputs = later;
    }
    report.mended_already = verdicts[0] == Verdict::Good;
    report.as_it_is = outcome(&verdicts[0], &outputs[0]);
    let passing: Vec<usize> = (0..candidates.len()).filter(|&at| verdicts[at + 1] == Verdict::Good).collect();
    let Some(verified) = verify((plan, workshop, task), runs, &candidates, &passing, &mut report)? else {
        return Ok(None);
    };
    let mut fixes: Vec<(CandidateFix, (TreeId, Patch))> = Vec::new();
    for (at, Candidate { kind, tree }) in candidates.into_iter().enumerate() {
        let bare = without_overlay(workshop, task.onto, head, tree)?;
        let base = workshop.repository.tree_of(task.onto)?;
        let patch = workshop.shadow.repository().patch(base, bare)?;
        let own = verified.get(&at);
        let fix = CandidateFix {
            kind,
            patch: String::from_utf8_lossy(&patch.bytes).into_owned(),
            passed: verdicts[at + 1] == Verdict::Good && own.is_none_or(|(passed, _)| *passed),
            outcome: outcome(&verdicts[at + 1], &outputs[at + 1]),
            verified: own.map(|(_, words)| words.clone()),
            files: patch.files,
            lines: patch.lines,
            undoes: undone(workshop, task, kind, &patch)?,
        };
        fixes.push((fix, (bare, patch)));
    }
    // What passes everything first, then what passes the failing command, then what takes back nothing else, then the
    // smallest change.
    fixes.sort_by_key(|(fix, _)| {
        (!fix.passed, fix.verified.is_none(), !fix.undoes.is_empty(), fix.lines, fix.files, fix.kind)
    });
    report.trial_log = runs.log().to_vec();
    report.trials = report.trial_log.iter().filter(|line| line.source == OutcomeSource::Ran).count();
    let made;
    (report.fixes, made) = fixes.into_iter().unzip();
    Ok(Some(Fixes { report, made }))
}

/// The commits after the culprit that a candidate takes back, where it puts whole files as they were.
fn undone(
    workshop: &SessionContext<'_>,
    task: &FixTask,
    kind: FixKind,
    patch: &Patch,
) -> Result<Vec<UndoneCommit>, SessionError> {
    let culprit = task.report.culprits.first().map(|culprit| culprit.commit.id);
    let (FixKind::RestoreFiles, Some(culprit)) = (kind, culprit) else { return Ok(Vec::new()) };
    let repository = workshop.repository;
    let commits = repository.commits_changing(culprit, task.onto, &patch.paths)?;
    let undone = commits.into_iter().map(|id| Ok(UndoneCommit { id, subject: repository.info(id)?.subject }));
    undone.collect()
}

/// For a candidate, whether it passes the wider command, and in words.
type Verified = BTreeMap<usize, (bool, String)>;

/// The wider command on the passing candidates, and on the last good version: what fails there too is not held against
/// a candidate. For each candidate whether it passes, and in words.
fn verify(
    (plan, workshop, task): (&Plan, &SessionContext<'_>, &FixTask),
    runs: &mut TreeRuns<'_>,
    candidates: &[Candidate],
    passing: &[usize],
    report: &mut FixReport,
) -> Result<Option<Verified>, SessionError> {
    let (Some(command), false) = (&task.verify, passing.is_empty()) else {
        return Ok(Some(BTreeMap::new()));
    };
    let mut trees = Trees::new(plan, workshop);
    let good = task.report.last_good.as_ref().map(|good| trees.tree_of(good.id)).transpose()?;
    let recipe = Arc::new(TrialSpec {
        command: command.clone(),
        timeout: Some(Limits::LONGEST),
        ..plan.recipe.clone()
    });
    let of = |tree: TreeId, what: &str| TreeRun {
        commit: task.onto,
        tree,
        subject: format!("{what}: --verify"),
        purpose: TrialKind::Verify,
        recipe: Arc::clone(&recipe),
    };
    let passing_ones = passing.iter().map(|&at| &candidates[at]);
    let mut asked: Vec<TreeRun> =
        passing_ones.map(|candidate| of(candidate.tree, candidate.kind.phrase())).collect();
    asked.extend(good.map(|tree| of(tree, "last good")));
    let facts = CommandFacts::of(command);
    let mut judged =
        |_: usize, output: &TrialOutput| if passes(output, &facts) { Verdict::Good } else { Verdict::Bad };
    let Some(outputs) = outputs(workshop, runs, &asked, &mut judged)? else { return Ok(None) };
    if let Some(why) = outputs.first().and_then(cannot_run) {
        report.wider_cannot_run = Some(why);
    }
    if good.is_some() {
        report.failed_before = outputs.last().map(failing).unwrap_or_default();
    }
    let verified = passing.iter().zip(&outputs).map(|(&at, output)| {
        if passes(output, &CommandFacts::of(command)) {
            return (at, (true, "passes".to_owned()));
        }
        let failing = failing(output);
        let new: Vec<&String> = failing.iter().filter(|test| !report.failed_before.contains(test)).collect();
        let judged = match (failing.is_empty(), new.as_slice()) {
            (false, []) => (true, "fails only where the last good version does".to_owned()),
            (true, _) => (false, outcome(&Verdict::Bad, output)),
            (false, [one]) => (false, format!("fails {one}, which the last good version does not")),
            (false, several) => (
                false,
                format!(
                    "fails {} tests that the last good version does not, as {}",
                    several.len(),
                    several[0]
                ),
            ),
        };
        (at, judged)
    });
    Ok(Some(verified.collect()))
}

/// Why the shell could not run a command, in its own words.
fn cannot_run(output: &TrialOutput) -> Option<String> {
    let is_missing = matches!(output.ending, Termination::Exited { code: 126 | 127 });
    let said = output.stderr.text.lines().rev().find(|line| !line.trim().is_empty());
    is_missing.then(|| said.unwrap_or("command not found").trim().to_owned())
}

/// The tests that failed in a run.
fn failing(output: &TrialOutput) -> Vec<String> {
    let reading = read(output, &CommandFacts::default());
    let mut tests = reading.summary.map(|summary| summary.failing()).unwrap_or_default();
    tests.extend(reading.failures.into_iter().flat_map(|failure| failure.tests));
    tests.sort();
    tests.dedup();
    tests
}

/// What came of runs; `None` when the user stopped them.
fn outputs(
    workshop: &SessionContext<'_>,
    runs: &mut TreeRuns<'_>,
    asked: &[TreeRun],
    judge: &mut dyn FnMut(usize, &TrialOutput) -> Verdict,
) -> Result<Option<Vec<TrialOutput>>, SessionError> {
    let outputs = runs.all(asked, judge)?;
    Ok((!workshop.cancel.is_cancelled()).then_some(outputs))
}

fn with_packages_of_today(run: &TreeRun) -> Arc<TrialSpec> {
    let origin = PackageOrigin { commit: run.commit, tree: run.tree, day: PackageDate::Today };
    Arc::new(TrialSpec { packages: PackageSelection::Of(origin), ..TrialSpec::clone(&run.recipe) })
}

/// The oracle where other tests fail without a fix as well: a fix is not asked to mend those, nor may it break more.
fn beside_the_target(oracle: TargetOracle, report: &Report, without_fix: &TrialOutput) -> TargetOracle {
    match &report.failure {
        Some(target) if !target.tests.is_empty() => {
            let reading = oracle.read(without_fix);
            oracle.with_baseline(Baseline::beside(target, &reading))
        }
        _ => oracle,
    }
}

fn oracle(plan: &Plan, report: &Report) -> TargetOracle {
    let target = match (&plan.matching, &report.failure) {
        (Matching::Signature, Some(failure)) => Target::Signature(failure.clone()),
        (Matching::Pattern(pattern), _) => Target::Pattern(pattern.clone()),
        (Matching::AnyFailure, _) | (Matching::Signature, None) => Target::AnyFailure,
    };
    TargetOracle::new(target, CommandFacts::of(&plan.recipe.command))
}

/// A limit from the slowest trial of the search that ran.
fn limit(report: &Report) -> Duration {
    let slowest = report.trial_log.iter().map(|trial| trial.timing.run_ms).fold(0.0, f64::max);
    Limits::after(Duration::from_secs_f64(slowest.max(6000.0) / 1e3))
}

/// What came of a trial, for people.
pub(super) fn outcome(verdict: &Verdict, output: &TrialOutput) -> String {
    match verdict {
        Verdict::Good if passes(output, &CommandFacts::default()) => "passes".to_owned(),
        Verdict::Good => "the failing test passes; others fail without it, too".to_owned(),
        Verdict::Bad => {
            let failure = read(output, &CommandFacts::default()).failures.into_iter().next();
            failure.map_or_else(|| "fails".to_owned(), |failure| format!("fails: {failure}"))
        }
        Verdict::Skip(skip) => skip.reason.clone(),
        Verdict::Abort(why) => why.clone(),
    }
}

/// A composed tree as it is for the user: what differs from the commit's tree with the overlay, on the tree without.
fn without_overlay(
    workshop: &SessionContext<'_>,
    onto: CommitId,
    laid_over: TreeId,
    tree: TreeId,
) -> Result<TreeId, SessionError> {
    let base = workshop.repository.tree_of(onto)?;
    let mut entries = Vec::new();
    for pair in workshop.shadow.repository().entry_pairs(laid_over, tree)? {
        let moved = pair.old.filter(|old| pair.new.as_ref().is_none_or(|new| new.path != old.path));
        entries.extend(moved.map(|old| (old.path, None)));
        entries.extend(pair.new.map(|new| (new.path, Some((new.mode, new.id)))));
    }
    entries.sort_by_key(|(_, entry)| entry.is_some());
    Ok(workshop.shadow.with_entries(base, &entries)?)
}
