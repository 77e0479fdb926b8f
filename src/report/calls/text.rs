//! Call changes for people: what was, what is, the changed part marked.

use std::io;

use similar::{Algorithm, DiffTag, capture_diff_slices};

use super::super::Style;
use super::super::diff::tokens;
use super::super::escape::one_line as safe;
use super::{CallRenderer, one_line};
use crate::model::{CallChange, CallReport, CallSite, ChangeKind, LocatedChange};

/// Longer calls are cut.
const LONGEST: usize = 400;

/// Renders text.
#[derive(Debug, Clone, Copy)]
pub struct CallsText {
    /// Colours, or none.
    pub style: Style,
    /// Whether only some changes were asked for.
    pub filtered: bool,
    /// Between what, where that was not said.
    pub between: Option<&'static str>,
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
                    writeln!(out, "{} {}", self.style.name(id.short()), safe(subject))?;
                }
            }
            if path != Some((&located.path, &located.old_path)) {
                path = Some((&located.path, &located.old_path));
                let from =
                    located.old_path.as_ref().map(|old| format!(" (from {})", safe(old))).unwrap_or_default();
                writeln!(out, "{}", self.style.bold(format!("{}{from}", safe(&located.path))))?;
            }
            self.change(located, out)?;
        }
        for file in &report.partly_parsed {
            writeln!(out, "{} {}: {}", self.style.warn("partly parsed:"), safe(&file.path), safe(&file.why))?;
        }
        if report.changes.is_empty() {
            let files = super::super::plural(report.files, "Python file");
            let what = if self.filtered { "no change of such a call" } else { "no call changed" };
            let between = self.between.map(|between| format!(" between {between}")).unwrap_or_default();
            writeln!(out, "{what}{between} ({files} compared)")?;
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
            self.style.name(safe(&place.function)),
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
            writeln!(out, "    {} {}", self.style.warn("does not fit:"), safe(&stale.problem))?;
            let after = safe(stale.after.as_deref().unwrap_or("gone"));
            writeln!(out, "    {}:{}: {} → {after}", safe(&stale.path), stale.line, safe(&stale.before))?;
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
        format!("  {}", self.style.dim(safe(&text)))
    }

    /// Both sides on one line each; what differs is set off, in colour or not at all.
    fn marked(&self, change: &CallChange) -> (Option<String>, Option<String>) {
        let shown = |site: &Option<CallSite>| {
            site.as_ref().map(|site| safe(&one_line(&site.text, LONGEST)).into_owned())
        };
        let (before, after) = (shown(&change.before), shown(&change.after));
        let (Some(old), Some(new)) = (&before, &after) else { return (before, after) };
        let (old, new) = (tokens(old), tokens(new));
        let (mut left, mut right) = (String::new(), String::new());
        for part in capture_diff_slices(Algorithm::Myers, &old, &new) {
            let (gone, came) = (old[part.old_range()].concat(), new[part.new_range()].concat());
            if part.tag() == DiffTag::Equal {
                left += &gone;
                right += &came;
            } else {
                left += &Some(gone)
                    .filter(|text| !text.is_empty())
                    .map_or_else(String::new, |text| self.style.removed(text));
                right += &Some(came)
                    .filter(|text| !text.is_empty())
                    .map_or_else(String::new, |text| self.style.added(text));
            }
        }
        (Some(left), Some(right))
    }
}
