//! Exceptions that carry another process's traceback, and which of the two is the failure.
//!
//! A pool's worker formats its traceback and sends it as text; the parent raises the exception again where it
//! asked for the result. What failed, failed in the worker.

use super::parsed::{ChainLink, ParsedTraceback};

/// An exception whose message is a whole traceback: what is wrapped is the failure. How the wrapper came to
/// be raised tells of the machinery only.
pub(super) fn unwrap(wrapper: ParsedTraceback, mut inner: ParsedTraceback) -> ParsedTraceback {
    inner.at = wrapper.at;
    if wrapper.short_kind().is_some_and(is_remote) {
        // What follows decides; see `follows`.
        return ParsedTraceback { cause: Some(Box::new((ChainLink::DirectCause, inner))), ..wrapper };
    }
    inner
}

/// `later` came after `earlier` in a chain.
pub(super) fn follows(
    mut later: ParsedTraceback,
    link: ChainLink,
    earlier: ParsedTraceback,
) -> ParsedTraceback {
    let remote = carries(&earlier);
    let earlier = reported(earlier);
    if (remote || link == ChainLink::DirectCause && is_raised_again(&later)) && same(&earlier, &later) {
        return earlier;
    }
    later.cause = Some(Box::new((link, earlier)));
    later
}

/// Whether the exception was made elsewhere, and only raised again where the traceback ends: `raise self._exception`.
fn is_raised_again(read: &ParsedTraceback) -> bool {
    let last = read.frames.last().and_then(|frame| frame.code.as_deref());
    let raised = last.and_then(|code| code.split_once("raise ")).map(|(_, what)| what.trim());
    raised.is_some_and(|what| {
        what.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.'))
    })
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

/// Whether the line opens another process's traceback below the exception that Pyro raised again.
pub(in crate::triage) fn opens_below(line: &str) -> bool {
    line.starts_with(" +--- ") && line.contains(" remotely (Pyro) - Remote traceback")
}

/// Whether the line closes it.
pub(in crate::triage) fn closes_below(line: &str) -> bool {
    line.starts_with(" +--- End of remote traceback")
}

/// Whether the line opens another process's traceback below the exception that RPyC raised again.
pub(in crate::triage) fn opens_remote(line: &str) -> bool {
    line.starts_with("========= Remote Traceback (") && line.trim_end().ends_with(" =========")
}

/// The type of an exception whose message is a traceback that begins in its own line: pebble's `RemoteTraceback`, execnet's
/// `RemoteError`.
pub(in crate::triage) fn with_header(line: &str) -> Option<&str> {
    let kind = line.trim_end().strip_suffix(": Traceback (most recent call last):")?;
    let name = kind.rsplit('.').next()?;
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.');
    let is_kind = kind.bytes().all(is_word) && name.trim_start_matches('_').starts_with(char::is_uppercase);
    let is_raised = ["Error", "Exception", "Traceback"].iter().any(|end| name.ends_with(end));
    (is_kind && is_raised).then_some(kind)
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

#[cfg(test)]
mod tests {
    use crate::triage::traceback::parse;
    use crate::triage::traceback::parsed::ParsedTraceback;

    const WORKER: &str = "Traceback (most recent call last):\n  File \"/srv/app/till.py\", line 4, in rate\n    raise \
                          ValueError(text)\nValueError: four\n\nThe above exception was the direct cause of the following \
                          exception:\n\nTraceback (most recent call last):\n  File \"/srv/app/till.py\", line 9, in sell\n    \
                          raise KeyError(key) from error\nKeyError: 'mint'\n";
    const PARENT: &str = "Traceback (most recent call last):\n  File \"/srv/app/night.py\", line 2, in <module>\n    \
                          pool.map(sell)\n  File \"/opt/venv/pool.py\", line 7, in map\n    raise ";

    fn failed_in_the_worker(text: &str) -> ParsedTraceback {
        let mut found = parse(text);
        assert_eq!(found.len(), 1, "{text}");
        let failure = found.remove(0);
        assert_eq!(
            (failure.kind.as_deref(), failure.message.as_str()),
            (Some("KeyError"), "'mint'"),
            "{text}"
        );
        assert_eq!(failure.frames.last().unwrap().line, 9, "{text}");
        let (_, cause) = *failure.cause.clone().unwrap();
        assert_eq!((cause.kind.as_deref(), cause.cause), (Some("ValueError"), None), "{text}");
        failure
    }

    /// mpire 2.10: the worker's traceback as the text of an exception, from which its own is raised again.
    #[test]
    fn what_is_raised_again_failed_where_it_was_made() {
        let link = "\n\nThe above exception was the direct cause of the following exception:\n\n";
        failed_in_the_worker(&format!("{WORKER}{link}{PARENT}exception\nKeyError: 'mint'\n"));
        // What is made anew failed where it was made.
        let text = format!("{WORKER}{link}{PARENT}KeyError(key) from error\nKeyError: 'mint'\n");
        assert_eq!(parse(&text)[0].frames.last().unwrap().line, 7);
    }

    /// pebble 5.2 and execnet 2.1.
    #[test]
    fn a_workers_traceback_begins_in_the_line_of_the_type() {
        let link = "\n\nThe above exception was the direct cause of the following exception:\n\n";
        let again = format!("{link}{PARENT}self._exception\nKeyError: 'mint'\n");
        failed_in_the_worker(&format!("pebble.common.types.RemoteTraceback: {WORKER}{again}"));
        failed_in_the_worker(&format!("{PARENT}error\nexecnet.gateway_base.RemoteError: {WORKER}\n"));
    }

    /// RPyC 6.0: the client makes a class of the server's name.
    #[test]
    fn a_servers_traceback_stands_below_a_ruler() {
        let again = format!("{PARENT}obj\n_get_exception_class.<locals>.Derived: 'mint'\n");
        failed_in_the_worker(&format!("{again}\n========= Remote Traceback (1) =========\n{WORKER}\n"));
    }

    /// Pyro5 5.17, with its own hook.
    #[test]
    fn a_servers_traceback_stands_below_the_clients() {
        let below: String = WORKER.lines().map(|line| format!(" | {line}\n")).collect();
        let opens = " +--- This exception occured remotely (Pyro) - Remote traceback:\n";
        let failure = failed_in_the_worker(&format!(
            "{PARENT}data  # if you see this, inspect the remote traceback as well\nKeyError: 'mint'\n{opens}{below} +--- \
             End of remote traceback\nnext\n"
        ));
        assert!(failure.lines > 18, "{failure:?}");
    }
}
