//! A `git bisect` that is under way in the user's repository. Only read.

use std::path::Path;

use super::Repository;
use super::ids::commit_id;
use crate::model::CommitId;

/// A bisection of git's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnderWay {
    /// The commit that is marked as bad, when one is.
    pub bad: Option<CommitId>,
    /// The commits that are marked as good.
    pub good: Vec<CommitId>,
    /// How many were skipped.
    pub skipped: usize,
    /// The paths that it was started with.
    pub paths: Vec<String>,
    /// Whether the bisection follows first parents only.
    pub first_parent: bool,
}

impl Repository {
    /// The `git bisect` that is under way; then `HEAD` is the commit that it tests.
    #[must_use]
    pub fn bisect_under_way(&self) -> Option<UnderWay> {
        let folder = self.inner.path();
        folder.join("BISECT_START").is_file().then(|| {
            // The user may have other words for good and bad.
            let terms = read(&folder.join("BISECT_TERMS"));
            let mut words = terms.lines().filter(|word| !word.is_empty());
            let (bad, good) = (words.next().unwrap_or("bad"), words.next().unwrap_or("good"));
            let commit = |name: &str| {
                let reference = self.inner.find_reference(&format!("refs/bisect/{name}"));
                let commit = reference.and_then(|reference| reference.peel_to_commit());
                commit.ok().map(|commit| commit_id(commit.id()))
            };
            let marked = names_in(&folder.join("refs/bisect"));
            let with = |word: &str| {
                let prefix = format!("{word}-");
                marked.iter().filter(move |name| name.starts_with(&prefix))
            };
            UnderWay {
                bad: commit(bad),
                good: with(good).filter_map(|name| commit(name)).collect(),
                skipped: with("skip").count(),
                paths: shell_words::split(read(&folder.join("BISECT_NAMES")).trim()).unwrap_or_default(),
                first_parent: folder.join("BISECT_FIRST_PARENT").is_file(),
            }
        })
    }
}

fn read(file: &Path) -> String {
    std::fs::read_to_string(file).unwrap_or_default()
}

/// Git never packs these references.
fn names_in(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    names
}
