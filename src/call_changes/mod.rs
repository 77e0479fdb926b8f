//! Call changes between trees and over whole histories: in parallel, and remembered by pair of file versions.
//!
//! | file | what it does |
//! |---|---|
//! | `compare` | [`CallComparer`]: trees against trees, file by file, through the cache |
//! | `stale` | calls anywhere in a tree that no longer fit a definition that changed |

mod compare;
mod stale;

pub use compare::{CallComparer, Compared, Comparison};
pub use stale::{stale_finder, stale_in_tree};

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
}
