//! Which tests the trials of the search run.

use std::collections::{HashMap, HashSet};

use crate::model::{CommitId, TrialId};
use crate::search::Observation;
use crate::triage::runners::{Pick, Selecting};

/// What is selected, and what came of it.
#[derive(Debug, Default)]
pub(super) struct Selection {
    pub(super) state: State,
    /// Trials that run the selected tests.
    pub(super) trials: HashSet<TrialId>,
    /// What those, and what the whole command said of commits, of the present target.
    pub(super) selected: HashMap<CommitId, Observation>,
    pub(super) whole: HashMap<CommitId, Observation>,
    /// Commits where the selected tests came to nothing.
    pub(super) needs_whole: HashSet<CommitId>,
}

#[derive(Debug, Default)]
pub(super) enum State {
    /// It is not known yet whether there is something to select.
    #[default]
    Open,
    /// The whole command runs.
    Whole,
    /// These tests run, by their ids.
    Selected { how: Selecting, picks: Vec<(String, Pick)> },
}

impl Selection {
    pub(super) const fn is_active(&self) -> bool {
        matches!(self.state, State::Selected { .. })
    }

    /// Whether a trial runs the selected tests.
    pub(super) fn has(&self, trial: TrialId) -> bool {
        self.trials.contains(&trial)
    }

    /// What was said of commits was said of another target.
    pub(super) fn forget(&mut self) {
        self.selected.clear();
        self.whole.clear();
    }

    /// Whether the two say the opposite of a commit.
    pub(super) fn is_contradicted(&self, commit: CommitId) -> bool {
        let of = |seen: &HashMap<CommitId, Observation>| seen.get(&commit).copied().unwrap_or_default();
        let (selected, whole) = (of(&self.selected), of(&self.whole));
        let opposite = |a: Observation, b: Observation| a.good > 0 && a.bad == 0 && b.bad > 0 && b.good == 0;
        opposite(selected, whole) || opposite(whole, selected)
    }
}
