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
pub(in crate::triage) mod layout;
pub(in crate::triage) mod pretty_errors;
pub(in crate::triage) mod pybind11;
pub(in crate::triage) mod python_shell;
pub(in crate::triage) mod sanic;
pub(in crate::triage) mod sphinx;
pub(in crate::triage) mod stackprinter;
pub(in crate::triage) mod twisted;
pub(in crate::triage) mod variants;
pub(in crate::triage) mod with_variables;

use self::layout::Layout;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

use super::parsed::ParsedTraceback;

const LAYOUTS: [&Layout; 12] = [
    &boxed::LAYOUT,
    &sanic::LAYOUT,
    &stackprinter::LAYOUT,
    &ipython::LAYOUT,
    &azure::LAYOUT,
    &dagster::LAYOUT,
    &dask::LAYOUT,
    &pybind11::LAYOUT,
    &python_shell::LAYOUT,
    &sphinx::LAYOUT,
    &twisted::LAYOUT,
    &with_variables::LAYOUT,
];

/// What stands in every line that opens a layout, or does for a header.
static OPENINGS: LazyLock<AhoCorasick> = LazyLock::new(|| {
    AhoCorasick::new(["Traceback", "Stack trace (", "Stack Trace:", "ray::", "╭ ", "File ", "At:"])
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
