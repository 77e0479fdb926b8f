//! Python tracebacks in the output of a test run, a script or a server.
//!
//! [`parse`] finds every one, in the order of the text, in all of these forms:
//!
//! - the interpreter's own: chained, exception groups, `^^^^` marker lines, `[Previous line repeated
//!   n more times]`, a SyntaxError without header, notes, cut off at either end, behind a constant
//!   or numbered prefix on each line;
//! - pytest's long, short, line and native styles, the words of items that are no functions, its
//!   summary lines when nothing else tells of a test, and errors while loading `conftest.py`;
//! - unittest's, with the test's name;
//! - a crash of the interpreter, as `faulthandler` prints it;
//! - those of loggers, servers, notebooks and runtimes: one file each in `layouts`.
//!
//! Where a worker's traceback comes inside another exception (process pools, Ray, Spark), the failure is the
//! worker's: `joining` says how.
//!
//! The interpreter prints an exception's notes (PEP 678) straight behind its message, so the two
//! cannot be told apart but in groups, whose message ends in `(n sub-exceptions)`: elsewhere notes
//! are the later lines of the message.

mod examples;
mod faulthandler;
mod items;
pub(in crate::triage) mod joining;
pub(in crate::triage) mod layouts;
mod native;
pub mod parsed;
mod pytest;

pub(in crate::triage) use pytest::heading as pytest_heading;

use std::sync::LazyLock;

use regex::Regex;

use self::parsed::{ParsedTraceback, TracebackForm};
use super::ansi;

/// Every traceback in the text, in its order. A chain is one entry: the exception that was raised
/// last, with the others behind [`ParsedTraceback::cause`].
#[must_use]
pub fn parse(text: &str) -> Vec<ParsedTraceback> {
    let clean = ansi::strip(text);
    let lines: Vec<&str> = clean.lines().collect();
    let mut scan = Scan { lines: &lines, at: 0, context: Context::of(&lines), found: Vec::new() };
    while scan.at < lines.len() {
        let here = scan.at;
        scan.step();
        debug_assert!(scan.at > here, "a reader that read nothing says so: {:?}", lines[here]);
        scan.at = scan.at.max(here + 1);
    }
    let told = items::told(&lines, &scan.found);
    scan.found.extend(told);
    drop_repeated_summaries(&mut scan.found);
    drop_hangs_beside_failures(&mut scan.found);
    scan.found
}

/// What the lines above say about the line at hand.
struct Context {
    /// Tests that the last summary names as failed: `Class.test[param]`.
    failed: Vec<String>,
    /// The heading under which the lines stand.
    test: Option<String>,
    /// Inside a `Captured …` section.
    captured: bool,
    /// Inside pytest's FAILURES or ERRORS section.
    failures: bool,
    /// Inside unittest's report of one test: messages go on until the ruler.
    unittest: bool,
}

impl Context {
    fn of(lines: &[&str]) -> Self {
        let failed = lines.iter().filter_map(|line| pytest::summary_line(line)).map(|line| line.heading());
        Self { failed: failed.collect(), test: None, captured: false, failures: false, unittest: false }
    }
}

struct Scan<'t> {
    lines: &'t [&'t str],
    at: usize,
    context: Context,
    found: Vec<ParsedTraceback>,
}

static UNITTEST_HEADING: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^(?:FAIL|ERROR): (\S.*)$").expect("a valid pattern"));

impl Scan<'_> {
    fn step(&mut self) {
        let line = self.lines[self.at];
        if self.heading(line) {
            self.at += 1;
        } else if let Some(read) = in_one_line(line, self.at) {
            self.push(read, self.at + 1);
        } else if let Some((read, next)) = native::read(self.lines, self.at, self.context.unittest) {
            self.push(read, next);
        } else if let Some((read, next)) = layouts::read(self.lines, self.at) {
            self.push(read, next);
        } else if let Some((read, next)) = faulthandler::read(self.lines, self.at) {
            self.push(read, next);
        } else if let Some(summary) = pytest::summary_line(line) {
            self.push_summary(&summary);
        } else if self.context.failures && !self.context.captured {
            self.inside_failures(line);
        } else if !self.context.captured && pytest::starts_short(self.lines, self.at) {
            let end = pytest::end_of_short(self.lines, self.at);
            self.pytest_block(end);
        } else {
            self.at += 1;
        }
    }

    /// Takes note of a heading; false when the line is none.
    fn heading(&mut self, line: &str) -> bool {
        let context = &mut self.context;
        if let Some(section) = pytest::section(line) {
            context.failures = matches!(section, "FAILURES" | "ERRORS");
            context.test = None;
            context.captured = false;
            context.unittest = false;
        } else if let Some(test) = pytest::heading(line) {
            // What a captured inner run prints looks the same; the summary knows the real ones.
            let nested = context.captured
                && !context.failed.is_empty()
                && !context.failed.iter().any(|one| one == test);
            if nested {
                return true;
            }
            context.test = Some(test.to_owned());
            context.captured = false;
            context.failures = true;
        } else if pytest::captured(line) {
            context.captured = true;
        } else if let Some(found) = UNITTEST_HEADING.captures(line)
            && self.at > 0
            && self.lines[self.at - 1].starts_with("=====")
        {
            context.test = Some(found[1].to_owned());
            context.unittest = true;
            context.captured = false;
        } else {
            return false;
        }
        true
    }

    /// A line under FAILURES or ERRORS that begins neither a native traceback nor a heading.
    fn inside_failures(&mut self, line: &str) {
        if self.context.test.is_none() {
            if let Some(read) = pytest::one_line(line, self.at) {
                self.push(read, self.at + 1);
                return;
            }
            self.at += 1;
            return;
        }
        let end = pytest::end_of_block(self.lines, self.at);
        self.pytest_block(end);
    }

    fn pytest_block(&mut self, end: usize) {
        match pytest::block(&self.lines[..end], self.at) {
            Some(read) => self.push(read, end),
            None => self.at = end.max(self.at + 1),
        }
    }

    fn push_summary(&mut self, summary: &pytest::Summary<'_>) {
        let read = summary.traceback(self.at);
        self.at += 1;
        self.found.extend(read);
    }

    fn push(&mut self, mut read: ParsedTraceback, next: usize) {
        read.test = self.context.test.clone().or(read.test);
        read.captured = self.context.captured;
        read.lines = next - read.at;
        self.at = next;
        self.found.push(read);
    }
}

/// Where a slow run was when `faulthandler` looked is its failure only when no other is told.
fn drop_hangs_beside_failures(found: &mut Vec<ParsedTraceback>) {
    let hangs = |one: &ParsedTraceback| one.kind.as_deref() == Some(faulthandler::TIMEOUT);
    if found.iter().any(hangs) && found.iter().any(|one| !hangs(one) && !one.captured) {
        found.retain(|one| !hangs(one));
    }
}

/// The traceback that a line holds as a string of another language or record.
fn in_one_line(line: &str, at: usize) -> Option<ParsedTraceback> {
    let mut read = parse(&layouts::escaped::text(line)?).into_iter().next_back()?;
    read.at = at;
    read.test = read.test.or_else(|| layouts::escaped::of_service_message(line));
    (!read.frames.is_empty() || read.kind.is_some()).then_some(read)
}

/// A summary line adds something only where no fuller traceback of the same failure was printed.
fn drop_repeated_summaries(found: &mut Vec<ParsedTraceback>) {
    let (summaries, fuller): (Vec<_>, Vec<_>) =
        std::mem::take(found).into_iter().partition(|one| one.form == TracebackForm::PytestSummary);
    let told = |summary: &ParsedTraceback| {
        fuller.iter().filter(|one| !one.captured).any(|one| match (&one.test, &summary.test) {
            (Some(heading), Some(id)) => pytest::names_same_test(heading, id),
            _ => {
                one.short_kind() == summary.short_kind()
                    && one.message.starts_with(summary.message.trim_end_matches("..."))
            }
        })
    };
    let new: Vec<_> = summaries.into_iter().filter(|summary| !told(summary)).collect();
    *found = fuller;
    found.extend(new);
    found.sort_by_key(|one| one.at);
}

#[cfg(test)]
mod progress;
