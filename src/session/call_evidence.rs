//! What a suspect did to a call of which the failure speaks, in words.

use crate::calls::{Paths, diff_files};
use crate::git::{FileChange, GitError, Repository};
use crate::model::{CallChange, CallSite, CommitId};
use crate::suspects::FailureEvidence;

/// A commit of more files than this is no edit of one call.
const MOST_FILES: usize = 30;
/// Calls are shown up to so many characters.
const LONGEST: usize = 60;

/// `application.py: json.load became json.loads`: of a commit's changed calls, one that stands in a line of
/// the traceback, or else one whose function the failure names.
///
/// # Errors
/// When the commit or a tree is missing or broken.
pub(super) fn call_reason(
    repository: &Repository,
    commit: CommitId,
    failure: &FailureEvidence,
) -> Result<Option<String>, GitError> {
    let commit = repository.commit_trees(commit)?;
    // What a merge did to calls, it took from its parents.
    let [parent] = commit.parents[..] else { return Ok(None) };
    let files = repository.changed_python_files(Some(parent), commit.tree)?;
    let mut named = None;
    for file in files.iter().take(MOST_FILES) {
        let path = file.path.to_string_lossy();
        for change in call_changes(repository, file) {
            let speaks =
                |site: &Option<CallSite>| site.as_ref().is_some_and(|site| failure.shows(&site.text));
            if speaks(&change.after) {
                return Ok(Some(in_words(&path, &change)));
            }
            let last = |callee: &str| callee.rsplit('.').next().unwrap_or(callee).to_owned();
            if named.is_none() && change.callees().any(|callee| failure.names(&last(callee))) {
                named = Some(in_words(&path, &change));
            }
        }
    }
    Ok(named)
}

fn call_changes(repository: &Repository, file: &FileChange) -> Vec<CallChange> {
    let text = |blob| repository.blob(blob).ok();
    // A file that came or went has no call that changed.
    let (Some(old), Some(new)) = (file.old.and_then(text), file.new.and_then(text)) else {
        return Vec::new();
    };
    let path = file.path.to_string_lossy();
    let old_path = file.old_path.as_deref().map_or_else(|| path.clone(), |old| old.to_string_lossy());
    diff_files(Some(&old), Some(&new), Paths { old: &old_path, new: &path }).changes
}

fn in_words(path: &str, change: &CallChange) -> String {
    let shown = |text: &str| {
        let line: Vec<&str> = text.split_whitespace().collect();
        let line = line.join(" ");
        match line.char_indices().nth(LONGEST) {
            Some((cut, _)) => format!("`{}…`", &line[..cut]),
            None => format!("`{line}`"),
        }
    };
    match (&change.before, &change.after) {
        (Some(before), Some(after)) => match (&before.callee, &after.callee) {
            (Some(old), Some(new)) if old != new => format!("{path}: {} became {}", shown(old), shown(new)),
            _ => format!("{path}: {} became {}", shown(&before.text), shown(&after.text)),
        },
        (None, Some(after)) => format!("{path}: the call {} came", shown(&after.text)),
        (Some(before), None) => format!("{path}: the call {} went", shown(&before.text)),
        (None, None) => path.to_owned(),
    }
}
