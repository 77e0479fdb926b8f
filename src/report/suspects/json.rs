//! Ranked commits as one JSON object: `pybisect.suspects/1`.
//!
//! The form is stable: keys are added, never renamed or removed, within a version.

use std::io;

use serde::Serialize;

use super::SuspectRenderer;
use crate::model::SuspectReport;

/// Renders JSON.
#[derive(Debug, Clone, Copy, Default)]
pub struct SuspectsJson;

#[derive(Serialize)]
struct Whole<'r> {
    schema: &'static str,
    #[serde(flatten)]
    report: &'r SuspectReport,
}

impl SuspectRenderer for SuspectsJson {
    fn render(&self, report: &SuspectReport, out: &mut dyn io::Write) -> io::Result<()> {
        let whole = Whole { schema: "pybisect.suspects/1", report };
        serde_json::to_writer_pretty(&mut *out, &whole)?;
        writeln!(out)
    }
}
