//! A look at a branch before its merge: which changed calls are wrong, and on what evidence.
//!
//! | file | what it does |
//! |---|---|
//! | `sides` | what is merged into what |
//! | `rules` | the rules with their documentation |
//! | `findings` | from what is wrong to findings: places, fingerprints, order |
//! | `types` | what a type checker says of the merge result only, at changed calls |
//! | `checker` | finding, installing and running the type checker |
//! | `coverage` | which changed calls no test executes |
//! | `past` | changes that were made before and taken back |
//! | `undo` | which changed calls make the command fail: those without which it passes |
//! | `ignore` | comments that silence findings |
//! | `baseline` | findings that are accepted |

mod baseline;
mod checker;
mod coverage;
mod findings;
mod ignore;
mod past;
mod rules;
mod sides;
mod types;
mod undo;

pub use baseline::{Baseline, BaselineError};
pub use checker::{Checker, CheckerKind, ToolError};
pub use coverage::{Coverage, CoverageError, untested};
pub use findings::{ChangedCall, add_or_support, at, on_call, put_in_order, quoted, stale};
pub use ignore::is_ignored;
pub use past::repeated;
pub use rules::*;
pub use sides::{Sides, SidesError, TARGET_VARIABLES};
pub use types::{Diagnostic, read_diagnostics, type_findings};
pub use undo::{Undo, put_back, smallest, suggestion, undos};
