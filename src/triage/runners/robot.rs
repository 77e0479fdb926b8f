//! Robot Framework.

use std::sync::LazyLock;

use regex::Regex;

use super::lines::{exception, number, pattern};
use super::reader::ReadRunner;
use super::{Count, RunSummary, Runner};

/// Robot Framework.
pub(super) struct Robot;

static COUNTS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^(\d+) (?:critical )?(?:tests?|tasks?)(?: total)?, (\d+) passed, (\d+) failed(?:, (\d+) skipped)?\.?$",
    )
});
static OUTCOME: LazyLock<Regex> = LazyLock::new(|| pattern(r"^(.*?)\s+\| (PASS|FAIL|SKIP) \|$"));
static ERROR: LazyLock<Regex> = LazyLock::new(|| pattern(r"^\[ ERROR \] (.*)$"));
/// Suites without tests, as pabot says it, too.
static NOTHING: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^(?:\[ ERROR \] )?(Suite '.*' contains no (?:tests|tasks).*)$"));
static IMPORT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"Error in file '([^']+)' on line \d+: (?:Importing|Resource file|Variable file).*?(?:failed: (.*)|does not exist.*)$",
    )
});

impl ReadRunner for Robot {
    fn runner(&self) -> Runner {
        Runner::Robot
    }

    fn versions(&self) -> &'static str {
        "3.2 to 7.5"
    }

    fn read(&self, lines: &[&str], named: bool) -> Option<RunSummary> {
        let Some(at) = lines.iter().rposition(|line| COUNTS.is_match(line)) else {
            let nothing = lines.iter().rposition(|line| NOTHING.is_match(line));
            let at = nothing.or_else(|| lines.iter().rposition(|line| ERROR.is_match(line)))?;
            let has_help = || lines[at..].contains(&"Try --help for usage information.");
            if !named && nothing.is_none() && !has_help() {
                return None;
            }
            let said = NOTHING.captures(lines[at]).or_else(|| ERROR.captures(lines[at]));
            let mut run = RunSummary { is_closed: false, ..RunSummary::new(Runner::Robot, at) };
            run.not_started = said.map(|found| found[1].to_owned());
            return Some(run);
        };
        let mut run = RunSummary::new(Runner::Robot, at);
        if let Some(found) = COUNTS.captures(lines[at]) {
            let count = |group| found.get(group).map_or(0, |count| number(count.as_str()));
            run.add(count(2), Count::Passed);
            run.add(count(3), Count::Failed);
            run.add(count(4), Count::Skipped);
        }
        tests(&mut run, lines);
        dotted(&mut run, lines);
        for found in lines.iter().filter_map(|line| IMPORT.captures(line)) {
            run.collection_errors.push(found[1].to_owned());
        }
        Some(run)
    }
}

/// `FAIL: Suite.name` and the message, as `--console dotted` tells of them.
fn dotted(run: &mut RunSummary, lines: &[&str]) {
    let ruled = |at: usize| at > 0 && lines[at - 1].starts_with("-----");
    for (at, line) in lines.iter().enumerate() {
        let Some(name) = line.strip_prefix("FAIL: ").filter(|_| ruled(at)) else { continue };
        let rest = &lines[at + 1..];
        let end = rest.iter().position(|line| line.starts_with("-----") || line.starts_with("====="));
        failed(run, name, &rest[..end.unwrap_or(rest.len())].join("\n"));
    }
}

/// Robot leaves the names of the commonest exceptions out.
fn failed(run: &mut RunSummary, name: &str, message: &str) {
    let (kind, message) = match exception(message.lines().next().unwrap_or_default()) {
        Some((kind, _)) => (kind, message[kind.len()..].trim_start_matches(':')),
        None => ("FAIL", message),
    };
    run.fail(name, kind, message);
}

/// `NAME | FAIL |`, and the message in the lines up to the next ruler. The same of a suite is followed by its counts.
fn tests(run: &mut RunSummary, lines: &[&str]) {
    let outcomes = lines.iter().enumerate().filter_map(|(at, line)| Some((at, OUTCOME.captures(line)?)));
    for (at, outcome) in outcomes {
        let rest = &lines[at + 1..];
        let end = rest.iter().position(|line| line.starts_with("-----") || line.starts_with("====="));
        let message = &rest[..end.unwrap_or(rest.len())];
        let is_suite = message.iter().any(|line| COUNTS.is_match(line));
        let name = outcome[1].trim();
        match &outcome[2] {
            "PASS" if !is_suite => run.passed_tests.push(name.to_owned()),
            "FAIL" if !is_suite => failed(run, name, &message.join("\n")),
            _ => {}
        }
    }
}
