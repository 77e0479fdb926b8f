//! What several readers need.

use std::sync::LazyLock;

use regex::Regex;

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

/// A number of a runner's counts.
pub(super) fn number(text: &str) -> u32 {
    text.parse().unwrap_or(u32::MAX)
}
