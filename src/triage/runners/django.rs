//! Django's runner with `--parallel`: where a worker cannot hand a failure over, the run ends with the exception of
//! that, and the test's own stands above it.

use std::sync::LazyLock;

use regex::Regex;

use super::lines::pattern;
use super::{Count, ReadRunner, RunSummary, Runner};

/// Django's parallel runner.
pub(super) struct Django;

static FAILED: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^(\S+) \(([\w.]+)\)(?: \[.*\]| \(.*\))? failed:$"));
static REPR: LazyLock<Regex> = LazyLock::new(|| pattern(r"^    ((?:\w+\.)*[A-Za-z_]\w*)\((.*)\)$"));

impl ReadRunner for Django {
    fn runner(&self) -> Runner {
        Runner::Django
    }

    fn versions(&self) -> &'static str {
        "1.11 to 5.2"
    }

    fn read(&self, lines: &[&str], _named: bool) -> Option<RunSummary> {
        let cannot = lines.iter().any(|line| {
            line.starts_with("Unfortunately, tracebacks cannot be pickled")
                || line.starts_with("Unfortunately, the exception it raised cannot be pickled")
                || line.starts_with("Subtest failed:")
        });
        let at = lines.iter().rposition(|line| FAILED.is_match(line)).filter(|_| cannot)?;
        let mut run = RunSummary::new(Runner::Django, at);
        run.interrupted = true;
        for (at, found) in
            lines.iter().enumerate().filter_map(|(at, line)| Some((at, FAILED.captures(line)?)))
        {
            let (name, class) = (&found[1], &found[2]);
            let id = if class.ends_with(&format!(".{name}")) {
                class.to_owned()
            } else {
                format!("{class}.{name}")
            };
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

/// The message of an exception's `repr`, where it is one string.
fn unquoted(arguments: &str) -> &str {
    let arguments = arguments.trim_end_matches(',');
    let inner = ['\'', '"'].iter().find_map(|&quote| arguments.strip_prefix(quote)?.strip_suffix(quote));
    inner.unwrap_or(arguments)
}
