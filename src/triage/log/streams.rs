//! One line after the other, each to the stream it belongs to: what opens, goes on, ends there.

use std::borrow::Cow;

use super::classify::Line;
use super::counting::Counting;
use super::fluent::{FluentBit, Piece};
use super::forms::Forms;
use super::groups::fingerprint;
use super::journal_fields::JournalFields;
use super::json::{Record, Wrapped};
use super::leads::{Lead, Leads};
use super::marks::Marks;
use super::open_block::Open;
use super::partial::Partial;
use super::path_mapping::RepositoryFiles;
use super::pretty::Objects;
use super::raw::Raw;
use super::retold_parts::{Aside, Asides};
use super::settings::Settings;
use super::severities::Severities;
use super::string_pieces::StringPieces;
use super::timestamps::Clock;
use super::window::Window;
use super::{classify, json, markup, prefix, python_literal, structured};
use crate::model::{LogEventKind, LogReport, LogTimestamp};
use crate::triage::ansi;

/// How many lines of other streams a traceback waits for its next line.
const PATIENCE: u64 = 200;
/// Lines that one record may wrap.
const MOST_WRAPPED: usize = 5_000;

/// The streams of all sources, and what came of them.
#[derive(Debug)]
pub(super) struct Streams {
    pub(super) counting: Counting,
    pub(super) open: Vec<Open>,
    pub(super) leads: Leads,
    pub(super) marks: Marks,
    pub(super) forms: Forms,
    pub(super) partial: Partial,
    asides: Asides,
    fluent: FluentBit,
    pieces: StringPieces,
    /// The source is journald's export, or its verbose form: fields, one a line.
    pub(super) export: bool,
    journal: JournalFields,
    /// Lines looked at, for the test of the work done.
    pub(super) looked: u64,
    /// The line at hand holds values of variables.
    hidden: bool,
    /// The last line that a traceback took: lines up to it are no context of what follows.
    pub(super) taken: u64,
    /// The same of one that a record introduced, when it was the latest.
    pub(super) led: Option<u64>,
    /// Up to this line, no object over several lines need be looked for.
    pub(super) no_object: u64,
    /// Objects over several lines that were read.
    pub(super) objects: Objects,
    pub(super) severities: Severities,
    /// Lines behind the one at hand that need not be looked at: where the next one begins, and how many.
    pub(super) ahead: Option<(usize, u64)>,
}

/// Where a piece of text stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spot<'w> {
    pub(super) window: &'w Window<'w>,
    /// The piece of the line, when the line is more than one.
    pub(super) piece: Option<&'w [u8]>,
    /// The text at hand is what the line wraps.
    pub(super) wrapped: bool,
}

impl Spot<'_> {
    pub(super) fn raw(&self) -> Raw {
        self.piece.map_or_else(|| self.window.raw(), |piece| self.window.raw_of(piece))
    }

    /// The line that stands here as a whole, without its marks.
    pub(super) fn line(&self) -> Option<&[u8]> {
        (self.piece.is_none() && !self.wrapped).then(|| prefix::take(self.window.line()).body)
    }
}

impl Streams {
    pub(super) fn new(settings: Settings, files: RepositoryFiles) -> Self {
        Self {
            counting: Counting::new(settings, files),
            open: Vec::new(),
            leads: Leads::default(),
            marks: Marks::default(),
            forms: Forms::default(),
            partial: Partial::default(),
            asides: Asides::default(),
            fluent: FluentBit::default(),
            pieces: StringPieces::default(),
            export: false,
            journal: JournalFields::default(),
            looked: 0,
            hidden: false,
            taken: 0,
            led: None,
            no_object: 0,
            objects: Objects::default(),
            severities: Severities::default(),
            ahead: None,
        }
    }

    /// Where reading goes on, when it is not at the next line, and how many lines are passed over.
    pub(super) const fn passed(&mut self) -> Option<(usize, u64)> {
        self.ahead.take()
    }

    /// Whether every line must be looked at.
    pub(super) fn attentive(&self) -> bool {
        self.export
            || !self.open.is_empty()
            || !self.leads.is_empty()
            || !self.partial.is_empty()
            || self.counting.wants_context()
    }

    /// Looks at one line.
    pub(super) fn line(&mut self, window: &Window<'_>) {
        self.looked += 1;
        self.counting.source = window.source;
        if self.pretty(window) {
            return;
        }
        let line = window.line();
        if memchr::memchr(b'\r', line).is_some() {
            // The pieces share the marks of the first.
            let mut stream = None;
            for piece in line.split(|byte| *byte == b'\r') {
                stream = Some(self.piece(Spot { window, piece: Some(piece), wrapped: false }, piece, stream));
            }
        } else {
            self.piece(Spot { window, piece: None, wrapped: false }, line, None);
        }
        if !std::mem::take(&mut self.hidden) {
            self.counting.context(window);
        }
        if !self.leads.is_empty() {
            self.leads.followed(self.counting.settings.around, || window.raw());
        }
        self.expire(window.number);
    }

    fn piece(&mut self, spot: Spot<'_>, line: &[u8], shared: Option<u64>) -> u64 {
        let plain: Cow<'_, [u8]> = if memchr::memchr(0x1b, line).is_some() {
            Cow::Owned(ansi::strip(&String::from_utf8_lossy(line)).into_owned().into_bytes())
        } else {
            Cow::Borrowed(line)
        };
        let plain = markup::plain_blanks(plain);
        let mut taken = prefix::take(&plain);
        if taken.marks.is_empty() {
            taken.stream = shared.unwrap_or(taken.stream);
        }
        if self.export {
            // The other fields tell nothing.
            let Some(message) = self.journal.line(taken.body) else { return taken.stream };
            taken.body = message;
        }
        let number = spot.window.number;
        if self.logfmt(spot, &taken) {
            return taken.stream;
        }
        let was_aside = self.asides.is_under_way();
        match self.asides.line(taken.body) {
            // Lines that were passed over on the way are no context either.
            Aside::No if was_aside => self.taken = self.taken.max(number.saturating_sub(1)),
            Aside::No => {}
            aside => {
                if aside == Aside::Begins {
                    self.leads.forget(taken.stream);
                }
                (self.taken, self.hidden) = (number, true);
                return taken.stream;
            }
        }
        let cut = taken.marks.ends_with(b" P ");
        let joined = if cut || self.partial.has(taken.stream) {
            let Some(line) = self.partial.add(taken.stream, taken.body, !cut, number) else {
                return taken.stream;
            };
            Some(line)
        } else {
            None
        };
        let spot = Spot { wrapped: spot.wrapped || joined.is_some() || self.export, ..spot };
        if let Some(line) = &joined {
            taken.body = line;
        }
        if let Some((_, object)) = json::text(taken.body)
            && self.object(spot, object, &taken)
        {
            return taken.stream;
        }
        if self.list(spot, &taken) {
            return taken.stream;
        }
        if let Some(text) = markup::of_octal(taken.body) {
            let wrapped = Wrapped { text, time: None, process: 0, cut: false };
            self.wrapped(spot, &wrapped, taken.stream);
            return taken.stream;
        }
        if let Some((at, values)) = python_literal::exceptions(taken.body)
            && let Some(read) = structured::exceptions_of(&values)
        {
            self.settle(taken.stream, number, true);
            let time = self.counting.time(spot.window);
            let record = Record { time, traceback: Some(read), ..Record::default() };
            // The values of variables stand behind the frames.
            let shown = Window { text: taken.body, start: 0, end: at, ahead: 0, ..*spot.window };
            self.counting.record(&shown, record, false, None);
            return taken.stream;
        }
        if let Some(Piece { text, seconds }) = self.fluent.line(taken.body) {
            let time = seconds.and_then(Clock::from_number);
            // Further lines of a record have no mark.
            let process = prefix::take(b"").stream;
            self.wrapped(spot, &Wrapped { text, time, process, cut: false }, taken.stream);
            return taken.stream;
        }
        let passes = self.open.iter().any(|open| open.stream == taken.stream && open.takes_strings());
        if !passes && let Some(text) = self.pieces.line(taken.body) {
            self.body(Spot { wrapped: true, ..spot }, text.as_bytes(), taken.stream, None);
            while !self.pieces.is_under_way()
                && let Some(at) = self.open.iter().position(|open| open.stream == taken.stream)
            {
                self.close(at, false);
            }
            return taken.stream;
        }
        if markup::has_entities(taken.body)
            && (self.open.iter().any(|open| open.markup)
                || memchr::memmem::find(taken.body, b"File &quot;").is_some())
        {
            let text = markup::text(taken.body);
            for inner in text.split('\n').take(MOST_WRAPPED) {
                self.body(Spot { wrapped: true, ..spot }, inner.as_bytes(), taken.stream, None);
            }
            return taken.stream;
        }
        self.body(spot, taken.body, taken.stream, None);
        taken.stream
    }

    pub(super) fn body(&mut self, spot: Spot<'_>, whole: &[u8], outer: u64, time: Option<&LogTimestamp>) {
        // In XML, the line that ends one text may begin the next.
        let next =
            || memchr::memmem::find(whole, b"</").filter(|at| *at > 0 && classify::is_header(&whole[*at..]));
        if self.open.iter().any(|open| open.markup)
            && let Some(at) = next()
        {
            self.body(spot, &whole[..at], outer, time);
            return self.body(spot, &whole[at..], outer, time);
        }
        let found = self.marks.find(whole);
        let (mark, stream) = found.map_or((0, outer), |(end, process)| (end, outer ^ process));
        let body = &whole[mark..];
        if !self.open.is_empty() && self.under_way(spot, whole, body, (outer, stream), found.is_some()) {
            return;
        }
        if self.forms.learn(whole) {
            self.counting.repeats.forget_lines();
        }
        let line = classify::classify(body);
        // Frames of another language go on from what was said above.
        if line == Line::Quiet
            && !self.leads.is_empty()
            && classify::is_foreign(body)
            && self.leads.stretches(stream, spot.window.number)
        {
            return;
        }
        if let Some(beginning) = self.beginning(spot, body, &line) {
            self.begin(spot, body, outer, stream, time, beginning);
            return;
        }
        if line == Line::Quiet && self.leads.is_empty() && self.counting.settings.grep.is_none() {
            return;
        }
        let record = found.is_some() || prefix::begins_record(whole);
        let leveled = matches!(line, Line::Error(_) | Line::Status(..));
        if matches!(line, Line::Word(_)) && !record && self.leads.goes_on(stream, spot.window.number) {
            return;
        }
        let empty = matches!(line, Line::Error(message) if message.is_empty());
        if empty && !self.leads.is_empty() {
            return;
        }
        self.settle(stream, spot.window.number, record || leveled || line == Line::Traceback);
        self.event(spot, body, outer, stream, time, &line);
    }

    /// A line while tracebacks are under way: whether one of them takes it.
    fn under_way(
        &mut self,
        spot: Spot<'_>,
        whole: &[u8],
        body: &[u8],
        (outer, stream): (u64, u64),
        marked: bool,
    ) -> bool {
        // The record's further lines have no mark: syslog puts it before the first alone.
        if !marked && outer == prefix::take(b"").stream && body.starts_with(b"  File \"") {
            let number = spot.window.number;
            let first = |open: &&mut Open| !open.started() && open.outer != outer && open.last + 1 == number;
            if let Some(open) = self.open.iter_mut().rev().find(first) {
                (open.stream, open.outer) = (outer, outer);
            }
        }
        let mut text = String::from_utf8_lossy(body);
        if let Some(at) = self.opened(stream, outer, marked, &text) {
            // A mark that the next line does not have was a record's beginning.
            if let Some(mark) = self.open[at].mark.take()
                && !marked
                && self.open[at].stream != stream
                && !self.open[at].started()
            {
                self.marks.forget(&mark);
                self.open[at].stream = outer;
            }
            if self.open[at].markup && text.contains('<') {
                text = Cow::Owned(markup::text(body));
            }
            if let Some(written) = self.open[at].as_written(&text) {
                text = Cow::Owned(written);
            }
            let carried = marked || outer != prefix::take(b"").stream;
            if carried && self.open[at].last + 1 == spot.window.number && self.open[at].completes(&text) {
                (self.open[at].last, self.taken) = (spot.window.number, spot.window.number);
                return true;
            }
            let forms = &self.forms;
            if !marked && !forms.begins_record(whole) && self.open[at].is_between(&text) {
                return false;
            }
            let last = self.open[at].last;
            if self.open[at].take(&text, || forms.begins_record(whole), || spot.raw()) {
                let line = spot.line().filter(|_| last + 1 == spot.window.number && !marked);
                self.open[at].trail.follow(line);
                self.taken = spot.window.number;
                self.hidden |= self.open[at].hides_last();
                if self.open[at].complete() {
                    self.close(at, false);
                }
                return true;
            }
            let ended = !marked
                && self.open[at].stream == stream
                && last + 1 == spot.window.number
                && spot.line().is_some_and(prefix::begins_record);
            self.close(at, ended);
        }
        if marked && let Some(at) = self.open.iter().position(|open| open.stream == outer) {
            self.close(at, false);
        }
        false
    }

    /// The traceback under way that the line belongs to, or that it ends.
    fn opened(&self, stream: u64, outer: u64, marked: bool, body: &str) -> Option<usize> {
        let own = self.open.iter().position(|open| open.stream == stream);
        if own.is_some() || marked {
            return own;
        }
        // Some loggers put the mark before each write: source lines come without it.
        self.open.iter().rposition(|open| {
            open.outer == outer && open.stream != outer && (open.mark.is_some() || open.wants(body))
        })
    }

    /// Counts the pending events that no traceback will follow any more.
    pub(super) fn settle(&mut self, stream: u64, number: u64, record: bool) {
        if !self.leads.is_empty() {
            for lead in self.leads.over(stream, number, record) {
                self.counting.lead(lead);
            }
        }
    }

    /// Lines above for the excerpt, but for those of a traceback.
    pub(super) fn before(&self, window: &Window<'_>) -> Vec<Raw> {
        let mut lines = window.context(self.counting.settings.around);
        lines.retain(|line| line.number > self.taken);
        lines
    }

    fn event(
        &mut self,
        spot: Spot<'_>,
        body: &[u8],
        outer: u64,
        stream: u64,
        time: Option<&LogTimestamp>,
        line: &Line<'_>,
    ) {
        let window = spot.window;
        let (kind, message) = match *line {
            Line::Traceback => return self.counting.one_line(window, body, time.cloned()),
            Line::Status(status, request) => {
                return self.counting.status(window, status, request, time.cloned());
            }
            Line::Error(message) => (LogEventKind::Error, message),
            Line::Word(text) if self.is_no_event(window, body, text) => return,
            Line::Word(message) => (LogEventKind::Word, message),
            _ if self.counting.matches(window.line()) => (LogEventKind::Matched, body),
            _ => return,
        };
        if classify::is_syntax_error(body) && self.counting.syntax_error(window, time.cloned()) {
            return;
        }
        let record = matches!(kind, LogEventKind::Error) || prefix::begins_record(body);
        self.leads.push(Lead {
            record,
            stream,
            outer,
            fingerprint: fingerprint(kind, message),
            kind,
            message: message.to_vec(),
            time: time.cloned().or_else(|| self.counting.time(window)),
            before: self.before(window),
            after: Vec::new(),
            raw: spot.raw(),
            last: window.number,
            since: 0,
        });
    }

    /// Ends a traceback or report, and reads on in what was not part of it.
    pub(super) fn close(&mut self, at: usize, ended: bool) {
        let open = self.open.swap_remove(at);
        self.led = open.lead.is_some().then_some(open.last);
        let (outer, stream, time) = (open.outer, open.stream, open.time.clone());
        for raw in self.counting.collected(open, ended) {
            let text = raw.text();
            let text = text.as_bytes();
            let source = self.counting.source;
            let window = Window { text, start: 0, end: text.len(), ahead: 0, number: raw.number, source };
            let body = prefix::take(text).body;
            let line = classify::classify(body);
            if !matches!(line, Line::Traceback | Line::Runner | Line::Fatal) {
                let spot = Spot { window: &window, piece: None, wrapped: true };
                self.event(spot, body, outer, stream, time.as_ref(), &line);
                // The last of them may lead to what comes next.
                self.settle(stream, raw.number, false);
            }
        }
    }

    /// Tracebacks whose stream went silent.
    fn expire(&mut self, number: u64) {
        self.unfinished(number);
        while let Some(at) = self.open.iter().position(|open| open.last + PATIENCE < number) {
            self.close(at, false);
        }
    }

    /// Ends what is open.
    pub(super) fn pause(&mut self) {
        self.unfinished(u64::MAX);
        while !self.open.is_empty() {
            self.close(0, false);
        }
        for lead in self.leads.rest() {
            self.counting.lead(lead);
        }
    }

    /// Streams do not go on in another source.
    pub(super) fn end_of_source(&mut self) {
        self.pause();
        (self.taken, self.led, self.no_object) = (0, None, 0);
        self.marks.clear();
        self.objects.clear();
        self.severities.clear();
        self.export = false;
        self.forms = Forms::default();
        self.counting.end_of_source();
    }

    /// Everything that was found, but for the sources.
    pub(super) fn finish(self, names: &[String]) -> LogReport {
        self.counting.finish(names)
    }
}
