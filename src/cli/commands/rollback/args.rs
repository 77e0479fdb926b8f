//! What `pybisect rollback` is told, and what that asks for.

use std::ffi::OsString;
use std::path::PathBuf;

use super::watched::WatchArgs;
use crate::cli::commands::config_args::ConfigArgs;
use crate::cli::commands::environment_args::EnvArgs;
use crate::cli::commands::isolation_args::IsolationArgs;
use crate::cli::commands::output::JsonArgs;
use crate::model::DeployedVersion;
use crate::setup::{Request, config};

/// Deploy the last good version again, and watch that it answers
///
/// The good version is the one you name, the last good one of a search, one that was healthy before, or the newest
/// release on which the command passes. It is deployed by your command; then the service is asked over new connections
/// until that version answers, and no other, several times in a row. Unhealthy, the next older one is tried.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(after_help = "\
Examples:
  pybisect rollback --deploy './deploy.sh {commit}' --health https://shop.example.com/health --health-version X-Version -- python smoke.py
  pybisect rollback --deploy 'symlink:/srv/shop/current:/srv/shop/releases/{tag}' --reload 'systemctl reload shop' --health http://127.0.0.1:8000/version --health-version '$.version'
  pybisect rollback --to v1.4 --deploy 'git:production/main' --dry-run

Exit status: 0 rolled back, 2 usage, 3 no good version known, 6 not healthy or not done, 130 interrupted")]
pub(crate) struct Args {
    /// How a version is deployed: a command with {commit}, {short}, {tag}, {version} or {worktree};
    /// symlink:LINK:RELEASE; git:REMOTE/BRANCH; or git-revert:REMOTE/BRANCH
    #[arg(long, value_name = "CMD")]
    pub(crate) deploy: Option<String>,
    /// Command that makes the service load the new code, after each deploy
    #[arg(long, value_name = "CMD")]
    pub(crate) reload: Option<String>,
    /// Command that restarts the service, when it keeps running the old code
    #[arg(long, value_name = "CMD")]
    pub(crate) restart: Option<String>,
    /// Version to go back to, without testing it [default: the last one known to be good]
    #[arg(long, value_name = "REV")]
    pub(crate) to: Option<String>,
    /// Version deployed now [default: what the service says, else what was deployed last, else HEAD]
    #[arg(long, value_name = "REV")]
    pub(crate) deployed: Option<String>,
    /// Only tags that match are releases [default: all tags; without any, commits]
    #[arg(long, value_name = "GLOB")]
    pub(crate) releases: Option<String>,
    /// Name of what is deployed: one rollback at a time [default: the name of the repository's folder]
    #[arg(long, value_name = "NAME")]
    pub(crate) service: Option<String>,
    /// Versions to try before giving up [default: 3]
    #[arg(long, value_name = "N")]
    pub(crate) attempts: Option<usize>,
    /// Timeout of each of these commands, such as 90s or 5m [default: 120s]
    #[arg(long, value_name = "DUR")]
    pub(crate) limit: Option<String>,
    /// Roll back across database migrations
    #[arg(long)]
    pub(crate) allow_migrations: bool,
    /// Show what would be done, and do nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Repository [default: the current one]
    #[arg(long, value_name = "DIR")]
    pub(crate) repo: Option<PathBuf>,
    /// Versions tested at the same time [default: number of cores, at least 4]
    #[arg(long, short, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=512))]
    pub(crate) jobs: Option<u16>,
    /// File to lay over every version that is tested, such as the reproducing test (can be repeated)
    #[arg(long, value_name = "SRC[:DEST]")]
    pub(crate) with_file: Vec<String>,
    /// Longest time for one test
    #[arg(long, value_name = "DUR")]
    pub(crate) timeout: Option<String>,
    #[command(flatten)]
    pub(crate) watched: WatchArgs,
    #[command(flatten)]
    pub(crate) environment: EnvArgs,
    #[command(flatten)]
    pub(crate) isolation: IsolationArgs,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    #[command(flatten)]
    pub(crate) result: JsonArgs,
    /// Print only the result, no progress
    #[arg(long, short)]
    pub(crate) quiet: bool,
    /// Test with this shell command instead of a program with arguments
    #[arg(long, value_name = "STRING", conflicts_with = "command")]
    pub(crate) shell: Option<String>,
    /// The command that passes on a good version, after `--`
    #[arg(last = true, value_name = "COMMAND")]
    pub(crate) command: Vec<OsString>,
}

impl Args {
    /// Flags over configuration.
    pub(in crate::cli::commands) fn over(&self, config: &config::RollbackConfig) -> Self {
        let or = |flag: &Option<String>, other: &Option<String>| flag.clone().or_else(|| other.clone());
        Self {
            deploy: or(&self.deploy, &config.deploy),
            reload: or(&self.reload, &config.reload),
            restart: or(&self.restart, &config.restart),
            watched: self.watched.over(config),
            releases: or(&self.releases, &config.releases),
            service: or(&self.service, &config.service),
            attempts: self.attempts.or(config.attempts),
            limit: or(&self.limit, &config.limit),
            ..self.clone()
        }
    }

    /// The same command as a search would run it.
    pub(in crate::cli::commands) fn as_search(&self, deployed: &DeployedVersion) -> Request {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let jobs = u16::try_from(cores.max(4)).unwrap_or(4);
        Request {
            bad: Some(deployed.commit.to_string()),
            repo: self.repo.clone(),
            jobs: Some(self.jobs.unwrap_or(jobs)),
            with_file: self.with_file.clone(),
            timeout: self.timeout.clone(),
            environment: self.environment.options(),
            isolation: self.isolation.options(),
            no_config: self.config.no_config,
            shell: self.shell.clone(),
            command: self.command.clone(),
            ..Request::default()
        }
    }
}
