//! The tests that newly fail, by the commit that broke them.

use std::io::{self, Write};

use super::Style;
use super::escape::{markdown, markdown_code};
use super::live_plain::shortened;
use super::phrases::plural;
use crate::model::{Report, Status, TargetGroup, TargetReport, by_culprit};

/// What is said of a commit that added the tests which fail since.
const ADDED: &str = " (added there, never passed)";
/// Tests of one commit that are listed.
pub(super) const MOST_LISTED: usize = 12;

/// In one line, how many tests and commits there are, where there are several tests.
pub(super) fn heading(report: &Report) -> Option<String> {
    let tests = report.targets.len();
    if tests < 2 {
        return None;
    }
    let groups = by_culprit(&report.targets);
    let commits = groups.iter().filter(|group| group.culprit.is_some()).count();
    let open = groups.iter().find(|group| group.culprit.is_none()).map_or(0, |group| group.tests.len());
    let verb = if report.find_fix { "mended" } else { "broke" };
    let open = if open > 0 { format!("; {open} without an answer") } else { String::new() };
    Some(format!("{tests} tests newly fail; {} {verb} them{open}", plural(commits, "commit")))
}

/// Each commit with the tests that it broke, the worst first.
pub(super) fn write_targets(style: Style, report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let Some(heading) = heading(report) else { return Ok(()) };
    writeln!(out, "\n{}", style.bold(heading))?;
    for group in by_culprit(&report.targets) {
        write_group(style, &group, out)?;
    }
    Ok(())
}

/// The same as a list of Markdown, without its heading: of each commit, so many tests.
pub(super) fn write_markdown(report: &Report, most: usize, out: &mut dyn Write) -> io::Result<()> {
    for group in by_culprit(&report.targets) {
        match group.culprit {
            Some(culprit) => {
                let commit = &culprit.commit;
                let added = if culprit.adds_test { ADDED } else { "" };
                let (id, subject) = (markdown_code(&commit.id.short()), markdown(&commit.subject));
                writeln!(out, "- {id}{added} {subject}")?;
            }
            None => writeln!(out, "- no answer")?,
        }
        for target in group.tests.iter().take(most) {
            writeln!(out, "  - {}", markdown_code(&target.test))?;
        }
        let more = group.tests.len().saturating_sub(most);
        if more > 0 {
            writeln!(out, "  - … and {more} more")?;
        }
    }
    Ok(())
}

fn write_group(style: Style, group: &TargetGroup<'_>, out: &mut dyn Write) -> io::Result<()> {
    match group.culprit {
        Some(culprit) => {
            let commit = &culprit.commit;
            let count = plural(group.tests.len(), "test");
            let subject = shortened(&commit.subject, 70);
            let added = if culprit.adds_test { ADDED } else { "" };
            writeln!(out, "  {}  {count}{added}  {subject}", style.name(commit.id.short()))?;
        }
        None => writeln!(out, "  {}  {}", style.warn("no answer"), plural(group.tests.len(), "test"))?,
    }
    for target in group.tests.iter().take(MOST_LISTED) {
        writeln!(out, "    {}", shortened(&line(target), 150))?;
    }
    match group.tests.len().checked_sub(MOST_LISTED).filter(|more| *more > 0) {
        Some(more) => writeln!(out, "    … and {more} more"),
        None => Ok(()),
    }
}

/// A test, and what there is to say of it beside its commit.
fn line(target: &TargetReport) -> String {
    let test = &target.test;
    let packages: Vec<&str> = target.packages.iter().map(|package| package.name.as_str()).collect();
    match target.status {
        Status::Found if target.culprits.is_empty() => {
            format!("{test}: other packages: {}", packages.join(", "))
        }
        Status::Found => test.clone(),
        Status::Ambiguous => {
            let ids: Vec<String> = target.culprits.iter().take(4).map(|one| one.commit.id.short()).collect();
            let more = if target.culprits.len() > ids.len() { ", …" } else { "" };
            format!("{test}: one of {} ({}{more})", plural(target.culprits.len(), "commit"), ids.join(", "))
        }
        _ => format!("{test}: {}", target.reason.as_deref().unwrap_or("no answer")),
    }
}
