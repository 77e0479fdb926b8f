//! Ranked commits for people.

use std::io;

use super::super::escape::cleaned;
use super::super::next_steps::write_next;
use super::super::phrases::own_frame;
use super::super::{Style, date, plural};
use super::{SuspectRenderer, percent};
use crate::model::{FailingLine, FailureSignature, Frame, SuspectReport};

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
            self.failure(failure, report.place.as_ref(), out)?;
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
        self.end(report, out)?;
        self.next(report, out)
    }
}

impl SuspectsText {
    /// What failed, and where in the project: in a library only where no line of the project is known.
    fn failure(
        &self,
        failure: &FailureSignature,
        place: Option<&FailingLine>,
        out: &mut dyn io::Write,
    ) -> io::Result<()> {
        let text = failure.to_string();
        writeln!(out, "{}", self.style.bad(text.lines().next().unwrap_or_default()))?;
        let is_there = |frame: &&Frame| {
            place.is_some_and(|place| frame.line == place.line && frame.path.ends_with(&place.path))
        };
        let there = failure.frames.iter().rev().find(is_there);
        if let Some(Frame { path, line, function, code }) = there.or_else(|| own_frame(failure)) {
            let path = place.filter(|_| there.is_some()).map_or(path, |place| &place.path);
            let function = function.as_ref().map(|name| format!(" in {name}")).unwrap_or_default();
            let code = code.as_ref().map(|code| format!(": {code}")).unwrap_or_default();
            writeln!(out, "  {path}:{line}{function}{code}")?;
        }
        writeln!(out)
    }

    fn next(&self, report: &SuspectReport, out: &mut dyn io::Write) -> io::Result<()> {
        let (Some(first), Some(bad)) = (report.suspects.first(), report.bad) else { return Ok(()) };
        let mut steps = vec![(format!("git show {}", first.commit.id.short()), "the change")];
        if let [good] = report.good[..] {
            let range = format!("{}..{}", good.short(), bad.short());
            steps.push((format!("pybisect find {range} -- COMMAND"), "run a test, and prove it"));
        }
        write_next(self.style, &steps, out)
    }

    fn end(&self, report: &SuspectReport, out: &mut dyn io::Write) -> io::Result<()> {
        let others = report.commits.saturating_sub(report.suspects.len());
        if let Some(last) = report.suspects.last().filter(|_| others > 0) {
            let below = percent(last.probability);
            let below = below.trim_start_matches('<');
            writeln!(out, "         {}, none above {below}", plural(others, "other"))?;
        }
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
