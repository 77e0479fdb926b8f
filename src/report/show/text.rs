//! What the test printed, for people.

use std::io::{self, Write};

use super::{ShownSession, Titled, does, lines_of};
use crate::model::kept_output::ending_words;
use crate::model::{CommitId, KeptOutput, VerdictKind};
use crate::report::Style;
use crate::report::columns::{cut, fill};
use crate::report::escape::one_line;
use crate::report::targets::write_targets;

/// Shows outputs on a terminal: one below the other, or side by side where there is room.
#[derive(Debug, Clone, Copy)]
pub struct ShowText {
    /// Colours.
    pub style: Style,
    /// Columns of the terminal.
    pub width: usize,
}

/// Lines of each output that are shown unless one commit is asked for.
const MOST: usize = 30;
/// A column is not narrower than this.
const NARROWEST: usize = 64;

impl ShowText {
    /// Write what was printed at good and at bad, and the tests that newly fail where there are several; or, for a commit, all that is kept of it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn render(
        &self,
        shown: ShownSession<'_>,
        commit: Option<CommitId>,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        if let Some(commit) = commit {
            return match shown.of_commit(commit) {
                Some(titled) => self.one(&titled, usize::MAX, out),
                None => writeln!(out, "nothing is kept of {}", commit.short()),
            };
        }
        let deciding = shown.deciding();
        match deciding.as_slice() {
            [] => writeln!(out, "no trial of this session has ended")?,
            [good, bad] if self.width > 2 * NARROWEST => self.beside(good, bad, out)?,
            several => {
                for (number, titled) in several.iter().enumerate() {
                    if number > 0 {
                        writeln!(out)?;
                    }
                    self.one(titled, MOST, out)?;
                }
            }
        }
        write_targets(self.style, shown.report, out)
    }

    /// Write what each run of a session printed that is no search, with what it ran on.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn runs<'o>(
        &self,
        runs: impl IntoIterator<Item = (&'o str, &'o KeptOutput)>,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let mut is_first = true;
        for (subject, output) in runs {
            if !std::mem::take(&mut is_first) {
                writeln!(out)?;
            }
            let title = format!("{subject} {}: {}", does(output), ending_words(&output.ending));
            self.one(&Titled { title, output }, usize::MAX, out)?;
        }
        if is_first { writeln!(out, "no trial of this session has ended") } else { Ok(()) }
    }

    fn title(&self, titled: &Titled<'_>, width: usize) -> String {
        let title = cut(&one_line(&titled.title), width);
        match titled.output.verdict {
            VerdictKind::Good => self.style.bold(self.style.good(title)),
            VerdictKind::Bad => self.style.bold(self.style.bad(title)),
            _ => self.style.bold(self.style.warn(title)),
        }
    }

    fn one(&self, titled: &Titled<'_>, most: usize, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{}", self.title(titled, self.width))?;
        let lines = lines_of(titled.output);
        let more = lines.len().saturating_sub(most);
        if more > 0 {
            let all = format!("… {more} lines before (pybisect show {})", titled.output.commit.short());
            writeln!(out, "  {}", self.style.dim(all))?;
        }
        for line in &lines[more..] {
            writeln!(out, "  {}", one_line(line.trim_end()))?;
        }
        Ok(())
    }

    fn beside(&self, left: &Titled<'_>, right: &Titled<'_>, out: &mut dyn Write) -> io::Result<()> {
        let width = (self.width - 3) / 2;
        let wide = fill(&cut(&one_line(&left.title), width), width);
        let heading = self.style.bold(self.style.good(wide));
        writeln!(out, "{heading} │ {}", self.title(right, width))?;
        let last = |titled: &Titled<'_>| {
            let lines = lines_of(titled.output);
            let skip = lines.len().saturating_sub(MOST);
            lines
                .into_iter()
                .skip(skip)
                .map(|line| cut(&one_line(line.trim_end()), width))
                .collect::<Vec<_>>()
        };
        let (left, right) = (last(left), last(right));
        for number in 0..left.len().max(right.len()) {
            let of = |lines: &[String]| lines.get(number).cloned().unwrap_or_default();
            writeln!(out, "{}", format!("{} │ {}", fill(&of(&left), width), of(&right)).trim_end())?;
        }
        Ok(())
    }
}
