//! Avocado, which finds tests without importing them and prints no traceback.

use std::sync::LazyLock;

use regex::Regex;

use super::lines::{number, pattern};
use super::reader::ReadRunner;
use super::{Count, RunSummary, Runner};

/// Avocado.
pub(super) struct Avocado;

static RESULTS: LazyLock<Regex> = LazyLock::new(|| pattern(r"^RESULTS\s+: (PASS \d+ \| .*)$"));
static COUNT: LazyLock<Regex> = LazyLock::new(|| pattern(r"([A-Z]+) (\d+)"));
static OUTCOME: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"^ ?\(\d+/\d+\) (\S+):\s+(PASS|FAIL|ERROR|INTERRUPTED|INTERRUPT)\b:?\s*(.*?)(?: \([\d.]+ s\))?$")
});
static NOTHING: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^((?:No tests found for given test references|Test Suite could not be created|Could not resolve references|Unable to resolve reference).*)$",
    )
});

impl ReadRunner for Avocado {
    fn runner(&self) -> Runner {
        Runner::Avocado
    }

    fn versions(&self) -> &'static str {
        "82 to 113"
    }

    fn read(&self, lines: &[&str], _named: bool) -> Option<RunSummary> {
        let Some(at) = lines.iter().rposition(|line| RESULTS.is_match(line)) else {
            let at = lines.iter().rposition(|line| NOTHING.is_match(line))?;
            let mut run = RunSummary { is_closed: false, ..RunSummary::new(Runner::Avocado, at) };
            run.not_started = Some(lines[at].to_owned());
            return Some(run);
        };
        let mut run = RunSummary::new(Runner::Avocado, at);
        for found in COUNT.captures_iter(lines[at]) {
            let what = match &found[1] {
                // A warning is a pass with a remark.
                "PASS" | "WARN" => Count::Passed,
                "FAIL" => Count::Failed,
                "ERROR" | "INTERRUPT" => Count::Error,
                "SKIP" | "CANCEL" => Count::Skipped,
                _ => continue,
            };
            run.add(number(&found[2]), what);
        }
        for found in lines.iter().filter_map(|line| OUTCOME.captures(line)) {
            let (test, word, message) = (&found[1], &found[2], &found[3]);
            match word {
                "PASS" => run.passed_tests.push(test.to_owned()),
                "ERROR" if is_import(message) => {
                    run.collection_errors.push(test.to_owned());
                    run.fail("", "ERROR", message);
                }
                _ => run.fail(test, word, message),
            }
        }
        Some(run)
    }
}

/// Whether an error's message is that of an import that failed; its type is not printed.
fn is_import(message: &str) -> bool {
    ["No module named ", "cannot import name "].iter().any(|start| message.starts_with(start))
}
