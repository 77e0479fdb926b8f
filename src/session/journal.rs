//! Events: stored, folded and handed on, in this order, from one thread.

use std::time::Instant;

use super::finished_trial::FinishedTrial;
use super::secrets::kept;
use super::{Plan, SessionError};
use crate::model::event::TrialFinished;
use crate::model::{Event, EventKind, FailureSignature, Report, Verdict};
use crate::store::{SessionId, SessionState, Store};

/// What a trial that ended says, beside how it ended.
pub(super) struct TrialSays {
    pub(super) verdict: Verdict,
    pub(super) failure: Option<FailureSignature>,
    /// Why it is not certain that the failure is the target, where that is only likely.
    pub(super) likely: Option<String>,
    /// Whether the trial ran the failing tests only.
    pub(super) selected: bool,
}

/// The session's voice.
pub(super) struct Journal<'a> {
    store: &'a Store,
    session: SessionId,
    began: Instant,
    events: Vec<Event>,
    /// Where what is said of the present target begins.
    since: usize,
    listener: &'a mut dyn FnMut(&Event),
}

impl<'a> Journal<'a> {
    pub(super) fn new(store: &'a Store, session: SessionId, listener: &'a mut dyn FnMut(&Event)) -> Self {
        Self { store, session, began: Instant::now(), events: Vec::new(), since: 0, listener }
    }

    /// The session that it is of.
    pub(super) const fn session(&self) -> &SessionId {
        &self.session
    }

    /// Say what another session's journal has.
    pub(super) fn hand_on(&mut self, event: &Event) {
        (self.listener)(event);
    }

    /// Say that something happened.
    pub(super) fn say(&mut self, kind: EventKind) -> Result<(), SessionError> {
        let event = Event { seconds: self.began.elapsed().as_secs_f64(), kind };
        (self.listener)(&event);
        // Beliefs are for the eye: they follow from the outcomes.
        if !matches!(event.kind, EventKind::Belief { .. }) {
            self.store.add_event(&self.session, &event)?;
        }
        self.events.push(event);
        Ok(())
    }

    /// What was said so far of the present target.
    pub(super) fn events(&self) -> &[Event] {
        &self.events[self.since..]
    }

    /// What is said from now on is said of another target.
    pub(super) fn next_target(&mut self) {
        self.since = self.events.len();
    }

    /// Something the user should know; said once.
    pub(super) fn note(&mut self, text: impl Into<String>) -> Result<(), SessionError> {
        let kind = EventKind::Note { text: text.into() };
        if self.events.iter().any(|event| event.kind == kind) {
            return Ok(());
        }
        self.say(kind)
    }

    /// Say that a trial came to an end, and keep what it printed.
    pub(super) fn say_finished(&mut self, done: &FinishedTrial, said: TrialSays) -> Result<(), SessionError> {
        let TrialSays { verdict, failure, likely, selected } = said;
        self.store.keep_output(&self.session, &kept(done, &verdict))?;
        self.say(EventKind::TrialFinished(Box::new(TrialFinished {
            trial: done.id,
            commit: done.commit,
            purpose: done.purpose,
            verdict,
            ending: done.output.ending.clone(),
            failure,
            likely,
            timing: done.output.timing,
            source: done.source,
            selected,
        })))
    }

    /// Keep what state the session is in.
    pub(super) fn set_state(&self, state: SessionState) -> Result<(), SessionError> {
        Ok(self.store.set_state(&self.session, state)?)
    }

    /// The session is over.
    pub(super) fn close(self, state: SessionState) -> Result<Report, SessionError> {
        self.store.set_state(&self.session, state)?;
        Ok(Report::from_events(&self.events))
    }
}

/// The event that a session of a plan begins with.
pub(super) fn started(plan: &Plan, session: &SessionId, jobs: usize) -> EventKind {
    EventKind::Started {
        session: session.to_string(),
        command: plan.command_text.clone(),
        good: plan.good.clone(),
        bad: plan.bad,
        jobs,
        isolation: plan.isolation.clone(),
        environment: plan.environment.clone(),
        find_fix: plan.find_fix,
        first_parent: plan.first_parent,
        paths: plan.pathspecs.clone(),
    }
}
