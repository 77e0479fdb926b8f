//! TestSlide.

use std::sync::LazyLock;

use regex::Regex;

use super::lines::{exception, number, pattern};
use super::reader::ReadRunner;
use super::{Count, RunSummary, Runner};

/// TestSlide.
pub(super) struct TestSlide;

static END: LazyLock<Regex> = LazyLock::new(|| pattern(r"^Executed (\d+) examples? in "));
/// A drawing stands to the right.
static COUNT: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^  (Successful|Failed|Skipped|Not executed): (\d+)\b"));
static TEST: LazyLock<Regex> = LazyLock::new(|| pattern(r"^  \d+\) (.+)$"));
static CAUSE: LazyLock<Regex> = LazyLock::new(|| pattern(r"^    \d+\) (.+)$"));
static PROGRESS: LazyLock<Regex> = LazyLock::new(|| pattern(r"^[.FSX]+$"));

impl ReadRunner for TestSlide {
    fn runner(&self) -> Runner {
        Runner::TestSlide
    }

    fn versions(&self) -> &'static str {
        "2.0 to 2.7"
    }

    fn read(&self, lines: &[&str], named: bool) -> Option<RunSummary> {
        let mut run = match lines.iter().rposition(|line| END.is_match(line)) {
            Some(at) => counted(lines, at),
            None => lines
                .iter()
                .position(|line| named && PROGRESS.is_match(line))
                .map(|at| marked(lines[at], at))?,
        };
        let mut test = "";
        for line in lines {
            if let Some(found) = CAUSE.captures(line).and_then(|found| found.get(1)) {
                if let Some((kind, message)) = exception(found.as_str()) {
                    run.fail(test, kind, message);
                }
            } else if let Some(found) = TEST.captures(line).and_then(|found| found.get(1)) {
                test = found.as_str();
            }
        }
        Some(run)
    }
}

fn counted(lines: &[&str], at: usize) -> RunSummary {
    let mut run = RunSummary::new(Runner::TestSlide, at);
    for found in lines[at..].iter().filter_map(|line| COUNT.captures(line)) {
        let what = match &found[1] {
            "Successful" => Count::Passed,
            "Failed" => Count::Failed,
            "Skipped" => Count::Skipped,
            _ => Count::Deselected,
        };
        run.add(number(&found[2]), what);
    }
    run
}

/// `--format progress`: a mark for each example, and no counts.
fn marked(marks: &str, at: usize) -> RunSummary {
    let mut run = RunSummary::new(Runner::TestSlide, at);
    for mark in marks.chars() {
        let what = match mark {
            '.' => Count::Passed,
            'F' => Count::Failed,
            _ => Count::Skipped,
        };
        run.add(1, what);
    }
    run
}
