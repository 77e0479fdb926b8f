//! Python environments. So far the one the user has: which interpreter it is, what it would import,
//! and what would lead it out of the work tree under test.

mod current;
mod variables;

pub use current::{Interpreter, ProbeError, find_python};
pub use variables::{fingerprint, is_private};
