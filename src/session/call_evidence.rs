//! What a suspect did to a call of which the failure speaks, in words.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use crate::calls::{Paths, diff_files};
use crate::git::{FileChange, GitError, Repository};
use crate::model::{CallChange, CallSite, CommitId};
use crate::suspects::FailureEvidence;

/// A commit of more files than this is no edit of one call.
const MOST_FILES: usize = 30;
/// Calls are shown up to so many characters.
const LONGEST: usize = 60;

/// The calls that commits changed, with the paths of their files. Each commit is compared once, for however many failures
/// it is suspected.
#[derive(Debug, Default)]
pub struct ChangedCalls(HashMap<CommitId, Vec<(String, CallChange)>>);

impl ChangedCalls {
    fn of(&mut self, repository: &Repository, id: CommitId) -> Result<&[(String, CallChange)], GitError> {
        let entry = match self.0.entry(id) {
            Entry::Occupied(known) => return Ok(known.into_mut()),
            Entry::Vacant(new) => new,
        };
        let commit = repository.commit_trees(id)?;
        let mut calls = Vec::new();
        // What a merge did to calls, it took from its parents.
        if let [parent] = commit.parents[..] {
            let files = repository.changed_python_files(Some(parent), commit.tree)?;
            for file in files.iter().take(MOST_FILES) {
                let path = file.path.to_string_lossy();
                let changes = call_changes(repository, file);
                calls.extend(changes.into_iter().map(|change| (path.clone().into_owned(), change)));
            }
        }
        Ok(entry.insert(calls))
    }

    /// `application.py: json.load became json.loads`: of a commit's changed calls, one that stands in a line of the
    /// traceback, or else one whose function the failure names.
    ///
    /// # Errors
    /// When the commit or a tree is missing or broken.
    pub(super) fn reason(
        &mut self,
        repository: &Repository,
        commit: CommitId,
        failure: &FailureEvidence,
    ) -> Result<Option<String>, GitError> {
        let calls = self.of(repository, commit)?;
        let speaks = |site: &Option<CallSite>| site.as_ref().is_some_and(|site| failure.shows(&site.text));
        let last = |callee: &str| callee.rsplit('.').next().unwrap_or(callee).to_owned();
        let is_named = |change: &CallChange| change.callees().any(|callee| failure.names(&last(callee)));
        let speaking = calls.iter().find(|(_, change)| speaks(&change.after));
        let telling = speaking.or_else(|| calls.iter().find(|(_, change)| is_named(change)));
        Ok(telling.map(|(path, change)| in_words(path, change)))
    }
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
