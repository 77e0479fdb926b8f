//! What is mined, and what came of it.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

/// Where the test comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// The commit that mended it brought the test.
    Mended,
    /// The commit changed what the test expected.
    Changed,
}

/// A test that passed once and fails.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct History {
    /// A commit at which the command passes.
    pub(crate) good: String,
    /// A commit at which it fails.
    pub(crate) bad: String,
    /// Commits between them, bad among them.
    pub(crate) commits: usize,
    /// The commit whose test files are laid over every commit.
    pub(crate) tests_of: String,
    /// These files.
    pub(crate) overlay: Vec<String>,
    /// The command.
    pub(crate) command: Vec<String>,
}

/// What every commit of the range showed.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Truth {
    /// Commits that fail, whose parents pass, and since which no commit passes until bad.
    pub(crate) since: Vec<String>,
    /// Commits that fail as bad does, whose parents do not, and since which all fail so until bad.
    pub(crate) as_bad: Vec<String>,
    /// How often the command begins to fail.
    pub(crate) breaks: usize,
    /// Different failures, by their closing line.
    pub(crate) faces: BTreeMap<String, usize>,
    /// Commits that fail otherwise than bad.
    pub(crate) otherwise: usize,
}

/// What one of the two programs said.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Side {
    /// The commits that it blames.
    pub(crate) blamed: Vec<String>,
    /// Whether it says that trials proved it.
    #[serde(default)]
    pub(crate) verified: bool,
    /// Its trials.
    pub(crate) trials: usize,
    /// Trials that then narrowed it to the edit.
    #[serde(default)]
    pub(crate) narrowing: usize,
    /// Wall time in seconds.
    pub(crate) seconds: f64,
    /// Exit status.
    pub(crate) status: i32,
    /// What it said of the leading suspect beforehand, and whether that was right.
    #[serde(default)]
    pub(crate) suspects: Vec<(String, f64)>,
}

/// A line of the file: a commit that was looked at.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Record {
    /// Repository, kind and commit.
    pub(crate) name: String,
    /// Where the test comes from.
    pub(crate) kind: Kind,
    /// Why there is no history, or empty.
    pub(crate) why_not: String,
    /// The history.
    pub(crate) history: Option<History>,
    /// What every commit showed, where all ran.
    pub(crate) truth: Option<Truth>,
    /// `git bisect run`.
    pub(crate) git: Option<Side>,
    /// pybisect.
    pub(crate) pybisect: Option<Side>,
}

/// How an answer stands beside the truth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Word {
    /// The commit.
    Right,
    /// The commit since which it fails as at bad; before, it failed otherwise.
    Face,
    /// Several, of which the commit comes first.
    First,
    /// Several, with the commit.
    Set,
    /// No commit.
    None,
    /// Another commit.
    Wrong,
    /// Nobody knows.
    Unknown,
}

impl Word {
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::Right => "right",
            Self::Face => "face",
            Self::First => "first",
            Self::Set => "in set",
            Self::None => "none",
            Self::Wrong => "WRONG",
            Self::Unknown => "?",
        }
    }
}

impl Record {
    /// The one commit that both name.
    pub(crate) fn agreed(&self) -> Option<&str> {
        match (&self.git.as_ref()?.blamed[..], &self.pybisect.as_ref()?.blamed[..]) {
            ([git], [ours]) if git == ours => Some(git),
            _ => None,
        }
    }

    /// Whether a commit is the one that is looked for. `None` where nobody knows.
    pub(crate) fn is_true(&self, commit: &str) -> Option<bool> {
        match &self.truth {
            Some(truth) => Some(truth.since.iter().any(|one| one == commit)),
            None => self.agreed().map(|agreed| agreed == commit),
        }
    }

    /// The word on an answer. Where not every commit ran, what both say is taken for true.
    pub(crate) fn word(&self, side: &Side) -> Word {
        let own = side.blamed.as_slice();
        let Some(truth) = &self.truth else {
            return if self.agreed().is_some() { Word::Right } else { Word::Unknown };
        };
        let has = |list: &[String]| own.iter().any(|one| list.contains(one));
        match own {
            [] => Word::None,
            _ if truth.since.is_empty() => Word::Unknown,
            [_] if has(&truth.since) => Word::Right,
            [_] if has(&truth.as_bad) => Word::Face,
            [_] => Word::Wrong,
            [first, ..] if truth.since.contains(first) => Word::First,
            _ if has(&truth.since) => Word::Set,
            _ => Word::Wrong,
        }
    }
}

/// The records of a file.
pub(crate) fn read(file: &Path) -> Result<Vec<Record>> {
    let text = std::fs::read_to_string(file).with_context(|| format!("failed to read {}", file.display()))?;
    let line = |line: &str| serde_json::from_str(line).with_context(|| format!("no record: {line}"));
    text.lines().map(line).collect()
}
