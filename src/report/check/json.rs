//! One object, `pybisect.check/1`. Keys are added, never renamed or removed, within a version.

use std::io;

use serde_json::{Value, json};

use super::{CheckRenderer, word};
use crate::model::{Annotation, CheckReport, MergeSide};

/// Renders JSON.
#[derive(Debug, Clone, Copy, Default)]
pub struct CheckJson;

impl CheckRenderer for CheckJson {
    fn render(&self, report: &CheckReport, out: &mut dyn io::Write) -> io::Result<()> {
        let smoke = report.smoke.as_ref().map(|smoke| {
            json!({
                "command": smoke.command,
                "base": smoke.base,
                "merged": smoke.merged,
                "failure": smoke.failure,
                "is_new": smoke.is_new,
                "new_failures": smoke.new_failures,
                "known": smoke.known,
                "not_judged": smoke.not_judged,
                "culprit": smoke.culprit.as_ref().map(|commit| json!({
                    "commit": commit.id, "subject": commit.subject, "author": commit.author,
                })),
            })
        });
        let object = json!({
            "schema": "pybisect.check/1",
            "base": side(&report.base),
            "head": side(&report.head),
            "conflicts": report.conflicts,
            "files": report.files,
            "changed_calls": report.changed_calls,
            "findings": report.findings.iter().map(finding).collect::<Vec<Value>>(),
            "hidden": { "ignored": report.ignored, "baseline": report.in_baseline },
            "smoke": smoke,
            "notes": report.notes,
            "session": report.session,
            "trial_log": report.trial_log,
        });
        serde_json::to_writer_pretty(&mut *out, &object)?;
        writeln!(out)
    }
}

fn side(side: &MergeSide) -> Value {
    json!({ "name": side.name, "commit": side.commit, "uncommitted": side.uncommitted })
}

fn finding(finding: &Annotation) -> Value {
    json!({
        "rule": finding.rule.id,
        "severity": word(finding.severity),
        "path": finding.path,
        "line": finding.line,
        "column": finding.column,
        "end_line": finding.end_line,
        "end_column": finding.end_column,
        "message": finding.message,
        "evidence": finding.evidence,
        "fingerprint": finding.fingerprint,
        "suggestion": finding.suggestion.as_ref().map(|suggestion| json!({
            "title": suggestion.title,
            "line": suggestion.line,
            "end_line": suggestion.end_line,
            "old": suggestion.old,
            "new": suggestion.new,
            "tested": suggestion.tested,
        })),
    })
}
