//! JUnit XML, as Jenkins and other build servers read it: each finding a failed case; without findings, one
//! case that passed.

use std::io;

use super::{CheckRenderer, sides, summary, word};
use crate::model::{Annotation, CheckReport, Severity};

/// Renders JUnit XML.
#[derive(Debug, Clone, Copy)]
pub struct CheckJunit {
    /// Findings that weigh less are no failures; their text goes into the case's output.
    pub fail_on: Option<Severity>,
}

impl CheckRenderer for CheckJunit {
    fn render(&self, report: &CheckReport, out: &mut dyn io::Write) -> io::Result<()> {
        let failures = report.findings.iter().filter(|finding| self.fails(finding)).count();
        let tests = report.findings.len().max(1);
        writeln!(out, r#"<?xml version="1.0" encoding="UTF-8"?>"#)?;
        writeln!(
            out,
            r#"<testsuites name="pybisect" tests="{tests}" failures="{failures}" errors="0" time="0">"#
        )?;
        writeln!(
            out,
            r#"  <testsuite name="pybisect check" tests="{tests}" failures="{failures}" errors="0" skipped="0" time="0">"#
        )?;
        for finding in &report.findings {
            self.case(finding, out)?;
        }
        if report.findings.is_empty() {
            writeln!(out, r#"    <testcase classname="pybisect" name="check" time="0"/>"#)?;
        }
        writeln!(
            out,
            "    <system-out>{}\n{}</system-out>",
            escaped(&sides(report)),
            escaped(&summary(report))
        )?;
        writeln!(out, "  </testsuite>\n</testsuites>")
    }
}

impl CheckJunit {
    fn fails(&self, finding: &Annotation) -> bool {
        self.fail_on.is_some_and(|least| finding.severity >= least)
    }

    fn case(&self, finding: &Annotation, out: &mut dyn io::Write) -> io::Result<()> {
        let class = if finding.path.is_empty() { "pybisect" } else { &finding.path };
        let name = format!("{} line {}", finding.rule.id, finding.line);
        let (class, name) = (escaped(class), escaped(&name));
        writeln!(out, r#"    <testcase classname="{class}" name="{name}" time="0">"#)?;
        let first = escaped(finding.message.lines().next().unwrap_or_default());
        let place = format!("{}:{}: {}", finding.path, finding.line, finding.text());
        if self.fails(finding) {
            let kind = format!("{} {}", word(finding.severity), finding.rule.id);
            writeln!(
                out,
                r#"      <failure message="{first}" type="{}">{}</failure>"#,
                escaped(&kind),
                escaped(&place)
            )?;
        } else {
            writeln!(out, "      <system-out>{}: {}</system-out>", word(finding.severity), escaped(&place))?;
        }
        writeln!(out, "    </testcase>")
    }
}

/// Text for XML 1.0: markup escaped, characters that XML cannot hold replaced.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' | '\t' => escaped.push(c),
            '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            _ => escaped.push(c),
        }
    }
    escaped
}
