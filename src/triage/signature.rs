//! From a trial's output to the failures in it.

use super::closing::{Closing, closing};
use super::logged::logged;
use super::redact::redact;
use super::runners::{CommandFacts, RunSummary, Runner, TestFailure};
use super::undecorated::undecorated;
use super::{ansi, message_shape, runners, traceback};
use crate::model::{FailureKind, FailureSignature, Frame, Termination, TrialOutput};
use crate::triage::traceback::parsed::{ParsedTraceback, TracebackForm};

/// Signals by which a program ends when it crashes, not when somebody ends it.
const CRASHES: [i32; 5] = [4, 6, 7, 8, 11]; // ILL, ABRT, BUS, FPE, SEGV on Linux

/// How pytest heads what fails before a test begins, and when it is taken down.
const SETUP: &str = "ERROR at setup of ";
const TEARDOWN: &str = "ERROR at teardown of ";

/// What a trial's output says.
#[derive(Debug, Clone, PartialEq)]
pub struct ParsedOutput {
    /// Failures, the most telling first. Empty when the trial did not fail, or did not come so far.
    pub failures: Vec<FailureSignature>,
    /// Tracebacks of a script beside the one that ended it, the last first: failures as well, or only told of.
    pub others: Vec<FailureSignature>,
    /// What the test runner says of its run, when one was recognised.
    pub summary: Option<RunSummary>,
    /// What the command printed last.
    pub closing: Closing,
}

/// The signal that ended the command, also where a shell in between turned it into a status.
#[must_use]
pub fn crash_signal(ending: &Termination) -> Option<i32> {
    let signal = match ending {
        Termination::Signalled { signal } => *signal,
        Termination::Exited { code } => code - 128,
        _ => return None,
    };
    CRASHES.contains(&signal).then_some(signal)
}

/// Read a trial's output. The command tells which runner may have printed it.
#[must_use]
pub fn read(output: &TrialOutput, command: &CommandFacts) -> ParsedOutput {
    let streams =
        [&output.stdout.text, &output.stderr.text].map(|text| undecorated(&ansi::strip(text)).into_owned());
    let summary = runners::read(&streams.join("\n"), command);
    let closing = closing(output);
    let mut others = Vec::new();
    // Some runners end with status 0 whatever comes of the tests, and so does what is started around one: `pytest || true`,
    // `unittest.main(exit=False)`.
    // What a checker complains of need not count.
    let counts = summary
        .as_ref()
        .is_some_and(|run| run.is_closed && run.anything_failed() && run.runner != Runner::Checker);
    let failures = match &output.ending {
        Termination::Exited { code: 0 } if !counts => Vec::new(),
        Termination::NotStarted { .. }
        | Termination::SetupFailed { .. }
        | Termination::NoEnvironment { .. }
        | Termination::NoTree { .. }
        | Termination::MachineFailed { .. }
        | Termination::Cancelled => Vec::new(),
        Termination::TimedOut { .. } => vec![FailureSignature::bare(FailureKind::Timeout)],
        ending if crash_signal(ending).is_some() => {
            let signal = crash_signal(ending).unwrap_or_default();
            vec![FailureSignature::bare(FailureKind::Signal(signal))]
        }
        Termination::Signalled { signal } => vec![FailureSignature::bare(FailureKind::Signal(*signal))],
        Termination::Exited { code } => {
            // Each stream by itself: a warning on standard error does not belong to a report that ends above it.
            let parsed: Vec<ParsedTraceback> =
                streams.iter().flat_map(|text| traceback::parse(text)).collect();
            let found = match &summary {
                // pytest tells of most failures by tracebacks, and of a few otherwise.
                Some(run) if run.runner == Runner::Pytest && !run.failures.is_empty() => {
                    let mut found = told(run, &[]);
                    let is_told = |test: &String| run.failures.iter().any(|failure| failure.test == *test);
                    let is_another =
                        |one: &FailureSignature| !one.tests.is_empty() && !one.tests.iter().any(is_told);
                    found.extend(failures_in(&parsed, Some(run)).into_iter().filter(is_another));
                    found
                }
                Some(run) if !run.failures.is_empty() => told(run, &parsed),
                Some(run) if is_green(run) && is_of_coverage(&closing) => Vec::new(),
                None => {
                    let found = failures_in(&parsed, None);
                    if found.iter().all(|failure| failure.tests.is_empty()) {
                        others = beside(&parsed, &found);
                    }
                    found
                }
                Some(_) => failures_in(&parsed, summary.as_ref()),
            };
            if found.is_empty() { vec![unread(*code, &closing)] } else { found }
        }
    };
    ParsedOutput { failures, others, summary, closing }
}

/// Whether the command passed: it ended with status 0, and no runner in it counted a failure.
#[must_use]
pub fn passes(output: &TrialOutput, command: &CommandFacts) -> bool {
    output.ending == (Termination::Exited { code: 0 }) && read(output, command).failures.is_empty()
}

/// A failure that no reader knows: the status, and the closing lines.
fn unread(code: i32, closing: &Closing) -> FailureSignature {
    FailureSignature {
        message: closing.message.clone(),
        shape: closing.shape.clone(),
        ..FailureSignature::bare(FailureKind::ExitCode(code))
    }
}

/// Whether the runner counted nothing that failed, so that something else ended the command with its status.
const fn is_green(run: &RunSummary) -> bool {
    run.is_closed && !run.interrupted && !run.nothing_passed() && !run.anything_failed()
}

/// Whether too little coverage ended it.
fn is_of_coverage(closing: &Closing) -> bool {
    let shape = closing.shape.to_lowercase();
    ["coverage failure", "test coverage of", "fail-under", "fail_under"]
        .iter()
        .any(|words| shape.contains(words))
}

/// The failures as the runner tells them, with the frames of tracebacks that are theirs.
fn told(run: &RunSummary, parsed: &[ParsedTraceback]) -> Vec<FailureSignature> {
    let last = |kind: &str| kind.rsplit('.').next().unwrap_or(kind).to_owned();
    let frames = |failure: &TestFailure| {
        let own = parsed.iter().rfind(|one| one.short_kind() == Some(last(&failure.kind).as_str()));
        own.map(|one| one.frames.iter().map(within_tree).collect()).unwrap_or_default()
    };
    let signature = |failure: &TestFailure| {
        let message = redact(&failure.message);
        FailureSignature {
            kind: FailureKind::Exception(failure.kind.clone()),
            message: first_lines(&message),
            shape: message_shape::shape(&message),
            frames: frames(failure),
            tests: Some(failure.test.clone()).filter(|test| !test.is_empty()).into_iter().collect(),
            logged: Vec::new(),
        }
    };
    run.failures.iter().map(signature).collect()
}

/// The failures that made the run fail: those of tests when a runner names tests, otherwise the
/// exception that ended the program. Tracebacks that were only logged do not count.
fn failures_in(parsed: &[ParsedTraceback], summary: Option<&RunSummary>) -> Vec<FailureSignature> {
    let real = || parsed.iter().filter(|one| !one.captured && one.kind.is_some());
    let of_tests: Vec<&ParsedTraceback> = real().filter(|one| one.test.is_some()).collect();
    let chosen: Vec<&ParsedTraceback> = if of_tests.is_empty() {
        let runner_printed = |one: &&ParsedTraceback| {
            matches!(
                one.form,
                TracebackForm::Pytest | TracebackForm::PytestLine | TracebackForm::PytestSummary
            )
        };
        let printed: Vec<&ParsedTraceback> = real().filter(runner_printed).collect();
        if printed.is_empty() { real().next_back().into_iter().collect() } else { printed }
    } else {
        of_tests
    };
    // pytest prints errors above failures. What fails when a test is taken down is mostly what its failure left.
    let is_of_teardown =
        |one: &&&ParsedTraceback| one.test.as_deref().is_some_and(|test| test.starts_with(TEARDOWN));
    let (late, first): (Vec<_>, Vec<_>) = chosen.iter().partition(is_of_teardown);
    let mut failures: Vec<FailureSignature> = Vec::new();
    for one in first.into_iter().chain(late) {
        let logged = logged(one, parsed, summary);
        let signature = FailureSignature { logged, ..signature(one, summary) };
        if !failures.iter().any(|known| known.kind == signature.kind && known.tests == signature.tests) {
            failures.push(signature);
        }
    }
    failures
}

/// The other tracebacks of a script, the last first.
fn beside(parsed: &[ParsedTraceback], chosen: &[FailureSignature]) -> Vec<FailureSignature> {
    let real = parsed.iter().filter(|one| !one.captured && one.kind.is_some());
    let mut others: Vec<FailureSignature> = Vec::new();
    for other in real.rev().map(|one| signature(one, None)) {
        if !chosen.contains(&other) && !others.contains(&other) {
            others.push(other);
        }
    }
    others
}

fn signature(one: &ParsedTraceback, summary: Option<&RunSummary>) -> FailureSignature {
    let tests = match (&one.test, summary) {
        (Some(test), Some(summary)) => vec![full_id(&plain(test), &summary.failing(), &one.frames)],
        (Some(test), None) => vec![plain(test)],
        (None, Some(summary)) => match summary.failing().as_slice() {
            [only] => vec![only.clone()],
            _ => Vec::new(),
        },
        (None, None) => Vec::new(),
    };
    // Masked as what is kept of an output is: an outcome that is known from an earlier run shows the same failure.
    let message = redact(without_notes(&one.message));
    FailureSignature {
        kind: FailureKind::Exception(one.kind.clone().unwrap_or_default()),
        message: first_lines(&message),
        shape: shape_of(one, &message),
        frames: one.frames.iter().map(within_tree).collect(),
        tests,
        logged: Vec::new(),
    }
}

/// A failing test's heading without the path of the trial's tree, and without what pytest says before the test: that it is
/// an example in a docstring, or where it failed.
fn plain(heading: &str) -> String {
    let before = ["[doctest] ", SETUP, TEARDOWN];
    let test = before.iter().find_map(|before| heading.strip_prefix(before)).unwrap_or(heading);
    message_shape::within_tree(test)
}

/// The message without the notes that are printed behind it: hypothesis' example changes with the strategy.
fn without_notes(message: &str) -> &str {
    const NOTES: [&str; 5] = [
        "Failing test case:",
        "Falsifying example:",
        "Falsifying explicit example:",
        "You can reproduce this example by",
        "Unreliable test timings!",
    ];
    let starts = NOTES.iter().filter_map(|note| message.find(&format!("\n{note}")));
    message[..starts.min().unwrap_or(message.len())].trim_end()
}

/// The message's shape; of a group, with those of its members, for its own says no more than how many there are.
fn shape_of(one: &ParsedTraceback, message: &str) -> String {
    let mut shape = message_shape::shape(message);
    let mut members: Vec<String> = one
        .children
        .iter()
        .map(|member| {
            let kind = member.short_kind().unwrap_or_default();
            format!("{kind}: {}", shape_of(member, &redact(without_notes(&member.message))))
        })
        .collect();
    members.sort();
    members.dedup();
    for member in members {
        shape.push('\n');
        shape.push_str(&member);
    }
    shape
}

/// The id under which the summary lists a test that a heading names only by its last parts. Of several, the one whose
/// file stands in the traceback.
fn full_id(heading: &str, failing: &[String], frames: &[Frame]) -> String {
    let tail = test_name(heading);
    let same: Vec<&String> = failing.iter().filter(|id| test_name(id) == tail).collect();
    let is_seen = |id: &&&String| {
        let path = id.split("::").next().unwrap_or_default();
        frames.iter().any(|frame| frame.path == path || frame.path.ends_with(&format!("/{path}")))
    };
    let own = || Some(same.iter().filter(is_seen)).filter(|own| own.clone().count() == 1)?.next();
    match same.as_slice() {
        [only] => (*only).clone(),
        several => {
            let own = if several.is_empty() { None } else { own() };
            own.map_or_else(|| heading.to_owned(), |own| (*own).clone())
        }
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
