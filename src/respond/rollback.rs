//! Back to an older version, and a look whether it took.

use std::fs::File;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::deploy::{Began, Deploy, DeployError, Surroundings, command, last_lines};
use super::health::Health;
use super::record::{Happened, RecordError, Service};
use super::template::Template;
use super::watch::{Standing, Terms, Watch};
use crate::git::Repository;
use crate::model::kept_output::ending_words;
use crate::model::rollback::ROLLBACK_SCHEMA;
use crate::model::{
    Action, AnswerCount, Attempt, CancelToken, DeployedVersion, Grounds, HealthReport, RollbackOutcome,
    RollbackReport, Termination,
};

use crate::process::Acting;

/// Versions whose files are kept, the last that were deployed.
const KEPT_WORKTREES: usize = 5;

/// The folder of the files of versions, each in a folder of its own.
#[must_use]
pub fn worktrees(service: &Service) -> PathBuf {
    service.folder().join("versions")
}

/// What is done for each version.
#[derive(Debug)]
pub struct Steps {
    /// How the version is deployed.
    pub deploy: Deploy,
    /// What is run after that, so that the new code is taken.
    pub reload: Option<Template>,
    /// What is run when the new code was not taken.
    pub restart: Option<Template>,
    /// How the service is asked what it is; `None` when it is not.
    pub health: Option<Health>,
    /// When the version's answers are believed.
    pub terms: Terms,
    /// The longest time for one command.
    pub limit: Duration,
}

/// Runs a command for a version, whose output goes to a file; how it ended, and how long it took.
type Run<'a> = &'a dyn Fn(
    File,
    &Surroundings<'_>,
    &DeployedVersion,
    Began<'_>,
) -> Result<(Termination, Duration), DeployError>;

/// A version to roll back to, and why it is taken to be good.
pub type NextVersion = Option<(DeployedVersion, Grounds)>;

/// What a rollback needs.
pub struct Rollback<'a, E> {
    /// What is done.
    pub steps: &'a Steps,
    /// The service, with its lock.
    pub service: &'a mut Service,
    /// Where versions come from.
    pub repository: &'a Repository,
    /// Where commands run.
    pub folder: PathBuf,
    /// The version that is deployed.
    pub deployed: DeployedVersion,
    /// What answers before anything is done.
    pub baseline: Vec<AnswerCount>,
    /// Versions that are tried before it gives up.
    pub attempts: usize,
    /// Whether migrations between the versions do not matter.
    pub allow_migrations: bool,
    /// Whether the rollback only says what would be done.
    pub dry_run: bool,
    /// Since when one was at work that was killed, where this goes on with it: what was done by then is not done again, and
    /// what answers is looked at before a version is deployed anew.
    pub resumes: Option<Timestamp>,
    /// How the user stops it.
    pub cancel: &'a CancelToken,
    /// Takes secrets out of what is shown and kept.
    pub hide: &'a dyn Fn(&str) -> String,
    /// Puts the files of a version into a folder.
    pub worktree: &'a dyn Fn(&DeployedVersion) -> Result<PathBuf, E>,
    /// The names of migrations that lie between a version and the deployed one.
    pub migrations: &'a dyn Fn(&DeployedVersion) -> Result<Vec<String>, E>,
}

/// Ask what answers now, deploy one good version after the other until one is healthy, and say what came of it. `next`
/// gives the good versions, the newest first; `said` hears of each step.
///
/// # Errors
/// When the record cannot be written, or a version cannot even be tried.
pub fn roll_back<E: From<RecordError> + From<DeployError>>(
    mut rollback: Rollback<'_, E>,
    next: &mut dyn FnMut() -> Result<NextVersion, E>,
    said: &mut dyn FnMut(&str),
) -> Result<RollbackReport, E> {
    let started = Instant::now();
    let mut report = RollbackReport {
        schema: ROLLBACK_SCHEMA.to_owned(),
        service: rollback.service.name().to_owned(),
        deployed: Some(rollback.deployed.clone()),
        baseline: rollback.baseline.clone(),
        ..RollbackReport::default()
    };
    if let Some(entry) = rollback.service.unfinished()
        && let Happened::Begun { action, version, .. } = &entry.happened
    {
        let note =
            format!("a {action} of {} was begun at {} and its end is not known", version.name(), entry.at);
        said(&note);
        report.notes.push(note);
        // Never two at once.
        if let Some(left) = rollback.service.left_running().filter(Acting::runs)
            && !rollback.dry_run
        {
            said(&format!("waits for it to end: process {}", left.process));
            left.wait(rollback.steps.limit, rollback.cancel);
        }
    }
    while report.attempts.len() < rollback.attempts {
        if rollback.cancel.is_cancelled() {
            report.outcome = RollbackOutcome::Interrupted;
            break;
        }
        let Some((version, grounds)) = next()? else { break };
        report.migrations = (rollback.migrations)(&version)?;
        if !report.migrations.is_empty() && !rollback.allow_migrations {
            report.outcome = RollbackOutcome::Migrations;
            report.attempts.push(Attempt { version, grounds, actions: Vec::new(), health: Vec::new() });
            break;
        }
        let attempt = rollback.attempt(version, grounds, started, &mut report, said)?;
        // What is not there will not be there for another version.
        let last = attempt.actions.last().and_then(|action| action.ending.as_ref());
        let is_missing =
            matches!(last, Some(Termination::NotStarted { .. } | Termination::Exited { code: 126 | 127 }));
        report.attempts.push(attempt);
        match report.outcome {
            _ if is_missing => break,
            RollbackOutcome::NoneGood | RollbackOutcome::Unhealthy => {}
            _ => break,
        }
    }
    if !rollback.dry_run {
        rollback.remove_old_worktrees();
    }
    report.seconds = started.elapsed().as_secs_f64();
    Ok(report)
}

impl<E: From<RecordError> + From<DeployError>> Rollback<'_, E> {
    /// Deploy a version and watch what answers.
    fn attempt(
        &mut self,
        version: DeployedVersion,
        grounds: Grounds,
        started: Instant,
        report: &mut RollbackReport,
        said: &mut dyn FnMut(&str),
    ) -> Result<Attempt, E> {
        let steps = self.steps;
        let wants = |template: &Option<Template>| template.as_ref().is_some_and(Template::wants_worktree);
        let worktree = (steps.deploy.wants_worktree() || wants(&steps.reload) || wants(&steps.restart))
            .then(|| (self.worktree)(&version))
            .transpose()?;
        let worktree = worktree.as_deref();
        let mut attempt = Attempt { version, grounds, actions: Vec::new(), health: Vec::new() };
        // Before anything is touched, it is known that all of it can be run.
        let shown = steps.deploy.shown(&attempt.version, worktree)?;
        let mut later = Vec::new();
        for (kind, template) in [("reload", &steps.reload), ("restart", &steps.restart)] {
            if let Some(template) = template {
                let command = template.shown(&attempt.version, worktree).map_err(DeployError::from)?;
                later.push((kind, template, command));
            }
        }
        if self.dry_run {
            let commands = std::iter::once(("deploy", shown))
                .chain(later.into_iter().map(|(kind, _, shown)| (kind, shown)));
            attempt.actions = commands.map(|(kind, command)| planned(kind, (self.hide)(&command))).collect();
            report.outcome = RollbackOutcome::DryRun;
            return Ok(attempt);
        }
        attempt.version = steps.deploy.prepared(&attempt.version, self.repository)?;
        let (done, mut standing) = self.found(&mut attempt, started, report, said)?;
        if !matches!(standing, Some(Standing::Healthy | Standing::Open)) {
            let is_done = |kind: &str| done.iter().any(|known| known == kind);
            let deploy = |output, around: &Surroundings<'_>, version: &DeployedVersion, began: Began<'_>| {
                steps.deploy.carry_out(version, worktree, output, around, began)
            };
            let mut went_well =
                is_done("deploy") || self.act("deploy", shown, &mut attempt, said, &deploy)?;
            let after = |kind: &str| later.iter().find(|(of, ..)| *of == kind && !is_done(kind));
            let command_of = |template| {
                move |output, around: &Surroundings<'_>, version: &DeployedVersion, began: Began<'_>| {
                    command(template, version, worktree, output, around, began)
                }
            };
            let mut restart = after("restart");
            if went_well && let Some((kind, template, shown)) = after("reload") {
                went_well = self.act(kind, shown.clone(), &mut attempt, said, &command_of(template))?;
                // A service that is down has nothing to reload.
                if !went_well && let Some((kind, template, shown)) = restart.take() {
                    went_well = self.act(kind, shown.clone(), &mut attempt, said, &command_of(template))?;
                }
            }
            if !went_well {
                report.outcome = RollbackOutcome::Unhealthy;
                let last = attempt.actions.last().map(|action| action.kind.clone()).unwrap_or_default();
                self.note_unhealthy(&attempt.version, format!("the {last} failed"))?;
                return Ok(attempt);
            }
            let Some(health) = &steps.health else {
                report.outcome = RollbackOutcome::Deployed;
                return Ok(attempt);
            };
            let seen = match standing {
                Some(seen) if is_done("deploy") => seen,
                _ => self.watch(health, &mut attempt, started, report, said),
            };
            // Never a second reload: while one runs it is dropped, or takes both versions into service.
            standing = if seen == Standing::Unchanged
                && let Some((kind, template, shown)) = restart
                && self.act(kind, shown.clone(), &mut attempt, said, &command_of(template))?
            {
                Some(self.watch(health, &mut attempt, started, report, said))
            } else {
                Some(seen)
            };
        }
        report.outcome = self.conclude(&attempt, standing.unwrap_or(Standing::Open))?;
        Ok(attempt)
    }

    /// What one that was killed has left to do: the actions that are done, and how the service stands where it was watched.
    ///
    /// Whose end nobody saw is watched as after it, where the service tells its version: it may take it only now, and a
    /// second deploy or reload meanwhile would be one too many.
    fn found(
        &mut self,
        attempt: &mut Attempt,
        started: Instant,
        report: &mut RollbackReport,
        said: &mut dyn FnMut(&str),
    ) -> Result<(Vec<String>, Option<Standing>), E> {
        let Some(since) = self.resumes else { return Ok((Vec::new(), None)) };
        let reached = self.service.reached(attempt.version.commit, since).unwrap_or_default();
        let name = attempt.version.name();
        let Some(health) = &self.steps.health else { return Ok((reached.surely_done(), None)) };
        let baseline = health.baseline(self.cancel);
        let is_there = baseline.told.is_some()
            && baseline.answers.iter().all(|answer| attempt.version.is_told_as(&answer.answer));
        if is_there {
            said(&format!("{:<10} {name} answers already", "deployed"));
        } else if baseline.told.is_some() && reached.is_cut_short {
            said(&format!("{:<10} {name} was being deployed: whether it took is watched", "deployed"));
        } else {
            return Ok((reached.surely_done(), None));
        }
        let standing = self.watch(health, attempt, started, report, said);
        if standing == Standing::Healthy
            && let Some(entry) = self.service.unfinished()
            && let Happened::Begun { action, version, .. } = &entry.happened
        {
            let (action, version) = (action.clone(), version.clone());
            let ending = "not known; its version answers".to_owned();
            self.service.note(Happened::Ended { action, version, ending, succeeded: true })?;
        }
        Ok((reached.surely_done(), Some(standing)))
    }

    /// Remove the files of versions that were deployed long ago. Those of the last few stay: a link may lead there.
    fn remove_old_worktrees(&self) {
        let kept: Vec<String> =
            self.service.deployed_ever().iter().take(KEPT_WORKTREES).map(ToString::to_string).collect();
        let entries = std::fs::read_dir(worktrees(self.service)).into_iter().flatten().flatten();
        for entry in entries.filter(|entry| !kept.iter().any(|kept| entry.file_name() == **kept)) {
            // One that cannot be removed stays until the next time.
            drop(std::fs::remove_dir_all(entry.path()));
        }
    }

    /// Write down what was seen of a version.
    fn conclude(&mut self, attempt: &Attempt, standing: Standing) -> Result<RollbackOutcome, E> {
        match standing {
            Standing::Healthy => {
                self.service.note(Happened::Healthy { version: attempt.version.clone() })?;
                Ok(RollbackOutcome::Healthy)
            }
            Standing::Open => Ok(RollbackOutcome::Interrupted),
            Standing::Unchanged | Standing::Unhealthy => {
                let why = attempt.health.last().and_then(|health| health.why.clone()).unwrap_or_default();
                self.note_unhealthy(&attempt.version, why)?;
                Ok(RollbackOutcome::Unhealthy)
            }
        }
    }

    fn note_unhealthy(&mut self, version: &DeployedVersion, why: String) -> Result<(), RecordError> {
        self.service.note(Happened::Unhealthy { version: version.clone(), why })
    }

    /// Run a command, written down before and after. Whether it went well.
    fn act(
        &mut self,
        kind: &str,
        shown: String,
        attempt: &mut Attempt,
        said: &mut dyn FnMut(&str),
        run: Run<'_>,
    ) -> Result<bool, E> {
        let version = attempt.version.clone();
        let shown = (self.hide)(&shown);
        said(&format!("{kind:<10} {}: {shown}", version.name()));
        let path = self.service.folder().join(format!("{kind}.log"));
        let system = |error| DeployError::System { what: format!("write {}", path.display()), error };
        let mut output =
            File::options().read(true).write(true).create(true).truncate(true).open(&path).map_err(system)?;
        let action = kind.to_owned();
        self.service.note(Happened::Begun { action, version: version.clone(), command: shown.clone() })?;
        let around = Surroundings {
            repository: self.repository,
            folder: &self.folder,
            limit: self.steps.limit,
            cancel: self.cancel,
        };
        let service = &mut *self.service;
        let mut began = |acting| {
            let runs = Happened::Runs { action: kind.to_owned(), acting };
            service.note(runs).map_err(std::io::Error::other)
        };
        let ended = run(output.try_clone().map_err(system)?, &around, &version, &mut began);
        let (ending, succeeded) = match &ended {
            Ok((ending, _)) => (ending_words(ending), *ending == Termination::Exited { code: 0 }),
            Err(error) => (error.to_string(), false),
        };
        let action = kind.to_owned();
        self.service.note(Happened::Ended { action, version, ending: ending.clone(), succeeded })?;
        let (ended, took) = ended?;
        let action = Action {
            kind: kind.to_owned(),
            command: shown,
            ending: Some(ended),
            seconds: took.as_secs_f64(),
            output: (self.hide)(&last_lines(&mut output)),
        };
        let went_well = action.succeeded();
        if !went_well {
            said(&format!("{:<10} the {kind}: {ending}", "failed"));
        }
        attempt.actions.push(action);
        Ok(went_well)
    }

    /// Ask until it is known how the service stands; still open when the user stopped it.
    fn watch(
        &self,
        health: &Health,
        attempt: &mut Attempt,
        started: Instant,
        report: &mut RollbackReport,
        said: &mut dyn FnMut(&str),
    ) -> Standing {
        let terms = &self.steps.terms;
        let between = terms.window / terms.count.max(1);
        let mut watch = Watch::new(terms, &attempt.version, &self.baseline);
        let began = Instant::now();
        let mut standing = Standing::Open;
        let mut last = None;
        while standing == Standing::Open && !self.cancel.is_cancelled() {
            let asked = Instant::now();
            let answer = health.ask(self.cancel);
            let at = began.elapsed();
            standing = watch.see(at, &answer);
            if watch.first == Some(at) {
                report.serving_after_seconds = Some(started.elapsed().as_secs_f64());
            }
            if last.as_ref() != Some(&answer) {
                said(&format!("answers    {}", answer.phrase()));
                last = Some(answer);
            }
            if standing == Standing::Open {
                std::thread::sleep(between.saturating_sub(asked.elapsed()));
            }
        }
        let outcome: HealthReport = watch.report(began.elapsed(), standing);
        if !outcome.healthy {
            report.serving_after_seconds = None;
        }
        if let Some(why) = &outcome.why {
            said(&format!("{:<10} {why}", "unhealthy"));
        }
        attempt.health.push(outcome);
        standing
    }
}

fn planned(kind: &str, command: String) -> Action {
    Action { kind: kind.to_owned(), command, ending: None, seconds: 0.0, output: String::new() }
}

impl<E> std::fmt::Debug for Rollback<'_, E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rollback").field("service", &self.service.name()).finish_non_exhaustive()
    }
}
