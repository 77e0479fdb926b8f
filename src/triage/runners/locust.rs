//! locust without its web interface: requests are what passes or fails.

use std::sync::LazyLock;

use regex::Regex;

use super::lines::{number, pattern};
use super::reader::ReadRunner;
use super::{Count, RunSummary, Runner};

/// locust.
pub(super) struct Locust;

static TOTAL: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^\s*(?:Aggregated|Total)\s+(\d+)\s+(\d+)\([\d.]+%\)"));
static OCCURRENCE: LazyLock<Regex> = LazyLock::new(|| pattern(r"^\s*\d+\s{2,}(\S+ \S+?): (.*)$"));
static REFUSED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^(?:\[.*\] \S+/ERROR/locust(?:\.main)?: )?(No User class found!.*|Could not find '?\S*locustfile.*|Could not find any locustfile.*|No tasks defined.*)$",
    )
});

impl ReadRunner for Locust {
    fn runner(&self) -> Runner {
        Runner::Locust
    }

    fn versions(&self) -> &'static str {
        "2.0 to 2.47"
    }

    fn read(&self, lines: &[&str], _named: bool) -> Option<RunSummary> {
        let refused = lines.iter().enumerate().find_map(|(at, line)| Some((at, REFUSED.captures(line)?)));
        if let Some((at, found)) = refused {
            let mut run = RunSummary { is_closed: false, ..RunSummary::new(Runner::Locust, at) };
            run.not_started = Some(found[1].to_owned());
            return Some(run);
        }
        let at = lines.iter().rposition(|line| TOTAL.is_match(line))?;
        let found = TOTAL.captures(lines[at])?;
        let mut run = RunSummary::new(Runner::Locust, at);
        run.add(number(&found[2]), Count::Failed);
        run.add(number(&found[1]).saturating_sub(number(&found[2])), Count::Passed);
        if let Some(report) = lines.iter().rposition(|line| *line == "Error report") {
            for found in lines[report..].iter().filter_map(|line| OCCURRENCE.captures(line)) {
                run.fail(&found[1], "FAIL", found[2].trim());
            }
        }
        Some(run)
    }
}
