//! What a search ends with.

use serde::{Deserialize, Serialize};

use super::{CommitId, CommitInfo, Proof};

/// A commit that may have brought the failure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Culprit {
    /// The commit.
    pub commit: CommitInfo,
    /// How probable it is that this commit brought the failure, 0 to 1.
    pub probability: f64,
    /// Whether the failing test is new with this commit, so that it has never passed: what it tests may have been broken
    /// before.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub adds_test: bool,
    /// The trials that show it. Never told, always drawn from the trials themselves, where the report is made.
    #[serde(skip)]
    pub proof: Option<Proof>,
}

impl Culprit {
    /// A commit that may have brought the failure, with this probability.
    #[must_use]
    pub const fn new(commit: CommitInfo, probability: f64) -> Self {
        Self { commit, probability, adds_test: false, proof: None }
    }
}

/// An earlier stretch of history that had the failure too and was mended before the end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Episode {
    /// A commit of the stretch that was seen bad.
    pub bad: CommitId,
    /// A later commit (a descendant) that was seen good.
    pub mended_by: CommitId,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "why")]
pub enum Inconclusive {
    /// Not one candidate could be tested.
    NothingRunnable,
    /// The trials used up what was allowed below the asked confidence.
    BudgetSpent,
    /// The user stopped it.
    Interrupted,
}

/// How a session ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "status")]
pub enum Conclusion {
    /// The culprit, verified. One, but for `--find-fix` on odd histories.
    Found {
        /// Most probable first.
        culprits: Vec<Culprit>,
    },
    /// One of these, and no trial can tell which.
    Ambiguous {
        /// Most probable first.
        culprits: Vec<Culprit>,
        /// Why no trial can tell them apart, in words.
        reason: String,
        /// How to go on, when there are trials that could tell but were not asked for.
        #[serde(default)]
        go_on: Option<String>,
    },
    /// No answer.
    Inconclusive {
        /// Why not.
        #[serde(flatten)]
        why: Inconclusive,
        /// In words.
        reason: String,
    },
    /// Bad did not fail, or good did not pass.
    NotReproduced {
        /// What was seen instead, in words.
        reason: String,
        /// What to do about it.
        hint: Option<String>,
    },
    /// Bad or good could not run, for want of an environment.
    NoEnvironment {
        /// Where, and the last lines of what tried to make it.
        reason: String,
        /// What to do about it.
        hint: Option<String>,
    },
}
