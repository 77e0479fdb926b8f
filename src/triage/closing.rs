//! The closing lines of a run whose failure no reader knows: what is compared then.
//!
//! Of each stream the last line counts that speaks of a failure, or else its last line. What differs from one run of
//! the same failure to the next (numbers, paths, times, addresses) is abstracted.

use std::sync::LazyLock;

use regex::Regex;

use super::redact::redact;
use super::runners::counts_tests;
use super::{ansi, message_shape};
use crate::model::TrialOutput;

/// So many of the last lines of a stream may speak of the failure.
const LAST: usize = 20;
/// Longest line that is shown, in characters.
const MOST: usize = 160;

/// What a run printed last.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Closing {
    /// The most telling line; empty when nothing was printed.
    pub message: String,
    /// A line of each stream without its changing parts; empty when nothing was printed.
    pub shape: String,
}

static SPEAKS: LazyLock<Regex> = LazyLock::new(|| {
    let words = "error|errors|fail|failed|failing|fails|failure|failures|fatal|exception|abort|aborted|panic|cannot|can't|\
                 could not|unable|invalid|expected|unexpected|mismatch|differs?|denied|refused|missing|not found|no such|\
                 not reached|less than|below|too (?:low|high|few|many)|wrong|broken|timed? ?out|killed|crash(?:ed)?|\
                 traceback|assert(?:ion)?";
    Regex::new(&format!(r"(?i)\b(?:{words})\b|Error\b|Exception\b")).expect("a valid pattern")
});
/// What a wrapper adds of the status that it saw: it says nothing of the failure.
static WRAPPER: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"^(?:g?make(?:\[\d+\])?: \*\*\* |error: [Rr]ecipe `|\s*\S+: (?:FAIL|exit|OK) (?:code )?\d*\s*[✖✔(]|\s*evaluation failed :\(|nox > |npm ERR!|\s*congratulations)",
    )
    .expect("a valid pattern")
});

/// What a run printed last.
#[must_use]
pub fn closing(output: &TrialOutput) -> Closing {
    let streams = [&output.stdout.text, &output.stderr.text].map(|text| telling(text));
    let is_own = |line: &&String| !WRAPPER.is_match(line);
    let told = streams.iter().flatten().filter(|line| SPEAKS.is_match(line)).find(is_own);
    let any = streams.iter().flatten().find(is_own).or(streams.iter().flatten().next());
    let message = message_shape::within_tree(told.or(any).map_or("", |line| line.trim()));
    let message = match message.char_indices().nth(MOST) {
        Some((cut, _)) => format!("{}…", &message[..cut]),
        None => message,
    };
    let shapes: Vec<String> = streams.iter().flatten().map(|line| message_shape::shape(line)).collect();
    Closing { message, shape: shapes.join("\n") }
}

/// The line of a stream that tells most.
fn telling(text: &str) -> Option<String> {
    let clean = ansi::strip(text);
    let last: Vec<&str> = clean.lines().rev().filter(|line| !line.trim().is_empty()).take(LAST).collect();
    let is_own = |line: &&&str| !WRAPPER.is_match(line);
    let speaking = || last.iter().filter(|line| SPEAKS.is_match(line));
    let told = speaking().filter(is_own).find(|line| !counts_tests(line));
    let told = told.or_else(|| speaking().find(is_own)).or_else(|| speaking().next()).or(last.first());
    told.map(|line| redact(line).into_owned())
}
