//! `pybisect rollback`.

mod args;
mod candidates;
pub(super) mod watched;

use std::io::Write;
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};

use crate::cli::terminal::{stderr_style, stdout_style};
use crate::cli::{Error, ExitStatus, print};
use crate::git::{ChangeStatus, Repository};
use crate::model::{AnswerCount, CancelToken, DeployedVersion, RollbackOutcome, RollbackReport};
use crate::report::{RollbackText, lines};
use crate::respond::{Deploy, Rollback, Service, Steps, Template, is_migration, roll_back, worktrees};
use crate::session::{Secrets, SignalListener};
use crate::setup::{cache_dir, config};
use crate::store::Store;

pub(crate) use self::args::Args;
use self::candidates::{Candidates, Known};
pub(super) use self::candidates::{older, version_of};
use self::watched::duration;
use super::json_target::JsonTarget;
use crate::setup::Location;

/// Run it.
pub(crate) fn run(args: &Args) -> Result<ExitStatus, Error> {
    let mut json = args.result.target()?.as_deref().map(JsonTarget::open).transpose()?;
    let here = std::env::current_dir().map_err(Error::internal)?;
    let place = args.repo.clone().unwrap_or_else(|| here.clone());
    let repository = Repository::open(&place)?;
    let standing = Location::new(&repository, &place);
    let loaded = config::load(&standing.config(&repository, None), args.config.no_config)?;
    let args = &args.over(&loaded.config.rollback.unwrap_or_default());
    let steps = steps(args, &here).map_err(|error| loaded.warnings.iter().fold(error, Error::hinted))?;
    let cancel = CancelToken::new();
    let listener = SignalListener::new(&cancel).map_err(Error::internal)?;
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
) -> Result<Rolled, Error> {
    let Around { repository, here, cancel, secrets, .. } = around;
    steps.deploy.check(repository)?;
    let mut service = take_service(args, repository)?;
    let baseline = steps.health.as_ref().map(|health| health.baseline(cancel)).unwrap_or_default();
    let (deployed, by) = deployed(args, Some(&steps.deploy), repository, baseline.told.as_deref(), &service)?;
    let doubt = by.doubt().map(|doubt| format!(", {doubt}")).unwrap_or_default();
    said(&format!("{:<10} {}{doubt}", "deployed", deployed.name()));
    for AnswerCount { answer, count } in &baseline.answers {
        said(&format!("{:<10} {count} × {answer}", "before"));
    }
    let store = Store::open(&cache_dir::cache()?)?;
    let resumes = around.resumes.or_else(|| cut_short(args, &service, steps.health.is_some()));
    let known = Known { repository, store: &store, service: &service, resumes };
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
        resumes,
        cancel,
        hide: &|text| secrets.hidden(text),
        worktree: &worktree,
        migrations: &migrations,
    };
    let mut report = roll_back(rollback, &mut || candidates.next(), &mut |text| said(text))?;
    report.tested = candidates.tested();
    if let (RollbackOutcome::NoneGood, Some(doubt)) = (report.outcome, by.doubt()) {
        report.notes.push(format!(
            "{} is taken to be deployed, {doubt}; --deployed REV says otherwise",
            deployed.name()
        ));
    }
    if cancel.is_cancelled() && report.attempts.is_empty() {
        report.outcome = RollbackOutcome::Interrupted;
    }
    Ok(Rolled { report, command: candidates.command_text() })
}

/// When a deploy began that was cut short a short while ago: who asks for a rollback again means the same one, and not a
/// version before that.
fn cut_short(args: &Args, service: &Service, is_asked: bool) -> Option<Timestamp> {
    const MEANS_THE_SAME: SignedDuration = SignedDuration::from_hours(1);
    let begun = service.cut_short(is_asked).filter(|_| args.to.is_none() && !args.dry_run)?;
    (Timestamp::now().duration_since(begun) <= MEANS_THE_SAME).then_some(begun)
}

/// The service, with its lock.
pub(super) fn take_service(args: &Args, repository: &Repository) -> Result<Service, Error> {
    let name = service_name(args, repository);
    Service::take(&cache_dir::state()?.join("services"), &name).map_err(Error::usage_of)
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
) -> Result<PathBuf, Error> {
    let into = folder.join(version.commit.to_string());
    if !into.is_dir() {
        repository.export(version.commit, &into)?;
    }
    Ok(into)
}

/// What is done for each version.
pub(super) fn steps(args: &Args, here: &Path) -> Result<Steps, Error> {
    let Some(deploy) = &args.deploy else {
        return Err(Error::usage("how is a version deployed?")
            .hinted("--deploy './deploy.sh {commit}', or `deploy` under [tool.pybisect.rollback]"));
    };
    let template =
        |text: &Option<String>| text.as_deref().map(Template::parse).transpose().map_err(Error::usage_of);
    let deploy = Deploy::parse(deploy).map_err(|error| {
        Error::usage_of(error).hinted(
            "a command such as './deploy.sh {commit}', symlink:/srv/app/current:/srv/app/releases/{tag}, git:REMOTE/BRANCH, or git-revert:REMOTE/BRANCH",
        )
    })?;
    Ok(Steps {
        deploy,
        reload: template(&args.reload)?,
        restart: template(&args.restart)?,
        health: args.watched.health(here)?,
        terms: args.watched.terms()?,
        limit: duration("limit", args.limit.as_ref(), 120)?,
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

/// How it is known which version is deployed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DeployedBy {
    /// The user said so.
    User,
    /// The service tells it.
    Service,
    /// The branch leads to it that the service is deployed from.
    Branch,
    /// It was deployed last, as far as that is recorded here.
    Record,
    /// Nothing tells: it is taken to be what is checked out.
    Head,
}

impl DeployedBy {
    /// Why the version may be another one; `None` where it is known.
    const fn doubt(self) -> Option<&'static str> {
        match self {
            Self::User | Self::Service | Self::Branch => None,
            Self::Record => Some("as recorded by the last rollback from here: the service does not tell"),
            Self::Head => Some("by HEAD: the service does not tell"),
        }
    }
}

/// The version that is deployed now, and how that is known: what the user says, what the service tells, what the branch has
/// that it is deployed from, what was deployed last, or `HEAD`.
pub(super) fn deployed(
    args: &Args,
    deploy: Option<&Deploy>,
    repository: &Repository,
    told: Option<&str>,
    service: &Service,
) -> Result<(DeployedVersion, DeployedBy), Error> {
    if let Some(rev) = &args.deployed {
        return Ok((version_of(repository, rev)?, DeployedBy::User));
    }
    let is_here = |version: &DeployedVersion| repository.tree_of(version.commit).is_ok();
    let known_as = |told: &str| {
        let recorded = service.deployed_as(told).filter(|version| is_here(version)).cloned();
        recorded.or_else(|| {
            // Names such as HEAD and main are ours, not a service's.
            let revs = [told.to_owned(), format!("v{told}")];
            let mut known = revs.iter().filter_map(|rev| Some((rev, version_of(repository, rev).ok()?)));
            known.find(|(rev, version)| version.is_told_as(rev)).map(|(_, version)| version)
        })
    };
    if let Some(version) = told.and_then(known_as) {
        return Ok((version, DeployedBy::Service));
    }
    // A remote that does not answer is told of when it is deployed to.
    let tip = deploy.and_then(|deploy| deploy.branch_tip(repository).ok().flatten());
    if let Some(version) = tip.and_then(|tip| known_as(&tip.to_string())) {
        return Ok((version, DeployedBy::Branch));
    }
    match service.deployed().filter(|version| is_here(version)) {
        Some(version) => Ok((version.clone(), DeployedBy::Record)),
        None => Ok((version_of(repository, "HEAD")?, DeployedBy::Head)),
    }
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
fn tell(rolled: &Rolled, json: Option<&mut JsonTarget>) -> Result<ExitStatus, Error> {
    let Rolled { report, command } = rolled;
    let on_stdout = json.as_ref().is_some_and(|json| json.is_stdout());
    if let Some(json) = json {
        let mut text = serde_json::to_vec_pretty(report).map_err(Error::internal)?;
        text.push(b'\n');
        json.write(&text)?;
    }
    if !on_stdout {
        let view = RollbackText { style: stdout_style(), command: command.as_deref() };
        let mut text = Vec::new();
        view.render(report, &mut text).map_err(Error::internal)?;
        print::print_text(&text)?;
    }
    Ok(match report.outcome {
        RollbackOutcome::Healthy | RollbackOutcome::Deployed | RollbackOutcome::DryRun => ExitStatus::Success,
        RollbackOutcome::NoneGood => ExitStatus::Inconclusive,
        RollbackOutcome::Migrations | RollbackOutcome::Unhealthy => ExitStatus::Response,
        RollbackOutcome::Interrupted => ExitStatus::Interrupted,
    })
}
