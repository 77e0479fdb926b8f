//! A rollback: which version, how it got there, and what answered.

use serde::{Deserialize, Serialize};

use super::{CommitId, Termination};

/// Name and version of the format.
pub const ROLLBACK_SCHEMA: &str = "pybisect.rollback/1";

/// A version of the application that can be deployed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeployedVersion {
    /// The commit.
    pub commit: CommitId,
    /// The release tag that leads to it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub tag: Option<String>,
    /// The first line of its message.
    #[serde(default)]
    pub subject: String,
    /// The commit on the deployed branch that has this version's files, where one is made to go back.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub as_commit: Option<CommitId>,
}

impl DeployedVersion {
    /// The tag without a leading `v`; without a tag, the first digits of the commit.
    #[must_use]
    pub fn number(&self) -> String {
        let tag = self.tag.as_deref();
        tag.map_or_else(|| self.commit.short(), |tag| bare(tag).to_owned())
    }

    /// For people: `v1.4 (3f2a9c1e0)`, or the first digits of the commit.
    #[must_use]
    pub fn name(&self) -> String {
        let short = self.commit.short();
        self.tag.as_ref().map_or_else(|| short.clone(), |tag| format!("{tag} ({short})"))
    }

    /// Whether an application that says it is `told` means this version: the tag, with or without `v`, or the commit or the
    /// one with its files, of which at least seven digits are told.
    #[must_use]
    pub fn is_told_as(&self, told: &str) -> bool {
        const LEAST_DIGITS: usize = 7;
        let told = told.trim();
        let is_tag = self.tag.as_deref().is_some_and(|tag| bare(tag) == bare(told));
        let lower = told.to_ascii_lowercase();
        let mut commits = std::iter::once(self.commit).chain(self.as_commit);
        is_tag || (lower.len() >= LEAST_DIGITS && commits.any(|id| id.to_string().starts_with(&lower)))
    }
}

/// A version's name without its `v`.
fn bare(name: &str) -> &str {
    name.strip_prefix('v').filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit())).unwrap_or(name)
}

/// Why a version is taken to be good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "by")]
pub enum Grounds {
    /// The user named it.
    Named,
    /// A search saw the command pass on it.
    Session {
        /// The session.
        id: String,
    },
    /// It was deployed before, and healthy.
    Deployed {
        /// When, RFC 3339.
        at: String,
    },
    /// The command passed on it just now.
    Tested,
    /// A response began to deploy it, and was killed.
    Begun {
        /// When the response began, RFC 3339.
        at: String,
    },
    /// It is the last good version with a fix that was tested.
    Fix,
}

/// A version that was tested, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestedVersion {
    /// The version.
    pub version: DeployedVersion,
    /// Whether the command passes on it.
    pub passed: bool,
    /// What came of it, for people.
    pub outcome: String,
}

/// A command that was run to deploy, to reload or to restart.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Action {
    /// `deploy`, `reload` or `restart`.
    pub kind: String,
    /// The command, or what is done.
    pub command: String,
    /// How the action ended; `None` in a dry run.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ending: Option<Termination>,
    /// How long it took.
    pub seconds: f64,
    /// The last lines that it printed.
    #[serde(default)]
    pub output: String,
}

impl Action {
    /// Whether the action did what it should, by its own account.
    #[must_use]
    pub const fn succeeded(&self) -> bool {
        matches!(self.ending, Some(Termination::Exited { code: 0 }))
    }
}

/// Answers of a kind, counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnswerCount {
    /// A version, or what was wrong, in words.
    pub answer: String,
    /// How many.
    pub count: u32,
}

/// What answered after a version was deployed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct HealthReport {
    /// Whether the wanted version answered, and no other, for long enough.
    pub healthy: bool,
    /// Whether the answers told their version: otherwise that something answers is all that is known.
    pub tells_version: bool,
    /// Answers in a row at the end that were as wanted.
    pub in_a_row: u32,
    /// The time that these took, in seconds.
    pub window_seconds: f64,
    /// How long it was watched, in seconds.
    pub seconds: f64,
    /// All answers by what they were, in the order in which they first came.
    pub answers: Vec<AnswerCount>,
    /// Why it is not healthy.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub why: Option<String>,
}

/// One version that was rolled back to, or tried.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    /// The version.
    pub version: DeployedVersion,
    /// Why it was taken.
    pub grounds: Grounds,
    /// What was run, in order.
    pub actions: Vec<Action>,
    /// What answered then, after each deploy and restart; empty when nothing is asked.
    pub health: Vec<HealthReport>,
}

/// How a rollback ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RollbackOutcome {
    /// The older version answers.
    Healthy,
    /// It is deployed; whether it answers was not asked.
    Deployed,
    /// Nothing was done: it only says what would be.
    DryRun,
    /// No older version is known to be good.
    #[default]
    NoneGood,
    /// A migration lies between the versions, and nothing was done.
    Migrations,
    /// No version that was tried became healthy.
    Unhealthy,
    /// The user stopped it.
    Interrupted,
}

/// What a rollback did.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RollbackReport {
    /// [`ROLLBACK_SCHEMA`].
    pub schema: String,
    /// What is deployed, by the user's name for it.
    pub service: String,
    /// How the rollback ended.
    pub outcome: RollbackOutcome,
    /// The version that was deployed before.
    pub deployed: Option<DeployedVersion>,
    /// What answered before anything was done.
    pub baseline: Vec<AnswerCount>,
    /// Versions that were tested, the newest first.
    pub tested: Vec<TestedVersion>,
    /// Files of migrations that lie between the versions.
    pub migrations: Vec<String>,
    /// Versions that were tried, in order.
    pub attempts: Vec<Attempt>,
    /// From the start to the first answer of the version that became healthy, in seconds.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub serving_after_seconds: Option<f64>,
    /// How long all of it took, in seconds.
    pub seconds: f64,
    /// What to know beside that.
    pub notes: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_known_by_its_tag_and_by_its_commit() {
        let version = DeployedVersion {
            commit: "3f2a9c1e00000000000000000000000000000000".parse().unwrap(),
            tag: Some("v1.4".to_owned()),
            subject: String::new(),
            as_commit: None,
        };
        for told in
            ["v1.4", "1.4", " 1.4\n", "3f2a9c1", "3F2A9C1E0", "3f2a9c1e00000000000000000000000000000000"]
        {
            assert!(version.is_told_as(told), "{told}");
        }
        for told in ["", "1.40", "1", "v", "3f2a9c", "3f2a9c2", "3f2a9c1e0x"] {
            assert!(!version.is_told_as(told), "{told}");
        }
        let remade = DeployedVersion { as_commit: "aa".repeat(20).parse().ok(), ..version.clone() };
        assert!(
            remade.is_told_as("aaaaaaa") && remade.is_told_as("3f2a9c1") && !version.is_told_as("aaaaaaa")
        );
        let untagged = DeployedVersion { tag: None, ..version.clone() };
        assert!(!untagged.is_told_as("1.4") && untagged.is_told_as("3f2a9c1"));
        assert_eq!((version.number(), untagged.number()), ("1.4".to_owned(), "3f2a9c1e0".to_owned()));
        assert_eq!(DeployedVersion { tag: Some("vega".to_owned()), ..version }.number(), "vega");
    }
}
