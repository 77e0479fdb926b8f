//! Lines that tell once more of what was just counted: `fatal: …` behind `[ERROR]: …`, `<Greenlet …> failed with
//! ValueError` behind its traceback.

use std::collections::VecDeque;
use std::sync::LazyLock;

use regex::Regex;

use crate::model::LogEventKind;

/// Events that are remembered.
const MOST: usize = 8;
/// How many lines behind an event its message is still the same failure's.
const WITHIN: u64 = 30;
/// How many lines behind a traceback its bare type is.
const NEAR: u64 = 3;
/// What a program says of its own job behind the traceback of what it started (Snakemake 9): neither type nor message of a
/// failure, and a hint to look above.
static OUTCOME: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"^(?:(?:Rule|Workflow)(?:Exception|Error)(?: in .*)?:$|CalledProcessError in file |Error in (?:rule|checkpoint|group) \S+:$|Exiting because a job execution failed\b)|\b[Ll]ook above\b",
    )
    .expect("a valid pattern")
});
/// A message must say something.
const SHORTEST: usize = 8;

#[derive(Debug)]
struct Event {
    source: usize,
    last: u64,
    kind: Option<String>,
    headline: String,
}

/// The latest events.
#[derive(Debug, Default)]
pub(super) struct Told {
    latest: VecDeque<Event>,
}

impl Told {
    /// Remembers an event that was counted.
    pub(super) fn add(&mut self, source: usize, last: u64, exception: Option<&str>, headline: &str) {
        if self.latest.len() >= MOST {
            self.latest.pop_front();
        }
        let kind = exception.map(|kind| kind.rsplit('.').next().unwrap_or(kind).to_owned());
        self.latest.push_back(Event { source, last, kind, headline: headline.to_owned() });
    }

    /// Whether this line says no more than one of them.
    pub(super) fn again(&self, source: usize, number: u64, kind: LogEventKind, text: &str) -> bool {
        self.latest.iter().rev().filter(|event| event.source == source && event.last <= number).any(|event| {
            let behind = number - event.last;
            let repeated = event.headline.len() >= SHORTEST && text.contains(&event.headline);
            match &event.kind {
                Some(name) => {
                    behind <= WITHIN && (repeated || kind == LogEventKind::Word && OUTCOME.is_match(text))
                        || behind <= NEAR
                            && (bare(text, name, &event.headline)
                                || is_unhandled(text)
                                || is_offer(kind, text))
                }
                None => {
                    behind <= WITHIN
                        && repeated
                        && kind == LogEventKind::Word
                        && text.len() > event.headline.len()
                }
            }
        })
    }
}

/// Whether the text says no more than that nobody caught it: what PyInstaller writes behind a traceback.
fn is_unhandled(text: &str) -> bool {
    text.contains("unhandled exception") && text.len() < 120
}

/// Whether a line without a level asks something of whoever reads it: Hamilton's `Need help …?`
fn is_offer(kind: LogEventKind, text: &str) -> bool {
    kind == LogEventKind::Word && text.trim_end().ends_with('?')
}

/// Whether the text names the type, and no other message behind it.
fn bare(text: &str, name: &str, headline: &str) -> bool {
    text.match_indices(name).any(|(at, _)| {
        let before = text[..at].chars().next_back().is_none_or(|c| !c.is_alphanumeric() && c != '_');
        let behind = &text[at + name.len()..];
        let after = behind.chars().next().is_none_or(|c| !c.is_alphanumeric() && c != '_');
        let message = behind.strip_prefix(": ").is_none_or(|message| message.starts_with(headline));
        before && after && message
    })
}
