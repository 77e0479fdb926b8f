//! A first look at a JSON record, without building it: whether anything can come of it, and whether one that says the
//! same was read before. Most records of a log are quiet, and the others repeat.

use std::borrow::Cow;
use std::fmt;
use std::hash::Hasher;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::groups::fingerprint;
use super::json::{LEVELS, MESSAGES, PATHS, STATUSES, TIMES};
use super::prefix::Level;
use super::timestamps::Clock;
use super::{json, quick, structured};
use crate::model::{LogEventKind, LogTimestamp};

/// How deep objects are looked into; records with deeper ones are read.
const DEPTH: usize = 16;

/// Texts that may hold a traceback, or be an object.
static TRACED: LazyLock<AhoCorasick> =
    LazyLock::new(|| AhoCorasick::new(["Traceback", "File \"", "ray::"]).expect("three short words"));

/// What a record may be.
#[derive(Debug)]
pub(super) enum Glance {
    /// Nothing can come of it.
    Quiet,
    /// It must be read, unless one with this fingerprint was; its time.
    Reads(u64, Option<LogTimestamp>),
    /// It must be read.
    Unknown,
}

/// Looks at an object's text; when it is none, that is unknown.
pub(super) fn glance(text: &[u8], clock: &Clock) -> Glance {
    let mut seen = Seen::new();
    let mut reader = serde_json::Deserializer::from_slice(text);
    let all = Part { seen: &mut seen, depth: 0, class: Class::Other, key: 0 };
    let whole = all.deserialize(&mut reader).is_ok() && reader.end().is_ok();
    if !whole || seen.unknown || seen.stream && seen.log {
        Glance::Unknown
    } else if seen.reads {
        let print = seen.fingerprint();
        Glance::Reads(print, seen.time.and_then(|(_, time)| time.moment(clock)))
    } else {
        Glance::Quiet
    }
}

/// What a field's name says of its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Level,
    Message,
    Time(usize),
    Status,
    /// Names an exception.
    Kind,
    /// An object there is an exception.
    Holder,
    /// It may be told by what is read.
    Told,
    Other,
}

fn class(key: &str, of_level: bool) -> Class {
    if let Some(rank) = TIMES.iter().position(|name| *name == key) {
        Class::Time(rank)
    } else if LEVELS.contains(&key) || of_level && key == "name" {
        Class::Level
    } else if STATUSES.contains(&key) {
        Class::Status
    } else if structured::names_exception(key) || key == "stacktrace" {
        Class::Kind
    } else if structured::HOLDERS.contains(&key) {
        Class::Holder
    } else if MESSAGES.contains(&key) {
        Class::Message
    } else if structured::beside(key) || PATHS.contains(&key) {
        Class::Told
    } else {
        Class::Other
    }
}

/// A time as a field has it.
#[derive(Debug)]
enum Stamp<'t> {
    Text(Cow<'t, str>),
    Number(f64),
}

impl Stamp<'_> {
    fn moment(&self, clock: &Clock) -> Option<LogTimestamp> {
        match self {
            Self::Text(text) => json::time_of_text(text, clock),
            Self::Number(number) => Clock::from_number(*number),
        }
    }
}

/// What was seen of a record so far.
struct Seen<'t> {
    hasher: Box<dyn Hasher>,
    /// Fields that tell only when there is no traceback.
    message: u64,
    traced: bool,
    reads: bool,
    unknown: bool,
    stream: bool,
    log: bool,
    time: Option<(usize, Stamp<'t>)>,
}

impl<'t> Seen<'t> {
    fn new() -> Self {
        Self {
            hasher: Box::new(quick::hasher()),
            message: 0,
            traced: false,
            reads: false,
            unknown: false,
            stream: false,
            log: false,
            time: None,
        }
    }

    fn fingerprint(&mut self) -> u64 {
        // The message of a record with a traceback introduces it, and is none of it.
        if !self.traced {
            self.hasher.write_u64(self.message);
        }
        self.hasher.finish()
    }

    fn hash(&mut self, key: u64, value: &[u8]) {
        self.hasher.write_u64(key);
        self.hasher.write_u64(fingerprint(LogEventKind::Traceback, value));
    }

    fn text(&mut self, part: (usize, Class, u64), text: &str) {
        let (depth, class, key) = part;
        let text = text.as_bytes();
        let traced = text.len() >= 5 && TRACED.is_match(text);
        if traced || text.first() == Some(&b'{') {
            self.traced |= traced;
            self.reads = true;
            self.hash(key, text);
            return;
        }
        match class {
            Class::Level => {
                self.reads |=
                    json::level_of_text(std::str::from_utf8(text).unwrap_or_default()) == Some(Level::High);
                self.hasher.write(text);
            }
            Class::Status => {
                let high = text.first().is_some_and(|digit| *digit >= b'5') && text.len() == 3;
                self.reads |= high;
                self.hasher.write(text);
            }
            Class::Message if depth == 0 => {
                self.message ^= fingerprint(LogEventKind::Traceback, text).wrapping_add(key);
            }
            Class::Kind => {
                self.reads |= !text.is_empty();
                self.hash(key, text);
            }
            Class::Holder | Class::Told | Class::Message => self.hash(key, text),
            Class::Time(_) => {}
            Class::Other if depth == 0 => {}
            Class::Other => self.hash(key, text),
        }
    }

    fn number(&mut self, part: (usize, Class, u64), number: f64) {
        let (depth, class, key) = part;
        match class {
            Class::Level => {
                self.reads |= json::level_of_number(number) == Some(Level::High);
                self.hasher.write_u64(number.to_bits());
            }
            Class::Status => {
                self.reads |= (500.0..600.0).contains(&number);
                self.hasher.write_u64(number.to_bits());
            }
            Class::Time(_) => {}
            // Lines of frames and the like differ as digits of texts do.
            _ if depth > 0 => self.hasher.write_u64(key),
            _ => {}
        }
    }
}

/// A value of a record.
struct Part<'s, 't> {
    seen: &'s mut Seen<'t>,
    depth: usize,
    class: Class,
    /// Hash of its key.
    key: u64,
}

impl Part<'_, '_> {
    const fn place(&self) -> (usize, Class, u64) {
        // The record itself is no field.
        (self.depth.saturating_sub(1), self.class, self.key)
    }
}

impl<'de> DeserializeSeed<'de> for Part<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Part<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        if self.depth > 1 {
            self.seen.hasher.write_u8(u8::from(value));
        }
        Ok(())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        self.visit_f64(value.to_string().parse().unwrap_or(f64::MAX))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.visit_f64(value.to_string().parse().unwrap_or(f64::MIN))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        let place = self.place();
        if let (0, Class::Time(rank), _) = place
            && self.seen.time.as_ref().is_none_or(|(best, _)| rank < *best)
        {
            self.seen.time = Some((rank, Stamp::Number(value)));
        }
        self.seen.number(place, value);
        Ok(())
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<(), E> {
        let place = self.place();
        if let (0, Class::Time(rank), _) = place
            && self.seen.time.as_ref().is_none_or(|(best, _)| rank < *best)
        {
            self.seen.time = Some((rank, Stamp::Text(Cow::Borrowed(text))));
        }
        self.seen.text(place, text);
        Ok(())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        let place = self.place();
        if let (0, Class::Time(rank), _) = place
            && self.seen.time.as_ref().is_none_or(|(best, _)| rank < *best)
        {
            self.seen.time = Some((rank, Stamp::Text(Cow::Owned(text.to_owned()))));
        }
        self.seen.text(place, text);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<(), A::Error> {
        let Part { seen, depth, class, key } = self;
        seen.unknown |= depth == 0 || depth > DEPTH;
        seen.hasher.write_u64(key ^ 1);
        // A list in a record is hashed whole.
        while values.next_element_seed(Part { seen: &mut *seen, depth: depth + 1, class, key })?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        let Part { seen, depth, class: of, key: parent } = self;
        seen.unknown |= depth > DEPTH;
        seen.reads |= of == Class::Holder;
        if depth > 0 {
            seen.hasher.write_u64(parent ^ 2);
        }
        while let Some((class, key)) =
            fields.next_key_seed(Key { seen: &mut *seen, depth, of_level: of == Class::Level })?
        {
            fields.next_value_seed(Part { seen: &mut *seen, depth: depth + 1, class, key })?;
        }
        seen.hasher.write_u8(b'}');
        Ok(())
    }
}

/// A field's name.
struct Key<'s, 't> {
    seen: &'s mut Seen<'t>,
    depth: usize,
    of_level: bool,
}

impl<'de> DeserializeSeed<'de> for Key<'_, 'de> {
    type Value = (Class, u64);

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_, '_> {
    type Value = (Class, u64);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<Self::Value, E> {
        if self.depth == 0 {
            self.seen.stream |= key == "stream";
            self.seen.log |= key == "log";
            self.seen.unknown |= key == "__REALTIME_TIMESTAMP";
        }
        let mut hasher = quick::hasher();
        hasher.write(key.as_bytes());
        Ok((class(key, self.of_level), hasher.finish()))
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;

    fn look(text: &str) -> Glance {
        glance(text.as_bytes(), &Clock { zone: TimeZone::UTC, now: "2026-11-28T16:00:00Z".parse().unwrap() })
    }

    fn print(text: &str) -> u64 {
        match look(text) {
            Glance::Reads(print, _) => print,
            other => panic!("{other:?}: {text}"),
        }
    }

    #[test]
    fn quiet_records() {
        for text in [
            r#"{"level": "info", "message": "sold", "error": null, "status": 200}"#,
            r#"{"level": 30, "msg": "sold", "err": ""}"#,
            r#"{"text": "sold", "record": {"level": {"name": "INFO", "no": 20}, "exception": null}}"#,
        ] {
            assert!(matches!(look(text), Glance::Quiet), "{text}");
        }
        for text in ["[1]", "{\"a\": 1", "{} x", r#"{"log": "x", "stream": "stderr"}"#] {
            assert!(matches!(look(text), Glance::Unknown), "{text}");
        }
    }

    #[test]
    fn records_that_say_the_same() {
        let record = |id: &str, time: &str, error: &str| {
            format!(
                r#"{{"time": "{time}", "level": "error", "message": "no page for {id}", "id": "{id}", "exc_info": "Traceback (most recent call last):\n  File \"a.py\", line 3, in f\n{error}"}}"#
            )
        };
        let first = print(&record("a", "2026-11-28T10:00:01Z", "KeyError: 'mint'"));
        assert_eq!(first, print(&record("b", "2026-11-28T10:00:02Z", "KeyError: 'mint'")));
        assert_ne!(first, print(&record("b", "2026-11-28T10:00:02Z", "KeyError: 'sage'")));
        let error = |message: &str| print(&format!(r#"{{"level": "error", "message": "{message}"}}"#));
        assert_ne!(error("no rate"), error("no drawer"));
        assert_eq!(error("no rate for 17"), error("no rate for 18"));
        let status = |code: u16| print(&format!(r#"{{"level": "info", "status": {code}, "path": "/rate"}}"#));
        assert_ne!(status(500), status(502));
    }

    #[test]
    fn its_time_is_that_of_the_record() {
        let text = r#"{"level": "error", "ts": 1, "timestamp": "2026-11-28T10:00:01Z"}"#;
        let Glance::Reads(_, Some(time)) = look(text) else { panic!("no time") };
        assert_eq!(time.text, "2026-11-28T10:00:01Z");
    }
}
