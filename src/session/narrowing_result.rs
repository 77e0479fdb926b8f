//! What is narrowed, and what came of it.

use std::sync::Arc;
use std::time::Instant;

use crate::minimize::{DeltaDebugger, EditAnswer, EditList, EditSet};
use crate::model::{CommitId, TreeId};

/// What is to be narrowed, and what was found.
pub(super) struct NarrowingResult {
    pub(super) good: CommitId,
    pub(super) bad: CommitId,
    pub(super) difference: Arc<EditList>,
    pub(super) answer: EditAnswer,
    /// Those of the causes' edits that are not only there because another one uses them.
    pub(super) decisive: EditSet,
    /// Whether nothing can be left out of the causes.
    pub(super) minimal: bool,
    pub(super) trials: usize,
    pub(super) began: Instant,
}

/// Where sets of edits are tried.
#[derive(Clone, Copy)]
pub(super) struct NarrowingTask<'a> {
    pub(super) difference: &'a EditList,
    pub(super) search: &'a DeltaDebugger,
    /// The tree that edits are applied to.
    pub(super) good: TreeId,
    /// The commit that trials run as.
    pub(super) head: CommitId,
    /// Trials that it is worth.
    pub(super) budget: usize,
}

impl NarrowingResult {
    /// The edits of all causes, each with the number of its cause; of a cause the decisive ones first.
    pub(super) fn edits(&self) -> Vec<(usize, usize)> {
        let mut edits: Vec<(usize, usize)> = Vec::new();
        for (cause, set) in self.answer.causes.iter().enumerate() {
            edits.extend(set.iter().map(|edit| (cause, edit)));
        }
        edits.sort_by_key(|&(cause, edit)| (cause, !self.decisive.contains(edit)));
        edits
    }

    /// The one commit that brought every edit of the one cause, when both proofs hold.
    pub(super) fn only_bringer(&self, commits: &[Option<CommitId>]) -> Option<CommitId> {
        let ([cause], true) = (self.answer.causes.as_slice(), self.answer.is_necessary()) else {
            return None;
        };
        let mut bringers = cause.iter().map(|edit| commits[edit]);
        let first = bringers.next()??;
        bringers.all(|other| other == Some(first)).then_some(first)
    }
}
