//! behave.

use std::sync::LazyLock;

use regex::Regex;

use super::lines::{exception, number, pattern};
use super::reader::ReadRunner;
use super::{Count, RunSummary, Runner};

/// behave.
pub(super) struct Behave;

static SCENARIOS: LazyLock<Regex> = LazyLock::new(|| pattern(r"^\d+ scenarios? passed, .*\d+ failed"));
static COUNT: LazyLock<Regex> = LazyLock::new(|| pattern(r"(\d+) (?:scenarios? )?([a-z_]+)"));
static LISTED: LazyLock<Regex> = LazyLock::new(|| pattern(r"^  (\S+\.feature):\d+  (.+)$"));
static ASSERTED: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^\s+(?:ASSERT FAILED|Assertion Failed): ?(.*)$"));
static SCENARIO: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^\s+(?:Scenario|Scenario Outline|Example): (.+?)\s+# \S+:\d+$"));
static NO_FEATURES: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^(?:ConfigError: )?(No (?:feature files|steps directory|such file).*)$"));

impl ReadRunner for Behave {
    fn runner(&self) -> Runner {
        Runner::Behave
    }

    fn versions(&self) -> &'static str {
        "1.2.6 to 1.3.3"
    }

    fn read(&self, lines: &[&str], named: bool) -> Option<RunSummary> {
        let Some(at) = lines.iter().rposition(|line| SCENARIOS.is_match(line)) else {
            return unfinished(lines, named);
        };
        let mut run = RunSummary::new(Runner::Behave, at);
        for found in COUNT.captures_iter(lines[at]) {
            let what = match &found[2] {
                "passed" => Count::Passed,
                "failed" => Count::Failed,
                "skipped" | "untested" => Count::Skipped,
                // errors, undefined steps, failing hooks
                _ => Count::Error,
            };
            run.add(number(&found[1]), what);
        }
        failures(&mut run, lines);
        Some(run)
    }
}

/// What stands under the steps that failed, or else the list of scenarios.
fn failures(run: &mut RunSummary, lines: &[&str]) {
    let mut scenario = "";
    let mut traced = false;
    for (at, line) in lines.iter().enumerate() {
        if let Some(found) = SCENARIO.captures(line) {
            scenario = found.get(1).map_or("", |name| name.as_str());
        } else if let Some(found) = ASSERTED.captures(line) {
            let rest = lines[at + 1..].iter().take_while(|line| !line.is_empty());
            let message: Vec<&str> = std::iter::once(found.get(1).map_or("", |said| said.as_str()))
                .chain(rest.map(|line| line.trim_start()))
                .collect();
            run.fail(scenario, "AssertionError", &message.join("\n"));
        } else if line.trim_start().starts_with("Traceback (most recent call last):") {
            traced = true;
        } else if traced && let Some((kind, message)) = exception(line.trim_start()) {
            traced = false;
            run.fail(scenario, kind, message);
        }
    }
    let is_list = |line: &str| matches!(line, "Failing scenarios:" | "Errored scenarios:");
    let listed: Vec<String> = lines
        .iter()
        .enumerate()
        .filter(|(_, line)| is_list(line))
        .flat_map(|(at, _)| lines[at + 1..].iter().map_while(|line| LISTED.captures(line)))
        .map(|found| found[2].to_owned())
        .collect();
    if run.failures.is_empty() {
        // Other formats tell no more than the names.
        let kind = if run.failed > 0 { "FAILED" } else { "ERROR" };
        listed.iter().for_each(|name| run.fail(name, kind, ""));
    }
    run.failed_tests.extend(listed);
}

/// The steps as `-f plain` and `-f progress3` tell of them, where no summary is wanted.
fn steps(run: &mut RunSummary, lines: &[&str]) {
    static STEP: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"^ +\S.* \.\.\. (passed|failed|skipped|undefined|untested|error)\b.*$"));
    for found in lines.iter().filter_map(|line| STEP.captures(line)) {
        run.is_closed = true;
        let what = match &found[1] {
            "passed" => Count::Passed,
            "failed" => Count::Failed,
            "skipped" | "untested" => Count::Skipped,
            _ => Count::Error,
        };
        run.add(1, what);
    }
    failures(run, lines);
}

/// A run that did not come to its counts: steps that cannot be imported, no features.
fn unfinished(lines: &[&str], named: bool) -> Option<RunSummary> {
    let runner = lines.iter().rposition(|line| line.starts_with("USING RUNNER: behave"));
    let refused = lines.iter().rposition(|line| NO_FEATURES.is_match(line));
    let at = runner.or(refused.filter(|_| named))?;
    let mut run = RunSummary { is_closed: false, ..RunSummary::new(Runner::Behave, at) };
    let said = lines[at..].iter().find_map(|line| {
        let named = NO_FEATURES.captures(line).and_then(|found| found.get(1));
        named.map(|found| found.as_str()).or_else(|| exception(line).map(|_| *line))
    });
    run.not_started = said.map(str::to_owned);
    if said.is_none() {
        steps(&mut run, lines);
    }
    if let Some((kind, message)) = said.and_then(exception) {
        run.collection_errors.push("steps".to_owned());
        run.fail("", kind, message);
    }
    Some(run)
}
