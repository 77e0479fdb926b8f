//! Ranked commits for people.

use std::io;

use super::super::columns::cut;
use super::super::escape::cleaned;
use super::super::next_steps::write_next;
use super::super::phrases::own_frame;
use super::super::{Style, date, plural};
use super::{SuspectRenderer, percent};
use crate::model::{FailingLine, FailureSignature, Frame, Suspect, SuspectReport};

/// Renders text.
#[derive(Debug, Clone, Copy)]
pub struct SuspectsText {
    /// Colours, or none.
    pub style: Style,
    /// Columns of the terminal.
    pub width: usize,
    /// Whether those for which hardly anything speaks are only counted.
    pub folds: bool,
}

/// What is less probable is folded.
const LEAST: f64 = 0.01;
/// Reasons that are shown of one commit.
const MOST_REASONS: usize = 4;

impl SuspectRenderer for SuspectsText {
    fn render(&self, report: &SuspectReport, out: &mut dyn io::Write) -> io::Result<()> {
        let report = &cleaned(report);
        if let Some(failure) = &report.failure {
            self.failure(failure, report.place.as_ref(), out)?;
        }
        for one in self.shown(report) {
            let style = self.style;
            let chance = format!("{:>7}", percent(one.probability));
            let when = date(one.commit.author_time, one.commit.author_offset);
            let when = when.split(' ').next().unwrap_or_default();
            let id = one.commit.id.short();
            let taken = chance.len() + id.len() + when.len() + 5;
            let subject = cut(&one.commit.subject, self.width.saturating_sub(taken));
            let (id, when) = (style.name(id), style.dim(when));
            writeln!(out, "{}  {id} {}  {when}", style.bold(chance), style.bold(subject))?;
            for reason in one.reasons.iter().take(MOST_REASONS) {
                writeln!(out, "         {}", cut(reason, self.width.saturating_sub(9)))?;
            }
        }
        self.end(report, out)?;
        self.next(report, out)
    }
}

impl SuspectsText {
    /// Those that are shown.
    fn shown<'r>(&self, report: &'r SuspectReport) -> &'r [Suspect] {
        let is_likely = |one: &&Suspect| !self.folds || one.probability >= LEAST;
        let likely = report.suspects.iter().take_while(is_likely).count();
        // Where nothing speaks for any of them, that is what is shown.
        &report.suspects[..if likely == 0 { report.suspects.len() } else { likely }]
    }

    /// What failed, and where in the project: in a library only where no line of the project is known.
    fn failure(
        &self,
        failure: &FailureSignature,
        place: Option<&FailingLine>,
        out: &mut dyn io::Write,
    ) -> io::Result<()> {
        let text = failure.to_string();
        let text = cut(text.lines().next().unwrap_or_default(), self.width);
        writeln!(out, "{}", self.style.bad(text))?;
        let is_there = |frame: &&Frame| {
            place.is_some_and(|place| frame.line == place.line && frame.path.ends_with(&place.path))
        };
        let there = failure.frames.iter().rev().find(is_there);
        if let Some(Frame { path, line, function, code }) = there.or_else(|| own_frame(failure)) {
            let path = place.filter(|_| there.is_some()).map_or(path, |place| &place.path);
            let function = function.as_ref().map(|name| format!(" in {name}")).unwrap_or_default();
            let code = code.as_ref().map(|code| format!(": {code}")).unwrap_or_default();
            writeln!(out, "{}", cut(&format!("  {path}:{line}{function}{code}"), self.width))?;
        }
        writeln!(out)
    }

    fn next(&self, report: &SuspectReport, out: &mut dyn io::Write) -> io::Result<()> {
        let (Some(first), Some(bad)) = (report.suspects.first(), report.bad) else { return Ok(()) };
        let mut steps = vec![(format!("git show {}", first.commit.id.short()), "the change")];
        if let [good] = report.good[..] {
            let range = format!("{}..{}", good.short(), bad.short());
            let command = match report.command.as_slice() {
                [] => "COMMAND".to_owned(),
                given => shell_words::join(given),
            };
            steps.push((format!("pybisect find {range} -- {command}"), "run a test, and prove it"));
        }
        write_next(self.style, &steps, out)
    }

    fn end(&self, report: &SuspectReport, out: &mut dyn io::Write) -> io::Result<()> {
        let shown = self.shown(report);
        let others = report.commits.saturating_sub(shown.len());
        if let Some(last) = shown.last().filter(|_| others > 0) {
            let below = percent(last.probability);
            let below = below.trim_start_matches('<');
            let is_folded = shown.len() < report.suspects.len();
            let below = if is_folded { "below 1 %".to_owned() } else { format!("none above {below}") };
            let comma = if is_folded { "" } else { "," };
            writeln!(out, "         {}{comma} {below}", plural(others, "other"))?;
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
