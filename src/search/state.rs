//! What is known: observations, not statuses, so that contradictions are legal input.

use crate::graph::{CommitGraph, Node, NodeSet};
use crate::model::Verdict;

/// What was seen at one commit, over all runs of its tree.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Observation {
    /// Runs that passed.
    pub good: u32,
    /// Runs that showed the target failure.
    pub bad: u32,
    /// Runs that said nothing.
    pub skipped: u32,
}

impl Observation {
    /// Whether no run said anything, though at least one was made.
    #[must_use]
    pub const fn is_skipped(&self) -> bool {
        self.skipped > 0 && self.good == 0 && self.bad == 0
    }

    /// Whether both passes and failures were seen.
    #[must_use]
    pub const fn is_contradictory(&self) -> bool {
        self.good > 0 && self.bad > 0
    }

    /// What one run with this verdict shows.
    #[must_use]
    pub fn of(verdict: &Verdict) -> Self {
        let mut seen = Self::default();
        match verdict {
            Verdict::Good => seen.good = 1,
            Verdict::Bad => seen.bad = 1,
            Verdict::Skip(_) | Verdict::Abort(_) => seen.skipped = 1,
        }
        seen
    }

    /// Add what other runs showed.
    pub const fn add(&mut self, other: Self) {
        self.good += other.good;
        self.bad += other.bad;
        self.skipped += other.skipped;
    }

    /// Take back what a run showed, and count it as one that said nothing.
    pub const fn retract(&mut self, other: Self) {
        self.good = self.good.saturating_sub(other.good);
        self.bad = self.bad.saturating_sub(other.bad);
        self.skipped += other.good + other.bad;
    }

    /// Number of runs.
    #[must_use]
    pub const fn runs(&self) -> u32 {
        self.good + self.bad + self.skipped
    }
}

/// The state of a search over one graph.
#[derive(Debug, Clone)]
pub struct SearchState {
    /// The commit whose failure is to be explained.
    pub bad: Node,
    /// Commits given (or found) as good; ancestors of `bad`. One that no trial has seen is believed, but for a doubt:
    /// the failure may be older than whoever named it thought.
    pub goods: Vec<Node>,
    /// Commits that may be the answer: reachable from `bad` and from no good one.
    pub candidates: NodeSet,
    /// Prior weight of each node; only those of candidates count, and they need not sum to 1.
    pub prior: Vec<f64>,
    /// What was seen at each node.
    pub observations: Vec<Observation>,
    /// What a trial of each node is worth to other searches of the same range, in bits; empty where there is none.
    pub shared: Vec<f64>,
    /// Trials that are running now, one entry each.
    pub running: Vec<Node>,
    /// For each node the first node with the same tree: their outcomes are the same.
    pub twin: Vec<Node>,
}

impl SearchState {
    /// A search with a flat prior and nothing seen yet.
    #[must_use]
    pub fn new(graph: &CommitGraph, bad: Node, goods: Vec<Node>) -> Self {
        let mut candidates = graph.ancestors([bad]);
        candidates.subtract(&graph.ancestors(goods.iter().copied()));
        Self {
            bad,
            goods,
            candidates,
            prior: vec![1.0; graph.len()],
            observations: vec![Observation::default(); graph.len()],
            shared: Vec::new(),
            running: Vec::new(),
            twin: graph.nodes().collect(),
        }
    }

    /// What was seen at a commit, or at another with the same tree.
    #[must_use]
    pub fn observed(&self, node: Node) -> Observation {
        self.observations[self.twin[node.index()].index()]
    }

    /// Good commits that could be none: nothing has shown them to be good (neither they nor a commit after them was seen
    /// to pass), and they would explain every failure that was seen.
    #[must_use]
    pub fn untested_goods(&self, graph: &CommitGraph) -> Vec<Node> {
        let could_be_bad = |good: Node| {
            let after = graph.descendants([good]);
            graph
                .nodes()
                .map(|node| (node, self.observed(node)))
                .all(|(node, seen)| if after.contains(node) { seen.good == 0 } else { seen.bad == 0 })
        };
        let untested = self.goods.iter().copied().filter(|&good| self.observed(good).runs() == 0);
        untested.filter(|&good| could_be_bad(good)).collect()
    }

    /// Take back what was recorded of a run at a commit, since it was no evidence, and count that run as one that says
    /// nothing.
    pub fn retract(&mut self, node: Node, seen: Observation) {
        self.observations[self.twin[node.index()].index()].retract(seen);
    }

    /// Record what was seen at a commit.
    pub fn record(&mut self, node: Node, seen: Observation) {
        self.observations[self.twin[node.index()].index()].add(seen);
    }
}
