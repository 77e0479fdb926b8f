//! Tracebacks in the fields of a structured record.

use serde_json::{Map, Value};

use crate::model::Frame;
use crate::triage::traceback;
use crate::triage::traceback::parsed::{ChainLink, ParsedTraceback};

/// Fields that name an exception and nothing else.
const NAMED: [(&str, &[&str]); 8] = [
    ("errorType", &["errorMessage"]),
    ("error_type", &["error_message", "error"]),
    ("exc_type", &["exc_value", "exc_message"]),
    ("exception_type", &["exception_message"]),
    ("exceptionType", &["exceptionMessage"]),
    ("error.type", &["error.message"]),
    ("error.kind", &["error.message"]),
    ("exception.type", &["exception.message", "exception.value"]),
];
/// Fields that name one in an object that is an exception, or beside frames.
const BESIDE: [(&str, &[&str]); 5] = [
    ("type", &["value", "message", "msg"]),
    ("class", &["message", "value"]),
    ("kind", &["message", "value"]),
    ("name", &["message", "value"]),
    ("exception_class", &["exception_message", "message"]),
];
/// Objects that are exceptions.
pub(super) const HOLDERS: [&str; 8] =
    ["error", "err", "exception", "exc", "exc_info", "values", "cause", "log_failure"];
/// Members and causes of one exception.
const MOST: usize = 50;

/// Whether a field of this name names an exception by itself.
pub(super) fn names_exception(key: &str) -> bool {
    NAMED.iter().any(|(kind, _)| *kind == key)
}

/// Whether a field of this name tells of an exception that others name.
pub(super) fn beside(key: &str) -> bool {
    let told = NAMED.iter().flat_map(|(_, messages)| *messages);
    let named = BESIDE.iter().flat_map(|(kind, messages)| messages.iter().chain([kind]));
    told.chain(named).any(|name| *name == key)
}

/// The traceback that an object's own fields hold. `key` is the one that the object stands at.
pub(super) fn in_object(key: &str, fields: &Map<String, Value>) -> Option<ParsedTraceback> {
    if let Some(read) = of_twisted(fields) {
        return Some(read);
    }
    let mut read = fields.values().find_map(of_value);
    if let Some(whole) = read.take_if(|read| read.kind.is_some()) {
        return Some(whole);
    }
    // Frames alone, or none at all: type and message stand beside them.
    let mut pairs: Vec<&(&str, &[&str])> = NAMED.iter().collect();
    if read.is_some() || HOLDERS.contains(&key) {
        pairs.extend(BESIDE.iter());
    }
    let text = |name: &str| fields.get(name).and_then(Value::as_str);
    let named = pairs.iter().find_map(|(kind, messages)| {
        let kind = text(kind).filter(|kind| is_class(kind))?;
        Some((kind, messages.iter().find_map(|name| text(name))))
    });
    match (read, named) {
        (Some(frames), Some((kind, message))) => {
            let kind = kind.strip_prefix("builtins.").unwrap_or(kind);
            let named = ParsedTraceback::structured(kind, message.unwrap_or_default());
            Some(ParsedTraceback { frames: frames.frames, cause: frames.cause, ..named })
        }
        (None, Some((kind, Some(message)))) => Some(ParsedTraceback::structured(kind, message)),
        (frames, _) => frames.filter(|read| !read.frames.is_empty()),
    }
}

/// Twisted's `log_failure`: frames as lists of function, file, line and values; no message.
fn of_twisted(fields: &Map<String, Value>) -> Option<ParsedTraceback> {
    let kind = fields.get("type")?.get("__name__")?.as_str()?;
    let frames = fields.get("frames")?.as_array()?;
    let frame = |value: &Value| {
        Some(Frame {
            path: value.get(1)?.as_str()?.to_owned(),
            line: u32::try_from(value.get(2)?.as_u64()?).ok()?,
            function: value.get(0)?.as_str().map(str::to_owned),
            code: None,
        })
    };
    let mut read = ParsedTraceback::structured(kind, "");
    read.frames = frames.iter().filter_map(frame).collect();
    (!read.frames.is_empty()).then_some(read)
}

fn is_class(kind: &str) -> bool {
    let name = kind.rsplit('.').next().unwrap_or(kind);
    name.starts_with(|c: char| c.is_ascii_uppercase() || c == '_')
        && kind.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.'))
        && name.chars().any(char::is_lowercase)
}

/// The traceback that a text is, a list of lines, or a list of exceptions.
pub(super) fn of_value(value: &Value) -> Option<ParsedTraceback> {
    match value {
        Value::String(text) => of_text(text),
        Value::Array(parts) if !parts.is_empty() && parts.iter().all(Value::is_string) => {
            let lines: Vec<&str> =
                parts.iter().filter_map(Value::as_str).map(|line| line.trim_end_matches('\n')).collect();
            of_text(&lines.join("\n"))
        }
        Value::Array(exceptions) => exceptions_of(exceptions),
        _ => None,
    }
}

/// The last traceback in a text.
pub(super) fn of_text(text: &str) -> Option<ParsedTraceback> {
    let traced = text.contains("Traceback (most") || text.contains("File \"") || text.contains("ray::");
    traced.then(|| traceback::parse(text).pop()).flatten()
}

/// structlog's `dict_tracebacks`, the last raised exception first; Sentry's `values`, the last raised last. The
/// locals that they hold may be secrets and are not read.
pub(super) fn exceptions_of(values: &[Value]) -> Option<ParsedTraceback> {
    let first = values.first()?;
    let ours = first.get("exc_type").is_some();
    if !ours && first.get("stacktrace").is_none() {
        return None;
    }
    let mut chain: Option<(ChainLink, ParsedTraceback)> = None;
    let values: Vec<&Value> =
        if ours { values.iter().take(MOST).rev().collect() } else { values.iter().take(MOST).collect() };
    for exception in values {
        let mut read = one(exception)?;
        read.cause = chain.take().map(Box::new);
        let cause = exception.get("is_cause").and_then(Value::as_bool).unwrap_or(!ours);
        chain = Some((if cause { ChainLink::DirectCause } else { ChainLink::DuringHandling }, read));
    }
    chain.map(|(_, read)| read)
}

fn one(exception: &Value) -> Option<ParsedTraceback> {
    let text = |value: &Value, names: &[&str]| {
        names.iter().find_map(|name| value.get(name).and_then(Value::as_str)).unwrap_or_default().to_owned()
    };
    let list =
        |value: &Value, name: &str| value.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    let frame = |value: &Value| Frame {
        path: text(value, &["abs_path", "filename"]),
        line: value
            .get("lineno")
            .and_then(Value::as_u64)
            .and_then(|line| u32::try_from(line).ok())
            .unwrap_or(0),
        function: Some(text(value, &["name", "function"])),
        code: Some(text(value, &["line", "context_line"]))
            .map(|line| line.trim().to_owned())
            .filter(|line| !line.is_empty()),
    };
    let kind = text(exception, &["exc_type", "type"]);
    let mut read = ParsedTraceback::structured(&kind, &text(exception, &["exc_value", "value"]));
    let frames =
        exception.get("stacktrace").map_or_else(|| list(exception, "frames"), |trace| list(trace, "frames"));
    read.frames = frames.iter().map(frame).collect();
    read.notes = list(exception, "exc_notes").iter().filter_map(Value::as_str).map(str::to_owned).collect();
    // Each member is a list of its own: an exception and its causes.
    read.children = list(exception, "exceptions")
        .iter()
        .take(MOST)
        .filter_map(Value::as_array)
        .filter_map(|member| exceptions_of(member))
        .collect();
    (!kind.is_empty()).then_some(read)
}
