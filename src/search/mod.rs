//! Which commits to test next. Pure: same state in, same answer out.

mod state;
mod strategy;

pub use state::{Observation, SearchState};
pub use strategy::{Next, Outcome, Strategy};
