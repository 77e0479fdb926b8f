//! ward.

use std::sync::LazyLock;

use regex::Regex;

use super::lines::{exception, number, pattern};
use super::reader::ReadRunner;
use super::{Count, RunSummary, Runner};

/// ward.
pub(super) struct Ward;

static END: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^─+ (?:SUCCESS|FAILED|NO TESTS FOUND|DRY RUN|\S.*) in [\d.]+ seconds ─+$"));
static COUNT: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^│\s+(\d+)\s+([A-Z][A-Za-z ]+?)\s*(?:\([\d.]+%\))?\s*│$"));
static OUTCOME: LazyLock<Regex> = LazyLock::new(|| pattern(r"^ ?(FAIL|PASS)  (\S+?):\d+ (.+?)\s{2,}\d+%$"));
static HEADING: LazyLock<Regex> = LazyLock::new(|| pattern(r"^─+ (.+?) ─+$"));
static FAILING_LINE: LazyLock<Regex> = LazyLock::new(|| pattern(r"^\s*❱ \d+ (.*)$"));

impl ReadRunner for Ward {
    fn runner(&self) -> Runner {
        Runner::Ward
    }

    fn versions(&self) -> &'static str {
        "0.61 to 0.68"
    }

    fn read(&self, lines: &[&str], _named: bool) -> Option<RunSummary> {
        let at = lines.iter().rposition(|line| END.is_match(line))?;
        let results =
            lines[..at].iter().rposition(|line| line.starts_with("╭") && line.contains(" Results "))?;
        let mut run = RunSummary::new(Runner::Ward, at);
        for found in lines[results..at].iter().filter_map(|line| COUNT.captures(line)) {
            let what = match found[2].trim() {
                "Passes" => Count::Passed,
                "Failures" => Count::Failed,
                "Skips" => Count::Skipped,
                "Expected Failures" | "Xfails" => Count::ExpectedFailure,
                "Unexpected Passes" | "Xpasses" => Count::UnexpectedPass,
                _ => continue,
            };
            run.add(number(&found[1]), what);
        }
        for found in lines.iter().filter_map(|line| OUTCOME.captures(line)) {
            let (module, name) = (&found[2], found[3].trim());
            let list = if &found[1] == "PASS" { &mut run.passed_tests } else { &mut run.failed_tests };
            list.push(format!("{module}: {name}"));
        }
        failures(&mut run, &lines[..results]);
        Some(run)
    }
}

/// A heading with the test's description; an assertion shows its source line, anything else the exception.
fn failures(run: &mut RunSummary, lines: &[&str]) {
    let names: Vec<String> = run.failed_tests.clone();
    let mut test: Option<&String> = None;
    let mut code = "";
    let mut kind: Option<(&str, &str)> = None;
    let mut add = |test: Option<&String>, code: &str, kind: Option<(&str, &str)>| {
        let Some(test) = test else { return };
        match kind {
            Some((kind, message)) => run.fail(test, kind, message),
            None => run.fail(test, "AssertionError", code.trim()),
        }
    };
    for line in lines {
        let heading = HEADING.captures(line).and_then(|found| found.get(1));
        if let Some(heading) = heading {
            add(test.take(), code, kind.take());
            code = "";
            let name = heading.as_str();
            test = names.iter().find(|id| id.split_once(": ").is_some_and(|(_, own)| own == name));
        } else if let Some(found) = FAILING_LINE.captures(line) {
            code = found.get(1).map_or("", |code| code.as_str());
        } else if let Some(found) = line.strip_prefix("  ").map(str::trim_end).and_then(exception) {
            kind = Some(found);
        }
    }
    add(test, code, kind);
}
