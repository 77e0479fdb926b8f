//! dask.distributed: the exception and the frames as two `repr`s, each on one line.

use super::layout::Layout;
use super::{escaped, variants};
use crate::triage::traceback::native;
use crate::triage::traceback::parsed::ParsedTraceback;

pub(in crate::triage) static LAYOUT: Layout =
    Layout { name: "dask", opens, inside: opens, shows: |_| true, closes: |_| false, read };

/// Lines between the two.
const NEAR: usize = 4;

fn opens(line: &str) -> bool {
    ["Traceback: '  File ", "Traceback: \"  File "].iter().any(|start| line.starts_with(start))
}

fn read(lines: &[&str], at: usize) -> Option<(ParsedTraceback, usize)> {
    let quoted = lines[at].strip_prefix("Traceback: ")?;
    let frames = escaped::unquoted(quoted)?;
    let frames: Vec<&str> = frames.lines().collect();
    let (mut read, _) = native::frames_only(&frames, 0)?;
    let above = lines[..at].iter().rev().take(NEAR).chain(lines[at + 1..].iter().take(NEAR));
    let named = above.into_iter().find_map(|line| line.strip_prefix("Exception: "));
    if let Some((kind, message)) = named.and_then(of_repr) {
        read.kind = Some(variants::kind(&kind).to_owned());
        read.message = message;
        read.truncated = false;
    }
    Some((read, at + 1))
}

/// Type and message of an exception's `repr`, which may itself be quoted.
pub(in crate::triage) fn of_repr(text: &str) -> Option<(String, String)> {
    let text = text.trim();
    let inner = if text.starts_with(['"', '\'']) { escaped::unquoted(text)? } else { text.to_owned() };
    let (kind, rest) = inner.split_once('(')?;
    let named = !kind.is_empty() && kind.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.'));
    if !named || !kind.rsplit('.').next()?.starts_with(|c: char| c.is_uppercase() || c == '_') {
        return None;
    }
    let arguments = rest.trim_end().strip_suffix(')').unwrap_or(rest);
    let message = escaped::unquoted(arguments).unwrap_or_else(|| arguments.to_owned());
    // A missing key is printed as its `repr`.
    let message = if kind.ends_with("KeyError") { arguments.to_owned() } else { message };
    Some((kind.to_owned(), message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn representations() {
        let read = |text: &str| of_repr(text).map(|(kind, message)| format!("{kind}|{message}"));
        assert_eq!(read("\"ValueError('no rate: 4')\"").as_deref(), Some("ValueError|no rate: 4"));
        assert_eq!(read("ValueError(\"it's\")").as_deref(), Some("ValueError|it's"));
        assert_eq!(read("KeyError('x')").as_deref(), Some("KeyError|'x'"));
        assert_eq!(read("a.b.TimeoutError()").as_deref(), Some("a.b.TimeoutError|"));
        assert_eq!(read("show_rate(1)"), None);
    }
}
