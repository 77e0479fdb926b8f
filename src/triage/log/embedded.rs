//! Lines that hold those of another program: JSON records, pieces of lines.

use serde_json::{Map, Value};

use super::json::Wrapped;
use super::json_glance::{Glance, glance};
use super::prefix::{Level, Taken};
use super::streams::{Spot, Streams};
use super::window::Window;
use super::{classify, json, logfmt, prefix, pretty, several};
use crate::triage::ansi;

/// Lines that one record may wrap.
const MOST_WRAPPED: usize = 5_000;

impl Streams {
    /// A line with a JSON object; false when it is none.
    pub(super) fn object(&mut self, spot: Spot<'_>, text: &[u8], taken: &Taken<'_>) -> bool {
        let number = spot.window.number;
        let clock = &self.counting.settings.clock;
        if let Some(wrapped) = json::of_docker(text, clock) {
            self.wrapped(spot, &wrapped, taken.stream);
            return true;
        }
        let mut print = None;
        if self.open.is_empty() && self.counting.settings.grep.is_none() {
            match glance(text, clock) {
                Glance::Quiet => {
                    self.settle(taken.stream, number, true);
                    return true;
                }
                Glance::Reads(whole, time) => {
                    if let Some(time) = time.filter(|_| !self.counting.wants_context())
                        && let Some(known) = self.counting.again(whole)
                    {
                        self.settle(taken.stream, number, true);
                        for one in &known.found {
                            self.counting.repeated(one, Some(&time), (number, number));
                        }
                        return true;
                    }
                    print = Some(whole);
                }
                Glance::Unknown => {}
            }
        }
        let Ok(Value::Object(fields)) = serde_json::from_slice(text) else { return false };
        self.fields(spot, &fields, taken, print);
        true
    }

    /// A line that a collector writes as pairs; false when it is none, or no piece of a traceback.
    pub(super) fn logfmt(&mut self, spot: Spot<'_>, taken: &Taken<'_>) -> bool {
        let begins = || classify::header_column(taken.body).is_some();
        if memchr::memchr(b'=', taken.body).is_none() || self.open.is_empty() && !begins() {
            return false;
        }
        let Some((text, process)) = logfmt::line(taken.body) else { return false };
        let plain = taken.stream ^ prefix::take(b"").stream;
        let goes_on = self
            .open
            .iter()
            .any(|open| open.outer == taken.stream ^ process || open.outer == plain ^ process);
        let is_header = classify::ends_in_header(text.as_bytes()) && !text.contains('\n');
        if !goes_on && !is_header {
            return false;
        }
        self.wrapped(spot, &Wrapped { text, time: None, process, cut: false }, taken.stream);
        true
    }

    /// A line with a list of records, or of tracebacks; false when it is none.
    pub(super) fn list(&mut self, spot: Spot<'_>, taken: &Taken<'_>) -> bool {
        let Some(list) = json::list(taken.body) else { return false };
        if list.iter().all(Value::is_object) {
            for one in list.iter().filter_map(Value::as_object) {
                self.fields(spot, one, taken, None);
            }
            return true;
        }
        let fields = Map::from_iter([(String::new(), Value::Array(list))]);
        let found = several::failures(&fields);
        for one in found.iter().flatten() {
            self.fields(spot, one, taken, None);
        }
        found.is_some()
    }

    /// An object's fields. `print` is the fingerprint under which it is known again.
    fn fields(&mut self, spot: Spot<'_>, fields: &Map<String, Value>, taken: &Taken<'_>, print: Option<u64>) {
        if let Some(records) = several::records(fields) {
            for record in records {
                self.fields(spot, &record, taken, None);
            }
            return;
        }
        if let Some(failures) = several::failures(fields) {
            for failure in failures {
                self.fields(spot, &failure, taken, None);
            }
            return;
        }
        let number = spot.window.number;
        let lines = self.severities.are_lines(fields);
        let open = &self.open;
        let clock = &self.counting.settings.clock;
        let plain = taken.stream ^ prefix::take(b"").stream;
        let under_way = |process: u64| lines || open.iter().any(|open| open.outer == plain ^ process);
        if let Some(wrapped) = json::wrapped(fields, clock, under_way) {
            self.wrapped(spot, &wrapped, taken.stream);
            return;
        }
        let mut record = json::read(fields, clock);
        // What the line says before the object: `INFO:rpc:Sending data: {…}`.
        let said = json::text(taken.body).and_then(|(before, _)| prefix::level(before).0);
        record.level = record.level.or(said.filter(|level| *level == Level::Low));
        // It may carry to a client what the program just wrote down.
        if record.level == Some(Level::Low)
            && record.traceback.is_some()
            && let Some(at) = self.open.iter().position(|open| open.stream == taken.stream)
        {
            self.close(at, true);
        }
        self.settle(taken.stream, number, true);
        let grep = self.counting.matches(taken.body);
        self.counting.record(spot.window, record, grep, print);
    }

    /// The object over several lines that this line is a part of; false when there is none.
    pub(super) fn pretty(&mut self, window: &Window<'_>) -> bool {
        if self.objects.hold(window) {
            return true;
        }
        if window.number <= self.no_object {
            return false;
        }
        match pretty::around(window) {
            Some(Ok(found)) => {
                let spot = Spot { window, piece: None, wrapped: true };
                let taken = Taken { stream: found.stream, ..prefix::take(b"") };
                self.fields(spot, &found.fields, &taken, None);
                match found.next {
                    Some(next) => self.ahead = Some((next, found.lines)),
                    None => self.objects.read(found.stream, window.number + found.lines),
                }
                true
            }
            Some(Err(last)) => {
                self.no_object = last;
                false
            }
            None => false,
        }
    }

    /// The lines that a record wraps.
    pub(super) fn wrapped(&mut self, spot: Spot<'_>, wrapped: &Wrapped, stream: u64) {
        let spot = Spot { wrapped: true, ..spot };
        let process = stream ^ wrapped.process;
        let line = process ^ prefix::take(b"").stream;
        if wrapped.cut || self.partial.has(line) {
            let number = spot.window.number;
            let Some(line) = self.partial.add(line, wrapped.text.as_bytes(), !wrapped.cut, number) else {
                return;
            };
            let text = String::from_utf8_lossy(&line).into_owned();
            return self.wrapped_lines(
                spot,
                &Wrapped { text, time: wrapped.time.clone(), ..*wrapped },
                process,
            );
        }
        self.wrapped_lines(spot, wrapped, process);
    }

    fn wrapped_lines(&mut self, spot: Spot<'_>, wrapped: &Wrapped, process: u64) {
        // A program's own record, in that of its container.
        if wrapped.text.starts_with('{')
            && let Some((_, object)) = json::text(wrapped.text.as_bytes())
        {
            let mut taken = prefix::take(b"");
            taken.stream ^= process;
            if self.object(spot, object, &taken) {
                return;
            }
        }
        for inner in ansi::strip(&wrapped.text).split('\n').take(MOST_WRAPPED) {
            let inner = prefix::take(inner.trim_end_matches('\r').as_bytes());
            self.body(spot, inner.body, process ^ inner.stream, wrapped.time.as_ref());
        }
    }

    /// Lines whose rest did not come.
    pub(super) fn unfinished(&mut self, number: u64) {
        for (stream, line, number) in self.partial.over(number) {
            let source = self.counting.source;
            let window = Window { text: &line, start: 0, end: line.len(), ahead: 0, number, source };
            let spot = Spot { window: &window, piece: None, wrapped: true };
            self.body(spot, prefix::take(&line).body, stream, None);
        }
    }
}
