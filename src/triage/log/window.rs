//! A line, and the text before it.

use super::json;
use super::open::Raw;
use super::prefix;
use crate::triage::ansi;
use crate::triage::redact::redact;

/// Bytes of a line that are kept for showing.
const SHOWN: usize = 400;

/// A line, and the text before it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window<'w> {
    pub(super) text: &'w [u8],
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) number: u64,
    pub(super) source: usize,
}

impl<'w> Window<'w> {
    pub(super) fn line(&self) -> &'w [u8] {
        let line = &self.text[self.start..self.end];
        line.strip_suffix(b"\r").unwrap_or(line)
    }

    /// The lines before, nearest first.
    pub(super) fn before(&self) -> impl Iterator<Item = &'w [u8]> {
        let text = self.text;
        let mut end = self.start;
        std::iter::from_fn(move || {
            let whole = text[..end].strip_suffix(b"\n")?;
            end = memchr::memrchr(b'\n', whole).map_or(0, |at| at + 1);
            Some(&whole[end..])
        })
    }

    pub(super) fn raw(&self) -> Raw {
        self.raw_of(self.line())
    }

    /// This piece of the line.
    pub(super) fn raw_of(&self, piece: &[u8]) -> Raw {
        Raw { number: self.number, text: shown(piece), hidden: false }
    }

    pub(super) fn context(&self, lines: usize) -> Vec<Raw> {
        let numbers = (1..self.number).rev();
        let lines = self.before().take(lines).zip(numbers);
        lines.map(|(line, number)| Raw { number, ..self.raw_of(line) }).collect()
    }

    /// So many lines above, without their marks, the farthest first.
    pub(super) fn lines_above(&self, lines: usize) -> Vec<(String, Raw)> {
        let numbers = (1..self.number).rev();
        let above = self.before().take(lines).zip(numbers).map(|(line, number)| {
            let line = String::from_utf8_lossy(line);
            let plain = ansi::strip(&line).into_owned();
            let body = String::from_utf8_lossy(prefix::take(plain.as_bytes()).body).into_owned();
            (body, Raw { number, ..self.raw_of(line.as_bytes()) })
        });
        let mut above: Vec<_> = above.collect();
        above.reverse();
        above
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

/// The same, with its secrets masked.
pub(super) fn masked(text: String) -> String {
    match redact(&text) {
        std::borrow::Cow::Borrowed(_) => text,
        std::borrow::Cow::Owned(masked) => masked,
    }
}
