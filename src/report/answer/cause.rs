//! The edits that broke it, a row or two each.

use super::Answer;
use crate::model::{BreakingChange, Report, Status};
use crate::report::columns::{cut, fill};

/// Lines of each side that are shown of a single edit.
const MOST_OF_ONE: usize = 3;
/// Of so many edits both sides are shown.
const FEW: usize = 2;
/// Edits that are listed.
const MOST: usize = 4;
/// Lines of a diff that stands for edits that were not looked for.
const MOST_OF_DIFF: usize = 4;

/// A place cut at its beginning: the line is what leads there.
fn cut_before(place: &str, most: usize) -> String {
    let over = place.chars().count().saturating_sub(most);
    if over == 0 {
        place.to_owned()
    } else {
        format!("…{}", place.chars().skip(over + 1).collect::<String>())
    }
}

impl Answer {
    pub(super) fn cause(&self, report: &Report) -> Vec<String> {
        let changes = &report.breaking_changes;
        let mut rows = match changes.as_slice() {
            [] => return self.change(report),
            [only] => self.one(only, report),
            several => self.several(several, report),
        };
        let hiding = report.narrowing.as_ref().and_then(|narrowing| narrowing.hidden_by.first());
        if let Some(hiding) = hiding {
            let then = if report.find_fix { "passes" } else { "fails in this way" };
            let text = format!("hidden by {}:{}: without it, the commit {then}", hiding.path, hiding.line);
            rows.extend(self.rows(&text, 2));
        }
        rows
    }

    fn place_of(&self, change: &BreakingChange, report: &Report) -> String {
        let function = change.function.as_ref().filter(|name| name.as_str() != "<module>");
        let function = function.map(|name| format!(" in {name}")).unwrap_or_default();
        let culprit = report.culprits.first().map(|culprit| culprit.commit.id);
        let commit = change.commit.filter(|commit| Some(*commit) != culprit || report.culprits.len() > 1);
        let commit = commit.map(|commit| format!("  ({})", commit.short())).unwrap_or_default();
        format!("{}:{}{function}{commit}", change.path, change.line)
    }

    fn one(&self, change: &BreakingChange, report: &Report) -> Vec<String> {
        let mut rows = vec![self.style.name(cut(&self.place_of(change, report), self.room()))];
        for (side, mark) in [(&change.before, '-'), (&change.after, '+')] {
            let lines: Vec<&str> = side.iter().flat_map(|text| text.lines()).collect();
            let more = lines.len().saturating_sub(MOST_OF_ONE);
            for (at, line) in lines.iter().take(MOST_OF_ONE).enumerate() {
                let tail = if at + 1 == MOST_OF_ONE && more > 0 {
                    format!("   … {more} more lines (pybisect show --edits)")
                } else {
                    String::new()
                };
                rows.push(self.side(mark, line, &tail, self.room()));
            }
        }
        rows
    }

    fn side(&self, mark: char, line: &str, tail: &str, room: usize) -> String {
        let text = cut(&format!("{mark} {line}"), room.saturating_sub(tail.chars().count()));
        let text = if mark == '-' { self.style.bad(text) } else { self.style.good(text) };
        format!("{text}{}", self.style.dim(tail))
    }

    fn several(&self, changes: &[BreakingChange], report: &Report) -> Vec<String> {
        let causes = changes.iter().map(|change| change.cause).max().unwrap_or(0);
        let how = if causes > 0 { "each cause by itself" } else { "only together" };
        let all = "(all: pybisect show --edits)";
        let title = format!("{} edits, {how}", changes.len());
        let gap = self.room().saturating_sub(all.len());
        let mut rows = vec![format!("{}{}", fill(&title, gap), self.style.dim(all))];
        let places: Vec<String> = changes.iter().take(MOST).map(|it| self.short_place(it, report)).collect();
        let longest = places.iter().map(|place| place.chars().count()).max().unwrap_or(0);
        let column = longest.min(self.room() / 3);
        for (change, place) in changes.iter().take(MOST).zip(places) {
            let place = fill(&cut_before(&place, column), column);
            let sides: Vec<(char, &String)> = [('-', &change.before), ('+', &change.after)]
                .into_iter()
                .filter_map(|(mark, side)| Some((mark, side.as_ref()?)))
                .collect();
            // Of many only what is there now, unless it went.
            let from = if changes.len() > FEW { sides.len().saturating_sub(1) } else { 0 };
            for (at, (mark, side)) in sides[from..].iter().enumerate() {
                let place = if at == 0 { self.style.name(&place) } else { " ".repeat(column) };
                let lines = side.lines().count();
                let tail = if lines > 1 { format!("  … {lines} lines") } else { String::new() };
                let first = side.lines().find(|line| !line.trim().is_empty()).unwrap_or_default().trim();
                rows.push(format!("{place}  {}", self.side(*mark, first, &tail, self.room() - column - 2)));
            }
        }
        if let Some(more) = changes.len().checked_sub(MOST).filter(|more| *more > 0) {
            rows.push(self.style.dim(format!("… and {more} more")));
        }
        rows
    }

    /// The place without the function: the folder goes first where it is long.
    fn short_place(&self, change: &BreakingChange, report: &Report) -> String {
        let culprit = report.culprits.first().map(|culprit| culprit.commit.id);
        let commit = change.commit.filter(|commit| Some(*commit) != culprit || report.culprits.len() > 1);
        let commit = commit.map(|commit| format!(" ({})", commit.short())).unwrap_or_default();
        let whole = format!("{}:{}{commit}", change.path, change.line);
        if whole.chars().count() <= self.room() / 3 {
            return whole;
        }
        let file = change.path.rsplit('/').next().unwrap_or(&change.path);
        format!("{file}:{}{commit}", change.line)
    }

    /// The culprit's change, where no edit of it is known to matter.
    fn change(&self, report: &Report) -> Vec<String> {
        let Some(diff) =
            self.diff.as_ref().filter(|_| report.status == Status::Found && report.culprits.len() == 1)
        else {
            return Vec::new();
        };
        // What changed, without what stands around it; of a file only its name.
        let is_shown = |line: &&str| {
            line.starts_with(['+', '-']) && !line.starts_with("--- ") || line.starts_with("diff --git ")
        };
        let name = |line: &'_ str| -> String {
            let name = line.strip_prefix("diff --git ").and_then(|names| names.split_once(" b/"));
            name.map_or_else(|| line.to_owned(), |(_, name)| name.to_owned())
        };
        let lines: Vec<String> =
            diff.lines().filter(is_shown).filter(|line| !line.starts_with("+++ ")).map(name).collect();
        let is_name = |line: &&str| !line.starts_with(['+', '-']);
        let files: Vec<&str> = lines.iter().map(String::as_str).filter(is_name).collect();
        if files.len() > 1 && lines.len() > MOST_OF_DIFF {
            // The first lines of one file would look as if they were the cause.
            let text = format!("{} files: {}", files.len(), files.join(", "));
            let text = crate::report::escape::one_line(&text);
            let all = format!("{} changed lines (git show)", lines.len() - files.len());
            return vec![cut(&text, self.room()), self.style.dim(all)];
        }
        let mut rows: Vec<String> = Vec::new();
        for line in lines.iter().take(MOST_OF_DIFF) {
            let shown = cut(&crate::report::escape::one_line(line), self.room());
            rows.push(match line.as_bytes().first() {
                Some(b'+') => self.style.good(shown),
                Some(b'-') => self.style.bad(shown),
                _ => self.style.dim(shown),
            });
        }
        if let Some(more) = lines.len().checked_sub(MOST_OF_DIFF).filter(|more| *more > 0) {
            rows.push(self.style.dim(format!("… {more} more lines (git show)")));
        }
        rows
    }
}
