//! What a machine that is not this one is asked to run, and what is believed of what it says.
//!
//! A worker is believed only where the script that it ran wrote down that the command began and how it ended.
//!
//! | file | what it is |
//! |---|---|
//! | `script` | what a worker runs: the command, and the writing down of its beginning and end |
//! | `ending` | what was written down as the end of a trial, or as a failure of the worker |
//! | `output` | what a trial printed: its beginning and its end |
//! | `probe` | [`WorkerFacts`]: whether workers do what they are told |

pub(super) mod ending;
pub(super) mod output;
pub(super) mod probe;
pub(super) mod script;

pub use probe::{ProbeFault, WorkerFacts};
