//! The range that is searched, with what was seen in it.

use super::find::Judged;
use crate::git::History;
use crate::graph::Node;
use crate::model::CommitId;
use crate::search::{Observation, SearchState};

/// A range in search, and what is known of it.
pub(super) struct SearchRange {
    pub(super) history: History,
    pub(super) state: SearchState,
}

impl SearchRange {
    /// Record a verdict, if the commit is in the range.
    pub(super) fn record(&mut self, judged: &Judged) {
        if !judged.purpose.is_of_commit() {
            return;
        }
        if let Some(&node) = self.history.index.get(&judged.commit) {
            match judged.withdrawn {
                Some(seen) => self.state.retract(node, seen),
                None => self.state.record(node, Observation::of(&judged.verdict)),
            }
        }
    }

    pub(super) fn id(&self, node: Node) -> CommitId {
        self.history.ids[node.index()]
    }
}
