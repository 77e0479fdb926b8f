//! Call changes by pair of file versions, so that a history is read once.
//!
//! They have a file of their own, `calls-1.sqlite`: it can be deleted at any time, and a session's outcomes
//! need not wait for it. `synchronous = NORMAL`: what is lost is computed again.

use std::path::Path;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::clear::shrink;
use super::error::StoreError;
use super::key::Parts;
use super::open_file::{Opened, is_locked, open_or_do_without};
use crate::model::{BlobId, FileCalls, TreeId};

/// Changes with the form of what is stored, and with what the call diff finds.
const VERSION: &str = "calls/2";

/// Two versions of a file at their paths.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct BlobPair {
    /// The path before.
    pub old_path: String,
    /// The path after.
    pub path: String,
    /// The content before; None when the file is new.
    pub old: Option<BlobId>,
    /// The content after; None when it is gone.
    pub new: Option<BlobId>,
}

/// Remembers call changes.
#[derive(Debug)]
pub struct CallCache {
    file: std::path::PathBuf,
    connection: rusqlite::Connection,
}

const SCHEMA: &str = "
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = NORMAL;
    CREATE TABLE IF NOT EXISTS files (key BLOB PRIMARY KEY, calls BLOB NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS trees (key BLOB PRIMARY KEY, pairs BLOB NOT NULL) WITHOUT ROWID;
";

impl CallCache {
    /// Open the cache in a folder, making both as needed.
    ///
    /// # Errors
    /// When the folder or the file cannot be made or read.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        // Nothing is lost with it, so that there is nothing to tell.
        let Opened { file, connection, .. } = open_or_do_without(folder, "calls-1.sqlite", SCHEMA)?;
        Ok(Self { file, connection })
    }

    /// Forget all calls: they are read again where they are wanted.
    ///
    /// # Errors
    /// When it cannot be written, such as while another program keeps it locked.
    pub fn clear(&self) -> Result<(), StoreError> {
        let deleted = self.connection.execute_batch("DELETE FROM files; DELETE FROM trees");
        deleted.map_err(|source| StoreError::Database { file: self.file.clone(), source })?;
        shrink(&self.connection);
        Ok(())
    }

    /// The changes of a file, if they are known.
    ///
    /// # Errors
    /// When the cache cannot be read.
    pub fn file(&self, pair: &BlobPair) -> Result<Option<FileCalls>, StoreError> {
        self.get("SELECT calls FROM files WHERE key = ?1", file_key(pair))
    }

    /// The files that differ between two trees, if they are known.
    ///
    /// # Errors
    /// When the cache cannot be read.
    pub fn tree(&self, old: Option<TreeId>, new: TreeId) -> Result<Option<Vec<BlobPair>>, StoreError> {
        self.get("SELECT pairs FROM trees WHERE key = ?1", tree_key(old, new))
    }

    /// Remember many at once; nothing, where another program keeps it locked.
    ///
    /// # Errors
    /// When the cache cannot be written.
    pub fn add<'c>(
        &mut self,
        files: impl Iterator<Item = (&'c BlobPair, &'c FileCalls)>,
        trees: impl Iterator<Item = (Option<TreeId>, TreeId, &'c [BlobPair])>,
    ) -> Result<(), StoreError> {
        match self.put_all(files, trees) {
            Err(StoreError::Database { source, .. }) if is_locked(&source) => Ok(()),
            result => result,
        }
    }

    fn put_all<'c>(
        &mut self,
        files: impl Iterator<Item = (&'c BlobPair, &'c FileCalls)>,
        trees: impl Iterator<Item = (Option<TreeId>, TreeId, &'c [BlobPair])>,
    ) -> Result<(), StoreError> {
        let file = self.file.clone();
        let failed = |source| StoreError::Database { file: file.clone(), source };
        let transaction = self.connection.transaction().map_err(failed)?;
        let put = |statement: &str, key: [u8; 32], bytes: Vec<u8>| {
            transaction
                .prepare_cached(statement)
                .and_then(|mut prepared| prepared.execute(rusqlite::params![key.as_slice(), bytes]))
                .map_err(failed)
        };
        for (pair, calls) in files {
            put("INSERT OR REPLACE INTO files VALUES (?1, ?2)", file_key(pair), bytes(calls)?)?;
        }
        for (old, new, pairs) in trees {
            put("INSERT OR REPLACE INTO trees VALUES (?1, ?2)", tree_key(old, new), bytes(&pairs)?)?;
        }
        transaction.commit().map_err(failed)
    }

    /// A row that cannot be read any more counts as not there.
    fn get<T: DeserializeOwned>(&self, statement: &str, key: [u8; 32]) -> Result<Option<T>, StoreError> {
        let failed = |source| StoreError::Database { file: self.file.clone(), source };
        let mut prepared = self.connection.prepare_cached(statement).map_err(failed)?;
        let mut rows = prepared.query([key.as_slice()]).map_err(failed)?;
        let Some(row) = rows.next().map_err(failed)? else { return Ok(None) };
        let bytes = row.get_ref(0).map_err(failed)?;
        Ok(bytes.as_bytes().ok().and_then(|bytes| serde_json::from_slice(bytes).ok()))
    }
}

fn bytes(value: &impl Serialize) -> Result<Vec<u8>, StoreError> {
    serde_json::to_vec(value).map_err(|error| StoreError::Row(Box::new(error)))
}

fn file_key(pair: &BlobPair) -> [u8; 32] {
    let mut parts = Parts::new(VERSION);
    parts.add(pair.old_path.as_bytes());
    parts.add(pair.path.as_bytes());
    parts.add(pair.old.as_ref().map_or(&[][..], |id| &id.as_bytes()[..]));
    parts.add(pair.new.as_ref().map_or(&[][..], |id| &id.as_bytes()[..]));
    parts.finish()
}

fn tree_key(old: Option<TreeId>, new: TreeId) -> [u8; 32] {
    let mut parts = Parts::new(VERSION);
    parts.add(old.as_ref().map_or(&[][..], |id| &id.as_bytes()[..]));
    parts.add(new.as_bytes());
    parts.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::PartlyParsed;

    #[test]
    fn what_is_remembered_depends_on_both_versions_and_paths() {
        let folder = tempfile::tempdir().unwrap();
        let pair = BlobPair {
            old_path: "a.py".to_owned(),
            path: "b.py".to_owned(),
            old: Some(BlobId::from_bytes([1; 20])),
            new: None,
        };
        let calls =
            FileCalls { partly_after: Some(PartlyParsed::Syntax { line: 3 }), ..FileCalls::default() };
        let tree = TreeId::from_bytes([2; 20]);
        let mut cache = CallCache::open(folder.path()).unwrap();
        cache.add([(&pair, &calls)].into_iter(), [(None, tree, &[pair.clone()][..])].into_iter()).unwrap();
        drop(cache);
        let cache = CallCache::open(folder.path()).unwrap();
        assert_eq!(cache.file(&pair).unwrap(), Some(calls));
        assert_eq!(cache.tree(None, tree).unwrap(), Some(vec![pair.clone()]));
        assert_eq!(cache.tree(Some(tree), tree).unwrap(), None);
        let swapped = BlobPair { old: None, new: pair.old, ..pair.clone() };
        assert_eq!(cache.file(&swapped).unwrap(), None);
        let moved = BlobPair { path: "c.py".to_owned(), ..pair };
        assert_eq!(cache.file(&moved).unwrap(), None);
    }
}
