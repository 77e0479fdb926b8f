//! What the runs that decided printed: shown wherever there is no answer, since a reason in our words may be the wrong one.

use super::SessionError;
use super::state::Session;
use crate::model::event::{OutputTail, WhichEnd};
use crate::model::kept_output::ending_words;
use crate::model::{CommitId, Conclusion, EventKind, Inconclusive, SkipKind, TrialOutput};
use crate::triage::ansi::strip;
use crate::triage::message_shape::within_tree;
use crate::triage::redact::redact;

/// Commits that could not be tested of which the output is shown: one for each of so many kinds of reasons.
const MOST_SKIPPED: usize = 2;

impl Session<'_> {
    /// Keep what an end of the range printed, the last time that it ran.
    pub(super) fn keep_output(&mut self, commit: CommitId, output: &TrialOutput) {
        if self.end_of(commit).is_some() {
            self.printed.ends.retain(|(known, _)| *known != commit);
            self.printed.ends.push((commit, output.clone()));
        }
    }

    /// Keep what a commit printed that cannot be tested.
    pub(super) fn keep_skipped(&mut self, kind: SkipKind, commit: CommitId, output: &TrialOutput) {
        let skipped = &mut self.printed.skipped;
        if skipped.len() < MOST_SKIPPED && !skipped.iter().any(|(known, ..)| *known == kind) {
            skipped.push((kind, commit, output.clone()));
        }
    }

    /// Which end of the range a commit is, in the user's words.
    fn end_of(&self, commit: CommitId) -> Option<WhichEnd> {
        match (commit == self.plan.bad, self.plan.good.contains(&commit), self.plan.find_fix) {
            (true, _, false) | (_, true, true) => Some(WhichEnd::Bad),
            (true, _, true) | (_, true, false) => Some(WhichEnd::Good),
            (false, false, _) => None,
        }
    }

    /// Where there is no answer, show what the command printed at the ends, or where commits could not be tested.
    pub(super) fn say_outputs(&mut self, conclusion: &Conclusion) -> Result<(), SessionError> {
        let is_stopped =
            matches!(conclusion, Conclusion::Inconclusive { why: Inconclusive::Interrupted, .. });
        if is_stopped || matches!(conclusion, Conclusion::Found { .. }) {
            return Ok(());
        }
        let printed = std::mem::take(&mut self.printed);
        let is_of_ends = !matches!(conclusion, Conclusion::Ambiguous { .. });
        for (commit, output) in printed.ends.into_iter().filter(|_| is_of_ends) {
            self.say_output(commit, &output)?;
        }
        for (_, commit, output) in printed.skipped {
            if self.end_of(commit).is_none() {
                self.say_output(commit, &output)?;
            }
        }
        Ok(())
    }

    fn say_output(&mut self, commit: CommitId, output: &TrialOutput) -> Result<(), SessionError> {
        let tail = OutputTail {
            commit,
            lines: last_lines(output),
            end: self.end_of(commit),
            ended: ending_words(&output.ending),
        };
        self.journal.say(EventKind::Output(tail))
    }
}

/// The last lines of both streams, as text that is safe to show anywhere.
fn last_lines(output: &TrialOutput) -> Vec<String> {
    const MOST: usize = 20;
    const WIDEST: usize = 400;
    let clean = |line: &str| -> String {
        line.chars()
            .map(|letter| if letter == '\t' { ' ' } else { letter })
            .filter(|letter| !letter.is_control())
            .take(WIDEST)
            .collect()
    };
    let end = |stream: &str| {
        let text = strip(stream);
        let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        let end = lines[lines.len().saturating_sub(MOST)..].join("\n");
        within_tree(&redact(&end)).lines().map(clean).collect::<Vec<String>>()
    };
    let mut lines = end(&output.stdout.text);
    lines.extend(end(&output.stderr.text));
    lines.split_off(lines.len().saturating_sub(MOST))
}
