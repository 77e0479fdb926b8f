//! How logs are read.

use regex::bytes::Regex;

use super::timestamps::Clock;

/// What does not change while reading.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) clock: Clock,
    pub(super) since: Option<i64>,
    pub(super) new_since: Option<i64>,
    pub(super) around: usize,
    pub(super) grep: Option<Regex>,
}
