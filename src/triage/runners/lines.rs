//! What several readers need.

use std::sync::LazyLock;

use regex::Regex;

use super::{Count, RunSummary};

pub(super) fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a valid pattern")
}

static EXCEPTION: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^((?:[A-Za-z_]\w*\.)*[A-Za-z_]*(?:Error|Exception|Warning|Interrupt|Exit|Failure|Iteration|Timeout|Group|Failed|Skipped|Mismatch)\w*|(?:[a-z_]\w*\.)+[A-Z]\w*)(?::(?: (.*))?)?$",
    )
});

/// `Type: message` or `Type` alone, where the type is named as exceptions are.
pub(super) fn exception(line: &str) -> Option<(&str, &str)> {
    let found = EXCEPTION.captures(line)?;
    Some((found.get(1)?.as_str(), found.get(2).map_or("", |message| message.as_str().trim())))
}

/// Add what doctest and xdoctest count in a line: `3 passed, 1 failed`.
pub(super) fn add_counts(run: &mut RunSummary, line: &str) {
    static COUNT: LazyLock<Regex> = LazyLock::new(|| pattern(r"(\d+) (passed|failed|skipped)"));
    for found in COUNT.captures_iter(line) {
        let what = match &found[2] {
            "passed" => Count::Passed,
            "failed" => Count::Failed,
            _ => Count::Skipped,
        };
        run.add(number(&found[1]), what);
    }
}

/// A number of a runner's counts.
pub(super) fn number(text: &str) -> u32 {
    text.parse().unwrap_or(u32::MAX)
}
