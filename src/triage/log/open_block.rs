//! Tracebacks and test reports whose lines are still coming, one for each stream.

use std::hash::{Hash, Hasher};
use std::sync::LazyLock;

use regex::Regex;

use super::csv::Quotes;
use super::cut;
use super::flat::Flat;
use super::groups::fingerprint;
use super::message::Message;
use super::prefix::{begins_record, is_leveled_behind_a_blank};
use super::quick;
use super::raw::Raw;
use super::repeats::Trail;
use super::reports::Report;
use crate::model::{LogEventKind, LogTimestamp};
use crate::triage::traceback;
use crate::triage::traceback::layouts::layout::Layout;
use crate::triage::traceback::layouts::variants;
use crate::triage::traceback::parsed::{ParsedTraceback, is_marks, of_python};
use crate::triage::traceback::{joining, layouts};

/// Lines that one traceback or report may take; what comes behind is read anew.
const MOST_LINES: usize = 20_000;
/// Bytes that one may take.
const MOST_BYTES: usize = 1 << 20;
/// Lines between a notebook runner's words and the cell's own error.
const MOST_RULED: usize = 400;
/// Lines of other writers between those of a traceback.
const MOST_BETWEEN: usize = 60;
/// Blank lines that may stand in a chain.
const MOST_BLANK: usize = 4;

/// What a collection is waiting for.
#[derive(Debug)]
enum Phase {
    /// A traceback's frames, or the members of a group.
    Frames,
    /// Further lines of the message.
    Message(Message),
    /// Blank lines behind the message, so many: a chain may go on.
    Blank(usize),
    /// A worker's traceback between two lines of three quotes.
    Quoted(Box<Self>),
    /// A notebook runner's words, before the cell's own error.
    Ruled(usize),
    /// A sentence that says that a chain goes on, which a narrow box breaks into several lines.
    Chain(usize),
    /// What `logging` prints of a record that it failed to write.
    CallStack,
    /// Lines that are set in: places without code, a block of a report.
    Indented,
    /// A test runner's report, or a crash of the interpreter.
    Report(Report),
    /// So many lines more, and it is over.
    Last(usize),
}

/// What begins a collection.
#[derive(Debug, Clone, Copy)]
pub(super) enum Beginning {
    /// A traceback's header.
    Traceback,
    /// Frames of a traceback whose header is cut off.
    Cut,
    /// A test runner's report.
    Runner,
    /// A crash.
    Fatal,
    /// A layout of its own.
    Layout(&'static Layout),
    /// The type, behind which one line of message follows: the frames stand above.
    Above,
}

static CHAIN: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^(?:During handling of|The above exception (?:was|occurred))\b").expect("a valid pattern")
});

/// Whether the line says that another traceback of the same chain follows.
pub(super) fn chains(line: &str) -> bool {
    CHAIN.is_match(line.trim_start())
}

/// A traceback or report of one stream.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) stream: u64,
    /// The stream by its listed marks alone, without those learned.
    pub(super) outer: u64,
    pub(super) time: Option<LogTimestamp>,
    /// The record that introduces it.
    pub(super) lead: Option<Raw>,
    /// What that record says.
    pub(super) said: Option<String>,
    /// Lines before it, for the excerpt.
    pub(super) before: Vec<Raw>,
    pub(super) raw: Vec<Raw>,
    /// Number of the last line that it took.
    pub(super) last: u64,
    /// The mark before the header, until the next line tells whether it is one.
    pub(super) mark: Option<Vec<u8>>,
    /// Its lines, to know it again.
    pub(super) trail: Trail,
    /// It stands in XML or HTML: tags are no text.
    pub(super) markup: bool,
    /// It may stand in a field of a CSV file, and whether the field ended.
    quotes: Quotes,
    field_ended: bool,
    /// Its lines may have lost their indentation.
    flat: Flat,
    /// Lines of other writers between its own.
    between: usize,
    taken: usize,
    /// A box with a margin, as among the columns of a log.
    inset: bool,
    /// The line at hand does not have the margin.
    outset: bool,
    /// An exception group: members have margins of their own.
    group: bool,
    text: String,
    phase: Phase,
    layout: Option<&'static Layout>,
    /// Blanks before each of its lines.
    margin: String,
}

impl Open {
    pub(super) fn new(stream: u64, beginning: Beginning, first: &str) -> Self {
        let layout = match beginning {
            Beginning::Layout(layout) => Some(layout),
            _ => None,
        };
        let mut text = String::new();
        let phase = match beginning {
            Beginning::Layout(layout) if matches!(layout.name, "pybind11" | "python-shell" | "Sphinx") => {
                Phase::Indented
            }
            Beginning::Traceback | Beginning::Cut | Beginning::Layout(_) => Phase::Frames,
            Beginning::Above => Phase::Last(1),
            Beginning::Fatal => Phase::Report(Report::Crash),
            Beginning::Runner => {
                let (report, heading) = Report::new(first);
                text.push_str(&heading);
                Phase::Report(report)
            }
        };
        let indent = first.len() - first.trim_start().len();
        let group = first[indent..].starts_with("+ ");
        let headed = matches!(beginning, Beginning::Traceback);
        let set_in = layout.is_some_and(|layout| layout.name == "python-shell");
        let bare = group || set_in || matches!(beginning, Beginning::Cut);
        Self {
            stream,
            outer: stream,
            time: None,
            lead: None,
            said: None,
            before: Vec::new(),
            raw: Vec::new(),
            last: 0,
            mark: None,
            trail: Trail::default(),
            markup: false,
            quotes: if headed { Quotes::Perhaps } else { Quotes::None },
            field_ended: false,
            flat: if headed { Flat::Perhaps } else { Flat::No },
            between: 0,
            taken: 0,
            inset: layout.is_some_and(|layout| layout.name == "rich") && indent > 0,
            outset: false,
            group,
            text,
            phase,
            layout,
            margin: if bare { String::new() } else { first[..indent].to_owned() },
        }
    }

    /// It stands between quotes, inside another exception.
    pub(super) fn quote(&mut self) {
        self.phase = Phase::Quoted(Box::new(Phase::Frames));
    }

    /// Takes a line that stands above the first, whatever it says.
    pub(super) fn seed(&mut self, body: &str, raw: Raw) {
        self.text.push_str(body);
        self.text.push('\n');
        self.raw.push(raw);
    }

    /// Takes a line, or refuses it because the traceback has ended. `new_record` says whether a record of a form
    /// that the stream has taught begins there.
    pub(super) fn take(
        &mut self,
        body: &str,
        new_record: impl FnOnce() -> bool,
        raw: impl FnOnce() -> Raw,
    ) -> bool {
        let first = self.last == 0;
        let stripped = body.strip_prefix(self.margin.as_str());
        self.outset = stripped.is_none() || stripped.is_some_and(|body| body.starts_with(' '));
        let body = variants::outdented(stripped.unwrap_or(body));
        let quiet = match &self.phase {
            Phase::CallStack => body.starts_with("Message: ") || body.starts_with("Arguments: "),
            _ => false,
        };
        let quick = self.layout.is_none() && matches!(self.phase, Phase::Frames) && body.starts_with("  ");
        if !first && (self.full() || !quick && !self.belongs(body, new_record())) {
            return false;
        }
        self.group |= body.ends_with("Exception Group Traceback (most recent call last):");
        let mut raw = raw();
        self.last = raw.number;
        self.taken += 1;
        if quiet {
            raw.hidden = true;
            self.text.push_str("Message: \n");
        } else {
            raw.hidden |= variants::is_dropped(body) && !self.group
                || self
                    .layout
                    .is_some_and(|layout| !matches!(self.phase, Phase::Message(_)) && !(layout.shows)(body));
            self.text.push_str(body);
            self.text.push('\n');
        }
        if raw.hidden {
            raw.hide();
        }
        self.raw.push(raw);
        true
    }

    fn full(&self) -> bool {
        self.raw.len() >= MOST_LINES || self.text.len() >= MOST_BYTES
    }

    /// Whether nothing more can belong to it.
    pub(super) fn complete(&self) -> bool {
        match &self.phase {
            Phase::Last(lines) => *lines == 0,
            Phase::Report(report) => report.complete(),
            _ => self.field_ended,
        }
    }

    /// The line as it was before a CSV file's field took it, or a collector trimmed it.
    pub(super) fn as_written(&mut self, line: &str) -> Option<String> {
        let text = match self.quotes.line(line) {
            Some((text, ends)) => {
                self.field_ended = ends;
                text
            }
            None => self.flat.line(line)?,
        };
        // What is made of a line is not seen when it is passed over.
        self.trail.follow(None);
        Some(text)
    }

    /// Whether the line is another writer's, between two of an interpreter's traceback, which is waited for on.
    pub(super) fn is_between(&mut self, body: &str) -> bool {
        let waits = self.layout.is_none() && matches!(self.phase, Phase::Frames) && !self.group;
        if !waits || self.last == 0 || self.between >= MOST_BETWEEN || body.trim().is_empty() {
            return false;
        }
        let first = body.lines().next().unwrap_or_default();
        let body = variants::outdented(first.strip_prefix(self.margin.as_str()).unwrap_or(first));
        let inside = body.starts_with([' ', '\t', '>', '|', '"', '\'', '^', '~'])
            || CHAIN.is_match(body)
            || is_header(body)
            || layouts::opening(body).is_some()
            || begins_record(body.as_bytes());
        let raised = traceback::parsed::exception_line(body);
        // What looks like an exception behind lines of others must look like one of Python's.
        let own = raised.is_some_and(|(kind, _)| self.between == 0 || of_python(kind));
        let between = !inside && !own && !joining::announces(body);
        self.between += usize::from(between);
        between
    }

    /// Whether the line is the rest of its last one, which a supervisor cut where its buffer ended.
    pub(super) fn completes(&mut self, body: &str) -> bool {
        let waits = self.layout.is_none() && matches!(self.phase, Phase::Frames) && self.last > 0;
        let last = self.text.strip_suffix('\n').unwrap_or_default().len();
        let start = self.text[..last].rfind('\n').map_or(0, |at| at + 1);
        if !waits || !cut::is_rest(&self.text[start..last], body) {
            return false;
        }
        self.text.insert_str(last, body);
        self.trail.follow(None);
        true
    }

    /// Whether its last line holds values of variables.
    pub(super) fn hides_last(&self) -> bool {
        self.raw.last().is_some_and(|raw| raw.hidden)
    }

    /// Whether more than its first line came.
    pub(super) const fn started(&self) -> bool {
        self.taken > 1
    }

    /// Whether the line with this number stands in it as one that was seeded.
    pub(super) fn seeded(&self, number: u64) -> bool {
        self.raw.iter().any(|raw| raw.number == number)
    }

    /// Whether it is a traceback whose next line is expected to be indented or a continuation.
    pub(super) fn wants(&self, body: &str) -> bool {
        body.is_empty() || body.starts_with([' ', '\t', '>', '|']) || chains(body)
    }

    fn belongs(&mut self, body: &str, new_record: bool) -> bool {
        let blank = body.trim().is_empty();
        let indented = body.starts_with([' ', '\t']) || is_marks(body);
        let phase = std::mem::replace(&mut self.phase, Phase::Frames);
        let (phase, belongs) = match phase {
            Phase::Frames => self.frames(body, blank || indented),
            Phase::Message(_) | Phase::Blank(_) if chains(body) => {
                let broken = self.layout.is_some() && !body.trim_end().ends_with(':');
                (if broken { Phase::Chain(0) } else { Phase::Frames }, true)
            }
            Phase::Message(_) | Phase::Blank(_) if joining::opens_remote(body) => (Phase::Frames, true),
            Phase::Message(_) | Phase::Blank(_) if layouts::pybind11::opens(body) => (Phase::Indented, true),
            Phase::Indented => self.indented(body, blank),
            Phase::Chain(_) if body.trim_end().ends_with(':') => (Phase::Frames, true),
            Phase::Chain(lines) => (Phase::Chain(lines + 1), lines < MOST_BLANK),
            Phase::Message(message) if blank => {
                if message.expects() {
                    (Phase::Message(message), true)
                } else {
                    (Phase::Blank(1), true)
                }
            }
            // Beside a box, lines of the same margin are what a narrow terminal breaks the message into.
            Phase::Message(message) if self.inset && !begins_record(body.as_bytes()) => {
                let ends = layouts::opening(body).is_some() || self.outset;
                (Phase::Message(message), !ends)
            }
            Phase::Message(message) => self.message(message, body, new_record),
            // Loguru parts the last line from the frames.
            Phase::Blank(lines) => (Phase::Blank(lines + 1), blank && lines < MOST_BLANK),
            Phase::Quoted(inner) => match body.trim_end() {
                "\"\"\"" | "'''" => (Phase::Blank(0), true),
                _ if joining::closes_below(body) => (Phase::Blank(0), true),
                _ => {
                    self.phase = *inner;
                    let goes_on = self.belongs(body, new_record);
                    let inner = std::mem::replace(&mut self.phase, Phase::Frames);
                    // Between the quotes everything belongs.
                    let inner = if goes_on { inner } else { Phase::Blank(0) };
                    (Phase::Quoted(Box::new(inner)), !begins_record(body.as_bytes()))
                }
            },
            Phase::Ruled(lines) => {
                let cell = layouts::opening(body).filter(|layout| layout.name == "IPython");
                match cell {
                    Some(layout) => {
                        self.layout = Some(layout);
                        (Phase::Frames, true)
                    }
                    None => (Phase::Ruled(lines + 1), lines < MOST_RULED),
                }
            }
            Phase::CallStack => {
                let of_record = body.starts_with("Message: ") || body.starts_with("Arguments: ");
                let last = body.starts_with("Arguments: ");
                (if last { Phase::Last(0) } else { Phase::CallStack }, indented || blank || of_record)
            }
            Phase::Report(mut report) => {
                let belongs = report.takes(body, indented, blank);
                (Phase::Report(report), belongs)
            }
            Phase::Last(lines) => (Phase::Last(lines.saturating_sub(1)), lines > 0),
        };
        self.phase = phase;
        belongs
    }

    /// A line of a block that ends where it is set in no more.
    fn indented(&self, body: &str, blank: bool) -> (Phase, bool) {
        let layout = self.layout;
        if layout.is_some_and(|layout| (layout.closes)(body)) {
            return (Phase::Last(0), true);
        }
        let heads = self.taken <= 3 && (blank || layout.is_some_and(|layout| (layout.inside)(body)));
        (Phase::Indented, heads || body.starts_with("  "))
    }

    /// Whether it has strings in pieces for lines of its own, which are to be passed over.
    pub(super) fn takes_strings(&self) -> bool {
        self.layout.is_some_and(|layout| layout.name == "python-shell")
    }

    /// A line among the frames.
    fn frames(&mut self, body: &str, within: bool) -> (Phase, bool) {
        if let Some(layout) = self.layout {
            if (layout.closes)(body) {
                return (Phase::Last(0), true);
            }
            if within || (layout.inside)(body) {
                return (Phase::Frames, true);
            }
        }
        let goes_on = || CHAIN.is_match(body) || joining::with_header(body).is_some();
        if within || body.starts_with("> File \"") || goes_on() {
            return (Phase::Frames, true);
        }
        let header = is_header(body);
        if header || layouts::opening(body).is_some() {
            let goes_on = self.raw.len() <= 1 || self.chained();
            return (Phase::Frames, goes_on);
        }
        if begins_record(body.as_bytes()) {
            return (Phase::Frames, false);
        }
        (Phase::Message(Message::new(body)), true)
    }

    /// A line behind the exception's.
    fn message(&mut self, mut message: Message, body: &str, new_record: bool) -> (Phase, bool) {
        if matches!(body.trim_end(), "\"\"\"" | "'''") || joining::opens_below(body) {
            return (Phase::Quoted(Box::new(Phase::Frames)), true);
        }
        if body == "Call stack:" {
            return (Phase::CallStack, true);
        }
        // A worker's traceback follows the exception that brought it.
        if body.starts_with("  File \"") || message.expects() && is_header(body) {
            return (Phase::Frames, true);
        }
        if message.expects() && layouts::layout::ruled(body) {
            return (Phase::Ruled(0), true);
        }
        let record = new_record
            || begins_record(body.as_bytes())
            || is_leveled_behind_a_blank(body)
            || is_header(body)
            || layouts::opening(body).is_some();
        let belongs = !record && message.takes(body);
        (Phase::Message(message), belongs)
    }

    /// Whether the last line that is not blank announces another traceback.
    fn chained(&self) -> bool {
        let last = self.text.lines().rev().take(2 * MOST_BLANK).find(|line| !line.trim().is_empty());
        last.is_some_and(|last| chains(last) || joining::opens_remote(last))
    }

    /// The same for texts that differ in their digits only, when they would be read alike.
    pub(super) fn fingerprint(&self) -> u64 {
        let mut hasher = quick::hasher();
        hasher.write_u64(fingerprint(LogEventKind::Traceback, self.text.as_bytes()));
        std::mem::discriminant(&self.phase).hash(&mut hasher);
        self.layout.map(|layout| layout.name).hash(&mut hasher);
        hasher.write_usize(self.raw.len());
        hasher.finish()
    }

    /// The tracebacks in it, each with the raw lines that it takes, and index of the first raw line
    /// behind the last.
    pub(super) fn read(&self) -> (Vec<(ParsedTraceback, std::ops::Range<usize>)>, usize) {
        let shift = self.text.lines().count().saturating_sub(self.raw.len());
        if matches!(self.phase, Phase::Last(_))
            && self.layout.is_none()
            && let Some(read) = self.above()
        {
            return (vec![(read, 0..self.raw.len())], self.raw.len());
        }
        let parsed = traceback::parse(&self.text);
        let ranged: Vec<_> = parsed
            .into_iter()
            .filter(|read| !read.captured)
            .map(|read| {
                let start = read.at.saturating_sub(shift).min(self.raw.len());
                let end = (read.at + read.lines).saturating_sub(shift).clamp(start, self.raw.len());
                (read, start..end)
            })
            .collect();
        let reported = matches!(self.phase, Phase::Report(_) | Phase::Last(_) | Phase::CallStack);
        let used =
            if reported { self.raw.len() } else { ranged.last().map_or(1, |(_, range)| range.end.max(1)) };
        (ranged, used)
    }

    /// A traceback whose frames stand above the exception's type.
    fn above(&self) -> Option<ParsedTraceback> {
        let lines: Vec<&str> = self.text.lines().collect();
        let at = lines.iter().rposition(|line| layouts::pretty_errors::closes(line))?;
        layouts::pretty_errors::read(&lines, at).map(|(read, _)| read)
    }
}

fn is_header(body: &str) -> bool {
    super::classify::is_header(body.as_bytes()) || variants::is_header(body)
}
