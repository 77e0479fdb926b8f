//! What test runners say of their runs: how many tests passed, failed, were skipped; which failed, and how; whether
//! the run came so far as to start, to collect, to run anything.
//!
//! One file for each runner, behind [`ReadRunner`]. The command alone does not tell which one ran (`make test`, `tox`,
//! `sh -c …`), so the reader is chosen by what was printed; where a command names a runner itself, that one is asked
//! first. Of several runs in one output the last one counts: what a test of a plugin prints stands above the outer
//! run's own line.

mod avocado;
mod behave;
mod command;
mod cram;
mod django;
mod doctest;
mod generic;
mod green;
mod lines;
mod locust;
mod pytest;
mod robot;
mod select;
mod stestr;
mod summary;
mod tap;
mod telling;
mod testplan;
mod testslide;
mod trial;
mod unittest;
mod ward;
mod xdoctest;
mod zope;

pub use command::CommandFacts;
pub(super) use generic::counts_tests;
pub use select::{Pick, Selecting, seconds_told};
pub use summary::{Count, RunSummary, Runner, TestFailure};
pub use telling::{Telling, telling};

use super::ansi;

/// Reads what one test runner prints.
pub trait ReadRunner: Sync {
    /// The runner.
    fn runner(&self) -> Runner;
    /// The versions whose output it was written against.
    fn versions(&self) -> &'static str;
    /// What the last run in these lines says of itself; `None` when nothing of this runner stands in them. `named` says
    /// that the command names the runner, so that less is needed to recognise it.
    fn read(&self, lines: &[&str], named: bool) -> Option<RunSummary>;
}

/// All readers. Of two that recognise the same line, the one that stands first is asked.
pub static READERS: [&dyn ReadRunner; 19] = [
    &xdoctest::Xdoctest,
    &pytest::Pytest,
    &django::Django,
    &green::Green,
    &trial::Trial,
    &unittest::Unittest,
    &stestr::Stestr,
    &zope::Zope,
    &behave::Behave,
    &robot::Robot,
    &ward::Ward,
    &testslide::TestSlide,
    &testplan::Testplan,
    &avocado::Avocado,
    &locust::Locust,
    &doctest::Doctest,
    &cram::Cram,
    &tap::Tap,
    &generic::Generic,
];

/// What the last run in the output says of itself; `None` when no runner is recognised.
#[must_use]
pub fn read(text: &str, command: &CommandFacts) -> Option<RunSummary> {
    let clean = ansi::strip(text);
    let lines: Vec<&str> = clean.lines().map(str::trim_end).collect();
    let named = |reader: &dyn ReadRunner| command.runner == Some(reader.runner());
    let all = || READERS.iter().copied();
    if let Some(run) = all().filter(|&reader| named(reader)).find_map(|reader| reader.read(&lines, true)) {
        return Some(run.sorted());
    }
    let mut best: Option<RunSummary> = None;
    for reader in all().filter(|&reader| !named(reader)) {
        let Some(run) = reader.read(&lines, false) else { continue };
        // A reader that guesses has the word when nobody else has, and a closing line counts more than a beginning.
        let is_better = best.as_ref().is_none_or(|best| {
            let worth = |run: &RunSummary| (run.runner != Runner::Other, run.is_closed, run.at);
            worth(&run) > worth(best)
        });
        if is_better {
            best = Some(run);
        }
    }
    best.map(RunSummary::sorted)
}

#[cfg(test)]
mod tests;
