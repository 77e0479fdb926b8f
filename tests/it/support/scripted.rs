//! An executor that runs nothing: a script says what comes of each trial.

use std::sync::{Condvar, Mutex};

use pybisect::executor::{Executor, ExecutorError, ExecutorErrorKind};
use pybisect::model::{CancelToken, CommitId, Termination, Trial, TrialOutput};

/// What a script says of a trial: `nth` counts the calls, from 0.
type Script<'a> = dyn Fn(&Trial, usize) -> Result<TrialOutput, ExecutorError> + Sync + 'a;

/// Answers as a script says, those that run at the same time in an order of its own.
pub(crate) struct ScriptedExecutor<'a> {
    jobs: usize,
    script: Box<Script<'a>>,
    /// Of trials that run at the same time, the one that comes first by this answers first.
    order: u64,
    state: Mutex<State>,
    left: Condvar,
}

#[derive(Default)]
struct State {
    calls: Vec<Trial>,
    inside: Vec<u64>,
}

impl<'a> ScriptedExecutor<'a> {
    pub(crate) fn new(
        jobs: usize,
        order: u64,
        script: impl Fn(&Trial, usize) -> Result<TrialOutput, ExecutorError> + Sync + 'a,
    ) -> Self {
        let script = Box::new(script);
        Self { jobs, script, order, state: Mutex::default(), left: Condvar::new() }
    }

    /// The trials that it was asked for.
    pub(crate) fn calls(&self) -> Vec<Trial> {
        self.state.lock().unwrap().calls.clone()
    }

    /// Each order gives every commit another place.
    fn rank(&self, commit: CommitId) -> u64 {
        let seed = commit.as_bytes().iter().fold(self.order, |seed, &byte| {
            (seed ^ u64::from(byte)).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23)
        });
        seed.wrapping_mul(0xbf58_476d_1ce4_e5b9)
    }
}

impl Executor for ScriptedExecutor<'_> {
    fn capacity(&self) -> usize {
        self.jobs
    }

    fn run(&self, trial: &Trial, cancel: &CancelToken) -> Result<TrialOutput, ExecutorError> {
        let rank = self.rank(trial.commit);
        let mut state = self.state.lock().unwrap();
        let nth = state.calls.len();
        state.calls.push(trial.clone());
        state.inside.push(rank);
        drop(state);
        // Those that are about to come in have their turn to do so.
        (0..20).for_each(|_| std::thread::yield_now());
        let mut state = self.state.lock().unwrap();
        while state.inside.iter().any(|&other| other < rank) {
            state = self.left.wait(state).unwrap();
        }
        let at = state.inside.iter().position(|&inside| inside == rank).unwrap();
        state.inside.swap_remove(at);
        self.left.notify_all();
        drop(state);
        if cancel.is_cancelled() {
            return Ok(TrialOutput::without_run(Termination::Cancelled));
        }
        (self.script)(trial, nth)
    }
}

/// An exit with this status, and this on standard error.
pub(crate) fn exited(code: i32, text: &str) -> TrialOutput {
    let mut output = TrialOutput::without_run(Termination::Exited { code });
    text.clone_into(&mut output.stderr.text);
    output
}

/// A failure of the machine.
pub(crate) fn machine(kind: ExecutorErrorKind, message: &str) -> ExecutorError {
    ExecutorError::Remote { kind, message: message.to_owned() }
}
