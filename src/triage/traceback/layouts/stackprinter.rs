//! stackprinter: source around each line, and a block of variables below, which is passed over.

use std::sync::LazyLock;

use regex::Regex;

use super::layout::{Layout, further_lines, skip_blank};
use super::variants;
use crate::model::Frame;
use crate::triage::traceback::parsed::{
    ChainLink, ParsedTraceback, TracebackForm, exception_line, separator,
};

pub(in crate::triage) static LAYOUT: Layout =
    Layout { name: "stackprinter", opens, inside, shows, closes: |_| false, read };

static PLACE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r#"^File "?(.+?)"?, line (\d+), in (.*\S)\s*$"#).expect("a valid pattern"));
static CODE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^-*> *\d+ (.*)$").expect("a valid pattern"));

fn opens(line: &str) -> bool {
    line.starts_with("File ") && PLACE.is_match(line)
}

/// The marked line may be too wide for the indentation.
fn inside(line: &str) -> bool {
    opens(line) || line.starts_with('-') && CODE.is_match(line)
}

fn shows(line: &str) -> bool {
    !line.starts_with(' ')
}

fn read(lines: &[&str], at: usize) -> Option<(ParsedTraceback, usize)> {
    super::layout::chain(lines, at, one, chained)
}

fn chained(lines: &[&str], at: usize) -> Option<(ChainLink, usize)> {
    let at = skip_blank(lines, at);
    let link = separator(lines.get(at)?)?;
    let at = skip_blank(lines, at + 1);
    opens(lines.get(at)?).then_some((link, at))
}

fn one(lines: &[&str], at: usize) -> Option<(ParsedTraceback, usize)> {
    let mut read = ParsedTraceback::empty(TracebackForm::Boxed, at);
    let mut next = at;
    while let Some(line) = lines.get(next) {
        if let Some(found) = PLACE.captures(line) {
            read.frames.push(Frame {
                path: found[1].to_owned(),
                line: found[2].parse().unwrap_or(0),
                function: Some(found[3].trim_end_matches("()").to_owned()),
                code: None,
            });
        } else if let Some(found) = CODE.captures(line) {
            if let Some(frame) = read.frames.last_mut().filter(|frame| frame.code.is_none()) {
                frame.code = Some(found[1].trim().to_owned());
            }
        } else if !line.trim().is_empty() && !line.starts_with([' ', '\t']) {
            break;
        }
        next += 1;
    }
    match lines.get(next).and_then(|line| exception_line(line.trim_end())) {
        Some((kind, message)) => {
            read.kind = Some(variants::kind(kind).to_owned());
            message.clone_into(&mut read.message);
            next = further_lines(lines, next + 1, &mut read.message);
        }
        None => read.truncated = true,
    }
    // A single place may be anything, such as a warning's.
    (read.kind.is_some() || read.frames.len() > 1).then_some((read, next))
}
