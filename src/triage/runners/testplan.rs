//! Testplan: the report is a tree of outcomes, `[name] -> Passed`, each below its parts; there are no counts.

use std::sync::LazyLock;

use regex::Regex;

use super::lines::pattern;
use super::reader::ReadRunner;
use super::{Count, RunSummary, Runner};

/// Testplan.
pub(super) struct Testplan;

static OUTCOME: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^( *)\[(.+)\] -> (Passed|Failed|Error|Skipped|Unknown|Incomplete|Xfail|Xpass|Xpass-strict|Unstable)$",
    )
});

impl ReadRunner for Testplan {
    fn runner(&self) -> Runner {
        Runner::Testplan
    }

    fn versions(&self) -> &'static str {
        "25.8"
    }

    fn read(&self, lines: &[&str], _named: bool) -> Option<RunSummary> {
        let at = lines.iter().rposition(|line| OUTCOME.is_match(line))?;
        let mut run = RunSummary::new(Runner::Testplan, at);
        // The plan itself is not indented, and stands last.
        run.is_closed = lines[at].starts_with('[');
        let mut above = 0;
        let mut details: Vec<&str> = Vec::new();
        for line in &lines[..=at] {
            let Some(found) = OUTCOME.captures(line) else {
                details.push(line);
                continue;
            };
            let depth = found[1].len();
            // What stands below something deeper sums that up.
            if depth >= above {
                outcome(&mut run, &found[2], &found[3], depth, &details);
            }
            details.clear();
            above = depth;
        }
        Some(run)
    }
}

/// One test's outcome. Of what it asserted, the lines that are deeper stand above it.
fn outcome(run: &mut RunSummary, name: &str, word: &str, depth: usize, details: &[&str]) {
    let what = match word {
        "Passed" => Count::Passed,
        "Skipped" => Count::Skipped,
        "Xfail" => Count::ExpectedFailure,
        "Xpass" => Count::UnexpectedPass,
        // A part without a test in it.
        "Unknown" => return,
        "Error" | "Incomplete" => Count::Error,
        _ => Count::Failed,
    };
    run.add(1, what);
    match what {
        Count::Passed => run.passed_tests.push(name.to_owned()),
        Count::Failed | Count::Error => {
            let is_own = |line: &&&str| line.len() - line.trim_start().len() > depth;
            let own = details.iter().filter(is_own).map(|line| line.trim());
            let failed = own.filter(|line| line.ends_with(" - Fail") || line.contains("Error: "));
            run.fail(name, word, &failed.collect::<Vec<_>>().join("\n"));
        }
        _ => {}
    }
}
