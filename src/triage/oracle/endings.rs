//! Endings of a trial that decide by themselves.

use super::super::reasons::{last_words, not_runnable, nothing_passed};
use super::super::runners::{CommandFacts, Runner};
use super::super::signature::{ParsedOutput, crash_signal};
use crate::model::{SkipKind, Termination, TrialOutput, Verdict};

/// Endings that are skips whatever the target is.
pub(super) fn says_nothing(output: &TrialOutput) -> Option<Verdict> {
    let ending = &output.ending;
    let skip = |kind, reason: String| Some(Verdict::skip(kind, reason));
    match ending {
        Termination::Exited { code: 125 } => skip(SkipKind::Requested, "exit status 125".to_owned()),
        Termination::Exited { code: code @ (126 | 127) } => {
            skip(SkipKind::CommandNotFound, format!("command not found here (exit status {code})"))
        }
        Termination::NotStarted { error } => {
            skip(SkipKind::CommandNotFound, format!("command cannot be started here: {error}"))
        }
        Termination::SetupFailed { reason } => {
            skip(SkipKind::Setup, format!("setup failed: {reason}{}", last_words(output)))
        }
        Termination::NoTree { reason } => skip(SkipKind::Tree, reason.clone()),
        Termination::MachineFailed { reason } => {
            skip(SkipKind::Machine, format!("the machine failed: {reason}"))
        }
        Termination::NoEnvironment { reason } => {
            skip(SkipKind::Environment, format!("no environment: {reason}"))
        }
        Termination::Cancelled => skip(SkipKind::Requested, "cancelled".to_owned()),
        Termination::Signalled { signal } if crash_signal(ending).is_none() => {
            skip(SkipKind::NotRunnable, format!("ended from outside by signal {signal}"))
        }
        Termination::Exited { .. } | Termination::Signalled { .. } | Termination::TimedOut { .. } => None,
    }
}

/// Why a run with another status than 0 came to no test: a runner that did not start, could not collect, found nothing.
pub(super) fn ran_nothing(
    output: &TrialOutput,
    reading: &ParsedOutput,
    command: CommandFacts,
) -> Option<(SkipKind, String)> {
    let run = reading.summary.as_ref();
    let code = exit_code(&output.ending)?;
    if let Some(run) = run {
        if let Some(why) = &run.not_started {
            return Some((SkipKind::NotRunnable, format!("{} could not start: {why}", run.runner)));
        }
        if run.only_collection_failed() {
            return Some((SkipKind::NotRunnable, not_runnable(2, output, reading)));
        }
        let one_is_in_vain = || !run.anything_failed() && run.parts.iter().any(|part| !part.passed);
        if run.is_closed && (run.nothing_ran() || one_is_in_vain()) {
            return Some((SkipKind::NothingPassed, nothing_passed(run)));
        }
    }
    // The status is pytest's own only where nothing stands between.
    let is_pytests = command.runner == Some(Runner::Pytest) && (2..=5).contains(&code);
    let nothing_failed =
        run.is_none_or(|run| !run.anything_failed() && (run.nothing_passed() || run.interrupted));
    (is_pytests && nothing_failed).then(|| (SkipKind::NotRunnable, not_runnable(code, output, reading)))
}

/// The status with which it ended, where it has one.
pub(super) const fn exit_code(ending: &Termination) -> Option<i32> {
    match ending {
        Termination::Exited { code } => Some(*code),
        _ => None,
    }
}
