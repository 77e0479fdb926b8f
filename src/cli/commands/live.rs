//! What is told while a command is at work.

use std::time::Duration;

use super::masked::{MaskedReporter, hidden};
use crate::cli::print;
use crate::cli::terminal::{can_animate, stderr_columns, stderr_style};
use crate::report::{
    LiveScreen, PlainReporter, Progress, Pulse, PulseView, PulsingReporter, Quiet, Reporter,
};

/// Seconds after which a silence is broken, where it is to be other than 30.
const SILENCE: &str = "PYBISECT_PULSE";

/// The live view of a search.
pub(super) fn reporter(quiet: bool) -> Box<dyn Reporter> {
    if quiet {
        Box::new(Quiet)
    } else if can_animate() {
        let screen = LiveScreen { columns: stderr_columns, hide: hidden };
        Box::new(MaskedReporter(Progress::new(stderr_style(), screen)))
    } else {
        let plain = PlainReporter::new(anstream::stderr(), stderr_style());
        Box::new(MaskedReporter(PulsingReporter::new(plain, pulse())))
    }
}

/// Rows on standard error whenever nothing else was told there for long.
pub(super) fn pulse() -> Pulse {
    // A log is read on any screen.
    let screen = LiveScreen { columns: || 80, hide: hidden };
    let asked = std::env::var(SILENCE).ok().and_then(|seconds| seconds.parse().ok());
    let silence = asked.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let silence = silence.unwrap_or(Duration::from_secs(30)).max(Duration::from_millis(100));
    Pulse::new(print::say, PulseView { style: stderr_style(), screen, silence })
}
