//! Reads sources block by block and finds the lines worth a look.

use std::io::{BufRead, ErrorKind};

use regex::bytes::Regex;

use super::classify;
use super::encoding::{Utf16, ZeroBytes, looks_binary, mark_of_utf8};
use super::octet_counts::OctetCounts;
use super::path_mapping::RepositoryFiles;
use super::pretty;
use super::settings::Settings;
use super::streams::Streams;
use super::timestamps::Clock;
use super::window::Window;
use crate::model::{LogGroup, LogReport, ScannedSource};

/// So many sources that are no text are named.
const MOST_NAMED: usize = 3;
/// Bytes that are looked at together.
const BLOCK: usize = 256 << 10;
/// Bytes before the line at hand that stay within reach, for context and timestamps.
const LOOK_BACK: usize = 16 << 10;
/// Longest line that is looked at whole; of a longer one, so many bytes.
const MOST_LINE: usize = 1 << 20;
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
    /// The source that is being read.
    scan: Option<Scan>,
    /// Nothing came since a pause.
    quiet: bool,
    /// Sources that are no text.
    left_out: usize,
}

impl LogReader {
    /// Nothing read yet.
    #[must_use]
    pub fn new(options: LogOptions) -> Self {
        let LogOptions { clock, since, new_since, around, grep, files } = options;
        let settings = Settings { clock, since, new_since, around, grep: grep.clone() };
        Self {
            streams: Streams::new(settings, files),
            grep,
            sources: Vec::new(),
            notes: Vec::new(),
            scan: None,
            quiet: false,
            left_out: 0,
        }
    }

    /// Reads a source to its end. An error on the way ends the source, not the reading: what came before
    /// counts, and a note tells of it. A source that is no text is left out with a note.
    pub fn read(&mut self, name: &str, input: &mut impl BufRead) {
        self.begin(name);
        let mut block = Vec::with_capacity(2 * BLOCK);
        loop {
            let more = self.fill(&mut block, input);
            self.feed(&block);
            if !more {
                break;
            }
            block.clear();
        }
        self.end();
    }

    /// A source begins, whose bytes come by [`feed`](Self::feed).
    pub fn begin(&mut self, name: &str) {
        self.end();
        self.sources.push(ScannedSource { name: name.to_owned(), bytes: 0, lines: 0 });
        self.scan = Some(Scan::default());
    }

    /// More bytes of the source. Its whole lines are read.
    pub fn feed(&mut self, bytes: &[u8]) {
        let source = self.sources.len().saturating_sub(1);
        let Some(scan) = &mut self.scan else { return };
        if scan.binary || bytes.is_empty() {
            return;
        }
        self.quiet = false;
        let is_text = scan.take(bytes);
        if let Some(counted) = self.sources.last_mut() {
            counted.bytes += u64::try_from(bytes.len()).unwrap_or(0);
        }
        if !std::mem::replace(&mut scan.begun, true) {
            if !is_text {
                self.left_out += 1;
                if self.left_out <= MOST_NAMED {
                    let name = &self.sources[source].name;
                    self.notes.push(format!("{name}: not text, left out"));
                }
                scan.binary = true;
                return;
            }
            self.streams.see_beginning(&scan.text);
        }
        scan.process(&mut self.streams, self.grep.as_ref(), source, false);
    }

    /// Nothing more came for a while: what is under way is as long as it will be.
    pub fn pause(&mut self) {
        self.streams.pause();
        self.quiet = true;
    }

    /// The groups that are new since this was asked before. An answer with a 5xx status is none while a failure
    /// beside it explains all of its group, or may still come.
    pub fn fresh(&mut self) -> Vec<LogGroup> {
        let names: Vec<String> = self.sources.iter().map(|source| source.name.clone()).collect();
        let line = self.scan.as_ref().filter(|_| !self.quiet).map(|scan| scan.number);
        self.streams.counting.fresh(&names, line)
    }

    /// The source is over.
    pub fn end(&mut self) {
        let Some(mut scan) = self.scan.take() else { return };
        let source = self.sources.len().saturating_sub(1);
        if !scan.binary {
            scan.process(&mut self.streams, self.grep.as_ref(), source, true);
            self.streams.end_of_source();
            self.sources[source].lines = scan.number - 1;
        }
    }

    /// Adds a block; false at the end.
    fn fill(&mut self, block: &mut Vec<u8>, input: &mut impl BufRead) -> bool {
        while block.len() < BLOCK {
            let count = match input.fill_buf() {
                Ok([]) => return false,
                Ok(bytes) => {
                    block.extend_from_slice(bytes);
                    bytes.len()
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => {
                    let name = self.sources.last().map_or("", |source| source.name.as_str());
                    let cut = error.kind() == ErrorKind::UnexpectedEof;
                    let why = if cut { "it is cut off".to_owned() } else { error.to_string() };
                    self.notes.push(format!("{name}: ends early ({why}); what came before was read"));
                    return false;
                }
            };
            input.consume(count);
        }
        true
    }

    /// Adds what the reader of the report should know.
    pub fn note(&mut self, note: String) {
        self.notes.push(note);
    }

    /// How many lines were looked at, rather than passed over for want of a telling word.
    #[must_use]
    pub const fn lines_looked_at(&self) -> u64 {
        self.streams.looked
    }

    /// Everything that was found.
    #[must_use]
    pub fn finish(mut self) -> LogReport {
        self.end();
        if let Some(more) = self.left_out.checked_sub(MOST_NAMED).filter(|more| *more > 0) {
            self.notes.push(format!("{more} more are not text, and were left out"));
        }
        let names: Vec<String> = self.sources.iter().map(|source| source.name.clone()).collect();
        let mut report = self.streams.finish(&names);
        report.sources = self.sources;
        report.notes.splice(0..0, self.notes);
        report
    }
}

/// The text at hand of one source.
#[derive(Debug)]
struct Scan {
    /// Look-back, then what is to be read.
    text: Vec<u8>,
    /// Where reading goes on.
    start: usize,
    /// Number of the line at `start`.
    number: u64,
    /// The rest of a too long line is being passed over.
    skipping: bool,
    /// Its beginning was looked at.
    begun: bool,
    /// How its bytes become text, when they are not UTF-8.
    utf16: Option<Utf16>,
    zeros: ZeroBytes,
    /// How its records are told apart, where their lengths stand before them.
    counts: Option<OctetCounts>,
    /// It is no text.
    binary: bool,
}

impl Default for Scan {
    fn default() -> Self {
        Self {
            text: Vec::new(),
            start: 0,
            number: 1,
            skipping: false,
            begun: false,
            utf16: None,
            zeros: ZeroBytes::default(),
            counts: None,
            binary: false,
        }
    }
}

impl Scan {
    /// Adds bytes of the source; whether they may be text.
    fn take(&mut self, mut bytes: &[u8]) -> bool {
        if !self.begun {
            let (utf16, mark) =
                Utf16::of(bytes).map_or((None, mark_of_utf8(bytes)), |(utf16, mark)| (Some(utf16), mark));
            self.utf16 = utf16;
            bytes = &bytes[mark..];
            self.counts = OctetCounts::of(bytes);
        }
        match &mut self.utf16 {
            Some(utf16) => {
                let decoded = utf16.decode(bytes);
                self.text.extend_from_slice(&decoded);
                !looks_binary(&decoded[..decoded.len().min(SAMPLE)])
            }
            None => {
                match &mut self.counts {
                    Some(counts) => {
                        let mut records = Vec::with_capacity(bytes.len());
                        counts.decode(bytes, &mut records);
                        self.zeros.add(&records, &mut self.text);
                    }
                    None => self.zeros.add(bytes, &mut self.text),
                }
                !looks_binary(&bytes[..bytes.len().min(SAMPLE)])
            }
        }
    }

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
        // An object over several lines is read when all of it came.
        let open = || pretty::open_at_end(&self.text[self.start..whole]).map(|at| self.start + at);
        let whole =
            if end { whole } else { open().filter(|at| self.text.len() - at < BLOCK).unwrap_or(whole) };
        self.lines(streams, grep, source, whole);
        let is_one_line = || memchr::memchr(b'\n', &self.text[self.start..]).is_none();
        if self.text.len() - self.start > MOST_LINE && whole == self.start && is_one_line() {
            let (line, number) = (self.start, self.number);
            let end = line + MOST_LINE;
            streams.line(&Window { text: &self.text, start: line, end, ahead: 0, number, source });
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
                ahead: whole,
                number: self.number,
                source,
            };
            streams.line(&window);
            self.number += 1;
            self.start = (self.start + length + 1).min(self.text.len());
            if let Some((next, lines)) = streams.passed() {
                self.start = next;
                self.number += lines;
            }
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
