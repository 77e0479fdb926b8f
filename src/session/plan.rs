//! The resolved inputs of one session.

use std::time::Duration;

use regex::Regex;

use crate::model::event::Isolation;
use crate::model::{CommitId, TrialSpec};

/// A file laid over every tree.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct OverlayFile {
    /// Where the file goes, relative to the tree's root, with `/`.
    pub path: String,
    /// The file's content.
    pub content: Vec<u8>,
    /// Whether the file may be executed.
    pub executable: bool,
}

/// When a failing trial counts as *the* failure.
#[derive(Debug, Clone)]
pub enum Matching {
    /// When its signature matches the one seen at bad.
    Signature,
    /// Always.
    AnyFailure,
    /// When its output matches a pattern.
    Pattern(Regex),
}

/// The failing test to search for, as the user names it: its id, or a regular expression on ids.
#[derive(Debug, Clone)]
pub struct TestChoice {
    /// The choice as given.
    pub text: String,
    /// The choice as a pattern, where it is one.
    pub pattern: Option<Regex>,
}

impl TestChoice {
    /// Read what the user gave.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self { text: text.to_owned(), pattern: Regex::new(text).ok() }
    }

    /// Which of these ids is chosen: those that are called so, or else those that the pattern finds.
    pub fn chosen<'a>(&self, ids: impl Iterator<Item = &'a str> + Clone) -> Vec<&'a str> {
        let exact: Vec<&str> = ids.clone().filter(|id| *id == self.text).collect();
        if !exact.is_empty() {
            return exact;
        }
        let matches = |id: &&str| self.pattern.as_ref().is_some_and(|pattern| pattern.is_match(id));
        ids.filter(matches).collect()
    }
}

/// What to find, where, and how.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Commits known as good; empty to look for one backwards from `bad`. With `find_fix`: commits
    /// known as broken.
    pub good: Vec<CommitId>,
    /// The commit whose failure is to be explained. With `find_fix`: a commit where it is mended.
    pub bad: CommitId,
    /// How trials run. Its `timeout` is what the user set; without one, limits are derived from the
    /// endpoints' times.
    pub recipe: TrialSpec,
    /// Files laid over every tree.
    pub overlay: Vec<OverlayFile>,
    /// When a failing trial counts.
    pub matching: Matching,
    /// The tests to search for, of several that fail; `None` for all that newly fail.
    pub target: Option<TestChoice>,
    /// When trials of the search run the failing tests only.
    pub only_failing: super::OnlyFailing,
    /// Look for the commit that mended the failure: good and bad change places.
    pub find_fix: bool,
    /// Whether to go on from the commit to the edits that broke it.
    pub narrow: bool,
    /// Watch what the failing run reads and executes: it tells where to search.
    pub watch: bool,
    /// Follow first parents only.
    pub first_parent: bool,
    /// Only commits that touch these.
    pub pathspecs: Vec<String>,
    /// How probable the culprit has to be before the search stops, 0 to 1.
    pub confidence: f64,
    /// Run every trial, also those whose outcome is recorded.
    pub fresh: bool,
    /// Fingerprint of all that lies outside of tree and recipe and can change an outcome.
    pub environment_key: String,
    /// Facts of the environment, for the report.
    pub environment: Vec<(String, String)>,
    /// What isolation is in force, for the report.
    pub isolation: Isolation,
    /// The command, for people.
    pub command_text: String,
    /// The repository's folder, for people.
    pub repository: String,
    /// What the user should know of all this before it begins.
    pub notes: Vec<String>,
}

/// Time limits where the user set none.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits;

impl Limits {
    /// Longest wait for an endpoint while the other has not ended either: a hang at both ends.
    pub(super) const ENDPOINT: Duration = Duration::from_secs(1800);
    /// The same where the environment is made first, which may take long as well, and for a command of which nothing is
    /// known.
    pub(super) const LONGEST: Duration = Duration::from_secs(3600);
    /// A trial gets this many times the slowest endpoint's time.
    const FACTOR: u32 = 10;
    /// And never less than this.
    const LEAST: Duration = Duration::from_secs(20);

    /// The limit when the slowest endpoint that ended by itself took this long.
    pub(super) fn after(slowest: Duration) -> Duration {
        (slowest * Self::FACTOR).max(Self::LEAST)
    }
}

/// When trials of the search run the failing tests only.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnlyFailing {
    /// Where the suite takes long.
    #[default]
    Auto,
    /// Wherever the command can be rewritten.
    Always,
    /// Never.
    Never,
}
