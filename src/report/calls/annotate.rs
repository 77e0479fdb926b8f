//! Call changes as remarks for reviewers' tools.

use super::one_line;
use crate::model::{Annotation, CallReport, ChangeKind, LocatedChange, Rule, Severity};

/// Longer calls are cut in messages.
const LONGEST: usize = 200;

/// One remark a change, at its place in the new version, or in the old one when the call went.
#[must_use]
pub fn annotations(report: &CallReport) -> Vec<Annotation> {
    report.changes.iter().filter_map(annotation).collect()
}

fn annotation(located: &LocatedChange) -> Option<Annotation> {
    let change = &located.change;
    let place = change.place()?;
    let message = message(located);
    Some(Annotation {
        rule: Rule { id: change.kind.word().to_owned(), summary: summary(change.kind).to_owned() },
        severity: if change.kind == ChangeKind::StaleCall { Severity::Warning } else { Severity::Note },
        path: located.path.clone(),
        line: place.span.line,
        column: place.span.column,
        end_line: place.span.end_line,
        end_column: place.span.end_column,
        in_old_version: change.after.is_none(),
        fingerprint: fingerprint(located, &message),
        message,
        evidence: Vec::new(),
        suggestion: None,
    })
}

fn message(located: &LocatedChange) -> String {
    let change = &located.change;
    let kinds: Vec<String> = change.kinds().map(ChangeKind::phrase).collect();
    let function = change.place().map_or("<module>", |site| &site.function);
    let mut lines = vec![format!("{} in {function}", kinds.join(", "))];
    for (sign, site) in [("before", &change.before), ("after", &change.after)] {
        if let Some(site) = site {
            let callee = site.callee.as_deref().map(|callee| format!("  [{callee}]")).unwrap_or_default();
            lines.push(format!("{sign}: {}{callee}", one_line(&site.text, LONGEST)));
        }
    }
    if let Some(stale) = &change.stale {
        lines.push(format!("{}: {}", stale.name, stale.problem));
        let after = stale.after.as_deref().unwrap_or("gone");
        lines.push(format!("{}:{}: {} → {after}", stale.path, stale.line, stale.before));
    }
    if let Some(commit) = &located.commit {
        let subject = located.subject.as_deref().unwrap_or_default();
        lines.push(format!("commit {} {subject}", commit.short()).trim_end().to_owned());
    }
    lines.join("\n")
}

/// Without lines, so that it survives edits above.
fn fingerprint(located: &LocatedChange, message: &str) -> String {
    let hash = blake3::hash(format!("{}\0{message}", located.path).as_bytes());
    hash.to_hex()[..16].to_owned()
}

const fn summary(kind: ChangeKind) -> &'static str {
    match kind {
        ChangeKind::DecoratorChanged => "A decorator changed",
        ChangeKind::CalleeChanged => "Another function is called",
        ChangeKind::ReceiverChanged => "The method of another object is called",
        ChangeKind::ImportChanged => "An import makes the same text call another function",
        ChangeKind::ArgumentsSwapped => "Arguments changed places",
        ChangeKind::KeywordRenamed => "A value goes to another keyword",
        ChangeKind::ArgumentRemoved => "A positional argument was removed",
        ChangeKind::ArgumentAdded => "A positional argument was added",
        ChangeKind::KeywordRemoved => "A keyword argument was removed",
        ChangeKind::KeywordAdded => "A keyword argument was added",
        ChangeKind::ValueChanged => "An argument has another value",
        ChangeKind::AwaitAdded => "A call is awaited now",
        ChangeKind::AwaitRemoved => "A call is no longer awaited",
        ChangeKind::CallWrapped => "An expression was put into a call",
        ChangeKind::CallUnwrapped => "A call was replaced by what it was called on or with",
        ChangeKind::CallAdded => "A call was added",
        ChangeKind::CallRemoved => "A call was removed",
        ChangeKind::StaleCall => "A call does not fit the changed definition that it calls",
    }
}
