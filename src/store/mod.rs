//! The session store: one SQLite file in the user's cache folder.
//!
//! Every outcome is committed as its trial ends, with `synchronous = FULL`, so neither Ctrl-C nor
//! `kill -9` nor a power cut loses a finished trial. The rest is written with `NORMAL`, which waits for
//! no disk: after a power cut the last events may be missing, and the session tells them anew.
//! Outcomes are keyed by everything that can change them ([`OutcomeKey`]); a session is the list of its events.

mod calls;
mod clear;
mod clock;
#[cfg(feature = "remote")]
mod digests;
mod error;
mod key;
mod open_file;
mod outcomes;
mod printed;
mod session_request;
mod sessions;

use std::cell::{Cell, RefCell};
use std::path::{Path, PathBuf};

pub use calls::{BlobPair, CallCache};
#[cfg(feature = "remote")]
pub use digests::DigestCache;
pub use error::StoreError;
pub use key::OutcomeKey;
use open_file::Opened;
pub use sessions::{SessionId, SessionKind, SessionRow, SessionState};

/// An open store.
#[derive(Debug)]
pub struct Store {
    file: PathBuf,
    connection: rusqlite::Connection,
    /// Whether what uses it goes on without it.
    can_be_missed: bool,
    note: RefCell<Option<String>>,
    /// Whether it was given up.
    is_missed: Cell<bool>,
}

const FILE: &str = "sessions-1.sqlite";

const SCHEMA: &str = "
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = NORMAL;
    BEGIN;
    CREATE TABLE IF NOT EXISTS outcomes (
        key BLOB NOT NULL, seq INTEGER NOT NULL, commit_id TEXT NOT NULL, at REAL NOT NULL,
        output BLOB NOT NULL, PRIMARY KEY (key, seq)) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS sessions (
        id TEXT PRIMARY KEY, key BLOB NOT NULL, repository TEXT NOT NULL, command TEXT NOT NULL,
        started REAL NOT NULL, updated REAL NOT NULL, state TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS session_kinds (session TEXT PRIMARY KEY, kind TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS events (
        session TEXT NOT NULL, seq INTEGER NOT NULL, json TEXT NOT NULL,
        PRIMARY KEY (session, seq)) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS requests (session TEXT PRIMARY KEY, at REAL NOT NULL, json TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS fixes (session TEXT PRIMARY KEY, at REAL NOT NULL, json TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS printed (
        session TEXT NOT NULL, trial INTEGER NOT NULL, at REAL NOT NULL, output BLOB NOT NULL,
        PRIMARY KEY (session, trial)) WITHOUT ROWID;
    COMMIT;
";

impl Store {
    /// Open the store in a folder, making both as needed. A damaged one is set aside: see [`Self::note`].
    ///
    /// # Errors
    /// When the folder or the file cannot be made or read.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        Ok(Self::of(open_file::open(folder, FILE, SCHEMA)?, false))
    }

    /// Open the store for a search, which goes on without it where another program keeps it locked.
    ///
    /// # Errors
    /// When the folder or the file cannot be made or read.
    pub fn open_for_search(folder: &Path) -> Result<Self, StoreError> {
        Ok(Self::of(open_file::open_or_do_without(folder, FILE, SCHEMA)?, true))
    }

    fn of(opened: Opened, can_be_missed: bool) -> Self {
        let Opened { connection, file, note } = opened;
        Self { file, connection, can_be_missed, note: RefCell::new(note), is_missed: Cell::new(false) }
    }

    /// What the user should know: that it was damaged, or is locked.
    #[must_use]
    pub fn note(&self) -> Option<String> {
        self.note.borrow().clone()
    }

    /// Read or write something; where a search can do without, what stands for it.
    fn attempt<T>(
        &self,
        instead: T,
        attempt: impl FnOnce() -> Result<T, rusqlite::Error>,
    ) -> Result<T, StoreError> {
        if self.is_missed.get() {
            return Ok(instead);
        }
        match attempt() {
            Err(error) if self.can_be_missed && open_file::is_locked(&error) => {
                self.is_missed.set(true);
                let file = self.file.display();
                let note = format!("{file} is locked by another program: the rest of this run is not kept");
                self.note.replace(Some(note));
                Ok(instead)
            }
            result => result.map_err(|source| self.database(source)),
        }
    }

    /// Run something whose transaction is on the disk when it returns, with all that was written before it.
    fn on_disk<T>(&self, write: impl FnOnce() -> Result<T, rusqlite::Error>) -> Result<T, rusqlite::Error> {
        let set = |mode: &str| self.connection.pragma_update(None, "synchronous", mode);
        let written = set("FULL").and_then(|()| write());
        set("NORMAL").and(written)
    }

    fn database(&self, source: rusqlite::Error) -> StoreError {
        StoreError::Database { file: self.file.clone(), source }
    }
}
