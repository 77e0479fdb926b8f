//! A crash of the interpreter, as `faulthandler` prints it: innermost frame first, no source lines.

use std::sync::LazyLock;

use regex::Regex;

use super::{Form, ParsedTraceback};
use crate::model::Frame;

const TITLE: &str = "Fatal Python error: ";
static FILE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r#"^  File "(.+?)", line (\d+) in (.+)$"#).expect("a valid pattern"));

/// A crash that begins at this line, and the line behind it. Only the thread that crashed is read.
pub(super) fn read(lines: &[&str], at: usize) -> Option<(ParsedTraceback, usize)> {
    let message = lines[at].strip_prefix(TITLE)?;
    let mut read = ParsedTraceback::empty(Form::Native, at);
    read.kind = Some(TITLE.trim_end_matches([':', ' ']).to_owned());
    message.clone_into(&mut read.message);
    let thread = lines.iter().skip(at + 1).take(6).position(|line| line.starts_with("Current thread "));
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
