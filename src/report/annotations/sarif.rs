//! SARIF 2.1.0, the form of static analysis results that code hosts read:
//! [the OASIS standard](https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html).

use std::collections::BTreeSet;
use std::io;

use serde_json::{Value, json};

use super::AnnotationRenderer;
use crate::model::{Annotation, Rule, Severity, Suggestion};

/// Code hosts refuse a run with more results.
const MOST_RESULTS: usize = 25_000;

/// Renders SARIF.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sarif;

impl AnnotationRenderer for Sarif {
    fn render(&self, annotations: &[Annotation], out: &mut dyn io::Write) -> io::Result<()> {
        let shown = &annotations[..annotations.len().min(MOST_RESULTS)];
        let rules: BTreeSet<&Rule> = shown.iter().map(|annotation| &annotation.rule).collect();
        let rules: Vec<&Rule> = rules.into_iter().collect();
        let mut run = json!({
            "tool": { "driver": {
                "name": "pybisect",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules.iter().map(|rule| json!({
                    "id": rule.id,
                    "shortDescription": { "text": rule.summary },
                })).collect::<Vec<Value>>(),
            }},
            "columnKind": "utf16CodeUnits",
            "originalUriBaseIds": { "SRCROOT": {
                "description": { "text": "The top folder of the repository." },
            }},
            "results": shown.iter().map(|annotation| result(annotation, &rules)).collect::<Vec<Value>>(),
        });
        if shown.len() < annotations.len() {
            let left_out = annotations.len() - shown.len();
            run["properties"] = json!({ "leftOut": left_out });
        }
        let log = json!({
            "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
            "version": "2.1.0",
            "runs": [run],
        });
        serde_json::to_writer_pretty(&mut *out, &log)?;
        writeln!(out)
    }
}

fn result(annotation: &Annotation, rules: &[&Rule]) -> Value {
    let mut location = json!({
        "artifactLocation": { "uri": uri(&annotation.path), "uriBaseId": "SRCROOT" },
    });
    if !annotation.in_old_version {
        // Columns are left out: SARIF counts them in characters, and a reader needs the line.
        location["region"] = json!({ "startLine": annotation.line, "endLine": annotation.end_line });
    }
    let mut result = json!({
        "ruleId": annotation.rule.id,
        "ruleIndex": rules.iter().position(|rule| **rule == annotation.rule),
        "level": match annotation.severity {
            Severity::Note => "note",
            Severity::Warning => "warning",
            Severity::Error => "error",
        },
        "message": { "text": annotation.text() },
        "locations": [{ "physicalLocation": location }],
        "partialFingerprints": { "pybisect/v1": annotation.fingerprint },
    });
    if annotation.path.is_empty() {
        result["locations"] = json!([]);
    }
    if let Some(suggestion) = &annotation.suggestion {
        result["fixes"] = json!([fix(annotation, suggestion)]);
    }
    result
}

/// Whole lines are replaced; SARIF counts the columns of a region in UTF-16 code units here.
fn fix(annotation: &Annotation, suggestion: &Suggestion) -> Value {
    let last = suggestion.old.rsplit('\n').next().unwrap_or_default();
    json!({
        "description": { "text": suggestion.title },
        "artifactChanges": [{
            "artifactLocation": { "uri": uri(&annotation.path), "uriBaseId": "SRCROOT" },
            "replacements": [{
                "deletedRegion": {
                    "startLine": suggestion.line,
                    "startColumn": 1,
                    "endLine": suggestion.end_line,
                    "endColumn": last.encode_utf16().count() + 1,
                },
                "insertedContent": { "text": suggestion.new },
            }],
        }],
    })
}

/// A path as a relative URI (RFC 3986): other bytes than these are escaped.
fn uri(path: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    path.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}
