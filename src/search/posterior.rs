//! What is believed of each commit: the formula of the [module](super).
#![expect(clippy::as_conversions, reason = "counts of trials become numbers of a formula")]

use crate::graph::{CommitGraph, Node, NodeSet};

use super::SearchState;
use super::consistent::{Focus, repeats_parent};

/// The ways in which a test is flaky.
const KINDS: [Kind; 2] = [
    // It fails now and then wherever it runs, and nearly always where the failure is, or nobody would look for it.
    Kind { failing: (20.0, 0.2), passing: (1.0, 3.0) },
    // What broke it shows in some runs only: a race, an order, chance. It passes where the failure is not.
    Kind { failing: (2.0, 1.0), passing: (0.2, 20.0) },
];
/// How likely a history is that breaks, is mended and breaks again, for each commit that mended it.
const EPISODE: f64 = 0.2;
/// The part of belief that is spread evenly whatever the prior says, so that a prior that misleads costs
/// one or two trials and no more: the culprit keeps at least this part of an even share.
const EVEN: f64 = 0.15;
/// How likely it is that the failure is there already at the commits that are said to be good, before anything ran.
const MISTAKEN: f64 = 0.005;

/// How likely it is, before anything ran, that a test is flaky.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Doubt {
    /// Probability that it fails now and then wherever it runs.
    pub false_failures: f64,
    /// Probability that it passes now and then where the failure is.
    pub false_passes: f64,
}

impl Doubt {
    /// The doubt about a test that is flaky with this probability, and of which nothing tells in what way.
    #[must_use]
    pub const fn new(flaky: f64) -> Self {
        Self { false_failures: 0.75 * flaky, false_passes: 0.25 * flaky }
    }

    /// The probability that it is flaky in whatever way.
    #[must_use]
    pub const fn all(self) -> f64 {
        self.false_failures + self.false_passes
    }

    const fn kinds(self) -> [f64; KINDS.len()] {
        [self.false_failures, self.false_passes]
    }
}

/// A way in which a test is flaky.
#[derive(Debug, Clone, Copy)]
struct Kind {
    /// Beta prior of the rate of failures where the failure is.
    failing: (f64, f64),
    /// Beta prior of the rate of failures where it is not.
    passing: (f64, f64),
}

impl Kind {
    /// What is believed with it: the rates are those of the node that is the most probable then.
    fn way(&self, graph: &CommitGraph, counts: &[(Node, u32, u32)], of: Vec<f64>) -> Way {
        let (mut there, mut elsewhere) = ((0, 0), (0, 0));
        let after = leading(&of).map(|leading| graph.descendants([leading]));
        for &(node, good, bad) in counts {
            let is_after = after.as_ref().is_some_and(|after| after.contains(node));
            let side = if is_after { &mut there } else { &mut elsewhere };
            *side = (side.0 + bad, side.1 + good);
        }
        Way { of, failing: mean(self.failing, there), passing: mean(self.passing, elsewhere) }
    }

    /// The probability of these failures and passes where the failure is, and of those where it is not.
    fn probability(&self, (bad, good): (u32, u32), (other_bad, other_good): (u32, u32)) -> f64 {
        let where_it_is = ln_beta_binomial(self.failing, bad, good);
        (where_it_is + ln_beta_binomial(self.passing, other_bad, other_good)).exp()
    }
}

/// Beliefs over all nodes of a graph.
#[derive(Debug, Clone)]
pub(super) struct Posterior {
    /// Probability of each node; they sum to 1 unless nothing can be the culprit. That of a good commit is that the
    /// failure is there already: that something at or before it is the culprit.
    pub(super) of: Vec<f64>,
    /// Probability that a good commit is none.
    pub(super) mistaken: f64,
    /// For each way of being flaky, how probable each node is with it.
    pub(super) ways: Vec<Way>,
    /// Expected rate of failures where the failure is, should the test be flaky.
    pub(super) failing: f64,
    /// Expected rate of failures where it is not, should the test be flaky.
    pub(super) passing: f64,
}

/// What is believed if the test is flaky in one way.
#[derive(Debug, Clone)]
pub(super) struct Way {
    /// Probability that the test is flaky so and that it is this node.
    pub(super) of: Vec<f64>,
    /// Expected rate of failures where the failure is.
    pub(super) failing: f64,
    /// Expected rate of failures where it is not.
    pub(super) passing: f64,
}

impl Posterior {
    /// Apply the formula.
    pub(super) fn new(
        graph: &CommitGraph,
        state: &SearchState,
        focus: &Focus,
        doubtful: &[Node],
        doubt: Doubt,
    ) -> Self {
        let hypotheses: Vec<Node> =
            state.candidates.iter().filter(|&node| !repeats_parent(graph, state, node)).collect();
        let flaky = flaky_weights(graph, state, &hypotheses);
        let mut menders: Vec<Node> = focus.episodes.iter().map(|(_, mender)| *mender).collect();
        menders.sort_unstable();
        menders.dedup();
        let episodes = i32::try_from(menders.len()).unwrap_or(i32::MAX);
        let honest = if focus.flaky { 0.0 } else { (1.0 - doubt.all()) * EPISODE.powi(episodes) };

        let weight: f64 = hypotheses.iter().map(|node| state.prior[node.index()]).sum();
        let share = 1.0 / (hypotheses.len().max(1) as f64);

        let mut of = vec![0.0; graph.len()];
        let mut total = 0.0;
        let mut ways = KINDS.map(|_| vec![0.0; graph.len()]);
        for (&node, &likelihood) in hypotheses.iter().zip(&flaky) {
            let given = if weight > 0.0 { state.prior[node.index()] / weight } else { share };
            // What cannot matter stays impossible.
            let prior = if given > 0.0 { (1.0 - EVEN).mul_add(given, EVEN * share) } else { 0.0 };
            let agrees = if focus.candidates.contains(node) { honest } else { 0.0 };
            let mut noisy = 0.0;
            for ((way, likelihood), doubt) in ways.iter_mut().zip(likelihood).zip(doubt.kinds()) {
                way[node.index()] = prior * doubt * likelihood;
                noisy += doubt * likelihood;
            }
            of[node.index()] = prior * (agrees + noisy);
            total += prior * (agrees + noisy);
        }
        let mistaken = MISTAKEN / (1.0 - MISTAKEN) * honest;
        for node in doubtful {
            of[node.index()] = mistaken / (doubtful.len() as f64);
            total += of[node.index()];
        }
        if total > 0.0 {
            of.iter_mut().chain(ways.iter_mut().flatten()).for_each(|p| *p /= total);
        }
        let counts = counts(graph, state);
        let ways = KINDS.iter().zip(ways).map(|(kind, of)| kind.way(graph, &counts, of)).collect();
        let mut posterior = Self {
            mistaken: doubtful.iter().map(|node| of[node.index()]).sum(),
            of,
            ways,
            failing: 0.0,
            passing: 0.0,
        };
        (posterior.failing, posterior.passing) = posterior.rates(doubt);
        posterior
    }

    /// The most probable node.
    pub(super) fn leading(&self) -> Option<Node> {
        leading(&self.of)
    }

    /// Entropy in bits: how many yes-or-no questions are open.
    pub(super) fn entropy(&self) -> f64 {
        self.of.iter().filter(|&&p| p > 0.0).map(|p| -p * p.log2()).sum()
    }

    /// Probability that the test is flaky and that it is this node, and how often a run then fails where the failure is and
    /// where it is not.
    pub(super) fn if_flaky(&self, node: Node) -> (f64, f64, f64) {
        let (mut of, mut there, mut elsewhere) = (0.0, 0.0, 0.0);
        for way in &self.ways {
            let own = way.of[node.index()];
            of += own;
            there += own * way.failing;
            elsewhere += own * way.passing;
        }
        if of > 0.0 { (of, there / of, elsewhere / of) } else { (0.0, 0.0, 0.0) }
    }

    /// Expected rates of failures on both sides, averaged over the ways of being flaky.
    fn rates(&self, doubt: Doubt) -> (f64, f64) {
        let sums: Vec<f64> = self.ways.iter().map(|way| way.of.iter().sum()).collect();
        let all: f64 = sums.iter().sum();
        let (mut failing, mut passing) = (0.0, 0.0);
        for ((way, sum), before) in self.ways.iter().zip(sums).zip(doubt.kinds()) {
            // What underflows is as likely as it was.
            let share = if all > 0.0 { sum / all } else { before / doubt.all() };
            failing += share * way.failing;
            passing += share * way.passing;
        }
        (failing, passing)
    }
}

fn leading(of: &[f64]) -> Option<Node> {
    let best = |best: Option<usize>, at: usize| match best {
        Some(known) if of[known] >= of[at] => Some(known),
        _ => (of[at] > 0.0).then_some(at).or(best),
    };
    (0..of.len()).fold(None, best).map(Node::new)
}

/// The expected rate of failures, after these.
fn mean((a, b): (f64, f64), (failures, passes): (u32, u32)) -> f64 {
    (a + f64::from(failures)) / (a + b + f64::from(failures) + f64::from(passes))
}

/// Trees that were tested: a node for each, with its passes and failures.
fn counts(graph: &CommitGraph, state: &SearchState) -> Vec<(Node, u32, u32)> {
    graph
        .nodes()
        .map(|node| (node, state.observations[node.index()]))
        .filter(|(_, seen)| seen.good + seen.bad > 0)
        .map(|(node, seen)| (node, seen.good, seen.bad))
        .collect()
}

/// The probability of all passes and failures under each hypothesis, from a flaky test with unknown
/// rates, relative to the most probable one.
fn flaky_weights(graph: &CommitGraph, state: &SearchState, hypotheses: &[Node]) -> Vec<[f64; KINDS.len()]> {
    let counts = counts(graph, state);
    let sets: Vec<NodeSet> = counts.iter().map(|(node, _, _)| graph.ancestors([*node])).collect();
    let (all_good, all_bad) = counts.iter().fold((0, 0), |sum, (_, good, bad)| (sum.0 + good, sum.1 + bad));
    hypotheses
        .iter()
        .map(|&node| {
            let (mut good, mut bad) = (0, 0);
            for (set, (_, passes, failures)) in sets.iter().zip(&counts) {
                if set.contains(node) {
                    good += passes;
                    bad += failures;
                }
            }
            KINDS.map(|kind| kind.probability((bad, good), (all_bad - bad, all_good - good)))
        })
        .collect()
}

/// ln of the probability of this sequence of failures and passes, when the rate of failures has this
/// Beta prior.
fn ln_beta_binomial((a, b): (f64, f64), failures: u32, passes: u32) -> f64 {
    let rising = |from: f64, steps: u32| (0..steps).map(|step| (from + f64::from(step)).ln()).sum::<f64>();
    rising(a, failures) + rising(b, passes) - rising(a + b, failures + passes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_probability_of_a_sequence_is_that_of_polyas_urn() {
        // Beta(1, 1): one failure, then one pass given one failure: 1/2 · 1/3.
        assert!((ln_beta_binomial((1.0, 1.0), 1, 1).exp() - 1.0 / 6.0).abs() < 1e-12);
        assert!((ln_beta_binomial((2.0, 3.0), 0, 0)).abs() < 1e-12);
    }
}
