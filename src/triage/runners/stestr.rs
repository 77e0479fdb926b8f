//! stestr, which prints tracebacks indented and its totals with status 1 also where nothing ran.

use std::sync::LazyLock;

use regex::Regex;

use super::lines::{exception, number, pattern};
use super::reader::ReadRunner;
use super::{Count, RunSummary, Runner};

/// stestr.
pub(super) struct Stestr;

static RAN: LazyLock<Regex> = LazyLock::new(|| pattern(r"^Ran: (\d+) tests? in "));
static COUNT: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^ - (Passed|Skipped|Expected Fail|Unexpected Success|Failed): (\d+)$"));
static OUTCOME: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^\{\d+\} (\S+(?:\(.*\))?)(?: \[[\d.]*s?\])? \.\.\. (FAILED|ok)\b"));
/// What it says where no test is there, or none is left by the filter.
const NOTHING: [&str; 2] =
    ["The test run didn't actually run any tests", "The specified regex doesn't match with anything"];

impl ReadRunner for Stestr {
    fn runner(&self) -> Runner {
        Runner::Stestr
    }

    fn versions(&self) -> &'static str {
        "2.0 to 4.2"
    }

    fn read(&self, lines: &[&str], _named: bool) -> Option<RunSummary> {
        let Some(at) = lines.iter().rposition(|line| RAN.is_match(line)) else {
            let at = lines.iter().rposition(|line| NOTHING.contains(line))?;
            return Some(RunSummary::new(Runner::Stestr, at));
        };
        let mut run = RunSummary::new(Runner::Stestr, at);
        for found in lines[at..].iter().filter_map(|line| COUNT.captures(line)) {
            let what = match &found[1] {
                "Passed" => Count::Passed,
                "Skipped" => Count::Skipped,
                "Expected Fail" => Count::ExpectedFailure,
                "Unexpected Success" => Count::UnexpectedPass,
                _ => Count::Failed,
            };
            run.add(number(&found[2]), what);
        }
        let starts = lines.iter().enumerate().filter_map(|(at, line)| Some((at, OUTCOME.captures(line)?)));
        for (at, outcome) in starts {
            let test = &outcome[1];
            if &outcome[2] == "ok" {
                run.passed_tests.push(test.to_owned());
                continue;
            }
            let (kind, message) = failure(&lines[at + 1..]).unwrap_or(("FAILED", String::new()));
            run.fail(test, kind, &message);
            if let Some((_, module)) = test.split_once("._FailedTest.") {
                run.collection_errors.push(module.to_owned());
            }
        }
        run.failed_tests.retain(|test| !test.contains("._FailedTest."));
        Some(run)
    }
}

/// The exception at the end of a captured traceback: its line and what follows, less indented than the frames.
fn failure<'t>(lines: &[&'t str]) -> Option<(&'t str, String)> {
    let end = lines.iter().position(|line| line.starts_with('{') || line.starts_with("====="));
    let block = &lines[..end.unwrap_or(lines.len())];
    let begins = block.iter().position(|line| *line == "Captured traceback:")?;
    let block = &block[begins + 2..];
    let mut found: Option<(&str, Vec<&str>)> = None;
    for line in block {
        if line.starts_with("Captured ") {
            break;
        }
        let text = line.strip_prefix("    ").unwrap_or(line);
        if let Some((kind, message)) = exception(text) {
            found = Some((kind, vec![message]));
        } else if text.trim_start().starts_with("File \"") || text.starts_with("Traceback (") {
            found = None;
        } else if let Some((_, message)) = &mut found {
            message.push(text);
        }
    }
    found.map(|(kind, message)| (kind, message.join("\n")))
}
