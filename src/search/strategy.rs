//! The contract between the search and the session.

use crate::graph::{CommitGraph, Node};

use super::SearchState;

/// How a search ended.
#[derive(Debug, Clone, PartialEq)]
pub enum SearchOutcome {
    /// The culprit: it was seen bad and each of its parents good.
    Found {
        /// The commit.
        culprit: Node,
        /// How probable it is, 0 to 1.
        probability: f64,
    },
    /// One of several, and no trial can tell which.
    Ambiguous {
        /// The commits and their probabilities, most probable first.
        set: Vec<(Node, f64)>,
    },
}

/// What to do now.
#[derive(Debug, Clone, PartialEq)]
pub enum Next {
    /// Run trials of these commits, in this order of usefulness: at most as many as there are free
    /// slots. May be empty while trials are running: then wait for one of them. A commit may be
    /// named that was tested before: it is to be repeated.
    Test(Vec<Node>),
    /// The search is over; whatever still runs is irrelevant.
    Done(SearchOutcome),
}

/// Decides what to test next.
pub trait Strategy {
    /// What to do now, with this many free slots beside what is running.
    fn next(&self, graph: &CommitGraph, state: &SearchState, slots: usize) -> Next;

    /// Running trials whose results can no longer change anything.
    fn irrelevant(&self, graph: &CommitGraph, state: &SearchState) -> Vec<Node>;
}
