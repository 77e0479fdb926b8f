//! How much each signal counts.

use super::failure::Failure;
use super::signals::Signals;

/// One weight for each of the [`Signals`], in their order.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weights(pub [f64; Signals::COUNT]);

impl Weights {
    /// When it is known what the failing run executed.
    pub const TRACED: Self = Self([0.52, 0.11, 0.17, 0.33, 1.34, 1.94, -0.54, -0.52, -2.66]);
    /// When only a text tells of the failure.
    pub const FROM_TEXT: Self = Self([0.0, 0.30, 0.14, 0.51, 1.98, 1.97, -1.19, -0.48, 0.0]);

    /// The weights for what is known of a failure.
    #[must_use]
    pub const fn for_failure(failure: &Failure) -> &'static Self {
        if failure.ran.is_some() { &Self::TRACED } else { &Self::FROM_TEXT }
    }

    /// The weighted sum.
    #[must_use]
    pub fn score(&self, values: &[f64; Signals::COUNT]) -> f64 {
        self.0.iter().zip(values).map(|(weight, value)| weight * value).sum()
    }
}
