//! All edits of an answer, in full.

use std::io::{self, Write};

use crate::model::Report;
use crate::report::Style;
use crate::report::breaking::in_full;
use crate::report::escape::cleaned;

/// Shows all edits that broke it, whole.
#[derive(Debug, Clone, Copy)]
pub struct EditsText {
    /// Colours.
    pub style: Style,
}

impl EditsText {
    /// Write them.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn render(&self, report: &Report, out: &mut dyn Write) -> io::Result<()> {
        let report = &cleaned(report);
        if report.breaking_changes.is_empty() {
            return writeln!(out, "this session has no edits: it ended before a commit was narrowed");
        }
        in_full(self.style, report, out)
    }
}
