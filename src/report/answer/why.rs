//! Why to believe the answer, and what to know beside it.

use super::Answer;
use crate::model::{CommitId, Compared, Report, Status};
use crate::report::phrases::{duration, plural};
use crate::report::proof::{history, not_certain, why_proven};

/// Rows of a single note.
const MOST_OF_NOTE: usize = 2;

impl Answer {
    /// The trials that show it, and what they took.
    pub(super) fn proof(&self, report: &Report) -> Vec<String> {
        let mut rows = Vec::new();
        if let (Some(culprit), Status::Found) = (report.culprits.first(), report.status) {
            let why = why_proven(report, culprit);
            let why = why.strip_prefix("verified by trials that ran: ").unwrap_or(&why);
            // How sure one is is a question where a run was seen to differ from another.
            let sure = why.rfind(" (").filter(|_| report.flaky.is_none() && why.ends_with(" % sure)"));
            rows.extend(self.rows(sure.map_or(why, |at| &why[..at]), 3));
            rows.extend(self.of_edits(report));
            // What the proof rests on is never left out.
            for line in not_certain(report, culprit).into_iter().take(2) {
                rows.extend(self.rows(&line, 2));
            }
        }
        if let Some((failures, passes)) = report.flaky {
            let (failures, passes) = (failures * 100.0, passes * 100.0);
            rows.push(format!(
                "the test is flaky: {failures:.0} % false failures, {passes:.0} % false passes"
            ));
        }
        for package in report.packages.iter().filter(|package| package.sufficient).take(1) {
            let back = if package.necessary { ", without it the bad one passes" } else { "" };
            // Where no commit broke it, that is said above.
            let is_held = package.constraint_passed && !report.culprits.is_empty();
            let held = package.edit.as_ref().filter(|_| is_held).map(|edit| {
                format!("; the bad one passes with {} in {}:{}", edit.after, edit.path, edit.line)
            });
            let held = held.unwrap_or_default();
            rows.extend(self.rows(
                &format!("with {} (and what it requires) the good version fails{back}{held}", package.name),
                3,
            ));
        }
        rows.push(self.style.dim(counts(report)));
        rows
    }

    /// What was run of the edits.
    fn of_edits(&self, report: &Report) -> Vec<String> {
        let changes = &report.breaking_changes;
        let Some(narrowing) = report.narrowing.as_ref().filter(|_| !changes.is_empty()) else {
            return Vec::new();
        };
        let short = |id: &Option<CommitId>| id.as_ref().map(CommitId::short).unwrap_or_default();
        let (good, bad) = (short(&narrowing.good), short(&narrowing.bad));
        let several = changes.iter().any(|change| change.cause > 0);
        let (what, them) = match changes.len() {
            1 => ("this edit", "it"),
            _ if several => ("each cause", "it"),
            _ => ("these edits", "them"),
        };
        let (then, back) = if report.find_fix {
            ("passes", "fails in the same way")
        } else {
            ("fails in the same way", "passes")
        };
        let mut told = Vec::new();
        if changes.iter().all(|change| change.sufficient) {
            told.push(format!("{good} with {what} alone {then}"));
        }
        if changes.iter().all(|change| change.necessary) {
            let resting = match narrowing.resting.len() {
                0 => String::new(),
                1 => " and another that rests on it".to_owned(),
                count => format!(" and {count} others that rest on it"),
            };
            told.push(format!("{bad} without {them}{resting} {back}"));
        }
        if told.is_empty() { Vec::new() } else { self.rows(&told.join("; "), 2) }
    }

    /// What to know beside it, by weight, in so many rows; what does not fit is counted.
    pub(super) fn notes(&self, report: &Report, room: usize) -> Vec<String> {
        let mut notes = Vec::new();
        match report.failure.as_ref().map(crate::model::FailureSignature::compared) {
            Some(Compared::ClosingLines) => {
                notes
                    .push("no failure can be read of the output: its closing lines were compared".to_owned());
            }
            Some(Compared::Status) => {
                notes.push("the command prints nothing: only its exit status was compared".to_owned());
            }
            Some(Compared::Failure) | None => {}
        }
        notes.extend(history(report));
        for episode in &report.episodes {
            let (bad, mended) = (episode.bad.short(), episode.mended_by.short());
            notes.push(format!(
                "the failure was there before: {bad} has it, {mended} does not; this is the latest breakage"
            ));
        }
        notes.extend(skips(report));
        notes.extend(untested(report));
        if !report.isolation.missing.is_empty() {
            notes.push(format!("isolation is incomplete: {}", report.isolation.missing.join("; ")));
        }
        notes.extend(report.notes.iter().cloned());
        let narrowing = report.narrowing.as_ref().filter(|_| !report.breaking_changes.is_empty());
        notes.extend(narrowing.iter().flat_map(|narrowing| narrowing.remarks.iter().cloned()));
        self.fitted(&notes, room)
    }

    fn fitted(&self, notes: &[String], room: usize) -> Vec<String> {
        let mut rows: Vec<String> = Vec::new();
        for (at, note) in notes.iter().enumerate() {
            let is_last = at + 1 == notes.len();
            let left = room.saturating_sub(rows.len() + usize::from(!is_last));
            if left == 0 {
                let rest = plural(notes.len() - at, "more note");
                // A row is always kept for this one.
                if room > 0 {
                    rows.push(self.style.dim(format!("… {rest}: pybisect show --full")));
                }
                break;
            }
            rows.extend(self.rows(note, left.min(MOST_OF_NOTE)));
        }
        rows
    }
}

/// `25 s: 8 + 15 runs for 47 commits`.
fn counts(report: &Report) -> String {
    let trials = &report.trials;
    let time = duration(report.wall_seconds);
    let runs = match (trials.run, trials.narrowing) {
        (0, 0) => "nothing had to run".to_owned(),
        (run, 0) => plural(run, "run"),
        (run, narrowing) => format!("{run} + {narrowing} runs (commit + edit)"),
    };
    let over = match report.range.commits {
        0 => String::new(),
        commits => format!(" for {}", plural(commits, "commit")),
    };
    let known =
        if trials.reused > 0 { format!(", {} known from before", trials.reused) } else { String::new() };
    format!("{time}: {runs}{over}{known}")
}

/// Commits that could not be tested, with the most frequent reason.
fn skips(report: &Report) -> Option<String> {
    let first = report.skipped.first()?;
    let mut kinds: std::collections::BTreeMap<&str, usize> = std::collections::BTreeMap::new();
    for skipped in &report.skipped {
        *kinds.entry(&skipped.reason).or_default() += 1;
    }
    let most = kinds.values().max().copied().unwrap_or(0);
    let reason = report.skipped.iter().find(|skipped| kinds.get(skipped.reason.as_str()) == Some(&most));
    let reason = reason.unwrap_or(first);
    let others = kinds.len().saturating_sub(1);
    let others =
        if others > 0 { format!(" (and {})", plural(others, "other reason")) } else { String::new() };
    let commits: std::collections::BTreeSet<CommitId> =
        report.skipped.iter().map(|skipped| skipped.commit).collect();
    Some(format!(
        "{} could not be tested, as {}: {}{others}",
        plural(commits.len(), "commit"),
        reason.commit.short(),
        reason.reason
    ))
}

/// Commits that were said to be good and did not run, of an answer.
fn untested(report: &Report) -> Option<String> {
    let ran = |id: &CommitId| report.trial_log.iter().any(|trial| trial.commit == *id);
    let is_answered = report.status == Status::Found;
    let untested: Vec<String> =
        report.good.iter().filter(|id| is_answered && !ran(id)).map(CommitId::short).collect();
    let which = untested.join(", ");
    (!untested.is_empty()).then(|| format!("not run: good {which}; the answer does not rest on it"))
}
