//! Tracebacks and test reports whose lines are still coming, one for each stream.

use std::sync::LazyLock;

use regex::bytes::Regex;

use super::classify::is_header;
use super::prefix::begins_record;
use crate::model::Moment;
use crate::triage::traceback::{self, ParsedTraceback};

/// Lines that one traceback or report may take; what comes behind is read anew.
const MOST_LINES: usize = 20_000;
/// Bytes that one may take.
const MOST_BYTES: usize = 4 << 20;
/// Lines of a message behind its first.
const MOST_MESSAGE: usize = 30;

/// A line as it was read, for excerpts.
#[derive(Debug, Clone)]
pub(super) struct Raw {
    pub(super) number: u64,
    pub(super) text: String,
}

/// What a collection is waiting for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// A traceback's frames, or the members of a group.
    Frames,
    /// Further lines of the message, of which so many came.
    Message(usize),
    /// Blank lines behind the message: a chain may go on.
    Blank,
    /// pytest or unittest, until their last line.
    Runner,
    /// unittest's verdict behind `Ran 3 tests`, in so many lines.
    Verdict(usize),
    /// pytest's short style, as behind an error in `conftest.py`.
    Short,
    /// The interpreter's crash.
    Fatal,
}

/// What begins a collection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Beginning {
    /// A traceback's header.
    Traceback,
    /// A test runner's report.
    Runner,
    /// A crash.
    Fatal,
}

static PYTEST_END: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^(?:=+ )?\d+ [a-z]+(?:, \d+ [a-z]+)* in [\d.:]+ ?s").expect("a valid pattern")
});
static CHAIN: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^(?:During handling of the above|The above exception was the direct)")
        .expect("a valid pattern")
});

/// A traceback or report of one stream.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) stream: u64,
    pub(super) time: Option<Moment>,
    /// The record that introduces it.
    pub(super) lead: Option<Raw>,
    /// Lines before it, for the excerpt.
    pub(super) before: Vec<Raw>,
    pub(super) raw: Vec<Raw>,
    text: String,
    phase: Phase,
}

impl Open {
    pub(super) fn new(stream: u64, beginning: Beginning, first: &[u8]) -> Self {
        let phase = match beginning {
            Beginning::Traceback => Phase::Frames,
            Beginning::Fatal => Phase::Fatal,
            Beginning::Runner if first.starts_with(b"ImportError while") => Phase::Short,
            Beginning::Runner => Phase::Runner,
        };
        // unittest's ruler stands above its heading.
        let heading = first.starts_with(b"FAIL: ") || first.starts_with(b"ERROR: ");
        let text = if heading && phase == Phase::Runner { "=".repeat(70) + "\n" } else { String::new() };
        Self { stream, time: None, lead: None, before: Vec::new(), raw: Vec::new(), text, phase }
    }

    /// Takes a line, or refuses it because the traceback has ended.
    pub(super) fn take(&mut self, body: &[u8], raw: impl FnOnce() -> Raw) -> bool {
        let first = self.raw.is_empty();
        if !first && (self.full() || !self.belongs(body)) {
            return false;
        }
        self.text.push_str(&String::from_utf8_lossy(body));
        self.text.push('\n');
        self.raw.push(raw());
        true
    }

    fn full(&self) -> bool {
        self.raw.len() >= MOST_LINES || self.text.len() >= MOST_BYTES
    }

    /// Whether nothing more can belong to it.
    pub(super) fn complete(&self) -> bool {
        self.phase == Phase::Verdict(0)
    }

    fn belongs(&mut self, body: &[u8]) -> bool {
        let blank = body.trim_ascii().is_empty();
        let indented = body.first().is_some_and(|byte| matches!(byte, b' ' | b'\t'));
        match self.phase {
            Phase::Frames => {
                if !indented && !blank {
                    if begins_record(body) || (is_header(body) && self.raw.len() > 1 && !self.chained()) {
                        return false;
                    }
                    if !is_header(body) && !CHAIN.is_match(body) {
                        self.phase = Phase::Message(0);
                    }
                }
                true
            }
            Phase::Message(_) | Phase::Blank if CHAIN.is_match(body) => {
                self.phase = Phase::Frames;
                true
            }
            Phase::Message(_) if blank => {
                self.phase = Phase::Blank;
                true
            }
            Phase::Message(lines) => {
                self.phase = Phase::Message(lines + 1);
                lines < MOST_MESSAGE && !begins_record(body) && !is_header(body)
            }
            Phase::Blank => blank,
            Phase::Runner => {
                if PYTEST_END.is_match(body) {
                    self.phase = Phase::Verdict(0);
                } else if body.starts_with(b"Ran ") {
                    self.phase = Phase::Verdict(2);
                }
                true
            }
            Phase::Verdict(lines) => {
                self.phase = Phase::Verdict(lines.saturating_sub(1));
                lines > 0
            }
            Phase::Short => {
                indented || body.starts_with(b"E") || memchr::memmem::find(body, b".py:").is_some()
            }
            Phase::Fatal => {
                let heads = [&b"Current thread"[..], b"Thread 0x", b"Python runtime state"];
                blank || indented || heads.iter().any(|head| body.starts_with(head))
            }
        }
    }

    /// Whether the last line that is not blank announces another traceback.
    fn chained(&self) -> bool {
        let last = self.text.lines().rev().find(|line| !line.trim().is_empty());
        last.is_some_and(|line| CHAIN.is_match(line.as_bytes()))
    }

    /// Its lines without their marks.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The tracebacks in it, each with the raw lines that it takes, and index of the first raw line
    /// behind the last.
    pub(super) fn read(&self) -> (Vec<(ParsedTraceback, std::ops::Range<usize>)>, usize) {
        let shift = self.text.lines().count() - self.raw.len();
        let parsed = traceback::parse(&self.text);
        let ranged: Vec<_> = parsed
            .into_iter()
            .filter(|read| !read.captured)
            .map(|read| {
                let start = read.at.saturating_sub(shift);
                let end = (read.at + read.lines).saturating_sub(shift).clamp(start, self.raw.len());
                (read, start..end)
            })
            .collect();
        let reported = matches!(self.phase, Phase::Runner | Phase::Verdict(_) | Phase::Short | Phase::Fatal);
        let used =
            if reported { self.raw.len() } else { ranged.last().map_or(1, |(_, range)| range.end.max(1)) };
        (ranged, used)
    }
}
