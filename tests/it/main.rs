//! The one integration test binary.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop where it is")]

mod architecture;
mod call_pairs;
mod find_flaky;
mod find_histories;
mod git_history;
mod git_shadow;
mod process_runs;
mod support;
