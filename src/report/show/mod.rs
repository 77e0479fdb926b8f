//! A session that has ended, shown again: what the test printed at good beside bad, in several forms.

mod edits;
mod markdown;
mod slack;
mod text;

use crate::model::kept_output::ending_words;
use crate::model::{CommitId, KeptOutput, Report, Status, TrialKind, VerdictKind};

pub use edits::EditsText;
pub use markdown::ShowMarkdown;
pub use slack::ShowSlack;
pub use text::ShowText;

use super::phrases::plural;

/// A session and what its trials printed.
#[derive(Debug, Clone, Copy)]
pub struct ShownSession<'s> {
    /// The session's report.
    pub report: &'s Report,
    /// The ends of the outputs of its trials.
    pub outputs: &'s [KeptOutput],
}

/// An output with what it is of.
pub(super) struct Titled<'s> {
    pub(super) title: String,
    pub(super) output: &'s KeptOutput,
}

impl<'s> ShownSession<'s> {
    /// The outputs that decided: at good, then at bad. Where there is no answer, those of the ends of the range.
    #[must_use]
    pub(super) fn deciding(&self) -> Vec<Titled<'s>> {
        let report = self.report;
        let culprit = report.culprits.first().map(|culprit| &culprit.commit);
        let parents = culprit.map(|commit| commit.parents.as_slice()).unwrap_or_default();
        use VerdictKind::{Bad, Good};
        let mended = report.find_fix;
        let (fails, passes) = if mended { (Good, Bad) } else { (Bad, Good) };
        let ends = |is_bad: bool| -> Vec<CommitId> {
            if is_bad { report.bad.into_iter().collect() } else { report.good.clone() }
        };
        let after = culprit.map(|commit| commit.id);
        let at_good = parents.iter().copied().chain(ends(false));
        let at_bad = after.into_iter().chain(ends(true));
        let one = |commits: Vec<CommitId>, verdict: VerdictKind| {
            let with = |verdict: Option<VerdictKind>| {
                commits.iter().find_map(|commit| self.latest(*commit, verdict))
            };
            with(Some(verdict)).or_else(|| with(None))
        };
        let found = [one(at_good.collect(), passes), one(at_bad.collect(), fails)];
        found.into_iter().flatten().map(|output| self.titled(output)).collect()
    }

    /// The last output of a commit's own tree.
    fn latest(&self, commit: CommitId, verdict: Option<VerdictKind>) -> Option<&'s KeptOutput> {
        self.outputs.iter().rev().find(|output| {
            output.commit == commit
                && output.purpose.is_of_commit()
                && verdict.is_none_or(|verdict| output.verdict == verdict)
        })
    }

    /// The last output of a commit, and how many there are of it.
    pub(super) fn of_commit(&self, commit: CommitId) -> Option<Titled<'s>> {
        let of_composed = || self.outputs.iter().rev().find(|output| output.commit == commit);
        let output = self.latest(commit, None).or_else(of_composed)?;
        let runs = self.outputs.iter().filter(|other| {
            other.commit == commit && other.purpose.is_of_commit() == output.purpose.is_of_commit()
        });
        let mut titled = self.titled(output);
        let runs = runs.count();
        if runs > 1 {
            titled.title = format!("{} (the last of {})", titled.title, plural(runs, "run"));
        }
        Some(titled)
    }

    fn titled(&self, output: &'s KeptOutput) -> Titled<'s> {
        let id = output.commit.short();
        let report = self.report;
        let culprit = report.culprits.first().map(|culprit| &culprit.commit);
        let does = does(output);
        let which = match culprit {
            Some(culprit) if culprit.id == output.commit && report.status == Status::Found => {
                " (the commit found)"
            }
            Some(culprit) if culprit.parents.contains(&output.commit) => " (its parent)",
            _ if report.bad == Some(output.commit) => " (bad)",
            _ if report.good.contains(&output.commit) => " (good)",
            _ => "",
        };
        let what = match output.purpose {
            TrialKind::Fix | TrialKind::Verify => ", with a candidate fix or without one",
            of if of.is_of_commit() => "",
            _ => ", with a part of a change only",
        };
        let title = format!("{id}{which} {does}: {}{what}", ending_words(&output.ending));
        Titled { title, output }
    }
}

/// What a trial's command did.
fn does(output: &KeptOutput) -> &'static str {
    match output.verdict {
        VerdictKind::Good => "passes",
        VerdictKind::Bad => "fails",
        _ => "cannot be tested",
    }
}

/// The lines of an output, standard output first, with a heading between where both printed.
pub(super) fn lines_of(output: &KeptOutput) -> Vec<String> {
    let mut lines = Vec::new();
    let streams = [("standard output", &output.stdout), ("standard error", &output.stderr)];
    let both = streams.iter().all(|(_, stream)| !stream.text.trim().is_empty());
    for (name, stream) in streams {
        let kept = u64::try_from(stream.text.len()).unwrap_or(u64::MAX);
        if stream.text.trim().is_empty() {
            continue;
        }
        if both {
            lines.push(format!("--- {name} ---"));
        }
        if stream.bytes > kept.saturating_add(4 << 10) {
            lines.push(format!("[the last {kept} of {} bytes]", stream.bytes));
        }
        lines.extend(stream.text.trim_end().lines().map(str::to_owned));
    }
    if lines.is_empty() {
        lines.push("(it printed nothing)".to_owned());
    }
    lines
}

#[cfg(test)]
mod tests;
