//! What is kept of what a trial printed, to be shown later.

use serde::{Deserialize, Serialize};

use super::{Captured, CommitId, Termination, TrialId, TrialKind, VerdictKind};

/// Bytes that are kept of a trial's output, of both streams together.
pub const MOST_KEPT: usize = 64 << 10;

/// The end of what a trial's command printed, with its secrets masked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptOutput {
    /// The trial's number in its session.
    pub trial: TrialId,
    /// The commit that it ran on.
    pub commit: CommitId,
    /// What the trial was for.
    pub purpose: TrialKind,
    /// What the trial says: `good`, `bad`, `skip`.
    pub verdict: VerdictKind,
    /// How the command ended.
    #[serde(flatten)]
    pub ending: Termination,
    /// The end of standard output; `bytes` counts what was written, not what is kept.
    pub stdout: Captured,
    /// The end of standard error.
    pub stderr: Captured,
}

impl KeptOutput {
    /// The last lines of both streams that are not empty, standard output first.
    #[must_use]
    pub fn last_lines(&self, most: usize) -> Vec<&str> {
        let streams = [&self.stdout.text, &self.stderr.text];
        let lines: Vec<&str> = streams
            .into_iter()
            .flat_map(|text| text.lines())
            .filter(|line| !line.trim().is_empty())
            .collect();
        lines[lines.len().saturating_sub(most)..].to_vec()
    }
}

/// The ends of two streams that fit into so many bytes together: a short one leaves its room to the other. Each begins
/// with a whole line where it was cut.
#[must_use]
pub fn ends<'t>(stdout: &'t str, stderr: &'t str, most: usize) -> (&'t str, &'t str) {
    let half = most / 2;
    let of_stdout = half.max(most.saturating_sub(stderr.len()));
    let of_stderr = half.max(most.saturating_sub(stdout.len()));
    (end(stdout, of_stdout), end(stderr, of_stderr))
}

fn end(text: &str, most: usize) -> &str {
    let Some(from) = text.len().checked_sub(most).filter(|from| *from > 0) else { return text };
    let from = (from..text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
    let cut = &text[from..];
    // A line that is longer than all that is kept stays cut.
    match cut.find('\n') {
        Some(at) if at + 1 < cut.len() => &cut[at + 1..],
        _ => cut,
    }
}

/// How a command ended, in words: `exit status 1`, `timeout after 20 s`.
#[must_use]
pub fn ending_words(ending: &Termination) -> String {
    match ending {
        Termination::Exited { code } => format!("exit status {code}"),
        Termination::Signalled { signal } => format!("signal {signal}"),
        Termination::TimedOut { after_ms } => {
            format!("no end after {:.0} s", std::time::Duration::from_millis(*after_ms).as_secs_f64())
        }
        Termination::NotStarted { error } => format!("cannot be started: {error}"),
        Termination::SetupFailed { reason } => format!("setup failed: {reason}"),
        Termination::NoEnvironment { .. } => "no environment".to_owned(),
        Termination::NoTree { reason } => reason.clone(),
        Termination::MachineFailed { reason } => format!("the machine failed: {reason}"),
        Termination::Cancelled => "cancelled".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_fit_and_begin_with_whole_lines() {
        assert_eq!(ends("ab\ncd\n", "x", 100), ("ab\ncd\n", "x"));
        assert_eq!(ends("ab\ncd\nef\n", "", 5), ("ef\n", ""));
        // A short stream leaves its room to the other.
        assert_eq!(ends("1234567\nabcdefg\n", "x\n", 12), ("abcdefg\n", "x\n"));
        assert_eq!(ends("éééé", "", 3), ("é", ""));
    }

    #[test]
    fn the_last_lines_are_those_of_standard_error_and_before_them_those_of_standard_output() {
        let text = |text: &str| Captured { text: text.to_owned(), bytes: 0 };
        let kept = KeptOutput {
            trial: TrialId(0),
            commit: CommitId::from_bytes([1; 20]),
            purpose: TrialKind::Endpoint,
            verdict: VerdictKind::Bad,
            ending: Termination::Exited { code: 1 },
            stdout: text("a\nb\n\n"),
            stderr: text("c\n"),
        };
        assert_eq!(kept.last_lines(2), ["b", "c"]);
        assert_eq!(ending_words(&kept.ending), "exit status 1");
    }
}
