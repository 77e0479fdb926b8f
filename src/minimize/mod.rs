//! From the difference between a good and a bad version to the edits that matter. Pure: versions of files
//! and outcomes in, edits and questions out.
//!
//! | file | step |
//! |---|---|
//! | `files` | the two versions of each file that differs |
//! | `pieces` | a file's difference in pieces: each call change by itself, then hunks, then whole files |
//! | `grain` | long hunks cut at statements |
//! | `whole` | pieces that do not parse by themselves are joined to edits |
//! | `needs` | edits that need others: an import with its use, a definition with its callers |
//! | `suspicion` | how suspicious each edit is, seen from the failure |
//! | [`difference`] | all of that: [`Difference`], its edits, and a partial version of it |
//! | [`delta`] | [`Search`]: which sets of edits to test, several at a time, until a minimal one is proven |
//! | `row` | edits in a row, and where to cut it |
//! | `known` | [`Known`]: what trials have shown so far |
//! | `edit_set` | [`EditSet`] |
//!
//! [`Search`]: delta::Search

pub mod delta;
pub mod difference;
mod edit_set;
mod files;
mod grain;
mod known;
mod needs;
mod pieces;
mod row;
mod suspicion;
mod whole;

pub use delta::{Answer, Necessity, Relations, Search};
pub use difference::{Difference, Edit, Stored, Written};
pub use edit_set::EditSet;
pub use files::{FilePair, Side, is_test_file};
pub use known::{Known, Outcome};
