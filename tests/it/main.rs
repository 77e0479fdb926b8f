//! The one integration test binary.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop where it is")]

mod architecture;
mod call_fuzz;
mod call_oracles;
mod call_pairs;
mod check_inputs;
mod check_rules;
mod check_smoke;
mod check_untested;
mod cli_calls;
mod cli_init;
mod cli_logs;
mod cli_suspects;
mod executor_local;
mod executor_python;
mod find_environments;
mod find_flaky;
mod find_histories;
mod find_inputs;
mod find_isolation;
mod find_narrowing;
mod find_real_packages;
mod find_safety;
mod find_watching;
mod fix;
mod fix_interrupted;
mod git_history;
mod git_lines;
mod git_mirror;
mod git_shadow;
mod logs;
mod process_runs;
mod sandbox;
mod sandbox_hostile;
mod support;
mod tracebacks;
