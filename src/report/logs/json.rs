//! Findings of logs as one JSON object: `pybisect.logs/1`.
//!
//! The form is stable: keys are added, never renamed or removed, within a version.

use std::io;

use serde_json::json;

use crate::model::{LogGroup, LogReport};

/// Renders [`LogReport`]s as JSON, with all groups.
#[derive(Debug, Clone, Copy, Default)]
pub struct LogJson;

impl LogJson {
    /// Write one group in one line.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn group(&self, group: &LogGroup, out: &mut dyn io::Write) -> io::Result<()> {
        let value = json!({ "schema": "pybisect.log-group/1", "group": group });
        serde_json::to_writer(&mut *out, &value)?;
        writeln!(out)
    }

    /// Write the report.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn render(&self, report: &LogReport, out: &mut dyn io::Write) -> io::Result<()> {
        let value = json!({
            "schema": "pybisect.logs/1",
            "scanned": { "bytes": report.bytes(), "lines": report.lines(), "sources": report.sources },
            "events": report.events,
            "groups": report.groups,
            "excerpts": report.excerpts,
            "notes": report.notes,
        });
        serde_json::to_writer_pretty(&mut *out, &value)?;
        writeln!(out)
    }
}
