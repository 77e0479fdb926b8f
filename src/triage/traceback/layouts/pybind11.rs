//! pybind11's `error_already_set`: type and message, and below `At:` the places, the innermost first.

use std::sync::LazyLock;

use regex::Regex;

use super::layout::{Layout, further_lines, skip_blank};
use super::variants;
use crate::model::Frame;
use crate::triage::traceback::parsed::{ParsedTraceback, TracebackForm};

pub(in crate::triage) static LAYOUT: Layout =
    Layout { name: "pybind11", opens, inside: |_| false, shows: |_| true, closes: |_| false, read };

/// Lines of a message above its places.
pub(in crate::triage) const MOST_ABOVE: usize = 12;

static PLACE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^  (\S.*)\((\d+)\): (\S+)\s*$").expect("a valid pattern"));
/// C++ programs put words of their own in front of what `what()` says.
static RAISED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?:^|\s)((?:[A-Za-z_]\w*\.)*[A-Z]\w*)(?:: (.*))?$").expect("a valid pattern")
});

/// Whether places stand below this line.
pub(in crate::triage) fn opens(line: &str) -> bool {
    line.trim_end() == "At:"
}

fn read(lines: &[&str], at: usize) -> Option<(ParsedTraceback, usize)> {
    let above = lines[..at].iter().rposition(|line| !line.trim().is_empty())?;
    let first = lines[..above].iter().rposition(|line| line.trim().is_empty()).map_or(0, |blank| blank + 1);
    let first = first.max(at.saturating_sub(MOST_ABOVE));
    let titles = || lines[first..=above].iter().enumerate();
    let (title, found) = titles().find_map(|(number, line)| Some((first + number, raised(line)?)))?;
    let mut message = found.1.to_owned();
    further_lines(&lines[..=above], title + 1, &mut message);
    below(found.0, &message, lines, at)
}

/// Type and message of a line that names an exception of Python's, whatever stands before it.
fn raised(line: &str) -> Option<(&str, &str)> {
    let ends = ["Error", "Exception", "Exit", "Interrupt", "Iteration", "Failure", "Timeout", "Warning"];
    let mut from = 0;
    while let Some(found) = RAISED.captures(&line[from..]) {
        let (kind, message) = (found.get(1)?, found.get(2).map_or("", |message| message.as_str()));
        if ends.iter().any(|end| kind.as_str().ends_with(end)) {
            return Some((kind.as_str(), message.trim_end()));
        }
        from += kind.end();
    }
    variants::raised(line.trim()).filter(|(kind, _)| kind.contains('.'))
}

/// The exception whose places stand below the line at hand.
pub(in crate::triage) fn below(
    kind: &str,
    message: &str,
    lines: &[&str],
    at: usize,
) -> Option<(ParsedTraceback, usize)> {
    let mut read = ParsedTraceback::empty(TracebackForm::Boxed, at);
    let mut next = skip_blank(lines, at + 1);
    while let Some(found) = lines.get(next).and_then(|line| PLACE.captures(line)) {
        read.frames.push(Frame {
            path: found[1].to_owned(),
            line: found[2].parse().unwrap_or(0),
            function: Some(found[3].to_owned()),
            code: None,
        });
        next += 1;
    }
    read.frames.reverse();
    read.kind = Some(variants::kind(kind).to_owned());
    message.clone_into(&mut read.message);
    (!read.frames.is_empty()).then_some((read, next))
}

#[cfg(test)]
mod tests {
    use crate::triage::traceback::parse;

    /// pybind11 3.1, what a program of C++ makes of it.
    #[test]
    fn places_below_the_exception() {
        let places = "At:\n  /srv/app/till.py(9): sell\n  /srv/app/night.py(2): <module>\n";
        for (before, behind) in [
            ("native: ", "\n"),
            ("", "next\n"),
            ("terminate called after throwing an instance of 'pybind11::error_already_set'\n  what():  ", ""),
            (
                "Traceback (most recent call last):\n  File \"/srv/app/night.py\", line 3, in <module>\n    run()\nRuntimeError: ",
                "\n",
            ),
        ] {
            let text = format!("{before}ValueError: not a rate: four\n\n{places}{behind}");
            let found = parse(&text);
            assert_eq!(found.len(), 1, "{text}");
            let read = &found[0];
            assert_eq!(
                (read.kind.as_deref(), read.message.as_str()),
                (Some("ValueError"), "not a rate: four"),
                "{text}"
            );
            let lines: Vec<u32> = read.frames.iter().map(|frame| frame.line).collect();
            assert_eq!(lines, [2, 9], "{text}");
        }
        assert!(parse("At:\n  a.py(3): f\n").is_empty());
        assert!(parse("ValueError: x\n\nAt:\n  the office\n").is_empty());
    }
}
