//! Where bad does not fail or good does not pass: an error of three parts, not a report.

use std::io::{self, Write};

use super::columns::{cut, wrapped};
use super::escape::cleaned;
use super::{Renderer, Style};
use crate::model::Report;
use crate::model::event::OutputTail;

/// Renders a [`Report`] that is no answer as an error: what, what was printed, what to do.
#[derive(Debug, Clone, Copy)]
pub struct Unanswered {
    /// Colours.
    pub style: Style,
    /// Columns of the terminal.
    pub width: usize,
}

/// Whether two outputs differ in numbers alone, such as times.
fn says_the_same(one: &OutputTail, other: &OutputTail) -> bool {
    let words = |tail: &OutputTail| -> Vec<String> {
        tail.lines.iter().map(|line| line.chars().filter(|c| !c.is_ascii_digit()).collect()).collect()
    };
    one.ended == other.ended && words(one) == words(other)
}

/// Lines of an output that stands alone, and of each of two.
const MOST: [usize; 2] = [15, 7];
/// No wider, for the eye.
const WIDEST: usize = 100;

impl Renderer for Unanswered {
    fn render(&self, report: &Report, out: &mut dyn Write) -> io::Result<()> {
        let report = &cleaned(report);
        let style = self.style;
        let width = self.width.min(WIDEST);
        let reason = report.reason.as_deref().unwrap_or("the failure is not reproduced");
        for (at, line) in wrapped(&format!("error: {reason}"), width - 2).iter().enumerate() {
            match line.strip_prefix("error:").filter(|_| at == 0) {
                Some(rest) => writeln!(out, "{}{rest}", style.bold(style.bad("error:")))?,
                None => writeln!(out, "  {line}")?,
            }
        }
        let mut tails: Vec<&OutputTail> =
            report.outputs.iter().filter(|tail| !tail.lines.is_empty()).take(2).collect();
        let also = match tails[..] {
            [first, second] if says_the_same(first, second) => tails.pop(),
            _ => None,
        };
        let most = MOST[usize::from(tails.len() > 1)];
        for tail in tails {
            let at = |tail: &OutputTail| {
                let end = tail.end.map(|end| format!("{} ", end.word())).unwrap_or_default();
                format!("{end}{}", tail.commit.short())
            };
            let also = also.map(|also| format!(" and {}", at(also))).unwrap_or_default();
            let ended = if tail.ended.is_empty() { String::new() } else { format!(" ({})", tail.ended) };
            let title = format!("{}{also} printed last{ended}:", at(tail));
            writeln!(out, "\n  {}", style.bold(cut(&title, width - 2)))?;
            for line in tail.lines.iter().skip(tail.lines.len().saturating_sub(most)) {
                writeln!(out, "    {}", cut(line.trim_end(), width - 4))?;
            }
        }
        writeln!(out)?;
        for hint in report.hint.iter().flat_map(|hint| hint.lines()) {
            // Not broken: commands in it are to be copied.
            writeln!(out, "{} {hint}", style.bold("hint:"))?;
        }
        // What isolation or a note of the search says may be the very reason.
        for note in report.notes.iter().take(3) {
            for (at, line) in wrapped(&format!("note: {note}"), width - 2).iter().take(3).enumerate() {
                writeln!(out, "{}{line}", if at == 0 { "" } else { "  " })?;
            }
        }
        if !report.session.is_empty() {
            writeln!(out, "{} pybisect show {}", style.bold("output:"), report.session)?;
        }
        Ok(())
    }
}
