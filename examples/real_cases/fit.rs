//! Weights by maximum likelihood with a penalty on large ones, by gradient descent.

use pybisect::suspects::{Features, Weights, of_values};

type Values = [f64; Features::COUNT];

/// The commits of a range, and which of them was the culprit.
pub(crate) struct Example {
    pub(crate) commits: Vec<Values>,
    pub(crate) culprit: usize,
}

/// How much a squared weight costs, in nats.
const PENALTY: f64 = 0.2;
/// The same for what follows from how programs work, not only from how they happened to break.
const PENALTY_OF_KNOWN: f64 = 0.01;
const STEPS: usize = 400;
const STEP: f64 = 0.05;

impl Example {
    /// What these weights say of each commit.
    pub(crate) fn probabilities(&self, weights: &Weights) -> Vec<f64> {
        of_values(&self.commits, weights)
    }

    /// How surprising the culprit is, in nats.
    fn loss(&self, weights: &Weights) -> f64 {
        -self.probabilities(weights)[self.culprit].ln()
    }
}

/// Evidence for a commit never speaks against it, nor the other way round.
fn bounded(at: usize, weight: f64) -> f64 {
    let against = matches!(Features::NAMES[at], "harmless" | "merge" | "unreached");
    if against { weight.min(0.0) } else { weight.max(0.0) }
}

/// The weights that fit best; each example counts as much as the number with it. Adam (Kingma and Ba 2015)
/// on central differences: there are few weights.
pub(crate) fn fitted(examples: &[(f64, &Example)]) -> Values {
    const NEAR: f64 = 1e-4;
    let loss = |weights: &Values| {
        let fit: f64 = examples.iter().map(|(much, one)| much * one.loss(&Weights(*weights))).sum();
        let penalty = |at: usize| if Features::NAMES[at] == "unreached" { PENALTY_OF_KNOWN } else { PENALTY };
        fit + weights.iter().enumerate().map(|(at, weight)| penalty(at) * weight * weight).sum::<f64>()
    };
    let mut weights = [0.0; Features::COUNT];
    let (mut first, mut second) = (weights, weights);
    for step in 1..=STEPS {
        let time = i32::try_from(step).unwrap_or(i32::MAX);
        let mut slope = weights;
        for at in 0..Features::COUNT {
            let (mut up, mut down) = (weights, weights);
            up[at] += NEAR;
            down[at] -= NEAR;
            slope[at] = (loss(&up) - loss(&down)) / (2.0 * NEAR);
        }
        for at in 0..Features::COUNT {
            first[at] = 0.9_f64.mul_add(first[at], 0.1 * slope[at]);
            second[at] = 0.999_f64.mul_add(second[at], 0.001 * slope[at] * slope[at]);
            let (mean, spread) =
                (first[at] / (1.0 - 0.9_f64.powi(time)), second[at] / (1.0 - 0.999_f64.powi(time)));
            weights[at] = bounded(at, weights[at] - STEP * mean / (spread.sqrt() + 1e-8));
        }
    }
    weights
}
