//! Call changes as Markdown: for pull request comments and job summaries.

use std::io;

use super::super::escape::{markdown as cell, markdown_code_cell as code};
use super::{CallRenderer, one_line};
use crate::model::{CallReport, CallSite, ChangeKind, LocatedChange};

/// Longer calls are cut.
const LONGEST: usize = 200;

/// Renders Markdown.
#[derive(Debug, Clone, Copy, Default)]
pub struct CallsMarkdown;

impl CallRenderer for CallsMarkdown {
    fn render(&self, report: &CallReport, out: &mut dyn io::Write) -> io::Result<()> {
        let changes = super::super::plural(report.changes.len(), "call change");
        let files = super::super::plural(report.files, "Python file");
        writeln!(out, "**{changes}** in {files}")?;
        if !report.changes.is_empty() {
            writeln!(out, "\n| where | what | before | after |\n|---|---|---|---|")?;
        }
        for located in &report.changes {
            row(located, out)?;
        }
        if !report.partly_parsed.is_empty() {
            writeln!(out, "\nPartly parsed:\n")?;
        }
        for file in &report.partly_parsed {
            writeln!(out, "- {}: {}", code(&file.path), cell(&file.why))?;
        }
        Ok(())
    }
}

fn row(located: &LocatedChange, out: &mut dyn io::Write) -> io::Result<()> {
    let change = &located.change;
    let Some(place) = change.place() else { return Ok(()) };
    let commit = located.commit.map(|commit| format!("{} ", commit.short())).unwrap_or_default();
    let where_ = format!("{commit}{}:{} {}", code(&located.path), place.span.line, code(&place.function));
    let kinds = change.kinds().map(ChangeKind::phrase).collect::<Vec<_>>().join(", ");
    let what = match &change.stale {
        Some(stale) => format!("{kinds}: {}", stale.problem),
        None => kinds,
    };
    let side = |site: &Option<CallSite>| site.as_ref().map(|site| code(&one_line(&site.text, LONGEST)));
    writeln!(
        out,
        "| {where_} | {} | {} | {} |",
        cell(&what),
        side(&change.before).unwrap_or_default(),
        side(&change.after).unwrap_or_default(),
    )
}
