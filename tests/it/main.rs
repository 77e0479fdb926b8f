//! The one integration test binary.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop where it is")]

mod architecture;
mod cli_logs;
mod find_flaky;
mod find_histories;
mod git_history;
mod git_shadow;
mod logs;
mod process_runs;
mod support;
mod tracebacks;
