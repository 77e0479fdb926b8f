//! Twisted's trial.

use std::sync::LazyLock;

use regex::Regex;

use super::lines::pattern;
use super::reader::ReadRunner;
use super::{RunSummary, Runner, unittest};

/// trial.
pub(super) struct Trial;

static RAN: LazyLock<Regex> = LazyLock::new(|| pattern(r"^Ran \d+ tests? in "));
static VERDICT: LazyLock<Regex> = LazyLock::new(|| pattern(r"^(?:PASSED|FAILED)(?: \(.*\))?$"));
static MARK: LazyLock<Regex> = LazyLock::new(|| pattern(r"^\[(FAIL|ERROR)\]$"));
static ID: LazyLock<Regex> = LazyLock::new(|| pattern(r"^[A-Za-z_]\w*(?:\.\w+)*$"));

impl ReadRunner for Trial {
    fn runner(&self) -> Runner {
        Runner::Trial
    }

    fn versions(&self) -> &'static str {
        "Twisted 16 to 26"
    }

    fn read(&self, lines: &[&str], _named: bool) -> Option<RunSummary> {
        let verdict = lines.iter().rposition(|line| VERDICT.is_match(line))?;
        let ran = lines[..verdict].iter().rposition(|line| RAN.is_match(line));
        // Without a test there are no counts: a ruler, an empty line, and `PASSED`.
        let Some(at) = ran.filter(|ran| verdict - ran <= 2) else {
            let ruler = verdict.checked_sub(2).map(|at| lines[at]);
            let is_empty = ruler.is_some_and(|line| line.len() > 70 && line.bytes().all(|byte| byte == b'-'));
            return is_empty.then(|| RunSummary::new(Runner::Trial, verdict));
        };
        // `OK` is unittest's word; both print `FAILED`, and trial alone its headings.
        let has_marks = || lines.iter().any(|line| MARK.is_match(line));
        if !lines[verdict].starts_with("PASSED") && !has_marks() {
            return None;
        }
        let mut run = unittest::counts(Runner::Trial, lines, at);
        blocks(&mut run, lines);
        Some(run)
    }
}

/// `[FAIL]`, a traceback, an empty line, and the ids of the tests that failed with it.
fn blocks(run: &mut RunSummary, lines: &[&str]) {
    let starts = lines.iter().enumerate().filter_map(|(at, line)| Some((at, MARK.captures(line)?)));
    for (at, mark) in starts {
        let rest = &lines[at + 1..];
        let end = rest.iter().position(|line| line.starts_with("-----") || line.starts_with("====="));
        let block = &rest[..end.unwrap_or(rest.len())];
        let is_loading = block.iter().any(|line| line.ends_with(", in loadByName"));
        let ids = block.iter().rev().skip_while(|line| line.is_empty()).take_while(|line| ID.is_match(line));
        let list = match (&mark[1], is_loading) {
            (_, true) => &mut run.collection_errors,
            ("FAIL", false) => &mut run.failed_tests,
            _ => &mut run.error_tests,
        };
        list.extend(ids.map(|id| (*id).to_owned()));
    }
}
