//! A session as a post-mortem: what is told in each of its forms, before it has one.
//!
//! The page ([`ReportHtml`](super::ReportHtml)) and the ticket ([`ReportMarkdown`]) say the same; what
//! they say is made here, in [`Prose`]: our words, and what others wrote, apart from each other.

mod countermeasures;
mod events;
mod headline;
mod incident;
mod markdown;
mod moment;
mod prose;
mod repeated;
#[cfg(test)]
pub(super) mod samples;
#[cfg(test)]
mod tests;
mod verdicts;
mod whys;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::escape::cleaned;
use super::phrases::duration;
use crate::model::texts::with_texts;
use crate::model::{
    CommitId, CommitInfo, Culprit, DowntimeBudget, FixReport, Incident, KeptOutput, Report, Status,
};

pub(super) use countermeasures::{Countermeasure, countermeasures};
pub(super) use events::events;
pub(super) use headline::{Certainty, Headline};
pub(super) use incident::{leave, state, title};
pub use markdown::ReportMarkdown;
pub(super) use moment::{Moment, Tone};
pub(super) use prose::{Piece, Prose};
pub use repeated::ends;
pub(super) use repeated::proofs;
pub(super) use verdicts::{Said, Verdicts, still_possible};
pub(super) use whys::whys;

/// A file of the failing test, and whether it was there when the culprit was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestFile {
    /// The file, from the top of the repository.
    pub path: String,
    /// What the culprit had under that path.
    pub at_culprit: Presence,
}

/// What a version has of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Presence {
    /// The file as it ran.
    Same,
    /// The file with another content.
    Other,
    /// Nothing.
    Absent,
}

/// All that a report is made of.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Postmortem {
    /// What the session came to.
    pub report: Report,
    /// The ends of what its trials printed.
    pub outputs: Vec<KeptOutput>,
    /// The commits of the range and its good ends, parents first; empty where the repository is not at hand.
    pub history: Vec<CommitInfo>,
    /// The culprit's diff, where there is one culprit.
    pub diff: Option<String>,
    /// Candidate fixes, where they were tested.
    pub fix: Option<FixReport>,
    /// The files of the failing test.
    pub tests: Vec<TestFile>,
    /// The command line that runs the search of the answer alone again, where it is known how the search was begun.
    pub again: Option<String>,
    /// Whether the search was stopped before its end, or goes on.
    pub is_unfinished: bool,
    /// When the search began, seconds since 1970-01-01 UTC.
    pub began: Option<i64>,
    /// The name of the repository.
    pub repository: String,
    /// The incident that it tells of, if any.
    #[serde(default)]
    pub incident: Option<Incident>,
    /// The downtime that is allowed.
    #[serde(default)]
    pub budget: Option<DowntimeBudget>,
    /// When this was written: an outage that is not over is told as it is then; `None` to say only that it is not over.
    #[serde(default)]
    pub written: Option<Timestamp>,
    /// Seconds that the service was down before, in the stretch of time of the budget.
    #[serde(default)]
    pub down_before: f64,
}

impl Postmortem {
    /// A copy with each text changed, such as to mask secrets; proofs are as they were: they hold no foreign text.
    #[must_use]
    pub fn with_texts(&self, mut change: impl FnMut(&str) -> Option<String>) -> Self {
        // What cannot be told with its texts changed is not told at all.
        let mut other = with_texts(self, &mut change).unwrap_or_default();
        other.report.keep_proofs(&self.report);
        other
    }

    /// How long the service was down, in words: as long as that is known, where it is not over.
    #[must_use]
    pub fn down(&self) -> Option<String> {
        let (seconds, so_far) = self.down_seconds()?;
        Some(format!("{}{so_far}", duration(seconds)))
    }

    /// How long the service was down, and the words for an outage that is not over.
    fn down_seconds(&self) -> Option<(f64, &'static str)> {
        let incident = self.incident.as_ref()?;
        let over = incident.downtime_seconds().map(|seconds| (seconds, ""));
        over.or_else(|| Some((incident.seconds_down_by(self.written?)?, " so far")))
    }

    /// What is spent of the downtime that is allowed, in words, and which part of it that is.
    #[must_use]
    pub fn spent(&self) -> Option<(String, f64)> {
        let (seconds, so_far) = self.down_seconds()?;
        let seconds = seconds + self.down_before;
        let budget = self.budget?;
        let before = match self.down_before {
            before if before > 0.0 => format!(", {} of it before", duration(before)),
            _ => String::new(),
        };
        Some((format!("{}{so_far}{before}", budget.told(seconds)), budget.share(seconds)))
    }

    /// As it may be shown: no text in it ends a line or moves a cursor.
    pub(super) fn cleaned(&self) -> Self {
        let mut other = cleaned(self);
        other.report.keep_proofs(&self.report);
        other
    }

    /// The culprit, where trials prove that it is the one.
    pub(super) fn proven(&self) -> Option<&Culprit> {
        let first = self.report.culprits.first()?;
        (self.report.status == Status::Found && first.proof.is_some() && !self.is_unfinished).then_some(first)
    }

    /// Whether something is named as the cause, though it may be one of several, or not proven; or there was an incident.
    /// Without, there is nothing to look back at yet.
    pub(super) fn has_answer(&self) -> bool {
        let is_named = matches!(self.report.status, Status::Found | Status::Ambiguous);
        (is_named && !self.is_unfinished) || self.incident.is_some()
    }

    /// What is known of a commit.
    pub(super) fn commit(&self, id: CommitId) -> Option<&CommitInfo> {
        let known = self.report.culprits.iter().map(|culprit| &culprit.commit);
        known
            .chain(&self.report.last_good)
            .chain(self.report.suspects.iter().map(|suspect| &suspect.commit))
            .find(|commit| commit.id == id)
            .or_else(|| self.history.iter().find(|commit| commit.id == id))
    }
}
