//! GitLab's code quality report: an array of issues in the form of
//! [its documentation](https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format).

use std::collections::HashMap;
use std::io;

use serde_json::{Value, json};

use super::AnnotationRenderer;
use crate::model::{Annotation, Severity};

/// Renders a code quality report.
#[derive(Debug, Clone, Copy, Default)]
pub struct Gitlab;

impl AnnotationRenderer for Gitlab {
    fn render(&self, annotations: &[Annotation], out: &mut dyn io::Write) -> io::Result<()> {
        // Fingerprints must differ; equal remarks are told apart by their number.
        let mut seen: HashMap<&str, usize> = HashMap::new();
        let issues: Vec<Value> = annotations
            .iter()
            .map(|annotation| {
                let count = seen.entry(&annotation.fingerprint).or_default();
                *count += 1;
                let fingerprint = match *count {
                    1 => annotation.fingerprint.clone(),
                    count => format!("{}-{count}", annotation.fingerprint),
                };
                json!({
                    "description": annotation.text(),
                    "check_name": annotation.rule.id,
                    "fingerprint": fingerprint,
                    "severity": match annotation.severity {
                        Severity::Note => "info",
                        Severity::Warning => "minor",
                        Severity::Error => "major",
                    },
                    "location": {
                        "path": annotation.path,
                        "lines": { "begin": annotation.line, "end": annotation.end_line },
                    },
                })
            })
            .collect();
        serde_json::to_writer_pretty(&mut *out, &issues)?;
        writeln!(out)
    }
}
