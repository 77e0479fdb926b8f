//! Records that are one JSON object a line: python-json-logger, structlog, Docker's files, cloud loggers.

use serde_json::{Map, Value};

use super::prefix::Level;
use super::times::Clock;
use crate::model::{Frame, Moment};
use crate::triage::traceback::{self, Link, ParsedTraceback};

/// What a record says.
#[derive(Debug, Default)]
pub(super) struct Record {
    pub(super) level: Option<Level>,
    pub(super) message: String,
    pub(super) time: Option<Moment>,
    pub(super) traceback: Option<ParsedTraceback>,
    pub(super) status: Option<u16>,
    pub(super) path: Option<String>,
}

/// A line that Docker's json-file driver wraps.
pub(super) struct Wrapped {
    pub(super) line: String,
    pub(super) time: Option<Moment>,
}

const LEVELS: [&str; 7] = ["level", "levelname", "severity", "lvl", "log.level", "loglevel", "level_name"];
const MESSAGES: [&str; 8] =
    ["message", "msg", "event", "log", "@message", "textPayload", "text", "short_message"];
const TIMES: [&str; 8] = ["timestamp", "asctime", "@timestamp", "time", "ts", "datetime", "t", "created"];
const TRACES: [&str; 8] = [
    "exc_info",
    "exception",
    "traceback",
    "exc_text",
    "stack_trace",
    "error.stack_trace",
    "stack",
    "stacktrace",
];

/// Docker's wrapping of another program's line.
pub(super) fn unwrap_docker(body: &[u8], clock: &Clock) -> Option<Wrapped> {
    if !body.starts_with(b"{\"log\":") {
        return None;
    }
    let Value::Object(fields) = serde_json::from_slice(body).ok()? else { return None };
    let line = fields.get("log")?.as_str()?.trim_end_matches(['\n', '\r']).to_owned();
    fields.get("stream")?;
    let time = fields.get("time").and_then(Value::as_str).and_then(|text| clock.find(text.as_bytes()));
    Some(Wrapped { line, time })
}

/// Reads a record; `None` when the line is no JSON object.
pub(super) fn read(body: &[u8], clock: &Clock) -> Option<Record> {
    if !body.starts_with(b"{") {
        return None;
    }
    let Value::Object(fields) = serde_json::from_slice(body).ok()? else { return None };
    let mut record = Record::default();
    fill(&mut record, &fields, clock);
    // Google's and others put the program's record one level down.
    for inner in ["jsonPayload", "error", "err", "record"] {
        if let Some(Value::Object(inner)) = fields.get(inner) {
            fill(&mut record, inner, clock);
        }
    }
    if let Some(Value::Object(request)) = fields.get("httpRequest") {
        fill(&mut record, request, clock);
    }
    Some(record)
}

fn fill(record: &mut Record, fields: &Map<String, Value>, clock: &Clock) {
    let text = |names: &[&str]| names.iter().find_map(|name| fields.get(*name).and_then(Value::as_str));
    record.level = record.level.or_else(|| LEVELS.iter().find_map(|name| level(fields.get(*name)?)));
    if record.message.is_empty() {
        text(&MESSAGES).unwrap_or_default().clone_into(&mut record.message);
    }
    record.time =
        record.time.take().or_else(|| TIMES.iter().find_map(|name| time(fields.get(*name)?, clock)));
    record.traceback =
        record.traceback.take().or_else(|| TRACES.iter().find_map(|name| trace(fields.get(*name)?)));
    // A record whose message is the traceback itself.
    record.traceback = record.traceback.take().or_else(|| traced(&record.message));
    record.status = record.status.or_else(|| {
        let value = ["status", "status_code", "code"].iter().find_map(|name| fields.get(*name))?;
        let number = value.as_u64().or_else(|| value.as_str().and_then(|text| text.parse().ok()))?;
        u16::try_from(number).ok().filter(|status| (100..600).contains(status))
    });
    record.path = record.path.take().or_else(|| {
        let path = text(&["path", "request", "uri", "request_uri", "requestUrl", "url"])?;
        let method = text(&["method", "request_method", "requestMethod"]);
        Some(method.map_or_else(|| path.to_owned(), |method| format!("{method} {path}")))
    });
}

fn level(value: &Value) -> Option<Level> {
    if let Some(number) = value.as_i64() {
        // Python's numbers. In pino's and bunyan's, 40 is a warning: rather shown than missed.
        return Some(if number >= 40 { Level::High } else { Level::Low });
    }
    let word = value.as_str()?.to_ascii_lowercase();
    match word.as_str() {
        "error" | "critical" | "fatal" | "emerg" | "emergency" | "alert" | "panic" | "exception" => {
            Some(Level::High)
        }
        "warning" | "warn" | "info" | "debug" | "notice" | "trace" | "default" => Some(Level::Low),
        _ => None,
    }
}

fn time(value: &Value, clock: &Clock) -> Option<Moment> {
    match value {
        Value::String(text) => clock.find(text.as_bytes()),
        Value::Number(number) => number.as_f64().and_then(Clock::from_number),
        _ => None,
    }
}

fn trace(value: &Value) -> Option<ParsedTraceback> {
    match value {
        Value::String(text) => traced(text),
        Value::Array(parts) if parts.iter().all(Value::is_string) => {
            let lines: Vec<&str> =
                parts.iter().filter_map(Value::as_str).map(|line| line.trim_end_matches('\n')).collect();
            traced(&lines.join("\n"))
        }
        Value::Array(exceptions) => structured(exceptions),
        _ => None,
    }
}

fn traced(text: &str) -> Option<ParsedTraceback> {
    (text.contains("Traceback (most") || text.contains("  File \""))
        .then(|| traceback::parse(text).pop())
        .flatten()
}

/// structlog's `dict_tracebacks`: the last raised exception first, then its causes. The locals that it
/// holds may be secrets and are not read.
fn structured(exceptions: &[Value]) -> Option<ParsedTraceback> {
    let mut chain: Option<(Link, ParsedTraceback)> = None;
    for exception in exceptions.iter().rev() {
        let mut read = one(exception)?;
        read.cause = chain.take().map(Box::new);
        let cause = exception.get("is_cause").and_then(Value::as_bool).unwrap_or(false);
        chain = Some((if cause { Link::DirectCause } else { Link::DuringHandling }, read));
    }
    chain.map(|(_, read)| read)
}

fn one(exception: &Value) -> Option<ParsedTraceback> {
    let text =
        |value: &Value, name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let list = |name: &str| exception.get(name).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let frame = |value: &Value| Frame {
        path: text(value, "filename"),
        line: value
            .get("lineno")
            .and_then(Value::as_u64)
            .and_then(|line| u32::try_from(line).ok())
            .unwrap_or(0),
        function: Some(text(value, "name")),
        code: value.get("line").and_then(Value::as_str).filter(|line| !line.is_empty()).map(str::to_owned),
    };
    let kind = exception.get("exc_type")?.as_str()?;
    let mut read = ParsedTraceback::structured(kind, &text(exception, "exc_value"));
    read.frames = list("frames").iter().map(frame).collect();
    read.notes = list("exc_notes").iter().filter_map(Value::as_str).map(str::to_owned).collect();
    // Each member is a list of its own: an exception and its causes.
    read.children = list("exceptions")
        .iter()
        .filter_map(Value::as_array)
        .filter_map(|member| structured(member))
        .collect();
    Some(read)
}
