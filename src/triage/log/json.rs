//! Records that are JSON objects: python-json-logger, structlog, ECS, Docker's files, journald, cloud loggers.
//!
//! A traceback is found at any key and depth: as text, as an array of lines, as an array of exceptions, or as
//! frames beside a type and a message; also in an object that is itself a string.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::LazyLock;

use memchr::memmem::Finder;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::prefix::Level;
use super::structured;
use super::timestamps::Clock;
use crate::model::LogTimestamp;
use crate::triage::traceback;
use crate::triage::traceback::parsed::{ParsedTraceback, exception_line, of_python};

/// What a record says.
#[derive(Debug, Default)]
pub(super) struct Record {
    pub(super) level: Option<Level>,
    pub(super) message: String,
    pub(super) time: Option<LogTimestamp>,
    pub(super) traceback: Option<ParsedTraceback>,
    pub(super) status: Option<u16>,
    pub(super) path: Option<String>,
}

/// Another program's lines that a record wraps.
#[derive(Debug)]
pub(super) struct Wrapped {
    pub(super) text: String,
    pub(super) time: Option<LogTimestamp>,
    /// Tells the wrapped programs apart.
    pub(super) process: u64,
    /// It does not end its line.
    pub(super) cut: bool,
}

pub(super) const LEVELS: [&str; 11] = [
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
pub(super) const MESSAGES: [&str; 13] = [
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
    "line",
    "Log",
];
pub(super) const TIMES: [&str; 13] = [
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
    "TimeStamp",
];
/// What names the program whose line a record wraps.
const PROCESSES: [&str; 14] = [
    "stream",
    "labels",
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
    "logName",
];
/// Fields that may be an answer's status.
pub(super) const STATUSES: [&str; 3] = ["status", "status_code", "code"];
/// What was asked for.
pub(super) const PATHS: [&str; 9] = [
    "path",
    "request",
    "uri",
    "request_uri",
    "requestUrl",
    "url",
    "method",
    "request_method",
    "requestMethod",
];
/// How deep objects are looked into, and how many of them.
const DEPTH: usize = 8;
const MOST_OBJECTS: usize = 2_000;
const HEADER: &str = "Traceback (most recent call last):";

static OBJECT: LazyLock<Finder<'_>> = LazyLock::new(|| Finder::new(" {\""));
/// fluentd's files part time, tag and record by tabs.
static TABBED: LazyLock<Finder<'_>> = LazyLock::new(|| Finder::new("\t{\""));

/// The object that a line is, or that stands behind the line's own words.
pub(super) fn object(body: &[u8]) -> Option<Map<String, Value>> {
    split(body).map(|(_, fields)| fields)
}

/// The same, and what stands before it.
pub(super) fn split(body: &[u8]) -> Option<(&[u8], Map<String, Value>)> {
    let (before, text) = text(body)?;
    match serde_json::from_slice(text).ok()? {
        Value::Object(fields) => Some((before, fields)),
        _ => None,
    }
}

/// The text that may be an object, and what stands before it.
pub(super) fn text(body: &[u8]) -> Option<(&[u8], &[u8])> {
    let body = body.trim_ascii();
    // Text sequences (RFC 7464) separate their records so.
    let body = body.strip_prefix(b"\x1e").unwrap_or(body);
    if !body.ends_with(b"}") {
        return None;
    }
    let start = if body.starts_with(b"{") { 0 } else { OBJECT.find(body).or_else(|| TABBED.find(body))? + 1 };
    Some(body.split_at(start))
}

/// The list of objects or texts that a line is.
pub(super) fn list(body: &[u8]) -> Option<Vec<Value>> {
    let body = body.trim_ascii();
    let opens = [&b"[{"[..], b"[\"", b"[["].iter().any(|open| body.starts_with(open));
    if !opens || !body.ends_with(b"]") {
        return None;
    }
    serde_json::from_slice(body).ok()
}

/// How a line of Docker's own files begins.
pub(super) const OF_DOCKER: &[u8] = b"{\"log\":";

/// A line of Docker's own files.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OfDocker<'l> {
    #[serde(borrow)]
    log: Cow<'l, str>,
    #[serde(borrow)]
    stream: Cow<'l, str>,
    #[serde(borrow)]
    time: Cow<'l, str>,
}

impl<'l> OfDocker<'l> {
    fn read(text: &'l [u8]) -> Option<Self> {
        if text.starts_with(OF_DOCKER) { serde_json::from_slice(text).ok() } else { None }
    }

    /// The line, without its end.
    fn text(&self) -> String {
        self.log.trim_end_matches(['\n', '\r']).to_owned()
    }

    fn process(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.stream.hash(&mut hasher);
        hasher.finish()
    }
}

/// The line in one of Docker's own files, without its end, and what tells its stream.
pub(super) fn line_of_docker(text: &[u8]) -> Option<(String, u64)> {
    let line = OfDocker::read(text)?;
    Some((line.text(), line.process()))
}

/// The wrapped line of one of Docker's own files.
pub(super) fn of_docker(text: &[u8], clock: &Clock) -> Option<Wrapped> {
    let line = OfDocker::read(text)?;
    let time = time_of_text(&line.time, clock);
    let cut = !line.log.ends_with('\n');
    Some(Wrapped { text: line.text(), time, process: line.process(), cut })
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
    let process = process(fields);
    if !docker && !journal && !open(process) && !is_piece(&text, fields) {
        return None;
    }
    let time = TIMES.iter().find_map(|name| time(fields.get(*name)?, clock));
    let text = text.trim_end_matches(['\n', '\r']).to_owned();
    Some(Wrapped { text, time, process, cut: false })
}

/// Whether the text is the beginning of a traceback whose other lines are records of their own.
fn is_piece(text: &str, fields: &Map<String, Value>) -> bool {
    text.contains(HEADER)
        && traceback::parse(text).pop().is_none_or(|read| read.kind.is_none())
        && !fields.values().any(|value| matches!(value, Value::Array(_)))
}

/// The same of a record, and whether it has the level of an error.
pub(super) fn piece(fields: &Map<String, Value>) -> (bool, Option<Level>) {
    let level = LEVELS.iter().find_map(|name| level(fields.get(*name)?));
    (first_text(fields, &MESSAGES).is_some_and(|text| is_piece(text, fields)), level)
}

/// What names the program whose line a record wraps.
pub(super) fn process(fields: &Map<String, Value>) -> u64 {
    let mut hasher = DefaultHasher::new();
    for name in PROCESSES {
        if let Some(value) = fields.get(name) {
            value.to_string().hash(&mut hasher);
        }
    }
    hasher.finish()
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
    // A remote call's error: its message is type and message, and the frames stand in its data.
    if let Some(read) = record.traceback.as_mut().filter(|read| read.kind.is_none())
        && let Some((kind, message)) = exception_line(&record.message)
        && of_python(kind)
    {
        let named = ParsedTraceback::structured(kind, message);
        *read =
            ParsedTraceback { frames: std::mem::take(&mut read.frames), cause: read.cause.take(), ..named };
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
        let value = STATUSES.iter().find_map(|name| fields.get(*name))?;
        let number = value.as_u64().or_else(|| value.as_str().and_then(|text| text.parse().ok()))?;
        u16::try_from(number).ok().filter(|status| (100..600).contains(status))
    });
    record.path = record.path.take().or_else(|| {
        let path = first_text(fields, &PATHS[..6])?;
        let method = first_text(fields, &PATHS[6..]);
        Some(method.map_or_else(|| path.to_owned(), |method| format!("{method} {path}")))
    });
}

fn level(value: &Value) -> Option<Level> {
    match value {
        Value::Object(fields) => level(fields.get("name")?),
        Value::Number(number) => level_of_number(number.as_i64()?.to_string().parse().ok()?),
        _ => level_of_text(value.as_str()?),
    }
}

/// Below 8 syslog's, where 3 is an error; else Python's. In pino's and bunyan's, 40 is a warning: rather shown than
/// missed.
pub(super) fn level_of_number(number: f64) -> Option<Level> {
    let high = if number < 8.0 { (0.0..=3.0).contains(&number) } else { number >= 40.0 };
    Some(if high { Level::High } else { Level::Low })
}

pub(super) fn level_of_text(text: &str) -> Option<Level> {
    if let Ok(number) = text.parse::<i32>() {
        return level_of_number(f64::from(number));
    }
    const HIGH: [&str; 10] =
        ["error", "err", "critical", "crit", "fatal", "emerg", "emergency", "alert", "panic", "exception"];
    const LOW: [&str; 8] = ["warning", "warn", "info", "debug", "notice", "trace", "default", "success"];
    let text = text.trim();
    let is = |words: &[&str]| words.iter().any(|word| word.eq_ignore_ascii_case(text));
    if is(&HIGH) {
        return Some(Level::High);
    }
    is(&LOW).then_some(Level::Low)
}

fn time(value: &Value, clock: &Clock) -> Option<LogTimestamp> {
    match value {
        Value::String(text) => time_of_text(text, clock),
        Value::Number(number) => number.as_f64().and_then(Clock::from_number),
        // Loguru's `record.time`, MongoDB's `$date`.
        Value::Object(fields) => {
            ["timestamp", "repr", "$date"].iter().find_map(|name| time(fields.get(*name)?, clock))
        }
        _ => None,
    }
}

pub(super) fn time_of_text(text: &str, clock: &Clock) -> Option<LogTimestamp> {
    clock.find(text.as_bytes()).or_else(|| text.parse().ok().and_then(Clock::from_number))
}
