//! For people at a terminal: one line a finding, the evidence under it.

use std::io;

use super::super::Style;
use super::super::columns::{cut, wrapped};
use super::super::escape::cleaned;
use super::{CheckRenderer, hidden, nothing_to_check, sides, summary, word};
use crate::model::{Annotation, CheckReport, Severity, SmokeResult, Suggestion};

/// Renders text.
#[derive(Debug, Clone, Copy)]
pub struct CheckText {
    /// Colours, or none.
    pub style: Style,
    /// Say also what went well.
    pub verbose: bool,
    /// Columns of the terminal; `None` where there is none.
    pub width: Option<usize>,
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
            let fails = smoke.failure.is_some() || smoke.not_judged.is_some();
            if let Some(session) = report.session.as_ref().filter(|_| fails) {
                self.indented(&format!("what it printed: pybisect show {session}"), out)?;
            }
        }
        for note in &report.notes {
            let rows = self.rows(&format!("note: {note}"), 2);
            for (at, row) in rows.iter().enumerate() {
                match row.strip_prefix("note:").filter(|_| at == 0) {
                    Some(rest) => writeln!(out, "{}{rest}", self.style.dim("note:"))?,
                    None => writeln!(out, "{row}")?,
                }
            }
        }
        if let Some(hidden) = hidden(report).filter(|_| self.verbose) {
            writeln!(out, "{}", self.style.dim(hidden))?;
        }
        match nothing_to_check(report) {
            Some(why) => writeln!(out, "{why}")?,
            None => self.rows(&summary(report), 2).iter().try_for_each(|row| writeln!(out, "{row}"))?,
        }
        if let Some(finding) = report.findings.first() {
            writeln!(out, "{}", self.style.dim(format!("more: pybisect explain {}", finding.rule.id)))?;
        }
        Ok(())
    }
}

impl CheckText {
    /// A text in rows of the terminal, those after the first indented.
    fn rows(&self, text: &str, indent: usize) -> Vec<String> {
        let Some(width) = self.width else { return vec![text.to_owned()] };
        let rows = wrapped(text, width - indent).into_iter().enumerate();
        rows.map(|(at, row)| if at == 0 { row } else { format!("{:indent$}{row}", "") }).collect()
    }

    /// The same where all of it is indented.
    fn indented(&self, text: &str, out: &mut dyn io::Write) -> io::Result<()> {
        const INDENT: usize = 4;
        let rows = match self.width {
            Some(width) => wrapped(text, width - INDENT),
            None => vec![text.to_owned()],
        };
        rows.iter().try_for_each(|row| writeln!(out, "{:INDENT$}{row}", ""))
    }

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
        // What stands before it keeps its place.
        let before = place.chars().count() + word(finding.severity).len() + finding.rule.id.len() + 3;
        let first = format!("{}{}", "_".repeat(before), lines.next().unwrap_or_default());
        for (at, row) in self.rows(&first, 4).iter().enumerate() {
            match row.get(before..).filter(|_| at == 0) {
                Some(rest) => {
                    writeln!(out, "{}{severity}{rule} {}", self.style.name(&place), self.style.bold(rest))?;
                }
                None => writeln!(out, "{}", self.style.bold(row))?,
            }
        }
        for line in lines.chain(finding.evidence.iter().map(|line| not_shown_below(line, finding))) {
            self.indented(line, out)?;
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
                self.indented(line, out)?;
            }
        }
        if let Some(culprit) = smoke.culprit.as_ref().filter(|culprit| !is_told(&culprit.id.short())) {
            let (id, subject) = (culprit.id.short(), &culprit.subject);
            let subject = self.width.map_or_else(|| subject.clone(), |width| cut(subject, width - 24));
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
