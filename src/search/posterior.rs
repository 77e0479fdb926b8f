//! What is believed of each commit: the formula of the [module](super).
#![expect(clippy::as_conversions, reason = "counts of trials become numbers of a formula")]

use crate::graph::{CommitGraph, Node, NodeSet};

use super::SearchState;
use super::consistent::{Focus, repeats_parent};

/// Beta prior of the rate of failures where the failure is: it shows nearly always, or nobody would
/// look for it.
const FAILING: (f64, f64) = (20.0, 0.2);
/// Beta prior of the rate of failures where the failure is not: a flaky test fails rather less than
/// half of the time, or nobody would take it for a test.
const PASSING: (f64, f64) = (1.0, 3.0);
/// How likely a history is that breaks, is mended and breaks again, for each commit that mended it.
const EPISODE: f64 = 0.2;
/// The part of belief that is spread evenly whatever the prior says, so that a prior that misleads costs
/// one or two trials and no more: the culprit keeps at least this part of an even share.
const EVEN: f64 = 0.15;
/// How likely it is that the failure is there already at the commits that are said to be good, before anything ran.
const MISTAKEN: f64 = 0.005;

/// Beliefs over all nodes of a graph.
#[derive(Debug, Clone)]
pub(super) struct Posterior {
    /// Probability of each node; they sum to 1 unless nothing can be the culprit. That of a good commit is that the
    /// failure is there already: that something at or before it is the culprit.
    pub(super) of: Vec<f64>,
    /// Probability that a good commit is none.
    pub(super) mistaken: f64,
    /// Probability that the test is flaky.
    pub(super) flaky: f64,
    /// Expected rate of failures where the failure is, should the test be flaky.
    pub(super) failing: f64,
    /// Expected rate of failures where it is not, should the test be flaky.
    pub(super) passing: f64,
}

impl Posterior {
    /// Apply the formula.
    pub(super) fn new(
        graph: &CommitGraph,
        state: &SearchState,
        focus: &Focus,
        doubtful: &[Node],
        flaky_prior: f64,
    ) -> Self {
        let hypotheses: Vec<Node> =
            state.candidates.iter().filter(|&node| !repeats_parent(graph, state, node)).collect();
        let flaky = flaky_weights(graph, state, &hypotheses);
        let mut menders: Vec<Node> = focus.episodes.iter().map(|(_, mender)| *mender).collect();
        menders.sort_unstable();
        menders.dedup();
        let episodes = i32::try_from(menders.len()).unwrap_or(i32::MAX);
        let honest = if focus.flaky { 0.0 } else { (1.0 - flaky_prior) * EPISODE.powi(episodes) };

        let weight: f64 = hypotheses.iter().map(|node| state.prior[node.index()]).sum();
        let share = 1.0 / (hypotheses.len().max(1) as f64);

        let mut of = vec![0.0; graph.len()];
        let (mut total, mut flaky_mass) = (0.0, 0.0);
        for (&node, &likelihood) in hypotheses.iter().zip(&flaky) {
            let given = if weight > 0.0 { state.prior[node.index()] / weight } else { share };
            // What cannot matter stays impossible.
            let prior = if given > 0.0 { (1.0 - EVEN).mul_add(given, EVEN * share) } else { 0.0 };
            let agrees = if focus.candidates.contains(node) { honest } else { 0.0 };
            let noisy = flaky_prior * likelihood;
            of[node.index()] = prior * (agrees + noisy);
            total += prior * (agrees + noisy);
            flaky_mass += prior * noisy;
        }
        let doubt = MISTAKEN / (1.0 - MISTAKEN) * honest;
        for node in doubtful {
            of[node.index()] = doubt / (doubtful.len() as f64);
            total += of[node.index()];
        }
        if total > 0.0 {
            of.iter_mut().for_each(|p| *p /= total);
        }
        let mut posterior = Self {
            mistaken: doubtful.iter().map(|node| of[node.index()]).sum(),
            of,
            flaky: if total > 0.0 { flaky_mass / total } else { 0.0 },
            failing: 0.0,
            passing: 0.0,
        };
        (posterior.failing, posterior.passing) = posterior.rates(graph, state);
        posterior
    }

    /// The most probable node.
    pub(super) fn leading(&self) -> Option<Node> {
        let best = |best: Option<usize>, at: usize| match best {
            Some(known) if self.of[known] >= self.of[at] => Some(known),
            _ => (self.of[at] > 0.0).then_some(at).or(best),
        };
        (0..self.of.len()).fold(None, best).map(Node::new)
    }

    /// Entropy in bits: how many yes-or-no questions are open.
    pub(super) fn entropy(&self) -> f64 {
        self.of.iter().filter(|&&p| p > 0.0).map(|p| -p * p.log2()).sum()
    }

    /// Expected rates of failures on both sides, averaged over where the culprit may be.
    fn rates(&self, graph: &CommitGraph, state: &SearchState) -> (f64, f64) {
        let Some(leading) = self.leading() else { return (mean(FAILING), mean(PASSING)) };
        let after = graph.descendants([leading]);
        let (mut failing, mut passing) = (FAILING, PASSING);
        for (node, good, bad) in counts(graph, state) {
            let side = if after.contains(node) { &mut failing } else { &mut passing };
            side.0 += f64::from(bad);
            side.1 += f64::from(good);
        }
        (mean(failing), mean(passing))
    }
}

fn mean((failures, passes): (f64, f64)) -> f64 {
    failures / (failures + passes)
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
fn flaky_weights(graph: &CommitGraph, state: &SearchState, hypotheses: &[Node]) -> Vec<f64> {
    let counts = counts(graph, state);
    let sets: Vec<NodeSet> = counts.iter().map(|(node, _, _)| graph.ancestors([*node])).collect();
    let (all_good, all_bad) = counts.iter().fold((0, 0), |sum, (_, good, bad)| (sum.0 + good, sum.1 + bad));
    let mut weights: Vec<f64> = hypotheses
        .iter()
        .map(|&node| {
            let (mut good, mut bad) = (0, 0);
            for (set, (_, passes, failures)) in sets.iter().zip(&counts) {
                if set.contains(node) {
                    good += passes;
                    bad += failures;
                }
            }
            ln_beta_binomial(FAILING, bad, good) + ln_beta_binomial(PASSING, all_bad - bad, all_good - good)
        })
        .collect();
    weights.iter_mut().for_each(|weight| *weight = weight.exp());
    weights
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
