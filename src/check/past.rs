//! Changes that were made before and taken back.

use std::collections::BTreeMap;
use std::path::Path;

use super::findings::{ChangedCall, on_call};
use super::rules::REPEATED_CHANGE;
use crate::calls::{Paths, diff_files};
use crate::git::{GitError, Listing, Repository};
use crate::model::{Annotation, BlobId, CallChange, CommitId, Severity};

/// How far back it is looked: a gate has to be quick.
const MOST_COMMITS: usize = 1000;
/// And how many versions of files are compared.
const MOST_VERSIONS: usize = 300;

/// Findings for changes whose opposite a commit before `from` made, to the same call in the same function.
///
/// # Errors
/// When an object of the history is broken.
pub fn repeated(
    repository: &Repository,
    from: CommitId,
    calls: &[ChangedCall],
) -> Result<Vec<Annotation>, GitError> {
    let mut by_path: BTreeMap<&str, Vec<&ChangedCall>> = BTreeMap::new();
    for call in calls.iter().filter(|call| differs(&call.change)) {
        by_path.entry(&call.old_path).or_default().push(call);
    }
    let mut findings = Vec::new();
    if by_path.is_empty() {
        return Ok(findings);
    }
    let listing = Listing { most: Some(MOST_COMMITS), no_merges: true, ..Listing::default() };
    let mut versions = 0;
    for commit in history(repository, from, &listing)? {
        let Some(&parent) = commit.parents.first() else { continue };
        for (path, calls) in &mut by_path {
            let [Some(old), Some(new)] =
                [parent, commit.tree].map(|tree| repository.entry_at(tree, Path::new(path)).ok().flatten())
            else {
                continue;
            };
            if old == new || versions == MOST_VERSIONS {
                continue;
            }
            versions += 1;
            let changes = changes_between(repository, path, old, new);
            // The latest commit that took it back is enough.
            calls.retain(|call| {
                let back = changes.iter().any(|change| is_opposite(change, &call.change));
                let finding = if back { finding(call, commit.id, &commit.subject) } else { None };
                findings.extend(finding);
                !back
            });
        }
    }
    Ok(findings)
}

/// In a shallow clone, as far as there is one.
fn history(
    repository: &Repository,
    from: CommitId,
    listing: &Listing,
) -> Result<Vec<crate::git::CommitTrees>, GitError> {
    match repository.commits(from, listing) {
        Err(GitError::Shallow(_)) => Ok(Vec::new()),
        commits => commits,
    }
}

fn changes_between(repository: &Repository, path: &str, old: BlobId, new: BlobId) -> Vec<CallChange> {
    match (repository.blob(old), repository.blob(new)) {
        (Ok(old), Ok(new)) => diff_files(Some(&old), Some(&new), Paths::same(path)).changes,
        // What is missing in a partial clone is no evidence.
        _ => Vec::new(),
    }
}

fn differs(change: &CallChange) -> bool {
    matches!((&change.before, &change.after), (Some(before), Some(after)) if before.text != after.text)
}

fn is_opposite(one: &CallChange, other: &CallChange) -> bool {
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    match (&one.before, &one.after, &other.before, &other.after) {
        (Some(before), Some(after), Some(other_before), Some(other_after)) => {
            after.function == other_after.function
                && words(&before.text) == words(&other_after.text)
                && words(&after.text) == words(&other_before.text)
        }
        _ => false,
    }
}

fn finding(call: &ChangedCall, commit: CommitId, subject: &str) -> Option<Annotation> {
    let message = format!("{} was made before, and taken back", call.in_words());
    let mut finding = on_call(&REPEATED_CHANGE, Severity::Warning, &call.path, call.site()?, message);
    finding.evidence.push(format!("taken back by {} {subject}", commit.short()).trim_end().to_owned());
    Some(finding)
}
