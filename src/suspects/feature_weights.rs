//! How much each signal counts.

use super::failure_evidence::FailureEvidence;
use super::features::Features;

/// One weight for each of the [`Features`], in their order.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weights(pub [f64; Features::COUNT]);

impl Weights {
    /// The weights where the functions that the failing run executed are known.
    pub const TRACED: Self = Self([0.55, 0.09, 0.15, 0.34, 0.82, 2.20, -0.53, -0.62, -2.71]);
    /// When only a text tells of the failure.
    pub const FROM_TEXT: Self = Self([0.0, 0.31, 0.10, 0.57, 1.40, 2.25, -1.06, -0.59, -2.27]);

    /// The weights for what is known of a failure.
    #[must_use]
    pub const fn for_failure(failure: &FailureEvidence) -> &'static Self {
        if failure.ran.is_some() { &Self::TRACED } else { &Self::FROM_TEXT }
    }

    /// The weighted sum.
    #[must_use]
    pub fn score(&self, values: &[f64; Features::COUNT]) -> f64 {
        self.0.iter().zip(values).map(|(weight, value)| weight * value).sum()
    }
}
