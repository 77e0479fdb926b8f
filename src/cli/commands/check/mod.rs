//! `pybisect check`: a look at a branch before its merge.

mod breaking;
mod format;
mod merge_check;
mod output;
mod red_base;
mod smoke;
mod types;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::ValueEnum;

use crate::check::{
    Baseline, BaselineError, Coverage, MergeSides, TARGET_VARIABLES, find_repeated_changes, sort_findings,
    untested,
};
use crate::cli::terminal::stderr_style;
use crate::cli::{CliError, ExitStatus};
use crate::git::{Repository, disable_hash_verification};
use crate::model::{CancelToken, CheckReport, Severity};
use crate::session::SignalListener;

use self::format::CheckFormat;
use super::config_args::ConfigArgs;
use super::environment_args::EnvArgs;
use super::isolation_args::IsolationArgs;
use super::output::OutputArgs;
use crate::setup::{self, EnvironmentKind, EnvironmentOptions, Prepared, Request, Runs};

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
    what: Option<String>,
    /// The form of the output
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    format: CheckFormat,
    #[command(flatten)]
    output: OutputArgs,
    /// The least severity that makes the exit status 10
    #[arg(long, value_enum, default_value_t, value_name = "SEVERITY")]
    fail_on: FailOn,
    /// The type checker; ty is installed into pybisect's cache when it is not there
    #[arg(long, value_enum, default_value_t, value_name = "CHECKER")]
    types: Types,
    /// What the tests executed: coverage.py's JSON, Cobertura XML or lcov, of the merge result or the head
    #[arg(long, value_name = "FILE")]
    coverage: Option<PathBuf>,
    /// How much a changed call weighs that no test executes: the smoke command, which is watched, or the run
    /// that --coverage tells of [default: warn with --coverage, else off]
    #[arg(long, value_enum, value_name = "WEIGHT")]
    require_tested: Option<RequireTested>,
    /// Leave out the findings that are in this file
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// Write the findings to a baseline file, and accept them
    #[arg(long, value_name = "FILE")]
    write_baseline: Option<PathBuf>,
    /// File to lay over both trees, such as the smoke test (can be repeated)
    #[arg(long, value_name = "SRC[:DEST]")]
    with_file: Vec<String>,
    /// Shell command to run before the command in each tree
    #[arg(long, value_name = "CMD")]
    setup: Option<String>,
    /// Longest time for one run, such as 90s or 2m
    #[arg(long, value_name = "DUR")]
    timeout: Option<String>,
    /// Trials at the same time [default: number of cores]
    #[arg(long, short, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=512))]
    jobs: Option<u16>,
    /// Run no command, though one is configured
    #[arg(long, conflicts_with = "command")]
    no_smoke: bool,
    /// Run the command on a Remote Execution API cluster, grpc://HOST:PORT or grpcs://HOST:PORT; local for this machine
    #[arg(long, value_name = "URL|local")]
    executor: Option<String>,
    /// Environments of the command; an interpreter is the type checker's too
    #[command(flatten)]
    environment: EnvArgs,
    #[command(flatten)]
    isolation: IsolationArgs,
    #[command(flatten)]
    config: ConfigArgs,
    /// Repository [default: the one you stand in]
    #[arg(long, value_name = "DIR")]
    repo: Option<PathBuf>,
    /// Say also what was compared, and what kept quiet
    #[arg(long, short)]
    verbose: bool,
    #[arg(value_name = "MORE", hide = true)]
    more: Vec<String>,
    /// The smoke command, after `--`
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum FailOn {
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
    const fn least(self) -> Option<Severity> {
        match self {
            Self::Error => Some(Severity::Error),
            Self::Warning => Some(Severity::Warning),
            Self::Note => Some(Severity::Note),
            Self::Never => None,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum RequireTested {
    /// It is no finding
    Off,
    /// A warning
    Warn,
    /// An error
    Error,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Types {
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

/// Run it.
pub(crate) fn run(args: &Args) -> Result<ExitStatus, CliError> {
    disable_hash_verification();
    refuse_more(args)?;
    let coverage = args.coverage.as_deref().map(read_coverage).transpose()?;
    let baseline = args.baseline.as_deref().map(Baseline::read).transpose().map_err(wrong_baseline)?;
    if matches!(args.what.as_deref(), None | Some("HEAD")) && has_no_commit(args)? {
        super::say("no commit yet, and nothing to compare with");
        return Ok(ExitStatus::Success);
    }
    let sides = sides(args)?;
    // What is looked at does not decide how: the configuration is the base's.
    let prepared = setup::prepare(&Request { config_of: Some(sides.base.commit), ..request(args) })?;
    let style = stderr_style();
    for warning in &prepared.warnings {
        super::say(&format!("{} {warning}", style.bold(style.warn("warning:"))));
    }
    let cancel = CancelToken::new();
    let listener = SignalListener::new(&cancel).map_err(CliError::internal)?;
    let mut report = check(args, &prepared, &sides, coverage.as_ref(), &cancel)?;
    drop(listener);
    if cancel.is_cancelled() {
        return Ok(ExitStatus::Interrupted);
    }
    sort_findings(&mut report.findings);
    if let Some(file) = &args.write_baseline {
        let written = Baseline::of(&report.findings);
        written.write(file).map_err(wrong_baseline)?;
        accept(&mut report, &written);
    }
    if let Some(baseline) = &baseline {
        accept(&mut report, baseline);
    }
    output::write(args, &report)?;
    let fails = args
        .fail_on
        .least()
        .is_some_and(|least| report.findings.iter().any(|finding| finding.severity >= least));
    Ok(if fails { ExitStatus::Findings } else { ExitStatus::Success })
}

/// Words after WHAT are a second side without its dots, or a command without its `--`.
fn refuse_more(args: &Args) -> Result<(), CliError> {
    let (Some(what), Some(first)) = (&args.what, args.more.first()) else { return Ok(()) };
    let error = CliError::usage(format!("unexpected word '{first}' after '{what}'"));
    let command = shell_words::join(&args.more);
    Err(error
        .hinted(format!("two sides: pybisect check {what}..{first}"))
        .hinted(format!("a command: pybisect check {what} -- {command}")))
}

/// The first commit has to pass the hook that runs before it.
fn has_no_commit(args: &Args) -> Result<bool, CliError> {
    let here = std::env::current_dir().map_err(CliError::internal)?;
    Ok(Repository::open(args.repo.as_deref().unwrap_or(&here))?.has_no_commit())
}

fn sides(args: &Args) -> Result<MergeSides, CliError> {
    let here = std::env::current_dir().map_err(CliError::internal)?;
    let repository = Repository::open(args.repo.as_deref().unwrap_or(&here))?;
    let target =
        TARGET_VARIABLES.iter().find_map(|name| std::env::var(name).ok().filter(|name| !name.is_empty()));
    Ok(MergeSides::resolve(&repository, args.what.as_deref(), target.as_deref())?)
}

fn check(
    args: &Args,
    prepared: &Prepared,
    sides: &MergeSides,
    coverage: Option<&Coverage>,
    cancel: &CancelToken,
) -> Result<CheckReport, CliError> {
    let mut look = merge_check::MergeCheck::new(prepared, sides)?;
    if look.is_empty() {
        return Ok(look.report);
    }
    look.compare()?;
    look.types(args, cancel)?;
    let weight = match (args.require_tested, coverage) {
        (Some(RequireTested::Error), _) => Some(Severity::Error),
        (Some(RequireTested::Warn), _) | (None, Some(_)) => Some(Severity::Warning),
        (Some(RequireTested::Off), _) | (None, None) => None,
    };
    let watch = weight.is_some() && coverage.is_none();
    let runs = !args.no_smoke && !prepared.plan.recipe.command.is_empty();
    if watch && !runs {
        return Err(CliError::usage("--require-tested: there is no command to watch, and no coverage data")
            .hinted("a command after `--`, as in -- python -m pytest -q, or --coverage coverage.json"));
    }
    let watched = if runs { look.smoke(sides, watch, cancel)? } else { None };
    let past = find_repeated_changes(&prepared.repository, sides.ancestor, &look.calls)?;
    look.add(past);
    if let (Some(coverage), Some(severity)) = (coverage.or(watched.as_ref()), weight) {
        look.add(untested(coverage, severity, &look.calls));
    }
    look.ignore()?;
    Ok(look.report)
}

/// The check as a search that may come of it.
fn request(args: &Args) -> Request {
    // Where nothing runs, no environment has to be made.
    let environment = if args.no_smoke {
        EnvironmentOptions { env: Some(EnvironmentKind::Current), ..EnvironmentOptions::default() }
    } else {
        args.environment.options()
    };
    let head = args.what.as_deref().and_then(|what| what.rsplit_once("..")).map(|(_, head)| head.to_owned());
    Request {
        repo: args.repo.clone(),
        bad: head.filter(|head| !head.is_empty()),
        jobs: args.jobs,
        with_file: args.with_file.clone(),
        // What is uncommitted belongs to one side only.
        no_with_file: true,
        setup: args.setup.clone(),
        timeout: args.timeout.clone(),
        // The calls are narrowed on the merge result, which may be no commit at all.
        no_narrow: true,
        runs: if args.no_smoke { Runs::Nothing } else { Runs::IfConfigured },
        no_config: args.config.no_config,
        environment,
        executor: args.executor.clone(),
        isolation: args.isolation.options(),
        command: args.command.clone(),
        ..Request::default()
    }
}

fn read_coverage(file: &Path) -> Result<Coverage, CliError> {
    let wrong = |reason: String| CliError::usage(format!("cannot use {}: {reason}", file.display()));
    let text = std::fs::read(file).map_err(|error| wrong(error.to_string()))?;
    Coverage::read(&String::from_utf8_lossy(&text)).map_err(|error| {
        wrong(error.to_string()).hinted("coverage json, coverage xml or coverage lcov writes one")
    })
}

fn accept(report: &mut CheckReport, baseline: &Baseline) {
    let before = report.findings.len();
    report.findings.retain(|finding| !baseline.has(finding));
    report.in_baseline += before - report.findings.len();
}

fn wrong_baseline(error: BaselineError) -> CliError {
    let message = match std::error::Error::source(&error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    };
    CliError::usage(message).hinted("to make one: pybisect check --write-baseline FILE")
}
