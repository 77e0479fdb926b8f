//! Lines with words of an error that are no events of their own: parts of another record, source code, and what
//! stands below a traceback in its record.

use std::sync::LazyLock;

use regex::bytes::Regex;

use super::classify;
use super::prefix::{self, Level};
use super::streams::Streams;
use super::window::Window;
use crate::triage::traceback::layouts::variants;

/// How far above an indented line its record is looked for.
const RECORD_WITHIN: usize = 40;
/// How far below a traceback its record may go on.
const BELOW_WITHIN: u64 = 30;

/// What is never a remark.
static GRAVE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i-u)\b(?:critical|fatal|panic(?:ked)?|segmentation fault|out of memory)\b")
        .expect("a valid pattern")
});

impl Streams {
    /// Whether a line without a level, whose words speak of an error, is none.
    pub(super) fn is_no_event(&self, window: &Window<'_>, body: &[u8], text: &[u8]) -> bool {
        is_source(window, body) || of_quiet_record(window, body) || self.is_below(window, text)
    }

    /// Whether the line stands below a traceback that a record introduced, and no other record began since: a
    /// message of several paragraphs, advice.
    fn is_below(&self, window: &Window<'_>, text: &[u8]) -> bool {
        let near = |last: &u64| *last < window.number && window.number - *last <= BELOW_WITHIN;
        let Some(last) = self.led.filter(near) else { return false };
        let between = usize::try_from(window.number - last - 1).unwrap_or(usize::MAX);
        let begins = |line: &[u8]| {
            let body = prefix::take(line).body;
            prefix::begins_record(body) || prefix::level(body).0.is_some() || self.forms.begins_record(body)
        };
        !GRAVE.is_match(text)
            && variants::raised(&String::from_utf8_lossy(text)).is_none()
            && !begins(window.line())
            && !window.before().take(between).any(begins)
    }
}

/// Whether an indented line is source code: below a frame or a warning, or cut off at the log's beginning.
fn is_source(window: &Window<'_>, body: &[u8]) -> bool {
    if !body.starts_with(b"  ") {
        return false;
    }
    let Some(above) = window.before().next() else { return window.number == 1 };
    let above = prefix::take(above).body;
    classify::is_warning(above)
        || body.starts_with(b"    ") && above.trim_ascii_start().starts_with(b"File \"")
}

/// Whether an indented line is one of a record below error: a table, a dump.
fn of_quiet_record(window: &Window<'_>, body: &[u8]) -> bool {
    if !body.first().is_some_and(|byte| matches!(byte, b' ' | b'\t' | b'\'' | b'"')) {
        return false;
    }
    let above = window.before().take(RECORD_WITHIN).map(|line| prefix::take(line).body);
    let record = above.into_iter().find(|line| prefix::begins_record(line));
    record.is_some_and(|record| prefix::level(record).0 == Some(Level::Low))
}
