//! Markdown for comments and job summaries, with suggestion blocks that GitHub and GitLab can apply.

use std::io;

use super::super::escape::{
    markdown as subject, markdown_code as code, markdown_fence, markdown_prose as plain,
};
use super::{CheckRenderer, hidden, sides, summary, word};
use crate::model::{Annotation, CheckReport, Severity};

/// Renders Markdown.
#[derive(Debug, Clone, Copy, Default)]
pub struct CheckMarkdown;

impl CheckRenderer for CheckMarkdown {
    fn render(&self, report: &CheckReport, out: &mut dyn io::Write) -> io::Result<()> {
        writeln!(out, "**pybisect check**: {}\n", plain(&summary(report)))?;
        writeln!(out, "{}", plain(&sides(report)))?;
        for finding in &report.findings {
            self::finding(finding, out)?;
        }
        if let Some(smoke) = &report.smoke {
            writeln!(
                out,
                "\n{}: {} on the base, {} on the merge result",
                code(&smoke.command),
                plain(&smoke.base),
                plain(&smoke.merged)
            )?;
            if let Some(culprit) = &smoke.culprit {
                writeln!(out, "\nFirst in {} {}", culprit.id.short(), subject(&culprit.subject))?;
            }
        }
        let notes = report.notes.iter().cloned().chain(hidden(report));
        for (number, note) in notes.enumerate() {
            let gap = if number == 0 { "\n" } else { "" };
            writeln!(out, "{gap}- {}", plain(&note))?;
        }
        Ok(())
    }
}

fn finding(finding: &Annotation, out: &mut dyn io::Write) -> io::Result<()> {
    let sign = match finding.severity {
        Severity::Error => "❌",
        Severity::Warning => "⚠️",
        Severity::Note => "ℹ️",
    };
    let place = match (finding.path.as_str(), finding.line) {
        ("", _) => String::new(),
        (path, 0) => format!(" {}", code(path)),
        (path, line) => format!(" {}", code(&format!("{path}:{line}"))),
    };
    let message = plain(finding.message.lines().next().unwrap_or_default());
    let (word, rule) = (word(finding.severity), code(&finding.rule.id));
    writeln!(out, "\n### {sign}{place} {message}\n\n{word} {rule}\n")?;
    for line in finding.message.lines().skip(1).chain(finding.evidence.iter().map(String::as_str)) {
        writeln!(out, "- {}", plain(line))?;
    }
    if let Some(suggestion) = &finding.suggestion {
        let tested = if suggestion.tested { " (tested)" } else { "" };
        let fence = markdown_fence(&suggestion.new);
        writeln!(
            out,
            "\n{}{tested}:\n\n{fence}suggestion\n{}\n{fence}",
            plain(&suggestion.title),
            suggestion.new
        )?;
    }
    Ok(())
}
