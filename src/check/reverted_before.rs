//! Changes that were made before and taken back, and functions whose calls were reverted before.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::findings::{ChangedCall, finding_on_call, quoted};
use super::rules::{REPEATED_CHANGE, REVERTED_BEFORE};
use crate::calls::{Paths, diff_files};
use crate::git::{CommitFilter, GitError, Repository};
use crate::model::{Annotation, BlobId, CallChange, CommitId, Severity};

/// How far back it is looked: a gate has to be quick.
const MOST_COMMITS: usize = 1000;
/// And how many versions of files are compared.
const MOST_VERSIONS: usize = 300;

/// Findings for changes whose opposite a commit before `from` made, to the same call in the same function; and notes
/// for other changes in a function whose calls the last revert in its file took back.
///
/// # Errors
/// When an object of the history is broken.
pub fn find_repeated_changes(
    repository: &Repository,
    from: CommitId,
    calls: &[ChangedCall],
) -> Result<Vec<Annotation>, GitError> {
    let mut by_path: BTreeMap<&str, Vec<&ChangedCall>> = BTreeMap::new();
    for call in calls.iter().filter(|call| differs(&call.change)) {
        by_path.entry(&call.old_path).or_default().push(call);
    }
    let (mut findings, mut notes) = (Vec::new(), Vec::new());
    if by_path.is_empty() {
        return Ok(findings);
    }
    let mut noted: BTreeSet<(&str, &str)> = BTreeSet::new();
    let listing = CommitFilter { most: Some(MOST_COMMITS), no_merges: true, ..CommitFilter::default() };
    let mut versions = 0;
    for commit in history(repository, from, &listing)? {
        let Some(&parent) = commit.parents.first() else { continue };
        for (&path, calls) in &mut by_path {
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
            if is_revert(&commit.subject) {
                for call in calls.iter() {
                    let Some(taken_back) = changes.iter().find(|change| is_near(change, &call.change)) else {
                        continue;
                    };
                    let function = call.site().map_or("", |site| site.function.as_str());
                    if noted.insert((path, function)) {
                        notes.extend(note(call, taken_back, commit.id, &commit.subject));
                    }
                }
            }
        }
    }
    findings.extend(notes);
    Ok(findings)
}

/// Whether a commit is a revert, by the words that git gives it.
fn is_revert(subject: &str) -> bool {
    subject.starts_with("Revert \"")
}

/// Whether both are in the same function, and call the same before or after: the top of a file, and another call
/// that happens to stand nearby, tell nothing.
fn is_near(one: &CallChange, other: &CallChange) -> bool {
    let shares = one.callees().any(|callee| other.callees().any(|known| known == callee));
    let here = function(one).filter(|function| !function.is_empty());
    shares && here.is_some() && here == function(other)
}

fn function(change: &CallChange) -> Option<String> {
    change.place().map(|site| site.function.clone())
}

/// In a shallow clone, as far as there is one.
fn history(
    repository: &Repository,
    from: CommitId,
    listing: &CommitFilter,
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
    let mut finding = finding_on_call(&REPEATED_CHANGE, Severity::Warning, &call.path, call.site()?, message);
    finding.evidence.push(format!("taken back by {} {subject}", commit.short()).trim_end().to_owned());
    Some(finding)
}

fn note(call: &ChangedCall, taken_back: &CallChange, commit: CommitId, subject: &str) -> Option<Annotation> {
    let site = call.site()?;
    let place = if site.function.is_empty() { call.path.as_str() } else { site.function.as_str() };
    let message = format!("a change of the same call in {place} was reverted before");
    let mut finding = finding_on_call(&REVERTED_BEFORE, Severity::Note, &call.path, site, message);
    finding.evidence.push(format!("{} {subject}", commit.short()).trim_end().to_owned());
    let text = |site: &Option<crate::model::CallSite>| site.as_ref().map(|site| quoted(&site.text));
    let reverted = [text(&taken_back.before), text(&taken_back.after)];
    finding
        .evidence
        .push(format!("it made {}", reverted.into_iter().flatten().collect::<Vec<_>>().join(" → ")));
    Some(finding)
}
