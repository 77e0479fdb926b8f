//! `pybisect rollback`.

mod candidates;
pub(super) mod watched;

use crate::setup::Request;
use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::cli::terminal::{stderr_style, stdout_style};
use crate::cli::{CliError, ExitStatus};
use crate::git::{ChangeStatus, Repository};
use crate::model::{AnswerCount, CancelToken, DeployedVersion, RollbackOutcome, RollbackReport};
use crate::report::{RollbackText, lines};
use crate::respond::{Deploy, Rollback, Service, Steps, Template, is_migration, roll_back, worktrees};
use crate::session::{Secrets, SignalListener};
use crate::setup::{cache_dir, config};
use crate::store::Store;

pub(super) use self::candidates::older;
use self::candidates::{Candidates, Known};
use self::watched::{WatchArgs, duration};
use super::config_args::ConfigArgs;
use super::environment_args::EnvArgs;
use super::isolation_args::IsolationArgs;
use super::json_target::JsonTarget;
use crate::setup::Location;

/// The newest versions that are tested for being good.
const MOST_TESTED: usize = 64;

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
    /// symlink:LINK:RELEASE; or git:REMOTE/BRANCH
    #[arg(long, value_name = "CMD")]
    pub(crate) deploy: Option<String>,
    /// Command that has the service take the new code, after each deploy
    #[arg(long, value_name = "CMD")]
    pub(crate) reload: Option<String>,
    /// Command that starts the service anew, when it goes on with the old code
    #[arg(long, value_name = "CMD")]
    pub(crate) restart: Option<String>,
    #[command(flatten)]
    pub(crate) watched: WatchArgs,
    /// Version to go back to, without a test [default: the last one known to be good]
    #[arg(long, value_name = "REV")]
    pub(crate) to: Option<String>,
    /// Version that is deployed now [default: what the service says, else what was deployed last, else HEAD]
    #[arg(long, value_name = "REV")]
    pub(crate) deployed: Option<String>,
    /// Only tags like this are releases [default: all tags; without any, commits]
    #[arg(long, value_name = "GLOB")]
    pub(crate) releases: Option<String>,
    /// Name of what is deployed: one rollback at a time [default: the name of the repository's folder]
    #[arg(long, value_name = "NAME")]
    pub(crate) service: Option<String>,
    /// Versions to try before giving up [default: 3]
    #[arg(long, value_name = "N")]
    pub(crate) attempts: Option<usize>,
    /// Longest time for each of these commands, such as 90s or 5m [default: 120s]
    #[arg(long, value_name = "DUR")]
    pub(crate) limit: Option<String>,
    /// Go back over migrations of the database
    #[arg(long)]
    pub(crate) allow_migrations: bool,
    /// Say what would be done, and do nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Repository [default: the one you stand in]
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
    pub(crate) environment: EnvArgs,
    #[command(flatten)]
    pub(crate) isolation: IsolationArgs,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    /// Write the result as JSON to a file, or to standard output with -
    #[arg(long, value_name = "FILE|-")]
    pub(crate) json: Option<PathBuf>,
    /// Show the result only, not the progress
    #[arg(long, short)]
    pub(crate) quiet: bool,
    /// Test with this shell command instead of a program with arguments
    #[arg(long, value_name = "STRING", conflicts_with = "command")]
    pub(crate) shell: Option<String>,
    /// The command that passes on a good version, after `--`
    #[arg(last = true, value_name = "COMMAND")]
    pub(crate) command: Vec<OsString>,
}

/// Run it.
pub(crate) fn run(args: &Args) -> Result<ExitStatus, CliError> {
    let mut json = args.json.as_deref().map(JsonTarget::open).transpose()?;
    let here = std::env::current_dir().map_err(CliError::internal)?;
    let place = args.repo.clone().unwrap_or_else(|| here.clone());
    let repository = Repository::open(&place)?;
    let standing = Location::new(&repository, &place);
    let loaded = config::load(&standing.config(&repository, None), args.config.no_config)?;
    let args = &args.over(&loaded.config.rollback.unwrap_or_default());
    let steps = steps(args, &here).map_err(|error| loaded.warnings.iter().fold(error, CliError::hinted))?;
    let cancel = CancelToken::new();
    let listener = SignalListener::new(&cancel).map_err(CliError::internal)?;
    let secrets = Secrets::of_user();
    let around = Around { repository: &repository, here, resumes: None, cancel: &cancel, secrets: &secrets };
    let said = |text: &str| {
        if !args.quiet {
            drop(writeln!(anstream::stderr(), "{}", stderr_style().dim(lines(text))));
        }
    };
    let rolled = carry_out(args, &steps, &around, &said)?;
    drop(listener);
    tell(&rolled, json.as_mut())
}

/// What a rollback works with beside its options.
pub(super) struct Around<'a> {
    pub(super) repository: &'a Repository,
    /// Where commands run.
    pub(super) here: PathBuf,
    /// When the response began that was killed and is gone on with.
    pub(super) resumes: Option<Timestamp>,
    pub(super) cancel: &'a CancelToken,
    pub(super) secrets: &'a Secrets,
}

/// What came of a rollback.
pub(super) struct Rolled {
    pub(super) report: RollbackReport,
    /// The command that tells good from bad.
    command: Option<String>,
}

/// Roll back, or say what would be done. `said` hears of each step.
pub(super) fn carry_out(
    args: &Args,
    steps: &Steps,
    around: &Around<'_>,
    said: &dyn Fn(&str),
) -> Result<Rolled, CliError> {
    let Around { repository, here, cancel, secrets, .. } = around;
    let mut service = take_service(args, repository)?;
    let baseline = steps.health.as_ref().map(|health| health.baseline(cancel)).unwrap_or_default();
    let deployed = deployed(args, repository, baseline.told.as_deref(), &service)?;
    said(&format!("{:<10} {}", "deployed", deployed.name()));
    for AnswerCount { answer, count } in &baseline.answers {
        said(&format!("{:<10} {count} × {answer}", "before"));
    }
    let store = Store::open(&cache_dir::cache()?)?;
    let known = Known { repository, store: &store, service: &service, resumes: around.resumes };
    let mut candidates = Candidates::new(args, &known, &deployed, (cancel, said))?;
    let folder = worktrees(&service);
    let worktree = |version: &DeployedVersion| exported(repository, &folder, version);
    let bad_tree = repository.tree_of(deployed.commit)?;
    let migrations = |version: &DeployedVersion| Ok(migrations(repository, version, bad_tree)?);
    let rollback = Rollback {
        steps,
        service: &mut service,
        repository,
        folder: here.clone(),
        deployed: deployed.clone(),
        baseline: baseline.answers,
        attempts: args.attempts.unwrap_or(3).max(1),
        allow_migrations: args.allow_migrations,
        dry_run: args.dry_run,
        resumes: around.resumes.is_some(),
        cancel,
        hide: &|text| secrets.hidden(text),
        worktree: &worktree,
        migrations: &migrations,
    };
    let mut report = roll_back(rollback, &mut || candidates.next(), &mut |text| said(text))?;
    report.tested = candidates.tested();
    if cancel.is_cancelled() && report.attempts.is_empty() {
        report.outcome = RollbackOutcome::Interrupted;
    }
    Ok(Rolled { report, command: candidates.command_text() })
}

/// The service, with its lock.
pub(super) fn take_service(args: &Args, repository: &Repository) -> Result<Service, CliError> {
    let name = service_name(args, repository);
    Service::take(&cache_dir::state()?.join("services"), &name).map_err(CliError::usage_of)
}

/// What the service is called.
pub(super) fn service_name(args: &Args, repository: &Repository) -> String {
    args.service.clone().unwrap_or_else(|| default_name(repository))
}

/// The files of a version in a folder of their own.
pub(super) fn exported(
    repository: &Repository,
    folder: &Path,
    version: &DeployedVersion,
) -> Result<PathBuf, CliError> {
    let into = folder.join(version.commit.to_string());
    if !into.is_dir() {
        repository.export(version.commit, &into)?;
    }
    Ok(into)
}

/// What is done for each version.
pub(super) fn steps(args: &Args, here: &Path) -> Result<Steps, CliError> {
    let Some(deploy) = &args.deploy else {
        return Err(CliError::usage("how is a version deployed?")
            .hinted("--deploy './deploy.sh {commit}', or `deploy` under [tool.pybisect.rollback]"));
    };
    let template =
        |text: &Option<String>| text.as_deref().map(Template::parse).transpose().map_err(CliError::usage_of);
    let deploy = Deploy::parse(deploy).map_err(|error| {
        CliError::usage_of(error).hinted(
            "a command such as './deploy.sh {commit}', symlink:/srv/app/current:/srv/app/releases/{tag}, or git:REMOTE/BRANCH",
        )
    })?;
    Ok(Steps {
        deploy,
        reload: template(&args.reload)?,
        restart: template(&args.restart)?,
        health: args.watched.health(here)?,
        terms: args.watched.terms()?,
        limit: duration(args.limit.as_ref(), 120)?,
    })
}

/// The name of the folder that the repository lies in, as far as it can be one.
fn default_name(repository: &Repository) -> String {
    let folder = repository.workdir().unwrap_or_else(|| repository.folder());
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let name: String = name.chars().filter(|c| c.is_ascii_alphanumeric() || "._-".contains(*c)).collect();
    let name = name.trim_start_matches('.').to_owned();
    if name.is_empty() { "app".to_owned() } else { name }
}

/// The version that is deployed now: what the user says, what the service tells, what was deployed last, or `HEAD`.
pub(super) fn deployed(
    args: &Args,
    repository: &Repository,
    told: Option<&str>,
    service: &Service,
) -> Result<DeployedVersion, CliError> {
    if let Some(rev) = &args.deployed {
        return version_of(repository, rev);
    }
    for rev in told.into_iter().flat_map(|told| [told.to_owned(), format!("v{told}")]) {
        // Names such as HEAD and main are ours, not a service's.
        let version = version_of(repository, &rev).ok().filter(|version| version.is_told_as(&rev));
        if let Some(version) = version {
            return Ok(version);
        }
    }
    match service.deployed() {
        Some(version) if repository.tree_of(version.commit).is_ok() => Ok(version.clone()),
        _ => version_of(repository, "HEAD"),
    }
}

/// The version that a name leads to.
pub(super) fn version_of(repository: &Repository, rev: &str) -> Result<DeployedVersion, CliError> {
    let info = repository.resolve(rev)?;
    let tag = repository.tags_at(info.id)?.into_iter().next();
    Ok(DeployedVersion { commit: info.id, tag, subject: info.subject })
}

/// Migrations that the deployed version has and an older one has not.
fn migrations(
    repository: &Repository,
    version: &DeployedVersion,
    deployed: crate::model::TreeId,
) -> Result<Vec<String>, crate::git::GitError> {
    let older = repository.tree_of(version.commit)?;
    let mut found = Vec::new();
    for change in repository.changed_files(Some(older), deployed)? {
        let Some(blob) = change.new.filter(|_| change.status == ChangeStatus::Added) else { continue };
        if is_migration(&change.path, &repository.blob(blob)?) {
            found.push(change.path.to_string_lossy().into_owned());
        }
    }
    Ok(found)
}

/// Show what came of it.
fn tell(rolled: &Rolled, json: Option<&mut JsonTarget>) -> Result<ExitStatus, CliError> {
    let Rolled { report, command } = rolled;
    let on_stdout = json.as_ref().is_some_and(|json| json.is_stdout());
    if let Some(json) = json {
        let mut text = serde_json::to_vec_pretty(report).map_err(CliError::internal)?;
        text.push(b'\n');
        json.write(&text)?;
    }
    if !on_stdout {
        let view = RollbackText { style: stdout_style(), command: command.as_deref() };
        let mut text = Vec::new();
        view.render(report, &mut text).map_err(CliError::internal)?;
        super::print_text(&text)?;
    }
    Ok(match report.outcome {
        RollbackOutcome::Healthy | RollbackOutcome::Deployed | RollbackOutcome::DryRun => ExitStatus::Success,
        RollbackOutcome::NoneGood => ExitStatus::Inconclusive,
        RollbackOutcome::Migrations | RollbackOutcome::Unhealthy => ExitStatus::Response,
        RollbackOutcome::Interrupted => ExitStatus::Interrupted,
    })
}

impl Args {
    /// Flags over configuration.
    pub(super) fn over(&self, config: &config::Rollback) -> Self {
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
    pub(super) fn as_search(&self, deployed: &DeployedVersion) -> Request {
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
