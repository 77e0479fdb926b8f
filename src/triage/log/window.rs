//! A line, and the text before it.

use super::prefix;
use super::raw::Raw;
use crate::triage::ansi;
use crate::triage::redact::redact;

/// A line, and the text before it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window<'w> {
    pub(super) text: &'w [u8],
    pub(super) start: usize,
    pub(super) end: usize,
    /// Up to here, the text holds whole lines that come next.
    pub(super) ahead: usize,
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

    /// The lines behind this one, as far as they are whole: where each begins, and its text.
    pub(super) fn behind(&self) -> impl Iterator<Item = (usize, &'w [u8])> {
        let whole = self.text.get(self.end) == Some(&b'\n');
        let text = if whole { self.text.get(..self.ahead).unwrap_or_default() } else { &[] };
        let mut start = self.end + 1;
        std::iter::from_fn(move || {
            let rest = text.get(start..)?;
            let length = memchr::memchr(b'\n', rest)?;
            let line = (start, &rest[..length]);
            start += length + 1;
            Some(line)
        })
    }

    pub(super) fn raw(&self) -> Raw {
        self.raw_of(self.line())
    }

    /// This piece of the line.
    pub(super) fn raw_of(&self, piece: &[u8]) -> Raw {
        Raw::new(self.number, piece)
    }

    pub(super) fn context(&self, lines: usize) -> Vec<Raw> {
        let numbers = (1..self.number).rev();
        let lines = self.before().take(lines).zip(numbers);
        lines.map(|(line, number)| Raw::new(number, line)).collect()
    }

    /// So many lines above, without their marks, the farthest first.
    pub(super) fn lines_above(&self, lines: usize) -> Vec<(String, Raw)> {
        let numbers = (1..self.number).rev();
        let above = self.before().take(lines).zip(numbers).map(|(line, number)| {
            let line = String::from_utf8_lossy(line);
            let plain = ansi::strip(&line).into_owned();
            let body = String::from_utf8_lossy(prefix::take(plain.as_bytes()).body).into_owned();
            (body, Raw::new(number, line.as_bytes()))
        });
        let mut above: Vec<_> = above.collect();
        above.reverse();
        above
    }
}

/// The text with its secrets masked.
pub(super) fn masked(text: String) -> String {
    match redact(&text) {
        std::borrow::Cow::Borrowed(_) => text,
        std::borrow::Cow::Owned(masked) => masked,
    }
}
