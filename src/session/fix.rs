//! Candidate fixes on top of a commit, all tested at the same time.

use std::collections::BTreeMap;
use std::time::Duration;

use super::fix_candidates::{Candidate, candidates};
use super::fix_task::FixTask;
use super::plan::Limits;
use super::trial_queue::Trials;
use super::{Matching, Plan, SessionContext, SessionError, Trees};
use crate::git::Patch;
use crate::model::fix::FIX_SCHEMA;
use crate::model::trial_line::OutcomeSource;
use crate::model::{
    CandidateFix, CommitId, EventKind, FixKind, FixReport, PackageDate, PackageOrigin, PackageSelection,
    Report, Termination, TreeId, TrialActivity, TrialId, TrialKind, TrialOutput, TrialSpec, UndoneCommit,
    Verdict,
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

/// What is told while candidates are tested.
#[derive(Debug)]
pub enum FixNews<'a> {
    /// How a candidate fared, in a row for people.
    Row(&'a str),
    /// A trial begins or ends.
    Trial(&'a EventKind),
}

/// A trial of [`run`].
enum TrialStep<'a> {
    Begins(TrialActivity),
    Ends(&'a TrialOutput),
}

impl TrialStep<'_> {
    /// For who watches the trials that run: this one, of a candidate.
    fn event(&self, at: usize, commit: CommitId, what: &str) -> EventKind {
        let trial = TrialId(u64::try_from(at).unwrap_or(u64::MAX));
        match self {
            Self::Begins(activity) => EventKind::TrialStarted {
                trial,
                commit,
                subject: what.to_owned(),
                purpose: TrialKind::Fix,
                activity: activity.clone(),
            },
            Self::Ends(_) => EventKind::TrialCancelled { trial },
        }
    }
}

/// Make the candidates for a report and test them. `told` hears of each as it ends, and of trials. `None` when the user
/// stopped it; what ran is kept, and answered from the record the next time.
///
/// # Errors
/// When the machine, the repository or the store fails.
pub fn fix(
    plan: &Plan,
    workshop: &SessionContext<'_>,
    task: &FixTask,
    told: &mut dyn FnMut(FixNews<'_>),
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
    let mut asked = vec![head];
    asked.extend(candidates.iter().map(|candidate| candidate.tree));
    let mut recipe = plan.recipe.clone();
    recipe.timeout = recipe.timeout.or_else(|| Some(limit(&task.report)));
    let judge = oracle(plan, &task.report);
    let mut aimed = judge.clone();
    let mut heard = |at: usize, step: TrialStep<'_>| {
        let what = at.checked_sub(1).map_or("without a fix", |at| candidates[at].kind.phrase());
        told(FixNews::Trial(&step.event(at, task.onto, what)));
        let TrialStep::Ends(output) = step else { return };
        if at == 0 {
            aimed = beside_the_target(judge.clone(), &task.report, output);
        }
        told(FixNews::Row(&format!("{:<7}{what}", word(&aimed.judge(output)))));
    };
    let Some((mut outputs, ran)) =
        run(plan, workshop, task.onto, &recipe, &asked, PackageDate::Asked, &mut heard)?
    else {
        return Ok(None);
    };
    report.trials = ran;
    let judge = beside_the_target(judge.clone(), &task.report, &outputs[0]);
    let mut verdicts: Vec<Verdict> = outputs.iter().map(|output| judge.judge(output)).collect();
    // What only fails with the packages of today has to pass with those.
    if verdicts[0] == Verdict::Good && task.report.culprits.is_empty() && !task.report.packages.is_empty() {
        let Some((later, ran)) =
            run(plan, workshop, task.onto, &recipe, &asked, PackageDate::Today, &mut heard)?
        else {
            return Ok(None);
        };
        report.trials += ran;
        verdicts = later.iter().map(|output| judge.judge(output)).collect();
        outputs = later;
    }
    report.mended_already = verdicts[0] == Verdict::Good;
    report.as_it_is = outcome(&verdicts[0], &outputs[0]);
    let passing: Vec<usize> = (0..candidates.len()).filter(|&at| verdicts[at + 1] == Verdict::Good).collect();
    let Some(verified) = verify(plan, workshop, task, &candidates, &passing, &mut report, told)? else {
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
    plan: &Plan,
    workshop: &SessionContext<'_>,
    task: &FixTask,
    candidates: &[Candidate],
    passing: &[usize],
    report: &mut FixReport,
    told: &mut dyn FnMut(FixNews<'_>),
) -> Result<Option<Verified>, SessionError> {
    let (Some(command), false) = (&task.verify, passing.is_empty()) else {
        return Ok(Some(BTreeMap::new()));
    };
    let mut trees = Trees::new(plan, workshop);
    let good = task.report.last_good.as_ref().map(|good| trees.tree_of(good.id)).transpose()?;
    let mut asked: Vec<TreeId> = passing.iter().map(|&at| candidates[at].tree).collect();
    asked.extend(good);
    let recipe =
        TrialSpec { command: command.clone(), timeout: Some(Limits::LONGEST), ..plan.recipe.clone() };
    let mut heard = |at: usize, step: TrialStep<'_>| {
        let what = passing.get(at).map_or("last good", |&at| candidates[at].kind.phrase());
        told(FixNews::Trial(&step.event(at, task.onto, &format!("{what}: --verify"))));
        let TrialStep::Ends(output) = step else { return };
        let passes = passes(output, &CommandFacts::of(command));
        // What fails in the last good version too is not held against a candidate.
        let word = if passes { "passes" } else { "fails" };
        let compared = if passes { "" } else { ", to be compared" };
        told(FixNews::Row(&format!("{word:<7}{what}: --verify{compared}")));
    };
    let Some((outputs, ran)) =
        run(plan, workshop, task.onto, &recipe, &asked, PackageDate::Asked, &mut heard)?
    else {
        return Ok(None);
    };
    report.trials += ran;
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

/// Run a recipe on trees, as many at a time as there are slots; their outputs, and how many really ran. `None` when the
/// user stopped it.
fn run(
    plan: &Plan,
    workshop: &SessionContext<'_>,
    head: CommitId,
    recipe: &TrialSpec,
    asked: &[TreeId],
    day: PackageDate,
    heard: &mut dyn FnMut(usize, TrialStep<'_>),
) -> Result<Option<(Vec<TrialOutput>, usize)>, SessionError> {
    std::thread::scope(|scope| {
        let mut trials = Trials::new(scope, plan, workshop, recipe.clone());
        let mut numbers = BTreeMap::new();
        let mut outputs: Vec<Option<TrialOutput>> = vec![None; asked.len()];
        for (at, &tree) in asked.iter().enumerate() {
            let packages = match day {
                PackageDate::Asked => PackageSelection::Own,
                day => PackageSelection::Of(PackageOrigin { commit: head, tree, day }),
            };
            let id = trials.start_packages(head, tree, TrialKind::Fix, packages)?;
            heard(at, TrialStep::Begins(trials.activity(id)));
            numbers.insert(id, at);
        }
        let mut ran = 0;
        while outputs.iter().any(Option::is_none) {
            let Some(done) = trials.wait(None)? else {
                if workshop.cancel.is_cancelled() {
                    trials.drain()?;
                    return Ok(None);
                }
                continue;
            };
            ran += usize::from(done.source == OutcomeSource::Ran);
            if let Some(&at) = numbers.get(&done.id) {
                heard(at, TrialStep::Ends(&done.output));
                outputs[at] = Some(done.output);
            }
        }
        Ok(Some((outputs.into_iter().flatten().collect(), ran)))
    })
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

const fn word(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Good => "passes",
        Verdict::Bad | Verdict::Skip(_) | Verdict::Abort(_) => "fails",
    }
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
