//! Lines as they were read, for excerpts.

use std::borrow::Cow;

use super::json;
use crate::triage::ansi;

/// Bytes of a line that are kept for showing.
const SHOWN: usize = 400;
/// Longest line that is kept as it is, to be made fit for showing only when it is shown.
const KEPT: usize = 1_024;

/// A line as it was read, for excerpts.
#[derive(Debug, Clone)]
pub(super) struct Raw {
    pub(super) number: u64,
    /// It holds values of variables and is not shown.
    pub(super) hidden: bool,
    line: Line,
}

#[derive(Debug, Clone)]
enum Line {
    Whole(Box<[u8]>),
    Shown(String),
}

impl Raw {
    pub(super) fn new(number: u64, line: &[u8]) -> Self {
        let line = if line.len() <= KEPT { Line::Whole(line.into()) } else { Line::Shown(shown(line)) };
        Self { number, hidden: false, line }
    }

    /// The line, fit for showing.
    pub(super) fn text(&self) -> Cow<'_, str> {
        match &self.line {
            Line::Whole(line) => Cow::Owned(shown(line)),
            Line::Shown(text) => Cow::Borrowed(text),
        }
    }

    /// Nothing of it is shown.
    pub(super) fn hide(&mut self) {
        self.hidden = true;
        self.line = Line::Shown(String::new());
    }
}

/// A line's text for showing. What a record holds below its first level, and a traceback within a line, may be
/// values of variables: it is left out.
fn shown(line: &[u8]) -> String {
    if memchr::memchr(b'{', line).is_some()
        && let Some((before, fields)) = json::split(line)
    {
        return summary(before, &fields);
    }
    let line = match memchr::memmem::find(line, b"Traceback (most recent call last):\\") {
        Some(at) => &line[..at + b"Traceback (most recent call last):".len()],
        None => line,
    };
    let cut = line.len() > SHOWN;
    let text = String::from_utf8_lossy(&line[..line.len().min(SHOWN)]);
    let mut text = ansi::strip(&text).trim_end().to_owned();
    if cut {
        text.push('…');
    }
    text
}

/// A JSON record's own fields.
fn summary(before: &[u8], fields: &serde_json::Map<String, serde_json::Value>) -> String {
    use serde_json::Value;
    let mut shown = serde_json::Map::new();
    for (name, value) in fields {
        let value = match value {
            Value::Object(_) => Value::from("{…}"),
            Value::Array(_) => Value::from("[…]"),
            // A record within a record.
            Value::String(text) if text.starts_with('{') && text.trim_end().ends_with('}') => {
                Value::from("{…}")
            }
            Value::String(text) if text.contains('\n') || text.contains("Traceback (most") => {
                Value::from(format!("{}…", text.lines().next().unwrap_or_default()))
            }
            other => other.clone(),
        };
        shown.insert(name.clone(), value);
    }
    let text = format!("{}{}", String::from_utf8_lossy(before), Value::Object(shown));
    let cut: String = text.chars().take(SHOWN).collect();
    if cut.len() < text.len() { cut + "…" } else { text }
}
