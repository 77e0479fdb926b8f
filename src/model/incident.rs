//! An incident: what was done about an outage, step by step. It is a fold over events, each written down as it happens, so
//! that whoever comes after a crash knows where things stand.

mod event;
mod received;
mod step;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use event::{Alarm, IncidentEvent, IncidentEventKind, IncidentOutcome};
pub use received::ReceivedAlarm;
use step::seconds_between;
pub use step::{Step, StepId, StepKind, StepResult, StepState};

use super::{CommitId, DeployedVersion, FixReport, LogReport, Report, RollbackReport, SuspectReport};

/// Name and version of the format.
pub const INCIDENT_SCHEMA: &str = "pybisect.incident/1";
/// Lines of progress that a step keeps.
const MOST_PROGRESS: usize = 200;

/// An incident as it stands.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Incident {
    /// [`INCIDENT_SCHEMA`].
    pub schema: String,
    /// The incident's name.
    pub id: String,
    /// What is broken.
    pub service: String,
    /// The repository's folder.
    pub repository: String,
    /// When the incident began to be worked on.
    pub opened: Option<Timestamp>,
    /// When the outage began, as far as the alarm tells.
    pub began: Option<Timestamp>,
    /// When the first error of this kind is in the log.
    pub first_error: Option<Timestamp>,
    /// When a version that is well served again, for the first time.
    pub recovered: Option<Timestamp>,
    /// When nothing was left to do.
    pub closed: Option<Timestamp>,
    /// What the incident came to; `None` while it is open.
    pub outcome: Option<IncidentOutcome>,
    /// What was deployed when it began.
    pub deployed: Option<DeployedVersion>,
    /// Since when that was deployed, where that is known.
    pub deployed_since: Option<Timestamp>,
    /// What serves now, and is well.
    pub serving: Option<DeployedVersion>,
    /// The alarms, the first first.
    pub alarms: Vec<Alarm>,
    /// The steps, in order.
    pub steps: Vec<Step>,
    /// What to know beside that.
    pub notes: Vec<String>,
    /// Whether who worked on it last came to the end of what could be done, and nothing was added since.
    #[serde(skip)]
    pub at_rest: bool,
}

impl Incident {
    /// The incident that these events tell of.
    #[must_use]
    pub fn from_events<'a>(events: impl IntoIterator<Item = &'a IncidentEvent>) -> Self {
        let mut incident = Self::default();
        for event in events {
            incident.apply(event);
        }
        incident
    }

    /// Take in an event.
    pub fn apply(&mut self, event: &IncidentEvent) {
        let at = event.at;
        match &event.kind {
            IncidentEventKind::Opened { schema, id, service, repository, began, steps } => {
                self.schema.clone_from(schema);
                self.id.clone_from(id);
                self.service.clone_from(service);
                self.repository.clone_from(repository);
                self.opened = Some(at);
                self.at_rest = false;
                self.began = *began;
                self.steps = steps.iter().map(|(id, what)| Step::new(*id, what.clone())).collect();
            }
            IncidentEventKind::Alarmed { alarm } => self.alarms.push(alarm.clone()),
            IncidentEventKind::Resumed => self.at_rest = false,
            IncidentEventKind::Deployed { version, since } => {
                self.deployed = Some(version.clone());
                self.deployed_since = *since;
            }
            IncidentEventKind::FirstError { when } => self.first_error = Some(*when),
            IncidentEventKind::Waiting { step, why } => self.at(*step, |step| {
                step.state = StepState::Waiting;
                step.outcome.clone_from(why);
            }),
            IncidentEventKind::Approved { step } => {
                self.at_rest = false;
                self.at(*step, |step| step.approved = true);
            }
            IncidentEventKind::Retried { step } => self.retry(*step),
            IncidentEventKind::Begun { step, what } => {
                // The report is what comes last. Leave that was given since its step was looked at is left to be taken.
                let has_leave = |step: &Step| step.approved && step.state == StepState::Waiting;
                self.at_rest = step.kind == StepKind::Report && !self.steps.iter().any(has_leave);
                self.at(*step, |step| {
                    step.state = StepState::Running;
                    step.started.get_or_insert(at);
                    step.begun += 1;
                    step.outcome.clear();
                    if let Some(what) = what {
                        step.what.clone_from(what);
                    }
                });
            }
            IncidentEventKind::Progress { step, text } => self.at(*step, |step| {
                if step.progress.len() == MOST_PROGRESS {
                    step.progress.remove(0);
                }
                step.progress.push(text.clone());
            }),
            IncidentEventKind::Ended { step, state, outcome, result } => self.at(*step, |step| {
                step.state = *state;
                step.ended = Some(at);
                step.outcome.clone_from(outcome);
                step.result.clone_from(result);
            }),
            IncidentEventKind::Recovered { when, version } => {
                self.recovered.get_or_insert(*when);
                self.serving = Some(version.clone());
            }
            IncidentEventKind::Lost { why } => {
                self.serving = None;
                self.notes.push(why.clone());
            }
            IncidentEventKind::Note { text } => self.notes.push(text.clone()),
            IncidentEventKind::Closed { outcome } => {
                self.closed = Some(at);
                self.outcome = Some(*outcome);
            }
        }
    }

    /// A step has its turn once more, and what was left out after it. It is a person who wants that, so it has leave.
    fn retry(&mut self, id: StepId) {
        let Some(at) = self.steps.iter().position(|step| step.id == id) else { return };
        (self.closed, self.outcome, self.at_rest) = (None, None, false);
        self.steps[at].approved = true;
        for (number, step) in self.steps.iter_mut().enumerate().skip(at) {
            let is_meant = number == at
                || matches!(step.state, StepState::Skipped | StepState::Waiting)
                || step.id.kind == StepKind::Report;
            if is_meant {
                // What was seen before counts no more.
                *step = Step { approved: step.approved, ..Step::new(step.id, step.what.clone()) };
            }
        }
    }

    fn at(&mut self, id: StepId, change: impl FnOnce(&mut Step)) {
        if let Some(step) = self.steps.iter_mut().find(|step| step.id == id) {
            change(step);
        }
    }

    /// Whether something is left that can be done, when nobody is at it: it was cut short, or got leave meanwhile.
    #[must_use]
    pub fn is_left(&self) -> bool {
        let is_running = |step: &Step| step.state == StepState::Running;
        let is_open = self.outcome.is_none();
        is_open && (!self.at_rest || self.steps.iter().any(is_running) || self.resolution().is_some())
    }

    /// A step.
    #[must_use]
    pub fn step(&self, id: impl Into<StepId>) -> Option<&Step> {
        let id = id.into();
        self.steps.iter().find(|step| step.id == id)
    }

    /// The stages of the rollout, in order.
    pub fn stages(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(|step| step.id.kind == StepKind::Rollout)
    }

    /// What the incident is called: what the first alarm said.
    #[must_use]
    pub fn title(&self) -> &str {
        self.alarms.first().map_or("", |alarm| alarm.title.as_str())
    }

    /// Who told first.
    #[must_use]
    pub fn source(&self) -> &str {
        self.alarms.first().map_or("", |alarm| alarm.source.as_str())
    }

    /// When the first alarm came.
    #[must_use]
    pub fn alarmed(&self) -> Option<Timestamp> {
        self.alarms.first().map(|alarm| alarm.at)
    }

    /// When the alarm's own source said that all is well, after the last time it said that it is not.
    #[must_use]
    pub fn resolved(&self) -> Option<Timestamp> {
        self.alarms.last().filter(|alarm| !alarm.firing).map(|alarm| alarm.at)
    }

    /// Since when it was down, as well as that is known: the first error, else what the alarm tells, else when it came.
    #[must_use]
    pub fn down_since(&self) -> Option<Timestamp> {
        self.first_error.or(self.began).or_else(|| self.alarmed()).or(self.opened)
    }

    /// How long it was down, in seconds; `None` while it is.
    #[must_use]
    pub fn downtime_seconds(&self) -> Option<f64> {
        Some(seconds_between(self.down_since()?, self.recovered?).max(0.0))
    }

    /// How long it is down by then, in seconds, where it is not known to be well again: until the alarm's own source says
    /// that all is well, else until now. `None` when it is well, when it never was told to be down, and when a later
    /// incident took the place of this one, which counts from there on.
    #[must_use]
    pub fn seconds_down_by(&self, now: Timestamp) -> Option<f64> {
        if self.recovered.is_some() || self.outcome == Some(IncidentOutcome::Superseded) {
            return None;
        }
        let until = self.resolved().map_or(now, |resolved| resolved.min(now));
        Some(seconds_between(self.down_since()?, until).max(0.0))
    }

    /// What the incident came to; `None` while more than the report is left to do.
    #[must_use]
    pub fn resolution(&self) -> Option<IncidentOutcome> {
        let is_left = |step: &Step| step.id.kind != StepKind::Report && !step.state.is_over();
        if self.outcome.is_some() || self.steps.iter().any(is_left) {
            return self.outcome;
        }
        let mut stages = self.stages().peekable();
        let is_rolled_out = stages.peek().is_some() && stages.all(|step| step.state == StepState::Done);
        Some(match (is_rolled_out, &self.serving) {
            (true, _) => IncidentOutcome::Fixed,
            (false, Some(_)) => IncidentOutcome::RolledBack,
            (false, None) => IncidentOutcome::Unresolved,
        })
    }

    /// The search's report, when one ended.
    #[must_use]
    pub fn found(&self) -> Option<&Report> {
        match self.step(StepKind::Find)?.result.as_ref()? {
            StepResult::Find(report) => Some(report),
            _ => None,
        }
    }

    /// The candidate fixes, when they were tested.
    #[must_use]
    pub fn fixes(&self) -> Option<&FixReport> {
        match self.step(StepKind::Fixes)?.result.as_ref()? {
            StepResult::Fixes(report) => Some(report),
            _ => None,
        }
    }

    /// The rollback, when there was one.
    #[must_use]
    pub fn rollback(&self) -> Option<&RollbackReport> {
        match self.step(StepKind::Rollback)?.result.as_ref()? {
            StepResult::Rollback(report) => Some(report),
            _ => None,
        }
    }

    /// What the log says, when one was read.
    #[must_use]
    pub fn log(&self) -> Option<&LogReport> {
        match self.step(StepKind::Logs)?.result.as_ref()? {
            StepResult::Logs(report) => Some(report),
            _ => None,
        }
    }

    /// What the log points at.
    #[must_use]
    pub fn suspects(&self) -> Option<&SuspectReport> {
        match self.step(StepKind::Suspects)?.result.as_ref()? {
            StepResult::Suspects(report) => Some(report),
            _ => None,
        }
    }

    /// The branch with the fix, and its commit.
    #[must_use]
    pub fn branch(&self) -> Option<(&str, CommitId)> {
        match self.step(StepKind::Branch)?.result.as_ref()? {
            StepResult::Branch { name, commit } => Some((name, *commit)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
