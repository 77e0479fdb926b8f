//! Errors as the user sees them: what is wrong, and what to type about it.

use std::io::Write;

use super::{ExitStatus, terminal};
use crate::report::lines;
use crate::respond::{DeployError, RecordError};
use crate::setup::{ErrorKind, Retyped};

pub use crate::setup::Error;

impl From<RecordError> for Error {
    fn from(error: RecordError) -> Self {
        Self::usage_of(error)
    }
}

impl From<DeployError> for Error {
    fn from(error: DeployError) -> Self {
        match error {
            DeployError::Git(error) => error.into(),
            error @ DeployError::NoRemote { .. } => {
                Self::usage_of(error).hinted("see them: git remote -v; add one: git remote add NAME URL")
            }
            other => Self::usage_of(other),
        }
    }
}

/// After a word that is no option: the command under test goes after `--`, which is easily forgotten.
pub(super) fn say_where_the_command_goes() {
    let typed = Retyped::now();
    let Some(right) = typed.with_dashes() else { return };
    let style = terminal::stderr_style();
    drop(writeln!(
        anstream::stderr(),
        "{} the command goes after --: {}",
        style.bold("hint:"),
        lines(&right.to_string())
    ));
}

/// Write an error to standard error: the chain of causes in one line, then the hints.
pub(super) fn print(error: &Error) {
    let style = terminal::stderr_style();
    let mut stderr = anstream::stderr().lock();
    // A closed stderr leaves nobody to tell.
    drop(writeln!(stderr, "{} {}", style.bold(style.bad("error:")), lines(&error.to_string())));
    for hint in error.hints() {
        drop(writeln!(stderr, "{} {}", style.bold("hint:"), lines(hint)));
    }
}

/// How the program ends after an error.
#[must_use]
pub(super) const fn exit_status(error: &Error) -> ExitStatus {
    match error.kind() {
        ErrorKind::Usage => ExitStatus::Usage,
        ErrorKind::Internal => ExitStatus::Internal,
        ErrorKind::Environment => ExitStatus::NotRun,
        ErrorKind::NotReproduced => ExitStatus::NotReproduced,
    }
}
