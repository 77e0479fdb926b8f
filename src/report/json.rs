//! The report as one JSON object: `pybisect.report/1`.
//!
//! The form is stable: keys are added, never renamed or removed, within a version.

use std::io;

use serde_json::{Value, json};

use super::Renderer;
use super::phrases::date;
use crate::model::{Culprit, FailureSignature, Report, Suspect, TargetReport};

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
    value["flaky"] = flaky(report.flaky);
    if let Some(failure) = &report.failure {
        value["failure"] = failure_value(failure);
    }
    value["targets"] = report.targets.iter().map(target).collect();
    value
}

fn failure_value(failure: &FailureSignature) -> Value {
    json!({
        "kind": failure.kind.to_string(),
        "message": failure.message,
        "compared": failure.compared(),
        "frames": failure.frames,
        "tests": failure.tests,
    })
}

/// A failing test: its commit in short, and all that is known of it.
fn target(target: &TargetReport) -> Value {
    let mut value = serde_json::to_value(target).unwrap_or_default();
    let found = target.culprit();
    value["culprit"] = json!(found.map(|culprit| culprit.commit.id));
    value["verified"] = json!(found.is_some_and(|culprit| culprit.proof.is_some()));
    value["proof"] = json!(found.and_then(|culprit| culprit.proof.as_ref()));
    value["culprits"] = target.culprits.iter().map(culprit).collect();
    value["failure"] = target.failure.as_ref().map_or(Value::Null, failure_value);
    value["flaky"] = flaky(target.flaky);
    value
}

fn flaky(rates: Option<(f64, f64)>) -> Value {
    match rates {
        Some((failures, passes)) => json!({ "false_failures": failures, "false_passes": passes }),
        None => Value::Null,
    }
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
        "adds_test": culprit.adds_test,
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
