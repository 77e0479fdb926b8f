//! Tracebacks that were read before. A program that fails again and again writes the same lines but for their digits:
//! they are recognised by their hashes, without being taken apart.
//!
//! Two memories: what a traceback's whole text led to, and, line by line, which texts there were. The second
//! one lets a reader step over all lines of a traceback at once, when the line behind it begins a record and so
//! ends it as it did before.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::groups::{Draft, fingerprint};
use super::prefix;
use super::window::Window;
use crate::model::LogEventKind;

/// Tracebacks that are remembered.
const MOST: usize = 10_000;
/// Lines that are remembered.
const MOST_LINES: usize = 100_000;
/// Lines of one traceback that are remembered.
const MOST_OF_ONE: usize = 2_000;

/// One exception of a text that was read.
#[derive(Debug, Clone)]
pub(super) struct Known {
    /// Fingerprint under which its group is known.
    pub(super) print: u64,
    pub(super) kind: LogEventKind,
    pub(super) exception: Option<String>,
    pub(super) headline: String,
    /// Its first and last line, counted from the text's first.
    pub(super) lines: (u64, u64),
}

impl Known {
    pub(super) fn of(print: u64, draft: &Draft, lines: (u64, u64)) -> Self {
        Self {
            print,
            kind: draft.kind,
            exception: draft.traceback.as_ref().and_then(|read| read.kind.clone()),
            headline: draft.message.lines().next().unwrap_or_default().to_owned(),
            lines,
        }
    }
}

/// What a text led to.
#[derive(Debug, Clone, Default)]
pub(super) struct Outcome {
    pub(super) found: Vec<Known>,
    /// How many of its lines belong to what was found.
    pub(super) used: usize,
}

/// Everything that was read.
#[derive(Debug, Default)]
pub(super) struct Repeats {
    texts: HashMap<u64, Outcome, RandomState>,
    /// From a line to the next.
    next: HashMap<(u32, u64), u32, RandomState>,
    /// The text that ends at a line.
    ends: HashMap<u32, u64, RandomState>,
    /// Exceptions by the line before them and their type, whatever their message.
    types: HashMap<(u32, u64), Varied, RandomState>,
}

/// An exception whose one-line message may differ.
#[derive(Debug, Clone)]
pub(super) struct Varied {
    /// The part of its group's signature that is not the message.
    pub(super) base: u64,
    pub(super) exception: Option<String>,
}

/// What the lines ahead are.
#[derive(Debug)]
pub(super) enum Ahead<'w> {
    /// A text that was read before.
    Known(u64),
    /// The same as one but for its message.
    Varied(Varied, &'w [u8]),
}

/// The lines of a traceback under way, as [`Repeats`] knows them.
#[derive(Debug, Default)]
pub(super) struct Trail {
    lines: Vec<u64>,
    /// The latest of them.
    last: Vec<u8>,
    broken: bool,
}

impl Trail {
    /// The next line of the traceback; `None` when it is no whole line, or others stood between.
    pub(super) fn follow(&mut self, line: Option<&[u8]>) {
        match line {
            Some(line) if !self.broken && self.lines.len() < MOST_OF_ONE => {
                self.lines.push(hash(line));
                self.last.clear();
                self.last.extend_from_slice(line);
            }
            _ => self.broken = true,
        }
    }
}

fn hash(line: &[u8]) -> u64 {
    fingerprint(LogEventKind::Traceback, line)
}

impl Repeats {
    /// What a text led to.
    pub(super) fn of(&self, text: u64) -> Option<&Outcome> {
        self.texts.get(&text)
    }

    /// Remembers what a text led to.
    pub(super) fn learn(&mut self, text: u64, outcome: Outcome) {
        if self.texts.len() < MOST {
            self.texts.insert(text, outcome);
        }
    }

    /// Remembers the lines of a text that a record's beginning ended. `base` is the part of its signature that is
    /// not the message, when it is one exception.
    pub(super) fn learn_lines(&mut self, trail: &Trail, text: u64, base: Option<u64>) {
        if trail.broken || trail.lines.is_empty() || self.next.len() + trail.lines.len() > MOST_LINES {
            return;
        }
        let (mut at, mut before) = (0, 0);
        for line in &trail.lines {
            let new = u32::try_from(self.next.len() + 1).unwrap_or(u32::MAX);
            before = at;
            at = *self.next.entry((at, *line)).or_insert(new);
        }
        self.ends.insert(at, text);
        let one = self.texts.get(&text).and_then(|outcome| match outcome.found.as_slice() {
            [one] if one.kind == LogEventKind::Traceback && outcome.used == trail.lines.len() => Some(one),
            _ => None,
        });
        if let (Some(one), Some(base), Some((kind, message))) = (one, base, exception(&trail.last))
            && one.exception.as_deref().is_some_and(|exception| exception.as_bytes() == kind)
            && one.headline.as_bytes() == message
        {
            self.types.insert((before, hash(kind)), Varied { base, exception: one.exception.clone() });
        }
    }

    /// What ends a message may have changed: only whole texts are still known.
    pub(super) fn forget_lines(&mut self) {
        self.next.clear();
        self.ends.clear();
        self.types.clear();
    }

    /// Whether the traceback that begins at this line was read before, line for line, but perhaps for its message: what
    /// it is, where the next line begins, and how many lines it takes. Also how many lines were looked at.
    pub(super) fn ahead<'w>(
        &self,
        window: &Window<'w>,
        first: &[u8],
        stream: u64,
    ) -> (Option<(Ahead<'w>, usize, u64)>, u64) {
        let Some(mut at) = self.next.get(&(0, hash(first))).copied() else { return (None, 0) };
        let mut lines = 1;
        let mut behind = window.behind();
        while let Some((start, line)) = behind.next() {
            let taken = prefix::take(line.strip_suffix(b"\r").unwrap_or(line));
            if taken.stream != stream {
                break;
            }
            if let Some(next) = self.next.get(&(at, hash(taken.body))) {
                at = *next;
                lines += 1;
                continue;
            }
            if let Some((kind, message)) = exception(taken.body)
                && let Some(varied) = self.types.get(&(at, hash(kind)))
                && let Some((start, line)) = behind.next()
                && let after = prefix::take(line)
                && after.stream == stream
                && ends(after.body)
            {
                return (Some((Ahead::Varied(varied.clone(), message), start, lines + 1)), lines + 1);
            }
            let text = self.ends.get(&at).filter(|_| ends(taken.body));
            return (text.map(|text| (Ahead::Known(*text), start, lines)), lines);
        }
        (None, lines)
    }
}

/// Type and message of a line that is an exception's, in plain letters.
fn exception(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = memchr::memchr(b':', line)?;
    let name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.');
    let message = line[end + 1..].strip_prefix(b" ")?;
    let plain = !message.is_empty() && message.iter().all(|byte| *byte == b' ' || byte.is_ascii_graphic());
    let kind = &line[..end];
    (plain && !message.ends_with(b" ") && !kind.is_empty() && kind.iter().all(name))
        .then_some((kind, message))
}

/// Whether the line ends any traceback above it, whatever that waits for.
fn ends(body: &[u8]) -> bool {
    !matches!(body.first(), Some(b'{' | b'-' | b'='))
        && prefix::begins_record(body)
        && memchr::memchr3(b'\r', 0x1b, b'&', body).is_none()
        && !body.ends_with(b"}")
        && memchr::memmem::find(body, b"Traceback (most").is_none()
}
