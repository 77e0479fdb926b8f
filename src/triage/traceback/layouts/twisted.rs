//! Twisted's `Failure`: brief (`Traceback: <class 'X'>: …`, `path:line:function`).

use std::sync::LazyLock;

use regex::Regex;

use super::layout::Layout;
use super::variants;
use crate::model::Frame;
use crate::triage::traceback::parsed::{ParsedTraceback, TracebackForm};

pub(in crate::triage) static LAYOUT: Layout =
    Layout { name: "Twisted", opens, inside, shows: |_| true, closes: |_| false, read };

static TITLE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^Traceback: <class '([\w.<>]+)'>: (.*)$").expect("a valid pattern"));
static PLACE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^(\S.*?):(\d+): ?([\w.<>]+)(?:\(\.\.\.\))?\s*$").expect("a valid pattern"));

fn opens(line: &str) -> bool {
    line.starts_with("Traceback: <class '")
}

fn inside(line: &str) -> bool {
    PLACE.is_match(line)
}

fn read(lines: &[&str], at: usize) -> Option<(ParsedTraceback, usize)> {
    let title = TITLE.captures(lines[at])?;
    let mut read = ParsedTraceback::empty(TracebackForm::Boxed, at);
    read.kind = Some(variants::kind(&title[1]).to_owned());
    title[2].trim_end().clone_into(&mut read.message);
    let frames = lines[at + 1..].iter().map_while(|line| PLACE.captures(line)).map(|found| Frame {
        path: found[1].to_owned(),
        line: found[2].parse().unwrap_or(0),
        function: Some(found[3].to_owned()),
        code: None,
    });
    read.frames = frames.collect();
    let next = at + 1 + read.frames.len();
    Some((read, next))
}
