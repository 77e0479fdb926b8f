//! Reads sources block by block and finds the lines worth a look.

use std::io::{BufRead, ErrorKind};

use regex::bytes::Regex;

use super::classify;
use super::files::RepositoryFiles;
use super::streams::{Settings, Streams};
use super::times::Clock;
use super::window::Window;
use crate::model::{LogReport, ScannedSource};

/// Bytes that are looked at together.
const BLOCK: usize = 256 << 10;
/// Bytes before the line at hand that stay within reach, for context and timestamps.
const LOOK_BACK: usize = 16 << 10;
/// Longest line that is looked at whole; of a longer one, so many bytes.
const MOST_LINE: usize = 64 << 10;
/// How much of a source decides whether it is text.
const SAMPLE: usize = 8 << 10;

/// What is asked of a log.
#[derive(Debug, Clone)]
pub struct LogOptions {
    /// What its timestamps leave out.
    pub clock: Clock,
    /// Leave out events before this, in microseconds since 1970. Events without any time stay.
    pub since: Option<i64>,
    /// A group that began after this is new: a deployment's or commit's time.
    pub new_since: Option<i64>,
    /// Lines of context around an event.
    pub around: usize,
    /// Lines that are events whatever else they say.
    pub grep: Option<Regex>,
    /// Files of the repository, to map a server's paths to.
    pub files: RepositoryFiles,
}

/// Reads logs, one source after the other, in bounded memory.
#[derive(Debug)]
pub struct LogReader {
    streams: Streams,
    grep: Option<Regex>,
    sources: Vec<ScannedSource>,
    notes: Vec<String>,
}

impl LogReader {
    /// Nothing read yet.
    #[must_use]
    pub fn new(options: LogOptions) -> Self {
        let LogOptions { clock, since, new_since, around, grep, files } = options;
        let settings = Settings { clock, since, new_since, around, grep: grep.clone() };
        Self { streams: Streams::new(settings, files), grep, sources: Vec::new(), notes: Vec::new() }
    }

    /// Reads a source to its end. An error on the way ends the source, not the reading: what came before
    /// counts, and a note tells of it. A source that is no text is left out with a note.
    pub fn read(&mut self, name: &str, input: &mut impl BufRead) {
        let source = self.sources.len();
        self.sources.push(ScannedSource { name: name.to_owned(), bytes: 0, lines: 0 });
        let mut scan = Scan { text: Vec::with_capacity(2 * BLOCK), start: 0, number: 1, skipping: false };
        let mut first = true;
        loop {
            let more = self.fill(source, &mut scan, input);
            if std::mem::take(&mut first) {
                if looks_binary(&scan.text) {
                    self.notes.push(format!("{name}: not text, left out"));
                    return;
                }
                self.streams.see_beginning(&scan.text);
            }
            scan.process(&mut self.streams, self.grep.as_ref(), source, !more);
            if !more {
                break;
            }
        }
        self.streams.end_of_source();
        self.sources[source].lines = scan.number - 1;
    }

    /// Adds a block to the text; false at the end.
    fn fill(&mut self, source: usize, scan: &mut Scan, input: &mut impl BufRead) -> bool {
        let mut added = 0;
        while added < BLOCK {
            let count = match input.fill_buf() {
                Ok([]) => return false,
                Ok(bytes) => {
                    scan.text.extend_from_slice(bytes);
                    bytes.len()
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => {
                    let name = &self.sources[source].name;
                    let cut = error.kind() == ErrorKind::UnexpectedEof;
                    let why = if cut { "it is cut off".to_owned() } else { error.to_string() };
                    self.notes.push(format!("{name}: ends early ({why}); what came before was read"));
                    return false;
                }
            };
            input.consume(count);
            added += count;
            self.sources[source].bytes += u64::try_from(count).unwrap_or(0);
        }
        true
    }

    /// Adds what the reader of the report should know.
    pub fn note(&mut self, note: String) {
        self.notes.push(note);
    }

    /// Everything that was found.
    #[must_use]
    pub fn finish(self) -> LogReport {
        let names: Vec<String> = self.sources.iter().map(|source| source.name.clone()).collect();
        let mut report = self.streams.finish(&names);
        report.sources = self.sources;
        report.notes.splice(0..0, self.notes);
        report
    }
}

/// A zero byte, or mostly bytes that no text has: binary, or UTF-16.
fn looks_binary(text: &[u8]) -> bool {
    let sample = &text[..text.len().min(SAMPLE)];
    let odd = sample
        .iter()
        .filter(|byte| **byte < 0x20 && !matches!(**byte, b'\t' | b'\n' | b'\r' | 0x1b | 0x0c | 0x08));
    memchr::memchr(0, sample).is_some() || odd.count() * 10 > sample.len()
}

/// The text at hand of one source.
struct Scan {
    /// Look-back, then what is to be read.
    text: Vec<u8>,
    /// Where reading goes on.
    start: usize,
    /// Number of the line at `start`.
    number: u64,
    /// The rest of a too long line is being passed over.
    skipping: bool,
}

impl Scan {
    /// Reads all whole lines, and at the end also the last one.
    fn process(&mut self, streams: &mut Streams, grep: Option<&Regex>, source: usize, end: bool) {
        if self.skipping {
            let Some(line_end) = memchr::memchr(b'\n', &self.text[self.start..]) else {
                self.text.truncate(self.start);
                // The last line of all, without an end.
                self.number += u64::from(end);
                return;
            };
            self.text.drain(self.start..=self.start + line_end);
            self.number += 1;
            self.skipping = false;
        }
        let whole = match memchr::memrchr(b'\n', &self.text[self.start..]) {
            _ if end => self.text.len(),
            Some(last) => self.start + last + 1,
            None => self.start,
        };
        self.lines(streams, grep, source, whole);
        if self.text.len() - self.start > MOST_LINE && whole == self.start {
            let (line, number) = (self.start, self.number);
            streams.line(&Window { text: &self.text, start: line, end: line + MOST_LINE, number, source });
            self.text.truncate(self.start);
            self.skipping = true;
        }
        let passed = self.start.saturating_sub(LOOK_BACK);
        self.text.drain(..passed);
        self.start -= passed;
    }

    fn lines(&mut self, streams: &mut Streams, grep: Option<&Regex>, source: usize, whole: usize) {
        let mut next_match = None;
        while self.start < whole {
            if !streams.attentive() {
                self.pass(grep, &mut next_match, whole);
            }
            if self.start >= whole {
                break;
            }
            let rest = &self.text[self.start..whole];
            let length = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
            let window = Window {
                text: &self.text,
                start: self.start,
                end: self.start + length.min(MOST_LINE),
                number: self.number,
                source,
            };
            streams.line(&window);
            self.start = (self.start + length + 1).min(self.text.len());
            self.number += 1;
        }
    }

    /// Goes to the next line that may be an event, or to the end.
    fn pass(&mut self, grep: Option<&Regex>, next_match: &mut Option<usize>, whole: usize) {
        let rest = &self.text[self.start..whole];
        let word = classify::next_candidate(rest).map(|at| self.start + at);
        if let Some(grep) = grep
            && next_match.is_none_or(|at| at < self.start)
        {
            *next_match = Some(grep.find(rest).map_or(whole, |found| self.start + found.start()));
        }
        let at = word.into_iter().chain(*next_match).min().unwrap_or(whole).min(whole);
        let line = if at == whole {
            whole
        } else {
            memchr::memrchr(b'\n', &self.text[self.start..at]).map_or(self.start, |end| self.start + end + 1)
        };
        let passed = &self.text[self.start..line];
        self.number += u64::try_from(memchr::memchr_iter(b'\n', passed).count()).unwrap_or(0);
        // The very last line may have no end.
        self.number += u64::from(passed.last().is_some_and(|byte| *byte != b'\n'));
        self.start = line;
    }
}
