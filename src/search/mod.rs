//! Which commits to test next. Pure: same state in, same answer out.
//!
//! # The model
//!
//! The hypothesis "c is the culprit" predicts the failure at x exactly when c is x or an ancestor of x.
//! What is believed of it, [`posterior`], is
//!
//! ```text
//! P(c | seen) ∝ prior(c) · [ (1 − π) · D(c) + π · F(c) ]
//! ```
//!
//! where π is how likely it is beforehand that the test is flaky. D(c) is 1 when c agrees with all that
//! was seen, taken at its word, and 0 otherwise. F(c) is the probability of what was seen from a flaky
//! test with unknown rates of false failures and false passes (Beta-Bernoulli, as in `git_bayesect`).
//! So one formula does three things: plain bisection while nothing contradicts; as many repeats of the
//! culprit as the asked confidence needs; and Bayesian search once passes and failures mix.
//!
//! A good commit that no trial has seen is one more hypothesis, with a small prior: that the failure is older than
//! whoever named it thought. So it is run when trials speak for that, when it is a parent of the culprit, or when a
//! worker has nothing better to do; mostly the proof does not need it.
//!
//! What "at its word" means when the history is not monotonic is decided in [`consistent`]: a failure with a
//! pass after it is an earlier episode, once both were repeated; the answer is the latest breakage.
//!
//! [`InformationGain`] fills free slots with the commits that tell most about the culprit, given what
//! is still running ([`batch`]).
//!
//! | file | what it does |
//! |---|---|
//! | [`state`] | observations |
//! | [`consistent`] | which commits can still be the culprit if the test is not flaky |
//! | [`posterior`] | beliefs |
//! | [`ancestor_mass`] | how much belief lies in each commit's ancestors, exactly, on DAGs |
//! | [`batch`] | choosing several commits at once |
//! | [`skips`] | where a trial is likely to say nothing |
//! | [`information_gain`] | the strategy |
//! | [`simulate`] | histories and workers in memory, to try a strategy on |

mod ancestor_mass;
mod batch;
mod consistent;
mod information_gain;
mod posterior;
pub mod simulate;
mod skips;
mod state;
mod strategy;

pub use information_gain::{BeliefSummary, InformationGain};
pub use posterior::Doubt;
pub use state::{Observation, SearchState};
pub use strategy::{Next, SearchOutcome, Strategy};
