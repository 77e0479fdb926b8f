//! Which incident is worked on: a new one, or one that is open.

use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};

use super::settings::Settings;
use super::{Args, absolute};
use crate::cli::CliError;
use crate::cli::commands::rollback::{self, Around};
use crate::git::Repository;
use crate::model::incident::INCIDENT_SCHEMA;
use crate::model::{
    Alarm, CancelToken, Incident, IncidentEvent, IncidentEventKind, IncidentOutcome, StepId, StepKind,
    StepResult, StepState,
};
use crate::respond::{Desk, IncidentLock, Incidents, Journal, RecordError};

/// An alarm joins an incident to which something was added within this time.
const JOINS: SignedDuration = SignedDuration::from_hours(1);

/// The log that was named, in the incident's folder.
pub(super) const GIVEN_LOG: &str = "given.log";

/// An incident to work on, or what was done instead.
pub(super) enum At {
    /// It was told to the one who is at work.
    Told(String),
    /// Nobody else is.
    Desk(Box<Opened>),
}

/// An incident that is worked on.
pub(super) struct Opened {
    pub(super) journal: Journal,
    pub(super) lock: IncidentLock,
    /// The log that was named.
    pub(super) log: Option<PathBuf>,
}

/// The incident that is asked for.
pub(super) fn at(args: &Args, settings: &Settings, incidents: &Incidents) -> Result<At, CliError> {
    let open = incidents.latest()?.filter(|journal| journal.incident().outcome.is_none());
    let lock = match incidents.lock() {
        Ok(lock) => lock,
        Err(error @ RecordError::Locked { .. }) => return told(args, open, error),
        Err(error) => return Err(error.into()),
    };
    if args.resume || !args.approve.is_empty() {
        let Some(mut journal) = open else {
            return Err(CliError::usage(format!(
                "no response to an incident of '{}' is open",
                incidents.service()
            ))
            .hinted("begin one: pybisect respond --alarm TEXT"));
        };
        approve(args, &mut journal)?;
        journal.note(IncidentEventKind::Resumed)?;
        return Ok(At::Desk(Box::new(Opened { journal, lock, log: None })));
    }
    let log = args.log.as_deref().map(absolute_or_stdin);
    if let Some(mut journal) = open {
        if !args.new && joins(&journal) {
            journal.note(IncidentEventKind::Alarmed { alarm: alarm(args, settings) })?;
            journal.note(IncidentEventKind::Resumed)?;
            return Ok(At::Desk(Box::new(Opened { journal, lock, log: None })));
        }
        journal.note(IncidentEventKind::Closed { outcome: IncidentOutcome::Superseded })?;
    }
    let mut journal = incidents.open(|id| opened(settings, id, log.as_deref()))?;
    journal.note(IncidentEventKind::Alarmed { alarm: alarm(args, settings) })?;
    Ok(At::Desk(Box::new(Opened { journal, lock, log })))
}

fn absolute_or_stdin(log: &Path) -> PathBuf {
    if log == Path::new("-") { log.to_owned() } else { absolute(log) }
}

/// Whether another alarm is one of the same incident: work on it was cut short, or was not long ago.
fn joins(journal: &Journal) -> bool {
    let is_cut_short = journal.incident().steps.iter().any(|step| step.state == StepState::Running);
    let is_recent = journal.latest().is_some_and(|latest| Timestamp::now().duration_since(latest) <= JOINS);
    is_cut_short || is_recent
}

/// Somebody is at work: they hear of it.
fn told(args: &Args, open: Option<Journal>, error: RecordError) -> Result<At, CliError> {
    let Some(mut journal) = open else { return Err(error.into()) };
    if !args.approve.is_empty() {
        approve(args, &mut journal)?;
        return Ok(At::Told(format!("leave given for {}; {error}", args.approve.join(", "))));
    }
    if args.alarm.is_none() || args.new {
        return Err(error.into());
    }
    let title = args.alarm.clone().unwrap_or_default();
    journal.note(IncidentEventKind::Alarmed { alarm: told_now(title) })?;
    Ok(At::Told(format!("the alarm joins incident {}; {error}", journal.incident().id)))
}

/// Note the leave that was given.
fn approve(args: &Args, journal: &mut Journal) -> Result<(), CliError> {
    for word in &args.approve {
        let incident = journal.incident();
        let steps: Vec<StepId> = incident
            .steps
            .iter()
            .filter(|step| step.id.kind.word() == word || step.id.to_string() == *word)
            .filter(|step| step.id.kind.acts())
            .map(|step| step.id)
            .collect();
        if steps.is_empty() {
            let known: Vec<&str> = StepKind::ALL
                .into_iter()
                .filter(|kind| kind.acts() && incident.steps.iter().any(|step| step.id.kind == *kind))
                .map(StepKind::word)
                .collect();
            return Err(CliError::usage(format!("no step '{word}' waits for leave"))
                .hinted(format!("the steps that do: {}", known.join(", "))));
        }
        let is_over = |id: &StepId| incident.step(*id).is_some_and(|step| step.state.is_over());
        if steps.iter().all(is_over) {
            let state = incident.step(steps[0]).map(|step| step.state.word()).unwrap_or_default();
            return Err(CliError::usage(format!("{word} is {state} already")));
        }
        for step in steps.into_iter().filter(|id| !is_over(id)).collect::<Vec<_>>() {
            journal.note(IncidentEventKind::Approved { step })?;
        }
    }
    Ok(())
}

fn opened(settings: &Settings, id: String, log: Option<&Path>) -> IncidentEventKind {
    IncidentEventKind::Opened {
        schema: INCIDENT_SCHEMA.to_owned(),
        id,
        service: settings.service().to_owned(),
        repository: absolute(&settings.place).display().to_string(),
        began: None,
        steps: settings.steps(log),
    }
}

fn alarm(args: &Args, settings: &Settings) -> Alarm {
    let title = args.alarm.clone().unwrap_or_else(|| "begun by hand".to_owned());
    told_now(settings.secrets.hidden(&title))
}

fn told_now(title: String) -> Alarm {
    Alarm { at: Timestamp::now(), source: "command".to_owned(), title, firing: true, key: None }
}

/// Keep the log that was named: who goes on has it too.
pub(super) fn keep_log(log: Option<&Path>, folder: &Path) -> Result<(), CliError> {
    let Some(log) = log else { return Ok(()) };
    let kept = folder.join(GIVEN_LOG);
    let result = if log == Path::new("-") {
        std::fs::File::create(&kept)
            .and_then(|mut file| std::io::copy(&mut std::io::stdin().lock(), &mut file))
    } else {
        std::fs::copy(log, &kept)
    };
    result.map(drop).map_err(|error| CliError::usage(format!("failed to read {}: {error}", log.display())))
}

/// Find out what is deployed, before anything is changed.
pub(super) fn note_deployed(
    settings: &Settings,
    repository: &Repository,
    desk: &Desk<'_>,
    cancel: &CancelToken,
) -> Result<(), CliError> {
    let args = &settings.rollback;
    let health = args.watched.health(&settings.here)?;
    let told = health.map(|health| health.baseline(cancel)).unwrap_or_default().told;
    let service = rollback::take_service(args, repository)?;
    let version = rollback::deployed(args, repository, told.as_deref(), &service)?;
    let since = service.deployed_at(version.commit);
    desk.note(IncidentEventKind::Deployed { version, since });
    Ok(())
}

/// What would be done: nothing is, and nothing is kept.
pub(super) fn planned(
    args: &Args,
    settings: &Settings,
    repository: &Repository,
    cancel: &CancelToken,
) -> Result<Incident, CliError> {
    let log = args.log.as_deref().map(absolute_or_stdin);
    let mut incident = Incident::default();
    let mut apply = |kind| incident.apply(&IncidentEvent { at: Timestamp::now(), kind });
    apply(opened(settings, "dry-run".to_owned(), log.as_deref()));
    apply(IncidentEventKind::Alarmed { alarm: alarm(args, settings) });
    let note = match &settings.auto {
        None => "a dry run: `auto` under [tool.pybisect.respond] names what may happen without a person",
        Some(_) => "a dry run: nothing was done",
    };
    apply(IncidentEventKind::Note { text: note.to_owned() });
    if settings.rollback.deploy.is_some() {
        let dry = rollback::Args { dry_run: true, ..settings.rollback.clone() };
        let steps = rollback::steps(&dry, &settings.here)?;
        let (here, secrets) = (settings.here.clone(), &settings.secrets);
        let around = Around { repository, here, resumes: None, cancel, secrets };
        let report = rollback::carry_out(&dry, &steps, &around, &|_| ())?.report;
        if let Some(version) = report.deployed.clone() {
            apply(IncidentEventKind::Deployed { version, since: None });
        }
        let step = incident.steps.iter_mut().find(|step| step.id.kind == StepKind::Rollback);
        if let (Some(step), Some(attempt)) = (step, report.attempts.last()) {
            let commands: Vec<&str> = attempt.actions.iter().map(|action| action.command.as_str()).collect();
            step.what = format!("{}: {}", attempt.version.name(), commands.join(", then "));
            step.result = Some(StepResult::Rollback(Box::new(report)));
        }
    }
    for step in incident.steps.iter_mut().filter(|step| step.id.kind.acts()) {
        let is_automatic = settings.auto.as_ref().is_some_and(|auto| auto.contains(&step.id.kind));
        if !is_automatic {
            step.outcome = format!("with --approve {}: {}", step.id.kind.word(), step.what);
        }
    }
    Ok(incident)
}
