//! SHA-256 digests of git's blobs, so that a blob is hashed once for all searches.
//!
//! They have a file of their own, `digests-1.sqlite`: it can be deleted at any time.

use std::path::{Path, PathBuf};

use super::error::StoreError;
use super::open_file::{Opened, is_locked, open_or_do_without};
use crate::model::BlobId;

/// Remembers digests of blobs.
#[derive(Debug)]
pub struct DigestCache {
    file: PathBuf,
    connection: rusqlite::Connection,
}

const SCHEMA: &str = "
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = NORMAL;
    CREATE TABLE IF NOT EXISTS blobs (
        id BLOB PRIMARY KEY, sha256 BLOB NOT NULL, size INTEGER NOT NULL) WITHOUT ROWID;
";

impl DigestCache {
    /// Open the cache in a folder, making both as needed.
    ///
    /// # Errors
    /// When the folder or the file cannot be made or read.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        let Opened { file, connection, .. } = open_or_do_without(folder, "digests-1.sqlite", SCHEMA)?;
        Ok(Self { file, connection })
    }

    /// The SHA-256 and the size of a blob, if they are known.
    ///
    /// # Errors
    /// When the cache cannot be read.
    pub fn get(&self, blob: BlobId) -> Result<Option<([u8; 32], i64)>, StoreError> {
        let failed = |source| StoreError::Database { file: self.file.clone(), source };
        let mut prepared =
            self.connection.prepare_cached("SELECT sha256, size FROM blobs WHERE id = ?1").map_err(failed)?;
        let mut rows = prepared.query([blob.as_bytes().as_slice()]).map_err(failed)?;
        let Some(row) = rows.next().map_err(failed)? else { return Ok(None) };
        let (hash, size): (Vec<u8>, i64) = (row.get(0).map_err(failed)?, row.get(1).map_err(failed)?);
        // A row that does not hold what it should counts as not there.
        Ok(<[u8; 32]>::try_from(hash).ok().filter(|_| size >= 0).map(|hash| (hash, size)))
    }

    /// Remember many at once; nothing, where another program keeps it locked.
    ///
    /// # Errors
    /// When the cache cannot be written.
    pub fn add(&mut self, blobs: &[(BlobId, [u8; 32], i64)]) -> Result<(), StoreError> {
        let put = |connection: &mut rusqlite::Connection| {
            let transaction = connection.transaction()?;
            for (id, hash, size) in blobs {
                transaction
                    .prepare_cached("INSERT OR REPLACE INTO blobs VALUES (?1, ?2, ?3)")?
                    .execute(rusqlite::params![id.as_bytes().as_slice(), hash.as_slice(), size])?;
            }
            transaction.commit()
        };
        match put(&mut self.connection) {
            Err(source) if !is_locked(&source) => {
                Err(StoreError::Database { file: self.file.clone(), source })
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_come_back_after_the_cache_is_opened_again() {
        let folder = tempfile::tempdir().unwrap();
        let [one, other] = [1, 2].map(|byte| BlobId::from_bytes([byte; 20]));
        DigestCache::open(folder.path()).unwrap().add(&[(one, [7; 32], 12)]).unwrap();
        let cache = DigestCache::open(folder.path()).unwrap();
        assert_eq!(cache.get(one).unwrap(), Some(([7; 32], 12)));
        assert_eq!(cache.get(other).unwrap(), None);
    }
}
