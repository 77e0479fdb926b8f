//! Django's runner with `--parallel`: where a worker cannot hand a failure over, the run ends with the exception of
//! that, and the test's own stands above it.
//!
//! Two processes write at once, so that any line may begin with progress marks of the other; and what a worker printed
//! is lost where the pool ended before it was flushed. Then the remote traceback, which the first process prints, is all
//! that tells of the test's exception.

use std::sync::LazyLock;

use regex::Regex;

use super::lines::pattern;
use super::reader::ReadRunner;
use super::{Count, RunSummary, Runner};
use crate::triage::traceback::parsed::exception_line;

/// Django's parallel runner.
pub(super) struct Django;

static FAILED: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^(\S+) \(([\w.]+)\)(?: \[.*\]| \(.*\))? failed:$"));
static REPR: LazyLock<Regex> = LazyLock::new(|| pattern(r"^    ((?:\w+\.)*[A-Za-z_]\w*)\((.*)\)$"));

/// What unittest prints for each test that ended.
const MARKS: [char; 6] = ['.', 'F', 'E', 's', 'x', 'u'];
const DURING: &str = "During handling of the above exception, another exception occurred:";

impl ReadRunner for Django {
    fn runner(&self) -> Runner {
        Runner::Django
    }

    fn versions(&self) -> &'static str {
        "1.11 to 5.2"
    }

    fn read(&self, lines: &[&str], _named: bool) -> Option<RunSummary> {
        let cannot = lines.iter().map(|line| line.trim_start_matches(MARKS)).any(|line| {
            line.starts_with("Unfortunately, tracebacks cannot be pickled")
                || line.starts_with("Unfortunately, the exception it raised cannot be pickled")
                || line.starts_with("Subtest failed:")
        });
        let Some(at) = lines.iter().rposition(|line| FAILED.is_match(line)).filter(|_| cannot) else {
            return lost(lines);
        };
        let mut run = RunSummary::new(Runner::Django, at);
        run.interrupted = true;
        for (at, found) in
            lines.iter().enumerate().filter_map(|(at, line)| Some((at, FAILED.captures(line)?)))
        {
            let id = id_of(&found[1], &found[2]);
            let shown = lines[at + 1..].iter().take(4).find_map(|line| REPR.captures(line));
            let (kind, message) = match &shown {
                Some(found) => (found[1].to_owned(), unquoted(&found[2]).to_owned()),
                None => ("FAILED".to_owned(), String::new()),
            };
            run.add(1, Count::Failed);
            run.fail(&id, &kind, &message);
        }
        Some(run)
    }
}

/// The test's id: from Python 3.11 on the name in parentheses ends with that of the method.
fn id_of(name: &str, class: &str) -> String {
    let last = class.rsplit('.').next().unwrap_or(class);
    match name.strip_suffix(last) {
        Some(marks) if marks.chars().all(|mark| MARKS.contains(&mark)) => class.to_owned(),
        _ => format!("{class}.{name}"),
    }
}

/// A run whose worker's words were lost: the exception that stands above that of handing it over.
fn lost(lines: &[&str]) -> Option<RunSummary> {
    let handing = lines.iter().position(|line| {
        line.starts_with("  File ")
            && (line.ends_with(", in check_picklable") || line.ends_with(", in _confirm_picklable"))
    })?;
    let between = lines[..handing].iter().rposition(|line| *line == DURING)?;
    let frame = lines[..between].iter().rposition(|line| line.starts_with("  File "))?;
    let mut own = lines[frame..between].iter().skip_while(|line| line.starts_with(' '));
    let (kind, first) = exception_line(own.next()?)?;
    let message: Vec<&str> = std::iter::once(first).chain(own.copied()).collect();
    let mut run = RunSummary::new(Runner::Django, between);
    run.interrupted = true;
    run.add(1, Count::Failed);
    run.fail("", kind, message.join("\n").trim_end());
    Some(run)
}

/// The message of an exception's `repr`, where it is one string.
fn unquoted(arguments: &str) -> &str {
    let arguments = arguments.trim_end_matches(',');
    let inner = ['\'', '"'].iter().find_map(|&quote| arguments.strip_prefix(quote)?.strip_suffix(quote));
    inner.unwrap_or(arguments)
}
