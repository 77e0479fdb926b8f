//! green: unittest's counts, and headings of its own above tracebacks without their first line.

use std::sync::LazyLock;

use regex::Regex;

use super::lines::{exception, pattern};
use super::reader::ReadRunner;
use super::{RunSummary, Runner, unittest};

/// green.
pub(super) struct Green;

static RAN: LazyLock<Regex> = LazyLock::new(|| pattern(r"^Ran \d+ tests? in [\d.]+s using \d+ processe?s?$"));
static HEADING: LazyLock<Regex> = LazyLock::new(|| pattern(r"^(?:Failure|Error) in (\S+)$"));

impl ReadRunner for Green {
    fn runner(&self) -> Runner {
        Runner::Green
    }

    fn versions(&self) -> &'static str {
        "4.0"
    }

    fn read(&self, lines: &[&str], _named: bool) -> Option<RunSummary> {
        let at = lines.iter().rposition(|line| RAN.is_match(line))?;
        let mut run = unittest::counts(Runner::Green, lines, at);
        let mut heading: Option<String> = None;
        let mut last: Option<(&str, Vec<&str>)> = None;
        for line in lines {
            let found = HEADING.captures(line);
            let ends = found.is_some() || RAN.is_match(line) || line.starts_with("Name  ");
            if ends && let (Some(test), Some((kind, message))) = (heading.take(), last.take()) {
                run.fail(&test, kind, &message.join("\n"));
            }
            if let Some(found) = found {
                let test = found[1].to_owned();
                if let Some((_, module)) = test.split_once("._FailedTest.") {
                    run.collection_errors.push(module.to_owned());
                }
                heading = Some(test);
            } else if heading.is_some() {
                match exception(line) {
                    Some((kind, message)) => last = Some((kind, vec![message])),
                    None if line.starts_with("  ") || line.starts_with("Traceback") => {}
                    None => last.iter_mut().for_each(|(_, message)| message.push(line)),
                }
            }
        }
        run.failed_tests.retain(|test| !test.contains("._FailedTest."));
        Some(run)
    }
}
