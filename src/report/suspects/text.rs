//! Ranked commits for people.

use std::io;

use super::super::escape::cleaned;
use super::super::{Style, date, plural};
use super::{SuspectRenderer, percent};
use crate::model::{FailureSignature, Frame, SuspectReport};

/// Renders text.
#[derive(Debug, Clone, Copy)]
pub struct SuspectsText {
    /// Colours, or none.
    pub style: Style,
}

/// Reasons that are shown of one commit.
const MOST_REASONS: usize = 4;

impl SuspectRenderer for SuspectsText {
    fn render(&self, report: &SuspectReport, out: &mut dyn io::Write) -> io::Result<()> {
        let report = &cleaned(report);
        if let Some(failure) = &report.failure {
            self.failure(failure, out)?;
        }
        for one in &report.suspects {
            let style = self.style;
            let chance = format!("{:>7}", percent(one.probability));
            let (id, subject) = (style.name(one.commit.id.short()), &one.commit.subject);
            let when = style.dim(date(one.commit.author_time, one.commit.author_offset));
            writeln!(out, "{}  {id} {}  {when}", style.bold(chance), style.bold(subject))?;
            for reason in one.reasons.iter().take(MOST_REASONS) {
                writeln!(out, "         {reason}")?;
            }
        }
        self.end(report, out)
    }
}

impl SuspectsText {
    fn failure(&self, failure: &FailureSignature, out: &mut dyn io::Write) -> io::Result<()> {
        let text = failure.to_string();
        writeln!(out, "{}", self.style.bad(text.lines().next().unwrap_or_default()))?;
        if let Some(Frame { path, line, function, code }) = failure.frames.last() {
            let function = function.as_ref().map(|name| format!(" in {name}")).unwrap_or_default();
            let code = code.as_ref().map(|code| format!(": {code}")).unwrap_or_default();
            writeln!(out, "  {path}:{line}{function}{code}")?;
        }
        writeln!(out)
    }

    fn end(&self, report: &SuspectReport, out: &mut dyn io::Write) -> io::Result<()> {
        for note in &report.notes {
            writeln!(out, "{} {note}", self.style.warn("note:"))?;
        }
        let evidence = match report.evidence.as_slice() {
            [] => "no evidence: all are equal".to_owned(),
            some => format!("by {}", some.join(", ")),
        };
        let ranked = format!("{} ranked {evidence}; nothing was tested", plural(report.commits, "commit"));
        writeln!(out, "{}", self.style.dim(ranked))
    }
}
