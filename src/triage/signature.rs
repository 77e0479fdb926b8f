//! From a trial's output to the failures in it, and when two failures are the same one.

use super::traceback::{Form, ParsedTraceback};
use super::{ansi, normalise, runner, traceback};
use crate::model::{Ending, FailureKind, FailureSignature, Frame, TrialOutput};

/// Signals by which a program ends when it crashes, not when somebody ends it.
const CRASHES: [i32; 5] = [4, 6, 7, 8, 11]; // ILL, ABRT, BUS, FPE, SEGV on Linux

/// What a trial's output says.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// Failures, the most telling first. Empty when the trial did not fail, or did not come so far.
    pub failures: Vec<FailureSignature>,
    /// What the test runner says of its run, when one was recognised.
    pub summary: Option<runner::RunSummary>,
}

/// The signal that ended the command, also where a shell in between turned it into a status.
#[must_use]
pub fn crash_signal(ending: &Ending) -> Option<i32> {
    let signal = match ending {
        Ending::Signalled { signal } => *signal,
        Ending::Exited { code } => code - 128,
        _ => return None,
    };
    CRASHES.contains(&signal).then_some(signal)
}

/// Read a trial's output.
#[must_use]
pub fn read(output: &TrialOutput) -> Reading {
    let text = format!("{}\n{}", output.stdout.text, output.stderr.text);
    let text = ansi::strip(&text);
    let summary = runner::read(&text);
    let failures = match &output.ending {
        Ending::Exited { code: 0 }
        | Ending::NotStarted { .. }
        | Ending::SetupFailed { .. }
        | Ending::NoEnvironment { .. }
        | Ending::NoTree { .. }
        | Ending::Cancelled => Vec::new(),
        Ending::TimedOut { .. } => vec![FailureSignature::bare(FailureKind::Timeout)],
        ending if crash_signal(ending).is_some() => {
            let signal = crash_signal(ending).unwrap_or_default();
            vec![FailureSignature::bare(FailureKind::Signal(signal))]
        }
        Ending::Signalled { signal } => vec![FailureSignature::bare(FailureKind::Signal(*signal))],
        Ending::Exited { code } => {
            let found = failures_in(&traceback::parse(&text), summary.as_ref());
            if found.is_empty() { vec![FailureSignature::bare(FailureKind::ExitCode(*code))] } else { found }
        }
    };
    Reading { failures, summary }
}

/// The failures that made the run fail: those of tests when a runner names tests, otherwise the
/// exception that ended the program. Tracebacks that were only logged do not count.
fn failures_in(parsed: &[ParsedTraceback], summary: Option<&runner::RunSummary>) -> Vec<FailureSignature> {
    let real = || parsed.iter().filter(|one| !one.captured && one.kind.is_some());
    let of_tests: Vec<&ParsedTraceback> = real().filter(|one| one.test.is_some()).collect();
    let chosen: Vec<&ParsedTraceback> = if of_tests.is_empty() {
        let runner_printed = |one: &&ParsedTraceback| {
            matches!(one.form, Form::Pytest | Form::PytestLine | Form::PytestSummary)
        };
        let printed: Vec<&ParsedTraceback> = real().filter(runner_printed).collect();
        if printed.is_empty() { real().next_back().into_iter().collect() } else { printed }
    } else {
        of_tests
    };
    let mut failures: Vec<FailureSignature> = Vec::new();
    for one in chosen {
        let signature = signature(one, summary);
        if !failures.iter().any(|known| known.kind == signature.kind && known.tests == signature.tests) {
            failures.push(signature);
        }
    }
    failures
}

fn signature(one: &ParsedTraceback, summary: Option<&runner::RunSummary>) -> FailureSignature {
    let tests = match (&one.test, summary) {
        (Some(test), Some(summary)) => vec![full_id(test, &summary.failing())],
        (Some(test), None) => vec![test.clone()],
        (None, Some(summary)) => match summary.failing().as_slice() {
            [only] => vec![only.clone()],
            _ => Vec::new(),
        },
        (None, None) => Vec::new(),
    };
    FailureSignature {
        kind: FailureKind::Exception(one.kind.clone().unwrap_or_default()),
        message: first_lines(&one.message),
        shape: normalise::shape(&one.message),
        frames: one.frames.iter().map(within_tree).collect(),
        tests,
    }
}

/// The id under which the summary lists a test that a heading names only by its last parts.
fn full_id(heading: &str, failing: &[String]) -> String {
    let tail = test_name(heading);
    let mut same = failing.iter().filter(|id| test_name(id) == tail);
    match (same.next(), same.next()) {
        (Some(only), None) => only.clone(),
        _ => heading.to_owned(),
    }
}

/// `tests/test_x.py::TestA::test_b[1-2]`, `TestA.test_b[1-2]` → `TestA.test_b[1-2]`: what stays when
/// a test file moves.
fn test_name(id: &str) -> String {
    let (before, parameters) = id.split_at(id.find('[').unwrap_or(id.len()));
    let name = match before.split_once("::") {
        Some((_, name)) => name.replace("::", "."),
        None => before.to_owned(),
    };
    name + parameters
}

/// A message's first lines: enough for people.
fn first_lines(message: &str) -> String {
    const MOST: usize = 300;
    let text: Vec<&str> = message.lines().take(2).map(str::trim_end).collect();
    let text = text.join("\n");
    match text.char_indices().nth(MOST) {
        Some((cut, _)) => format!("{}…", &text[..cut]),
        None => text,
    }
}

/// The frame with its path relative to the work tree, where it lies in a slot's tree.
fn within_tree(frame: &Frame) -> Frame {
    /// Slots keep their work tree in a folder of this name inside the run's folder.
    const MARK: [&str; 2] = ["/runs/", "/tree/"];
    let mut frame = frame.clone();
    if let Some((_, rest)) = frame.path.split_once(MARK[0])
        && let Some((_, inside)) = rest.split_once(MARK[1])
    {
        frame.path = inside.to_owned();
    }
    frame
}

/// Whether two failures are the same one: exception type and normalised message agree; for a failed
/// assertion, the failing test and the type, since the values in its message are the test's business.
#[must_use]
pub fn same_failure(a: &FailureSignature, b: &FailureSignature) -> bool {
    let (FailureKind::Exception(kind_a), FailureKind::Exception(kind_b)) = (&a.kind, &b.kind) else {
        return a.kind == b.kind;
    };
    // Classes move between modules without becoming another failure.
    let last = |kind: &str| kind.rsplit('.').next().unwrap_or(kind).to_owned();
    if last(kind_a) != last(kind_b) {
        return false;
    }
    if last(kind_a) == "AssertionError" {
        return same_assertion(a, b);
    }
    same_shape(&a.shape, &b.shape)
}

fn same_assertion(a: &FailureSignature, b: &FailureSignature) -> bool {
    if !a.tests.is_empty() && !b.tests.is_empty() {
        return a.tests.iter().any(|test| b.tests.iter().any(|other| test_name(test) == test_name(other)));
    }
    let innermost =
        |one: &FailureSignature| one.frames.last().map(|frame| (frame.function.clone(), frame.code.clone()));
    same_shape(&a.shape, &b.shape) || (innermost(a).is_some() && innermost(a) == innermost(b))
}

/// Equal, or one is the beginning of the other, cut off by a runner's summary line.
fn same_shape(a: &str, b: &str) -> bool {
    let begins = |short: &str, long: &str| {
        ["...", "…"]
            .iter()
            .filter_map(|dots| short.strip_suffix(dots))
            .any(|start| start.len() >= 10 && long.starts_with(start))
    };
    a == b || begins(a, b) || begins(b, a)
}
