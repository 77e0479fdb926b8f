//! What a reader of a layout does.

use crate::triage::traceback::parsed::{ChainLink, ParsedTraceback};

/// Reads the traceback that begins at a line, and gives the line behind it.
pub(super) type Read = fn(&[&str], usize) -> Option<(ParsedTraceback, usize)>;

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

/// A line of dashes or equals signs.
pub(in crate::triage) fn ruled(line: &str) -> bool {
    let line = line.trim_end();
    line.len() >= 18 && (line.bytes().all(|byte| byte == b'-') || line.bytes().all(|byte| byte == b'='))
}

/// Index of the first line from here on that is not blank.
pub(super) fn skip_blank(lines: &[&str], mut at: usize) -> usize {
    while lines.get(at).is_some_and(|line| line.trim().is_empty()) {
        at += 1;
    }
    at
}

/// The message's further lines, up to a blank one, behind its first; the line behind them.
pub(super) fn further_lines(lines: &[&str], mut next: usize, message: &mut String) -> usize {
    while let Some(line) = lines.get(next).filter(|line| !line.trim().is_empty()) {
        message.push('\n');
        message.push_str(line.trim_end());
        next += 1;
    }
    next
}

/// Exceptions one below the other, each raised from the one above it: `one` reads one of them, `chained` what leads from
/// its end to the next.
pub(super) fn chain(
    lines: &[&str],
    at: usize,
    one: impl Fn(&[&str], usize) -> Option<(ParsedTraceback, usize)>,
    chained: impl Fn(&[&str], usize) -> Option<(ChainLink, usize)>,
) -> Option<(ParsedTraceback, usize)> {
    let (mut current, mut next) = one(lines, at)?;
    while let Some((link, after)) = chained(lines, next) {
        let Some((mut later, end)) = one(lines, after) else { break };
        later.cause = Some(Box::new((link, current)));
        (current, next) = (later, end);
    }
    Some((current, next))
}
