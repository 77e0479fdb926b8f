//! What a response goes by: options over configuration.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::args::Args;
use crate::cli::Error;
use crate::cli::commands::rollback;
use crate::cli::commands::rollback::watched::{WatchArgs, duration};
use crate::git::Repository;
use crate::model::{DowntimeBudget, InvalidBudget, StepId, StepKind};
use crate::respond::{Template, check_remote};
use crate::session::Secrets;
use crate::setup::Location;
use crate::setup::config;

/// What a response goes by. Everything in it was looked at: a slip in the last stage is told before the first step.
pub(super) struct Settings {
    /// Where the repository is.
    pub(super) place: PathBuf,
    /// Where commands run.
    pub(super) here: PathBuf,
    /// How the service is deployed and asked.
    pub(super) rollback: rollback::Args,
    pub(super) respond: config::Respond,
    /// What may happen without a person; `None` for a dry run.
    pub(super) auto: Option<BTreeSet<StepKind>>,
    /// The command that writes the log.
    pub(super) logs_command: Option<String>,
    /// Good revisions that the configuration names.
    pub(super) good: Vec<String>,
    /// Whether there is a command that tells good from bad.
    pub(super) searches: bool,
    pub(super) stages: Vec<Stage>,
    pub(super) limits: Limits,
    /// Downtime that is allowed.
    pub(super) sla: Option<DowntimeBudget>,
    pub(super) secrets: Secrets,
    pub(super) warnings: Vec<String>,
}

/// The downtime that the configuration allows.
fn budget(text: &str) -> Result<DowntimeBudget, Error> {
    text.parse().map_err(|error: InvalidBudget| Error::usage(format!("`sla` of respond: {error}")))
}

/// A stage of the rollout.
pub(super) struct Stage {
    pub(super) name: String,
    /// How it is deployed and asked; its service has a record of its own.
    pub(super) rollback: rollback::Args,
}

/// The longest time for a step.
pub(super) struct Limits {
    pub(super) command: Duration,
    pub(super) logs: Duration,
    pub(super) find: Duration,
    pub(super) fixes: Duration,
}

impl Settings {
    /// Read them.
    pub(super) fn new(args: &Args, repository: &Repository) -> Result<Self, Error> {
        let here = std::env::current_dir().map_err(Error::internal)?;
        let place = args.repo.clone().unwrap_or_else(|| here.clone());
        let location = Location::new(repository, &place);
        let loaded = config::load(&location.config(repository, None), args.config.no_config)?;
        let config::Loaded { config, warnings } = loaded;
        let respond = config.respond.clone().unwrap_or_default();
        let mut rollback = args.as_rollback().over(&config.rollback.clone().unwrap_or_default());
        let service = rollback::service_name(&rollback, repository);
        rollback.service = Some(service.clone());
        let stages = stages(&rollback, &respond.stages, &service);
        let limit = |name: &str, text: &Option<String>, seconds| duration(name, text.as_ref(), seconds);
        let limits = Limits {
            command: limit("limit", &rollback.limit, 120)?,
            logs: limit("limits.logs", &respond.limits.logs, 120)?,
            find: limit("limits.find", &respond.limits.find, 900)?,
            fixes: limit("limits.fixes", &respond.limits.fixes, 900)?,
        };
        let sla = respond.sla.as_deref().map(budget).transpose()?;
        let mut settings = Self {
            place,
            sla,
            auto: respond.auto.as_ref().map(|auto| auto.iter().copied().map(StepKind::from).collect()),
            logs_command: respond.logs_command.clone().or_else(|| config.logs_command.clone()),
            good: config.good.clone().unwrap_or_default(),
            searches: args.shell.is_some()
                || !args.command.is_empty()
                || config.command.as_ref().is_some_and(|command| !command.is_empty()),
            secrets: Secrets::of_user(),
            here,
            rollback,
            respond,
            stages,
            limits,
            warnings,
        };
        if settings.searches && repository.author().is_none() {
            settings.warnings.push(
                "git does not know your name, and a fix will not become a commit: git config --global user.name \
                 'Your Name'; git config --global user.email you@example.com"
                    .to_owned(),
            );
        }
        settings.check(repository).map_err(|error| settings.warnings.iter().fold(error, Error::hinted))?;
        Ok(settings)
    }

    /// Whether all of it can be used.
    fn check(&self, repository: &Repository) -> Result<(), Error> {
        if self.rollback.deploy.is_none() && !self.searches {
            return Err(Error::usage("there is nothing to respond with")
                .hinted("`deploy` and `health` under [tool.pybisect.rollback] for the way back")
                .hinted("`command` under [tool.pybisect], or a command after `--`, for the cause"));
        }
        let usable = |args: &rollback::Args| match &args.deploy {
            Some(_) => Ok(rollback::steps(args, &self.here)?.deploy.check(repository)?),
            None => Ok(()),
        };
        usable(&self.rollback)?;
        for stage in &self.stages {
            usable(&stage.rollback).map_err(|error: Error| {
                let told = Error::usage(format!("stage '{}': {error}", stage.name));
                error.hints().iter().fold(told, Error::hinted)
            })?;
        }
        if let Some(remote) = &self.respond.push {
            check_remote(remote, repository)?;
        }
        for text in [&self.respond.fallback, &self.respond.fallback_off].into_iter().flatten() {
            Template::parse(text).map_err(Error::usage_of)?;
        }
        if let Some(branch) = self.respond.branch.as_ref().filter(|name| !Repository::can_be_a_branch(name)) {
            return Err(Error::usage(format!("a branch cannot be called '{branch}'")));
        }
        if let Some(onto) = &self.respond.onto {
            repository.resolve(onto)?;
        }
        Ok(())
    }

    /// What the service is called.
    pub(super) fn service(&self) -> &str {
        self.rollback.service.as_deref().unwrap_or_default()
    }

    /// The steps, in order, each with what is done.
    pub(super) fn steps(&self, log: Option<&Path>) -> Vec<(StepId, String)> {
        let respond = &self.respond;
        let mut steps: Vec<(StepId, String)> = Vec::new();
        let mut add =
            |kind: StepKind, what: Option<String>| steps.extend(what.map(|what| (kind.into(), what)));
        let secret = |text: &String| self.secrets.hidden(text);
        let logs = log.map(|log| log.display().to_string()).or_else(|| self.logs_command.clone());
        let search = |what: &str| self.searches.then(|| what.to_owned());
        add(StepKind::Fallback, respond.fallback.as_ref().map(secret));
        add(StepKind::Rollback, self.rollback.deploy.as_ref().map(secret));
        let off = respond.fallback_off.as_ref().filter(|_| respond.fallback.is_some());
        add(StepKind::FallbackOff, off.map(secret));
        add(StepKind::Logs, logs.as_ref().map(secret));
        add(StepKind::Suspects, logs.as_ref().map(|_| "commits that the log points at".to_owned()));
        add(StepKind::Find, search("the commit that broke it, and the edit in it"));
        add(StepKind::Fixes, search("candidate fixes, all tested"));
        add(StepKind::Branch, search("the fix that passed, as a commit on a branch"));
        add(StepKind::Push, respond.push.as_ref().filter(|_| self.searches).map(|to| format!("to {to}")));
        let numbered = (1..).zip(&self.stages).filter(|_| self.searches);
        steps.extend(numbered.map(|(number, stage)| {
            let id = StepId { kind: StepKind::Rollout, stage: Some(number) };
            let deploy = stage.rollback.deploy.as_ref().map(secret).unwrap_or_default();
            (id, format!("{}: {deploy}", stage.name))
        }));
        steps.push((StepKind::Report.into(), "what was done, as a page and in Markdown".to_owned()));
        steps
    }
}

/// The stages: those that are configured, or one that is deployed as a rollback is.
fn stages(rollback: &rollback::Args, configured: &[config::Stage], service: &str) -> Vec<Stage> {
    if rollback.deploy.is_none() && configured.is_empty() {
        return Vec::new();
    }
    let one = [config::Stage::default()];
    let configured = if configured.is_empty() { &one } else { configured };
    let last = configured.len();
    let stage = |(number, stage): (usize, &config::Stage)| {
        let name = stage.name.clone().unwrap_or_else(|| format!("stage-{number}"));
        // What is deployed elsewhere is asked elsewhere.
        let is_elsewhere = stage.deploy.is_some();
        let or = |own: &Option<String>, other: &Option<String>| {
            own.clone().or_else(|| other.clone().filter(|_| !is_elsewhere))
        };
        let watched = &rollback.watched;
        let rollback = rollback::Args {
            deploy: or(&stage.deploy, &rollback.deploy),
            reload: or(&stage.reload, &rollback.reload),
            restart: or(&stage.restart, &rollback.restart),
            watched: WatchArgs {
                health: or(&stage.health, &watched.health),
                health_version: stage
                    .health_version
                    .clone()
                    .or_else(|| watched.health_version.clone())
                    .filter(|_| or(&stage.health, &watched.health).is_some()),
                health_window: stage.soak.clone().or_else(|| watched.health_window.clone()),
                ..watched.clone()
            },
            service: Some(if number == last { service.to_owned() } else { format!("{service}.{name}") }),
            ..rollback.clone()
        };
        Stage { name, rollback }
    };
    (1..).zip(configured).map(stage).collect()
}

/// The place of a file, whatever the folder of who reads it.
pub(super) fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
