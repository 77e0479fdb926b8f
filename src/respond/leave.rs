//! Steps that a person gives leave to, or wants done again; pure.

use crate::model::{Incident, StepId, StepKind, StepState};

/// Why a step cannot be approved, or done again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LeaveError {
    /// There is none.
    #[error("no step '{word}' waits for leave")]
    Unknown {
        /// How it was called.
        word: String,
        /// Those that there are.
        known: Vec<&'static str>,
    },
    /// It is over.
    #[error("{word} is {state} already")]
    Over {
        /// How it was called.
        word: String,
        /// How it ended.
        state: &'static str,
    },
    /// It did not fail.
    #[error("{word} did not fail: it is {state}")]
    NotFailed {
        /// How it was called.
        word: String,
        /// How it is.
        state: &'static str,
    },
}

fn is_called(id: StepId, word: &str) -> bool {
    id.kind.word() == word || id.to_string() == word
}

/// The steps that somebody gives leave to by this word.
///
/// # Errors
/// When none of them waits, or will.
pub fn steps_to_approve(incident: &Incident, word: &str) -> Result<Vec<StepId>, LeaveError> {
    let steps = incident.steps.iter().filter(|step| step.id.kind.acts() && is_called(step.id, word));
    let (over, open): (Vec<_>, Vec<_>) = steps.partition(|step| step.state.is_over());
    match (over.first(), open.is_empty()) {
        (_, false) => Ok(open.into_iter().map(|step| step.id).collect()),
        (Some(step), true) => Err(LeaveError::Over { word: word.to_owned(), state: step.state.word() }),
        (None, true) => {
            let known = StepKind::ALL
                .into_iter()
                .filter(|kind| kind.acts() && incident.steps.iter().any(|step| step.id.kind == *kind))
                .map(StepKind::word)
                .collect();
            Err(LeaveError::Unknown { word: word.to_owned(), known })
        }
    }
}

/// The step that is to be done again by this word: the first of them that failed.
///
/// # Errors
/// When none failed.
pub fn step_to_retry(incident: &Incident, word: &str) -> Result<StepId, LeaveError> {
    let mut steps = incident.steps.iter().filter(|step| is_called(step.id, word)).peekable();
    let Some(first) = steps.peek().copied() else {
        let failed = incident.steps.iter().filter(|step| step.state == StepState::Failed);
        let known = failed.map(|step| step.id.kind.word()).collect();
        return Err(LeaveError::Unknown { word: word.to_owned(), known });
    };
    let failed = steps.find(|step| step.state == StepState::Failed).map(|step| step.id);
    failed.ok_or_else(|| LeaveError::NotFailed { word: word.to_owned(), state: first.state.word() })
}
