//! Events on their way into groups: their time, what stands beside them, what tells of them again.

use std::borrow::Cow;
use std::ops::RangeInclusive;

use super::excerpts::Excerpts;
use super::groups::{Draft, Groups, Place, fingerprint};
use super::http_errors::Answers;
use super::json::Record;
use super::leads::Lead;
use super::open_block::Open;
use super::path_mapping::RepositoryFiles;
use super::prefix::Level;
use super::raw::Raw;
use super::repeats::{Known, Outcome, Repeats, Varied};
use super::retelling::Told;
use super::settings::Settings;
use super::window::{Window, masked};
use super::{json, prefix};
use crate::model::{LogEventKind, LogGroup, LogReport, LogTimestamp};
use crate::triage::traceback;
use crate::triage::traceback::layouts;
use crate::triage::traceback::parsed::ParsedTraceback;

/// How far back a line without a timestamp looks for one, in lines.
const TIME_WITHIN: usize = 40;
/// Where a program's own timestamp is looked for.
const STAMP_WITHIN: usize = 100;

/// Everything that is counted.
#[derive(Debug)]
pub(super) struct Counting {
    pub(super) settings: Settings,
    pub(super) source: usize,
    groups: Groups,
    excerpts: Excerpts,
    told: Told,
    answers: Answers,
    pub(super) repeats: Repeats,
    /// The first time of all, and whether it was looked for in this source.
    began: Option<i64>,
    earlier: u64,
    /// The latest traceback: its source, its last line, its group.
    latest: Option<(usize, u64, usize)>,
}

impl Counting {
    pub(super) fn new(settings: Settings, files: RepositoryFiles) -> Self {
        Self {
            settings,
            source: 0,
            groups: Groups::new(files),
            excerpts: Excerpts::default(),
            told: Told::default(),
            answers: Answers::default(),
            repeats: Repeats::default(),
            began: None,
            earlier: 0,
            latest: None,
        }
    }

    pub(super) fn see_beginning(&mut self, text: &[u8]) {
        let lines = text.split(|byte| *byte == b'\n').take(TIME_WITHIN);
        let first = lines.filter_map(|line| self.stamp(line)).map(|time| time.micros).next();
        self.began = [self.began, first].into_iter().flatten().min();
    }

    /// Whether the next line may be wanted as context.
    pub(super) const fn wants_context(&self) -> bool {
        self.excerpts.wants()
    }

    pub(super) fn context(&mut self, window: &Window<'_>) {
        self.excerpts.context(window.source, window.number, || window.raw());
    }

    pub(super) fn matches(&self, line: &[u8]) -> bool {
        self.settings.grep.as_ref().is_some_and(|grep| grep.is_match(line))
    }

    /// A JSON record. `print` is the fingerprint under which it is known again.
    pub(super) fn record(&mut self, window: &Window<'_>, record: Record, matched: bool, print: Option<u64>) {
        // What a program writes to its error stream is none: its own level tells.
        let message = record.message.as_bytes();
        let low = || prefix::begins_record(message) && prefix::level(message).0 == Some(Level::Low);
        let high = record.level == Some(Level::High) && !low();
        let body = window.line();
        if record.level == Some(Level::Low)
            && record.traceback.as_ref().is_some_and(|read| self.is_told(window, read))
        {
            return;
        }
        let draft = match (record.traceback, record.status) {
            (Some(read), _) => Draft::traceback(read),
            (None, Some(status)) if status >= 500 => {
                Draft::status(status.to_string().as_bytes(), record.path.unwrap_or_default().as_bytes())
            }
            _ if high => Draft::line(LogEventKind::Error, record.message.as_bytes()),
            _ if matched => Draft::line(LogEventKind::Matched, body),
            _ => {
                if let Some(whole) = print {
                    self.repeats.learn(whole, Outcome::default());
                }
                return;
            }
        };
        let lead = (draft.traceback.is_some() && !record.message.is_empty()).then_some(record.message);
        let own = fingerprint(draft.kind, format!("{}{:?}", draft.message, draft.traceback).as_bytes());
        if let Some(whole) = print {
            let known = Known::of(own, &draft, (0, 0));
            self.repeats.learn(whole, Outcome { found: vec![known], used: 0 });
        }
        let time = record.time.or_else(|| self.time(window));
        let lead = lead.map(|lead| lead.lines().next().unwrap_or_default().to_owned());
        self.emit(own, draft, time, lead, &window.context(self.settings.around), &[window.raw()]);
    }

    /// Whether the failure was just counted: an answer that carries it to its client is no other one.
    fn is_told(&self, window: &Window<'_>, read: &ParsedTraceback) -> bool {
        let text = format!("{}: {}", read.kind.as_deref().unwrap_or_default(), read.headline());
        self.told.again(self.source, window.number, LogEventKind::Traceback, &text)
    }

    /// A traceback written into one line.
    pub(super) fn one_line(&mut self, window: &Window<'_>, body: &[u8], time: Option<LogTimestamp>) {
        let print = fingerprint(LogEventKind::Traceback, body);
        if let Some(known) = self.again(print) {
            let time = time.or_else(|| self.time(window));
            for one in &known.found {
                self.repeated(one, time.as_ref(), (window.number, window.number));
            }
            return;
        }
        let mut outcome = Outcome::default();
        for read in traceback::parse(&String::from_utf8_lossy(body)) {
            let draft = Draft::traceback(read);
            outcome.found.push(Known::of(print, &draft, (0, 0)));
            self.emit_line(window, print, time.clone(), || draft);
        }
        self.repeats.learn(print, outcome);
    }

    /// A SyntaxError without header: its place stands in the lines before.
    pub(super) fn syntax_error(&mut self, window: &Window<'_>, time: Option<LogTimestamp>) -> bool {
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

    pub(super) fn emit_line(
        &mut self,
        window: &Window<'_>,
        print: u64,
        time: Option<LogTimestamp>,
        draft: impl FnOnce() -> Draft,
    ) {
        let time = time.or_else(|| self.time(window));
        if self.groups.knows(print) {
            let draft = draft();
            return self.repeated(
                &Known::of(print, &draft, (0, 0)),
                time.as_ref(),
                (window.number, window.number),
            );
        }
        self.emit(print, draft(), time, None, &window.context(self.settings.around), &[window.raw()]);
    }

    /// An answer with a status from 500 on.
    pub(super) fn status(
        &mut self,
        window: &Window<'_>,
        status: &[u8],
        request: &[u8],
        time: Option<LogTimestamp>,
    ) {
        let mut print = fingerprint(LogEventKind::Status, status);
        print ^= fingerprint(LogEventKind::Status, request).rotate_left(1);
        if self.groups.knows(print) {
            let time = time.or_else(|| self.time(window));
            let known = Known {
                print,
                kind: LogEventKind::Status,
                exception: None,
                headline: String::new(),
                lines: (0, 0),
            };
            return self.repeated(&known, time.as_ref(), (window.number, window.number));
        }
        self.emit_line(window, print, time, || Draft::status(status, request));
    }

    /// A record that no traceback followed.
    pub(super) fn lead(&mut self, lead: Lead) {
        let Lead { fingerprint, kind, message, time, before, after, raw, .. } = lead;
        let draft = Draft::line(kind, &message);
        // `severity: ERROR` says that something stands below, and nothing else.
        if kind == LogEventKind::Error && draft.message.trim().is_empty() {
            return;
        }
        let told = matches!(kind, LogEventKind::Word | LogEventKind::Error)
            && self.told.again(self.source, raw.number, kind, &draft.message);
        if !told {
            self.emit(fingerprint, draft, time, None, &before, &[raw]);
            for raw in after {
                self.excerpts.context(self.source, raw.number, || raw);
            }
        }
    }

    /// What a traceback or report holds; the lines that were not part of it. `ended` says whether a record's
    /// beginning ended it.
    pub(super) fn collected(&mut self, mut open: Open, ended: bool) -> Vec<Raw> {
        let print = open.fingerprint();
        let known = self.repeats.of(print).filter(|known| self.knows(known)).cloned();
        let used = match known {
            Some(known) => {
                let number = open.raw.first().map_or(0, |raw| raw.number);
                let at = |line: u64| {
                    let raw = usize::try_from(line).ok().and_then(|line| open.raw.get(line));
                    raw.map_or(number + line, |raw| raw.number)
                };
                for one in &known.found {
                    let lines = (at(one.lines.0), at(one.lines.1));
                    self.repeated(one, open.time.as_ref(), lines);
                }
                known.used
            }
            None => self.read(&mut open, print),
        };
        if ended && self.repeats.of(print).is_some() {
            self.repeats.learn_lines(&open.trail, print, self.groups.base_of(print));
        }
        let rest: Vec<Raw> = open.raw.into_iter().skip(used).filter(|raw| !raw.hidden).collect();
        for raw in &rest {
            self.excerpts.context(self.source, raw.number, || raw.clone());
        }
        rest
    }

    /// Reads a text for the first time; gives how many lines were used.
    fn read(&mut self, open: &mut Open, print: u64) -> usize {
        let (found, used) = open.read();
        let several = found.len() > 1;
        let mut lead = open.lead.take();
        let said = open.said.as_deref().and_then(|said| layouts::variants::raised(said.lines().next()?));
        // What stands above decides.
        let mut by_itself = true;
        let mut outcome = Outcome { found: Vec::new(), used };
        for (mut read, range) in found {
            by_itself &= read.kind.is_some();
            // A runtime that prints the exception above its frames.
            if read.kind.is_none()
                && !several
                && let Some((kind, message)) = said
            {
                read.kind = Some(kind.to_owned());
                message.clone_into(&mut read.message);
                read.truncated = false;
            }
            let print =
                if several { print ^ u64::try_from(range.start).unwrap_or(0).rotate_left(32) } else { print };
            let (start, end) = (range.start, range.end.saturating_sub(1).max(range.start));
            let number = |line: usize| u64::try_from(line).unwrap_or(u64::MAX);
            let lines: Vec<Raw> = lead.iter().cloned().chain(open.raw[range].iter().cloned()).collect();
            let title = lead.take().map(|raw| raw.text().into_owned());
            let draft = Draft::traceback(read);
            outcome.found.push(Known::of(print, &draft, (number(start), number(end))));
            self.emit(print, draft, open.time.clone(), title, &open.before, &lines);
        }
        if by_itself && !outcome.found.is_empty() {
            self.repeats.learn(print, outcome);
        }
        used
    }

    /// Whether the groups of all that a text holds are known.
    fn knows(&self, outcome: &Outcome) -> bool {
        outcome.found.iter().all(|one| self.groups.knows(one.print))
    }

    /// What the text that was found again led to, when all of it is known.
    pub(super) fn again(&self, text: u64) -> Option<Outcome> {
        self.repeats.of(text).filter(|known| self.knows(known)).cloned()
    }

    /// Counts an exception that was read before.
    pub(super) fn repeated(&mut self, known: &Known, time: Option<&LogTimestamp>, lines: (u64, u64)) {
        if self.too_early(time) {
            return;
        }
        if known.kind != LogEventKind::Status {
            self.told.add(self.source, lines.1, known.exception.as_deref(), &known.headline);
        }
        if let Some(group) = self.groups.repeat(known.print, time) {
            let micros = time.map(|time| time.micros);
            self.below_latest(group, known.kind, lines);
            let lines = lines.0..=lines.1;
            self.answers.event(known.kind, group, self.source, lines, micros, &mut self.groups);
        }
    }

    /// Group and message of an exception that was read before but for its message.
    pub(super) fn group_of(&self, known: &Varied, message: &[u8]) -> Option<(usize, String)> {
        let message = masked(String::from_utf8_lossy(message).into_owned());
        self.groups.varied(known.base, &message).map(|group| (group, message))
    }

    /// Counts it.
    pub(super) fn varied(
        &mut self,
        known: &Varied,
        (group, message): (usize, &str),
        time: Option<&LogTimestamp>,
        lines: RangeInclusive<u64>,
    ) {
        if self.too_early(time) {
            return;
        }
        self.told.add(self.source, *lines.end(), known.exception.as_deref(), message);
        self.groups.count_in(group, message, time);
        let micros = time.map(|time| time.micros);
        self.answers.event(LogEventKind::Traceback, group, self.source, lines, micros, &mut self.groups);
    }

    /// Whether it is before the time that was asked for.
    fn too_early(&mut self, time: Option<&LogTimestamp>) -> bool {
        let early = time.is_some_and(|time| self.settings.since.is_some_and(|since| time.micros < since));
        self.earlier += u64::from(early);
        early
    }

    /// Counts an event, and keeps its lines when it is the first of its group.
    fn emit(
        &mut self,
        print: u64,
        draft: Draft,
        time: Option<LogTimestamp>,
        lead: Option<String>,
        before: &[Raw],
        lines: &[Raw],
    ) {
        if self.too_early(time.as_ref()) {
            return;
        }
        let (first, last) = match (lines.first(), lines.last()) {
            (Some(first), Some(last)) => (first.number, last.number),
            _ => (0, 0),
        };
        let kind = draft.kind;
        if kind != LogEventKind::Status {
            let exception = draft.traceback.as_ref().and_then(|read| read.kind.as_deref());
            self.told.add(self.source, last, exception, draft.message.lines().next().unwrap_or_default());
        }
        let lead = lead.map(masked);
        let micros = time.as_ref().map(|time| time.micros);
        let added = match self.groups.repeat(print, time.as_ref()) {
            Some(group) => Some((group, false)),
            None => self.groups.add(print, draft, Place { source: self.source, line: first, time, lead }),
        };
        let Some((group, new)) = added else { return };
        if new {
            let around = u64::try_from(self.settings.around).unwrap_or(0);
            self.excerpts.keep(self.source, group, before, lines, around);
        }
        self.below_latest(group, kind, (first, last));
        self.answers.event(kind, group, self.source, first..=last, micros, &mut self.groups);
    }

    /// Takes note of a traceback, and of the one that ended right above it.
    fn below_latest(&mut self, group: usize, kind: LogEventKind, (first, last): (u64, u64)) {
        if kind != LogEventKind::Traceback {
            return;
        }
        if let Some((source, above, other)) = self.latest
            && source == self.source
            && above + 1 == first
        {
            self.groups.stand_above(other, group);
        }
        self.latest = Some((self.source, last, group));
    }

    /// The line's own time, or that of the nearest line before it that has one.
    pub(super) fn time(&self, window: &Window<'_>) -> Option<LogTimestamp> {
        let lines = std::iter::once(window.line()).chain(window.before().take(TIME_WITHIN));
        lines.into_iter().find_map(|line| self.stamp(line))
    }

    /// The timestamp that a line begins with: its marks' or the program's own.
    fn stamp(&self, line: &[u8]) -> Option<LogTimestamp> {
        let clock = &self.settings.clock;
        let taken = prefix::take(line);
        let own = &taken.body[..taken.body.len().min(STAMP_WITHIN)];
        if own.starts_with(b"{")
            && let Some(fields) = json::object(taken.body)
        {
            return json::read(&fields, clock).time;
        }
        let bare = |time: &LogTimestamp| {
            time.text.len() <= 12 && time.text.contains(':') && !time.text.contains(' ')
        };
        let marks = clock.find(taken.marks);
        let of_program = clock.find(own).filter(|time| !bare(time) || own.starts_with(time.text.as_bytes()));
        match (marks, of_program) {
            (Some(marks), Some(own)) if bare(&marks) => Some(own),
            (marks, own) => marks.or(own),
        }
    }

    /// The groups that are new since this was asked before. `line` is the next line's number; `None` when
    /// nothing came for a while.
    pub(super) fn fresh(&mut self, names: &[String], line: Option<u64>) -> Vec<LogGroup> {
        let waiting = line.and_then(|line| self.answers.waiting(line));
        self.groups.fresh(names, waiting)
    }

    pub(super) fn end_of_source(&mut self) {
        self.answers.end_of_source();
    }

    /// Everything that was found, but for the sources.
    pub(super) fn finish(mut self, names: &[String]) -> LogReport {
        self.answers.finish(&mut self.groups);
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
