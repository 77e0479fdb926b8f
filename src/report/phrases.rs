//! Small phrases for people.

use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};

use crate::model::{FailureSignature, Frame, Report};

/// A point in time with an offset from UTC in minutes, as `2026-11-24 14:05 +01:00`.
#[must_use]
pub fn date(seconds: i64, offset_minutes: i32) -> String {
    let offset = offset_minutes.checked_mul(60).and_then(|seconds| Offset::from_seconds(seconds).ok());
    match Timestamp::from_second(seconds) {
        Ok(time) => {
            let zone = TimeZone::fixed(offset.unwrap_or(Offset::UTC));
            time.to_zoned_datetime(zone).strftime("%Y-%m-%d %H:%M %:z").to_string()
        }
        Err(_) => "unknown date".to_owned(),
    }
}

/// A duration in seconds, short: `0.4 s`, `12 s`, `3 min 5 s`.
#[must_use]
pub fn duration(seconds: f64) -> String {
    if seconds < 10.0 {
        format!("{seconds:.1} s")
    } else if seconds < 120.0 {
        format!("{seconds:.0} s")
    } else {
        format!("{:.0} min {:.0} s", (seconds / 60.0).floor(), seconds % 60.0)
    }
}

/// What the commit did that a search found.
pub(super) fn did(report: &Report) -> &'static str {
    match report.culprits.first() {
        _ if report.find_fix => "fixed it",
        Some(culprit) if culprit.adds_test => "added the test, which has failed since",
        _ => "broke it",
    }
}

/// A number of bytes, short: `512 B`, `3.4 MB`, `12 GB`.
#[must_use]
pub fn size(bytes: u64) -> String {
    const UNITS: [(&str, u64); 3] = [("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1_000)];
    let Some((unit, one)) = UNITS.iter().find(|(_, one)| bytes >= *one) else { return format!("{bytes} B") };
    let tenths = bytes / (one / 10);
    if tenths < 100 {
        format!("{}.{} {unit}", tenths / 10, tenths % 10)
    } else {
        format!("{} {unit}", tenths / 10)
    }
}

/// `1 commit`, `3 commits`.
#[must_use]
pub fn plural(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// The innermost frame in the project's own files, or the innermost of all.
pub(super) fn own_frame(failure: &FailureSignature) -> Option<&Frame> {
    let own =
        |path: &str| !path.starts_with('/') && !path.starts_with('<') && !path.contains("site-packages");
    failure.frames.iter().rev().find(|frame| own(&frame.path)).or(failure.frames.last())
}

/// Where it failed, in the project's own files if possible.
pub(super) fn place(failure: &FailureSignature) -> Option<String> {
    let frame = own_frame(failure)?;
    let line = if frame.line > 0 { format!(":{}", frame.line) } else { String::new() };
    let function = frame.function.as_ref().map(|name| format!(" in {name}")).unwrap_or_default();
    Some(format!("{}{line}{function}", frame.path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phrases() {
        assert_eq!(date(1_600_000_000, 120), "2020-09-13 14:26 +02:00");
        assert_eq!(date(i64::MAX, 0), "unknown date");
        assert_eq!(date(0, i32::MAX), "1970-01-01 00:00 +00:00");
        assert_eq!(
            (duration(0.42), duration(61.2), duration(185.0)),
            ("0.4 s".into(), "61 s".into(), "3 min 5 s".into())
        );
        let sizes = [999, 1_000, 9_990_000, 10_000_000, 12_300_000_000].map(size);
        assert_eq!(sizes, ["999 B", "1.0 kB", "9.9 MB", "10 MB", "12 GB"]);
        assert_eq!((plural(1, "commit"), plural(0, "merge")), ("1 commit".into(), "0 merges".into()));
    }
}
