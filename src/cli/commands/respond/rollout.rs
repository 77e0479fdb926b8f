//! The fix, deployed stage by stage; and the way back when a stage is not healthy.

use jiff::Timestamp;

use super::settings::Stage;
use super::work::{Ended, Work, deployed, end_of, serving};
use crate::cli::Error;
use crate::cli::commands::rollback;
use crate::git::Repository;
use crate::model::{
    CommitId, DeployedVersion, Grounds, Incident, IncidentEventKind, RollbackOutcome, RollbackReport,
    StepResult, StepState,
};
use crate::respond::{Desk, Job, Rollback, StepEnd, roll_back, worktrees};

/// Deploy the fix in one stage.
pub(super) fn stage(work: &Work<'_>, job: &Job<'_>, desk: &Desk<'_>) -> Ended {
    let number = job.step.stage.unwrap_or(1);
    let at = usize::try_from(number.saturating_sub(1)).unwrap_or(usize::MAX);
    let stages = &work.settings.stages;
    let Some(stage) = stages.get(at) else {
        return Ok(Some(StepEnd::skipped("not configured any more")));
    };
    let Some((_, commit)) = job.incident.branch() else {
        return Ok(Some(StepEnd::skipped("there is no branch with a fix")));
    };
    let repository = work.repository()?;
    let fix = version(&repository, commit)?;
    let since = job.incident.step(job.step).and_then(|step| step.started).filter(|_| job.resumes);
    let known = since.map(|since| seen_before(stage, &repository, since, commit)).transpose()?.flatten();
    let report = match known {
        // It was seen not to be healthy, and whoever saw it was killed on the way back.
        Some(false) => RollbackReport {
            outcome: RollbackOutcome::Unhealthy,
            service: stage.rollback.service.clone().unwrap_or_default(),
            ..RollbackReport::default()
        },
        _ => deploy(work, job, desk, (stage, &fix, since))?,
    };
    let Some((end, report)) = end_of(report) else { return Ok(None) };
    let end = StepEnd { outcome: format!("{}: {}", stage.name, end.outcome), ..end };
    if end.state == StepState::Done {
        if at + 1 == stages.len()
            && let Some((when, version)) = serving(&report)
        {
            desk.note(IncidentEventKind::Recovered { when, version });
        }
        return Ok(Some(end.with(StepResult::Rollback(Box::new(report)))));
    }
    back(work, job, desk, (at, end, report))
}

/// Deploy a version in a stage, once.
fn deploy(
    work: &Work<'_>,
    job: &Job<'_>,
    desk: &Desk<'_>,
    (stage, version, resumes): (&Stage, &DeployedVersion, Option<Timestamp>),
) -> Result<RollbackReport, Error> {
    let repository = work.repository()?;
    let args = &stage.rollback;
    let steps = rollback::steps(args, &work.settings.here)?;
    let mut service = rollback::take_service(args, &repository)?;
    let baseline = steps.health.as_ref().map(|health| health.baseline(work.cancel)).unwrap_or_default();
    let folder = worktrees(&service);
    let secrets = &work.settings.secrets;
    let deployed = job.incident.serving.clone().map_or_else(|| deployed(job.incident).cloned(), Ok)?;
    let rollout = Rollback {
        steps: &steps,
        service: &mut service,
        repository: &repository,
        folder: work.settings.here.clone(),
        deployed,
        baseline: baseline.answers,
        attempts: 1,
        allow_migrations: true,
        dry_run: false,
        resumes,
        cancel: work.cancel,
        hide: &|text| secrets.hidden(text),
        worktree: &|version| rollback::exported(&repository, &folder, version),
        migrations: &|_| Ok::<_, Error>(Vec::new()),
    };
    let mut next = Some((version.clone(), Grounds::Fix));
    roll_back(rollout, &mut || Ok(next.take()), &mut |text| desk.say(job.step, text))
}

/// Whether the fix was healthy in a stage, where one before saw that since the stage began.
fn seen_before(
    stage: &Stage,
    repository: &Repository,
    since: Timestamp,
    fix: CommitId,
) -> Result<Option<bool>, Error> {
    let service = rollback::take_service(&stage.rollback, repository)?;
    let tried = service.tried_since(since);
    Ok(tried.into_iter().find(|(version, _)| version.commit == fix).and_then(|(_, healthy)| healthy))
}

/// The last good version again, in each stage that has the fix, the last one first.
fn back(
    work: &Work<'_>,
    job: &Job<'_>,
    desk: &Desk<'_>,
    (at, end, rollout): (usize, StepEnd, RollbackReport),
) -> Ended {
    let Some(good) = last_good(work, job.incident)? else {
        desk.note(IncidentEventKind::Lost {
            why: format!("{}; no version is known to go back to", end.outcome),
        });
        return Ok(Some(end.with(StepResult::Rollback(Box::new(rollout)))));
    };
    let mut reports = Vec::new();
    let mut is_well = true;
    for stage in work.settings.stages[..=at].iter().rev() {
        desk.say(job.step, &format!("{:<10} {} in {}", "back to", good.name(), stage.name));
        // Not looked at first: where the fix was not taken, the old code answers, and the new is what starts next.
        let report = deploy(work, job, desk, (stage, &good, None))?;
        if report.outcome == RollbackOutcome::Interrupted {
            return Ok(None);
        }
        is_well &= matches!(report.outcome, RollbackOutcome::Healthy | RollbackOutcome::Deployed);
        reports.push(report);
    }
    let is_last = at + 1 == work.settings.stages.len();
    let again = if is_well { "serves again" } else { "could not be brought back everywhere" };
    if !is_well && is_last {
        desk.note(IncidentEventKind::Lost { why: format!("{} {again}", good.name()) });
    }
    let outcome = format!("{}; {} {again}", end.outcome, good.name());
    let result = StepResult::TakenBack { rollout: Box::new(rollout), back: reports };
    Ok(Some(StepEnd { outcome, ..end }.with(result)))
}

/// The version to go back to: what serves, else the last good one of the search.
fn last_good(work: &Work<'_>, incident: &Incident) -> Result<Option<DeployedVersion>, Error> {
    if let Some(version) = &incident.serving {
        return Ok(Some(version.clone()));
    }
    let good = incident.found().and_then(|report| report.last_good.as_ref());
    good.map(|good| version(&work.repository()?, good.id)).transpose()
}

fn version(repository: &Repository, commit: CommitId) -> Result<DeployedVersion, Error> {
    rollback::version_of(repository, &commit.to_string())
}
