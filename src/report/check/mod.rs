//! What a look at a branch found, one file a format.

mod json;
mod junit;
mod markdown;
mod text;

use std::io;

use crate::model::{CheckReport, Severity};

pub use json::CheckJson;
pub use junit::CheckJunit;
pub use markdown::CheckMarkdown;
pub use text::CheckText;

/// Turns what was found into one format.
pub trait CheckRenderer {
    /// Write it.
    ///
    /// # Errors
    /// When it cannot be written.
    fn render(&self, report: &CheckReport, out: &mut dyn io::Write) -> io::Result<()>;
}

const fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Note => "note",
        Severity::Warning => "warning",
        Severity::Error => "error",
    }
}

/// `2 errors, 1 warning in 5 changed calls (3 Python files)`.
fn summary(report: &CheckReport) -> String {
    let counts: Vec<String> = [Severity::Error, Severity::Warning, Severity::Note]
        .into_iter()
        .filter_map(|severity| {
            let count = report.findings.iter().filter(|finding| finding.severity == severity).count();
            (count > 0).then(|| super::plural(count, word(severity)))
        })
        .collect();
    let found = if counts.is_empty() { nothing_found(report) } else { counts.join(", ") };
    let calls = super::plural(report.changed_calls, "changed call");
    format!("{found} in {calls} ({})", super::plural(report.files, "Python file"))
}

/// That both sides are the same, where they are.
fn nothing_to_check(report: &CheckReport) -> Option<String> {
    let (base, head) = (&report.base, &report.head);
    if head.uncommitted || head.commit != base.commit {
        return None;
    }
    let is_named = head.name == base.name;
    let same = if is_named { String::new() } else { format!("{} is {}, and ", head.name, base.name) };
    Some(format!("nothing to check: {same}nothing is changed since {}", base.commit.short()))
}

/// What is to be said when there is no finding: it is no praise where the command was red.
fn nothing_found(report: &CheckReport) -> String {
    let smoke = report.smoke.as_ref();
    let known = smoke.and_then(|smoke| smoke.known.as_ref());
    match (smoke.and_then(|smoke| smoke.not_judged.as_ref()), known) {
        (Some(why), _) => format!("red, and not judged: {why}; beside that, nothing found"),
        (None, Some(known)) => format!("nothing new found, though the command is red: {known};"),
        (None, None) => "nothing found".to_owned(),
    }
}

/// What was merged into what, in words.
fn sides(report: &CheckReport) -> String {
    let head = &report.head;
    let uncommitted = if head.uncommitted { " with what is uncommitted" } else { "" };
    let base = &report.base;
    format!("{}{uncommitted} ({}) on {} ({})", head.name, head.commit.short(), base.name, base.commit.short())
}

/// What kept quiet, and why.
fn hidden(report: &CheckReport) -> Option<String> {
    let parts: Vec<String> =
        [(report.ignored, "silenced by comments"), (report.in_baseline, "in the baseline")]
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, why)| format!("{} {why}", super::plural(count, "finding")))
            .collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

#[cfg(test)]
mod tests;
