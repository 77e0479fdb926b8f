//! How tests read logs.

use std::io::Cursor;

use jiff::tz::TimeZone;
use pybisect::triage::log::{Clock, LogOptions, LogReader, RepositoryFiles};

/// A failure of the program whose logs are read.
pub(crate) const TRACEBACK: &str = "Traceback (most recent call last):
  File \"/srv/kiosk/kiosk/web.py\", line 7, in show_rate
    return str(rate_of(request[\"item\"]))
               ^^^^^^^^^^^^^^^^^^^^^^^^
  File \"/srv/kiosk/kiosk/ledger.py\", line 8, in parse_rate
    raise ValueError(f\"not a rate: {text}\")
ValueError: not a rate: four";

/// Everything, in UTC, seen on an afternoon in 2026, with so many lines around each error.
pub(crate) fn log_options(around: usize) -> LogOptions {
    LogOptions {
        clock: Clock { zone: TimeZone::UTC, now: "2026-11-28T16:00:00Z".parse().unwrap() },
        since: None,
        new_since: None,
        around,
        grep: None,
        files: RepositoryFiles::default(),
    }
}

/// Exception, message, count and innermost line of each group.
pub(crate) fn read_groups(text: impl AsRef<[u8]>) -> Vec<(String, String, u64, u32)> {
    let mut reader = LogReader::new(log_options(2));
    reader.read("app.log", &mut Cursor::new(text.as_ref()));
    let groups = reader.finish().groups.into_iter().map(|group| {
        let line = group.place().map_or(0, |place| place.frame.line);
        (group.exception.unwrap_or_default(), group.message, group.count, line)
    });
    groups.collect()
}
