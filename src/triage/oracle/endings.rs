//! Endings of a trial that decide by themselves.

use super::super::reasons::last_words;
use super::super::signature::crash_signal;
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
