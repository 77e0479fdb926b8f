//! An incident on a terminal.

use std::io::{self, Write};

use super::{headline, next_steps, time};
use crate::model::{Incident, Step, StepState};
use crate::report::Style;
use crate::report::breaking::in_full;
use crate::report::diff::write_diff;
use crate::report::escape::cleaned;
use crate::report::live_plain::shortened;
use crate::report::next_steps::write_next;
use crate::report::phrases::duration;

/// Columns of a step's text.
const MOST_COLUMNS: usize = 140;
/// Lines of the fix that are shown.
const MOST_LINES: usize = 20;

/// Renders an [`Incident`] for a terminal.
#[derive(Debug, Clone, Copy)]
pub struct IncidentText<'a> {
    /// Colours.
    pub style: Style,
    /// Whether the text says what could be done next.
    pub says_next: bool,
    /// What the outage took of the downtime that is allowed.
    pub spent: Option<&'a str>,
}

impl IncidentText<'_> {
    /// Write it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn render(self, incident: &Incident, out: &mut dyn Write) -> io::Result<()> {
        let incident = &cleaned(incident);
        let style = self.style;
        let (text, is_good) = headline(incident);
        writeln!(out, "{}", style.bold(if is_good { style.good(text) } else { style.bad(text) }))?;
        for alarm in &incident.alarms {
            let word = if alarm.firing { "alarm" } else { "resolved" };
            self.row(out, word, &format!("{} ({}, {})", alarm.title, alarm.source, time(alarm.at)))?;
        }
        if let Some(version) = &incident.deployed {
            self.row(out, "deployed", &version.name())?;
        }
        if let Some(at) = incident.first_error {
            self.row(out, "first error", &time(at))?;
        }
        if let Some(at) = incident.recovered {
            self.row(out, "well again", &time(at))?;
        }
        if let Some(spent) = self.spent {
            self.row(out, "downtime", spent)?;
        }
        for note in &incident.notes {
            self.row(out, "note", note)?;
        }
        writeln!(out)?;
        for step in &incident.steps {
            self.step(step, out)?;
        }
        self.cause(incident, out)?;
        if self.says_next {
            self.next(incident, out)?;
        }
        Ok(())
    }

    fn row(self, out: &mut dyn Write, what: &str, text: &str) -> io::Result<()> {
        writeln!(out, "  {} {}", self.style.dim(format!("{what:<11}")), shortened(text, MOST_COLUMNS))
    }

    fn step(self, step: &Step, out: &mut dyn Write) -> io::Result<()> {
        let word = format!("{:<7}", step.state.word());
        let word = match step.state {
            StepState::Done => self.style.good(word),
            StepState::Failed => self.style.bad(word),
            StepState::Waiting | StepState::Running => self.style.warn(word),
            StepState::Planned | StepState::Skipped => self.style.dim(word),
        };
        let took = step.seconds().filter(|seconds| *seconds >= 0.05);
        let took =
            took.map(|seconds| self.style.dim(format!(" ({})", duration(seconds)))).unwrap_or_default();
        let text = if step.outcome.is_empty() { &step.what } else { &step.outcome };
        let text = shortened(text.lines().next().unwrap_or_default(), MOST_COLUMNS);
        writeln!(out, "  {word} {:<12} {text}{took}", step.id.to_string())
    }

    fn cause(self, incident: &Incident, out: &mut dyn Write) -> io::Result<()> {
        let Some(report) = incident.found() else { return Ok(()) };
        if let [culprit] = report.culprits.as_slice() {
            writeln!(out, "\n{}", self.style.bold("cause"))?;
            writeln!(out, "  {} {}", self.style.name(culprit.commit.id.short()), culprit.commit.subject)?;
            in_full(self.style, report, out)?;
        }
        if let Some(fix) =
            incident.fixes().and_then(|report| report.fixes.first()).filter(|fix| fix.is_clean())
        {
            writeln!(out, "\n{}", self.style.bold(format!("fix: {}", fix.kind.phrase())))?;
            write_diff(self.style, &fix.patch, MOST_LINES, "", out)?;
        }
        Ok(())
    }

    fn next(self, incident: &Incident, out: &mut dyn Write) -> io::Result<()> {
        write_next(self.style, &next_steps(incident), out)
    }
}
