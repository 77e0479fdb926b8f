//! Edits in the words of the report.

use std::ops::Range;

use crate::minimize::{Edit, EditList, FilePair};
use crate::model::{BreakingChange, CallChange, CallSite, ChangedCallSummary, CommitId};

/// More lines than this of an edit are cut off in the report.
const MOST_LINES: usize = 60;

/// What is proven of an edit.
#[derive(Debug, Clone, Copy)]
pub(super) struct Proven {
    pub(super) cause: usize,
    pub(super) sufficient: bool,
    pub(super) necessary: bool,
}

/// An edit as a breaking change.
pub(super) fn breaking_change(
    difference: &EditList,
    edit: &Edit,
    commit: Option<CommitId>,
    proven: Proven,
) -> BreakingChange {
    let pair = &difference.files[edit.file];
    let mut change = BreakingChange {
        commit,
        path: pair.name(),
        line: edit.lines.start.max(1),
        function: difference.function_of(edit),
        kind: kind(difference, edit, pair).to_owned(),
        before: text(pair.old.as_ref().and_then(|side| side.text.as_deref()), &edit.old_lines),
        after: text(pair.new.as_ref().and_then(|side| side.text.as_deref()), &edit.lines),
        callee_before: None,
        callee_after: None,
        calls: edit.calls.iter().map(call).collect(),
        cause: proven.cause,
        sufficient: proven.sufficient,
        necessary: proven.necessary,
    };
    let Some(only) = the_call(edit) else { return change };
    let said = call(only);
    if is_nothing_else(edit, only) {
        change.calls = Vec::new();
        change.kind = said.kind;
        change.line = said.line;
        change.before = said.before;
        change.after = said.after;
        change.function = only.place().map(|site| site.function.clone());
    }
    change.callee_before = said.callee_before;
    change.callee_after = said.callee_after;
    change
}

/// The one call of an edit; the weightiest when there are several, since outer calls hold inner ones.
fn the_call(edit: &Edit) -> Option<&CallChange> {
    edit.calls.iter().min_by_key(|change| change.kind)
}

/// Whether a call change is all that an edit does.
fn is_nothing_else(edit: &Edit, change: &CallChange) -> bool {
    let is = |text: &[u8], site: &Option<CallSite>| {
        let said = site.as_ref().map(|site| site.text.as_bytes()).unwrap_or_default();
        text.trim_ascii() == said.trim_ascii()
    };
    edit.is_call || (edit.calls.len() == 1 && is(&edit.old, &change.before) && is(&edit.new, &change.after))
}

fn call(change: &CallChange) -> ChangedCallSummary {
    let text = |site: &Option<CallSite>| site.as_ref().map(|site| site.text.clone());
    let callee = |site: &Option<CallSite>| site.as_ref().and_then(|site| site.callee.clone());
    ChangedCallSummary {
        kind: change.kind.word().to_owned(),
        line: change.place().map_or(0, |site| site.span.line),
        before: text(&change.before),
        after: text(&change.after),
        callee_before: callee(&change.before),
        callee_after: callee(&change.after),
    }
}

fn kind(difference: &EditList, edit: &Edit, pair: &FilePair) -> &'static str {
    match (&pair.old, &pair.new) {
        _ if !difference.is_of_whole_file(edit) => "lines",
        (None, _) => "file-added",
        (_, None) => "file-removed",
        (Some(old), Some(new)) if old.path != new.path => "file-moved",
        (Some(old), Some(new)) if old.id == new.id => "mode-changed",
        _ => "file-replaced",
    }
}

/// Whole lines of a text; None when there are none.
fn text(text: Option<&[u8]>, lines: &Range<u32>) -> Option<String> {
    let first = usize::try_from(lines.start).ok()?.checked_sub(1)?;
    let count = lines.len();
    if count == 0 {
        return None;
    }
    let all = String::from_utf8_lossy(text?).into_owned();
    let mut shown: Vec<&str> = all.lines().skip(first).take(count.min(MOST_LINES)).collect();
    if count > MOST_LINES {
        shown.push("…");
    }
    Some(shown.join("\n"))
}
