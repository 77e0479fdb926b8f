//! Call changes as one JSON object: `pybisect.calls/1`.
//!
//! The form is stable: keys are added, never renamed or removed, within a version.

use std::io;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::CallRenderer;
use crate::model::{CallReport, CallSpan, ChangeKind, CommitId, LocatedChange, StaleReason};

/// Renders JSON.
#[derive(Debug, Clone, Copy, Default)]
pub struct CallsJson;

impl CallRenderer for CallsJson {
    fn render(&self, report: &CallReport, out: &mut dyn io::Write) -> io::Result<()> {
        // Streamed: a history may have a hundred thousand changes.
        serde_json::to_writer_pretty(&mut *out, &Whole(report))?;
        writeln!(out)
    }
}

struct Whole<'r>(&'r CallReport);

impl Serialize for Whole<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let report = self.0;
        let partly: Vec<&str> = report.partly_parsed.iter().map(|file| file.path.as_str()).collect();
        let reasons: Vec<&str> = report.partly_parsed.iter().map(|file| file.why.as_str()).collect();
        let mut map = serializer.serialize_map(Some(5))?;
        map.serialize_entry("schema", "pybisect.calls/1")?;
        map.serialize_entry("changes", &Changes(&report.changes))?;
        map.serialize_entry("files", &report.files)?;
        map.serialize_entry("partly_parsed", &partly)?;
        map.serialize_entry("partly_parsed_reasons", &reasons)?;
        map.end()
    }
}

struct Changes<'r>(&'r [LocatedChange]);

impl Serialize for Changes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(Change::new))
    }
}

#[derive(Serialize)]
struct Change<'c> {
    commit: Option<CommitId>,
    path: &'c str,
    old_path: Option<&'c str>,
    kind: ChangeKind,
    also: &'c [ChangeKind],
    function: Option<&'c str>,
    line: Option<u32>,
    old_line: Option<u32>,
    before: Option<&'c str>,
    after: Option<&'c str>,
    callee_before: Option<&'c str>,
    callee_after: Option<&'c str>,
    span: Option<CallSpan>,
    old_span: Option<CallSpan>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    callees_gone: &'c [String],
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    callees_came: &'c [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    definition: Option<&'c StaleReason>,
}

impl<'c> Change<'c> {
    fn new(located: &'c LocatedChange) -> Self {
        let change = &located.change;
        let (before, after) = (change.before.as_ref(), change.after.as_ref());
        Self {
            commit: located.commit,
            path: &located.path,
            old_path: located.old_path.as_deref(),
            kind: change.kind,
            also: &change.also,
            function: change.place().map(|site| site.function.as_str()),
            line: after.map(|site| site.span.line),
            old_line: before.map(|site| site.span.line),
            before: before.map(|site| site.text.as_str()),
            after: after.map(|site| site.text.as_str()),
            callee_before: before.and_then(|site| site.callee.as_deref()),
            callee_after: after.and_then(|site| site.callee.as_deref()),
            span: after.map(|site| site.span),
            old_span: before.map(|site| site.span),
            callees_gone: &change.gone,
            callees_came: &change.came,
            definition: change.stale.as_ref(),
        }
    }
}
