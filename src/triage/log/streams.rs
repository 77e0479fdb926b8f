//! One line after the other, each to the stream it belongs to: what opens, goes on, ends there.

use std::borrow::Cow;

use regex::bytes::Regex;

use super::classify::{self, Line};
use super::excerpts::Excerpts;
use super::files::RepositoryFiles;
use super::groups::{Draft, Groups, Place, fingerprint};
use super::json;
use super::open::{Beginning, Open, Raw};
use super::prefix;
use super::times::Clock;
use crate::model::{LogEventKind, LogReport, Moment};
use crate::triage::ansi;
use crate::triage::traceback;

/// Streams with a traceback under way at the same time.
const MOST_OPEN: usize = 64;
/// How many lines of other streams may stand between a record and its traceback.
const PATIENCE: u64 = 50;
/// How far back a line without a timestamp looks for one, in lines.
const TIME_WITHIN: usize = 40;
/// How many lines behind a traceback an answer with a 5xx status belongs to it.
const ANSWER_WITHIN: u64 = 30;
/// Bytes of a line that are kept for showing.
const SHOWN: usize = 400;
/// Where a program's own timestamp is looked for.
const STAMP_WITHIN: usize = 100;

/// What does not change while reading.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) clock: Clock,
    pub(super) since: Option<i64>,
    pub(super) new_since: Option<i64>,
    pub(super) around: usize,
    pub(super) grep: Option<Regex>,
}

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
    fn line(&self) -> &'w [u8] {
        let line = &self.text[self.start..self.end];
        line.strip_suffix(b"\r").unwrap_or(line)
    }

    /// The lines before, nearest first.
    fn before(&self) -> impl Iterator<Item = &'w [u8]> {
        let text = self.text;
        let mut end = self.start;
        std::iter::from_fn(move || {
            let whole = text[..end].strip_suffix(b"\n")?;
            end = memchr::memrchr(b'\n', whole).map_or(0, |at| at + 1);
            Some(&whole[end..])
        })
    }

    fn raw(&self) -> Raw {
        Raw { number: self.number, text: shown(self.line()) }
    }

    fn context(&self, lines: usize) -> Vec<Raw> {
        let numbers = (1..self.number).rev();
        let lines = self.before().take(lines).zip(numbers);
        lines.map(|(line, number)| Raw { number, text: shown(line) }).collect()
    }
}

fn shown(line: &[u8]) -> String {
    let cut = line.len() > SHOWN;
    let text = String::from_utf8_lossy(&line[..line.len().min(SHOWN)]);
    let mut text = ansi::strip(&text).trim_end().to_owned();
    if cut {
        text.push('…');
    }
    text
}

/// An event that a traceback may follow.
#[derive(Debug)]
struct Pending {
    stream: u64,
    fingerprint: u64,
    draft: Draft,
    time: Option<Moment>,
    before: Vec<Raw>,
    raw: Raw,
}

/// The streams of all sources, and what came of them.
#[derive(Debug)]
pub(super) struct Streams {
    settings: Settings,
    groups: Groups,
    excerpts: Excerpts,
    open: Vec<Open>,
    pending: Vec<Pending>,
    source: usize,
    /// Group and last line of the traceback before.
    latest: Option<(usize, u64)>,
    /// The first time of all, and whether it was looked for in this source.
    began: Option<i64>,
    earlier: u64,
}

impl Streams {
    pub(super) fn new(settings: Settings, files: RepositoryFiles) -> Self {
        Self {
            settings,
            groups: Groups::new(files),
            excerpts: Excerpts::default(),
            open: Vec::new(),
            pending: Vec::new(),
            source: 0,
            latest: None,
            began: None,
            earlier: 0,
        }
    }

    /// Whether every line must be looked at.
    pub(super) fn attentive(&self) -> bool {
        !self.open.is_empty() || !self.pending.is_empty() || self.excerpts.wants()
    }

    /// The log's first timestamp, seen by the reader.
    pub(super) fn see_beginning(&mut self, text: &[u8]) {
        let lines = text.split(|byte| *byte == b'\n').take(TIME_WITHIN);
        let first = lines.filter_map(|line| self.stamp(line)).map(|time| time.micros).next();
        self.began = [self.began, first].into_iter().flatten().min();
    }

    /// Looks at one line.
    pub(super) fn line(&mut self, window: &Window<'_>) {
        self.source = window.source;
        let line = window.line();
        let plain: Cow<'_, [u8]> = if memchr::memchr(0x1b, line).is_some() {
            Cow::Owned(ansi::strip(&String::from_utf8_lossy(line)).into_owned().into_bytes())
        } else {
            Cow::Borrowed(line)
        };
        let taken = prefix::take(&plain);
        match json::unwrap_docker(taken.body, &self.settings.clock) {
            Some(wrapped) => {
                let inner = prefix::take(wrapped.line.as_bytes());
                self.body(window, inner.body, taken.stream ^ inner.stream, wrapped.time);
            }
            None => self.body(window, taken.body, taken.stream, None),
        }
        self.excerpts.context(window.source, window.number, || window.raw());
    }

    fn body(&mut self, window: &Window<'_>, body: &[u8], stream: u64, time: Option<Moment>) {
        if let Some(at) = self.open.iter().position(|open| open.stream == stream) {
            if self.open[at].take(body, || window.raw()) {
                if self.open[at].complete() {
                    self.close(at);
                }
                return;
            }
            self.close(at);
        }
        let line = classify::classify(body);
        let begins = match line {
            // A traceback in one line, its ends written as `\n`.
            Line::Traceback if memchr::memmem::find(body, b"last):\\n").is_some() => None,
            Line::Traceback => Some(Beginning::Traceback),
            Line::Runner => Some(Beginning::Runner),
            Line::Fatal => Some(Beginning::Fatal),
            _ => None,
        };
        if let Some(beginning) = begins {
            self.begin(window, body, stream, time, beginning);
            return;
        }
        self.settle(stream, window.number);
        self.event(window, body, stream, time, &line);
    }

    /// Counts the pending events that no traceback will follow any more.
    fn settle(&mut self, stream: u64, number: u64) {
        let over = |one: &Pending| one.stream == stream || one.raw.number + PATIENCE < number;
        while let Some(at) = self.pending.iter().position(over) {
            let one = self.pending.remove(at);
            self.emit(one.fingerprint, one.draft, one.time, None, &one.before, &[one.raw]);
        }
    }

    fn begin(
        &mut self,
        window: &Window<'_>,
        body: &[u8],
        stream: u64,
        time: Option<Moment>,
        beginning: Beginning,
    ) {
        if self.open.len() >= MOST_OPEN {
            self.close(0);
        }
        let mut open = Open::new(stream, beginning, body);
        open.take(body, || window.raw());
        match self.pending.iter().position(|one| one.stream == stream) {
            Some(at) => {
                let lead = self.pending.remove(at);
                open.time = lead.time;
                open.before = lead.before;
                open.lead = Some(lead.raw);
            }
            None => {
                open.before = window.context(self.settings.around);
                open.lead = self.record_before(window, stream);
            }
        }
        open.time = open.time.or(time).or_else(|| self.time(window));
        self.open.push(open);
    }

    /// The record right above, of the same stream, whatever its level.
    fn record_before(&self, window: &Window<'_>, stream: u64) -> Option<Raw> {
        let line = window.before().next()?;
        let taken = prefix::take(line);
        let record = taken.stream == stream && prefix::level(taken.body).0.is_some();
        let number = window.number.checked_sub(1)?;
        record.then(|| Raw { number, text: shown(line) })
    }

    fn event(
        &mut self,
        window: &Window<'_>,
        body: &[u8],
        stream: u64,
        time: Option<Moment>,
        line: &Line<'_>,
    ) {
        if self.record(window, body) {
            return;
        }
        let (kind, message) = match *line {
            Line::Traceback => return self.one_line(window, body, time),
            Line::Status(status, request) => {
                let print = fingerprint(LogEventKind::Status, &[status, b" ", request].concat());
                return self.emit_line(window, print, time, || Draft::status(status, request));
            }
            Line::Error(message) => (LogEventKind::Error, message),
            Line::Word(message) => (LogEventKind::Word, message),
            _ if self.settings.grep.as_ref().is_some_and(|grep| grep.is_match(window.line())) => {
                (LogEventKind::Matched, body)
            }
            _ => return,
        };
        if classify::is_syntax_error(body) && self.syntax_error(window, time.clone()) {
            return;
        }
        self.pending.push(Pending {
            stream,
            fingerprint: fingerprint(kind, message),
            draft: Draft::line(kind, message),
            time: time.or_else(|| self.time(window)),
            before: window.context(self.settings.around),
            raw: window.raw(),
        });
    }

    /// A JSON record; true when the line is one.
    fn record(&mut self, window: &Window<'_>, body: &[u8]) -> bool {
        let Some(record) = json::read(body, &self.settings.clock) else { return false };
        let high = record.level == Some(prefix::Level::High);
        let draft = match (record.traceback, record.status) {
            (Some(read), _) => Draft::traceback(read),
            (None, Some(status)) if status >= 500 => {
                Draft::status(status.to_string().as_bytes(), record.path.unwrap_or_default().as_bytes())
            }
            _ if high => Draft::line(LogEventKind::Error, record.message.as_bytes()),
            _ if self.settings.grep.as_ref().is_some_and(|grep| grep.is_match(body)) => {
                Draft::line(LogEventKind::Matched, body)
            }
            _ => return true,
        };
        let lead = (draft.traceback.is_some() && !record.message.is_empty()).then_some(record.message);
        let print = fingerprint(draft.kind, format!("{}{:?}", draft.message, draft.traceback).as_bytes());
        let time = record.time.or_else(|| self.time(window));
        self.emit(print, draft, time, lead, &window.context(self.settings.around), &[window.raw()]);
        true
    }

    /// A traceback written into one line.
    fn one_line(&mut self, window: &Window<'_>, body: &[u8], time: Option<Moment>) {
        for read in traceback::parse(&String::from_utf8_lossy(body)) {
            let print = fingerprint(LogEventKind::Traceback, body);
            self.emit_line(window, print, time.clone(), || Draft::traceback(read));
        }
    }

    /// A SyntaxError without header: its place stands in the lines before.
    fn syntax_error(&mut self, window: &Window<'_>, time: Option<Moment>) -> bool {
        let mut lines: Vec<&[u8]> = window.before().take(5).collect();
        lines.reverse();
        lines.push(window.line());
        let bodies: Vec<Cow<'_, str>> =
            lines.into_iter().map(|line| String::from_utf8_lossy(prefix::take(line).body)).collect();
        let Some(read) = traceback::parse(&bodies.join("\n")).pop().filter(|read| read.kind.is_some()) else {
            return false;
        };
        let print = fingerprint(LogEventKind::Traceback, bodies.join("\n").as_bytes());
        self.emit_line(window, print, time, || Draft::traceback(read));
        true
    }

    fn emit_line(
        &mut self,
        window: &Window<'_>,
        print: u64,
        time: Option<Moment>,
        draft: impl FnOnce() -> Draft,
    ) {
        let time = time.or_else(|| self.time(window));
        self.emit(print, draft(), time, None, &window.context(self.settings.around), &[window.raw()]);
    }

    /// Ends a traceback or report, and reads on in what was not part of it.
    fn close(&mut self, at: usize) {
        let open = self.open.swap_remove(at);
        let print = fingerprint(LogEventKind::Traceback, open.text().as_bytes());
        let (found, used) = open.read();
        let several = found.len() > 1;
        let mut lead = open.lead;
        for (read, range) in found {
            let print =
                if several { print ^ u64::try_from(range.start).unwrap_or(0).rotate_left(32) } else { print };
            let lines: Vec<Raw> = lead.iter().cloned().chain(open.raw[range].iter().cloned()).collect();
            let title = lead.take().map(|raw| raw.text);
            self.emit(print, Draft::traceback(read), open.time.clone(), title, &open.before, &lines);
        }
        for raw in open.raw.into_iter().skip(used) {
            self.excerpts.context(self.source, raw.number, || raw.clone());
            let text = raw.text.as_bytes();
            let window = Window { text, start: 0, end: text.len(), number: raw.number, source: self.source };
            let body = prefix::take(text).body;
            let line = classify::classify(body);
            if !matches!(line, Line::Traceback | Line::Runner | Line::Fatal) {
                self.event(&window, body, open.stream, open.time.clone(), &line);
                self.settle(open.stream, raw.number);
            }
        }
    }

    /// Counts an event, and keeps its lines when it is the first of its group.
    fn emit(
        &mut self,
        print: u64,
        draft: Draft,
        time: Option<Moment>,
        lead: Option<String>,
        before: &[Raw],
        lines: &[Raw],
    ) {
        let before_since = |time: &Moment| self.settings.since.is_some_and(|since| time.micros < since);
        if time.as_ref().is_some_and(before_since) {
            self.earlier += 1;
            return;
        }
        let (first, last) = match (lines.first(), lines.last()) {
            (Some(first), Some(last)) => (first.number, last.number),
            _ => (0, 0),
        };
        let kind = draft.kind;
        let added = match self.groups.repeat(print, time.as_ref()) {
            Some(group) => Some((group, false)),
            None => self.groups.add(print, draft, Place { source: self.source, line: first, time, lead }),
        };
        let Some((group, new)) = added else { return };
        if new {
            self.excerpts.keep(
                self.source,
                group,
                before,
                lines,
                u64::try_from(self.settings.around).unwrap_or(0),
            );
        }
        match (kind, self.latest) {
            (LogEventKind::Traceback, _) => self.latest = Some((group, last)),
            (LogEventKind::Status, Some((cause, line))) if first >= line && first - line <= ANSWER_WITHIN => {
                self.groups.stands_beside(group, cause);
                self.groups.stands_beside(cause, group);
                self.latest = None; // one answer for one failure
            }
            _ => {}
        }
    }

    /// The line's own time, or that of the nearest line before it that has one.
    fn time(&self, window: &Window<'_>) -> Option<Moment> {
        let lines = std::iter::once(window.line()).chain(window.before().take(TIME_WITHIN));
        lines.into_iter().find_map(|line| self.stamp(line))
    }

    /// The timestamp that a line begins with: its marks' or the program's own.
    fn stamp(&self, line: &[u8]) -> Option<Moment> {
        let clock = &self.settings.clock;
        let taken = prefix::take(line);
        let own = &taken.body[..taken.body.len().min(STAMP_WITHIN)];
        if own.starts_with(b"{") {
            let wrapped = json::unwrap_docker(taken.body, clock).and_then(|wrapped| wrapped.time);
            return wrapped.or_else(|| json::read(taken.body, clock).and_then(|record| record.time));
        }
        let bare =
            |time: &Moment| time.text.len() <= 12 && time.text.contains(':') && !time.text.contains(' ');
        let marks = clock.find(taken.marks);
        let of_program = clock.find(own).filter(|time| !bare(time) || own.starts_with(time.text.as_bytes()));
        match (marks, of_program) {
            (Some(marks), Some(own)) if bare(&marks) => Some(own),
            (marks, own) => marks.or(own),
        }
    }

    /// Ends what is open: streams do not go on in another source.
    pub(super) fn end_of_source(&mut self) {
        while !self.open.is_empty() {
            self.close(0);
        }
        for one in std::mem::take(&mut self.pending) {
            self.emit(one.fingerprint, one.draft, one.time, None, &one.before, &[one.raw]);
        }
        self.latest = None;
    }

    /// Everything that was found, but for the sources.
    pub(super) fn finish(self, names: &[String]) -> LogReport {
        let mut notes = Vec::new();
        if self.earlier > 0 {
            notes.push(format!("{} events before --since left out", self.earlier));
        }
        if self.groups.beyond > 0 {
            notes.push(format!("{} events of too many different kinds are not listed", self.groups.beyond));
        }
        if self.settings.new_since.zip(self.began).is_some_and(|(since, began)| began > since) {
            notes.push("the log begins after the given time, so nothing in it can be called new".to_owned());
        }
        let events = self.groups.events;
        let (groups, went) = self.groups.finish(names, self.settings.new_since, self.began);
        let excerpts = self.excerpts.finish(names, &went);
        LogReport { sources: Vec::new(), events, groups, excerpts, notes }
    }
}
