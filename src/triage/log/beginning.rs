//! Where a traceback or report begins: what stands above it, and whether it was read before.

use super::classify::Line;
use super::groups::Draft;
use super::open_block::{Beginning, Open};
use super::raw::Raw;
use super::repeats::Ahead;
use super::streams::{Spot, Streams};
use super::window::Window;
use super::{classify, marks, markup, prefix};
use crate::model::LogTimestamp;
use crate::triage::traceback;
use crate::triage::traceback::{joining, layouts};

/// Streams with a traceback under way at the same time.
const MOST_OPEN: usize = 64;

/// The line of a log that begins within a traceback where its first whole frame stands at the latest.
const MOST_CUT: u64 = 3;
/// Lines between a record and the frames below it.
const MOST_TITLES: usize = 12;

/// Whether the line above holds the quotes that a worker's traceback stands in.
fn is_below_quotes(window: &Window<'_>) -> bool {
    window.before().next().is_some_and(|line| memchr::memmem::find(line, b"\"\"\"").is_some())
}

/// Whether the log begins within a traceback, and this is its first frame.
fn is_cut_off(window: &Window<'_>) -> bool {
    let inside = |line: &[u8]| prefix::take(line).body.starts_with(b"    ");
    window.number <= MOST_CUT && window.before().take(2).all(inside)
}

impl Streams {
    /// The log's first block: its first timestamp, and how its records begin.
    pub(super) fn see_beginning(&mut self, text: &[u8]) {
        self.counting.see_beginning(text);
        let first = &text[..memchr::memchr(b'\n', text).unwrap_or(text.len())];
        let verbose =
            [&b" [s="[..], b";i=", b";b="].iter().all(|part| memchr::memmem::find(first, part).is_some());
        self.export = verbose || text.starts_with(b"__CURSOR=");
        let lines = || text.split(|byte| *byte == b'\n').take(2_000);
        for line in lines() {
            self.forms.learn(prefix::take(line).body);
        }
        self.severities.see_beginning(lines().filter(|line| line.ends_with(b"}")));
        self.marks.see_beginning(lines());
    }

    /// What begins at this line.
    pub(super) fn beginning(&self, spot: Spot<'_>, body: &[u8], line: &Line<'_>) -> Option<Beginning> {
        let word = matches!(line, Line::Word(_)) && body.trim_ascii_end().ends_with(b":");
        if matches!(line, Line::Quiet | Line::Error(_) | Line::Status(..) | Line::Word(_))
            && !word
            && !layouts::may_open(body)
        {
            return None;
        }
        let text = &*String::from_utf8_lossy(body);
        match line {
            Line::Traceback if classify::ends_in_header(body) => return Some(Beginning::Traceback),
            Line::Traceback if layouts::opening(text).is_none() => return None,
            Line::Runner => return Some(Beginning::Runner),
            Line::Fatal => return Some(Beginning::Fatal),
            _ => {}
        }
        if traceback::layouts::variants::is_header(text) {
            return Some(Beginning::Traceback);
        }
        if let Some(layout) = layouts::opening(text) {
            return Some(Beginning::Layout(layout));
        }
        if body.starts_with(b"  File \"") && is_cut_off(spot.window) {
            return Some(Beginning::Cut);
        }
        let alone = matches!(line, Line::Word(_)) && layouts::pretty_errors::closes(text);
        (alone && !above(spot.window, text).is_empty()).then_some(Beginning::Above)
    }

    /// Steps over a traceback that was read before; false when it must be read.
    fn repeated(
        &mut self,
        spot: Spot<'_>,
        body: &[u8],
        outer: u64,
        stream: u64,
        time: Option<&LogTimestamp>,
    ) -> bool {
        let window = spot.window;
        let plain = spot.line() == Some(body)
            && outer == stream
            && self.marks.is_empty()
            && !self.counting.wants_context();
        if !plain || body.first().is_none_or(u8::is_ascii_whitespace) || is_below_quotes(window) {
            return false;
        }
        let (found, looked) = self.counting.repeats.ahead(window, body, stream);
        self.looked += looked;
        let Some((ahead, next, lines)) = found else { return false };
        let (known, varied) = match ahead {
            Ahead::Known(text) => (self.counting.again(text), None),
            Ahead::Varied(known, message) => {
                let group = self.counting.group_of(&known, message);
                (None, group.map(|group| (known, group)))
            }
        };
        if known.is_none() && varied.is_none() {
            return false;
        }
        let (lead, earlier) = self.leads.take(stream, outer, window.number);
        for lead in earlier {
            self.counting.lead(lead);
        }
        let led = lead.and_then(|lead| lead.time);
        let time = led.or_else(|| time.cloned()).or_else(|| self.counting.time(window));
        for one in known.iter().flat_map(|known| &known.found) {
            let lines = (window.number + one.lines.0, window.number + one.lines.1);
            self.counting.repeated(one, time.as_ref(), lines);
        }
        if let Some((known, (group, message))) = &varied {
            let lines = window.number..=window.number + lines - 1;
            self.counting.varied(known, (*group, message), time.as_ref(), lines);
        }
        self.taken = window.number + lines - 1;
        self.ahead = Some((next, lines - 1));
        true
    }

    pub(super) fn begin(
        &mut self,
        spot: Spot<'_>,
        body: &[u8],
        outer: u64,
        stream: u64,
        time: Option<&LogTimestamp>,
        beginning: Beginning,
    ) {
        if matches!(beginning, Beginning::Traceback) && self.repeated(spot, body, outer, stream, time) {
            return;
        }
        if self.open.len() >= MOST_OPEN {
            self.close(0, false);
        }
        let window = spot.window;
        let (mut stream, mut body, mut mark) = (stream, body, None);
        let column = classify::header_column(body).unwrap_or(0);
        let in_markup = markup::before(body, column) || markup::has_entities(body);
        if matches!(beginning, Beginning::Traceback) && column > 0 {
            let before = &body[..column];
            if self.marks.learn(before) {
                stream = outer ^ marks::process(before);
                mark = Some(before.to_vec());
            }
            if mark.is_some() {
                body = &body[column..];
            }
        }
        let text = String::from_utf8_lossy(body);
        let mut open = Open::new(stream, beginning, &text);
        open.outer = outer;
        open.markup = in_markup;
        if matches!(beginning, Beginning::Above) {
            for (line, raw) in above(window, &text) {
                open.seed(&line, raw);
            }
        }
        if let Beginning::Layout(layout) = beginning {
            let above = match layout.name {
                "dask" => window.lines_above(3),
                "dagster" | "azure" => titles(window),
                "python-shell" => from_title(window),
                "pybind11" => paragraph(window),
                _ => Vec::new(),
            };
            for (line, raw) in above {
                open.seed(&line, raw);
            }
        }
        if is_below_quotes(window)
            && let [announced, quotes] = window.lines_above(2).as_slice()
            && quotes.0.trim_end().ends_with("\"\"\"")
            && joining::announces(self.unmarked(&announced.0))
        {
            open.seed(self.unmarked(&announced.0), announced.1.clone());
            open.seed(self.unmarked(&quotes.0), quotes.1.clone());
            open.quote();
        }
        let headed = mark.is_some();
        open.mark = mark;
        let (lead, earlier) = self.leads.take(stream, outer, window.number);
        for lead in earlier {
            self.counting.lead(lead);
        }
        match lead {
            Some(lead) => {
                open.said = Some(Draft::line(lead.kind, &lead.message).message);
                open.time = lead.time;
                open.before = lead.before;
                open.lead = (!open.seeded(lead.raw.number)).then_some(lead.raw);
            }
            None => {
                open.before = self.before(window);
                open.lead = if headed { Some(spot.raw()) } else { self.record_before(window, outer) };
            }
        }
        open.take(&text, || false, || spot.raw());
        open.trail.follow(spot.line().filter(|line| *line == body));
        let own = || self.counting.time(window);
        open.time = open.time.take().or_else(|| time.cloned()).or_else(own);
        let complete = open.complete();
        self.open.push(open);
        if complete {
            self.close(self.open.len() - 1, false);
        }
    }

    /// The line without a learned mark.
    fn unmarked<'l>(&mut self, line: &'l str) -> &'l str {
        self.marks.find(line.as_bytes()).and_then(|(end, _)| line.get(end..)).unwrap_or(line)
    }

    /// The record right above, of the same stream, whatever its level.
    fn record_before(&self, window: &Window<'_>, stream: u64) -> Option<Raw> {
        let line = window.before().next()?;
        let taken = prefix::take(line);
        // What a collector made of a line is no record.
        if taken.body.starts_with(b"{") {
            return None;
        }
        let record = taken.stream == stream && prefix::level(taken.body).0.is_some();
        let number = window.number.checked_sub(1)?;
        record.then(|| Raw::new(number, line))
    }
}

/// The lines above a type that stands alone, when they are frames.
fn above(window: &Window<'_>, text: &str) -> Vec<(String, Raw)> {
    let lines = window.lines_above(layouts::pretty_errors::LOOK_BACK);
    let texts: Vec<&str> = lines.iter().map(|(line, _)| line.as_str()).chain([text]).collect();
    if layouts::pretty_errors::read(&texts, texts.len() - 1).is_none() {
        return Vec::new();
    }
    lines
}

/// The lines between the record and the frames: the exceptions that they belong to.
fn titles(window: &Window<'_>) -> Vec<(String, Raw)> {
    let mut above = window.lines_above(MOST_TITLES);
    let record =
        above.iter().rposition(|(line, _)| prefix::begins_record(line.as_bytes()) || line.starts_with(' '));
    above.drain(..record.map_or(0, |at| at + 1));
    above
}

/// The lines from the last one that is not set in.
fn from_title(window: &Window<'_>) -> Vec<(String, Raw)> {
    let mut above = window.lines_above(layouts::python_shell::MOST_ABOVE);
    let title = above.iter().rposition(|(line, _)| !line.starts_with(' '));
    above.drain(..title.unwrap_or(above.len()));
    above
}

/// The last lines that stand together.
fn paragraph(window: &Window<'_>) -> Vec<(String, Raw)> {
    let mut above = window.lines_above(layouts::pybind11::MOST_ABOVE);
    let last = above.iter().rposition(|(line, _)| !line.trim().is_empty()).unwrap_or(0);
    let blank = above[..last].iter().rposition(|(line, _)| line.trim().is_empty());
    above.drain(..blank.map_or(0, |at| at + 1));
    above
}
