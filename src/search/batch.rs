//! Choosing several commits at once.
//!
//! Trials that run cut the hypotheses into cells: those that predict the same outcome of each. A
//! further trial is worth the entropy that it adds to the partition, so that two idle workers take
//! thirds, and a worker that comes free beside a running trial does not ask what that one will answer.
//!
//! To that comes the probability that the answer will need it as proof, as the culprit or one of its parents:
//! then it is a trial that has to run anyway, and a trial saved is worth as much as a bit, which is what a trial
//! brings at best. So of commits that divide about as well, those beside the suspects come first.
//!
//! A worker that searches alone is [bound](Bound): however the evidence misleads, halving what is left has to end in
//! time. So of the commits that keep that promise the best one is taken; where none does, the one that halves best.
//!
//! A worker is rather left idle than given a trial that is worth much less than its part of an even search:
//! where the evidence points to few commits, there is little for many workers to do.

use std::collections::BTreeMap;

use crate::graph::{CommitGraph, Node, NodeSet};

use super::ancestor_mass::{Hypothesis, Weights};

/// Rounds of improving each pick with the others fixed.
const IMPROVEMENTS: usize = 3;

/// Picks commits by expected information.
pub(super) struct Picker<'a> {
    graph: &'a CommitGraph,
    /// Probability of each node.
    of: &'a [f64],
    /// Commits that may be picked, with the probability that their trial says something.
    testable: &'a [(Node, f64)],
    /// Trials that run.
    running: &'a [Node],
    /// For each node, the probability that the proof needs its trial.
    proof: Vec<f64>,
    /// For each node, what its trial is worth to other searches; empty where there is none.
    shared: &'a [f64],
    /// What a trial beside others has to be worth, as a part of its share of an even search.
    share: f64,
    /// What a worker that searches alone has promised.
    bound: Option<Bound>,
}

/// How many trials a search may still take.
#[derive(Debug, Clone)]
pub(super) struct Bound {
    /// Commits that can be the culprit.
    pub(super) left: NodeSet,
    /// Trials that are left to tell them apart.
    pub(super) trials: u32,
}

impl Bound {
    /// For each node, whether halving ends in time whatever its trial says, and how many commits are left at worst.
    fn of(&self, graph: &CommitGraph) -> Vec<(bool, f64)> {
        let hypotheses: Vec<Hypothesis> =
            self.left.iter().map(|node| Hypothesis { node, weight: 1.0, cell: 0 }).collect();
        let weights = Weights::new(graph, &hypotheses, 1);
        let all: f64 = hypotheses.iter().map(|one| one.weight).sum();
        let most = 2.0_f64.powi(i32::try_from(self.trials).unwrap_or(i32::MAX) - 1);
        graph
            .nodes()
            .map(|node| {
                let below = weights.of(node)[0];
                let worst = below.max(all - below).round();
                (worst <= most, worst)
            })
            .collect()
    }
}

/// Trials that tell so many commits apart.
pub(super) fn halvings(commits: usize) -> u32 {
    commits.max(1).next_power_of_two().trailing_zeros()
}

/// A commit, and what its trial is worth.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Pick {
    pub(super) node: Node,
    /// Bits that it is expected to add.
    bits: f64,
    /// These, and the trial of the proof that it may be.
    worth: f64,
}

impl<'a> Picker<'a> {
    pub(super) fn new(
        graph: &'a CommitGraph,
        of: &'a [f64],
        testable: &'a [(Node, f64)],
        running: &'a [Node],
    ) -> Self {
        /// All workers have work in an even search.
        const EVEN: f64 = 0.95;
        let mut proof = of.to_vec();
        for node in graph.nodes() {
            for parent in graph.parents(node) {
                proof[parent.index()] += of[node.index()];
            }
        }
        Self { graph, of, testable, running, proof, shared: &[], share: EVEN, bound: None }
    }

    /// The same where evidence points somewhere: most such searches end after a round or two, and a trial that is made to
    /// be sooner there is more often made in vain.
    pub(super) fn with_evidence(self) -> Self {
        /// Over 17 real histories, two workers make 2 to 4 % fewer trials so, in 2 to 5 % more time.
        const POINTED: f64 = 1.2;
        Self { share: POINTED, ..self }
    }

    /// The same for a worker that searches alone: it ends in time.
    pub(super) fn bound(self, bound: Option<Bound>) -> Self {
        Self { bound, ..self }
    }

    /// The same beside other searches of the range, to which trials are worth this: the sum counts.
    pub(super) fn beside(self, shared: &'a [f64]) -> Self {
        Self { shared, ..self }
    }

    /// The best `slots` commits together, each adding at least `least` bits, and each beside another worth
    /// its run.
    pub(super) fn pick(&self, slots: usize, least: f64) -> Vec<Pick> {
        let beside = self.share * even_share(slots + self.running.len());
        let mut picks: Vec<Pick> = Vec::new();
        while picks.len() < slots {
            let is_alone = picks.is_empty() && self.running.is_empty();
            match self.best(&picks, least) {
                Some(pick) if is_alone || pick.worth >= beside => picks.push(pick),
                _ => break,
            }
        }
        if picks.len() < 2 {
            return picks;
        }
        for _ in 0..IMPROVEMENTS {
            let before: Vec<Node> = picks.iter().map(|pick| pick.node).collect();
            for at in 0..picks.len() {
                let old = picks.remove(at);
                picks.insert(at, self.best(&picks, least).unwrap_or(old));
            }
            if picks.iter().map(|pick| pick.node).eq(before) {
                break;
            }
        }
        picks
    }

    /// The best commit beside what runs and these picks. Of equals the one nearest to the middle of its
    /// cell, then the oldest.
    fn best(&self, picks: &[Pick], least: f64) -> Option<Pick> {
        let taken: Vec<Node> =
            self.running.iter().copied().chain(picks.iter().map(|pick| pick.node)).collect();
        let (hypotheses, totals) = self.cells(&taken);
        let weights = Weights::new(self.graph, &hypotheses, totals.len());
        let bound = self.bound.as_ref().map(|bound| bound.of(self.graph));
        let keeps = |node: Node| bound.as_ref().is_none_or(|bound| bound[node.index()].0);
        // Where nothing keeps the promise, what halves best comes nearest to it.
        let least_left = match &bound {
            Some(bound) if !self.testable.iter().any(|&(node, _)| keeps(node)) => {
                self.testable.iter().map(|(node, _)| bound[node.index()].1).min_by(f64::total_cmp)
            }
            _ => None,
        };
        let may = |node: Node| match (least_left, &bound) {
            (Some(least), Some(bound)) => bound[node.index()].1 <= least,
            _ => keeps(node),
        };
        let mut best: Option<(Pick, f64)> = None;
        for &(node, speaks) in self.testable.iter().filter(|(node, _)| may(*node)) {
            if taken.contains(&node) {
                continue;
            }
            let parts = weights.of(node).iter().zip(&totals);
            let bits: f64 = parts.map(|(&part, &total)| total * binary_entropy(part / total)).sum();
            let bits = bits * speaks;
            if bits < least && bound.is_none() {
                continue;
            }
            let shared = self.shared.get(node.index()).copied().unwrap_or_default();
            let worth = bits + (self.proof[node.index()] + shared) * speaks;
            let off_middle = (weights.of(node).iter().sum::<f64>() - 0.5).abs();
            let better = best.is_none_or(|(pick, middle)| {
                let gain = worth - pick.worth;
                gain > TIE || (gain > -TIE && off_middle < middle - TIE)
            });
            if better {
                best = Some((Pick { node, bits, worth }, off_middle));
            }
        }
        best.map(|(pick, _)| pick).filter(|pick| pick.bits > TIE)
    }

    /// The hypotheses, each in the cell of those that predict the same for all `tests`, and the weight
    /// of each cell.
    fn cells(&self, tests: &[Node]) -> (Vec<Hypothesis>, Vec<f64>) {
        let sets: Vec<_> = tests.iter().map(|&node| self.graph.ancestors([node])).collect();
        let mut numbers: BTreeMap<Vec<bool>, usize> = BTreeMap::new();
        let mut totals: Vec<f64> = Vec::new();
        let mut hypotheses = Vec::new();
        for node in self.graph.nodes() {
            let weight = self.of[node.index()];
            if weight <= 0.0 {
                continue;
            }
            let predicts: Vec<bool> = sets.iter().map(|set| set.contains(node)).collect();
            let cell = *numbers.entry(predicts).or_insert(totals.len());
            if cell == totals.len() {
                totals.push(0.0);
            }
            totals[cell] += weight;
            hypotheses.push(Hypothesis { node, weight, cell });
        }
        (hypotheses, totals)
    }
}

/// What the last of so many trials adds in an even search: a half beside one that halves, a quarter beside three that
/// quarter.
fn even_share(trials: usize) -> f64 {
    0.5_f64.powi(i32::try_from(trials.max(1).ilog2()).unwrap_or(i32::MAX))
}

/// Differences of bits below this are rounding.
const TIE: f64 = 1e-9;

/// Entropy in bits of a coin that falls on one side with probability `p`.
pub(super) fn binary_entropy(p: f64) -> f64 {
    if p <= 0.0 || p >= 1.0 {
        return 0.0;
    }
    -p * p.log2() - (1.0 - p) * (1.0 - p).log2()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(len: usize) -> CommitGraph {
        let parents: Vec<Vec<usize>> = (0..len).map(|at| at.checked_sub(1).into_iter().collect()).collect();
        CommitGraph::from_parents(&parents).unwrap()
    }

    fn picked(len: usize, running: &[usize], slots: usize) -> Vec<usize> {
        let graph = chain(len);
        let of = vec![1.0 / 90.0; len];
        let testable: Vec<(Node, f64)> = graph.nodes().map(|node| (node, 1.0)).collect();
        let running: Vec<Node> = running.iter().map(|&at| Node::new(at)).collect();
        let mut nodes: Vec<usize> = Picker::new(&graph, &of, &testable, &running)
            .pick(slots, 0.01)
            .into_iter()
            .map(|pick| pick.node.index())
            .collect();
        nodes.sort_unstable();
        nodes
    }

    #[test]
    fn one_worker_halves_and_two_workers_take_thirds() {
        assert_eq!(picked(90, &[], 1), [44]);
        assert_eq!(picked(90, &[], 2), [29, 59]);
        assert_eq!(picked(90, &[], 3).len(), 3);
    }

    #[test]
    fn what_a_trial_tells_of_other_searches_counts() {
        let graph = chain(90);
        let of = vec![1.0 / 90.0; 90];
        let testable: Vec<(Node, f64)> = graph.nodes().map(|node| (node, 1.0)).collect();
        let picked = |shared: &[f64]| {
            let picks = Picker::new(&graph, &of, &testable, &[]).beside(shared).pick(1, 0.01);
            picks.iter().map(|pick| pick.node.index()).collect::<Vec<_>>()
        };
        let mut shared = vec![0.0; 90];
        assert_eq!(picked(&shared), [44]);
        shared[60] = 1.0;
        assert_eq!(picked(&shared), [60]);
        // What tells nothing of the search itself is not asked for its sake.
        shared[89] = 3.0;
        assert_eq!(picked(&shared), [60]);
    }

    #[test]
    fn beside_a_running_half_the_next_takes_a_quarter() {
        let beside = picked(90, &[44], 1)[0];
        assert!(beside == 21 || beside == 22 || beside == 66 || beside == 67, "{beside}");
    }
}
