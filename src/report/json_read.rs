//! A JSON report read back.

use jiff::fmt::strtime;
use serde_json::{Map, Value, json};

use crate::model::report::SCHEMA;
use crate::model::{FailureKind, Report};

/// Read what [`Json`](super::Json) wrote. Proofs are not taken over: they are drawn from the report's trials anew.
///
/// # Errors
/// What is wrong with it, for people.
pub fn read_json(text: &str) -> Result<Report, String> {
    let read: Value = serde_json::from_str(text).map_err(|error| format!("it is not JSON: {error}"))?;
    let Value::Object(mut told) = read else { return Err("it is not a report: no JSON object".to_owned()) };
    match told.get("schema").and_then(Value::as_str) {
        Some(SCHEMA) => {}
        Some(other) => return Err(format!("it is a '{other}', not a '{SCHEMA}'")),
        None => return Err(format!("it is not a report: no \"schema\": \"{SCHEMA}\"")),
    }
    reshape(&mut told);
    for target in told.get_mut("targets").and_then(Value::as_array_mut).into_iter().flatten() {
        target.as_object_mut().into_iter().for_each(reshape);
    }
    change(&mut told, "last_good", |id| id.is_string().then(|| commit(&json!({ "commit": id }))));
    // What an older version did not write is as if nothing was there.
    let mut whole = serde_json::to_value(Report::default()).map_err(|error| error.to_string())?;
    whole.as_object_mut().into_iter().for_each(|whole| whole.extend(std::mem::take(&mut told)));
    let mut report: Report =
        serde_json::from_value(whole).map_err(|error| format!("a key is not of its form: {error}"))?;
    report.prove();
    Ok(report)
}

/// The keys that the JSON has in a shorter form than the model.
fn reshape(told: &mut Map<String, Value>) {
    let each = |value: &Value, one: &dyn Fn(&Value) -> Value| {
        value.as_array().map(|items| Value::Array(items.iter().map(one).collect()))
    };
    change(told, "culprits", |all| {
        each(all, &|one| json!({ "commit": commit(one), "probability": one["probability"] }))
    });
    change(told, "suspects", |all| {
        each(all, &|one| {
            let signals =
                one.get("signals").filter(|it| it.is_object()).cloned().unwrap_or_else(|| json!({}));
            let reasons = one.get("reasons").cloned().unwrap_or_else(|| json!([]));
            json!({ "commit": commit(one), "probability": one["probability"], "reasons": reasons, "signals": signals })
        })
    });
    change(told, "flaky", |rates| {
        rates.is_object().then(|| json!([rates["false_failures"], rates["false_passes"]]))
    });
    change(told, "failure", |failure| failure.is_object().then(|| of_failure(failure)));
}

fn change(told: &mut Map<String, Value>, key: &str, with: impl FnOnce(&Value) -> Option<Value>) {
    if let Some(value) = told.get_mut(key)
        && let Some(other) = with(value)
    {
        *value = other;
    }
}

/// What is known of a commit.
fn commit(told: &Value) -> Value {
    let (time, offset) = told["date"].as_str().and_then(moment).unwrap_or_default();
    let text = |key: &str| told[key].as_str().unwrap_or_default().to_owned();
    json!({
        "id": told["commit"],
        "tree": "0".repeat(40),
        "parents": told.get("parents").cloned().unwrap_or_else(|| json!([])),
        "author": text("author"),
        "author_time": time,
        "author_offset": offset,
        "commit_time": time,
        "subject": text("subject"),
    })
}

/// A point in time as the report writes it, with its offset in minutes.
fn moment(date: &str) -> Option<(i64, i32)> {
    let parsed = strtime::parse("%Y-%m-%d %H:%M %:z", date).ok()?;
    let offset = parsed.offset()?.seconds() / 60;
    Some((parsed.to_timestamp().ok()?.as_second(), offset))
}

fn of_failure(told: &Value) -> Value {
    let kind = told["kind"].as_str().unwrap_or_default();
    let number = |prefix: &str| kind.strip_prefix(prefix)?.parse().ok();
    let kind = match (number("signal "), number("exit status ")) {
        (Some(signal), _) => FailureKind::Signal(signal),
        (_, Some(code)) => FailureKind::ExitCode(code),
        _ if kind == "timeout" => FailureKind::Timeout,
        _ => FailureKind::Exception(kind.to_owned()),
    };
    let list = |key: &str| told.get(key).filter(|it| it.is_array()).cloned().unwrap_or_else(|| json!([]));
    let message = told["message"].as_str().unwrap_or_default();
    // With no shape, the status alone was compared.
    let shape = if told["compared"] == "status" { "" } else { "read from a report" };
    json!({
        "kind": serde_json::to_value(kind).unwrap_or_default(),
        "message": message,
        "shape": shape,
        "frames": list("frames"),
        "tests": list("tests"),
    })
}
