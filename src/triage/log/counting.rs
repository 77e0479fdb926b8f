//! Events on their way into groups: their time, what stands beside them, what tells of them again.

use std::borrow::Cow;

use super::answers::Answers;
use super::excerpts::Excerpts;
use super::files::RepositoryFiles;
use super::groups::{Draft, Groups, Place, fingerprint};
use super::json::{self, Record};
use super::leads::Lead;
use super::open::{Open, Raw};
use super::prefix::{self, Level};
use super::streams::Settings;
use super::told::Told;
use super::window::{Window, masked};
use crate::model::{LogEventKind, LogGroup, LogReport, Moment};
use crate::triage::traceback::{self, layouts};

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
    /// The first time of all, and whether it was looked for in this source.
    began: Option<i64>,
    earlier: u64,
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
            began: None,
            earlier: 0,
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

    /// A JSON record.
    pub(super) fn record(&mut self, window: &Window<'_>, record: Record, matched: bool) {
        let high = record.level == Some(Level::High);
        let body = window.line();
        let draft = match (record.traceback, record.status) {
            (Some(read), _) => Draft::traceback(read),
            (None, Some(status)) if status >= 500 => {
                Draft::status(status.to_string().as_bytes(), record.path.unwrap_or_default().as_bytes())
            }
            _ if high => Draft::line(LogEventKind::Error, record.message.as_bytes()),
            _ if matched => Draft::line(LogEventKind::Matched, body),
            _ => return,
        };
        let lead = (draft.traceback.is_some() && !record.message.is_empty()).then_some(record.message);
        let print = fingerprint(draft.kind, format!("{}{:?}", draft.message, draft.traceback).as_bytes());
        let time = record.time.or_else(|| self.time(window));
        let lead = lead.map(|lead| lead.lines().next().unwrap_or_default().to_owned());
        self.emit(print, draft, time, lead, &window.context(self.settings.around), &[window.raw()]);
    }

    /// A traceback written into one line.
    pub(super) fn one_line(&mut self, window: &Window<'_>, body: &[u8], time: Option<Moment>) {
        for read in traceback::parse(&String::from_utf8_lossy(body)) {
            let print = fingerprint(LogEventKind::Traceback, body);
            self.emit_line(window, print, time.clone(), || Draft::traceback(read));
        }
    }

    /// A SyntaxError without header: its place stands in the lines before.
    pub(super) fn syntax_error(&mut self, window: &Window<'_>, time: Option<Moment>) -> bool {
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
        time: Option<Moment>,
        draft: impl FnOnce() -> Draft,
    ) {
        let time = time.or_else(|| self.time(window));
        self.emit(print, draft(), time, None, &window.context(self.settings.around), &[window.raw()]);
    }

    /// A record that no traceback followed.
    pub(super) fn lead(&mut self, lead: Lead) {
        let Lead { fingerprint, draft, time, before, after, raw, .. } = lead;
        let told = matches!(draft.kind, LogEventKind::Word | LogEventKind::Error)
            && self.told.again(self.source, raw.number, draft.kind, &draft.message);
        if !told {
            self.emit(fingerprint, draft, time, None, &before, &[raw]);
            for raw in after {
                self.excerpts.context(self.source, raw.number, || raw);
            }
        }
    }

    /// What a traceback or report holds; the lines that were not part of it.
    pub(super) fn collected(&mut self, open: Open) -> Vec<Raw> {
        let print = fingerprint(LogEventKind::Traceback, open.text().as_bytes());
        let (found, used) = open.read();
        let several = found.len() > 1;
        let mut lead = open.lead;
        let said = open.said.as_deref().and_then(|said| layouts::variants::raised(said.lines().next()?));
        for (mut read, range) in found {
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
            let lines: Vec<Raw> = lead.iter().cloned().chain(open.raw[range].iter().cloned()).collect();
            let title = lead.take().map(|raw| raw.text);
            self.emit(print, Draft::traceback(read), open.time.clone(), title, &open.before, &lines);
        }
        let rest: Vec<Raw> = open.raw.into_iter().skip(used).filter(|raw| !raw.hidden).collect();
        for raw in &rest {
            self.excerpts.context(self.source, raw.number, || raw.clone());
        }
        rest
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
        self.answers.event(kind, group, self.source, first..=last, micros, &mut self.groups);
    }

    /// The line's own time, or that of the nearest line before it that has one.
    pub(super) fn time(&self, window: &Window<'_>) -> Option<Moment> {
        let lines = std::iter::once(window.line()).chain(window.before().take(TIME_WITHIN));
        lines.into_iter().find_map(|line| self.stamp(line))
    }

    /// The timestamp that a line begins with: its marks' or the program's own.
    fn stamp(&self, line: &[u8]) -> Option<Moment> {
        let clock = &self.settings.clock;
        let taken = prefix::take(line);
        let own = &taken.body[..taken.body.len().min(STAMP_WITHIN)];
        if own.starts_with(b"{")
            && let Some(fields) = json::object(taken.body)
        {
            return json::read(&fields, clock).time;
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
