//! What a trial shows, in words: reasons of skips.

use std::sync::LazyLock;

use regex::Regex;

use super::message_shape::within_tree;
use super::runners::{Part, RunSummary, Runner};
use super::signature::ParsedOutput;
use crate::model::{FailureKind, FailureSignature, TrialOutput};

/// The last line that a command wrote, behind a colon.
pub(super) fn last_words(output: &TrialOutput) -> String {
    let texts = [&output.stderr.text, &output.stdout.text];
    let last = texts.into_iter().find_map(|text| text.trim_end().lines().next_back());
    last.map(|line| format!(": {}", line.trim())).unwrap_or_default()
}

/// What a POSIX shell says of words that only bash knows.
pub(super) fn not_of_sh(output: &TrialOutput) -> Option<String> {
    static SAID: LazyLock<Option<Regex>> = LazyLock::new(|| {
        let words =
            r"\[\[: not found|source: not found|set: Illegal option -o \S+|Bad substitution|Syntax error: .*";
        Regex::new(&format!(r"(?m)^(?:\S*/)?(?:ba|da)?sh: (?:\d+: )?(?:\S+: \d+: )?((?:{words}))$")).ok()
    });
    Some(SAID.as_ref()?.captures(&output.stderr.text)?[1].to_owned())
}

/// What a run printed last, where bad printed something else last.
pub(super) fn other_closing(target: &FailureSignature, seen: &FailureSignature) -> String {
    let words = |failure: &FailureSignature| match failure.message.as_str() {
        "" => format!("nothing but {}", failure.kind),
        message => format!("'{message}' ({})", failure.kind),
    };
    format!("different failure: bad closes with {}, this with {}", words(target), words(seen))
}

pub(super) fn nothing_passed(summary: &RunSummary) -> String {
    let counts = [
        (summary.skipped, "skipped"),
        (summary.deselected, "deselected"),
        (summary.xfailed, "failed as expected"),
    ];
    let parts: Vec<String> = counts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    match parts.as_slice() {
        [] if summary.anything_failed() => "no test passed".to_owned(),
        [] => "no tests ran".to_owned(),
        parts => format!("no test passed: {}", parts.join(", ")),
    }
}

/// Why a command that ends with status 0 says nothing where it makes several runs: the one that fails at bad ran nothing,
/// or is not there. Where they end `in_any_order`, as many have to pass something as did anything at bad.
pub(super) fn run_in_vain(at_bad: &[Part], here: &[Part], in_any_order: bool) -> Option<String> {
    let of = |parts: &[Part], runner| parts.iter().filter(|part| part.runner == runner).copied().collect();
    const SUMMED: [Runner; 2] = [Runner::Pytest, Runner::Unittest];
    // What hides all that passes tells by itself that it did.
    if !here.iter().any(|part| SUMMED.contains(&part.runner)) {
        return None;
    }
    for runner in SUMMED {
        let (bad, own): (Vec<Part>, Vec<Part>) = (of(at_bad, runner), of(here, runner));
        if !bad.iter().any(|part| part.failed) || at_bad.len().max(here.len()) < 2 {
            continue;
        }
        if own.len() < bad.len() {
            return Some(format!("runs of {runner}: {} at bad, {} here", bad.len(), own.len()));
        }
        let passed = own.iter().filter(|part| part.passed).count();
        if in_any_order && passed < bad.iter().filter(|part| part.passed || part.failed).count() {
            let runs = own.len();
            return Some(format!(
                "of {runs} runs of {runner}, which end in any order, {passed} passed something"
            ));
        }
        let failing = bad.iter().zip(&own).position(|(bad, own)| bad.failed && !own.passed);
        if let Some(at) = failing {
            return Some(format!("of {} runs of {runner}, nothing passed in number {}", own.len(), at + 1));
        }
    }
    None
}

/// The module that the run could not find, as the interpreter says.
pub(super) fn missing_module(output: &TrialOutput) -> Option<String> {
    static SAID: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"No module named '?([A-Za-z_][\w.]*)'?").ok());
    let texts = [&output.stdout.text, &output.stderr.text];
    let found = texts.into_iter().find_map(|text| SAID.as_ref()?.captures_iter(text).last())?;
    Some(found[1].trim_end_matches('.').to_owned())
}

/// What pytest says of its command line. Old versions end with status 2 then, as where tests cannot be collected.
pub(super) fn usage_error(output: &TrialOutput) -> Option<String> {
    static SAID: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(r"(?m)^\S*(?:py\.?test|__main__|ERROR)\S*: (?:error: )?((?:unrecognized arguments?|no such option|argument |ambiguous option).*)$").ok()
    });
    let texts = [&output.stderr.text, &output.stdout.text];
    let found = texts.into_iter().find_map(|text| SAID.as_ref()?.captures(text))?;
    Some(found[1].trim_end().to_owned())
}

pub(super) fn not_runnable(code: i32, output: &TrialOutput, reading: &ParsedOutput) -> String {
    let what = match code {
        2 => "could not collect the tests",
        3 => "internal error of pytest",
        4 => "pytest could not start",
        _ => "no tests were found",
    };
    match reading.failures.first() {
        Some(failure) if matches!(failure.kind, FailureKind::Exception(_)) => {
            format!("{what}: {}", one_line(failure))
        }
        _ => match (missing_module(output), usage_error(output)) {
            (Some(module), _) => format!("{what}: No module named '{module}'"),
            (None, Some(error)) => format!("pytest could not start: {error}"),
            // Of a name that is not there, unittest prints no traceback.
            (None, None) if code == 2 && !reading.closing.message.is_empty() => {
                format!("{what}: {}", reading.closing.message)
            }
            (None, None) => format!("{what} (exit status {code})"),
        },
    }
}

/// A failure in at most about a hundred characters.
pub(super) fn one_line(failure: &FailureSignature) -> String {
    const MOST: usize = 100;
    let text = within_tree(&failure.to_string());
    let line = text.lines().next().unwrap_or_default();
    let line = match line.char_indices().nth(MOST) {
        Some((cut, _)) => format!("{}…", &line[..cut]),
        None => line.to_owned(),
    };
    let logged: Vec<String> = failure.logged.iter().map(ToString::to_string).collect();
    if logged.is_empty() { line } else { format!("{line} (logged: {})", logged.join(", ")) }
}
