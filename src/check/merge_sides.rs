//! What is merged into what.

use crate::git::{GitError, Repository};
use crate::model::{CommitId, MergeSide};

/// Both sides of the merge, and where they parted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergeSides {
    /// What the side is merged into.
    pub base: MergeSide,
    /// What is merged.
    pub head: MergeSide,
    /// The commit at which the two parted: the base itself, unless it went on.
    pub ancestor: CommitId,
}

/// The sides cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum SidesError {
    /// The repository cannot give what is needed.
    #[error(transparent)]
    Git(#[from] GitError),
    /// Nothing says what the branch is to be merged into.
    #[error(
        "cannot tell what this is to be merged into: there is no branch main or master, here or at origin"
    )]
    NoDefaultBranch,
    /// They have no common ancestor.
    #[error("{base} and {head} share no history")]
    Unrelated {
        /// One side.
        base: String,
        /// The other.
        head: String,
    },
    /// The clone is cut off before their common ancestor.
    #[error("this is a shallow clone, and it does not reach the commit at which {base} and {head} parted")]
    Shallow {
        /// One side.
        base: String,
        /// The other.
        head: String,
    },
}

/// Variables of build servers that name the branch a change is to be merged into: GitHub, GitLab, Jenkins,
/// Azure, Bitbucket.
pub const TARGET_VARIABLES: [&str; 5] = [
    "GITHUB_BASE_REF",
    "CI_MERGE_REQUEST_TARGET_BRANCH_NAME",
    "CHANGE_TARGET",
    "SYSTEM_PULLREQUEST_TARGETBRANCHNAME",
    "BITBUCKET_PR_DESTINATION_BRANCH",
];

impl MergeSides {
    /// From `A..B`, `A...B`, `A` or nothing. Without `B`, the head is `HEAD` with what is uncommitted. With
    /// `A..B` the base is `A` itself; otherwise it is the commit at which the two parted. Without `A`, the
    /// default branch: `target` when a build server names one, or what the remote calls its own, main, master.
    ///
    /// # Errors
    /// When a name is unknown, or the two share no history.
    pub fn resolve(
        repository: &Repository,
        what: Option<&str>,
        target: Option<&str>,
    ) -> Result<Self, SidesError> {
        let what = what.unwrap_or_default();
        let (base, head, from_tip) = match (what.split_once("..."), what.split_once("..")) {
            (Some((base, head)), _) => (base, head, false),
            (None, Some((base, head))) => (base, head, true),
            (None, None) => (what, "", false),
        };
        let head = MergeSide {
            name: if head.is_empty() { "HEAD" } else { head }.to_owned(),
            commit: repository.resolve(if head.is_empty() { "HEAD" } else { head })?.id,
            uncommitted: head.is_empty(),
        };
        let (name, tip) = if base.is_empty() {
            default_branch(repository, target)?.ok_or(SidesError::NoDefaultBranch)?
        } else {
            (base.to_owned(), repository.resolve(base)?.id)
        };
        let ancestor = ancestor(repository, (&name, tip), (&head.name, head.commit))?;
        let base = if from_tip || ancestor == tip {
            MergeSide { name, commit: tip, uncommitted: false }
        } else {
            MergeSide { name: format!("the merge base with {name}"), commit: ancestor, uncommitted: false }
        };
        Ok(Self { base, head, ancestor })
    }
}

fn ancestor(
    repository: &Repository,
    base: (&str, CommitId),
    head: (&str, CommitId),
) -> Result<CommitId, SidesError> {
    let names = || (base.0.to_owned(), head.0.to_owned());
    match repository.merge_bases(base.1, head.1)?.first() {
        Some(&ancestor) => Ok(ancestor),
        None if repository.is_shallow() => {
            let (base, head) = names();
            Err(SidesError::Shallow { base, head })
        }
        None => {
            let (base, head) = names();
            Err(SidesError::Unrelated { base, head })
        }
    }
}

/// The first of the likely names that is known.
fn default_branch(
    repository: &Repository,
    target: Option<&str>,
) -> Result<Option<(String, CommitId)>, SidesError> {
    let named = target.map(|target| [format!("origin/{target}"), target.to_owned()]);
    let usual = ["origin/HEAD", "origin/main", "origin/master", "main", "master", "trunk"].map(str::to_owned);
    // When a server names the target, another branch would be a wrong answer.
    let names: Vec<String> = match named {
        Some(named) => named.to_vec(),
        None => usual.to_vec(),
    };
    for name in &names {
        match repository.resolve(name) {
            Ok(commit) => return Ok(Some((name.clone(), commit.id))),
            Err(GitError::UnknownRevision { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    match target {
        Some(target) => Err(repository
            .resolve(&format!("origin/{target}"))
            .map_or_else(Into::into, |_| SidesError::NoDefaultBranch)),
        None => Ok(None),
    }
}
