//! From signals to probabilities, with the reasons.

use super::change::CommitChange;
use super::failure_evidence::FailureEvidence;
use super::feature_weights::Weights;
use super::features::{FeatureExtractor, Features, of_range};
use super::reasons::Reasons;

/// The part of belief that is spread evenly, whatever the evidence says: no commit is impossible.
const EVEN: f64 = 0.05;

/// What is believed of one commit.
#[derive(Debug, Clone, PartialEq)]
pub struct Suspicion {
    /// The commit's place in the list that was ranked.
    pub commit: usize,
    /// How probable it is that it brought the failure, above 0; all sum to 1.
    pub probability: f64,
    /// Why, in words, the weightiest first.
    pub reasons: Vec<String>,
}

/// A range of commits, weighed for one failure.
pub struct Ranking<'a> {
    range: FeatureExtractor<'a>,
    signals: Vec<Features>,
    probabilities: Vec<f64>,
}

impl std::fmt::Debug for Ranking<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ranking").field("probabilities", &self.probabilities).finish_non_exhaustive()
    }
}

impl<'a> Ranking<'a> {
    /// Weigh commits, given parents first, the failing one last.
    #[must_use]
    pub fn new(changes: &'a [CommitChange], failure: &'a FailureEvidence) -> Self {
        let range = FeatureExtractor::new(changes, failure);
        let signals = of_range(&range);
        let probabilities = of_signals(&signals, Weights::for_failure(failure));
        Self { range, signals, probabilities }
    }

    /// The evidence for each commit, in their order.
    #[must_use]
    pub fn signals(&self) -> &[Features] {
        &self.signals
    }

    /// The probability of each commit, in their order.
    #[must_use]
    pub fn probabilities(&self) -> &[f64] {
        &self.probabilities
    }

    /// All commits, the most probable first (of equals the newest); reasons for the first `with_reasons`.
    #[must_use]
    pub fn suspicions(&self, with_reasons: usize) -> Vec<Suspicion> {
        let all = self.probabilities.iter().enumerate();
        let mut list: Vec<Suspicion> = all
            .map(|(commit, &probability)| Suspicion { commit, probability, reasons: Vec::new() })
            .collect();
        list.sort_by(|a, b| b.probability.total_cmp(&a.probability).then(b.commit.cmp(&a.commit)));
        let reasons = Reasons::new(&self.range);
        for one in list.iter_mut().take(with_reasons) {
            one.reasons = reasons.of(one.commit);
        }
        list
    }

    /// Whether the failing run is known to have neither read nor executed anything that a commit changed: then
    /// the failure is there with it as without it.
    #[must_use]
    pub fn is_unreached(&self, commit: usize) -> bool {
        self.signals.get(commit).is_some_and(|signals| signals.unreached > 0.0)
    }
}

fn of_signals(signals: &[Features], weights: &Weights) -> Vec<f64> {
    let values: Vec<_> = signals.iter().map(Features::values).collect();
    of_values(&values, weights)
}

/// Probabilities from the [values](Features::values) of each commit's signals: softmax of the weighted sums,
/// with a part spread evenly.
#[must_use]
pub fn of_values(values: &[[f64; Features::COUNT]], weights: &Weights) -> Vec<f64> {
    let scores: Vec<f64> = values.iter().map(|one| weights.score(one)).collect();
    let best = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let raised: Vec<f64> = scores.iter().map(|score| (score - best).exp()).collect();
    let sum: f64 = raised.iter().sum();
    let count = u32::try_from(values.len().max(1)).map_or(f64::MAX, f64::from);
    raised.into_iter().map(|one| (1.0 - EVEN).mul_add(one / sum, EVEN / count)).collect()
}
