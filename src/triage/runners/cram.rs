//! cram and prysk: shell sessions, compared with what they printed before.

use std::sync::LazyLock;

use regex::Regex;

use super::lines::{number, pattern};
use super::reader::ReadRunner;
use super::{Count, RunSummary, Runner};

/// cram, prysk.
pub(super) struct Cram;

static COUNTS: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^# Ran (\d+) tests, (\d+) skipped, (\d+) failed\.$"));
/// The heading of a difference: `--- spec/app.t`, `+++ spec/app.t.err`.
static FILE: LazyLock<Regex> = LazyLock::new(|| pattern(r"^--- (\S.*)$"));

impl ReadRunner for Cram {
    fn runner(&self) -> Runner {
        Runner::Cram
    }

    fn versions(&self) -> &'static str {
        "cram 0.7, prysk 0.20"
    }

    fn read(&self, lines: &[&str], _named: bool) -> Option<RunSummary> {
        let at = lines.iter().rposition(|line| COUNTS.is_match(line))?;
        let counts = COUNTS.captures(lines[at])?;
        let [ran, skipped, failed] = [1, 2, 3].map(|group| number(&counts[group]));
        let mut run = RunSummary::new(Runner::Cram, at);
        run.add(ran.saturating_sub(skipped).saturating_sub(failed), Count::Passed);
        run.add(skipped, Count::Skipped);
        run.add(failed, Count::Failed);
        let lines = &lines[..at];
        let is_file = |at: usize| {
            FILE.is_match(lines[at]) && lines.get(at + 1).is_some_and(|line| line.starts_with("+++ "))
        };
        let files: Vec<usize> = (0..lines.len()).filter(|&at| is_file(at)).collect();
        for (index, &at) in files.iter().enumerate() {
            let end = files.get(index + 1).copied().unwrap_or(lines.len());
            // What differs is the failure: the lines that were expected and those that came.
            let differs =
                lines[at + 2..end].iter().filter(|line| line.starts_with("-  ") || line.starts_with("+  "));
            let differs: Vec<&str> = differs.copied().collect();
            run.fail(&lines[at][4..], "Difference", &differs.join("\n"));
        }
        Some(run)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_the_failure_of_its_file() {
        let text = "!.\n--- spec/a.t\n+++ spec/a.t.err\n@@ -1,3 +1,3 @@\n A sum:\n   $ total 1 2 3\n-  6\n+  5\n\
                    # Ran 2 tests, 0 skipped, 1 failed.";
        let run = Cram.read(&text.lines().collect::<Vec<_>>(), false).unwrap();
        assert_eq!((run.passed, run.failed, run.skipped), (1, 1, 0));
        assert_eq!(run.failed_tests, ["spec/a.t"]);
        assert_eq!(run.failures[0].message, "-  6\n+  5");
    }
}
