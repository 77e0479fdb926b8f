//! The repository: history, blobs and differences through libgit2, and a shadow of it for trials.
//!
//! Nothing here writes into the user's repository.
//!
//! | file | what it does |
//! |---|---|
//! | `repository` | [`Repository`]: opening, refusals, commits, blobs |
//! | `revision` | names → commits, the nearest known names, release tags |
//! | `history` | a range → [`History`]: the commit graph and who is who in it |
//! | `pathspec` | `--path`: which commits touch a path, and the graph without the others |
//! | `changes` | two trees → [`FileChange`]s, changed lines, unified text |
//! | `ids` | libgit2's ids ↔ the model's |
//! | `error` | [`GitError`] |

mod changes;
mod error;
mod history;
mod ids;
mod pathspec;
mod repository;
mod revision;

pub use changes::{ChangeStatus, ChangedLines, FileChange};
pub use error::GitError;
pub use history::{History, RangeOptions};
pub use repository::Repository;
pub use revision::Tag;
