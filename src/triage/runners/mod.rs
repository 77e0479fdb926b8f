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
mod plain;
mod pytest;
mod reader;
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
mod wrappers;
mod xdoctest;
mod zope;

pub use command::CommandFacts;
pub(super) use generic::counts_tests;
pub use plain::starts_no_python;
pub use select::{Pick, Selecting, seconds_told};
pub use summary::{Count, RunSummary, Runner, TestFailure};
pub use telling::{Telling, telling};

use self::reader::ReadRunner;
use super::ansi;
use super::message_shape::within_tree;

/// All readers. Of two that recognise the same line, the one that stands first is asked.
pub static READERS: [&dyn ReadRunner; 20] = [
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
    &wrappers::Wrappers,
    &generic::Generic,
];

/// Lines in which a run is closed.
const LAST: usize = 3;

/// What the last run in the output says of itself; `None` when no runner is recognised.
#[must_use]
pub fn read(text: &str, command: &CommandFacts) -> Option<RunSummary> {
    // Ids of tests may be paths: those of a trial's tree are the repository's.
    let clean = within_tree(&ansi::strip(text));
    let lines: Vec<&str> = clean.lines().map(str::trim_end).collect();
    let named = |reader: &dyn ReadRunner| command.runner == Some(reader.runner());
    let all = || READERS.iter().copied();
    let own = all().filter(|&reader| named(reader)).find_map(|reader| reader.read(&lines, true));
    // A plugin may close the run in another runner's words: pytest-tldr in those of unittest.
    let is_open = |run: &RunSummary| !run.is_closed && run.not_started.is_none() && run.failures.is_empty();
    if let Some(run) = own {
        let last = lines.iter().rev().filter(|line| !line.is_empty()).take(LAST).copied().collect::<Vec<_>>();
        let last: Vec<&str> = last.into_iter().rev().collect();
        let closed = || unittest::Unittest.read(&last, false).filter(|run| run.is_closed);
        return Some(if is_open(&run) { closed().unwrap_or(run) } else { run }.sorted());
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
