//! Call changes as one JSON object: `pybisect.calls/1`.
//!
//! The form is stable: keys are added, never renamed or removed, within a version.

use std::io;

use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};
use serde_json::json;

use super::CallRenderer;
use crate::model::{CallReport, CallSite, LocatedChange};

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
        let mut list = serializer.serialize_seq(Some(self.0.len()))?;
        for change in self.0 {
            list.serialize_element(&value(change))?;
        }
        list.end()
    }
}

fn value(located: &LocatedChange) -> serde_json::Value {
    let change = &located.change;
    let side = |site: &Option<CallSite>, of: fn(&CallSite) -> serde_json::Value| {
        site.as_ref().map_or(serde_json::Value::Null, of)
    };
    let span = |site: &Option<CallSite>| {
        side(site, |site| {
            json!({
                "start": site.span.start, "end": site.span.end,
                "column": site.span.column, "end_line": site.span.end_line, "end_column": site.span.end_column,
            })
        })
    };
    let mut value = json!({
        "commit": located.commit,
        "path": located.path,
        "old_path": located.old_path,
        "kind": change.kind.word(),
        "also": change.also.iter().map(|kind| kind.word()).collect::<Vec<_>>(),
        "function": change.place().map(|site| &site.function),
        "line": side(&change.after, |site| json!(site.span.line)),
        "old_line": side(&change.before, |site| json!(site.span.line)),
        "before": side(&change.before, |site| json!(site.text)),
        "after": side(&change.after, |site| json!(site.text)),
        "callee_before": side(&change.before, |site| json!(site.callee)),
        "callee_after": side(&change.after, |site| json!(site.callee)),
        "span": span(&change.after),
        "old_span": span(&change.before),
    });
    for (key, callees) in [("callees_gone", &change.gone), ("callees_came", &change.came)] {
        if !callees.is_empty() {
            value[key] = json!(callees);
        }
    }
    if let Some(stale) = &change.stale {
        value["definition"] = json!(stale);
    }
    value
}
