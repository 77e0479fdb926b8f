//! A trial whose machine fails runs again, and is skipped in the end: a machine says nothing of a commit.

use super::{Executor, ExecutorError, ExecutorErrorKind};
use crate::model::{CancelToken, Termination, Trial, TrialOutput};

/// How often a trial is run once more when its machine fails.
const RETRIES: u32 = 2;

/// Run a trial; once more when its machine fails, and at last without a result ([`Termination::MachineFailed`]).
///
/// # Errors
/// When no trial can run any more.
pub fn run_with_retries(
    executor: &dyn Executor,
    trial: &Trial,
    cancel: &CancelToken,
) -> Result<TrialOutput, ExecutorError> {
    let mut trial = trial.clone();
    loop {
        let error = match executor.run(&trial, cancel) {
            Ok(output) => return Ok(output),
            Err(error) => error,
        };
        if cancel.is_cancelled() {
            return Ok(TrialOutput::without_run(Termination::Cancelled));
        }
        match error.kind() {
            ExecutorErrorKind::Fatal => return Err(error),
            ExecutorErrorKind::Retryable if trial.attempt < RETRIES => trial.attempt += 1,
            ExecutorErrorKind::Retryable | ExecutorErrorKind::Rejected => {
                let tries = trial.attempt + 1;
                let reason = if tries > 1 {
                    format!("{} ({tries} tries)", error.in_words())
                } else {
                    error.in_words()
                };
                return Ok(TrialOutput::without_run(Termination::MachineFailed { reason }));
            }
        }
    }
}
