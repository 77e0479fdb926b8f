//! What the steps of one incident have in common.

use std::path::PathBuf;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

use super::settings::Settings;
use crate::cli::Error;
use crate::cli::commands::rollback;
use crate::git::Repository;
use crate::model::{
    CancelReason, CancelToken, CommitId, DeployedVersion, EventKind, Incident, RollbackOutcome,
    RollbackReport,
};
use crate::respond::StepEnd;

/// Carries out the steps of one incident.
pub(super) struct Work<'a> {
    pub(super) settings: &'a Settings,
    /// The incident's own folder.
    pub(super) folder: PathBuf,
    /// Where the report goes beside that.
    pub(super) report: Option<PathBuf>,
    pub(super) cancel: &'a CancelToken,
    /// Hears of trials, as they begin and end.
    pub(super) heard: &'a (dyn Fn(&EventKind) + Sync),
}

/// How a step ended; `None` when the user stopped it.
pub(super) type Ended = Result<Option<StepEnd>, Error>;

impl Work<'_> {
    /// The repository, opened anew: steps run at the same time.
    pub(super) fn repository(&self) -> Result<Repository, Error> {
        Ok(Repository::open(&self.settings.place)?)
    }

    /// A version before the deployed one that is good, as far as that is known.
    pub(super) fn good(
        &self,
        incident: &Incident,
        repository: &Repository,
    ) -> Result<Option<CommitId>, Error> {
        let bad = deployed(incident)?.commit;
        let rolled_back = incident.rollback().and_then(|report| report.attempts.last());
        if let Some(attempt) = rolled_back.filter(|attempt| attempt.version.commit != bad)
            && repository.is_ancestor(attempt.version.commit, bad).unwrap_or(false)
        {
            return Ok(Some(attempt.version.commit));
        }
        match self.settings.good.first() {
            Some(rev) => Ok(Some(repository.resolve(rev)?.id)),
            None => {
                let older = rollback::older(&self.settings.rollback, repository, bad)?;
                Ok(older.into_iter().map(|version| version.commit).find(|commit| *commit != bad))
            }
        }
    }
}

/// The version that was deployed when the incident began.
pub(super) fn deployed(incident: &Incident) -> Result<&DeployedVersion, Error> {
    incident.deployed.as_ref().ok_or_else(|| Error::usage("it is not known what is deployed"))
}

/// The version that a rollback brought back, and since when it answers.
pub(super) fn serving(report: &RollbackReport) -> Option<(Timestamp, DeployedVersion)> {
    let since = report.seconds - report.serving_after_seconds?;
    let since = SignedDuration::try_from_secs_f64(since).ok()?;
    let version = report.attempts.last()?.version.clone();
    let when = Timestamp::now().checked_sub(since).ok()?;
    (report.outcome == RollbackOutcome::Healthy).then_some((when, version))
}

/// How a step ended that deploys; `None` when the user stopped it.
pub(super) fn end_of(report: RollbackReport) -> Option<(StepEnd, RollbackReport)> {
    let last = report.attempts.last();
    let name = last.map(|attempt| attempt.version.name()).unwrap_or_default();
    let health = last.and_then(|attempt| attempt.health.last());
    let end = match report.outcome {
        RollbackOutcome::Healthy if health.is_some_and(|health| !health.tells_version) => {
            StepEnd::done(format!("{name} is deployed, and something answers, version unknown"))
        }
        RollbackOutcome::Healthy => StepEnd::done(format!("{name} answers, and no other")),
        RollbackOutcome::Deployed => {
            StepEnd::done(format!("{name} is deployed; whether it answers was not asked"))
        }
        RollbackOutcome::DryRun => StepEnd::skipped(format!("would deploy {name}")),
        RollbackOutcome::NoneGood => StepEnd::failed("no older version is known to be good"),
        RollbackOutcome::Migrations => StepEnd::failed(format!(
            "not back to {name}: {} of the database in between (allow-migrations goes on)",
            crate::report::plural(report.migrations.len(), "migration")
        )),
        RollbackOutcome::Unhealthy => {
            let failed = last.and_then(|attempt| attempt.actions.last()).filter(|action| !action.succeeded());
            let why = match failed {
                Some(action) => format!("the {} failed", action.kind),
                None => health.and_then(|health| health.why.clone()).unwrap_or_default(),
            };
            StepEnd::failed(format!("{name} is not healthy: {why}"))
        }
        RollbackOutcome::Interrupted => return None,
    };
    Some((end, report))
}

/// Do something for this time at most: then, or when the user wants to stop, its token is cancelled. Whether its time was
/// up.
pub(super) fn within<T>(
    limit: Duration,
    cancel: &CancelToken,
    work: impl FnOnce(&CancelToken) -> T,
) -> (T, bool) {
    const BETWEEN_LOOKS: Duration = Duration::from_millis(50);
    let own = CancelToken::new();
    let (done, is_done) = channel::<()>();
    let started = Instant::now();
    let result = std::thread::scope(|scope| {
        let watched = own.clone();
        scope.spawn(move || {
            while is_done.recv_timeout(BETWEEN_LOOKS) == Err(RecvTimeoutError::Timeout) {
                if let Some(reason) = cancel.reason() {
                    watched.cancel(reason);
                } else if started.elapsed() >= limit {
                    watched.cancel(CancelReason::Interrupted);
                }
            }
        });
        let result = work(&own);
        drop(done);
        result
    });
    (result, own.is_cancelled() && !cancel.is_cancelled())
}
