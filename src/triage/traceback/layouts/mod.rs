//! Tracebacks in layouts of their own: loggers, servers, notebooks, runtimes.
//!
//! A layout is one file: a [`Layout`] with its opening, the lines that stand inside, the lines that may be
//! shown, and a reader that gives frames, type, message and chain. Those that change only some lines of the
//! interpreter's own form stand in [`variants`]. Values of variables are never read.

pub(in crate::triage) mod azure;
pub(in crate::triage) mod boxed;
pub(in crate::triage) mod dagster;
pub(in crate::triage) mod dask;
pub(in crate::triage) mod escaped;
pub(in crate::triage) mod ipython;
pub(in crate::triage) mod pretty_errors;
pub(in crate::triage) mod sanic;
pub(in crate::triage) mod stackprinter;
pub(in crate::triage) mod twisted;
pub(in crate::triage) mod variants;
pub(in crate::triage) mod with_variables;

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

use super::{Link, ParsedTraceback};

/// Reads the traceback that begins at a line, and gives the line behind it.
type Read = fn(&[&str], usize) -> Option<(ParsedTraceback, usize)>;

/// One way in which tracebacks are laid out.
#[derive(Debug)]
pub(in crate::triage) struct Layout {
    /// The program whose layout it is.
    pub(in crate::triage) name: &'static str,
    /// Whether a traceback begins at this line.
    pub(in crate::triage) opens: fn(&str) -> bool,
    /// Whether a line that is neither blank nor indented stands inside one.
    pub(in crate::triage) inside: fn(&str) -> bool,
    /// Whether a line inside may be shown: it holds no values of variables.
    pub(in crate::triage) shows: fn(&str) -> bool,
    /// Whether this line, in it, is the last of all.
    pub(in crate::triage) closes: fn(&str) -> bool,
    /// The traceback that begins at this line, and the line behind it.
    pub(in crate::triage) read: Read,
}

const LAYOUTS: [&Layout; 9] = [
    &boxed::LAYOUT,
    &sanic::LAYOUT,
    &stackprinter::LAYOUT,
    &ipython::LAYOUT,
    &azure::LAYOUT,
    &dagster::LAYOUT,
    &dask::LAYOUT,
    &twisted::LAYOUT,
    &with_variables::LAYOUT,
];

/// What stands in every line that opens a layout, or does for a header.
static OPENINGS: LazyLock<AhoCorasick> = LazyLock::new(|| {
    AhoCorasick::new(["Traceback", "Stack trace (", "Stack Trace:", "ray::", "╭ ", "File "])
        .expect("a few short words")
});

/// Whether a traceback may begin at this line: what is quick to tell.
pub(in crate::triage) fn may_open(line: &[u8]) -> bool {
    OPENINGS.is_match(line)
}

/// The layout in which a traceback begins at this line.
pub(in crate::triage) fn opening(line: &str) -> Option<&'static Layout> {
    may_open(line.as_bytes()).then(|| LAYOUTS.into_iter().find(|layout| (layout.opens)(line))).flatten()
}

/// The traceback that begins at this line in one of the layouts, and the line behind it.
pub(super) fn read(lines: &[&str], at: usize) -> Option<(ParsedTraceback, usize)> {
    let layout = opening(lines.get(at)?)?;
    let (mut read, next) = (layout.read)(lines, at)?;
    read.at = at;
    Some((read, next))
}

/// A line of dashes or equals signs.
pub(in crate::triage) fn ruled(line: &str) -> bool {
    let line = line.trim_end();
    line.len() >= 18 && (line.bytes().all(|byte| byte == b'-') || line.bytes().all(|byte| byte == b'='))
}

/// Index of the first line from here on that is not blank.
fn skip_blank(lines: &[&str], mut at: usize) -> usize {
    while lines.get(at).is_some_and(|line| line.trim().is_empty()) {
        at += 1;
    }
    at
}

/// The message's further lines, up to a blank one, behind its first; the line behind them.
fn further_lines(lines: &[&str], mut next: usize, message: &mut String) -> usize {
    while let Some(line) = lines.get(next).filter(|line| !line.trim().is_empty()) {
        message.push('\n');
        message.push_str(line.trim_end());
        next += 1;
    }
    next
}

/// Exceptions one below the other, each raised from the one above it: `one` reads one of them, `chained` what leads from
/// its end to the next.
fn chain(
    lines: &[&str],
    at: usize,
    one: impl Fn(&[&str], usize) -> Option<(ParsedTraceback, usize)>,
    chained: impl Fn(&[&str], usize) -> Option<(Link, usize)>,
) -> Option<(ParsedTraceback, usize)> {
    let (mut current, mut next) = one(lines, at)?;
    while let Some((link, after)) = chained(lines, next) {
        let Some((mut later, end)) = one(lines, after) else { break };
        later.cause = Some(Box::new((link, current)));
        (current, next) = (later, end);
    }
    Some((current, next))
}
