//! The smoke command on the base and on the merge result, and why it fails there.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::Prepared;
use super::look::Look;
use crate::check::{self, BREAKING_CALL, SMOKE_FAILED, Sides, Undo, add_or_support, quoted};
use crate::cli::CliError;
use crate::executor::ExecutorError;
use crate::model::{
    Annotation, CallSpan, CancelToken, CommitId, CommitInfo, Ending, FailureSignature, Frame, Purpose,
    Recipe, Severity, Smoke, TreeId, Trial, TrialId, TrialOutput, Verdict,
};
use crate::session::{self, Workshop, runs_pytest};
use crate::store::OutcomeKey;
use crate::triage::{Oracle as _, Target, TargetOracle, same_failure};

/// A smoke test takes less.
const LONGEST: Duration = Duration::from_secs(1800);

/// How one run fared.
enum Fared {
    Passed,
    Failed(FailureSignature),
    Nothing(String),
}

impl Fared {
    fn in_words(&self) -> String {
        match self {
            Self::Passed => "passed".to_owned(),
            Self::Failed(_) => "failed".to_owned(),
            Self::Nothing(why) => format!("nothing to say ({why})"),
        }
    }
}

impl Look<'_> {
    /// Run the command, when there is one, and say why it fails when that is new.
    pub(super) fn smoke(&mut self, sides: &Sides, cancel: &CancelToken) -> Result<(), CliError> {
        let plan = &self.prepared.plan;
        if plan.recipe.command.is_empty() {
            return Ok(());
        }
        let sources = [(sides.base.commit, self.base), (sides.head.commit, self.merged)];
        let outputs = self.trials(&sources, cancel)?;
        for (&(commit, tree), output) in sources.iter().zip(&outputs) {
            self.record(commit, tree, output)?;
        }
        let [base, merged] = [&outputs[0], &outputs[1]].map(|output| self.fared(output));
        let command = plan.command_text.clone();
        let mut smoke = Smoke {
            command,
            base: base.in_words(),
            merged: merged.in_words(),
            failure: None,
            is_new: false,
            culprit: None,
        };
        if cancel.is_cancelled() {
            return Ok(());
        }
        match (base, merged) {
            (_, Fared::Passed) => {}
            (_, Fared::Nothing(why)) => {
                self.report.notes.push(format!("the command says nothing of the merge result: {why}"));
            }
            (Fared::Failed(old), Fared::Failed(new)) => {
                let other = if same_failure(&old, &new) { "" } else { ", though in another way" };
                self.report.notes.push(format!("the command fails on the base already{other}: {old}"));
                smoke.failure = Some(new.to_string());
            }
            (base, Fared::Failed(failure)) => {
                smoke.failure = Some(failure.to_string());
                smoke.is_new = true;
                smoke.culprit = self.culprit(sides, cancel)?;
                let mut findings = self.breaking_calls(&failure, sides.head.commit, cancel)?;
                if findings.is_empty() {
                    findings.push(self.failed(&failure, &base));
                }
                if let Some(culprit) = &smoke.culprit {
                    let line = format!("first in {} {}", culprit.id.short(), culprit.subject);
                    findings.iter_mut().for_each(|finding| finding.evidence.push(line.clone()));
                }
                // What was seen to fail comes first, what a checker says supports it.
                let said = std::mem::replace(&mut self.report.findings, findings);
                add_or_support(&mut self.report.findings, said);
            }
        }
        self.report.smoke = Some(smoke);
        Ok(())
    }

    fn fared(&self, output: &TrialOutput) -> Fared {
        let runs_pytest = runs_pytest(&self.prepared.plan.recipe.command);
        match TargetOracle::new(Target::AnyFailure, runs_pytest).judge(output) {
            Verdict::Good => Fared::Passed,
            Verdict::Bad => match TargetOracle::target_of(output, runs_pytest) {
                Ok(failure) => Fared::Failed(failure),
                Err(nothing) => Fared::Nothing(nothing.seen),
            },
            Verdict::Skip(skip) => Fared::Nothing(skip.reason),
            Verdict::Abort(why) => Fared::Nothing(why),
        }
    }

    /// Keep what came of a run, so that a search of the branch need not repeat it.
    fn record(&self, commit: CommitId, tree: TreeId, output: &TrialOutput) -> Result<(), CliError> {
        let plan = &self.prepared.plan;
        if matches!(output.ending, Ending::Exited { .. } | Ending::Signalled { .. }) {
            let tree = self.overlaid(tree)?;
            let executor = self.prepared.bench.executor.as_ref();
            let environment = executor.environment_key(&plan.environment_key, commit, tree, &plan.recipe);
            let key = OutcomeKey::new(tree, &plan.recipe, &environment);
            self.prepared.store.add_outcome(key, commit, output)?;
        }
        Ok(())
    }

    /// Run the command on trees, as many at a time as there are slots; outputs in the order of the trees.
    fn trials(
        &self,
        trees: &[(CommitId, TreeId)],
        cancel: &CancelToken,
    ) -> Result<Vec<TrialOutput>, CliError> {
        let plan = &self.prepared.plan;
        let recipe = Recipe { timeout: plan.recipe.timeout.or(Some(LONGEST)), ..plan.recipe.clone() };
        let recipe = Arc::new(recipe);
        let mut trials = Vec::new();
        for (&(commit, tree), id) in trees.iter().zip(0..) {
            let (tree, recipe) = (self.overlaid(tree)?, Arc::clone(&recipe));
            trials.push(Trial { id: TrialId(id), commit, tree, purpose: Purpose::Endpoint, recipe });
        }
        let executor = &self.prepared.bench.executor;
        let mut outputs = Vec::new();
        for batch in trials.chunks(executor.capacity()) {
            let ran: Vec<Result<TrialOutput, ExecutorError>> = std::thread::scope(|scope| {
                let running: Vec<_> =
                    batch.iter().map(|trial| scope.spawn(|| executor.run(trial, cancel))).collect();
                let join = |thread: std::thread::ScopedJoinHandle<'_, _>| {
                    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
                };
                running.into_iter().map(join).collect()
            });
            for output in ran {
                outputs.push(output.map_err(CliError::internal)?);
            }
        }
        Ok(outputs)
    }

    fn overlaid(&self, tree: TreeId) -> Result<TreeId, CliError> {
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
    fn culprit(&mut self, sides: &Sides, cancel: &CancelToken) -> Result<Option<CommitInfo>, CliError> {
        if sides.ancestor == sides.head.commit {
            return Ok(None);
        }
        let mut plan = self.prepared.plan.clone();
        plan.good = vec![sides.ancestor];
        plan.bad = sides.head.commit;
        let Prepared { repository, bench, store, .. } = self.prepared;
        let workshop =
            Workshop { repository, shadow: &bench.shadow, executor: bench.executor.as_ref(), store, cancel };
        let report = session::find(&plan, &workshop, &mut |_| {})?;
        if report.status == "found" {
            return Ok(report.culprits.into_iter().next().map(|culprit| culprit.commit));
        }
        let reason = report.reason.unwrap_or(report.status);
        self.report.notes.push(format!("no commit of the branch can be blamed: {reason}"));
        Ok(None)
    }

    /// The smallest set of changed calls without which the command passes, each with its tested suggestion.
    fn breaking_calls(
        &mut self,
        failure: &FailureSignature,
        commit: CommitId,
        cancel: &CancelToken,
    ) -> Result<Vec<Annotation>, CliError> {
        let undos = check::undos(&self.calls);
        let mut trials = 0;
        let mut first_that_passes = |sets: &[Vec<usize>]| -> Result<Option<usize>, CliError> {
            let slots = self.prepared.bench.executor.capacity();
            for (batch, sets) in sets.chunks(slots).enumerate() {
                let trees: Result<Vec<(CommitId, TreeId)>, CliError> = sets
                    .iter()
                    .map(|set| {
                        let chosen: Vec<&Undo> = set.iter().map(|&index| &undos[index]).collect();
                        Ok((commit, self.without(&chosen)?))
                    })
                    .collect();
                let outputs = self.trials(&trees?, cancel)?;
                trials += outputs.len();
                let passed = outputs.iter().position(|output| matches!(self.fared(output), Fared::Passed));
                if let Some(at) = passed {
                    return Ok(Some(batch * slots + at));
                }
            }
            Ok(None)
        };
        let all: Vec<usize> = (0..undos.len()).collect();
        if all.is_empty() || first_that_passes(&[all])?.is_none() {
            return Ok(Vec::new());
        }
        let least = check::smallest(undos.len(), first_that_passes)?;
        if cancel.is_cancelled() {
            return Ok(Vec::new());
        }
        let failures = self.failures_of_each(&undos, &least, commit, cancel)?;
        let together = match least.len() {
            1 => String::from("with this call as it was, the command passes"),
            count => {
                format!("with these {count} calls as they were, the command passes, and with fewer it fails")
            }
        };
        let mut findings = Vec::new();
        for (index, alone) in least.into_iter().zip(failures) {
            let undo = &undos[index];
            let failure = alone.as_ref().unwrap_or(failure);
            let Some(site) = self.calls[undo.call].site() else { continue };
            let message = format!("{} makes the command fail: {failure}", quoted(&site.text));
            let mut finding = check::on_call(&BREAKING_CALL, Severity::Error, &undo.path, site, message);
            finding.evidence.push(format!("{together} ({})", crate::report::plural(trials, "trial")));
            finding.suggestion = check::suggestion(&self.source(&undo.path)?, undo, true);
            findings.push(finding);
        }
        Ok(findings)
    }

    /// How the command fails when all but one of these calls are put back; for a single one, as it did.
    fn failures_of_each(
        &self,
        undos: &[Undo],
        least: &[usize],
        commit: CommitId,
        cancel: &CancelToken,
    ) -> Result<Vec<Option<FailureSignature>>, CliError> {
        if least.len() < 2 {
            return Ok(vec![None; least.len()]);
        }
        let without_others = |left: &usize| {
            let others: Vec<&Undo> =
                least.iter().filter(|index| *index != left).map(|&index| &undos[index]).collect();
            Ok((commit, self.without(&others)?))
        };
        let trees: Result<Vec<(CommitId, TreeId)>, CliError> = least.iter().map(without_others).collect();
        let outputs = self.trials(&trees?, cancel)?;
        let failure = |output| match self.fared(output) {
            Fared::Failed(failure) => Some(failure),
            Fared::Passed | Fared::Nothing(_) => None,
        };
        Ok(outputs.iter().map(failure).collect())
    }

    /// The merge result with these calls put back.
    fn without(&self, undos: &[&Undo]) -> Result<TreeId, CliError> {
        let mut by_path: BTreeMap<&str, Vec<&Undo>> = BTreeMap::new();
        for undo in undos {
            by_path.entry(&undo.path).or_default().push(undo);
        }
        let mut files = Vec::new();
        for (path, undos) in by_path {
            let text = check::put_back(&self.source(path)?, undos);
            files.push((path.to_owned(), text, self.executables.contains(path)));
        }
        Ok(self.prepared.bench.shadow.with_overlay(self.merged, &files)?)
    }

    /// The failure as a finding of its own, at its innermost frame in the tree.
    fn failed(&self, failure: &FailureSignature, base: &Fared) -> Annotation {
        let changed = || self.files.iter().filter_map(|(_, new)| new.as_deref());
        let file_of = |frame: &Frame| {
            let path = std::path::Path::new(&frame.path);
            changed().find(|changed| path.ends_with(changed)).map(|path| (path, frame.line.max(1)))
        };
        let place = failure.frames.iter().rev().find_map(file_of);
        let (path, line) = place.or_else(|| changed().next().map(|path| (path, 1))).unwrap_or(("", 1));
        let span = CallSpan { start: 0, end: 0, line, column: 1, end_line: line, end_column: 1 };
        let message = format!("the command fails: {failure}");
        let mut finding = check::at(&SMOKE_FAILED, Severity::Error, path, span, message);
        finding.evidence.push(format!(
            "on {}, it {}",
            self.report.base.name,
            match base {
                Fared::Nothing(why) => format!("has nothing to say ({why})"),
                _ => "passes".to_owned(),
            }
        ));
        finding
    }
}
