//! The rows of a trial in the live view.

use std::time::Duration;

use super::Style;
use super::columns::{cut, fill};
use super::escape::{cleaned, one_line, without_colours};
use super::phrases::duration;
use crate::model::{EventKind, TrialActivity, TrialPhase};

/// Columns before what a row says: the spinner, the commit, the phase, the time.
const LABELS: usize = 29;
/// The column under which a trial's own words stand.
const INDENT: usize = 15;

/// Where rows are shown.
#[derive(Debug, Clone, Copy)]
pub struct LiveScreen {
    /// How wide the terminal is now.
    pub columns: fn() -> usize,
    /// What others printed, without secrets.
    pub hide: fn(&str) -> String,
}

/// A trial that runs.
#[derive(Debug, Clone)]
pub(super) struct LiveTrial {
    pub(super) commit: String,
    pub(super) subject: String,
    pub(super) activity: TrialActivity,
}

impl LiveTrial {
    /// The trial that begins, as it may be shown.
    pub(super) fn of(begins: &EventKind, activity: &TrialActivity) -> Option<Self> {
        let EventKind::TrialStarted { commit, subject, .. } = cleaned(begins) else { return None };
        Some(Self { commit: commit.short(), subject, activity: activity.clone() })
    }

    /// What it does and for how long, and below it the line that it printed last, once it printed any.
    /// The first row leaves so many columns to what stands beside it.
    pub(super) fn rows(&self, elapsed: Duration, taken: usize, screen: LiveScreen, style: Style) -> String {
        let columns = (screen.columns)().saturating_sub(1);
        let phase = self.activity.phase();
        let seconds = match elapsed.as_secs() {
            seconds @ ..60 => format!("{seconds} s"),
            _ => duration(elapsed.as_secs_f64()),
        };
        let row = format!(
            "{}  {} {}  {}",
            style.name(&self.commit),
            fill(phase.word(), 8),
            fill(&seconds, 4),
            cut(&self.subject, columns.saturating_sub(LABELS + taken)),
        );
        let printed = if phase == TrialPhase::Running { self.activity.last_line() } else { String::new() };
        if printed.is_empty() {
            return row;
        }
        let printed = (screen.hide)(&without_colours(&printed));
        let printed = cut(one_line(printed.trim_end()).as_ref(), columns.saturating_sub(INDENT));
        format!("{row}\n{}{}", " ".repeat(INDENT), style.dim(printed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCREEN: LiveScreen =
        LiveScreen { columns: || 50, hide: |text| text.replace("s3cr3t", "[redacted]") };

    fn rows(phase: TrialPhase, printed: &str) -> Vec<String> {
        let activity = TrialActivity::default();
        activity.enter(phase);
        activity.print(printed.as_bytes());
        let subject = "Make it more resistant to additions".to_owned();
        let trial = LiveTrial { commit: "4ed1ba41d".to_owned(), subject, activity };
        let rows = trial.rows(Duration::from_millis(2_700), 0, SCREEN, Style::new(false));
        rows.lines().map(str::to_owned).collect()
    }

    #[test]
    fn a_trial_is_shown_with_its_phase_and_its_last_words_within_the_terminal() {
        assert_eq!(rows(TrialPhase::Packages, ""), ["4ed1ba41d  packages 2 s   Make it more resist…"]);
        let shown = rows(TrialPhase::Running, "\u{1b}[32mtests/test_app.py\u{1b}[0m .F");
        assert_eq!(shown[0], "4ed1ba41d  running  2 s   Make it more resist…");
        assert_eq!(shown[1], "               tests/test_app.py .F");
        let long = rows(TrialPhase::Running, &format!("login s3cr3t \u{1b}]0;title\u{7} {}", "x".repeat(90)));
        assert!(long.iter().all(|row| super::super::columns::width(row) <= 49), "{long:?}");
        assert!(long[1].contains("login [redacted] ]0;title"), "{long:?}");
    }

    /// What the set-up printed says nothing of the command.
    #[test]
    fn only_a_command_that_runs_is_quoted() {
        assert_eq!(rows(TrialPhase::Setup, "make: done").len(), 1);
    }
}
