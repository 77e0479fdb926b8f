//! GitHub workflow commands: lines on standard output that a job turns into annotations.
//!
//! The form is that of
//! [workflow commands](https://docs.github.com/actions/reference/workflow-commands-for-github-actions):
//! `%`, line ends, and in properties `:` and `,` are escaped, and a range over several lines has no columns.
//! GitHub shows ten of each severity a step and drops the rest silently, so the last line says how many
//! there are.

use std::io;

use super::super::escape::workflow_command as data;
use super::AnnotationRenderer;
use crate::model::{Annotation, Severity};

/// How many annotations of one severity GitHub shows for a step.
const MOST_SHOWN: usize = 10;

/// Renders workflow commands.
#[derive(Debug, Clone, Copy, Default)]
pub struct Github;

impl AnnotationRenderer for Github {
    fn render(&self, annotations: &[Annotation], out: &mut dyn io::Write) -> io::Result<()> {
        for annotation in annotations {
            writeln!(out, "{}", command(annotation))?;
        }
        for severity in [Severity::Error, Severity::Warning, Severity::Note] {
            let count = annotations.iter().filter(|annotation| annotation.severity == severity).count();
            if count > MOST_SHOWN {
                let word = word(severity);
                writeln!(
                    out,
                    "pybisect: {count} {word} annotations; GitHub shows the first {MOST_SHOWN} of a step"
                )?;
            }
        }
        Ok(())
    }
}

const fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Note => "notice",
        Severity::Warning => "warning",
        Severity::Error => "error",
    }
}

fn command(annotation: &Annotation) -> String {
    let Annotation { path, line, column, end_line, end_column, .. } = annotation;
    let lines = if annotation.in_old_version {
        // The line is not in the version that is shown.
        String::new()
    } else if line == end_line {
        format!(",line={line},col={column},endLine={end_line},endColumn={end_column}")
    } else {
        format!(",line={line},endLine={end_line}")
    };
    let place = if path.is_empty() { String::new() } else { format!(",file={}{lines}", property(path)) };
    let title = property(&format!("pybisect ({})", annotation.rule.id));
    format!("::{} title={title}{place}::{}", word(annotation.severity), data(&annotation.text()))
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
