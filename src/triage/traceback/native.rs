//! Tracebacks as the interpreter prints them (CPython's `traceback` module is the reference), and as loggers
//! and runtimes vary them; what is varied stands in [`layouts::variants`](super::layouts).

use std::sync::LazyLock;

use regex::Regex;

use super::layouts::{ipython, layout, pybind11, variants};
use super::parsed::{
    ChainLink, EXCEPTION, ParsedTraceback, TracebackForm, exception_line, is_marks, separator,
};
use super::{examples, joining};
use crate::model::Frame;

const HEADER: &str = "Traceback (most recent call last):";
const GROUP: &str = "Exception Group ";
/// Lines of one message that are read; what follows an exception is often not its message.
const MOST_MESSAGE_LINES: usize = 60;

static FILE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"^(?: {2,8}|> )File "(.+?)", line (\d+)(?:, in (.*\S))?\s*$"#).expect("a valid pattern")
});
static GROUP_SIZE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\(\d+ sub-exceptions?\)$").expect("a valid pattern"));
/// What cannot be a message's next line: a ruler, a test runner's line, or a log line's beginning.
static NOT_MESSAGE: LazyLock<Regex> = LazyLock::new(|| {
    let log = r"\[?\d{4}-\d\d-\d\d[T ]|(?:DEBUG|INFO|WARNING|ERROR|CRITICAL)\b|\d+(?:\.\d+){3} - |Internal Server Error: ";
    let runner = r"={5,}|=+ .+ =+$|-{5,}|_{5,} |(?:FAILED|ERROR|PASSED) |Ran \d+ tests?|[0-9]+ (?:passed|failed)|!{5,}";
    Regex::new(&format!("^(?:{log}|{runner}|  File \")")).expect("a valid pattern")
});

/// A traceback that begins at this line, and the line behind it. With `until_ruler`, messages go on
/// over blank lines up to a ruler, as unittest prints them.
pub(super) fn read(lines: &[&str], at: usize, until_ruler: bool) -> Option<(ParsedTraceback, usize)> {
    let line = lines[at];
    if joining::with_header(line).is_some() {
        let reader = Reader { lines, base: "", until_ruler };
        return reader.chain(at, "").filter(|(read, _)| !read.frames.is_empty());
    }
    if let Some(column) = line.find(HEADER) {
        let behind = &line[column + HEADER.len()..];
        if !behind.trim().is_empty() {
            return None;
        }
        let start = line[..column].strip_suffix(GROUP).unwrap_or(&line[..column]);
        let base = start.strip_suffix("  + ").unwrap_or(start);
        let reader = Reader { lines, base, until_ruler };
        if reader.frame_at(at + 1).is_none() && lines.get(at + 1).is_some_and(|next| FILE.is_match(next)) {
            // What stands before the header is a record's beginning, not a mark on each line.
            let reader = Reader { base: "", ..reader };
            let (read, next) = reader.body(at, at + 1, "")?;
            return Some(reader.rest_of_chain(read, next, ""));
        }
        return reader.chain(at, "").filter(|(read, _)| !read.frames.is_empty() || read.kind.is_some());
    }
    if joining::announces(line) && lines.get(at + 1).is_some_and(|next| next.trim_end() == "\"\"\"") {
        let reader = Reader { lines, base: "", until_ruler };
        let (read, next) = reader.body(at, at, "")?;
        let (read, next) = reader.rest_of_chain(read, next, "");
        return Some((joining::reported(read), next));
    }
    if variants::is_header(line) {
        let reader = Reader { lines, base: "", until_ruler };
        return reader.chain(at, "").filter(|(read, _)| !read.frames.is_empty());
    }
    if (line.starts_with("  File \"") || line.starts_with("> File \"")) && FILE.is_match(line) {
        return headerless(&Reader { lines, base: "", until_ruler }, at);
    }
    None
}

/// Frames without the header: cut off at the beginning, or a SyntaxError of the main program.
fn headerless(reader: &Reader<'_, '_>, at: usize) -> Option<(ParsedTraceback, usize)> {
    let (mut read, next) = reader.body(at, at, "")?;
    let (read, next) = {
        let of_syntax = read.frames.len() == 1 && read.frames[0].function.is_none();
        read.truncated |= !of_syntax;
        if read.kind.is_none() && (of_syntax || read.frames.len() < 2) {
            return None;
        }
        reader.rest_of_chain(read, next, "")
    };
    Some((read, next))
}

/// A traceback whose frames begin at this line, without a header above them.
pub(super) fn frames_only(lines: &[&str], at: usize) -> Option<(ParsedTraceback, usize)> {
    let reader = Reader { lines, base: "", until_ruler: false };
    let (read, next) = reader.body(at, at, "")?;
    (!read.frames.is_empty()).then(|| reader.rest_of_chain(read, next, ""))
}

struct Reader<'l, 't> {
    lines: &'l [&'t str],
    /// What each line has before the traceback: a log's prefix. Digits in it may differ.
    base: &'l str,
    until_ruler: bool,
}

impl<'t> Reader<'_, 't> {
    /// The line without the prefix and the margin (`"  | "`) of the exception group it stands in.
    fn content(&self, at: usize, margin: &str) -> Option<&'t str> {
        let line = self.lines.get(at)?;
        let bare = match behind_prefix(line, self.base) {
            Some(bare) => bare,
            None if line.trim_end() == self.base.trim_end() => "",
            None => return None,
        };
        if let Some(rest) = bare.strip_prefix(margin) {
            return Some(rest);
        }
        (!margin.is_empty() && bare.trim_end() == margin.trim_end()).then_some("")
    }

    /// A traceback and the ones that are chained to it.
    fn chain(&self, at: usize, margin: &str) -> Option<(ParsedTraceback, usize)> {
        let (first, next) = self.one(at, margin)?;
        Some(self.rest_of_chain(first, next, margin))
    }

    fn rest_of_chain(&self, first: ParsedTraceback, next: usize, margin: &str) -> (ParsedTraceback, usize) {
        let (mut current, mut next) = (first, next);
        while let Some((link, after)) = self.link(next, margin) {
            let Some((mut later, end)) = self.one(after, margin) else { break };
            later.at = current.at;
            (current, next) = (joining::follows(later, link, current), end);
        }
        (current, next)
    }

    /// The line behind a chain's separator and the blank lines around it.
    fn link(&self, at: usize, margin: &str) -> Option<(ChainLink, usize)> {
        let at = self.skip_blank(at, margin);
        let link = separator(self.content(at, margin)?)?;
        Some((link, self.skip_blank(at + 1, margin)))
    }

    fn skip_blank(&self, mut at: usize, margin: &str) -> usize {
        while self.content(at, margin).is_some_and(|line| line.trim().is_empty()) {
            at += 1;
        }
        at
    }

    /// One exception, header first. A member of a group that was never raised has none.
    fn one(&self, at: usize, margin: &str) -> Option<(ParsedTraceback, usize)> {
        let line = self.content(at, margin)?;
        let header = line.trim_end();
        if header == HEADER || variants::is_header(header) || joining::with_header(header).is_some() {
            self.body(at, at + 1, margin)
        } else if header.strip_prefix("  + ").and_then(|rest| rest.strip_prefix(GROUP)) == Some(HEADER) {
            self.body(at, at + 1, &format!("{margin}  | "))
        } else if header.strip_prefix(GROUP) == Some(HEADER) {
            self.body(at, at + 1, margin)
        } else if !margin.is_empty() && EXCEPTION.is_match(line) {
            self.body(at, at, margin)
        } else {
            None
        }
    }

    /// The place of a frame that this line shows.
    fn frame_at(&self, at: usize) -> Option<Frame> {
        frame(self.content(at, "")?)
    }

    /// Frames, exception line, message and members.
    fn body(&self, start: usize, at: usize, margin: &str) -> Option<(ParsedTraceback, usize)> {
        let mut read = ParsedTraceback::empty(TracebackForm::Native, start);
        let mut at = self.frames(&mut read, at, margin);
        let line = self.content(at, margin).filter(|line| !line.starts_with(char::is_whitespace));
        let line = line.map(|line| variants::exception(line.trim_end()));
        match line.and_then(|line| EXCEPTION.captures(line)) {
            Some(found) => {
                read.kind = Some(variants::kind(&found[1]).to_owned());
                let first = found.get(2).map_or("", |message| message.as_str());
                if let Some((inner, next)) = self.wrapped(first, at + 1, margin) {
                    return Some((joining::unwrap(read, inner), next));
                }
                at = self.message(&mut read, first, at + 1, margin);
                if self.until_ruler
                    && let Some((raised, next)) = examples::below_ruler(self.lines, at)
                {
                    // What the example raised is the failure, not that the adapter tells of it.
                    let (kind, message) = exception_line(raised).unwrap_or((raised, ""));
                    (read.kind, read.message) = (Some(kind.to_owned()), message.to_owned());
                    at = next;
                }
                at = self.call_stack(&mut read, at, margin);
            }
            None => read.truncated = true,
        }
        if !margin.is_empty() {
            at = self.members(&mut read, at, margin);
        }
        // Without a header, and with nothing known in its first line, it is none.
        (at > start).then_some((read, at))
    }

    /// A whole traceback that an exception has for its message: that of a worker in another process.
    fn wrapped(&self, first: &str, at: usize, margin: &str) -> Option<(ParsedTraceback, usize)> {
        let line = self.content(at, margin)?;
        if first.is_empty() && matches!(line.trim_end(), "\"\"\"" | "'''") {
            let (inner, next) = self.chain(at + 1, margin)?;
            let next = self.skip_blank(next, margin);
            let closes = self.content(next, margin).is_some_and(|end| end.trim_end() == line.trim_end());
            return Some((inner, next + usize::from(closes)));
        }
        if first.trim_end() == HEADER {
            let (inner, next) = self.body(at - 1, at, margin)?;
            return Some(self.rest_of_chain(inner, next, margin));
        }
        if joining::opens_below(line) {
            let (inner, next) = self.chain(at + 1, &format!("{margin} | "))?;
            let closes = self.content(next, margin).is_some_and(joining::closes_below);
            return Some((inner, next + usize::from(closes)));
        }
        let after = self.skip_blank(at, margin);
        if self.content(after, margin).is_some_and(joining::opens_remote) {
            return self.chain(after + 1, margin);
        }
        if self.content(after, margin).is_some_and(pybind11::opens) {
            // The exception that C++ caught, and threw again as its message.
            let (kind, message) = variants::raised(first.trim_end())?;
            let own: Vec<&str> = (after..self.lines.len()).map_while(|at| self.content(at, margin)).collect();
            let (inner, next) = pybind11::below(kind, message, &own, 0)?;
            return Some((inner, after + next));
        }
        // Ray leaves out its own frames, not the marks below them.
        let marks = line.starts_with("    ") && is_marks(line);
        let at = at + usize::from(marks);
        if self.content(at, margin).is_some_and(|line| frame(line).is_some()) {
            let (inner, next) = self.body(at, at, margin)?;
            return Some(self.rest_of_chain(inner, next, margin));
        }
        let introduced = first.trim_end().ends_with(':') || first.is_empty();
        if introduced && line.trim_end() == HEADER {
            return self.chain(at, margin);
        }
        if introduced && layout::ruled(line) {
            return ipython::behind_ruler(self.lines, at);
        }
        None
    }

    /// What `logging` prints of a record that it failed to write: where it was logged, and its arguments, which
    /// are passed over.
    fn call_stack(&self, read: &mut ParsedTraceback, at: usize, margin: &str) -> usize {
        if self.content(at, margin) != Some("Call stack:") {
            return at;
        }
        let mut caller = ParsedTraceback::empty(TracebackForm::Native, at);
        let mut at = self.frames(&mut caller, at + 1, margin);
        caller.frames.append(&mut read.frames);
        read.frames = caller.frames;
        let of_record =
            |line: &str| line.is_empty() || line.starts_with("Message: ") || line.starts_with("Arguments: ");
        while self.content(at, margin).is_some_and(of_record) {
            at += 1;
        }
        at
    }

    fn frames(&self, read: &mut ParsedTraceback, mut at: usize, margin: &str) -> usize {
        // Loguru parts everything by blank lines.
        let airy = self.content(at, margin).is_some_and(|line| line.trim().is_empty());
        while let Some(line) = self.content(at, margin) {
            if let Some(frame) = frame(line) {
                read.frames.push(frame);
            } else if variants::is_dropped(line) {
                // values, notes of the runtime
            } else if (line.starts_with("    ") || line.starts_with('\t') || is_marks(line))
                && !read.frames.is_empty()
            {
                let code = line.trim();
                let marker = is_marks(line) || code.is_empty();
                let frame = read.frames.last_mut();
                if let Some(frame) = frame.filter(|frame| !marker && frame.code.is_none()) {
                    frame.code = Some(code.to_owned());
                }
            } else if !(line.starts_with("  [Previous line repeated ") || airy && line.trim().is_empty()) {
                break;
            }
            at += 1;
        }
        at
    }

    /// The message's later lines; the line behind them.
    fn message(&self, read: &mut ParsedTraceback, first: &str, mut at: usize, margin: &str) -> usize {
        let mut message = vec![first.trim_end()];
        while message.len() < MOST_MESSAGE_LINES {
            let Some(line) = self.content(at, margin) else { break };
            if line.trim().is_empty() {
                let more = self.until_ruler
                    && self.link(at, margin).is_none()
                    && self
                        .content(self.skip_blank(at, margin), margin)
                        .is_some_and(|line| !ends_message(line));
                if !more {
                    break;
                }
            } else if ends_message(line) {
                break;
            }
            message.push(line.trim_end());
            at += 1;
        }
        if GROUP_SIZE.is_match(message[0]) {
            read.notes = message.split_off(1).into_iter().map(str::to_owned).collect();
        }
        read.message = message.join("\n");
        at
    }

    /// The members of a group whose lines have this margin.
    fn members(&self, read: &mut ParsedTraceback, mut at: usize, margin: &str) -> usize {
        let Some(indent) = margin.strip_suffix("| ") else { return at };
        let (first, later) = (format!("{indent}+-+-"), format!("{indent}  +-"));
        let inner = format!("{indent}  | ");
        let mut marker = &first;
        while self.content(at, "").is_some_and(|line| line.starts_with(marker.as_str())) {
            let line = self.content(at, "").unwrap_or_default();
            at += 1;
            if !line.contains("- ") {
                return at; // only dashes: the end
            }
            marker = &later;
            if let Some((member, next)) = self.chain(at, &inner) {
                read.children.push(member);
                at = next;
            }
            while self.content(at, &inner).is_some() {
                read.truncated = true; // `and 5 more exceptions`, or a form not known
                at += 1;
            }
        }
        at
    }
}

/// The place that a line shows, in the interpreter's own form or a varied one.
fn frame(line: &str) -> Option<Frame> {
    if !line.starts_with("  ") && !line.starts_with("> ") {
        return None;
    }
    if let Some(frame) = plain(line) {
        return Some(frame);
    }
    let Some(found) = FILE.captures(line) else { return variants::frame(line) };
    Some(Frame {
        path: found[1].to_owned(),
        line: found[2].parse().unwrap_or(0),
        function: found.get(3).map(|function| function.as_str().to_owned()),
        code: None,
    })
}

/// The same by its bytes, when the line is as plain as most are.
fn plain(line: &str) -> Option<Frame> {
    let (path, rest) = line.strip_prefix("  File \"")?.split_once("\", line ")?;
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let function = rest[digits..].strip_prefix(", in ")?;
    let whole = digits > 0 && !path.is_empty() && function.bytes().all(|byte| byte.is_ascii_graphic());
    (whole && !function.is_empty()).then(|| Frame {
        path: path.to_owned(),
        line: rest[..digits].parse().unwrap_or(0),
        function: Some(function.to_owned()),
        code: None,
    })
}

fn ends_message(line: &str) -> bool {
    line.contains(HEADER)
        || separator(line).is_some()
        || matches!(line.trim_end(), "Call stack:" | "\"\"\"" | "'''")
        || joining::opens_below(line)
        || joining::opens_remote(line)
        || NOT_MESSAGE.is_match(line)
}

/// The line behind a prefix that is the same but for its digits.
fn behind_prefix<'t>(line: &'t str, prefix: &str) -> Option<&'t str> {
    if prefix.is_empty() {
        return Some(line);
    }
    let (head, rest) = (line.get(..prefix.len())?, line.get(prefix.len()..)?);
    let alike = |(a, b): (u8, u8)| a == b || a.is_ascii_digit() && b.is_ascii_digit();
    head.bytes().zip(prefix.bytes()).all(alike).then_some(rest)
}
