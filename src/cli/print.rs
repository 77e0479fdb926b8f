//! What the program writes: text for people, bytes for programs, a line about what happens.

use std::io::Write;

use super::terminal::stderr_style;
use super::{Error, ExitStatus};
use crate::model::{CancelReason, CancelToken};
use crate::report::{lines, printable};

/// Write text for people to standard output: nothing in it is a command for what reads it.
pub(crate) fn print_text(text: &[u8]) -> Result<ExitStatus, Error> {
    print(printable(&String::from_utf8_lossy(text)).as_bytes())
}

/// Write to standard output. A reader that went away is no error.
pub(crate) fn print(bytes: &[u8]) -> Result<ExitStatus, Error> {
    let mut stdout = anstream::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(Error::internal(error)),
        _ => Ok(ExitStatus::Success),
    }
}

/// A line on standard error, where a reader that went away is no error.
pub(crate) fn say(line: &str) {
    drop(writeln!(anstream::stderr(), "{}", printable(line)));
}

/// A warning on standard error.
pub(crate) fn warn(text: &str) {
    let style = stderr_style();
    drop(writeln!(anstream::stderr(), "{} {}", style.bold(style.warn("warning:")), lines(text)));
}

/// What to do after an interrupt, and what else there is to say of it, in rows.
pub(crate) fn resume_hint(cancel: &CancelToken, more: &[String], words: impl Iterator<Item = String>) {
    let style = stderr_style();
    let ended = match cancel.reason() {
        Some(CancelReason::Forced) => "killed",
        _ => "stopped",
    };
    let more: String = more.iter().map(|row| format!("\n  {}", printable(row))).collect();
    let end = if more.is_empty() { " " } else { "\n" };
    drop(writeln!(
        anstream::stderr(),
        "{ended}; what ran is kept.{more}{end}To go on:\n  {}",
        style.bold(shell_words::join(words))
    ));
}
