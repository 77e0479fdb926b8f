//! unittest, and what prints as it does: nose, nose2, testtools, Django's serial runner, absl.

use std::sync::LazyLock;

use regex::Regex;

use super::lines::{number, pattern};
use super::reader::ReadRunner;
use super::{Count, RunSummary, Runner, parts};

/// unittest.
pub(super) struct Unittest;

static RAN: LazyLock<Regex> = LazyLock::new(|| pattern(r"^Ran (\d+) tests? in "));
static VERDICT: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^(?:OK|FAILED|PASSED|NO TESTS RAN|No Tests Found)(?: \((.*)\))?$"));
static KEYED: LazyLock<Regex> = LazyLock::new(|| pattern(r"([a-zA-Z ]+)=(\d+)"));
/// A mark for each test.
static MARKS: LazyLock<Regex> = LazyLock::new(|| pattern(r"^[.sSFExuX]+$"));
static HEADING: LazyLock<Regex> = LazyLock::new(|| pattern(r"^(FAIL|ERROR): (\S+)(?: \(([^)]*)\))?"));
/// `test_a (tests.T.test_a) ... ok`, under `-v`.
static VERBOSE: LazyLock<Regex> = LazyLock::new(|| pattern(r"^(\S+) \(([^)]+)\)(?:.*)? \.\.\. ok$"));

impl ReadRunner for Unittest {
    fn runner(&self) -> Runner {
        Runner::Unittest
    }

    fn versions(&self) -> &'static str {
        "Python 2.7 to 3.14; nose 1.3 (pynose 1.5), nose2 0.16, Django 1.11 to 5.2, testtools 2, html-testRunner 1"
    }

    fn read(&self, lines: &[&str], named: bool) -> Option<RunSummary> {
        let ends: Vec<(usize, u32)> = lines
            .iter()
            .enumerate()
            .filter_map(|(at, line)| Some((at, number(&RAN.captures(line)?[1]))))
            .collect();
        let &(at, _) = ends.last()?;
        let is_in_turn = ends.len() > 1 && !named && parts::in_turn(lines, &ends);
        let sum = if is_in_turn { sum_of(lines, &ends) } else { None };
        let mut run = sum.unwrap_or_else(|| counts(Runner::Unittest, lines, at));
        ids(&mut run, lines);
        Some(run)
    }
}

/// The sum of runs that end there; `None` where one was cut off.
fn sum_of(lines: &[&str], ends: &[(usize, u32)]) -> Option<RunSummary> {
    let next = ends.iter().skip(1).map(|&(next, _)| next).chain([lines.len()]);
    let runs = ends.iter().zip(next).map(|(&(at, _), next)| counts(Runner::Unittest, &lines[..next], at));
    let runs: Vec<RunSummary> = runs.collect();
    if runs.iter().all(|run| run.is_closed) { parts::sum(runs) } else { None }
}

/// The counts behind `Ran N tests`.
pub(super) fn counts(runner: Runner, lines: &[&str], at: usize) -> RunSummary {
    let mut run = RunSummary::new(runner, at);
    let ran = RAN.captures(lines[at]).map_or(0, |found| number(&found[1]));
    let verdict = lines[at..].iter().skip(1).find_map(|line| VERDICT.captures(line));
    let details = verdict.as_ref().and_then(|found| found.get(1)).map_or("", |text| text.as_str());
    // HtmlTestRunner prints the counts below the verdict.
    let below =
        lines[at..].iter().skip_while(|line| !VERDICT.is_match(line)).nth(1).map_or("", |line| line.trim());
    let below =
        below.strip_prefix('(').and_then(|below| below.strip_suffix(')')).filter(|_| details.is_empty());
    let details = below.unwrap_or(details);
    let mut others = 0_u32;
    for found in KEYED.captures_iter(details) {
        let what = match found[1].trim().to_ascii_lowercase().as_str() {
            "failures" => Count::Failed,
            "errors" => Count::Error,
            "skipped" | "skips" | "skip" => Count::Skipped,
            "expected failures" | "expectedfailures" => Count::ExpectedFailure,
            "unexpected successes" | "unexpectedsuccesses" => Count::UnexpectedPass,
            _ => continue,
        };
        run.add(number(&found[2]), what);
        others = others.saturating_add(number(&found[2]));
    }
    // testtools says `OK` alone: what was skipped stands in the line of marks.
    let marks = lines[..at].iter().rev().take(3).find(|line| MARKS.is_match(line));
    if let Some(marks) = marks.filter(|marks| run.skipped == 0 && u32::try_from(marks.len()) == Ok(ran)) {
        let skipped = marks.bytes().filter(|mark| matches!(mark, b's' | b'S')).count();
        run.skipped = u32::try_from(skipped).unwrap_or_default();
        others = others.saturating_add(run.skipped);
    }
    run.is_closed = verdict.is_some();
    run.interrupted = verdict.is_none();
    run.passed = ran.saturating_sub(others);
    run
}

fn ids(run: &mut RunSummary, lines: &[&str]) {
    let rulers = lines.windows(2).filter(|pair| pair[0].starts_with("====="));
    for found in rulers.filter_map(|pair| HEADING.captures(pair[1])) {
        let (name, class) = (&found[2], found.get(3).map_or("", |class| class.as_str()));
        if class.contains("_FailedTest") || class.contains("ModuleImportFailure") {
            run.collection_errors.push(name.to_owned());
        } else if name == "Failure:" {
            // nose: a module that it could not import, under the name of the exception.
            run.collection_errors.push(class.to_owned());
        } else {
            let list = if &found[1] == "FAIL" { &mut run.failed_tests } else { &mut run.error_tests };
            list.push(id(name, class));
        }
    }
    for found in lines.iter().filter_map(|line| VERBOSE.captures(line)) {
        run.passed_tests.push(id(&found[1], &found[2]));
    }
}

fn id(name: &str, class: &str) -> String {
    match class {
        "" => name.to_owned(),
        _ if class.ends_with(&format!(".{name}")) => class.to_owned(),
        _ => format!("{class}.{name}"),
    }
}
