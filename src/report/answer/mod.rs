//! The answer at a glance: 23 rows at most, so that it and the prompt fit a terminal of 24. All of it is
//! [`TextRenderer`](super::TextRenderer), which `pybisect show --full` prints.

mod cause;
mod next;
mod why;

use std::io::{self, Write};

use super::columns::{cut, fill, wrapped};
use super::escape::cleaned;
use super::phrases::{date, did, duration, place, plural};
use super::{Renderer, Style};
use crate::model::{Culprit, FailureKind, PackageChange, Report, Status, VerdictKind};

pub use next::{Next, Revert};

/// Rows of an answer.
const ROWS: usize = 23;
/// Columns of the labels.
const LABEL: usize = 10;
/// No wider, for the eye.
const WIDEST: usize = 100;
/// Releases that are told of, and packages that one of them dropped.
const MOST_PACKAGES: usize = 3;
const MOST_DROPPED: usize = 3;
/// Members of an ambiguous set that are listed.
const MOST_LISTED: usize = 4;

/// Renders [`Report`]s at a glance.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Colours.
    pub style: Style,
    /// Columns of the terminal.
    pub width: usize,
    /// The culprit's diff, when there is one culprit: shown where no edit was found.
    pub diff: Option<String>,
    /// What could be done next; `None` to say nothing of it.
    pub next: Option<Next>,
}

/// A part of the answer: a label, and rows that fit beside it.
struct Section {
    label: &'static str,
    rows: Vec<String>,
}

impl Renderer for Answer {
    fn render(&self, report: &Report, out: &mut dyn Write) -> io::Result<()> {
        let mut shown = cleaned(report);
        shown.keep_proofs(report);
        self.write(&shown, out)
    }
}

impl Answer {
    fn write(&self, report: &Report, out: &mut dyn Write) -> io::Result<()> {
        let head = self.head(report);
        let mut sections = vec![
            Section { label: "failure", rows: self.failure(report) },
            Section {
                label: if report.breaking_changes.is_empty() { "change" } else { "cause" },
                rows: self.cause(report),
            },
            Section {
                label: if report.status == Status::Found { "proof" } else { "runs" },
                rows: self.proof(report),
            },
            Section { label: "note", rows: Vec::new() },
            Section { label: "output", rows: self.output(report) },
            Section { label: "next", rows: self.next_steps(report) },
        ];
        let used = |sections: &[Section]| -> usize {
            let of = |part: &Section| if part.rows.is_empty() { 0 } else { part.rows.len() + 1 };
            head.len() + sections.iter().map(of).sum::<usize>()
        };
        // What does not fit is left out of the cause, all of which is one command away, then of what was printed, then of
        // what the proof says between its first row and its last.
        let over = |sections: &[Section]| used(sections).saturating_sub(ROWS);
        let much = over(&sections);
        self.shorten(&mut sections[1].rows, much);
        for at in [4, 2] {
            let rows = sections[at].rows.len();
            let most = over(&sections).min(rows.saturating_sub(2));
            // Its first row and its last stay; the last lines are what counts of an output, the first ones of a proof.
            let from = if at == 4 { 1.min(rows) } else { rows.saturating_sub(most + 1) };
            sections[at].rows.drain(from..from + most);
        }
        let room = ROWS.saturating_sub(used(&sections) + 1);
        sections[3].rows = self.notes(report, room);
        for row in head {
            writeln!(out, "{row}")?;
        }
        for Section { label, rows } in sections.iter().filter(|part| !part.rows.is_empty()) {
            writeln!(out)?;
            for (at, row) in rows.iter().enumerate() {
                let label = if at == 0 { *label } else { "" };
                writeln!(out, "{}{row}", self.style.bold(fill(label, LABEL)))?;
            }
        }
        Ok(())
    }

    /// Leave so many rows of a cause out, and say so in one more; its first ones stay.
    fn shorten(&self, rows: &mut Vec<String>, over: usize) {
        const LEAST: usize = 3;
        if over > 0 && rows.len() > LEAST {
            rows.truncate(rows.len().saturating_sub(over + 1).max(LEAST - 1));
            rows.push(self.style.dim("… (pybisect show --edits)"));
        }
    }

    const fn columns(&self) -> usize {
        if self.width < WIDEST { self.width } else { WIDEST }
    }

    /// Columns beside the labels.
    const fn room(&self) -> usize {
        self.columns() - LABEL
    }

    /// A text in as many rows as are allowed; what does not fit is cut.
    fn rows(&self, text: &str, most: usize) -> Vec<String> {
        let mut rows = wrapped(text, self.room());
        if rows.len() > most {
            rows.truncate(most);
            let last = rows.pop();
            let room = |last: &str| self.room().min(super::columns::width(last) + 1);
            rows.extend(last.map(|last| cut(&format!("{last}……"), room(&last))));
        }
        rows
    }

    fn head(&self, report: &Report) -> Vec<String> {
        match report.status {
            Status::Found => match report.culprits.first() {
                Some(culprit) => self.found(culprit, report),
                None => self.packages(report),
            },
            Status::Ambiguous => self.ambiguous(report),
            _ => {
                let mut rows = vec![self.style.bold(self.style.warn("no answer"))];
                rows.extend(self.reasons(report, 4));
                rows
            }
        }
    }

    fn found(&self, culprit: &Culprit, report: &Report) -> Vec<String> {
        let style = self.style;
        let commit = &culprit.commit;
        let what = did(report);
        let day = date(commit.author_time, commit.author_offset);
        let day = day.split(' ').next().unwrap_or_default();
        let author = commit.author.split(" <").next().unwrap_or_default();
        vec![
            format!("{} {}", style.bold(style.bad(commit.id)), style.bold(what)),
            format!("  {}", style.bold(cut(&commit.subject, self.columns() - 2))),
            format!("  {}", cut(&format!("{author}, {day}"), self.columns() - 2)),
        ]
    }

    fn packages(&self, report: &Report) -> Vec<String> {
        let all = &report.packages;
        // Several releases share the rows that one may have.
        let most = if all.len() == 1 { usize::MAX } else { 3 };
        let shown =
            |package: &PackageChange| self.package(package).into_iter().take(most).collect::<Vec<_>>();
        let mut rows: Vec<String> = all.iter().take(MOST_PACKAGES).flat_map(shown).collect();
        if let Some(more) = all.len().checked_sub(MOST_PACKAGES).filter(|more| *more > 0) {
            rows.push(format!("  … and {} (pybisect show --full)", plural(more, "more release")));
        }
        rows
    }

    fn package(&self, package: &PackageChange) -> Vec<String> {
        let version = |version: &Option<String>| version.clone().unwrap_or_else(|| "none".to_owned());
        let (before, after) = (version(&package.before), version(&package.after));
        let title = format!("{} {after} broke it (before: {before}), no commit did", package.name);
        let mut rows = vec![self.style.bold(self.style.bad(cut(&title, self.columns())))];
        if let (Some(good), Some(bad)) = (&package.last_good, &package.first_bad) {
            rows.push(format!("  {good} is the last version that passes, {bad} the first that fails"));
        }
        if let Some(constraint) = &package.constraint {
            let tested = match (package.constraint_passed, package.tested_together.as_slice()) {
                (true, []) => "run: the bad commit passes with it",
                (true, _) => "run: the bad commit passes with all of these",
                (false, _) => "not enough at the bad commit",
            };
            let line = match &package.edit {
                Some(edit) => format!("{}:{}  {}", edit.path, edit.line, edit.after),
                None => format!("constraint: {constraint}"),
            };
            rows.push(cut(&format!("  {line}   # {tested}"), self.columns()));
        }
        if let Some(failure) = &package.failure {
            rows.push(cut(&format!("  brings {failure}"), self.columns()));
        }
        for dropped in package.dropped.iter().take(MOST_DROPPED) {
            let extra = dropped.extra.as_ref().map(|extra| format!(", but {}[{extra}] does", package.name));
            let text =
                format!("  {} is gone: it requires it no more{}", dropped.name, extra.unwrap_or_default());
            rows.push(cut(&text, self.columns()));
        }
        if let Some(more) = package.dropped.len().checked_sub(MOST_DROPPED).filter(|more| *more > 0) {
            rows.push(format!("  … and {more} more are gone (pybisect show --full)"));
        }
        rows
    }

    fn ambiguous(&self, report: &Report) -> Vec<String> {
        let count = plural(report.culprits.len(), "commit");
        let tells = if report.can_go_on { "" } else { ", and no trial can tell which" };
        let what = did(report);
        let mut rows = vec![self.style.bold(self.style.warn(format!("one of {count} {what}{tells}")))];
        for Culprit { commit, probability, .. } in report.culprits.iter().take(MOST_LISTED) {
            let percent = format!("{:>3.0} %", probability * 100.0);
            let subject = cut(&commit.subject, self.columns().saturating_sub(20));
            rows.push(format!("  {}  {percent}  {subject}", self.style.name(commit.id.short())));
        }
        if let Some(more) = report.culprits.len().checked_sub(MOST_LISTED).filter(|more| *more > 0) {
            rows.push(format!("  … and {more} more (pybisect show --full)"));
        }
        rows.extend(self.reasons(report, 3));
        rows
    }

    /// Why there is no answer, and what to do.
    fn reasons(&self, report: &Report, most: usize) -> Vec<String> {
        let indented = |text: &str, first: &str| -> Vec<String> {
            let mut lines = wrapped(&format!("{first}{text}"), self.columns() - 3);
            if lines.len() > most {
                lines.truncate(most);
                let last = lines.pop();
                lines.extend(last.map(|last| format!("{}…", last.trim_end())));
            }
            lines.into_iter().map(|line| format!("  {line}")).collect()
        };
        let reason = report.reason.iter().flat_map(|reason| indented(reason, ""));
        let hints = report.hint.iter().flat_map(|hint| hint.lines());
        let hint = hints.flat_map(|hint| indented(hint, "hint: ")).take(most);
        reason.chain(hint).collect()
    }

    fn failure(&self, report: &Report) -> Vec<String> {
        let Some(failure) = &report.failure else { return Vec::new() };
        let text = if failure.kind == FailureKind::Timeout { hangs(report) } else { failure.to_string() };
        let mut rows = vec![cut(text.lines().next().unwrap_or_default(), self.room())];
        if let Some(place) = place(failure).filter(|_| report.status == Status::Found) {
            rows.push(self.style.dim(cut(&format!("at {place}"), self.room())));
        }
        rows
    }

    /// What was printed where there is no answer.
    fn output(&self, report: &Report) -> Vec<String> {
        let most = if report.status == Status::Ambiguous { 3 } else { 5 };
        if report.status == Status::Found {
            return Vec::new();
        }
        let Some(tail) = report.outputs.iter().find(|tail| !tail.lines.is_empty()) else { return Vec::new() };
        let mut rows =
            vec![cut(&format!("of {}, {}, the last lines:", tail.commit.short(), tail.ended), self.room())];
        let skip = tail.lines.len().saturating_sub(most);
        rows.extend(
            tail.lines.iter().skip(skip).map(|line| self.style.dim(cut(line.trim_end(), self.room()))),
        );
        rows
    }
}

/// A hang in words: for how long it was waited for, and how long what passes takes.
fn hangs(report: &Report) -> String {
    let slowest = |verdict: VerdictKind| {
        let of = report.trial_log.iter().filter(|trial| trial.verdict == verdict);
        of.map(|trial| trial.timing.run_ms / 1e3).fold(0.0, f64::max)
    };
    let (waited, others) = (slowest(VerdictKind::Bad), slowest(VerdictKind::Good));
    // Of what was known from before, no time is known.
    let waited = if waited > 0.0 { format!(": no end after {}", duration(waited)) } else { String::new() };
    let others =
        if others > 0.0 { format!(", what passes takes {}", duration(others)) } else { String::new() };
    format!("it hangs{waited}{others} (--timeout)")
}

#[cfg(test)]
mod tests;
