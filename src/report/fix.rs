//! Candidate fixes for people: which one, the change, and how to have it.

use std::io::{self, Write};
use std::path::Path;

use super::Style;
use super::columns::{cut, wrapped};
use super::diff::write_diff;
use super::escape::{cleaned, one_line};
use super::live_plain::shortened;
use super::phrases::plural;
use crate::model::{CandidateFix, CommitId, FixReport};

/// Lines of the patch that are shown.
const MOST_LINES: usize = 30;
/// Commits that a fix would take back that are shown.
const MOST_UNDONE: usize = 5;

/// Renders a [`FixReport`] for a terminal.
#[derive(Debug)]
pub struct FixText<'a> {
    /// Colours.
    pub style: Style,
    /// Columns of the terminal.
    pub width: usize,
    /// Where the patch was written.
    pub patch: Option<&'a Path>,
    /// The top of the work tree, when the user does not stand there.
    pub top: Option<&'a Path>,
    /// The branch and the commit that were made.
    pub committed: Option<&'a (String, CommitId)>,
    /// Whether the text says what could be done next.
    pub says_next: bool,
    /// Whether a fix may take back later commits of its files.
    pub allows_restore: bool,
    /// The command that this is the answer to, without what is done with the fix.
    pub again: &'a str,
}

impl FixText<'_> {
    /// Write it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn render(&self, report: &FixReport, out: &mut dyn Write) -> io::Result<()> {
        let report = &cleaned(report);
        let style = self.style;
        let onto = report.onto.as_ref().map(CommitId::short).unwrap_or_default();
        if report.mended_already {
            writeln!(out, "{}", style.bold(style.good(format!("{onto} passes already: no fix is needed"))))?;
            return Ok(());
        }
        let best = report.fixes.first().filter(|fix| fix.passed);
        match best {
            Some(fix) if !fix.is_clean() && !self.allows_restore => {
                let what = format!("no small fix passes on top of {onto}");
                writeln!(out, "{}", style.bold(style.warn(what)))?;
                self.undone(fix, out)?;
            }
            Some(fix) => {
                let what = format!("fix: {}", fix.kind.phrase());
                writeln!(out, "{} on top of {onto}", style.bold(style.good(what)))?;
                self.change(fix, out)?;
            }
            None => {
                let what = match &report.wider_cannot_run {
                    Some(why) => format!("the wider command cannot be run: {why}"),
                    None => format!("no candidate passes on top of {onto}"),
                };
                writeln!(out, "{}", style.bold(style.warn(what)))?;
            }
        }
        writeln!(out, "\n{}", style.bold("tested"))?;
        let failing = report.as_it_is.strip_prefix("fails: ").unwrap_or(&report.as_it_is);
        let failing = failing.lines().next().unwrap_or_default();
        let told = cut(&format!("{onto} as it is: {failing}"), self.room());
        writeln!(out, "  {} {told}", style.bad(format!("{:<7}", "fails")))?;
        for fix in &report.fixes {
            self.candidate(fix, out)?;
        }
        for why in &report.left_out {
            for (at, row) in wrapped(why, self.room()).iter().enumerate() {
                let word = if at == 0 { "not made" } else { "" };
                writeln!(out, "  {} {row}", style.warn(format!("{word:<8}")))?;
            }
        }
        if !report.failed_before.is_empty() {
            let count = report.failed_before.len();
            let fail = if count == 1 { "fails" } else { "fail" };
            writeln!(out, "  {} {fail} in the last good version too", plural(count, "test"))?;
        }
        let is_taken = best.is_some_and(|fix| fix.is_clean() || self.allows_restore);
        self.next_steps(is_taken, out)
    }

    /// Columns beside the words that say how a candidate fared.
    const fn room(&self) -> usize {
        self.width.saturating_sub(11)
    }

    fn candidate(&self, fix: &CandidateFix, out: &mut dyn Write) -> io::Result<()> {
        let word = format!("{:<7}", if fix.passed { "passes" } else { "fails" });
        let word = if fix.passed { self.style.good(word) } else { self.style.bad(word) };
        let size = format!("{}, {}", plural(fix.files, "file"), plural(fix.lines, "line"));
        let why = match (&fix.verified, fix.passed) {
            (Some(wider), _) => format!("; the wider command {wider}"),
            (None, true) if !fix.undoes.is_empty() => {
                format!("; undoes {}", plural(fix.undoes.len(), "later commit"))
            }
            (None, true) => String::new(),
            (None, false) => format!("; {}", fix.outcome.lines().next().unwrap_or_default()),
        };
        writeln!(out, "  {word} {}", cut(&format!("{} ({size}){why}", fix.kind.phrase()), self.room()))
    }

    /// What passes, and what else it would take back.
    fn undone(&self, fix: &CandidateFix, out: &mut dyn Write) -> io::Result<()> {
        let count = plural(fix.undoes.len(), "later commit");
        let its = if fix.files == 1 { "it" } else { "them" };
        let what = format!("\"{}\" passes, and undoes {count} of {its}:", fix.kind.phrase());
        wrapped(&what, self.width.saturating_sub(2)).iter().try_for_each(|row| writeln!(out, "  {row}"))?;
        for commit in fix.undoes.iter().take(MOST_UNDONE) {
            let subject = shortened(&commit.subject, 60);
            writeln!(out, "    {}  {}", self.style.name(commit.id.short()), one_line(&subject))?;
        }
        let more = fix.undoes.len().saturating_sub(MOST_UNDONE);
        if more > 0 {
            writeln!(out, "    … {more} more")?;
        }
        writeln!(out, "  to have it all the same: {} --allow-restore", self.again)
    }

    fn change(&self, fix: &CandidateFix, out: &mut dyn Write) -> io::Result<()> {
        write_diff(self.style, &fix.patch, MOST_LINES, "", out)
    }

    fn next_steps(&self, has_fix: bool, out: &mut dyn Write) -> io::Result<()> {
        if !has_fix || !self.says_next {
            return Ok(());
        }
        writeln!(out, "\n{}", self.style.bold("next"))?;
        if let Some((branch, commit)) = self.committed {
            writeln!(
                out,
                "  git switch {}  {}",
                one_line(branch),
                self.style.dim(format!("# the fix, as {}", commit.short()))
            )?;
            return Ok(());
        }
        if let Some(patch) = self.patch {
            // Below the top, git leaves out what lies above, and says nothing.
            let there = self.top.map(|top| format!(" -C {}", top.display())).unwrap_or_default();
            let comment = self.style.dim("# into your work tree");
            writeln!(out, "  git{there} apply {}  {comment}", patch.display())?;
        }
        writeln!(
            out,
            "  {}{} --branch NAME --commit  {}",
            self.again,
            if self.allows_restore { " --allow-restore" } else { "" },
            self.style.dim("# as a commit on a new branch")
        )
    }
}
