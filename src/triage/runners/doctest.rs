//! The standard library's doctest. Without `-v` it prints nothing when all examples pass, as when there are none.

use std::sync::LazyLock;

use regex::Regex;

use super::lines::{add_counts, exception, number, pattern};
use super::reader::ReadRunner;
use super::{Count, RunSummary, Runner};

/// doctest.
pub(super) struct Doctest;

/// `3 passed and 1 failed.`; since Python 3.13 also `3 passed.` and `1 passed and 2 skipped.`
static COUNTS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"^\d+ (?:passed|failed|skipped)(?:(?:,| and) \d+ (?:passed|failed|skipped))*\.$")
});
static FAILED: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^\*\*\*Test Failed\*\*\* (\d+) failures?(?:.*)\.$"));
static ITEMS: LazyLock<Regex> = LazyLock::new(|| pattern(r"^\d+ items? (?:had no tests|passed all tests):$"));
static PLACE: LazyLock<Regex> = LazyLock::new(|| pattern(r#"^File "[^"]*", line \d+, in (\S+)$"#));

impl ReadRunner for Doctest {
    fn runner(&self) -> Runner {
        Runner::Doctest
    }

    fn versions(&self) -> &'static str {
        "Python 3.8 to 3.14"
    }

    fn read(&self, lines: &[&str], _named: bool) -> Option<RunSummary> {
        let failed = lines.iter().rposition(|line| FAILED.is_match(line));
        let passed = lines.iter().rposition(|line| *line == "Test passed.");
        let at = failed.max(passed)?;
        let mut run = RunSummary::new(Runner::Doctest, at);
        let counts = lines[..at].iter().rev().take(2).find(|line| COUNTS.is_match(line));
        match counts {
            Some(counts) => add_counts(&mut run, counts),
            None => {
                let count = FAILED.captures(lines[at]).map_or(0, |found| number(&found[1]));
                run.add(count, Count::Failed);
            }
        }
        // Python 3.13 counts an example that is skipped as one that passed: then none stands above the counts.
        let first = lines.iter().find(|line| !line.is_empty());
        if run.failed == 0 && first.is_some_and(|line| ITEMS.is_match(line)) {
            let skipped = std::mem::take(&mut run.passed);
            run.add(skipped, Count::Skipped);
        }
        examples(&mut run, lines);
        Some(run)
    }
}

/// `File …, in NAME`, `Failed example:`, its source, and what came of it.
fn examples(run: &mut RunSummary, lines: &[&str]) {
    let places = lines.iter().enumerate().filter_map(|(at, line)| Some((at, PLACE.captures(line)?)));
    for (at, place) in places {
        let block = &lines[at + 1..];
        if block.first() != Some(&"Failed example:") {
            continue;
        }
        let end = block.iter().position(|line| line.starts_with("*****")).unwrap_or(block.len());
        let block = &block[1..end];
        let source: Vec<&str> = block.iter().map_while(|line| line.strip_prefix("    ")).collect();
        let raised = block.iter().position(|line| *line == "Exception raised:");
        let raised = raised.and_then(|at| block[at..].iter().rev().find_map(|line| exception(line.trim())));
        let message = match raised {
            Some((kind, message)) => format!("{} raised {kind}: {message}", source.join("\n")),
            None => source.join("\n"),
        };
        run.fail(&place[1], "DocTestFailure", &message);
    }
}
