//! The report as one JSON object: `pybisect.report/1`.
//!
//! The form is stable: keys are added, never renamed or removed, within a version.

use std::io;

use serde_json::{Value, json};

use super::Renderer;
use super::words::date;
use crate::model::{Culprit, Report, Suspect};

/// Renders [`Report`]s as JSON.
#[derive(Debug, Clone, Copy, Default)]
pub struct Json;

impl Renderer for Json {
    fn render(&self, report: &Report, out: &mut dyn io::Write) -> io::Result<()> {
        serde_json::to_writer_pretty(&mut *out, &value(report))?;
        writeln!(out)
    }
}

fn value(report: &Report) -> Value {
    let mut value = serde_json::to_value(report).unwrap_or_default();
    value["culprits"] = report.culprits.iter().map(culprit).collect();
    value["suspects"] = report.suspects.iter().map(suspect).collect();
    value["last_good"] = json!(report.last_good.as_ref().map(|commit| commit.id));
    value["flaky"] = match report.flaky {
        Some((failures, passes)) => json!({ "false_failures": failures, "false_passes": passes }),
        None => Value::Null,
    };
    if let Some(failure) = &report.failure {
        value["failure"] = json!({
            "kind": failure.kind.to_string(),
            "message": failure.message,
            "compared": failure.compared(),
            "frames": failure.frames,
            "tests": failure.tests,
        });
    }
    value
}

fn culprit(culprit: &Culprit) -> Value {
    let commit = &culprit.commit;
    json!({
        "commit": commit.id,
        "parents": commit.parents,
        "author": commit.author,
        "date": date(commit.author_time, commit.author_offset),
        "subject": commit.subject,
        "probability": culprit.probability,
        "verified": culprit.proof.is_some(),
        "proof": culprit.proof,
    })
}

fn suspect(suspect: &Suspect) -> Value {
    json!({
        "commit": suspect.commit.id,
        "subject": suspect.commit.subject,
        "probability": suspect.probability,
        "reasons": suspect.reasons,
        "signals": suspect.signals,
    })
}
