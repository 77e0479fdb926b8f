//! The smoke command on the base and on the merge result, and why it fails there.

use std::sync::Arc;
use std::time::Duration;

use super::coverage::{Coverage, lines_to_test};
use super::findings::{finding_at, merge_findings};
use super::merge_check::MergeCheck;
use super::merge_sides::MergeSides;
use super::rules::SMOKE_FAILED;
use crate::model::{
    Annotation, CallSpan, CancelToken, CommitId, CommitInfo, FailureSignature, Frame, Severity, SkipKind,
    SmokeResult, Status, Termination, TreeId, TrialKind, TrialOutput, TrialSpec, Verdict,
};
use crate::session::{self, LineTracer, LinesByFile, Plan, TreeRun};
use crate::setup::Error;
use crate::triage::{CommandFacts, Oracle as _, Target, TargetOracle, same_failure};

/// A smoke test takes less.
const LONGEST: Duration = Duration::from_secs(1800);

/// What is tried, where it is not the base.
const MERGED: &str = "the merge result";

/// A tree, and the commit that a trial of it runs as.
pub(super) type SmokeSource = (CommitId, TreeId);

/// How one run fared.
pub(super) enum SmokeOutcome {
    Passed,
    Failed(FailureSignature),
    Nothing(String),
}

impl SmokeOutcome {
    fn in_words(&self) -> String {
        match self {
            Self::Passed => "passed".to_owned(),
            Self::Failed(_) => "failed".to_owned(),
            Self::Nothing(why) => format!("nothing to say ({why})"),
        }
    }
}

/// What a run says. One that isolation kept from something says nothing.
fn verdict(plan: &Plan, output: &TrialOutput) -> Verdict {
    if let Some(want) = session::isolation_failure(output, &plan.isolation) {
        return Verdict::skip(SkipKind::Isolation, want.to_string());
    }
    TargetOracle::new(Target::AnyFailure, CommandFacts::of(&plan.recipe.command)).judge(output)
}

impl MergeCheck<'_, '_> {
    /// Run the command, when there is one, and say why it fails when that is new. With `watch`, the changed calls
    /// that it executes; unless it fails, or nothing of the kind is known.
    pub(super) fn smoke(
        &mut self,
        sides: &MergeSides,
        watch: bool,
        cancel: &CancelToken,
    ) -> Result<Option<Coverage>, Error> {
        if self.prepared.plan.recipe.command.is_empty() {
            return Ok(None);
        }
        let lines = if watch { lines_to_test(&self.calls) } else { LinesByFile::new() };
        let watch = if lines.is_empty() { None } else { Some(LineTracer::new(lines)) };
        let (outputs, was_watched) = self.both_sides(sides, watch.as_ref(), cancel)?;
        let passed = self.judge_sides(sides, &outputs, cancel)?;
        let Some(watch) = watch.filter(|_| passed) else { return Ok(None) };
        let why = match watch.read(&outputs[1]).filter(|_| was_watched) {
            Some(watched) => return Ok(Some(Coverage::of_watched(watched))),
            None if was_watched => "no Python of it could be watched",
            None => "it fails while it is watched",
        };
        self.report.notes.push(format!("which calls the command executes is not known: {why}"));
        Ok(None)
    }

    /// The outputs on the base and on the merge result, and whether the latter was watched.
    fn both_sides(
        &mut self,
        sides: &MergeSides,
        watch: Option<&LineTracer>,
        cancel: &CancelToken,
    ) -> Result<([TrialOutput; 2], bool), Error> {
        let recipe = self.recipe();
        let watched = watch.map_or_else(|| Arc::clone(&recipe), |watch| Arc::new(watch.watched(&recipe)));
        let (base, merged) = ((sides.base.commit, self.base), (sides.head.commit, self.merged));
        let asked = [
            self.of_tree(base, TrialKind::Endpoint, recipe.clone())?,
            self.of_tree(merged, TrialKind::Endpoint, watched)?,
        ];
        let outputs = self.run(&asked)?;
        let [old, mut new] = <[TrialOutput; 2]>::try_from(outputs)
            .map_err(|_| Error::internal(anyhow::anyhow!("a trial has no output")))?;
        if !cancel.is_cancelled() {
            self.can_run(&old, &new)?;
        }
        let was_watched = watch.is_some() && matches!(self.fared(&new), SmokeOutcome::Passed);
        if watch.is_some() && !was_watched && !cancel.is_cancelled() {
            // Being watched must not be held against it.
            new = self.trials(&[merged], TrialKind::Repeat)?.pop().unwrap_or(new);
        }
        Ok(([old, new], was_watched))
    }

    /// A command that runs on neither side guards nothing, and would be green for ever.
    fn can_run(&self, old: &TrialOutput, new: &TrialOutput) -> Result<(), Error> {
        let plan = &self.prepared.plan;
        let is_missing = |output: &TrialOutput| {
            matches!(output.ending, Termination::NotStarted { .. } | Termination::Exited { code: 126 | 127 })
        };
        if is_missing(old) && is_missing(new) {
            let why = self.fared(new).in_words();
            let program = plan.recipe.command.first().map(|word| word.to_string_lossy()).unwrap_or_default();
            let hint = if plan.recipe.command.len() == 1 && program.contains(' ') {
                format!("leave the quotes out: pybisect check -- {program}")
            } else {
                format!("is {program} spelled right, and does it start from the top of the repository?")
            };
            return Err(Error::usage(format!("the command '{}' has {why}", plan.command_text)).hinted(hint));
        }
        match (&old.ending, &new.ending) {
            (Termination::NoEnvironment { .. }, Termination::NoEnvironment { reason }) => {
                Err(Error::environment(format!("no environment for the command: {reason}"))
                    .hinted("--env current runs it with the packages that you have"))
            }
            _ => Ok(()),
        }
    }

    /// Say how the command fared; whether it passed on the merge result.
    fn judge_sides(
        &mut self,
        sides: &MergeSides,
        outputs: &[TrialOutput; 2],
        cancel: &CancelToken,
    ) -> Result<bool, Error> {
        let [base, merged] = [&outputs[0], &outputs[1]].map(|output| self.fared(output));
        let passed = matches!(merged, SmokeOutcome::Passed);
        let command = self.prepared.plan.command_text.clone();
        let mut smoke = SmokeResult {
            command,
            base: base.in_words(),
            merged: merged.in_words(),
            failure: None,
            is_new: false,
            culprit: None,
            new_failures: Vec::new(),
            known: None,
            not_judged: None,
        };
        if cancel.is_cancelled() {
            return Ok(false);
        }
        match (base, merged) {
            (_, SmokeOutcome::Passed) => {}
            (base @ (SmokeOutcome::Passed | SmokeOutcome::Failed(_)), SmokeOutcome::Nothing(why)) => {
                smoke.is_new = true;
                smoke.failure = Some(why.clone());
                let fared = if matches!(base, SmokeOutcome::Passed) { "passes" } else { "runs, and fails" };
                let finding = self.failed(&[], &format!("the command does not get to run: {why}"), fared);
                self.report.findings.push(finding);
            }
            (_, SmokeOutcome::Nothing(why)) => {
                smoke.not_judged = Some("the command runs on neither side".to_owned());
                self.report.notes.push(format!("the command says nothing of the merge result: {why}"));
            }
            (SmokeOutcome::Failed(old), SmokeOutcome::Failed(new)) => {
                let other = if same_failure(&old, &new) { "" } else { ", though in another way" };
                self.report.notes.push(format!("the command fails on the base already{other}: {old}"));
                smoke.failure = Some(new.to_string());
                let versions = ((sides.base.commit, self.base), (sides.head.commit, self.merged));
                self.red_on_both(versions, outputs, &mut smoke, cancel)?;
            }
            (base, SmokeOutcome::Failed(failure)) => {
                smoke.failure = Some(failure.to_string());
                smoke.is_new = true;
                let again = self.trials(&[(sides.head.commit, self.merged)], TrialKind::Repeat)?;
                let is_flaky = again.iter().any(|output| matches!(self.fared(output), SmokeOutcome::Passed));
                let mut findings = Vec::new();
                if !is_flaky {
                    smoke.culprit = self.culprit(sides, cancel)?;
                    findings = self.breaking(&failure, sides.head.commit, cancel)?;
                }
                if findings.is_empty() {
                    let fared = match &base {
                        SmokeOutcome::Nothing(why) => format!("has nothing to say ({why})"),
                        _ => "passes".to_owned(),
                    };
                    let mut finding =
                        self.failed(&failure.frames, &format!("the command fails: {failure}"), &fared);
                    if is_flaky {
                        finding.severity = Severity::Warning;
                        finding
                            .evidence
                            .push("run again, it passed: it is flaky, and nothing is blamed".to_owned());
                    }
                    findings.push(finding);
                }
                if let Some(culprit) = &smoke.culprit {
                    let line = format!("first in {} {}", culprit.id.short(), culprit.subject);
                    findings.iter_mut().for_each(|finding| finding.evidence.push(line.clone()));
                }
                // What was seen to fail comes first, what a checker says supports it.
                let said = std::mem::replace(&mut self.report.findings, findings);
                merge_findings(&mut self.report.findings, said);
            }
        }
        self.report.smoke = Some(smoke);
        Ok(passed)
    }

    pub(super) fn fared(&self, output: &TrialOutput) -> SmokeOutcome {
        match verdict(&self.prepared.plan, output) {
            Verdict::Good => SmokeOutcome::Passed,
            Verdict::Bad => {
                let command = CommandFacts::of(&self.prepared.plan.recipe.command);
                match TargetOracle::target_of(output, command) {
                    Ok(failure) => SmokeOutcome::Failed(failure),
                    Err(nothing) => SmokeOutcome::Nothing(nothing.seen),
                }
            }
            Verdict::Skip(skip) => SmokeOutcome::Nothing(skip.reason),
            Verdict::Abort(why) => SmokeOutcome::Nothing(why),
        }
    }

    fn recipe(&self) -> Arc<TrialSpec> {
        let recipe = self.prepared.plan.recipe.clone();
        Arc::new(TrialSpec { timeout: recipe.timeout.or(Some(LONGEST)), ..recipe })
    }

    /// Run the command on trees; outputs in the order of the trees.
    pub(super) fn trials(
        &mut self,
        trees: &[SmokeSource],
        purpose: TrialKind,
    ) -> Result<Vec<TrialOutput>, Error> {
        let asked = self.of_trees(trees, purpose)?;
        self.run(&asked)
    }

    /// The first of these trees on which the command passes.
    pub(super) fn first_that_passes(&mut self, trees: &[SmokeSource]) -> Result<Option<usize>, Error> {
        let asked = self.of_trees(trees, TrialKind::Narrowing)?;
        let plan = &self.prepared.plan;
        Ok(self.runs.first_that_passes(&asked, &mut |_, output| verdict(plan, output))?)
    }

    fn run(&mut self, asked: &[TreeRun]) -> Result<Vec<TrialOutput>, Error> {
        let plan = &self.prepared.plan;
        Ok(self.runs.all(asked, &mut |_, output| verdict(plan, output))?)
    }

    fn of_trees(&self, trees: &[SmokeSource], purpose: TrialKind) -> Result<Vec<TreeRun>, Error> {
        let recipe = self.recipe();
        trees.iter().map(|&tree| self.of_tree(tree, purpose, Arc::clone(&recipe))).collect()
    }

    fn of_tree(
        &self,
        (commit, tree): SmokeSource,
        purpose: TrialKind,
        recipe: Arc<TrialSpec>,
    ) -> Result<TreeRun, Error> {
        let subject = if tree == self.base { self.report.base.name.clone() } else { MERGED.to_owned() };
        Ok(TreeRun { commit, tree: self.overlaid(tree)?, subject, purpose, recipe })
    }

    pub(super) fn overlaid(&self, tree: TreeId) -> Result<TreeId, Error> {
        let files: Vec<(String, Vec<u8>, bool)> = self
            .prepared
            .plan
            .overlay
            .iter()
            .map(|file| (file.path.clone(), file.content.clone(), file.executable))
            .collect();
        Ok(self.prepared.bench.shadow.with_overlay(tree, &files)?)
    }

    /// The commit of the branch that brought the failure, when it is a commit's.
    fn culprit(&mut self, sides: &MergeSides, cancel: &CancelToken) -> Result<Option<CommitInfo>, Error> {
        if sides.ancestor == sides.head.commit {
            return Ok(None);
        }
        let mut plan = self.prepared.plan.clone();
        plan.good = vec![sides.ancestor];
        plan.bad = sides.head.commit;
        let workshop = self.prepared.workshop(cancel);
        let report = session::find(&plan, &workshop, &mut |event| self.runs.hand_on(event))?;
        if report.status == Status::Found {
            return Ok(report.culprits.into_iter().next().map(|culprit| culprit.commit));
        }
        let reason = report.reason.unwrap_or_else(|| report.status.to_string());
        self.report.notes.push(format!("no commit of the branch can be blamed: {reason}"));
        Ok(None)
    }

    /// The failure as a finding of its own, at its innermost frame in the files that the branch changed.
    pub(super) fn failed(&self, frames: &[Frame], message: &str, on_base: &str) -> Annotation {
        let changed = || self.files.iter().filter_map(|(_, new)| new.as_deref());
        let file_of = |frame: &Frame| {
            let path = std::path::Path::new(&frame.path);
            changed().find(|changed| path.ends_with(changed)).map(|path| (path, frame.line.max(1)))
        };
        let place = frames.iter().rev().find_map(file_of);
        let (path, line) = place.or_else(|| changed().next().map(|path| (path, 1))).unwrap_or(("", 1));
        let span = CallSpan { start: 0, end: 0, line, column: 1, end_line: line, end_column: 1 };
        let mut finding = finding_at(&SMOKE_FAILED, Severity::Error, path, span, message.to_owned());
        finding.evidence.push(format!("on {}, it {on_base}", self.report.base.name));
        finding
    }
}
