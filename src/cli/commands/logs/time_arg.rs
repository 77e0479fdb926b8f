//! Points in time as people type them.

use std::sync::LazyLock;

use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use regex::Regex;

/// What can be typed.
pub(super) const HINT: &str = "a time is '2026-11-24 15:07', '2026-11-24T15:07:00Z', '15:07' (today), '2026-11-24', 'yesterday' or '10 min ago'";

static AGO: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^(\d{1,9}) ?(s|sec|secs|seconds?|m|min|mins|minutes?|h|hours?|d|days?|w|weeks?)(?: ago)?$")
        .expect("a valid pattern")
});

/// The time that is meant; `None` when it is none.
pub(super) fn parse(text: &str, zone: &TimeZone, now: Timestamp) -> Option<Timestamp> {
    let text = text.trim();
    let local = |time: DateTime| zone.to_timestamp(time).ok();
    let today = zone.to_datetime(now).date();
    if let Some(found) = AGO.captures(text) {
        let count: i64 = found[1].parse().ok()?;
        let unit = match found[2].as_bytes().first()? {
            b's' => 1,
            b'm' => 60,
            b'h' => 3_600,
            b'd' => 86_400,
            _ => 7 * 86_400,
        };
        return now.checked_sub(Span::new().try_seconds(count.checked_mul(unit)?).ok()?).ok();
    }
    match text {
        "now" => return Some(now),
        "today" => return local(today.to_datetime(Time::midnight())),
        "yesterday" => return local(today.yesterday().ok()?.to_datetime(Time::midnight())),
        _ => {}
    }
    let as_time = text.parse::<Timestamp>().ok();
    let as_local = || text.parse::<DateTime>().ok().and_then(local);
    // Four digits alone are a commit's or a tag's name rather than a time.
    let as_clock = || {
        (!text.contains('-') && text.contains(':'))
            .then(|| text.parse::<Time>().ok())
            .flatten()
            .and_then(|time| local(today.to_datetime(time)))
    };
    as_time.or_else(as_clock).or_else(|| text.contains('-').then(as_local).flatten())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_as_people_type_them() {
        let now: Timestamp = "2026-11-24T15:00:00Z".parse().unwrap();
        let cases = [
            ("10 min ago", "2026-11-24T14:50:00Z"),
            ("2h", "2026-11-24T13:00:00Z"),
            ("1 day ago", "2026-11-23T15:00:00Z"),
            ("14:30", "2026-11-24T14:30:00Z"),
            ("yesterday", "2026-11-23T00:00:00Z"),
            ("2026-11-20", "2026-11-20T00:00:00Z"),
            ("2026-11-20 08:09", "2026-11-20T08:09:00Z"),
            ("2026-11-20T08:09:10+02:00", "2026-11-20T06:09:10Z"),
        ];
        for (text, expected) in cases {
            let time = parse(text, &TimeZone::UTC, now).map(|time| time.to_string());
            assert_eq!(time.as_deref(), Some(expected), "{text}");
        }
        for text in ["v1.4", "main", "20261124", "1234567", "soon", "", "99999999999 days ago"] {
            assert_eq!(parse(text, &TimeZone::UTC, now), None, "{text}");
        }
    }
}
