//! A look at a branch before its merge: which changed calls are wrong, and on what evidence.
//!
//! | file | what it does |
//! |---|---|
//! | `sides` | what is merged into what |
//! | `rules` | the rules with their documentation |
//! | `findings` | from what is wrong to findings: places, fingerprints, order |
//! | `types` | what a type checker says of the merge result only, at changed calls |
//! | `checker` | finding, installing and running the type checker |
//! | `undo` | which changed calls make the command fail: those without which it passes |
//! | `ignore` | comments that silence findings |
//! | `baseline` | findings that are accepted |

mod baseline;
mod checker;
mod findings;
mod ignore;
mod rules;
mod sides;
mod types;
mod undo;

pub use baseline::{Baseline, BaselineError};
pub use checker::{Checker, CheckerKind, ToolError};
pub use findings::{ChangedCall, add_or_support, at, on_call, one_line, put_in_order, stale};
pub use ignore::is_ignored;
pub use rules::*;
pub use sides::{Sides, SidesError, TARGET_VARIABLES};
pub use types::{Diagnostic, read_diagnostics, type_findings};
pub use undo::{Undo, put_back, smallest, suggestion, undos};
