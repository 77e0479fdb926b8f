//! What `pybisect check` is told, and what that asks for.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::ValueEnum;

use super::format::CheckFormat;
use crate::check::{self, CheckRequest, CheckerKind};
use crate::cli::Error;
use crate::cli::commands::config_args::ConfigArgs;
use crate::cli::commands::environment_args::EnvArgs;
use crate::cli::commands::isolation_args::IsolationArgs;
use crate::cli::commands::output::OutputArgs;
use crate::model::Severity;
use crate::setup::Request;

/// Look at a branch before its merge: which of the calls that it changed are wrong
///
/// Base and head are merged in memory, and the merge result is looked at; your repository and work tree
/// stay as they are. Without arguments: HEAD, with what is uncommitted, against the commit at which it left
/// the default branch.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  pybisect check
  pybisect check origin/main..feature -- python -m pytest -q tests/smoke
  pybisect check --format github --fail-on error

Exit status: 0 nothing at or above --fail-on, 10 findings, 2 usage, 130 interrupted")]
pub(crate) struct Args {
    /// BASE..HEAD (the merge of both), BASE...HEAD or BASE (from where they parted)
    #[arg(value_name = "WHAT")]
    pub(super) what: Option<String>,
    /// Output format
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(super) format: CheckFormat,
    #[command(flatten)]
    pub(super) output: OutputArgs,
    /// Exit with status 10 when a finding is at least this severe
    #[arg(long, value_enum, default_value_t, value_name = "SEVERITY")]
    pub(super) fail_on: FailOn,
    /// Type checker to use; ty is installed into pybisect's cache if it is missing
    #[arg(long, value_enum, default_value_t, value_name = "CHECKER")]
    pub(super) types: Types,
    /// Coverage data of the tests: coverage.py's JSON, Cobertura XML or lcov, of the merge result or the head
    #[arg(long, value_name = "FILE")]
    pub(super) coverage: Option<PathBuf>,
    /// Report changed calls that no test executes, as seen by tracing the smoke command or told by --coverage [default:
    /// warn with --coverage, else off]
    #[arg(long, value_enum, value_name = "WEIGHT")]
    pub(super) require_tested: Option<Weight>,
    /// Report changed calls in functions that answer requests (views, routes) whose failure nothing catches [default:
    /// off]
    #[arg(long, value_enum, value_name = "WEIGHT")]
    pub(super) require_guarded: Option<Weight>,
    /// Leave out findings that are in this baseline file
    #[arg(long, value_name = "FILE")]
    pub(super) baseline: Option<PathBuf>,
    /// Write the findings to a baseline file, and accept them
    #[arg(long, value_name = "FILE")]
    pub(super) write_baseline: Option<PathBuf>,
    /// File to lay over both trees, such as the smoke test (can be repeated)
    #[arg(long, value_name = "SRC[:DEST]")]
    pub(super) with_file: Vec<String>,
    /// Shell command to run before the command in each tree
    #[arg(long, value_name = "CMD")]
    pub(super) setup: Option<String>,
    /// Longest time for one run, such as 90s or 2m
    #[arg(long, value_name = "DUR")]
    pub(super) timeout: Option<String>,
    /// Trials at the same time [default: number of cores]
    #[arg(long, short, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=512))]
    pub(super) jobs: Option<u16>,
    /// Run the command even where its outcome is recorded
    #[arg(long)]
    pub(super) fresh: bool,
    /// Run no command, though one is configured
    #[arg(long, conflicts_with = "command")]
    pub(super) no_smoke: bool,
    /// Run the command on a cluster: slurm, or one of the Remote Execution API, grpc://HOST:PORT or grpcs://HOST:PORT; local
    /// for this machine
    #[arg(long, value_name = "URL|slurm|local")]
    pub(super) executor: Option<String>,
    /// Environments of the command; an interpreter is the type checker's too
    #[command(flatten)]
    pub(super) environment: EnvArgs,
    #[command(flatten)]
    pub(super) isolation: IsolationArgs,
    #[command(flatten)]
    pub(super) config: ConfigArgs,
    /// Repository [default: the current one]
    #[arg(long, value_name = "DIR")]
    pub(super) repo: Option<PathBuf>,
    /// Also show what was compared, and what was found to be fine
    #[arg(long, short)]
    pub(super) verbose: bool,
    #[arg(value_name = "MORE", hide = true)]
    pub(super) more: Vec<String>,
    /// The smoke command, after `--`
    #[arg(last = true, value_name = "COMMAND")]
    pub(super) command: Vec<OsString>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum FailOn {
    /// Errors
    #[default]
    Error,
    /// Warnings and errors
    Warning,
    /// Everything
    Note,
    /// Nothing
    Never,
}

impl FailOn {
    pub(super) const fn least(self) -> Option<Severity> {
        match self {
            Self::Error => Some(Severity::Error),
            Self::Warning => Some(Severity::Warning),
            Self::Note => Some(Severity::Note),
            Self::Never => None,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Weight {
    /// Not reported
    Off,
    /// A warning
    Warn,
    /// An error
    Error,
}

impl Weight {
    const fn asked(self) -> check::Weight {
        match self {
            Self::Off => check::Weight::Off,
            Self::Warn => check::Weight::Warn,
            Self::Error => check::Weight::Error,
        }
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Types {
    /// ty
    #[default]
    Ty,
    /// pyright
    Pyright,
    /// mypy
    Mypy,
    /// None
    Off,
}

impl Args {
    /// What is asked.
    pub(super) fn request(&self) -> CheckRequest {
        CheckRequest {
            what: self.what.clone(),
            types: match self.types {
                Types::Ty => Some(CheckerKind::Ty),
                Types::Pyright => Some(CheckerKind::Pyright),
                Types::Mypy => Some(CheckerKind::Mypy),
                Types::Off => None,
            },
            coverage: self.coverage.clone(),
            require_tested: self.require_tested.map(Weight::asked),
            require_guarded: self.require_guarded.map(Weight::asked),
            no_smoke: self.no_smoke,
            run: Request {
                repo: self.repo.clone(),
                jobs: self.jobs,
                fresh: self.fresh,
                with_file: self.with_file.clone(),
                setup: self.setup.clone(),
                timeout: self.timeout.clone(),
                executor: self.executor.clone(),
                environment: self.environment.options(),
                isolation: self.isolation.options(),
                no_config: self.config.no_config,
                command: self.command.clone(),
                ..Request::default()
            },
        }
    }

    /// Words after WHAT are a second side without its dots, or a command without its `--`.
    pub(super) fn refuse_more(&self) -> Result<(), Error> {
        let (Some(what), Some(first)) = (&self.what, self.more.first()) else { return Ok(()) };
        let error = Error::usage(format!("unexpected word '{first}' after '{what}'"));
        let command = shell_words::join(&self.more);
        Err(error
            .hinted(format!("two sides: pybisect check {what}..{first}"))
            .hinted(format!("a command: pybisect check {what} -- {command}")))
    }
}
