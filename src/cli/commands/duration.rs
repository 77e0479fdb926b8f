//! `--timeout`: durations as they are written.

use std::time::Duration;

use crate::cli::CliError;

/// `90s`, `2m`, `1m30s`, or a number of seconds.
pub(super) fn parse_duration(text: &str) -> Result<Duration, CliError> {
    let wrong = || {
        CliError::usage(format!("'{text}' is not a duration"))
            .hinted("like this: --timeout 90s, --timeout 2m, --timeout 1m30s")
    };
    if let Ok(seconds) = text.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok().filter(|limit| !limit.is_zero()).ok_or_else(wrong);
    }
    let span: jiff::SignedDuration = text.parse().map_err(|_| wrong())?;
    Duration::try_from(span).ok().filter(|limit| !limit.is_zero()).ok_or_else(wrong)
}
