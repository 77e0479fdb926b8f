//! The order of a response: what comes first, what waits for whom, what needs a person's leave, and how it goes on after
//! whoever carried it out was killed. What a step does is the business of its [`Hands`].

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::incidents::Journal;
use super::record::RecordError;
use crate::model::{CancelToken, Incident, IncidentEventKind, StepId, StepKind, StepResult, StepState};

/// How often it is looked whether a person gave leave, while something else goes on.
const BETWEEN_LOOKS: Duration = Duration::from_millis(200);

/// How a step ended.
#[derive(Debug, Clone, PartialEq)]
pub struct StepEnd {
    /// Done, failed or skipped.
    pub state: StepState,
    /// What came of it, in one line.
    pub outcome: String,
    /// What the step brought.
    pub result: Option<StepResult>,
}

impl StepEnd {
    /// A step that did what it should.
    pub fn done(outcome: impl Into<String>) -> Self {
        Self { state: StepState::Done, outcome: outcome.into(), result: None }
    }

    /// A step that did not do what it should.
    pub fn failed(outcome: impl Into<String>) -> Self {
        Self { state: StepState::Failed, ..Self::done(outcome) }
    }

    /// A step that was not done, for this reason.
    pub fn skipped(why: impl Into<String>) -> Self {
        Self { state: StepState::Skipped, ..Self::done(why) }
    }

    /// With what it brought.
    #[must_use]
    pub fn with(self, result: StepResult) -> Self {
        Self { result: Some(result), ..self }
    }
}

/// A step to carry out.
#[derive(Debug)]
pub struct Job<'a> {
    /// Which.
    pub step: StepId,
    /// The incident as it stood before.
    pub incident: &'a Incident,
    /// Whether the job was begun before, by one that was killed: what came of that is looked at first.
    pub resumes: bool,
}

/// What carries out steps. Several run at the same time.
pub trait Hands: Sync {
    /// Carry out a step; `None` when the user stopped it, so that it is to be gone on with.
    fn carry_out(&self, job: &Job<'_>, desk: &Desk<'_>) -> Option<StepEnd>;
}

/// Where an incident is worked on: what happens is written down here, and told to whoever listens.
pub struct Desk<'a> {
    journal: Mutex<Journal>,
    heard: &'a (dyn Fn(&IncidentEventKind, &Incident) + Sync),
    /// Takes secrets out of what is written down.
    hide: &'a (dyn Fn(&str) -> String + Sync),
    /// The first time that something could not be written down: nothing more is done then.
    broken: Mutex<Option<RecordError>>,
}

impl<'a> Desk<'a> {
    /// A desk for an incident.
    pub fn new(
        journal: Journal,
        heard: &'a (dyn Fn(&IncidentEventKind, &Incident) + Sync),
        hide: &'a (dyn Fn(&str) -> String + Sync),
    ) -> Self {
        Self { journal: Mutex::new(journal), heard, hide, broken: Mutex::new(None) }
    }

    /// The incident as it stands, with what others added.
    pub fn incident(&self) -> Incident {
        let mut journal = lock(&self.journal);
        if let Err(error) = journal.catch_up() {
            self.breaks(error);
        }
        journal.incident().clone()
    }

    /// Write down what happens.
    pub fn note(&self, kind: IncidentEventKind) {
        let kind = self.without_secrets(kind);
        let mut journal = lock(&self.journal);
        if self.is_broken() {
            return;
        }
        match journal.note(kind.clone()) {
            Ok(()) => (self.heard)(&kind, journal.incident()),
            Err(error) => self.breaks(error),
        }
    }

    /// Tell something of a step that runs.
    pub fn say(&self, step: StepId, text: &str) {
        self.note(IncidentEventKind::Progress { step, text: text.to_owned() });
    }

    fn without_secrets(&self, mut kind: IncidentEventKind) -> IncidentEventKind {
        let hide = |text: &mut String| *text = (self.hide)(text);
        match &mut kind {
            IncidentEventKind::Alarmed { alarm } => hide(&mut alarm.title),
            IncidentEventKind::Begun { what: Some(text), .. }
            | IncidentEventKind::Waiting { why: text, .. }
            | IncidentEventKind::Progress { text, .. }
            | IncidentEventKind::Ended { outcome: text, .. }
            | IncidentEventKind::Note { text } => hide(text),
            _ => {}
        }
        kind
    }

    fn breaks(&self, error: RecordError) {
        lock(&self.broken).get_or_insert(error);
    }

    fn is_broken(&self) -> bool {
        lock(&self.broken).is_some()
    }

    /// The journal, or why it could not be written.
    ///
    /// # Errors
    /// When it could not be written.
    pub fn close(self) -> Result<Journal, RecordError> {
        let broken = self.broken.into_inner().unwrap_or_else(PoisonError::into_inner);
        let journal = self.journal.into_inner().unwrap_or_else(PoisonError::into_inner);
        broken.map_or(Ok(journal), Err)
    }
}

impl std::fmt::Debug for Desk<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Desk").field("journal", &self.journal).finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A response that is carried out.
pub struct Response<'a> {
    /// Where the response is written down.
    pub desk: &'a Desk<'a>,
    /// What carries out its steps.
    pub hands: &'a dyn Hands,
    /// Kinds of steps that may happen without a person.
    pub auto: &'a BTreeSet<StepKind>,
    /// How the user stops it.
    pub cancel: &'a CancelToken,
}

/// Whether a step's turn has come.
enum Turn {
    Now,
    /// Something before it is not over: later.
    Later,
    /// It makes no sense any more, for this reason.
    Never(String),
}

impl Response<'_> {
    /// Do all that can be done now. What failed does not stop what does not need it; what needs a person's leave waits,
    /// and is told of. The incident is closed when nothing is left.
    pub fn carry_out(&self) {
        self.step(StepKind::Fallback.into());
        self.step(StepKind::Rollback.into());
        self.step(StepKind::FallbackOff.into());
        let is_searched = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                self.step(StepKind::Logs.into());
                self.step(StepKind::Suspects.into());
                // Nobody who gives leave waits for the end of a search to have the old version back.
                while !is_searched.load(Ordering::Acquire) && !self.is_over() {
                    for kind in [StepKind::Fallback, StepKind::Rollback] {
                        if self.desk.incident().step(kind).is_some_and(|step| step.approved) {
                            self.step(kind.into());
                        }
                    }
                    std::thread::sleep(BETWEEN_LOOKS);
                }
            });
            self.step(StepKind::Find.into());
            self.step(StepKind::Fixes.into());
            is_searched.store(true, Ordering::Release);
        });
        // For what was approved at the last moment.
        self.step(StepKind::Fallback.into());
        self.step(StepKind::Rollback.into());
        self.step(StepKind::Branch.into());
        self.step(StepKind::Push.into());
        let stages: Vec<StepId> = self.desk.incident().stages().map(|step| step.id).collect();
        for stage in stages {
            self.step(stage);
        }
        // What still waits is of no use once the fix is out.
        self.step(StepKind::Fallback.into());
        self.step(StepKind::Rollback.into());
        self.step(StepKind::FallbackOff.into());
        self.end();
    }

    /// The report, which tells of what waits as well; and the end, when nothing does.
    fn end(&self) {
        if self.is_over() {
            return;
        }
        let incident = self.desk.incident();
        // A fallback that is in front stays there while nothing is well.
        let left = incident.steps.iter().filter(|step| step.id.kind != StepKind::Report);
        let is_left = left.clone().any(|step| !step.state.is_over());
        let nothing_comes =
            left.filter(|step| !step.state.is_over()).all(|step| step.id.kind == StepKind::FallbackOff);
        if is_left && nothing_comes {
            self.ended(StepKind::FallbackOff.into(), StepEnd::skipped("the service is not known to be well"));
        }
        self.run(StepKind::Report.into());
        if let (Some(outcome), false) = (self.desk.incident().resolution(), self.is_over()) {
            self.desk.note(IncidentEventKind::Closed { outcome });
        }
    }

    fn is_over(&self) -> bool {
        self.cancel.is_cancelled() || self.desk.is_broken()
    }

    /// A step, if its turn has come and it may be done.
    fn step(&self, id: StepId) {
        if self.is_over() {
            return;
        }
        let incident = self.desk.incident();
        let Some(step) = incident.step(id).filter(|step| !step.state.is_over()) else { return };
        match turn(id, &incident) {
            Turn::Later => {}
            Turn::Never(why) => self.ended(id, StepEnd::skipped(why)),
            Turn::Now if id.kind.acts() && !step.approved && !self.auto.contains(&id.kind) => {
                if step.state != StepState::Waiting {
                    let why = format!("waits for leave: pybisect respond --approve {}", id.kind.word());
                    self.desk.note(IncidentEventKind::Waiting { step: id, why });
                }
            }
            Turn::Now => self.run(id),
        }
    }

    fn run(&self, id: StepId) {
        let incident = self.desk.incident();
        let Some(step) = incident.step(id) else { return };
        let resumes = step.state == StepState::Running;
        self.desk.note(IncidentEventKind::Begun { step: id, what: None });
        if self.desk.is_broken() {
            return;
        }
        let job = Job { step: id, incident: &incident, resumes };
        if let Some(end) = self.hands.carry_out(&job, self.desk) {
            self.ended(id, end);
        }
    }

    fn ended(&self, step: StepId, end: StepEnd) {
        let StepEnd { state, outcome, result } = end;
        self.desk.note(IncidentEventKind::Ended { step, state, outcome, result });
    }
}

impl std::fmt::Debug for Response<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Response").field("auto", &self.auto).finish_non_exhaustive()
    }
}

/// What a step needs of those before it.
fn turn(id: StepId, incident: &Incident) -> Turn {
    let after = |before: StepId, why_not: &str| match incident.step(before).map(|step| step.state) {
        Some(StepState::Done) => Turn::Now,
        Some(StepState::Failed | StepState::Skipped) | None => Turn::Never(why_not.to_owned()),
        Some(StepState::Planned | StepState::Waiting | StepState::Running) => Turn::Later,
    };
    match id.kind {
        StepKind::Fallback | StepKind::Rollback if is_well_without(id, incident) => {
            Turn::Never("the service is well".to_owned())
        }
        StepKind::Fallback | StepKind::Rollback | StepKind::Logs | StepKind::Find | StepKind::Report => {
            Turn::Now
        }
        StepKind::FallbackOff => match after(StepKind::Fallback.into(), "nothing was put in front") {
            Turn::Now if incident.serving.is_none() => Turn::Later,
            turn => turn,
        },
        StepKind::Suspects => after(StepKind::Logs.into(), "no log was read"),
        StepKind::Fixes => after(StepKind::Find.into(), "no cause was found"),
        StepKind::Branch => after(StepKind::Fixes.into(), "there is no fix that passes"),
        StepKind::Push => after(StepKind::Branch.into(), "there is no branch with a fix"),
        StepKind::Rollout => {
            let before = id.stage.filter(|stage| *stage > 1).map(|stage| stage - 1);
            if let Some(before) = before {
                let why = format!("stage {before} was not rolled out");
                return after(StepId { kind: StepKind::Rollout, stage: Some(before) }, &why);
            }
            if incident.step(StepKind::Push).is_some() {
                return after(StepKind::Push.into(), "the fix was not pushed");
            }
            after(StepKind::Branch.into(), "there is no branch with a fix")
        }
    }
}

/// Whether the service is well, and not by this step.
fn is_well_without(id: StepId, incident: &Incident) -> bool {
    let is_begun = incident.step(id).is_some_and(|step| step.state == StepState::Running);
    incident.serving.is_some() && !is_begun
}

#[cfg(test)]
mod tests;
