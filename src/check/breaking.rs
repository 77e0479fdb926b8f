//! Why the command fails on the merge result: the smallest set of the branch's changes without which it passes.

use std::path::Path;

use super::ddmin::{ddmin, suggestion};
use super::findings::{finding_at, finding_on_call, quoted};
use super::merge_check::MergeCheck;
use super::rules::{BREAKING_CALL, BREAKING_CHANGE};
use super::smoke::SmokeOutcome;
use crate::minimize::Edit;
use crate::model::{
    Annotation, CallChange, CallSpan, CancelToken, CommitId, FailureSignature, Severity, TreeId, TrialKind,
};
use crate::report::plural;
use crate::session::RevertSet;
use crate::setup::Error;

/// Narrowing is worth so many runs of the command.
const MOST_TRIALS: usize = 60;
/// So many changes that belong together are no answer.
const MOST_FINDINGS: usize = 10;

/// Runs of the command with changes taken back.
struct Runs<'l, 'a, 'r> {
    look: &'l mut MergeCheck<'a, 'r>,
    back: &'l RevertSet<'l>,
    commit: CommitId,
    cancel: &'l CancelToken,
    /// Runs of the command before these.
    before: usize,
}

impl Runs<'_, '_, '_> {
    /// The first of these sets without which the command passes; none once the runs are used up.
    fn first_that_passes(&mut self, sets: &[Vec<usize>]) -> Result<Option<usize>, Error> {
        if self.is_used_up() {
            return Ok(None);
        }
        let left = MOST_TRIALS - self.ran();
        let trees = self.trees(&sets[..sets.len().min(left)])?;
        self.look.first_that_passes(&trees)
    }

    fn ran(&self) -> usize {
        self.look.runs.log().len() - self.before
    }

    fn is_used_up(&self) -> bool {
        self.ran() >= MOST_TRIALS || self.cancel.is_cancelled()
    }

    /// The tree without each of these sets.
    fn trees(&self, sets: &[Vec<usize>]) -> Result<Vec<(CommitId, TreeId)>, Error> {
        sets.iter().map(|set| Ok((self.commit, self.back.without(set)?))).collect()
    }

    /// How the command fares without each of these sets.
    fn without(&mut self, sets: &[Vec<usize>]) -> Result<Vec<SmokeOutcome>, Error> {
        let trees = self.trees(sets)?;
        let outputs = self.look.trials(&trees, TrialKind::Narrowing)?;
        Ok(outputs.iter().map(|output| self.look.fared(output)).collect())
    }

    /// The smallest set without which it passes; empty when that is not found.
    fn smallest(&mut self) -> Result<Vec<usize>, Error> {
        for stage in self.back.stages() {
            if self.first_that_passes(std::slice::from_ref(&stage))?.is_some() {
                let mut least = self.smallest_of(&stage)?;
                // What uses it may be to blame by itself: a new function breaks nothing, but its call may.
                loop {
                    let users = self.back.users(&least);
                    if users.is_empty() || self.first_that_passes(std::slice::from_ref(&users))?.is_none() {
                        return Ok(least);
                    }
                    least = self.smallest_of(&users)?;
                }
            }
        }
        Ok(Vec::new())
    }

    fn smallest_of(&mut self, edits: &[usize]) -> Result<Vec<usize>, Error> {
        let named = |set: &Vec<usize>| set.iter().map(|&index| edits[index]).collect::<Vec<usize>>();
        let least =
            ddmin(edits.len(), |sets| self.first_that_passes(&sets.iter().map(named).collect::<Vec<_>>()))?;
        Ok(named(&least))
    }

    /// How the command fails when all but one of these are taken back; for a single one, as it did.
    fn failures_of_each(
        &mut self,
        least: &[usize],
        whole: &FailureSignature,
    ) -> Result<Vec<FailureSignature>, Error> {
        if least.len() < 2 {
            return Ok(vec![whole.clone(); least.len()]);
        }
        let others = |left: &usize| least.iter().copied().filter(|edit| edit != left).collect::<Vec<usize>>();
        let fared = self.without(&least.iter().map(others).collect::<Vec<_>>())?;
        let failure = |fared| match fared {
            SmokeOutcome::Failed(failure) => failure,
            SmokeOutcome::Passed | SmokeOutcome::Nothing(_) => whole.clone(),
        };
        Ok(fared.into_iter().map(failure).collect())
    }
}

impl MergeCheck<'_, '_> {
    /// Findings on the changes that make the command fail, each with its tested suggestion; none when no small set
    /// of them explains it.
    pub(super) fn breaking(
        &mut self,
        failure: &FailureSignature,
        commit: CommitId,
        cancel: &CancelToken,
    ) -> Result<Vec<Annotation>, Error> {
        let prepared = self.prepared;
        let Some(back) = RevertSet::between(&prepared.bench.shadow, self.base, self.merged, failure)? else {
            return Ok(Vec::new());
        };
        let before = self.runs.log().len();
        let mut runs = Runs { look: self, back: &back, commit, cancel, before };
        let least = runs.smallest()?;
        let minimal = !runs.is_used_up();
        // Once more, since a flaky command passes by chance too.
        let holds = !least.is_empty()
            && least.len() <= MOST_FINDINGS
            && matches!(runs.without(std::slice::from_ref(&least))?.as_slice(), [SmokeOutcome::Passed]);
        if !holds || cancel.is_cancelled() {
            return Ok(Vec::new());
        }
        let failures = runs.failures_of_each(&least, failure)?;
        let ran = plural(runs.ran(), "trial");
        let together = match (least.len(), minimal) {
            (1, _) => format!("with this as it was, the command passes ({ran})"),
            (count, true) => {
                format!(
                    "with these {count} changes taken back, the command passes, and with fewer it fails ({ran})"
                )
            }
            (count, false) => format!(
                "with these {count} changes taken back, the command passes; perhaps not all are needed ({ran})"
            ),
        };
        let mut findings = Vec::new();
        for (edit, failure) in least.into_iter().zip(failures) {
            let mut finding = self::finding(&back, back.edit(edit), &failure);
            finding.evidence.push(together.clone());
            if let Some(texts) = back.texts(edit)? {
                let title = match only_call(back.edit(edit)).and_then(|call| call.before.as_ref()) {
                    Some(before) => format!("as it was: {}", quoted(&before.text)),
                    None => "as it was".to_owned(),
                };
                finding.suggestion =
                    suggestion(&texts.with, &texts.without, title).filter(|_| texts.path == finding.path);
            }
            findings.push(finding);
        }
        Ok(findings)
    }
}

/// The call, when an edit is nothing else.
fn only_call(edit: &Edit) -> Option<&CallChange> {
    edit.calls.iter().filter(|_| edit.is_call).min_by_key(|change| change.kind)
}

fn finding(back: &RevertSet<'_>, edit: &Edit, failure: &FailureSignature) -> Annotation {
    let file = back.file(edit);
    let path = file.name();
    if let Some(site) = only_call(edit).and_then(|call| call.after.as_ref()) {
        let message = format!("{} makes the command fail: {failure}", quoted(&site.text));
        return finding_on_call(&BREAKING_CALL, Severity::Error, &path, site, message);
    }
    let text = |text: &[u8]| String::from_utf8_lossy(text).into_owned();
    let written = file.new.as_ref().and_then(|side| side.text.as_deref()).map(text).unwrap_or_default();
    let count = u32::try_from(written.lines().count()).unwrap_or(u32::MAX).max(1);
    let (first, last) = lines_of(back, edit, failure);
    let (first, last) = (first.min(count), last.min(count));
    let line = |number: u32| written.lines().nth(usize::try_from(number).unwrap_or(1).saturating_sub(1));
    let what = match (&file.old, &file.new) {
        (_, None) => "that this file is gone".to_owned(),
        (None, _) => "this new file".to_owned(),
        (Some(old), Some(new)) if old.path != new.path && back.is_of_whole_file(edit) => {
            format!("that {} is called {path} now", text(&old.path))
        }
        _ if edit.lines.is_empty() => {
            let gone = text(&edit.old);
            format!("that {} went", quoted(gone.trim().lines().next().unwrap_or_default()))
        }
        _ => match line(first).map(str::trim).filter(|line| !line.is_empty()) {
            Some(line) => quoted(line),
            None => "this change".to_owned(),
        },
    };
    let width = line(last).map_or(0, str::len);
    let end_column = u32::try_from(width).unwrap_or(u32::MAX).saturating_add(1);
    let span = CallSpan { start: 0, end: 0, line: first, column: 1, end_line: last, end_column };
    let message = format!("{what} makes the command fail: {failure}");
    let mut finding = finding_at(&BREAKING_CHANGE, Severity::Error, &path, span, message);
    finding.in_old_version = file.new.is_none();
    if let Some(function) = back.function_of(edit).filter(|function| !function.is_empty()) {
        finding.evidence.push(format!("in {function}"));
    }
    finding
}

/// The lines of an edit, from 1 and with both ends; the one on which the program failed, when it is one of them.
fn lines_of(back: &RevertSet<'_>, edit: &Edit, failure: &FailureSignature) -> (u32, u32) {
    let path = back.file(edit).name();
    let is_here = |frame: &&crate::model::Frame| {
        Path::new(&frame.path).ends_with(&path) && edit.lines.contains(&frame.line)
    };
    match failure.frames.iter().rev().find(is_here) {
        Some(frame) => (frame.line, frame.line),
        None => (edit.lines.start.max(1), edit.lines.end.saturating_sub(1).max(edit.lines.start).max(1)),
    }
}
