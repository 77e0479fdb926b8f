//! How long trials may take, when the user has not said.
//!
//! The endpoints tell: once one of them has ended by itself, a trial gets a multiple of its time. Until then an
//! endpoint may take very long, and one that hangs is ended when the other has shown how fast the command is.

use std::time::{Duration, Instant};

use super::SessionError;
use super::find::Session;
use super::plan::Limits;
use super::trials::Done;
use crate::model::event::Source;
use crate::model::{Captured, CommitId, Ending, Purpose, Timing, TrialId, TrialOutput};

impl Session<'_> {
    /// Once an endpoint has ended by itself, now or in an earlier part of the session, trials have a time limit.
    pub(super) fn learn_speed(&mut self, done: &Done) {
        let ended_by_itself = matches!(done.output.ending, Ending::Exited { .. });
        if done.purpose == Purpose::Endpoint && ended_by_itself && done.ran > self.slowest {
            self.slowest = done.ran;
            if self.plan.recipe.timeout.is_none() {
                self.trials.limit(Limits::after(done.ran));
            }
        }
    }

    /// When the first of the endpoints that run now has had enough time; `None` when the trials themselves see to it.
    pub(super) fn endpoint_deadline(&mut self) -> Result<Option<Instant>, SessionError> {
        if self.plan.recipe.timeout.is_some() {
            return Ok(None);
        }
        let mut first: Option<Instant> = None;
        for (_, commit, since) in self.running_endpoints() {
            // One that is known to hang for so long need not do so again.
            let is_known =
                !self.slowest.is_zero() && self.trials.is_known_to_hang(commit, self.endpoint_limit())?;
            let deadline = if is_known { since } else { since + self.endpoint_limit() };
            first = Some(first.map_or(deadline, |first| first.min(deadline)));
        }
        Ok(first)
    }

    /// The endpoint whose time is over, as a result.
    pub(super) fn overdue(&mut self, until: Option<Instant>) -> Result<Option<Done>, SessionError> {
        if until.is_none_or(|until| until > Instant::now()) {
            return Ok(None);
        }
        let limit = self.endpoint_limit();
        for (id, commit, since) in self.running_endpoints() {
            let is_known = self.trials.is_known_to_hang(commit, limit)?;
            if since.elapsed() < limit && !is_known {
                continue;
            }
            let after_ms = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX);
            let output = TrialOutput {
                ending: Ending::TimedOut { after_ms },
                stdout: Captured::default(),
                stderr: Captured::default(),
                timing: Timing::default(),
                leftovers: 0,
                notes: Vec::new(),
            };
            let source = if is_known { Source::Reused } else { Source::Ran };
            self.trials.end_overdue(id, &output, is_known)?;
            return Ok(Some(Done { id, commit, purpose: Purpose::Endpoint, output, source, ran: limit }));
        }
        Ok(None)
    }

    /// Until when the failing run, of which the evidence is read, is expected to end by itself: until then it is worth
    /// waiting for, since a trial without evidence tells little. `None` when it is over, or not to be expected.
    pub(super) fn target_expected(&self) -> Option<Instant> {
        /// Other endpoints may be quicker, but seldom more than that.
        const QUICKER: u32 = 2;
        let is_of_use = self.target.is_none() && !self.slowest.is_zero();
        let target = self.target_commit();
        let since = self.running_endpoints().into_iter().find(|(_, commit, _)| *commit == target)?.2;
        let until = since + self.slowest * QUICKER;
        (is_of_use && until > Instant::now()).then_some(until)
    }

    fn endpoint_limit(&self) -> Duration {
        // Making an environment takes as long as it takes.
        let is_unknown = self.slowest.is_zero() || self.workshop.executor.has_environments();
        if is_unknown { Limits::ENDPOINT } else { Limits::after(self.slowest) }
    }

    fn running_endpoints(&self) -> Vec<(TrialId, CommitId, Instant)> {
        self.trials
            .running()
            .filter(|(_, _, purpose, _)| *purpose == Purpose::Endpoint)
            .map(|(id, commit, _, since)| (id, commit, since))
            .collect()
    }
}
