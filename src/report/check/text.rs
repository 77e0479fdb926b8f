//! For people at a terminal: one line a finding, the evidence under it.

use std::io;

use super::super::Style;
use super::super::escape::cleaned;
use super::{CheckRenderer, hidden, sides, summary, word};
use crate::model::{Annotation, CheckReport, Severity, SmokeResult, Suggestion};

/// Renders text.
#[derive(Debug, Clone, Copy)]
pub struct CheckText {
    /// Colours, or none.
    pub style: Style,
    /// Say also what went well.
    pub verbose: bool,
}

impl CheckRenderer for CheckText {
    fn render(&self, report: &CheckReport, out: &mut dyn io::Write) -> io::Result<()> {
        let report = &cleaned(report);
        if self.verbose {
            writeln!(out, "{}", self.style.dim(sides(report)))?;
        }
        for finding in &report.findings {
            self.finding(finding, out)?;
        }
        if let Some(smoke) = &report.smoke {
            self.smoke(smoke, &report.findings, out)?;
        }
        for note in &report.notes {
            writeln!(out, "{} {note}", self.style.dim("note:"))?;
        }
        if let Some(hidden) = hidden(report).filter(|_| self.verbose) {
            writeln!(out, "{}", self.style.dim(hidden))?;
        }
        // Silence is the goal, unless something was there to be looked at.
        let is_red = report.smoke.as_ref().is_some_and(|smoke| smoke.failure.is_some());
        if self.verbose || is_red || !report.findings.is_empty() || report.changed_calls > 0 {
            writeln!(out, "{}", summary(report))?;
        }
        if let Some(finding) = report.findings.first() {
            writeln!(out, "{}", self.style.dim(format!("more: pybisect explain {}", finding.rule.id)))?;
        }
        Ok(())
    }
}

impl CheckText {
    fn finding(&self, finding: &Annotation, out: &mut dyn io::Write) -> io::Result<()> {
        let Annotation { path, line, column, .. } = finding;
        let place = match (path.is_empty(), finding.in_old_version || *line == 0) {
            (true, _) => String::new(),
            (false, true) => format!("{path}: "),
            (false, false) => format!("{path}:{line}:{column}: "),
        };
        let severity = word(finding.severity);
        let severity = match finding.severity {
            Severity::Error => self.style.bad(severity),
            Severity::Warning => self.style.warn(severity),
            Severity::Note => self.style.dim(severity),
        };
        let rule = self.style.dim(format!("[{}]", finding.rule.id));
        let mut lines = finding.message.lines();
        let first = self.style.bold(lines.next().unwrap_or_default());
        writeln!(out, "{}{severity}{rule} {first}", self.style.name(place))?;
        for line in lines.chain(finding.evidence.iter().map(|line| not_shown_below(line, finding))) {
            writeln!(out, "    {line}")?;
        }
        finding.suggestion.iter().try_for_each(|suggestion| self.suggestion(suggestion, out))
    }

    fn suggestion(&self, suggestion: &Suggestion, out: &mut dyn io::Write) -> io::Result<()> {
        let tested = if suggestion.tested { " (tested)" } else { "" };
        let title = without_code(&suggestion.title, &suggestion.new);
        writeln!(out, "    {}{tested}", self.style.bold(title))?;
        for line in suggestion.old.lines() {
            writeln!(out, "    {}", self.style.bad(format!("- {line}")))?;
        }
        for line in suggestion.new.lines() {
            writeln!(out, "    {}", self.style.good(format!("+ {line}")))?;
        }
        Ok(())
    }

    /// How the command did; what a finding says of that already is not said again.
    fn smoke(&self, smoke: &SmokeResult, findings: &[Annotation], out: &mut dyn io::Write) -> io::Result<()> {
        let is_told = |text: &str| findings.iter().any(|finding| finding.message.contains(text));
        let SmokeResult { command, base, merged, .. } = smoke;
        let line = format!("{command}: {base} on the base, {merged} on the merge result");
        let line = if smoke.is_new { self.style.bad(line) } else { self.style.dim(line) };
        writeln!(out, "{line}")?;
        if let Some(failure) = smoke.failure.as_ref().filter(|_| smoke.is_new) {
            for line in failure.lines().filter(|line| !is_told(line)) {
                writeln!(out, "    {line}")?;
            }
        }
        if let Some(culprit) = smoke.culprit.as_ref().filter(|culprit| !is_told(&culprit.id.short())) {
            let (id, subject) = (culprit.id.short(), &culprit.subject);
            writeln!(out, "    first in {} {subject}", self.style.name(id))?;
        }
        Ok(())
    }
}

/// A line of evidence: where the suggestion below it shows what was before and what is now, only what kind of change it is.
fn not_shown_below<'a>(line: &'a str, finding: &Annotation) -> &'a str {
    let shown = || {
        let suggestion = finding.suggestion.as_ref()?;
        let (kind, both) = line.split_once(": `")?;
        let (before, after) = both.strip_suffix('`')?.split_once("` → `")?;
        (suggestion.new.contains(before) && suggestion.old.contains(after)).then_some(kind)
    };
    shown().unwrap_or(line)
}

/// A title that ends with code, without it where the code is shown below.
fn without_code<'a>(title: &'a str, shown: &str) -> &'a str {
    let code = title.split_once(": `").and_then(|(words, code)| Some((words, code.strip_suffix('`')?)));
    code.filter(|(_, code)| shown.contains(code)).map_or(title, |(words, _)| words)
}
