//! From the difference between a good and a bad version to the edits that matter. Pure: versions of files
//! and outcomes in, edits and questions out.
//!
//! | file | step |
//! |---|---|
//! | `files` | the two versions of each file that differs |
//! | `hunks` | a file's difference in pieces: each call change by itself, then hunks, then whole files |
//! | `split_hunk` | long hunks cut at statements |
//! | `parseable` | pieces that do not parse by themselves are joined to edits |
//! | `dependencies` | edits that need others: an import with its use, a definition with its callers |
//! | `edit_weights` | how suspicious each edit is, seen from the failure |
//! | [`edits`] | all of that: [`EditList`], its edits, and a partial version of it |
//! | [`delta`] | [`DeltaDebugger`]: which sets of edits to test, several at a time, until a minimal one is proven |
//! | `ordering` | edits in a row, and where to cut it |
//! | `outcomes` | [`Outcomes`]: what trials have shown so far |
//! | `edit_set` | [`EditSet`] |
//!
//! [`DeltaDebugger`]: delta::DeltaDebugger

pub mod delta;
mod dependencies;
mod edit_set;
mod edit_weights;
pub mod edits;
mod files;
mod hunks;
mod ordering;
mod outcomes;
mod parseable;
mod split_hunk;

pub use delta::{DeltaDebugger, EditAnswer, Necessity, Relations};
pub use edit_set::EditSet;
pub use edits::{Edit, EditList, FileContent, PartialFile};
pub use files::{FilePair, FileSide, is_test_file};
pub use outcomes::{EditOutcome, Outcomes};
