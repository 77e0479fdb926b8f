//! Records that are JSON objects: python-json-logger, structlog, ECS, Docker's files, journald, cloud loggers.
//!
//! A traceback is found at any key and depth: as text, as an array of lines, as an array of exceptions, or as
//! frames beside a type and a message; also in an object that is itself a string.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::{Map, Value};

use super::prefix::Level;
use super::structured;
use super::times::Clock;
use crate::model::Moment;
use crate::triage::traceback::{self, ParsedTraceback};

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

/// Another program's lines that a record wraps.
#[derive(Debug)]
pub(super) struct Wrapped {
    pub(super) text: String,
    pub(super) time: Option<Moment>,
    /// Tells the wrapped programs apart.
    pub(super) process: u64,
}

const LEVELS: [&str; 11] = [
    "level",
    "levelname",
    "severity",
    "lvl",
    "log.level",
    "loglevel",
    "level_name",
    "log_level",
    "Level",
    "PRIORITY",
    "levelName",
];
const MESSAGES: [&str; 11] = [
    "message",
    "msg",
    "event",
    "log",
    "@message",
    "textPayload",
    "text",
    "short_message",
    "MESSAGE",
    "Message",
    "body",
];
const TIMES: [&str; 12] = [
    "timestamp",
    "asctime",
    "@timestamp",
    "time",
    "ts",
    "datetime",
    "t",
    "created",
    "date",
    "__REALTIME_TIMESTAMP",
    "unix",
    "Timestamp",
];
/// What names the program whose line a record wraps.
const PROCESSES: [&str; 12] = [
    "stream",
    "_PID",
    "pid",
    "container_id",
    "container_name",
    "container",
    "pod",
    "pod_name",
    "source",
    "hostname",
    "host",
    "worker",
];
/// How deep objects are looked into, and how many of them.
const DEPTH: usize = 8;
const MOST_OBJECTS: usize = 2_000;
const HEADER: &str = "Traceback (most recent call last):";

/// The object that a line is, or that stands behind the line's own words.
pub(super) fn object(body: &[u8]) -> Option<Map<String, Value>> {
    split(body).map(|(_, fields)| fields)
}

/// The same, and what stands before it.
pub(super) fn split(body: &[u8]) -> Option<(&[u8], Map<String, Value>)> {
    let body = body.trim_ascii();
    let start = if body.starts_with(b"{") { 0 } else { memchr::memmem::find(body, b" {\"")? + 1 };
    if !body.ends_with(b"}") {
        return None;
    }
    match serde_json::from_slice(&body[start..]).ok()? {
        Value::Object(fields) => Some((&body[..start], fields)),
        _ => None,
    }
}

/// The wrapped lines, when the record is no program's own: Docker's, or a piece of a traceback. `open` says
/// whether a traceback of this process is under way.
pub(super) fn wrapped(
    fields: &Map<String, Value>,
    clock: &Clock,
    open: impl FnOnce(u64) -> bool,
) -> Option<Wrapped> {
    let docker = fields.len() <= 5 && fields.contains_key("stream") && fields.contains_key("log");
    let journal = fields.contains_key("__REALTIME_TIMESTAMP");
    let text = match fields.get("MESSAGE") {
        // journald writes what is no UTF-8 as bytes.
        Some(Value::Array(bytes)) => {
            let bytes: Vec<u8> = bytes.iter().filter_map(|byte| u8::try_from(byte.as_u64()?).ok()).collect();
            Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())
        }
        _ if docker => Cow::Borrowed(fields.get("log")?.as_str()?),
        _ => Cow::Borrowed(first_text(fields, &MESSAGES)?),
    };
    let mut hasher = DefaultHasher::new();
    for name in PROCESSES {
        if let Some(value) = fields.get(name) {
            value.to_string().hash(&mut hasher);
        }
    }
    let process = hasher.finish();
    let piece = || {
        text.contains(HEADER)
            && traceback::parse(&text).pop().is_none_or(|read| read.kind.is_none())
            && !fields.values().any(|value| matches!(value, Value::Array(_)))
    };
    if !docker && !journal && !open(process) && !piece() {
        return None;
    }
    let time = TIMES.iter().find_map(|name| time(fields.get(*name)?, clock));
    Some(Wrapped { text: text.trim_end_matches(['\n', '\r']).to_owned(), time, process })
}

/// Reads a record.
pub(super) fn read(fields: &Map<String, Value>, clock: &Clock) -> Record {
    let mut record = Record::default();
    let mut inner: Vec<Map<String, Value>> = Vec::new();
    let mut queue = VecDeque::from([("", fields, 0)]);
    let mut seen = 0;
    while let Some((key, fields, depth)) = queue.pop_front() {
        seen += 1;
        if seen > MOST_OBJECTS {
            break;
        }
        fill(&mut record, fields, clock);
        if record.traceback.as_ref().is_none_or(|read| read.kind.is_none()) {
            let found = structured::in_object(key, fields);
            record.traceback = found.or(record.traceback.take());
        }
        for (key, value) in fields {
            match value {
                Value::Object(more) if depth < DEPTH => queue.push_back((key, more, depth + 1)),
                Value::Array(values) if depth < DEPTH => {
                    let objects = values.iter().filter_map(Value::as_object);
                    queue.extend(objects.take(50).map(|more| (key.as_str(), more, depth + 1)));
                }
                Value::String(text) if text.starts_with('{') && inner.len() < 4 => {
                    inner.extend(object(text.as_bytes()));
                }
                _ => {}
            }
        }
    }
    if record.traceback.is_none() && !inner.is_empty() {
        for fields in &inner {
            let more = read(fields, clock);
            record.traceback = record.traceback.or(more.traceback);
            record.level = more.level.or(record.level);
            record.time = record.time.or(more.time);
            if !more.message.is_empty() {
                record.message = more.message;
            }
        }
    }
    record
}

fn first_text<'f>(fields: &'f Map<String, Value>, names: &[&str]) -> Option<&'f str> {
    names.iter().find_map(|name| fields.get(*name).and_then(Value::as_str))
}

fn fill(record: &mut Record, fields: &Map<String, Value>, clock: &Clock) {
    record.level = record.level.or_else(|| LEVELS.iter().find_map(|name| level(fields.get(*name)?)));
    if record.message.is_empty() {
        first_text(fields, &MESSAGES).unwrap_or_default().clone_into(&mut record.message);
    }
    record.time =
        record.time.take().or_else(|| TIMES.iter().find_map(|name| time(fields.get(*name)?, clock)));
    record.status = record.status.or_else(|| {
        let value = ["status", "status_code", "code"].iter().find_map(|name| fields.get(*name))?;
        let number = value.as_u64().or_else(|| value.as_str().and_then(|text| text.parse().ok()))?;
        u16::try_from(number).ok().filter(|status| (100..600).contains(status))
    });
    record.path = record.path.take().or_else(|| {
        let path = first_text(fields, &["path", "request", "uri", "request_uri", "requestUrl", "url"])?;
        let method = first_text(fields, &["method", "request_method", "requestMethod"]);
        Some(method.map_or_else(|| path.to_owned(), |method| format!("{method} {path}")))
    });
}

fn level(value: &Value) -> Option<Level> {
    if let Some(fields) = value.as_object() {
        return level(fields.get("name")?);
    }
    if let Some(number) = value.as_i64().or_else(|| value.as_str()?.parse().ok()) {
        // Below 8 syslog's, where 3 is an error; else Python's. In pino's and bunyan's, 40 is a warning: rather
        // shown than missed.
        let high = if number < 8 { (0..=3).contains(&number) } else { number >= 40 };
        return Some(if high { Level::High } else { Level::Low });
    }
    let word = value.as_str()?.trim().to_ascii_lowercase();
    match word.as_str() {
        "error" | "err" | "critical" | "crit" | "fatal" | "emerg" | "emergency" | "alert" | "panic"
        | "exception" => Some(Level::High),
        "warning" | "warn" | "info" | "debug" | "notice" | "trace" | "default" | "success" => {
            Some(Level::Low)
        }
        _ => None,
    }
}

fn time(value: &Value, clock: &Clock) -> Option<Moment> {
    match value {
        Value::String(text) => {
            clock.find(text.as_bytes()).or_else(|| text.parse().ok().and_then(Clock::from_number))
        }
        Value::Number(number) => number.as_f64().and_then(Clock::from_number),
        // Loguru's `record.time`, MongoDB's `$date`.
        Value::Object(fields) => {
            ["timestamp", "repr", "$date"].iter().find_map(|name| time(fields.get(*name)?, clock))
        }
        _ => None,
    }
}
