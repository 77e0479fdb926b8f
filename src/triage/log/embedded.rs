//! Lines that hold those of another program: JSON records, pieces of lines.

use serde_json::{Map, Value};

use super::json::Wrapped;
use super::json_glance::{Glance, glance};
use super::prefix::Taken;
use super::streams::{Spot, Streams};
use super::window::Window;
use super::{json, prefix, pretty, several};
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

    /// An object's fields. `print` is the fingerprint under which it is known again.
    fn fields(&mut self, spot: Spot<'_>, fields: &Map<String, Value>, taken: &Taken<'_>, print: Option<u64>) {
        if let Some(records) = several::records(fields) {
            for record in records {
                self.fields(spot, &record, taken, None);
            }
            return;
        }
        let number = spot.window.number;
        let open = &self.open;
        let clock = &self.counting.settings.clock;
        let plain = taken.stream ^ prefix::take(b"").stream;
        let under_way = |process: u64| open.iter().any(|open| open.outer == plain ^ process);
        if let Some(wrapped) = json::wrapped(fields, clock, under_way) {
            self.wrapped(spot, &wrapped, taken.stream);
            return;
        }
        let record = json::read(fields, clock);
        self.settle(taken.stream, number, true);
        let grep = self.counting.matches(taken.body);
        self.counting.record(spot.window, record, grep, print);
    }

    /// The object over several lines that this line is a part of; false when there is none.
    pub(super) fn pretty(&mut self, window: &Window<'_>) -> bool {
        if window.number <= self.no_object {
            return false;
        }
        match pretty::around(window) {
            Some(Ok(found)) => {
                let spot = Spot { window, piece: None, wrapped: true };
                self.fields(spot, &found.fields, &prefix::take(b""), None);
                self.ahead = Some((found.next, found.lines));
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
