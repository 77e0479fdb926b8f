//! What test runners say of their runs: how many tests passed, failed, were skipped; which failed, and how; whether
//! the run came so far as to start, to collect, to run anything.
//!
//! One file for each runner, behind [`ReadRunner`]. The command alone does not tell which one ran (`make test`, `tox`,
//! `sh -c …`), so the reader is chosen by what was printed; where a command names a runner itself, that one is asked
//! first. Several runs of pytest and unittest in one output are summed ([`Part`]); of other runners the last one counts.

mod avocado;
mod behave;
mod checkers;
mod command;
mod cram;
mod django;
mod doctest;
mod generic;
mod green;
mod import_linter;
mod lines;
mod locust;
mod parts;
mod plain;
mod pybuilder;
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
mod workflows;
mod wrappers;
mod xdoctest;
mod zope;

pub use command::CommandFacts;
pub(super) use generic::counts_tests;
pub use plain::starts_no_python;
pub use select::{Pick, Selecting, seconds_told};
pub use summary::{Count, Part, RunSummary, Runner, TestFailure};
pub use telling::{Telling, telling};

use self::reader::ReadRunner;
use super::ansi;
use super::message_shape::within_tree;

/// All readers. Of two that recognise the same line, the one that stands first is asked.
pub static READERS: [&dyn ReadRunner; 23] = [
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
    &import_linter::ImportLinter,
    &pybuilder::PyBuilder,
    &workflows::Workflows,
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
        let at_a_time = || pytest::side_by_side(&lines).filter(|_| command.in_any_order);
        let own = || reader.read(&lines, false);
        let run = if reader.runner() == Runner::Pytest { at_a_time().or_else(own) } else { own() };
        let Some(run) = run else { continue };
        // A reader that guesses has the word when nobody else has, and a closing line counts more than a beginning.
        let is_better = best.as_ref().is_none_or(|best| {
            let rank = |runner| match runner {
                Runner::Other => 0,
                Runner::Checker => 1,
                _ => 2,
            };
            let worth = |run: &RunSummary| (rank(run.runner), run.is_closed, run.at);
            worth(&run) > worth(best)
        });
        if is_better {
            best = Some(run);
        }
    }
    // What complains of files has the word when no test runner has.
    let checked = || {
        let raised = lines.iter().any(|line| line.starts_with("Traceback (most recent call last):"));
        checkers::Checkers.read(&lines, false).filter(|_| !raised)
    };
    let best = best.map(|best| with_others(best, &lines)).or_else(checked);
    best.map(RunSummary::sorted)
}

/// The run with that of the other of pytest and unittest: a script may start both.
fn with_others(best: RunSummary, lines: &[&str]) -> RunSummary {
    let (other, is_pytest): (&dyn ReadRunner, bool) = match best.runner {
        Runner::Pytest => (&unittest::Unittest, true),
        Runner::Unittest => (&pytest::Pytest, false),
        _ => return best,
    };
    let run = if best.is_closed { other.read(lines, false) } else { None };
    let Some(run) = run.filter(|run| run.is_closed && run.runner == other.runner()) else { return best };
    // What stands in pytest's report was printed by a test.
    let own = if is_pytest { run.at } else { best.at };
    if pytest::spans(lines).is_none_or(|spans| spans.iter().any(|span| span.contains(&own))) {
        return best;
    }
    let (first, last) = if is_pytest { (best.clone(), run) } else { (run, best.clone()) };
    parts::sum(vec![first, last]).unwrap_or(best)
}

#[cfg(test)]
mod tests;
