//! Which trials of the search share packages.

use std::collections::{BTreeMap, HashSet};

use crate::model::{CommitId, TrialId};
use crate::search::Observation;

/// Which trials share packages, and what came of it.
#[derive(Debug, Default)]
pub(super) struct Sharing {
    /// Whether nothing is shared any more.
    pub(super) is_over: bool,
    /// Trials that run with packages of another version.
    pub(super) trials: HashSet<TrialId>,
    /// What those, and what the own packages said of commits, of the present target.
    pub(super) shared: BTreeMap<CommitId, Observation>,
    pub(super) own: BTreeMap<CommitId, Observation>,
    /// Commits where the shared packages came to no verdict.
    pub(super) needs_own: HashSet<CommitId>,
    pub(super) is_told: bool,
    /// Whether so few commits are left that trials are of those that will be named.
    pub(super) is_deciding: bool,
}

impl Sharing {
    /// What was said of commits was said of another target.
    pub(super) fn forget(&mut self) {
        self.shared.clear();
        self.own.clear();
    }

    /// Whether what is known of a commit is known of shared packages alone.
    pub(super) fn is_only_shared(&self, commit: CommitId) -> bool {
        self.shared.contains_key(&commit) && !self.own.contains_key(&commit)
    }

    /// What the two say of a commit, where that is the opposite.
    pub(super) fn contradiction(&self, commit: CommitId) -> Option<(Observation, Observation)> {
        let of = |seen: &BTreeMap<CommitId, Observation>| seen.get(&commit).copied().unwrap_or_default();
        let (shared, own) = (of(&self.shared), of(&self.own));
        let opposite = |a: Observation, b: Observation| a.good > 0 && a.bad == 0 && b.bad > 0 && b.good == 0;
        (opposite(shared, own) || opposite(own, shared)).then_some((shared, own))
    }
}
