//! Threads that run trials: one a slot, fed by a channel, answering on another.
//!
//! The conductor is a single thread; it alone decides, and it sees results one after the other.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::thread::{self, Scope};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, unbounded};

use crate::executor::{Executor, ExecutorError, run_with_retries};
use crate::model::{CancelReason, CancelToken, Termination, Trial, TrialActivity, TrialId, TrialOutput};

struct Request {
    trial: Trial,
    cancel: CancelToken,
    asked: Instant,
}

struct Answer {
    trial: TrialId,
    /// A panic is handed to the conductor, which would wait for the answer for ever.
    result: thread::Result<Result<TrialOutput, ExecutorError>>,
}

/// A trial that has begun and not ended.
#[derive(Debug)]
pub(super) struct Running {
    /// The trial.
    pub(super) trial: Trial,
    /// When it was asked for.
    pub(super) since: Instant,
    cancel: CancelToken,
}

/// Hands trials to threads and takes their results.
pub(super) struct Dispatcher {
    requests: Sender<Request>,
    answers: Receiver<Answer>,
    root: CancelToken,
    capacity: usize,
    running: BTreeMap<TrialId, Running>,
    /// Cancelled as irrelevant and not yet ended: they hold a slot, but nobody waits for them.
    dismissed: usize,
}

impl Dispatcher {
    /// Start as many threads as the executor has capacity. They end when the dispatcher is dropped.
    pub(super) fn new<'scope, 'env>(
        scope: &'scope Scope<'scope, 'env>,
        executor: &'env dyn Executor,
        root: &CancelToken,
    ) -> Self {
        let (requests, inbox) = unbounded::<Request>();
        let (outbox, answers) = unbounded::<Answer>();
        let capacity = executor.capacity().max(1);
        for _ in 0..capacity {
            let inbox = inbox.clone();
            let outbox = outbox.clone();
            scope.spawn(move || {
                for Request { trial, cancel, asked } in inbox {
                    let waited = asked.elapsed();
                    let mut result =
                        catch_unwind(AssertUnwindSafe(|| run_with_retries(executor, &trial, &cancel)));
                    if let Ok(Ok(output)) = &mut result {
                        // Beside what the executor waited for.
                        output.timing.queue_ms += waited.as_secs_f64() * 1e3;
                    }
                    // The conductor may be gone already; then nobody wants the answer.
                    if outbox.send(Answer { trial: trial.id, result }).is_err() {
                        return;
                    }
                }
            });
        }
        let root = root.clone();
        Self { requests, answers, root, capacity, running: BTreeMap::new(), dismissed: 0 }
    }

    /// Trials that can run at the same time.
    pub(super) const fn capacity(&self) -> usize {
        self.capacity
    }

    /// Slots without a trial that somebody waits for. A slot that is still ending a dismissed trial
    /// counts as free: it will be, in a moment.
    pub(super) fn free(&self) -> usize {
        self.capacity.saturating_sub(self.running.len())
    }

    /// What runs now, in the order in which it was started.
    pub(super) fn running(&self) -> impl Iterator<Item = &Running> {
        self.running.values()
    }

    /// What a trial that runs does at the moment.
    pub(super) fn activity(&self, id: TrialId) -> TrialActivity {
        self.running.get(&id).map(|running| running.trial.activity.clone()).unwrap_or_default()
    }

    /// Start a trial; it waits in line when no slot is free.
    pub(super) fn start(&mut self, trial: Trial) {
        let cancel = self.root.child();
        let now = Instant::now();
        let request = Request { trial: trial.clone(), cancel: cancel.clone(), asked: now };
        self.running.insert(trial.id, Running { trial, since: now, cancel });
        // The threads live as long as the scope, so somebody listens.
        drop(self.requests.send(request));
    }

    /// End a trial whose result nobody needs. Its answer will not be returned by [`wait`](Self::wait).
    pub(super) fn dismiss(&mut self, id: TrialId) -> Option<Trial> {
        let running = self.running.remove(&id)?;
        running.cancel.cancel(CancelReason::Irrelevant);
        self.dismissed += 1;
        Some(running.trial)
    }

    /// The next result; `None` when `until` passes first, nothing runs, or the user interrupts.
    pub(super) fn wait(
        &mut self,
        until: Option<Instant>,
    ) -> Option<(Trial, Result<TrialOutput, ExecutorError>)> {
        /// How soon an interrupt is noticed.
        const GLANCE: Duration = Duration::from_millis(50);
        while !self.running.is_empty() {
            let now = Instant::now();
            if self.root.is_cancelled() || until.is_some_and(|until| until <= now) {
                return None;
            }
            let patience = until.map_or(GLANCE, |until| (until - now).min(GLANCE));
            match self.answers.recv_timeout(patience) {
                Ok(Answer { trial, result }) => {
                    let result = result.unwrap_or_else(|panic| resume_unwind(panic));
                    let is_ended = matches!(&result, Ok(output) if output.ending == Termination::Cancelled);
                    match self.running.remove(&trial) {
                        // The user's interrupt ended it: it says nothing of its commit.
                        Some(_) if is_ended && self.root.is_cancelled() => return None,
                        Some(running) => return Some((running.trial, result)),
                        None => self.dismissed = self.dismissed.saturating_sub(1),
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return None,
            }
        }
        None
    }

    /// After an interrupt: wait until every trial has ended and return those that had come to a
    /// result all the same, so that nothing that ran is lost.
    pub(super) fn drain(&mut self) -> Vec<(Trial, TrialOutput)> {
        let mut finished = Vec::new();
        while !self.running.is_empty() || self.dismissed > 0 {
            let Ok(Answer { trial, result }) = self.answers.recv() else { break };
            let result = result.unwrap_or_else(|panic| resume_unwind(panic));
            match (self.running.remove(&trial), result) {
                (Some(running), Ok(output)) => finished.push((running.trial, output)),
                (Some(_), Err(_)) => {}
                (None, _) => self.dismissed = self.dismissed.saturating_sub(1),
            }
        }
        finished
    }
}

/// Nobody will take the results of what still runs, so the threads should not wait for it.
impl Drop for Dispatcher {
    fn drop(&mut self) {
        for running in self.running.values() {
            running.cancel.cancel(CancelReason::Irrelevant);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::{CommitId, TreeId, TrialKind, TrialSpec};

    struct Broken;

    impl Executor for Broken {
        fn capacity(&self) -> usize {
            1
        }

        fn run(&self, _: &Trial, _: &CancelToken) -> Result<TrialOutput, ExecutorError> {
            panic!("a fault of ours")
        }
    }

    #[test]
    #[should_panic(expected = "a fault of ours")]
    fn a_panic_in_a_trial_is_not_waited_for() {
        std::thread::scope(|scope| {
            let mut dispatcher = Dispatcher::new(scope, &Broken, &CancelToken::new());
            let (commit, tree) = (CommitId::from_bytes([0; 20]), TreeId::from_bytes([0; 20]));
            let recipe = Arc::new(TrialSpec::default());
            let (id, purpose) = (TrialId(0), TrialKind::Search);
            dispatcher.start(Trial {
                id,
                commit,
                tree,
                purpose,
                recipe,
                environment: None,
                repeat: 0,
                attempt: 0,
                activity: TrialActivity::default(),
            });
            dispatcher.wait(None);
        });
    }
}
