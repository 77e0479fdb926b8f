//! Which incident is worked on: a new one, or one that is open.

use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};

use super::args::Args;
use super::settings::{Settings, absolute};
use crate::cli::Error;
use crate::cli::commands::rollback::{self, Around};
use crate::git::Repository;
use crate::model::incident::INCIDENT_SCHEMA;
use crate::model::{
    Alarm, CancelToken, Incident, IncidentEvent, IncidentEventKind, IncidentOutcome, ReceivedAlarm, StepKind,
    StepResult, StepState,
};
use crate::respond::{
    Deploy, Desk, IncidentLock, Incidents, Journal, LeaveError, RecordError, step_to_retry, steps_to_approve,
};

/// An alarm joins an incident to which something was added within this time.
const JOINS: SignedDuration = SignedDuration::from_hours(1);

/// The log that was named, in the incident's folder.
pub(super) const GIVEN_LOG: &str = "given.log";
/// The log that was fetched.
pub(super) const FETCHED_LOG: &str = "fetched.log";

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
pub(super) fn at(args: &Args, settings: &Settings, incidents: &Incidents) -> Result<At, Error> {
    // What failed may be tried again after the end, too.
    let is_meant = |journal: &Journal| journal.incident().outcome.is_none() || args.retry.is_some();
    let open = incidents.latest()?.filter(is_meant);
    let received = received(args)?;
    let lock = match incidents.lock() {
        Ok(lock) => lock,
        Err(error @ RecordError::Locked { .. }) => return told(args, settings, (open, received), error),
        Err(error) => return Err(error.into()),
    };
    if args.resume || args.retry.is_some() || !args.approve.is_empty() {
        let Some(mut journal) = open else {
            return Err(Error::usage(format!(
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
            join(&mut journal, alarm(args, settings, received.as_ref()))?;
            journal.note(IncidentEventKind::Resumed)?;
            return Ok(At::Desk(Box::new(Opened { journal, lock, log: None })));
        }
        journal.note(IncidentEventKind::Closed { outcome: IncidentOutcome::Superseded })?;
    }
    let alarm = alarm(args, settings, received.as_ref());
    let began = received.and_then(|received| received.began);
    let alarmed = IncidentEventKind::Alarmed { alarm };
    let journal = incidents.open(|id| [opened(settings, id, log.as_deref(), began), alarmed])?;
    // Not a reason to do nothing about this one.
    let _left = incidents.prune(&[GIVEN_LOG, FETCHED_LOG], Timestamp::now());
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
fn told(
    args: &Args,
    settings: &Settings,
    (open, received): (Option<Journal>, Option<ReceivedAlarm>),
    error: RecordError,
) -> Result<At, Error> {
    let Some(mut journal) = open else { return Err(error.into()) };
    if !args.approve.is_empty() {
        approve(args, &mut journal)?;
        return Ok(At::Told(format!("leave given for {}; {error}", args.approve.join(", "))));
    }
    if args.new || args.retry.is_some() || (args.alarm.is_none() && received.is_none()) {
        return Err(error.into());
    }
    join(&mut journal, alarm(args, settings, received.as_ref()))?;
    Ok(At::Told(format!("the alarm joins incident {}; {error}", journal.incident().id)))
}

/// An alarm joins an incident, once.
fn join(journal: &mut Journal, alarm: Alarm) -> Result<(), RecordError> {
    let is_same = |known: &Alarm| known.key == alarm.key && known.firing == alarm.firing;
    if alarm.key.is_some() && journal.incident().alarms.iter().any(is_same) {
        return Ok(());
    }
    journal.note(IncidentEventKind::Alarmed { alarm })
}

/// The alarm that a server received.
fn received(args: &Args) -> Result<Option<ReceivedAlarm>, Error> {
    let Some(path) = &args.received else { return Ok(None) };
    let failed = |why: String| Error::usage(format!("failed to read {}: {why}", path.display()));
    let text = std::fs::read(path).map_err(|error| failed(error.to_string()))?;
    serde_json::from_slice(&text).map(Some).map_err(|error| failed(error.to_string()))
}

/// Note the leave that was given.
fn approve(args: &Args, journal: &mut Journal) -> Result<(), Error> {
    for word in &args.approve {
        for step in steps_to_approve(journal.incident(), word).map_err(unfit)? {
            journal.note(IncidentEventKind::Approved { step })?;
        }
    }
    if let Some(word) = &args.retry {
        let step = step_to_retry(journal.incident(), word).map_err(unfit)?;
        journal.note(IncidentEventKind::Retried { step })?;
    }
    Ok(())
}

fn unfit(error: LeaveError) -> Error {
    let hint = match &error {
        LeaveError::Unknown { known, .. } => Some(format!("the steps that do: {}", known.join(", "))),
        LeaveError::Over { state: "failed", .. } => {
            Some("to do it again: pybisect respond --retry STEP".to_owned())
        }
        _ => None,
    };
    hint.into_iter().fold(Error::usage_of(error), Error::hinted)
}

fn opened(
    settings: &Settings,
    id: String,
    log: Option<&Path>,
    began: Option<Timestamp>,
) -> IncidentEventKind {
    IncidentEventKind::Opened {
        schema: INCIDENT_SCHEMA.to_owned(),
        id,
        service: settings.service().to_owned(),
        repository: absolute(&settings.place).display().to_string(),
        began,
        steps: settings.steps(log),
    }
}

fn alarm(args: &Args, settings: &Settings, received: Option<&ReceivedAlarm>) -> Alarm {
    let alarm = received.map_or_else(
        || told_now(args.alarm.clone().unwrap_or_else(|| "begun by hand".to_owned())),
        |received| received.alarm.clone(),
    );
    Alarm { title: settings.secrets.hidden(&alarm.title), ..alarm }
}

fn told_now(title: String) -> Alarm {
    Alarm { at: Timestamp::now(), source: "command".to_owned(), title, firing: true, key: None }
}

/// Keep the log that was named: who goes on has it too.
pub(super) fn keep_log(log: Option<&Path>, folder: &Path) -> Result<(), Error> {
    let Some(log) = log else { return Ok(()) };
    let kept = folder.join(GIVEN_LOG);
    let result = if log == Path::new("-") {
        std::fs::File::create(&kept)
            .and_then(|mut file| std::io::copy(&mut std::io::stdin().lock(), &mut file))
    } else {
        std::fs::copy(log, &kept)
    };
    result.map(drop).map_err(|error| Error::usage(format!("failed to read {}: {error}", log.display())))
}

/// Find out what is deployed, before anything is changed.
pub(super) fn note_deployed(
    settings: &Settings,
    repository: &Repository,
    desk: &Desk<'_>,
    cancel: &CancelToken,
) -> Result<(), Error> {
    let args = &settings.rollback;
    let health = args.watched.health(&settings.here)?;
    let told = health.map(|health| health.baseline(cancel)).unwrap_or_default().told;
    let service = rollback::take_service(args, repository)?;
    let deploy = args.deploy.as_deref().and_then(|deploy| Deploy::parse(deploy).ok());
    let (version, _) = rollback::deployed(args, deploy.as_ref(), repository, told.as_deref(), &service)?;
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
) -> Result<Incident, Error> {
    let log = args.log.as_deref().map(absolute_or_stdin);
    let mut incident = Incident::default();
    let mut apply = |kind| incident.apply(&IncidentEvent { at: Timestamp::now(), kind });
    apply(opened(settings, "dry-run".to_owned(), log.as_deref(), None));
    apply(IncidentEventKind::Alarmed { alarm: alarm(args, settings, None) });
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
