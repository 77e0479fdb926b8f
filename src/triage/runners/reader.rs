//! What a reader of a test runner's output does.

use super::summary::{RunSummary, Runner};

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
