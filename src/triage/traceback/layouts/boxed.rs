//! rich: frames in a box, whatever stands left of it (RichHandler's columns), with or without a box of
//! variables, which is passed over.

use std::sync::LazyLock;

use regex::Regex;

use super::layout::{Layout, skip_blank};
use crate::model::Frame;
use crate::triage::traceback::parsed::{
    ChainLink, ParsedTraceback, TracebackForm, exception_line, separator,
};

pub(in crate::triage) static LAYOUT: Layout =
    Layout { name: "rich", opens, inside, shows, closes: |_| false, read };

static PLACE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^(\S.*?):(\d+)(?: in (\S.*?))?\s*$").expect("a valid pattern"));
static CODE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^❱ *\d+ (.*)$").expect("a valid pattern"));

/// A narrow box cuts it off.
const TITLE: &str = "Traceback (most rec";
/// Lines into which a narrow terminal breaks the sentence of a chain, with blank ones.
const MOST_SENTENCE: usize = 12;
/// Lines of one box.
const MOST_LINES: usize = 20_000;

fn opens(line: &str) -> bool {
    let line = line.trim_start();
    (line.starts_with(['╭', '┌', '+', '┏']) || line.starts_with("─"))
        && line.contains(TITLE)
        && !line.contains("last):")
}

fn inside(line: &str) -> bool {
    line.trim_start().starts_with(['│', '╭', '╰', '┌', '└', '┃', '┏', '┗', '|', '+'])
}

fn shows(line: &str) -> bool {
    match within(line) {
        Some(text) => PLACE.is_match(text) || text.starts_with('❱'),
        None => true,
    }
}

/// What stands between a line's borders.
fn within(line: &str) -> Option<&str> {
    let line = line.trim();
    let text = line.strip_prefix(['│', '┃', '|'])?;
    Some(text.strip_suffix(['│', '┃', '|']).unwrap_or(text).trim())
}

fn read(lines: &[&str], at: usize) -> Option<(ParsedTraceback, usize)> {
    super::layout::chain(lines, at, one, chained)
}

fn chained(lines: &[&str], at: usize) -> Option<(ChainLink, usize)> {
    let at = skip_blank(lines, at);
    let mut sentence = String::new();
    for (offset, line) in lines[at..].iter().take(MOST_SENTENCE).enumerate() {
        if opens(line) {
            return separator(sentence.trim()).map(|link| (link, at + offset));
        }
        sentence.push_str(line.trim());
        sentence.push(' ');
        if sentence.len() > 200 {
            break;
        }
    }
    None
}

fn one(lines: &[&str], at: usize) -> Option<(ParsedTraceback, usize)> {
    let mut read = ParsedTraceback::empty(TracebackForm::Boxed, at);
    let mut next = at + 1;
    let mut values = false;
    // A place too long for the box goes on in its next line.
    let mut broken = String::new();
    let mut placed = false;
    for line in lines[next..].iter().take(MOST_LINES) {
        let Some(text) = within(line) else { break };
        next += 1;
        if text.starts_with(['╭', '┌', '┏']) || text.starts_with("+-") {
            values = true;
        } else if text.starts_with(['╰', '└', '┗']) {
            values = false;
        } else if values || text.is_empty() {
            broken.clear();
            placed = false;
        } else if placed && !text.starts_with('❱') && !text.starts_with(|c: char| c.is_ascii_digit()) {
            // The function's name goes on.
            if let Some(function) = read.frames.last_mut().and_then(|frame| frame.function.as_mut()) {
                function.push_str(text);
            }
        } else if let Some(found) = CODE.captures(text) {
            let code = found[1].trim_start_matches(['│', ' ', '|']).trim();
            if let Some(frame) = read.frames.last_mut().filter(|frame| frame.code.is_none()) {
                frame.code = Some(code.to_owned());
            }
        } else if !text.starts_with(|c: char| c.is_ascii_digit()) {
            broken.push_str(text);
            if let Some(found) = PLACE.captures(&broken) {
                let found_function = found.get(3).is_some();
                read.frames.push(Frame {
                    path: found[1].to_owned(),
                    line: found[2].parse().unwrap_or(0),
                    function: found.get(3).map(|name| name.as_str().to_owned()),
                    code: None,
                });
                broken.clear();
                placed = found_function;
            } else if text.ends_with(" in") {
                broken.push(' ');
            }
        }
    }
    next +=
        usize::from(lines.get(next).is_some_and(|line| line.trim_start().starts_with(['╰', '└', '┗', '+'])));
    // The right edge of the column in which the box stands.
    let edge = lines[next - 1].trim_end().chars().count();
    let Some((kind, message)) = lines.get(next).and_then(|line| exception_line(line.trim())) else {
        read.truncated = true;
        return (!read.frames.is_empty()).then_some((read, next));
    };
    read.kind = Some(super::variants::kind(kind).to_owned());
    message.trim_end().clone_into(&mut read.message);
    next += 1;
    // Padded to the width of a column: broken by it.
    let inset = lines[next - 1].ends_with("  ");
    while let Some(line) = lines.get(next).filter(|line| !line.trim().is_empty() && !opens(line)) {
        if inset && would_fit(lines[next - 1], line, edge) {
            break;
        }
        read.message.push(if line.starts_with(' ') || inset { ' ' } else { '\n' });
        read.message.push_str(line.trim());
        next += 1;
    }
    Some((read, next))
}

/// Whether the first word of a line has room behind the line above it: then the column did not break there, and what
/// follows is the next record, whose time is left out within the same second.
fn would_fit(above: &str, line: &str, edge: usize) -> bool {
    let room = edge.saturating_sub(above.trim_end().chars().count());
    line.split_whitespace().next().is_some_and(|word| word.chars().count() < room)
}

#[cfg(test)]
mod tests {
    use crate::triage::traceback::parse;

    /// rich 15.0 with `show_locals`, as RichHandler indents it.
    #[test]
    fn a_box_with_variables() {
        let text = "\
          ╭───── Traceback (most recent call last) ─────╮
          │ /srv/app/a/very/long/path/to/the/shop.py:3  │
          │ in serve                                    │
          │                                             │
          │ ❱ 3 │   sell(key)                           │
          │                                             │
          │ ╭─ locals ───╮                              │
          │ │ key = 'k:1'│                              │
          │ ╰────────────╯                              │
          │ /srv/app/till.py:9 in sell                  │
          │                                             │
          │ ❱ 9 │   raise KeyError(key)                 │
          ╰─────────────────────────────────────────────╯
          KeyError: 'mint'
";
        let read = parse(text).pop().unwrap();
        let frames: Vec<_> = read.frames.iter().map(|frame| (frame.line, frame.code.as_deref())).collect();
        assert_eq!(frames, [(3, Some("sell(key)")), (9, Some("raise KeyError(key)"))]);
        assert_eq!((read.kind.as_deref(), read.message.as_str()), (Some("KeyError"), "'mint'"));
        assert!(!format!("{read:?}").contains("k:1"));
    }
}
