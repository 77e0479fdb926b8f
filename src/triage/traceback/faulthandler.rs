//! A crash of the interpreter, or one that hangs, as `faulthandler` prints it: innermost frame first, no source lines.

use std::sync::LazyLock;

use regex::Regex;

use super::parsed::{ParsedTraceback, TracebackForm};
use crate::model::Frame;

const TITLE: &str = "Fatal Python error: ";
const HANGS: &str = "Timeout (";
/// The type of what hung, until `faulthandler.dump_traceback_later` told where.
pub(super) const TIMEOUT: &str = "Timeout";
static FILE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r#"^  File "(.+?)", line (\d+) in (.+)$"#).expect("a valid pattern"));

/// A crash that begins at this line, and the line behind it. Only the thread that crashed is read; of one that
/// hangs, the main thread, which is listed last.
pub(super) fn read(lines: &[&str], at: usize) -> Option<(ParsedTraceback, usize)> {
    let mut read = ParsedTraceback::empty(TracebackForm::Native, at);
    let hangs = lines[at].strip_prefix(HANGS).and_then(|time| time.strip_suffix(")!"));
    let hangs = hangs.is_some_and(|time| time.starts_with(|c: char| c.is_ascii_digit()));
    if hangs {
        read.kind = Some(TIMEOUT.to_owned());
    } else {
        lines[at].strip_prefix(TITLE)?.clone_into(&mut read.message);
        read.kind = Some(TITLE.trim_end_matches([':', ' ']).to_owned());
    }
    let inside = |line: &&&str| {
        let heads = ["Thread 0x", "Current thread ", "Python runtime state"];
        line.is_empty() || line.starts_with(' ') || heads.iter().any(|head| line.starts_with(head))
    };
    let below = lines[at + 1..].iter().take_while(inside).count();
    let below = &lines[at + 1..at + 1 + below];
    let thread = if hangs {
        below.iter().rposition(|line| line.starts_with("Thread 0x"))
    } else {
        below.iter().position(|line| line.starts_with("Current thread "))
    };
    let Some(thread) = thread else { return Some((read, at + 1)) };
    let first = at + 1 + thread + 1;
    let frames = lines[first..].iter().map_while(|line| FILE.captures(line)).map(|found| Frame {
        path: found[1].to_owned(),
        line: found[2].parse().unwrap_or(0),
        function: Some(found[3].to_owned()),
        code: None,
    });
    read.frames = frames.collect();
    read.frames.reverse();
    let next = first + read.frames.len();
    Some((read, next))
}

#[cfg(test)]
mod tests {
    use crate::triage::traceback::parse;

    /// CPython 3.13.
    #[test]
    fn what_hangs_is_told_by_its_main_thread() {
        let text = "Timeout (0:00:30)!\nThread 0x00007f01 (most recent call first):\n  File \"/srv/app/pump.py\", line 4 \
                    in pump\n\nThread 0x00007f02 (most recent call first):\n  File \"/srv/app/till.py\", line 9 in sell\n  \
                    File \"/srv/app/shop.py\", line 3 in <module>\n";
        let read = parse(text).pop().unwrap();
        assert_eq!((read.kind.as_deref(), read.frames.len()), (Some("Timeout"), 2));
        assert_eq!(read.frames[1].path, "/srv/app/till.py");
        // It only tells where a run was; what failed then is the failure.
        let failed = format!(
            "{text}Traceback (most recent call last):\n  File \"a.py\", line 1, in f\nKeyError: 'a'\n"
        );
        let kinds: Vec<_> = parse(&failed).into_iter().filter_map(|read| read.kind).collect();
        assert_eq!(kinds, ["KeyError"]);
        assert!(parse("Timeout (10)! is what I said").is_empty());
    }
}
