//! Dagster: the exception above `Stack Trace:`, its frames below, and what it was raised from below them.

use super::layout::{Layout, skip_blank};
use super::variants;
use crate::triage::traceback::native;
use crate::triage::traceback::parsed::{ChainLink, ParsedTraceback, TracebackForm, exception_line};

pub(in crate::triage) static LAYOUT: Layout =
    Layout { name: "dagster", opens, inside, shows: |_| true, closes: |_| false, read };

/// Exceptions of one chain.
const MOST: usize = 50;
/// Dagster's own exceptions say in which step the failure was.
const WRAPPERS: &str = "dagster.";

fn opens(line: &str) -> bool {
    line.trim_end() == "Stack Trace:"
}

fn inside(line: &str) -> bool {
    opens(line) || link(line).is_some() || variants::raised(line.trim_end()).is_some()
}

fn link(line: &str) -> Option<ChainLink> {
    match line.trim_end() {
        "The above exception was caused by the following exception:" => Some(ChainLink::DirectCause),
        "The above exception occurred during handling of the following exception:" => {
            Some(ChainLink::DuringHandling)
        }
        _ => None,
    }
}

fn read(lines: &[&str], at: usize) -> Option<(ParsedTraceback, usize)> {
    let mut chain: Vec<(Option<ChainLink>, ParsedTraceback)> = Vec::new();
    let mut link_before = None;
    let (mut at, mut next) = (at, at);
    while chain.len() < MOST {
        let Some(mut read) = one(lines, at, &mut next) else { break };
        if chain.is_empty() {
            read.at = at;
        }
        chain.push((link_before, read));
        let separator = skip_blank(lines, next);
        let Some(link) = lines.get(separator).and_then(|line| link(line)) else { break };
        let Some(title) = (separator..lines.len()).take(MOST).find(|at| opens(lines[*at])) else { break };
        (link_before, at) = (Some(link), title);
    }
    let mut chain = chain.into_iter().rev();
    let (mut link, mut read) = chain.next()?;
    for (next_link, mut later) in chain {
        later.cause = Some(Box::new((link.unwrap_or(ChainLink::DirectCause), read)));
        (link, read) = (next_link, later);
    }
    // What failed in the step is told by its cause.
    while read.kind.as_deref().is_some_and(|kind| kind.starts_with(WRAPPERS))
        && let Some(cause) = read.cause.take()
    {
        read = ParsedTraceback { at: read.at, ..cause.1 };
    }
    Some((read, next))
}

/// The exception whose frames begin below `at`; `next` becomes the line behind them.
fn one(lines: &[&str], at: usize, next: &mut usize) -> Option<ParsedTraceback> {
    let mut read = ParsedTraceback::empty(TracebackForm::Boxed, at);
    let (frames, end) = native::frames_only(lines, at + 1)?;
    read.frames = frames.frames;
    *next = end;
    let title = lines[..at].iter().rev().find(|line| !line.trim().is_empty());
    match title.and_then(|line| exception_line(line.trim_end())) {
        Some((kind, message)) => {
            read.kind = Some(variants::kind(kind).to_owned());
            message.clone_into(&mut read.message);
        }
        None => read.truncated = true,
    }
    Some(read)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// dagster 1.13.29.
    #[test]
    fn what_failed_in_the_step() {
        let text = "\
dagster._core.errors.DagsterExecutionStepExecutionError: Error occurred while executing op \"checked\":

Stack Trace:
  File \"/opt/kiosk/lib/python3.11/site-packages/dagster/_core/execution/plan/utils.py\", line 87, in op_execution_error_boundary
    raise error_cls(

The above exception was caused by the following exception:
LookupError: no rate for mint

Stack Trace:
  File \"/srv/kiosk/kiosk/web.py\", line 11, in show_checked
    return str(checked_rate(request[\"item\"]))
               ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  File \"/srv/kiosk/kiosk/ledger.py\", line 20, in checked_rate
    raise LookupError(f\"no rate for {item}\") from error

The above exception was caused by the following exception:
ValueError: not a rate: four

Stack Trace:
  File \"/srv/kiosk/kiosk/ledger.py\", line 8, in parse_rate
    raise ValueError(f\"not a rate: {text}\")
";
        let lines: Vec<&str> = text.lines().collect();
        let (found, next) = read(&lines, 2).unwrap();
        assert_eq!(
            (found.kind.as_deref(), found.message.as_str()),
            (Some("LookupError"), "no rate for mint")
        );
        assert_eq!(found.frames.last().unwrap().line, 20);
        let cause = &found.cause.as_ref().unwrap().1;
        assert_eq!((cause.kind.as_deref(), cause.frames.len()), (Some("ValueError"), 1));
        assert_eq!(next, lines.len());
    }
}
