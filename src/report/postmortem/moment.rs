//! Something that happened, and when.

use super::Prose;
use crate::report::phrases::date;

/// Something that happened.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::report) struct Moment {
    /// When, seconds since 1970-01-01 UTC; `None` where only its place in the order is known.
    pub(in crate::report) at: Option<i64>,
    /// When, for people.
    pub(in crate::report) when: String,
    /// What.
    pub(in crate::report) what: Prose,
    /// Whether that is bad, or good.
    pub(in crate::report) tone: Tone,
}

/// Whether what happened is bad, or good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::report) enum Tone {
    /// Something breaks, or is broken.
    Bad,
    /// Something is well, or mended.
    Good,
    /// Neither.
    Plain,
}

impl Moment {
    /// At a point in time, told with an offset from UTC in minutes.
    pub(super) fn at(at: i64, offset: i32, tone: Tone, what: Prose) -> Self {
        Self { at: Some(at), when: date(at, offset), what, tone }
    }

    /// Some time, after what was told before.
    pub(super) const fn some_time(what: Prose) -> Self {
        Self { at: None, when: String::new(), what, tone: Tone::Plain }
    }
}
