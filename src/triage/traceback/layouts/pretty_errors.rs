//! pretty_errors: `file line function` and the source below it, the exception's type and message on two lines.
//! Only its last lines tell it apart, so it is read backwards from `Type:`.

use std::sync::LazyLock;

use regex::Regex;

use super::layout::ruled;
use super::variants;
use crate::model::Frame;
use crate::triage::traceback::parsed::{ParsedTraceback, TracebackForm};

static PLACE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^(\S.*\.\w+) (\d+) ([\w.<>]+)\s*$").expect("a valid pattern"));

/// How far back frames are looked for, in lines.
pub(in crate::triage) const LOOK_BACK: usize = 120;

/// Whether the line is a type alone, as this layout ends in.
pub(in crate::triage) fn closes(line: &str) -> bool {
    let Some(kind) = line.trim_end().strip_suffix(':') else { return false };
    !kind.is_empty()
        && kind.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && kind.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.'))
        && kind.chars().any(char::is_uppercase)
}

/// The traceback that ends in a type at `at`, and how many lines it takes from there.
pub(in crate::triage) fn read(lines: &[&str], at: usize) -> Option<(ParsedTraceback, usize)> {
    let kind = lines.get(at)?.trim_end().strip_suffix(':')?;
    let above = lines[..at].iter().rev().take_while(|line| !ruled(line) && !closes(line)).count();
    let mut read = ParsedTraceback::empty(TracebackForm::Boxed, at - above);
    for line in &lines[at - above..at] {
        if let Some(found) = PLACE.captures(line) {
            read.frames.push(Frame {
                path: found[1].to_owned(),
                line: found[2].parse().unwrap_or(0),
                function: Some(found[3].to_owned()),
                code: None,
            });
        } else if !line.trim().is_empty()
            && let Some(frame) = read.frames.last_mut().filter(|frame| frame.code.is_none())
        {
            frame.code = Some(line.trim().to_owned());
        }
    }
    read.kind = Some(variants::kind(kind).to_owned());
    lines.get(at + 1).map_or("", |line| line.trim()).clone_into(&mut read.message);
    let taken = 1 + usize::from(!read.message.is_empty());
    (!read.frames.is_empty()).then_some((read, taken))
}
