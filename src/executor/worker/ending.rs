//! What a worker wrote down: the end of a trial, or a failure of its own.

use super::output::last_line;
use super::script::State;
use crate::executor::{ExecutorError, ExecutorErrorKind};
use crate::model::{Termination, TrialSpec};

/// How the command ended; what is wrong when that is not known.
pub(in crate::executor) fn ending(
    state: &State,
    exit_code: i32,
    recipe: &TrialSpec,
) -> Result<Termination, String> {
    match *state {
        State::Ended(code) if code != exit_code => {
            Err(format!("the command ended with status {code}, and the worker tells of {exit_code}"))
        }
        // A shell tells of a signal like this.
        State::Ended(code @ (132..=137 | 139 | 143)) => Ok(Termination::Signalled { signal: code - 128 }),
        State::Ended(code) => Ok(Termination::Exited { code }),
        State::SetupFailed(code) => Ok(Termination::SetupFailed { reason: format!("exit status {code}") }),
        State::NoFolder => {
            let folder = recipe.subdir.display();
            Ok(Termination::NotStarted { error: format!("there is no folder '{folder}' in this tree") })
        }
        State::Began | State::SettingUp => {
            Err(format!("the worker ended the command from outside (exit status {exit_code})"))
        }
        State::Nothing => Err(format!("the worker did not come to the command (exit status {exit_code})")),
    }
}

/// How a trial ended that took longer than it may; an error when it is not known to have run. `ran_all` says whether it
/// took that time itself.
pub(in crate::executor) fn overdue(
    state: &State,
    after_ms: u64,
    ran_all: bool,
) -> Result<Termination, ExecutorError> {
    match state {
        State::SettingUp => Ok(Termination::SetupFailed { reason: format!("not done after {after_ms} ms") }),
        State::Began | State::Ended(_) => Ok(Termination::TimedOut { after_ms }),
        _ if ran_all => Ok(Termination::TimedOut { after_ms }),
        _ => {
            let message = "the time of the trial was over before its command is known to have begun";
            let message = message.to_owned();
            Err(ExecutorError::Remote { kind: ExecutorErrorKind::Retryable, message })
        }
    }
}

/// A result that comes of the worker: what was seen, on which one, and what it said last.
pub(in crate::executor) fn failed(why: &str, worker: &str, said: &str) -> ExecutorError {
    let on = if worker.is_empty() { String::new() } else { format!(" on {worker}") };
    let last = last_line(said);
    let said = if last.is_empty() { String::new() } else { format!(": {last}") };
    ExecutorError::Remote { kind: ExecutorErrorKind::Retryable, message: format!("{why}{on}{said}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_end_that_was_written_down_and_is_told_alike_is_the_commands() {
        let told = |state: State, exit_code| ending(&state, exit_code, &TrialSpec::default());
        assert_eq!(told(State::Ended(1), 1), Ok(Termination::Exited { code: 1 }));
        assert_eq!(told(State::Ended(139), 139), Ok(Termination::Signalled { signal: 11 }));
        assert_eq!(told(State::Ended(129), 129), Ok(Termination::Exited { code: 129 }));
        for (state, code) in [
            (State::Ended(0), 1),
            (State::Nothing, 1),
            (State::Nothing, 0),
            (State::Began, 137),
            (State::SettingUp, 1),
        ] {
            assert!(told(state.clone(), code).is_err(), "{state:?} {code}");
        }
    }
}
