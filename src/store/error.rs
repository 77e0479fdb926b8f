//! What can go wrong with the store.

use std::path::PathBuf;

/// The store cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The folder cannot be made.
    #[error("failed to create the cache folder {folder}")]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// SQLite says no.
    #[error("failed to use the session store {file}")]
    Database {
        /// The file.
        file: PathBuf,
        /// What SQLite said.
        #[source]
        source: rusqlite::Error,
    },
    /// A row does not hold what it should.
    #[error("the session store holds a row that cannot be read")]
    Row(#[source] Box<dyn std::error::Error + Send + Sync>),
}
