//! How tests read logs.

use jiff::tz::TimeZone;
use pybisect::triage::log::{Clock, LogOptions, RepositoryFiles};

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
