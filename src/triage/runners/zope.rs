//! zope.testrunner.

use std::sync::LazyLock;

use regex::Regex;

use super::lines::{number, pattern};
use super::reader::ReadRunner;
use super::{Count, RunSummary, Runner};

/// zope.testrunner.
pub(super) struct Zope;

static RAN: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^(?:  Ran|Total:) (\d+) tests?(?: with|,) (\d+) failures?, (\d+) errors?(?:(?: and|,) (\d+) skipped)? in ",
    )
});
static HEADING: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^(Failure|Error) in test (\S+)(?: \(([^)]*)\))?$"));

impl ReadRunner for Zope {
    fn runner(&self) -> Runner {
        Runner::Zope
    }

    fn versions(&self) -> &'static str {
        "4.4 to 8.3"
    }

    fn read(&self, lines: &[&str], _named: bool) -> Option<RunSummary> {
        let ends: Vec<usize> =
            lines.iter().enumerate().filter(|(_, line)| RAN.is_match(line)).map(|(at, _)| at).collect();
        let at = *ends.last()?;
        let mut run = RunSummary::new(Runner::Zope, at);
        // One line for each layer; with several of them, or none, a total.
        let total = ends.iter().rev().find(|&&at| lines[at].starts_with("Total:"));
        let of_layers: &[usize] = total.map_or(ends.as_slice(), std::slice::from_ref);
        for found in of_layers.iter().filter_map(|&at| RAN.captures(lines[at])) {
            let count = |group| found.get(group).map_or(0, |count| number(count.as_str()));
            run.add(count(2), Count::Failed);
            run.add(count(3), Count::Error);
            run.add(count(4), Count::Skipped);
            run.add(count(1).saturating_sub(count(2) + count(3) + count(4)), Count::Passed);
        }
        for found in lines.iter().filter_map(|line| HEADING.captures(line)) {
            let (name, class) = (&found[2], found.get(3).map_or("", |class| class.as_str()));
            let id = if class.ends_with(name) { class.to_owned() } else { format!("{class}.{name}") };
            let list = if &found[1] == "Failure" { &mut run.failed_tests } else { &mut run.error_tests };
            list.push(id.trim_matches('.').to_owned());
        }
        if let Some(at) = lines.iter().position(|line| *line == "Test-modules with import problems:") {
            let modules = lines[at + 1..].iter().map_while(|line| line.strip_prefix("  "));
            run.collection_errors.extend(modules.map(str::to_owned));
        }
        Some(run)
    }
}
