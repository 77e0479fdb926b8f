//! What `pybisect respond` is told.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::cli::commands::config_args::ConfigArgs;
use crate::cli::commands::environment_args::EnvArgs;
use crate::cli::commands::isolation_args::IsolationArgs;
use crate::cli::commands::output::JsonArgs;
use crate::cli::commands::rollback;

/// From an alarm to the old version, the cause, a tested fix, its rollout and a report
///
/// The last good version is deployed again; the log is read; the commit that broke it is found; all fixes are tested;
/// the one that passes is rolled out stage by stage, and back when it is not healthy. What may happen without a person is
/// said in the configuration (`auto`); everything else waits for --approve. Each step is written down before and after,
/// and a response that was killed goes on.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(after_help = "\
Examples:
  pybisect respond --dry-run
  pybisect respond --alarm '500 on /your-url' --log error.log
  pybisect respond --approve rollout

Exit status: 0 done as far as it may, 2 usage, 3 no cause or no fix, 6 not healthy or not done, 130 interrupted")]
pub(crate) struct Args {
    /// What the alarm says
    #[arg(long, value_name = "TEXT")]
    pub(super) alarm: Option<String>,
    /// An alarm that a server received
    #[arg(long, value_name = "FILE", hide = true, conflicts_with_all = ["alarm", "log", "approve", "resume", "new"])]
    pub(super) received: Option<PathBuf>,
    /// Read this log instead of what the configured command writes; - is standard input
    #[arg(long, value_name = "FILE|-")]
    pub(super) log: Option<PathBuf>,
    /// Approve a waiting step: fallback, rollback, branch, push or rollout (can be repeated)
    #[arg(long, value_name = "STEP", conflicts_with_all = ["alarm", "log", "new"])]
    pub(super) approve: Vec<String>,
    /// Retry a failed step, and what was skipped after it: find, rollout-2, …
    #[arg(long, value_name = "STEP", conflicts_with_all = ["alarm", "log", "new", "approve"])]
    pub(super) retry: Option<String>,
    /// Resume the response that was stopped, and start no other
    #[arg(long, conflicts_with = "new")]
    pub(super) resume: bool,
    /// Start another response, even if one is open
    #[arg(long)]
    pub(super) new: bool,
    /// Show what would be done, and do nothing
    #[arg(long, conflicts_with_all = ["approve", "retry", "resume"])]
    pub(super) dry_run: bool,
    /// Version deployed now [default: what the service says, else what was deployed last, else HEAD]
    #[arg(long, value_name = "REV")]
    pub(super) deployed: Option<String>,
    /// Version to go back to, without testing it [default: the last one known to be good]
    #[arg(long, value_name = "REV")]
    pub(super) to: Option<String>,
    /// Roll back across database migrations
    #[arg(long)]
    pub(super) allow_migrations: bool,
    /// Repository [default: the current one]
    #[arg(long, value_name = "DIR")]
    pub(super) repo: Option<PathBuf>,
    /// Trials at the same time [default: number of cores]
    #[arg(long, short, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=512))]
    pub(super) jobs: Option<u16>,
    /// File to lay over every version that is tested, such as the reproducing test (can be repeated)
    #[arg(long, value_name = "SRC[:DEST]")]
    pub(super) with_file: Vec<String>,
    /// Longest time for one test
    #[arg(long, value_name = "DUR")]
    pub(super) timeout: Option<String>,
    #[command(flatten)]
    pub(super) environment: EnvArgs,
    #[command(flatten)]
    pub(super) isolation: IsolationArgs,
    #[command(flatten)]
    pub(super) config: ConfigArgs,
    /// Also write the report to this file: a page if it ends in .html, else Markdown
    #[arg(long, value_name = "FILE")]
    pub(super) report: Option<PathBuf>,
    #[command(flatten)]
    pub(super) result: JsonArgs,
    /// Show the result in Markdown
    #[arg(long)]
    pub(super) markdown: bool,
    /// Print only the result, no progress
    #[arg(long, short)]
    pub(super) quiet: bool,
    /// Test with this shell command instead of a program with arguments
    #[arg(long, value_name = "STRING", conflicts_with = "command")]
    pub(super) shell: Option<String>,
    /// The command that passes on a good version, after `--`
    #[arg(last = true, value_name = "COMMAND")]
    pub(super) command: Vec<OsString>,
}

impl Args {
    /// The options of a rollback among these.
    pub(super) fn as_rollback(&self) -> rollback::Args {
        rollback::Args {
            to: self.to.clone(),
            deployed: self.deployed.clone(),
            allow_migrations: self.allow_migrations,
            repo: self.repo.clone(),
            jobs: self.jobs,
            with_file: self.with_file.clone(),
            timeout: self.timeout.clone(),
            environment: self.environment.clone(),
            isolation: self.isolation.clone(),
            config: self.config.clone(),
            shell: self.shell.clone(),
            command: self.command.clone(),
            ..rollback::Args::default()
        }
    }
}
