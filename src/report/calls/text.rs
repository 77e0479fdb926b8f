//! Call changes for people: what was, what is, the changed part marked.

use std::io;

use similar::{Algorithm, ChangeTag, TextDiff};

use super::super::Style;
use super::{CallRenderer, one_line};
use crate::model::{CallChange, CallReport, CallSite, ChangeKind, LocatedChange};

/// Longer calls are cut.
const LONGEST: usize = 400;

/// Renders text.
#[derive(Debug, Clone, Copy)]
pub struct CallsText {
    /// Colours, or none.
    pub style: Style,
}

impl CallRenderer for CallsText {
    fn render(&self, report: &CallReport, out: &mut dyn io::Write) -> io::Result<()> {
        let mut commit = None;
        let mut path = None;
        for located in &report.changes {
            if located.commit != commit {
                commit = located.commit;
                path = None;
                if let Some(id) = commit {
                    let subject = located.subject.as_deref().unwrap_or_default();
                    writeln!(out, "{} {subject}", self.style.name(id.short()))?;
                }
            }
            if path != Some((&located.path, &located.old_path)) {
                path = Some((&located.path, &located.old_path));
                let from = located.old_path.as_ref().map(|old| format!(" (from {old})")).unwrap_or_default();
                writeln!(out, "{}", self.style.bold(format!("{}{from}", located.path)))?;
            }
            self.change(located, out)?;
        }
        for file in &report.partly_parsed {
            writeln!(out, "{} {}: {}", self.style.warn("partly parsed:"), file.path, file.why)?;
        }
        if report.changes.is_empty() {
            let files = super::super::plural(report.files, "Python file");
            writeln!(out, "no call changed ({files} compared)")?;
        }
        Ok(())
    }
}

impl CallsText {
    fn change(&self, located: &LocatedChange, out: &mut dyn io::Write) -> io::Result<()> {
        let change = &located.change;
        let Some(place) = change.place() else { return Ok(()) };
        let kinds: Vec<String> = change.kinds().map(ChangeKind::phrase).collect();
        let line = if change.after.is_none() {
            format!("line {} before", place.span.line)
        } else {
            format!("line {}", place.span.line)
        };
        writeln!(
            out,
            "  {}, {line}: {}{}",
            self.style.name(&place.function),
            kinds.join(", "),
            self.callees(change),
        )?;
        let (before, after) = self.marked(change);
        if let Some(before) = before {
            writeln!(out, "    {} {before}", self.style.bad("-"))?;
        }
        if let Some(after) = after {
            writeln!(out, "    {} {after}", self.style.good("+"))?;
        }
        if let Some(stale) = &change.stale {
            writeln!(out, "    {} {}", self.style.warn("does not fit:"), stale.problem)?;
            let after = stale.after.as_deref().unwrap_or("gone");
            writeln!(out, "    {}:{}: {} → {after}", stale.path, stale.line, stale.before)?;
        }
        Ok(())
    }

    /// The qualified callees, where they say more than the call itself.
    fn callees(&self, change: &CallChange) -> String {
        let callee = |site: &Option<CallSite>| site.as_ref().and_then(|site| site.callee.clone());
        let text = match (callee(&change.before), callee(&change.after)) {
            (Some(before), Some(after)) if before != after => format!("{before} → {after}"),
            (_, Some(callee)) | (Some(callee), None) => callee,
            (None, None) => return String::new(),
        };
        format!("  {}", self.style.dim(text))
    }

    /// Both sides on one line each; what differs is set off, in colour or not at all.
    fn marked(&self, change: &CallChange) -> (Option<String>, Option<String>) {
        let shown = |site: &Option<CallSite>| site.as_ref().map(|site| one_line(&site.text, LONGEST));
        let (before, after) = (shown(&change.before), shown(&change.after));
        let (Some(old), Some(new)) = (&before, &after) else { return (before, after) };
        let diff = TextDiff::configure().algorithm(Algorithm::Myers).diff_words(old.as_str(), new.as_str());
        let side = |tag: ChangeTag| -> String {
            diff.iter_all_changes()
                .filter(|part| part.tag() == ChangeTag::Equal || part.tag() == tag)
                .map(|part| match part.tag() {
                    ChangeTag::Equal => part.value().to_owned(),
                    ChangeTag::Delete => self.style.removed(part.value()),
                    ChangeTag::Insert => self.style.added(part.value()),
                })
                .collect()
        };
        (Some(side(ChangeTag::Delete)), Some(side(ChangeTag::Insert)))
    }
}
