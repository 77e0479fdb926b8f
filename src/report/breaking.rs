//! The edit that broke it, for people, and what is proven of it.

use std::io::{self, Write};

use super::Style;
use super::live_plain::shortened;
use super::phrases::plural;
use crate::model::{BreakingChange, CommitId, NarrowingSummary, Report};

/// Lines of an edit that are shown; a breaking hunk is rarely longer.
const MOST_LINES: usize = 12;
/// Edits of one cause that are shown.
const MOST_SHOWN: usize = 4;

/// The section on the breaking changes; nothing when there are none.
pub(super) fn breaking(style: Style, report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let changes = &report.breaking_changes;
    let Some(first) = changes.first() else { return Ok(()) };
    let is_call = |change: &BreakingChange| change.callee_before.is_some() || change.callee_after.is_some();
    let doing = if report.find_fix { "fixing" } else { "breaking" };
    let heading = match changes.len() {
        1 if first.calls.is_empty() && is_call(first) => format!("{doing} call"),
        1 => format!("{doing} change"),
        count => format!("{doing} changes ({count})"),
    };
    writeln!(out, "\n{}", style.bold(heading))?;
    for change in changes.iter().take(MOST_SHOWN) {
        one(style, change, report, out)?;
    }
    if let Some(more) = changes.len().checked_sub(MOST_SHOWN).filter(|more| *more > 0) {
        writeln!(out, "  … and {}", plural(more, "edit"))?;
    }
    if let Some(narrowing) = &report.narrowing {
        if let Some(hiding) = narrowing.hidden_by.first() {
            let then = if report.find_fix { "passes" } else { "fails in this way" };
            writeln!(out, "  hidden by another change of the same commit: without it, the commit {then}")?;
            one(style, hiding, report, out)?;
        }
        for line in proofs(changes, narrowing, report.find_fix) {
            writeln!(out, "  {line}")?;
        }
    }
    Ok(())
}

/// All of the edits, whole.
pub(super) fn in_full(style: Style, report: &Report, out: &mut dyn Write) -> io::Result<()> {
    for change in &report.breaking_changes {
        shown(style, change, report, usize::MAX, out)?;
    }
    Ok(())
}

fn one(style: Style, change: &BreakingChange, report: &Report, out: &mut dyn Write) -> io::Result<()> {
    shown(style, change, report, MOST_LINES, out)
}

fn shown(
    style: Style,
    change: &BreakingChange,
    report: &Report,
    most: usize,
    out: &mut dyn Write,
) -> io::Result<()> {
    let place = format!("{}:{}", change.path, change.line);
    let function = change.function.as_ref().filter(|name| name.as_str() != "<module>");
    let function = function.map(|name| format!(" in {name}")).unwrap_or_default();
    let culprit = report.culprits.first().map(|culprit| culprit.commit.id);
    let commit = change.commit.filter(|commit| Some(*commit) != culprit || report.culprits.len() > 1);
    let commit = commit.map(|commit| format!("  ({})", commit.short())).unwrap_or_default();
    writeln!(out, "  {}{function}{commit}  {}", style.name(place), style.dim(change.kind.replace('-', " ")))?;
    for (side, mark) in [(&change.before, '-'), (&change.after, '+')] {
        let lines: Vec<&str> = side.iter().flat_map(|text| text.lines()).collect();
        for line in lines.iter().take(most) {
            let line =
                format!("{mark} {}", shortened(line, if most == usize::MAX { usize::MAX } else { 140 }));
            writeln!(out, "    {}", if mark == '-' { style.bad(line) } else { style.good(line) })?;
        }
        if lines.len() > most {
            writeln!(out, "    {mark} {}", style.dim(format!("… {} more lines", lines.len() - most)))?;
        }
    }
    Ok(())
}

/// What is proven, in a line each, and what does not hold.
fn proofs(changes: &[BreakingChange], narrowing: &NarrowingSummary, find_fix: bool) -> Vec<String> {
    // What the version before does, and the one after; with `find_fix`, the failure is before.
    let (before, after, then, back) = if find_fix {
        ("fails", "passes", "passes", "fails in this way")
    } else {
        ("passes", "fails", "fails in this way", "passes")
    };
    let short = |id: &Option<CommitId>| id.as_ref().map(CommitId::short).unwrap_or_default();
    let (good, bad) = (short(&narrowing.good), short(&narrowing.bad));
    let what = if changes.len() == 1 { "this edit" } else { "these edits" };
    let several = changes.iter().any(|change| change.cause > 0);
    let mut lines = Vec::new();
    if changes.iter().all(|change| change.sufficient) {
        let what = if several { "each cause" } else { what };
        lines.push(format!("sufficient: {good} {before}, and with {what} alone it {then}"));
    }
    if changes.iter().all(|change| change.necessary) {
        let those = match narrowing.resting.len() {
            0 => String::new(),
            1 => " (leaving out another that rests on it)".to_owned(),
            count => format!(" (leaving out {count} others that rest on it)"),
        };
        lines.push(format!("necessary: {bad} {after}{those}, and without {what} it {back}"));
    }
    lines.extend(narrowing.remarks.iter().cloned());
    lines
}
