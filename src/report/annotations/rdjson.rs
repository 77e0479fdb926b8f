//! reviewdog's diagnostic format (`DiagnosticResult`), as
//! [rdjson](https://github.com/reviewdog/reviewdog/tree/master/proto/rdf). Columns count bytes from 1.

use std::io;

use serde_json::{Value, json};

use super::AnnotationRenderer;
use crate::model::{Annotation, Severity};

/// Renders rdjson.
#[derive(Debug, Clone, Copy, Default)]
pub struct Rdjson;

impl AnnotationRenderer for Rdjson {
    fn render(&self, annotations: &[Annotation], out: &mut dyn io::Write) -> io::Result<()> {
        let diagnostics: Vec<Value> = annotations.iter().map(diagnostic).collect();
        let result = json!({ "source": { "name": "pybisect" }, "diagnostics": diagnostics });
        serde_json::to_writer_pretty(&mut *out, &result)?;
        writeln!(out)
    }
}

fn diagnostic(annotation: &Annotation) -> Value {
    let mut location = json!({ "path": annotation.path });
    if !annotation.in_old_version && !annotation.path.is_empty() {
        location["range"] = json!({
            "start": { "line": annotation.line, "column": annotation.column },
            "end": { "line": annotation.end_line, "column": annotation.end_column },
        });
    }
    let mut diagnostic = json!({
        "message": annotation.text(),
        "location": location,
        "severity": match annotation.severity {
            Severity::Note => "INFO",
            Severity::Warning => "WARNING",
            Severity::Error => "ERROR",
        },
        "code": { "value": annotation.rule.id },
    });
    if let Some(suggestion) = &annotation.suggestion {
        let width = suggestion.old.rsplit('\n').next().unwrap_or_default().len();
        diagnostic["suggestions"] = json!([{
            "range": {
                "start": { "line": suggestion.line, "column": 1 },
                "end": { "line": suggestion.end_line, "column": width + 1 },
            },
            "text": suggestion.new,
        }]);
    }
    diagnostic
}
