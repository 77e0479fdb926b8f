//! From what is wrong to findings: places, fingerprints, order.

use std::collections::HashMap;

use super::rules::RuleDoc;
use crate::model::{Annotation, CallChange, CallSite, CallSpan, Severity, StaleReason};

/// Longer calls are cut in messages.
const LONGEST: usize = 120;

/// A call of the merge result that the branch changed or made stale.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedCall {
    /// The call's file in the merge result.
    pub path: String,
    /// The call's file on the base.
    pub old_path: String,
    /// What happened to it.
    pub change: CallChange,
}

impl ChangedCall {
    /// The call as it is now; `None` when it went.
    #[must_use]
    pub const fn site(&self) -> Option<&CallSite> {
        self.change.after.as_ref()
    }

    /// "`json.load(f)` → `json.loads(f)`", or the call alone when it is new.
    #[must_use]
    pub fn in_words(&self) -> String {
        let side = |site: &Option<CallSite>| site.as_ref().map(|site| quoted(&site.text));
        match (side(&self.change.before), side(&self.change.after)) {
            (Some(before), Some(after)) if before != after => format!("{before} → {after}"),
            (_, Some(text)) | (Some(text), None) => text,
            (None, None) => String::new(),
        }
    }
}

/// A call on one line, cut when it is long.
fn one_line(text: &str) -> String {
    let joined = text.lines().map(str::trim).collect::<Vec<_>>().join(" ");
    match joined.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &joined[..end]),
        None => joined,
    }
}

/// A call on one line, between backquotes: in a comment, `@app.route` would call a person otherwise.
#[must_use]
pub fn quoted(text: &str) -> String {
    format!("`{}`", one_line(text))
}

/// A finding on a call. The fingerprint does not depend on lines: it survives edits elsewhere in the file.
#[must_use]
pub fn finding_on_call(
    rule: &RuleDoc,
    severity: Severity,
    path: &str,
    site: &CallSite,
    message: String,
) -> Annotation {
    Annotation {
        fingerprint: fingerprint(rule.id, path, &site.function, &one_line(&site.text)),
        ..finding_at(rule, severity, path, site.span, message)
    }
}

/// A finding on a place in a file.
#[must_use]
pub fn finding_at(
    rule: &RuleDoc,
    severity: Severity,
    path: &str,
    span: CallSpan,
    message: String,
) -> Annotation {
    Annotation {
        rule: rule.rule(),
        severity,
        path: path.to_owned(),
        line: span.line,
        column: span.column,
        end_line: span.end_line,
        end_column: span.end_column,
        in_old_version: false,
        fingerprint: fingerprint(rule.id, path, "", &message),
        message,
        evidence: Vec::new(),
        suggestion: None,
    }
}

/// A finding on a stale call.
#[must_use]
pub fn stale(rule: &RuleDoc, path: &str, site: &CallSite, reason: &StaleReason) -> Annotation {
    let message = format!("{} does not fit {}: {}", quoted(&site.text), reason.name, reason.problem);
    let mut finding = finding_on_call(rule, Severity::Error, path, site, message);
    let after = reason.after.as_deref().unwrap_or("gone");
    finding.evidence.push(format!("{}:{}: {} → {after}", reason.path, reason.line, reason.before));
    finding
}

/// Add findings; one at the place of a finding that is there already becomes evidence of that one.
pub fn merge_findings(findings: &mut Vec<Annotation>, more: Vec<Annotation>) {
    for mut new in more {
        let same = |old: &&mut Annotation| {
            (&old.path, old.line, old.column, old.end_line, old.end_column)
                == (&new.path, new.line, new.column, new.end_line, new.end_column)
        };
        match findings.iter_mut().find(same) {
            Some(old) => {
                old.severity = old.severity.max(new.severity);
                old.evidence.push(new.message);
                new.evidence.retain(|line| !old.evidence.contains(line));
                old.evidence.append(&mut new.evidence);
            }
            None => findings.push(new),
        }
    }
}

fn fingerprint(rule: &str, path: &str, function: &str, what: &str) -> String {
    let hash = blake3::hash([rule, path, function, what].join("\0").as_bytes());
    hash.to_hex()[..16].to_owned()
}

/// The weightiest first, then by place; equal fingerprints are told apart by their number, so that a
/// baseline with one such finding does not silence a second.
pub fn sort_findings(findings: &mut [Annotation]) {
    findings.sort_by(|a, b| {
        let place = |finding: &Annotation| (finding.path.clone(), finding.line, finding.column);
        b.severity.cmp(&a.severity).then_with(|| place(a).cmp(&place(b))).then_with(|| a.rule.cmp(&b.rule))
    });
    let mut seen: HashMap<String, usize> = HashMap::new();
    for finding in findings {
        let count = seen.entry(finding.fingerprint.clone()).or_default();
        *count += 1;
        if *count > 1 {
            finding.fingerprint = format!("{}-{count}", finding.fingerprint);
        }
    }
}
