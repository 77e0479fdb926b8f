//! Timestamps as logs write them.

use std::sync::LazyLock;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::{Offset, TimeZone};
use regex::bytes::{Captures, Regex};

use super::quick;
use crate::model::LogTimestamp;

/// What a log's timestamps leave out.
#[derive(Debug, Clone)]
pub struct Clock {
    /// The zone of timestamps that name none.
    pub zone: TimeZone,
    /// Now: gives syslog's timestamps their year, and a bare time of day its date.
    pub now: Timestamp,
}

/// Year-first dates (ISO, Python logging, nginx's error log), day-first dates (access logs, Django, RFC 1123),
/// month-first dates (syslog; Apache's error log), three pairs of digits (Spark, rich), ISO without signs, klog's,
/// seconds since 1970, and a bare time of day.
pub(super) const TIME: &str = concat!(
    r"(?:(?P<y>\d{4})[-/](?P<m>\d\d)[-/](?P<d>\d\d)[T ](?P<t>\d\d:\d\d:\d\d)(?:[.,](?P<f>\d{1,9}))?(?: ?(?P<z>Z|UTC|GMT|[+-]\d\d(?::?\d\d)?))?",
    r"|(?P<d2>\d{1,2})/(?P<m2>[A-Z][a-z]{2})/(?P<y2>\d{4})[: ](?P<t2>\d\d:\d\d:\d\d)(?: (?P<z2>[+-]\d{4}))?",
    r"|(?:[A-Z][a-z]{2} )?(?P<m3>Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) {1,2}(?P<d3>\d{1,2}) (?P<t3>\d\d:\d\d:\d\d)(?:\.(?P<f3>\d{1,9}))?(?: (?P<y3>\d{4}))?",
    r"|(?P<d6>\d{1,2})[ -](?P<m6>Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[ -](?P<y6>\d{4}) (?P<t6>\d\d:\d\d:\d\d)(?:[.,](?P<f6>\d{1,9}))?(?: (?P<z6>UTC|GMT|[+-]\d{4}))?",
    r"|(?P<a5>\d\d)[/.](?P<b5>\d\d)[/.](?P<c5>\d{4}|\d\d),?[ T](?P<t5>\d\d:\d\d:\d\d)(?:[.,](?P<f5>\d{1,9}))?",
    r"|(?P<y7>\d{4})(?P<m7>\d\d)(?P<d7>\d\d)T(?P<t7>\d{6})(?:[.,](?P<f7>\d{1,9}))?(?P<z7>Z|[+-]\d{4})?",
    r"|\b[IWEF](?P<m8>[01]\d)(?P<d8>[0-3]\d) (?P<t8>\d\d:\d\d:\d\d)\.(?P<f8>\d{6})",
    r"|(?:^|[\[ =\x22])(?P<epoch>1\d{9}(?:\.\d{1,9}|\d{3}|\d{6}|\d{9})?)(?:[\] ,:\t\x22]|$)",
    r"|(?P<t4>\d\d:\d\d:\d\d)(?:[.,](?P<f4>\d{1,9}))?)",
);

static ANYWHERE: LazyLock<Regex> = LazyLock::new(|| Regex::new(TIME).expect("a valid pattern"));

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// A number is a time in seconds only when it is of the last years.
const EPOCH_WITHIN: i64 = 15 * 366 * 86_400;

impl Clock {
    /// The time that the text is, in any form that logs have.
    #[must_use]
    pub fn read(&self, text: &str) -> Option<Timestamp> {
        let text = text.trim().trim_start_matches('[').trim_end_matches(']');
        let found = self.find(text.as_bytes())?;
        // The day of the week stands before some.
        let whole = text.len() - found.text.len() <= 5 && text.ends_with(&found.text);
        whole.then(|| Timestamp::from_microsecond(found.micros).ok()).flatten()
    }

    /// The first timestamp in the text.
    pub(super) fn find(&self, text: &[u8]) -> Option<LogTimestamp> {
        if quick::timeless(text) {
            return None;
        }
        let start = usize::from(text.first() == Some(&b'['));
        match quick::date_time(&text[start..]) {
            Some(end) => self.year_first(&text[start..], end),
            None => match quick::access_time(text) {
                Some(start) => self.of_access(&text[start..start + 26]),
                None => self.matched(text),
            },
        }
    }

    /// `28/Nov/2026:10:00:01 +0000`
    fn of_access(&self, text: &[u8]) -> Option<LogTimestamp> {
        let text = std::str::from_utf8(text).ok()?;
        let part = |from: usize, to: usize| text[from..to].parse::<i8>().ok();
        let month = month_number(&text[3..6])?;
        let year = text[7..11].parse().ok()?;
        let time =
            DateTime::new(year, month, part(0, 2)?, part(12, 14)?, part(15, 17)?, part(18, 20)?.min(59), 0);
        let at = match offset(&text[21..]) {
            Some(offset) => offset.to_timestamp(time.ok()?).ok()?,
            None => self.zone.to_timestamp(time.ok()?).ok()?,
        };
        Some(LogTimestamp { micros: at.as_microsecond(), text: text.to_owned() })
    }

    fn matched(&self, text: &[u8]) -> Option<LogTimestamp> {
        ANYWHERE.captures(text).and_then(|found| self.moment(&found))
    }

    /// The most usual form, date and time up to `end`, a fraction and a zone behind it.
    fn year_first(&self, text: &[u8], end: usize) -> Option<LogTimestamp> {
        let number = |from: usize, to: usize| {
            text[from..to].iter().fold(0_i16, |number, digit| number * 10 + i16::from(digit - b'0'))
        };
        let small = |from: usize| i8::try_from(number(from, from + 2)).ok();
        let fraction = quick::fraction(&text[end..]).min(10);
        let nanos = text[end..end + fraction].iter().skip(1).chain([b'0'; 9].iter()).take(9);
        let nanos = nanos.fold(0_i32, |number, digit| number * 10 + i32::from(digit - b'0'));
        let nanos = if fraction > 1 { nanos } else { 0 };
        let end = end + fraction;
        let (length, zone) = zone_at(&text[end..]);
        let time = DateTime::new(
            number(0, 4),
            small(5)?,
            small(8)?,
            small(11)?,
            small(14)?,
            small(17)?.min(59),
            nanos,
        );
        let at = match zone.and_then(offset) {
            Some(offset) => offset.to_timestamp(time.ok()?).ok()?,
            None => self.zone.to_timestamp(time.ok()?).ok()?,
        };
        let text = String::from_utf8_lossy(&text[..end + length]).into_owned();
        Some(LogTimestamp { micros: at.as_microsecond(), text })
    }

    /// Seconds (or milli-, micro-, nanoseconds) since 1970, as JSON loggers write them.
    pub(super) fn from_number(number: f64) -> Option<LogTimestamp> {
        // Each unit puts today in another order of magnitude.
        let scale = [(1e17, 1e-9), (1e14, 1e-6), (1e11, 1e-3)];
        let scale = scale.into_iter().find(|(least, _)| number >= *least).map_or(1.0, |(_, scale)| scale);
        let time =
            Timestamp::from_duration(jiff::SignedDuration::try_from_secs_f64(number * scale).ok()?).ok()?;
        (number >= 1e8).then(|| LogTimestamp { micros: time.as_microsecond(), text: time.to_string() })
    }

    /// The moment that a match of [`TIME`] gives.
    pub(super) fn moment(&self, found: &Captures<'_>) -> Option<LogTimestamp> {
        let part = |names: &[&str]| {
            let text = names.iter().find_map(|name| found.name(name))?;
            std::str::from_utf8(text.as_bytes()).ok()
        };
        if let Some(epoch) = part(&["epoch"]) {
            let time = Self::from_number(epoch.parse().ok()?)?;
            let ahead = time.micros / 1_000_000 - self.now.as_second();
            let recent = (-EPOCH_WITHIN..=2 * 86_400).contains(&ahead);
            return recent.then(|| LogTimestamp { text: epoch.to_owned(), ..time });
        }
        let time = part(&["t", "t2", "t3", "t4", "t5", "t6", "t7", "t8"])?;
        let number = |text: &str| text.parse::<i16>().ok();
        let small = |text: &str| text.parse::<i8>().ok();
        let now = self.zone.to_datetime(self.now).date();
        let pairs = (part(&["a5"]), part(&["b5"]), part(&["c5"]));
        let of_pairs = match pairs {
            (Some(a), Some(b), Some(c)) => Some(pairs_date(a, b, c, now)?),
            _ => None,
        };
        let (month, day) =
            match (part(&["m", "m2", "m3", "m6", "m7", "m8"]), part(&["d", "d2", "d3", "d6", "d7", "d8"])) {
                _ if of_pairs.is_some() => {
                    of_pairs.map_or((now.month(), now.day()), |date| (date.month(), date.day()))
                }
                (Some(month), Some(day)) => (month_number(month)?, small(day)?),
                _ => (now.month(), now.day()),
            };
        let year = part(&["y", "y2", "y3", "y6", "y7"]).and_then(number).or(of_pairs.map(|date| date.year()));
        let time: String = time.chars().filter(|c| *c != ':').collect();
        let clock: Vec<i8> = (0..3).filter_map(|at| time.get(2 * at..2 * at + 2)).filter_map(small).collect();
        let [hour, minute, second] = clock.try_into().ok()?;
        let nanos = part(&["f", "f3", "f4", "f5", "f6", "f7", "f8"]).map_or(0, |digits| {
            let padded: String = digits.chars().chain("000000000".chars()).take(9).collect();
            padded.parse().unwrap_or(0)
        });
        let with_year = |year| DateTime::new(year, month, day, hour, minute, second.min(59), nanos).ok();
        let zone = part(&["z", "z2", "z6", "z7"])
            .and_then(offset)
            .map_or_else(|| self.zone.clone(), TimeZone::fixed);
        let stamp = |time: DateTime| zone.to_timestamp(time).ok();
        let mut at = with_year(year.unwrap_or(now.year())).and_then(stamp)?;
        let ahead = at.as_second() - self.now.as_second();
        if year.is_none() && ahead > 2 * 86_400 {
            at = with_year(now.year() - 1).and_then(stamp)?; // December's lines, read in January
        }
        let whole = found.get(0)?.as_bytes();
        Some(LogTimestamp { micros: at.as_microsecond(), text: String::from_utf8_lossy(whole).into_owned() })
    }
}

/// Three pairs of digits: year, month, day as Spark writes them, month, day, year as rich does, or day, month,
/// year. What is nearest to now, and not after it, is meant.
fn pairs_date(a: &str, b: &str, c: &str, now: Date) -> Option<Date> {
    let year =
        |text: &str| text.parse::<i16>().ok().map(|year| if text.len() == 2 { 2000 + year } else { year });
    let small = |text: &str| text.parse::<i8>().ok();
    let orders =
        [(year(a), small(b), small(c)), (year(c), small(a), small(b)), (year(c), small(b), small(a))];
    let orders = if c.len() == 4 { &orders[1..] } else { &orders[..] };
    let dates = orders.iter().filter_map(|(year, month, day)| Date::new((*year)?, (*month)?, (*day)?).ok());
    dates.min_by_key(|date| {
        let days = date.since(now).map_or(i32::MAX, |span| span.get_days());
        (days > 2, days.abs())
    })
}

/// The zone behind a time: how many bytes it takes, with a blank before it.
fn zone_at(text: &[u8]) -> (usize, Option<&str>) {
    let blank = usize::from(text.first() == Some(&b' '));
    let rest = &text[blank..];
    let digits = |from: usize| rest.get(from..from + 2).is_some_and(|two| two.iter().all(u8::is_ascii_digit));
    let length = match rest.first() {
        Some(b'Z') => 1,
        Some(b'U') if rest.starts_with(b"UTC") => 3,
        Some(b'G') if rest.starts_with(b"GMT") => 3,
        Some(b'+' | b'-') if digits(1) && digits(3) => 5,
        Some(b'+' | b'-') if digits(1) && rest.get(3) == Some(&b':') && digits(4) => 6,
        Some(b'+' | b'-') if digits(1) => 3,
        _ => return (0, None),
    };
    (blank + length, std::str::from_utf8(&rest[..length]).ok())
}

fn month_number(text: &str) -> Option<i8> {
    let named = MONTHS.iter().zip(1..).find(|(name, _)| **name == text).map(|(_, number)| number);
    named.or_else(|| text.parse().ok())
}

fn offset(text: &str) -> Option<Offset> {
    if matches!(text, "Z" | "UTC" | "GMT") {
        return Some(Offset::UTC);
    }
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let (hours, minutes) = (
        digits.get(..2)?.parse::<i32>().ok()?,
        digits.get(2..).filter(|rest| !rest.is_empty()).map_or(Some(0), |rest| rest.parse::<i32>().ok())?,
    );
    let seconds = (hours * 60 + minutes) * 60;
    Offset::from_seconds(if text.starts_with('-') { -seconds } else { seconds }).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock() -> Clock {
        Clock { zone: TimeZone::UTC, now: "2026-01-05T12:00:00Z".parse().unwrap() }
    }

    #[test]
    fn every_usual_form_is_the_same_moment() {
        let forms = [
            "2025-12-24T15:07:38Z",
            "2025-12-24 15:07:38,000",
            "2025-12-24 16:07:38.000000+01:00",
            "[2025-12-24 15:07:38 +0000]",
            "2025/12/24 15:07:38",
            "24/Dec/2025:15:07:38 +0000",
            "24/Dec/2025 15:07:38",
            "Dec 24 15:07:38",
            "[Wed Dec 24 15:07:38.000000 2025]",
            "25/12/24 15:07:38 ERROR Executor: x",
            "[12/24/25 15:07:38] ERROR x",
            "12/24/2025 15:07:38",
            "24.12.2025 15:07:38",
            "Wed, 24 Dec 2025 15:07:38 GMT",
            "24-Dec-2025 15:07:38.000",
            "20251224T150738Z",
            "E1224 15:07:38.000000    7 server.py:3] x",
            "2025-12-24 15:07:38.000+00",
            "ts=1766588858.000 level=error",
            "1766588858000 x",
            "[1766588858] x",
        ];
        for form in forms {
            let found = clock().find(form.as_bytes()).unwrap();
            let time = Timestamp::from_microsecond(found.micros).unwrap();
            assert_eq!(time.to_string(), "2025-12-24T15:07:38Z", "{form}");
        }
        let today = clock().find(b"09:10:11 web.1 | x").unwrap();
        assert_eq!(Timestamp::from_microsecond(today.micros).unwrap().to_string(), "2026-01-05T09:10:11Z");
    }

    #[test]
    fn the_usual_form_is_read_as_its_pattern_reads_it() {
        let zones = ["", "Z", " Z", " UTC", "GMT", "+01", " -0130", "+01:30", " +1", " x", ": ERROR", "]"];
        let fractions = ["", ".5", ",123", ".123456789", ".1234567891", "."];
        for date in
            ["2025-12-24T15:07:38", "2025/12/24 15:07:60", "2025-02-30 15:07:38", "[2025-12-24 24:00:00"]
        {
            for (zone, fraction) in zones.iter().flat_map(|zone| fractions.map(|fraction| (zone, fraction))) {
                let text = format!("{date}{fraction}{zone} rest");
                assert_eq!(clock().find(text.as_bytes()), clock().matched(text.as_bytes()), "{text}");
            }
        }
        for time in ["24/Dec/2025:15:07:38 +0100", "24/Dec/2025:15:07:60 -0000", "31/Xyz/2025:15:07:38 +0000"]
        {
            for before in ["::1 - - [", "[", "10.0.0.7 [x] [", "10:00:01 ["] {
                let text = format!("{before}{time}] \"GET /");
                assert_eq!(clock().find(text.as_bytes()), clock().matched(text.as_bytes()), "{text}");
            }
        }
    }

    #[test]
    fn what_is_no_time_is_none() {
        assert_eq!(clock().find(b"2025-13-40T99:99:99Z"), None);
        assert_eq!(clock().find(b"nothing"), None);
        assert_eq!(Clock::from_number(17.0), None);
        let seconds = Clock::from_number(1_766_588_858.0).unwrap();
        assert_eq!(Clock::from_number(1_766_588_858_000.0).unwrap(), seconds);
    }
}
