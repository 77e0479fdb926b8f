//! Call changes between trees and over whole histories: in parallel, and remembered by pair of file versions.
//!
//! | file | what it does |
//! |---|---|
//! | `compare` | [`CallComparer`]: trees against trees, file by file, through the cache |
//! | `request` | which changes are asked for |
//! | `sources` | [`call_changes()`]: what they are compared of, from trees to patches |
//! | `filter` | which of them are wanted |
//! | `stale` | calls anywhere in a tree that no longer fit a definition that changed |

mod compare;
mod filter;
mod request;
mod sources;
mod stale;

pub use compare::{CallComparer, ComparedFiles, Comparison};
pub use request::CallsRequest;
pub use sources::call_changes;
pub use stale::{stale_finder, stale_in_tree};

use std::path::PathBuf;

use crate::git::GitError;
use crate::store::StoreError;

/// Changes cannot be read or remembered.
#[derive(Debug, thiserror::Error)]
pub enum ChangesError {
    /// The repository cannot give what is needed.
    #[error(transparent)]
    Git(#[from] GitError),
    /// The cache cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file or patch cannot be read.
    #[error("cannot read {path}: {error}", path = path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// The two sides of a range share no history.
    #[error("the two sides of {0} share no history")]
    Unrelated(String),
    /// There is no work tree to compare.
    #[error("a bare repository has no work tree")]
    Bare,
    /// A pattern that is no glob.
    #[error("{}: {}", .0.glob().map_or_else(String::new, |glob| format!("'{glob}' is not a glob")), .0.kind())]
    Glob(#[from] globset::Error),
}
