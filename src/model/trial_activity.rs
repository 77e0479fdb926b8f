//! What a trial does at the moment, for whoever watches it.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Bytes of a line that are kept: more than a terminal is wide.
const LONGEST: usize = 400;

/// How far a trial has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TrialPhase {
    /// No slot is free for it, or its machine has not begun.
    #[default]
    Waiting,
    /// The packages of its version are being installed.
    Packages,
    /// Its tree is being checked out.
    Checkout,
    /// The set-up command runs.
    Setup,
    /// The command runs.
    Running,
}

impl TrialPhase {
    /// The phase in one word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Packages => "packages",
            Self::Checkout => "checkout",
            Self::Setup => "setup",
            Self::Running => "running",
        }
    }
}

/// The phase of a trial and the line that it printed last. Clones share both: one is with whoever runs the trial, one with
/// whoever shows it.
#[derive(Clone, Default)]
pub struct TrialActivity(Arc<Mutex<Now>>);

#[derive(Default)]
struct Now {
    phase: TrialPhase,
    /// Since when.
    entered: Option<Instant>,
    line: Vec<u8>,
    /// Whether more of the line may come.
    is_open: bool,
}

impl TrialActivity {
    /// The trial comes to its next phase.
    pub fn enter(&self, phase: TrialPhase) {
        let mut now = self.now();
        now.phase = phase;
        now.entered = Some(Instant::now());
    }

    /// Since when the command runs; `None` where it does not, or where that is not known.
    #[must_use]
    pub fn runs_since(&self) -> Option<Instant> {
        let now = self.now();
        now.entered.filter(|_| now.phase == TrialPhase::Running)
    }

    /// The trial printed this.
    pub fn print(&self, bytes: &[u8]) {
        let mut now = self.now();
        // What came before the last lines of a long output is not shown.
        let skipped = bytes.len().saturating_sub(4 * LONGEST);
        now.is_open &= skipped == 0;
        for (number, piece) in bytes[skipped..].split(is_end).enumerate() {
            now.is_open &= number == 0;
            if piece.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            if !std::mem::replace(&mut now.is_open, true) {
                now.line.clear();
            }
            let room = LONGEST - now.line.len();
            now.line.extend_from_slice(&piece[..piece.len().min(room)]);
        }
        now.is_open &= bytes.last().is_some_and(|last| !is_end(last));
    }

    /// How far it has come.
    #[must_use]
    pub fn phase(&self) -> TrialPhase {
        self.now().phase
    }

    /// The last line with something on it, as it was printed: raw, and cut at 400 bytes.
    #[must_use]
    pub fn last_line(&self) -> String {
        String::from_utf8_lossy(&self.now().line).into_owned()
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Progress bars go back to the beginning of their line.
const fn is_end(byte: &u8) -> bool {
    matches!(byte, b'\n' | b'\r')
}

impl fmt::Debug for TrialActivity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TrialActivity").field("phase", &self.phase()).finish_non_exhaustive()
    }
}

/// What a trial does at the moment is no part of what it is.
impl PartialEq for TrialActivity {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(pieces: &[&str]) -> String {
        let activity = TrialActivity::default();
        pieces.iter().for_each(|piece| activity.print(piece.as_bytes()));
        activity.last_line()
    }

    #[test]
    fn the_last_line_grows_until_it_ends() {
        assert_eq!(printed(&[]), "");
        assert_eq!(printed(&["tests/test_app.py ", ".", "F"]), "tests/test_app.py .F");
        assert_eq!(printed(&["one\ntwo\n", "\n  \n"]), "two");
        assert_eq!(printed(&["one\n", "two"]), "two");
        assert_eq!(printed(&["one", "\ntwo", "\n", "three"]), "three");
        assert_eq!(printed(&[" 10 %\r", " 20 %\r"]), " 20 %");
    }

    #[test]
    fn a_long_line_is_cut_and_the_next_is_seen() {
        let long = "x".repeat(1_000_000);
        assert_eq!(printed(&[&long, &long]).len(), LONGEST);
        assert_eq!(printed(&[&long, "\nnext"]), "next");
        assert_eq!(printed(&[&format!("{long}\nnext")]), "next");
    }
}
