//! Errors as the user sees them: what is wrong, and what to type about it.

use std::io::Write;

use clap::error::{ContextKind, ContextValue, ErrorKind as ClapErrorKind};

use super::{ExitStatus, terminal};
use crate::report::lines;
use crate::respond::{DeployError, RecordError};
use crate::setup::{CorrectedCommand, ErrorKind};

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

/// What is wrong where a word is no option, but one of the command under test: that goes after `--`, which is easily
/// forgotten.
pub(super) fn where_the_command_goes(error: &clap::Error) -> Option<Error> {
    if error.kind() != ClapErrorKind::UnknownArgument {
        return None;
    }
    let Some(ContextValue::String(wrong)) = error.get(ContextKind::InvalidArg) else { return None };
    let right = CorrectedCommand::now().with_dashes()?;
    let command = right.words().iter().skip_while(|word| *word != "--");
    // Before the command, it is an option that is not known.
    let is_of_command = command.skip(1).any(|word| word == wrong || word.starts_with(wrong));
    is_of_command.then(|| Error::usage("the command goes after --").hinted(right.to_string()))
}

/// Write an error to standard error: the chain of causes in one line, then the hints.
pub(super) fn print(error: &Error) {
    let style = terminal::stderr_style();
    let mut stderr = anstream::stderr().lock();
    // A closed stderr leaves nobody to tell.
    let text = format!("error: {}", lines(&error.to_string()));
    for (at, row) in terminal::stderr_rows(&text).iter().enumerate() {
        drop(match row.strip_prefix("error:").filter(|_| at == 0) {
            Some(rest) => writeln!(stderr, "{}{rest}", style.bold(style.bad("error:"))),
            None => writeln!(stderr, "{row}"),
        });
    }
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
        ErrorKind::Interrupted => ExitStatus::Interrupted,
    }
}
