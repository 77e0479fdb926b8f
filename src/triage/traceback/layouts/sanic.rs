//! Sanic from 25: one column of places, calls behind them, `X from previous` for a chain.

use std::sync::LazyLock;

use regex::Regex;

use super::layout::Layout;
use super::variants;
use crate::model::Frame;
use crate::triage::traceback::parsed::{ChainLink, ParsedTraceback, TracebackForm, exception_line};

pub(in crate::triage) static LAYOUT: Layout = Layout { name: "Sanic", opens, inside, shows, closes, read };

static PLACE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^(\S+\.\w+):(\d+) +([\w.<>]+):(?: +(.*))?$").expect("a valid pattern"));

fn opens(line: &str) -> bool {
    line.starts_with("╭ ")
}

fn inside(line: &str) -> bool {
    line.starts_with(['│', '╰'])
}

fn shows(line: &str) -> bool {
    !line.starts_with('│')
        || !line.starts_with("│    ")
        || line.contains("raise ")
        || line.trim_end().ends_with(['💣', '➤'])
}

fn closes(line: &str) -> bool {
    line.starts_with('╰')
}

fn read(lines: &[&str], at: usize) -> Option<(ParsedTraceback, usize)> {
    let mut done: Option<ParsedTraceback> = None;
    let mut read = ParsedTraceback::empty(TracebackForm::Boxed, at);
    let mut next = at + 1;
    while let Some(line) = lines.get(next) {
        let (last, text) = match (line.strip_prefix('│'), line.strip_prefix('╰')) {
            (Some(text), _) => (false, text),
            (None, Some(text)) => (true, text),
            (None, None) => break,
        };
        next += 1;
        let text = text.strip_prefix(' ').unwrap_or(text).trim_end();
        if let Some(found) = PLACE.captures(text) {
            let code = found.get(4).map(|code| code.as_str().trim_end_matches(['➤', '💣']).trim());
            read.frames.push(Frame {
                path: found[1].to_owned(),
                line: found[2].parse().unwrap_or(0),
                function: Some(found[3].to_owned()),
                code: code.filter(|code| !code.is_empty()).map(str::to_owned),
            });
        } else if text.starts_with("  ") {
            // The innermost function's source; the marked line raised.
            if let Some(code) = text.strip_suffix('💣')
                && let Some(frame) = read.frames.last_mut()
            {
                frame.code = Some(code.trim().to_owned());
            }
        } else if let Some((link, kind, message)) = exception(text) {
            let mut one = std::mem::replace(&mut read, ParsedTraceback::empty(TracebackForm::Boxed, at));
            one.kind = Some(variants::kind(kind).to_owned());
            message.clone_into(&mut one.message);
            if let Some(earlier) = done.take() {
                one.cause = Some(Box::new((link, earlier)));
            }
            done = Some(one);
        }
        if last {
            break;
        }
    }
    done.map(|read| (read, next))
}

/// `LookupError from previous: no rate`, and how it is linked to the one before.
fn exception(text: &str) -> Option<(ChainLink, &str, &str)> {
    if let Some((kind, rest)) = text.split_once(' ') {
        let linked =
            [("from previous", ChainLink::DirectCause), ("while handling", ChainLink::DuringHandling)];
        for (words, link) in linked {
            if let Some(rest) = rest.strip_prefix(words) {
                let message = rest.split_once(": ").map_or("", |(_, message)| message);
                return exception_line(&format!("{kind}: ")).map(|_| (link, kind, message));
            }
        }
    }
    let (kind, message) = exception_line(text)?;
    Some((ChainLink::DuringHandling, kind, message))
}

#[cfg(test)]
mod tests {
    use crate::triage::traceback::parse;

    /// Sanic 25.12.
    #[test]
    fn a_chain() {
        let text = "\
╭ Srv 0 2026-11-20 10:00:04 +0000 ERROR: Exception occurred while handling uri: 'http://shop.example/'
│ shop/till.py:9  sell:
│   def sell(key):
│       raise ValueError(key) 💣
│ ValueError: 'mint'
│ shop/web.py:11    page: sell(key)➤
│ shop/web.py:20 wrap:
│           raise KeyError(key) from error 💣
╰ KeyError from previous: 'mint'
";
        let read = parse(text).pop().unwrap();
        assert_eq!((read.kind.as_deref(), read.message.as_str()), (Some("KeyError"), "'mint'"));
        assert_eq!(read.frames.len(), 2);
        assert_eq!(read.frames[1].code.as_deref(), Some("raise KeyError(key) from error"));
        assert_eq!(read.cause.unwrap().1.frames[0].line, 9);
    }
}
