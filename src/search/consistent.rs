//! Which commits can still be the culprit, if the test tells the truth.
//!
//! A function of the observations alone, so that a resumed search comes to the same answer.

use crate::graph::{CommitGraph, Node, NodeSet};

use super::SearchState;

/// Runs that make a surprising observation believed.
const BELIEVED: u32 = 2;

/// What follows from the observations, taken at their word.
#[derive(Debug, Clone)]
pub(super) struct Focus {
    /// The commit whose failure is explained: the bad endpoint, or an ancestor whose failure it inherits.
    pub(super) bad: Node,
    /// Commits that can be the culprit. Empty when observations of one commit contradict each other.
    pub(super) candidates: NodeSet,
    /// Commits whose trials are to be repeated before anything else: they contradict each other.
    pub(super) repeat: Vec<Node>,
    /// Earlier episodes: the first commit seen bad, and the descendant seen good that mended it.
    pub(super) episodes: Vec<(Node, Node)>,
    /// Whether one commit was seen both good and bad: the test is flaky.
    pub(super) flaky: bool,
}

impl Focus {
    /// Draw the conclusions.
    pub(super) fn new(graph: &CommitGraph, state: &SearchState) -> Self {
        let seen = Seen::new(graph, state);
        let mut focus = Self {
            bad: state.bad,
            candidates: NodeSet::empty(graph.len()),
            repeat: Vec::new(),
            episodes: seen.episodes(graph),
            flaky: seen.flaky,
        };
        if seen.flaky {
            return focus;
        }
        focus.repeat = focus.unbelieved(state);
        // Each turn moves to a parent, so it ends.
        loop {
            focus.candidates = seen.candidates(graph, state, focus.bad);
            match inherited(graph, state, &focus.candidates) {
                Some(parent) if state.observed(parent).bad < BELIEVED => {
                    focus.repeat.push(parent);
                    return focus;
                }
                Some(parent) => focus.bad = parent,
                None => return focus,
            }
        }
    }

    /// Commits of episodes that were run only once. One failure, seen twice, speaks for its episode.
    fn unbelieved(&self, state: &SearchState) -> Vec<Node> {
        self.episodes
            .iter()
            .flat_map(|&(bad, good)| [bad, good])
            .filter(|&node| state.observed(node).bad.max(state.observed(node).good) < BELIEVED)
            .collect()
    }
}

/// Observations by kind.
struct Seen {
    goods: Vec<Node>,
    bads: Vec<Node>,
    flaky: bool,
}

impl Seen {
    fn new(graph: &CommitGraph, state: &SearchState) -> Self {
        let mut seen = Self { goods: state.goods.clone(), bads: Vec::new(), flaky: false };
        for node in graph.nodes() {
            let observed = state.observed(node);
            if observed.is_contradictory() {
                seen.flaky = true;
            } else if observed.good > 0 && !state.goods.contains(&node) {
                seen.goods.push(node);
            } else if observed.bad > 0 {
                seen.bads.push(node);
            }
        }
        seen
    }

    /// Good commits that have bad ancestors, each with the first of these; a bad commit counts for the
    /// nearest good one after it.
    fn episodes(&self, graph: &CommitGraph) -> Vec<(Node, Node)> {
        let mut episodes: Vec<(Node, Node)> = Vec::new();
        for &bad in &self.bads {
            let after = graph.descendants([bad]);
            if let Some(&good) = self.goods.iter().filter(|&&good| after.contains(good)).min()
                && !episodes.iter().any(|(_, known)| *known == good)
            {
                episodes.push((bad, good));
            }
        }
        episodes
    }

    /// Commits that explain the failure of `bad`: its ancestors, without those of the good commits among
    /// them, and in each failing commit's ancestry as far as that leaves any.
    fn candidates(&self, graph: &CommitGraph, state: &SearchState, bad: Node) -> NodeSet {
        let below = graph.ancestors([bad]);
        let trusted: Vec<Node> = if bad == state.bad {
            self.goods.clone()
        } else {
            // What mended it elsewhere says nothing about this commit's own ancestry.
            self.goods.iter().copied().filter(|&good| below.contains(good)).collect()
        };
        let passing = graph.ancestors(trusted);
        let mut candidates = below;
        candidates.intersect_with(&state.candidates);
        candidates.subtract(&passing);
        for &other in self.bads.iter().rev() {
            if other == bad || passing.contains(other) {
                continue;
            }
            let mut narrowed = candidates.clone();
            narrowed.intersect_with(&graph.ancestors([other]));
            // A failure elsewhere that has no commit in common is another breakage.
            if !narrowed.is_empty() {
                candidates = narrowed;
            }
        }
        candidates
    }
}

/// When one candidate is left and a parent of it was seen bad, the candidate did not break anything: it
/// inherited the failure from that parent, though a good commit elsewhere contains the parent too.
fn inherited(graph: &CommitGraph, state: &SearchState, candidates: &NodeSet) -> Option<Node> {
    let mut left = candidates.iter().filter(|&node| !repeats_parent(graph, state, node));
    let (only, None) = (left.next()?, left.next()) else { return None };
    graph.parents(only).iter().copied().find(|&parent| {
        let seen = state.observed(parent);
        seen.bad > 0 && seen.good == 0 && state.candidates.contains(parent)
    })
}

/// Whether a commit has the same tree as one of its parents: then it cannot have broken anything.
pub(super) fn repeats_parent(graph: &CommitGraph, state: &SearchState, node: Node) -> bool {
    let twin = state.twin[node.index()];
    graph.parents(node).iter().any(|parent| state.twin[parent.index()] == twin)
}
