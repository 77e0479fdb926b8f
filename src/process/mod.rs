//! One child process, run safely: its own group and session, a deadline, bounded capture of what it writes,
//! and nothing left running afterwards.
//!
//! | file | what it does |
//! |---|---|
//! | `child` | [`run`]: start, watch, end |
//! | `capture` | what a stream said: its beginning, its end and how long it was |
//! | `inherited` | what a child does not have of whoever started pybisect: open files, keys |
//! | `leftovers` | finding and ending what outlived the command |
//! | [`sandbox`] | what it may see, reach and take |
//! | `spawn` | what the child does before it becomes the program |

mod capture;
mod child;
mod inherited;
mod leftovers;
pub mod sandbox;
mod spawn;

pub use child::{ChildOutcome, ChildSpec, run};
pub use inherited::keep_descriptors;
pub use leftovers::{MARKER, end_marked};
