//! A `git bisect` that is under way in the user's repository. Only read.

use super::Repository;
use super::ids::commit_id;
use crate::model::CommitId;

/// A bisection of git's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnderWay {
    /// The commit that is marked as bad, when one is.
    pub bad: Option<CommitId>,
}

impl Repository {
    /// The `git bisect` that is under way; then `HEAD` is the commit that it tests.
    #[must_use]
    pub fn bisect_under_way(&self) -> Option<UnderWay> {
        let folder = self.inner.path();
        folder.join("BISECT_START").is_file().then(|| {
            // The user may have other words for good and bad.
            let terms = std::fs::read_to_string(folder.join("BISECT_TERMS")).unwrap_or_default();
            let word = terms.lines().next().filter(|word| !word.is_empty()).unwrap_or("bad");
            let reference = self.inner.find_reference(&format!("refs/bisect/{word}"));
            let commit = reference.and_then(|reference| reference.peel_to_commit());
            UnderWay { bad: commit.ok().map(|commit| commit_id(commit.id())) }
        })
    }
}
