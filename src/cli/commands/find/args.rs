//! What `pybisect find` is told, and what that asks for.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::ValueEnum;
use clap::builder::PossibleValue;

use crate::cli::commands::config_args::ConfigArgs;
use crate::cli::commands::environment_args::EnvArgs;
use crate::cli::commands::isolation_args::IsolationArgs;
use crate::cli::commands::output::JsonArgs;
use crate::session::OnlyFailing;
use crate::setup::{CorrectedCommand, Request};

/// Find the commit that broke a command
///
/// The command runs on commits between a good and a bad one, several at a time, in private work
/// trees; your repository and work tree stay as they are. The answer is verified: the commit was
/// seen to fail, and each of its parents to pass.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(after_help = "\
Examples:
  pybisect find --good v1.4 -- python -m pytest -q tests/test_smoke.py::test_login
  pybisect find --good v1.4 --with-file /tmp/test_repro.py:tests/test_repro.py -- python -m pytest -q tests/test_repro.py
  pybisect find v1.4..main -- ./smoke.sh

Exit status: 0 found and verified, 2 usage, 3 ambiguous or inconclusive, 4 bad passes or good fails,
  5 could not be run at all, 130 interrupted")]
pub(crate) struct Args {
    /// Range to search, such as v1.4.. or v1.4..main: the same as --good v1.4 --bad main
    #[arg(value_name = "GOOD..BAD", conflicts_with_all = ["good", "bad"])]
    pub(crate) range: Option<String>,
    /// Commit that passes (can be repeated) [default: looked for, backwards]
    #[arg(long, value_name = "REV")]
    pub(crate) good: Vec<String>,
    /// Commit that fails [default: HEAD]
    #[arg(long, value_name = "REV")]
    pub(crate) bad: Option<String>,
    /// Continue from the git bisect in progress: its good and bad commits, its paths
    #[arg(long, conflicts_with_all = ["range", "good", "bad"])]
    pub(crate) from_bisect: bool,
    /// Continue the latest search of this repository that was stopped or killed, as it was asked
    #[arg(long = "continue", conflicts_with_all = ["range", "good", "bad", "from_bisect", "find_fix", "shell", "command"])]
    pub(crate) goes_on: bool,
    /// Repository [default: the current one]
    #[arg(long, value_name = "DIR")]
    pub(crate) repo: Option<PathBuf>,
    /// Follow only the first parent of merges
    #[arg(long)]
    pub(crate) first_parent: bool,
    /// Only commits that touch this path (can be repeated)
    #[arg(long, value_name = "PATHSPEC")]
    pub(crate) path: Vec<String>,
    /// Trials at the same time [default: number of cores]
    #[arg(long, short, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=512))]
    pub(crate) jobs: Option<u16>,
    /// File to lay over every tree, such as the reproducing test (can be repeated)
    #[arg(long, value_name = "SRC[:DEST]")]
    pub(crate) with_file: Vec<String>,
    /// Do not lay over the test files that the command names and that are new or changed in your work tree
    #[arg(long)]
    pub(crate) no_with_file: bool,
    /// Shell command to run before the command in each tree; its failure is a skip
    #[arg(long, value_name = "CMD")]
    pub(crate) setup: Option<String>,
    /// Longest time for one run, such as 90s or 2m [default: ten times the slowest endpoint]
    #[arg(long, value_name = "DUR")]
    pub(crate) timeout: Option<String>,
    /// Untracked files to keep from one trial to the next, such as build output (can be repeated)
    #[arg(long, value_name = "GLOB")]
    pub(crate) keep: Vec<String>,
    /// Treat any failure as bad, not only the one at the bad commit
    #[arg(long, conflicts_with = "pattern")]
    pub(crate) any_failure: bool,
    /// Treat a failure as bad when its output matches
    #[arg(long = "match", value_name = "REGEX")]
    pub(crate) pattern: Option<String>,
    /// Search for this failing test only, by its id or a regular expression on ids [default: each that newly fails]
    #[arg(long, value_name = "TEST|REGEX", conflicts_with_all = ["any_failure", "pattern"])]
    pub(crate) target: Option<String>,
    /// When the search runs the failing tests only, where the command runs more: auto for suites of some seconds
    #[arg(long, value_name = "WHEN", value_enum, default_value_t)]
    pub(crate) only_failing: OnlyFailing,
    /// Find the commit that fixed it: --bad is the older, failing commit, --good the newer [default: HEAD]
    #[arg(long)]
    pub(crate) find_fix: bool,
    /// Stop at the commit, and do not look for the call that broke it
    #[arg(long)]
    pub(crate) no_narrow: bool,
    /// Watch what the command reads and executes at the bad commit: that run is slower, and may tell better where to search
    #[arg(long)]
    pub(crate) trace: bool,
    /// Required probability of the answer when the test is flaky [default: 0.99]
    #[arg(long, value_name = "P")]
    pub(crate) confidence: Option<f64>,
    /// Ignore recorded outcomes, and run every trial
    #[arg(long)]
    pub(crate) fresh: bool,
    /// Run trials on a cluster: slurm, or one of the Remote Execution API, grpc://HOST:PORT or grpcs://HOST:PORT with TLS;
    /// local for this machine [default: the configuration's, or local]
    #[arg(long, value_name = "URL|slurm|local")]
    pub(crate) executor: Option<String>,
    #[command(flatten)]
    pub(crate) environment: EnvArgs,
    #[command(flatten)]
    pub(crate) isolation: IsolationArgs,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    #[command(flatten)]
    pub(crate) result: JsonArgs,
    /// When the search ends, run a shell command (with $PYBISECT_STATUS, $PYBISECT_SUMMARY and $PYBISECT_SESSION), or
    /// ring the terminal's bell
    #[arg(long, value_name = "CMD|bell")]
    pub(crate) notify: Option<String>,
    /// Search for the tests that failed in your last run of pytest
    #[arg(long, visible_alias = "last-failed", conflicts_with = "shell")]
    pub(crate) lf: bool,
    /// Search for the tests that failed in a JUnit report, such as CI's (can be repeated)
    #[arg(long, value_name = "FILE", conflicts_with_all = ["shell", "lf"])]
    pub(crate) junit: Vec<PathBuf>,
    /// Print only the result, no progress
    #[arg(long, short)]
    pub(crate) quiet: bool,
    /// Run this shell command instead of a program with arguments
    #[arg(long, value_name = "STRING", conflicts_with = "command")]
    pub(crate) shell: Option<String>,
    /// The command under test, after `--`
    #[arg(last = true, value_name = "COMMAND")]
    pub(crate) command: Vec<OsString>,
}

impl Args {
    /// What they ask for, as the user typed it.
    pub(super) fn request(&self) -> Request {
        let Self {
            range,
            good,
            bad,
            from_bisect: _,
            goes_on: _,
            repo,
            first_parent,
            path,
            jobs,
            with_file,
            no_with_file,
            setup,
            timeout,
            keep,
            any_failure,
            pattern,
            target,
            only_failing,
            find_fix,
            no_narrow,
            trace,
            confidence,
            fresh,
            executor,
            environment,
            isolation,
            config,
            result: _,
            notify: _,
            lf,
            junit,
            quiet: _,
            shell,
            command,
        } = self.clone();
        Request {
            range,
            good,
            bad,
            repo,
            first_parent,
            path,
            jobs,
            with_file,
            no_with_file,
            setup,
            timeout,
            keep,
            any_failure,
            pattern,
            target,
            only_failing,
            find_fix,
            no_narrow,
            trace,
            confidence,
            fresh,
            executor,
            lf,
            junit,
            shell,
            command,
            environment: environment.options(),
            isolation: isolation.options(),
            no_config: config.no_config,
            typed: Some(CorrectedCommand::now()),
            ..Request::default()
        }
    }
}

impl ValueEnum for OnlyFailing {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Auto, Self::Always, Self::Never]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            Self::Auto => PossibleValue::new("auto").help("Where it pays"),
            Self::Always => PossibleValue::new("always").help("Wherever it can be done"),
            Self::Never => PossibleValue::new("never").help("Never"),
        })
    }
}
