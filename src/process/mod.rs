//! One child process, run safely: its own group and session, a deadline, bounded capture of what it writes,
//! and nothing left running afterwards.
//!
//! | file | what it does |
//! |---|---|
//! | `action` | [`act`]: a command that is no trial, and may leave something running |
//! | `child` | [`run`]: start, watch, end |
//! | `capture` | what a stream said: its beginning, its end and how long it was |
//! | `inherited` | what a child does not have of whoever started pybisect: open files, keys |
//! | `orphans` | finding and ending what outlived the command |
//! | `programs` | where the programs are that are started outside of the sandbox |
//! | [`sandbox`] | what it may see, reach and take |
//! | `pre_exec` | what the child does before it becomes the program |

mod action;
mod capture;
mod child;
mod inherited;
mod orphans;
mod pre_exec;
mod programs;
pub mod sandbox;

pub use action::{Acting, ActionSpec, act, act_as};
pub use child::{ChildOutcome, ChildSpec, run, run_with_proxy};
pub use inherited::keep_descriptors;
pub use orphans::{MARKER, end_marked};
pub use programs::program;
