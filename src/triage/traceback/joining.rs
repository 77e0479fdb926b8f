//! Exceptions that carry another process's traceback, and which of the two is the failure.
//!
//! A pool's worker formats its traceback and sends it as text; the parent raises the exception again where it
//! asked for the result. What failed, failed in the worker.

use super::parsed::{Link, ParsedTraceback};

/// An exception whose message is a whole traceback: what is wrapped is the failure. How the wrapper came to
/// be raised tells of the machinery only.
pub(super) fn unwrap(wrapper: ParsedTraceback, mut inner: ParsedTraceback) -> ParsedTraceback {
    inner.at = wrapper.at;
    if wrapper.short_kind().is_some_and(is_remote) {
        // What follows decides; see `follows`.
        return ParsedTraceback { cause: Some(Box::new((Link::DirectCause, inner))), ..wrapper };
    }
    inner
}

/// `later` came after `earlier` in a chain.
pub(super) fn follows(mut later: ParsedTraceback, link: Link, earlier: ParsedTraceback) -> ParsedTraceback {
    let remote = carries(&earlier);
    let earlier = reported(earlier);
    if remote && same(&earlier, &later) {
        return earlier;
    }
    later.cause = Some(Box::new((link, earlier)));
    later
}

/// A remote traceback that nothing followed is the worker's own.
pub(super) fn reported(read: ParsedTraceback) -> ParsedTraceback {
    if !carries(&read) {
        return read;
    }
    let (at, lines) = (read.at, read.lines);
    match read.cause {
        Some(inner) => ParsedTraceback { at, lines, ..inner.1 },
        None => read,
    }
}

/// Whether the line is that of an exception that brings a worker's traceback.
pub(in crate::triage) fn announces(line: &str) -> bool {
    line.contains("RemoteTraceback:") && !line.starts_with(char::is_whitespace)
}

fn carries(read: &ParsedTraceback) -> bool {
    read.cause.is_some() && read.short_kind().is_some_and(is_remote)
}

fn same(a: &ParsedTraceback, b: &ParsedTraceback) -> bool {
    a.short_kind() == b.short_kind() && (a.headline() == b.headline() || b.frames.is_empty())
}

/// `_RemoteTraceback` of concurrent.futures and loky, `RemoteTraceback` of multiprocessing.
fn is_remote(kind: &str) -> bool {
    kind.trim_start_matches('_') == "RemoteTraceback"
}
