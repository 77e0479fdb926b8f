//! What can go wrong with a repository.

use std::path::PathBuf;

use crate::model::{BlobId, CommitId};

/// The repository cannot give what was asked of it.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// There is no repository here or above.
    #[error("no git repository in {} or in a folder above it", .0.display())]
    NotARepository(PathBuf),
    /// The repository belongs to somebody else and is not marked as safe.
    #[error("the repository at {} belongs to another user; to trust it: git config --global --add safe.directory '{}'", .0.display(), .0.display())]
    NotOwned(PathBuf),
    /// The repository names its objects by SHA-256.
    #[error("the repository at {} uses SHA-256 object names, which are not supported", .0.display())]
    Sha256(PathBuf),
    /// The repository keeps its references in a reftable.
    #[error("the repository at {} keeps its references in a reftable, which is not supported", .0.display())]
    Reftable(PathBuf),
    /// The repository uses a format or an extension that libgit2 does not know.
    #[error("the repository at {} uses a format that is not supported: {reason}", .path.display())]
    UnsupportedFormat {
        /// Where it is.
        path: PathBuf,
        /// What libgit2 said.
        reason: String,
    },
    /// The repository has no commits.
    #[error("this repository has no commits yet")]
    NoCommits,
    /// No commit has this name.
    #[error("no commit is called '{rev}'{}", did_you_mean(.nearest))]
    UnknownRevision {
        /// The name as given.
        rev: String,
        /// Names of branches and tags that look like it, the nearest first.
        nearest: Vec<String>,
    },
    /// No commit has this name in a clone whose history is cut off.
    #[error(
        "no commit is called '{rev}' here, and this is a shallow clone: the commit may lie where its history is cut off{}", or_did_you_mean(.nearest)
    )]
    UnknownInShallow {
        /// The name as given.
        rev: String,
        /// Names of branches and tags that look like it, the nearest first.
        nearest: Vec<String>,
    },
    /// An object that was never fetched into a partial clone cannot be had.
    #[error("the object {id} is missing from this partial clone{}", .why.as_ref().map(|why| format!(", and cannot be fetched: {why}")).unwrap_or_default())]
    NotFetched {
        /// The object's id.
        id: String,
        /// Why it cannot be fetched; `None` when that was not tried.
        why: Option<String>,
    },
    /// An object that should be there is not.
    #[error("an object is missing from the repository: {id}")]
    Lacking {
        /// Its id, or what is known of it.
        id: String,
    },
    /// An abbreviated id fits several objects.
    #[error("'{0}' fits several objects; give more digits")]
    AmbiguousRevision(String),
    /// The name is that of a tree or a blob.
    #[error("'{0}' is not a commit")]
    NotACommit(String),
    /// The history is cut off inside the range.
    #[error("this is a shallow clone, and the history of the range ends at {at}; to get the rest: git fetch --unshallow", at = .0.short())]
    Shallow(CommitId),
    /// The range is empty: everything that bad contains is in a good commit.
    #[error("the bad commit {bad} is an ancestor of the good commit {good}, or the same", bad = .bad.short(), good = .good.short())]
    BadInGood {
        /// The bad commit.
        bad: CommitId,
        /// The good one that contains it.
        good: CommitId,
    },
    /// A blob is not in the object store.
    #[error("the content {0} is missing from the repository")]
    MissingBlob(BlobId),
    /// A path leads out of the tree or into `.git`.
    #[error("'{0}' is not a path inside the tree")]
    UnsafePath(String),
    /// The git executable is needed and failed.
    #[error("git {action} failed: {message}")]
    GitCommand {
        /// What it was to do.
        action: String,
        /// What it said.
        message: String,
    },
    /// A file of the shadow repository cannot be written.
    #[error("failed to write {}", .path.display())]
    Shadow {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// Anything else that libgit2 reports.
    #[error("failed to read the repository")]
    Library(#[from] git2::Error),
}

impl GitError {
    /// Whether a tree is there and is none that git would write.
    #[must_use]
    pub fn is_of_a_broken_tree(&self) -> bool {
        matches!(self, Self::Library(error) if error.class() == git2::ErrorClass::Tree)
    }
}

fn or_did_you_mean(nearest: &[String]) -> String {
    did_you_mean(nearest).replacen("; did", "; or did", 1)
}

fn did_you_mean(nearest: &[String]) -> String {
    match nearest {
        [] => String::new(),
        [one] => format!("; did you mean '{one}'?"),
        several => {
            let quoted: Vec<String> = several.iter().map(|name| format!("'{name}'")).collect();
            format!("; did you mean one of {}?", quoted.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_names_are_in_the_message() {
        let error = |nearest: &[&str]| {
            let nearest = nearest.iter().map(|&name| name.to_owned()).collect();
            GitError::UnknownRevision { rev: "mian".to_owned(), nearest }.to_string()
        };
        assert_eq!(error(&[]), "no commit is called 'mian'");
        assert_eq!(error(&["main"]), "no commit is called 'mian'; did you mean 'main'?");
        assert!(error(&["main", "mine"]).ends_with("did you mean one of 'main', 'mine'?"));
    }
}
