//! Sessions and their events.

use std::fmt;

use super::clock::now;
use super::error::StoreError;
use super::{OutcomeKey, Store};
use crate::model::Event;

/// A session's id: the first twelve hexadecimal digits of its key.
///
/// The same command on the same range has the same id, which is how a session is continued.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SessionId(String);

impl SessionId {
    /// The id of the session with this key.
    #[must_use]
    pub fn of(key: OutcomeKey) -> Self {
        Self(key.as_bytes()[..6].iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How far a session came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionState {
    /// It runs, or it was killed.
    Running,
    /// The user stopped it.
    Interrupted,
    /// It came to a conclusion.
    Finished,
}

impl SessionState {
    /// One word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Interrupted => "interrupted",
            Self::Finished => "finished",
        }
    }

    fn from_word(word: &str) -> Self {
        [Self::Interrupted, Self::Finished]
            .into_iter()
            .find(|state| state.word() == word)
            .unwrap_or(Self::Running)
    }
}

/// What a session is of: the command that it ran trials for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SessionKind {
    /// A search.
    #[default]
    Find,
    /// A look at a branch before its merge.
    Check,
    /// A ranking of suspects, with its one run of the bad commit.
    Suspects,
    /// A proposed command that was tried.
    Init,
}

impl SessionKind {
    /// The command's name.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Find => "find",
            Self::Check => "check",
            Self::Suspects => "suspects",
            Self::Init => "init",
        }
    }

    fn from_word(word: &str) -> Self {
        [Self::Check, Self::Suspects, Self::Init]
            .into_iter()
            .find(|kind| kind.word() == word)
            .unwrap_or_default()
    }
}

/// A session as the list shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionRow {
    /// The session's id.
    pub id: SessionId,
    /// The repository's folder.
    pub repository: String,
    /// The command under test.
    pub command: String,
    /// Start, seconds since 1970-01-01 UTC.
    pub started: f64,
    /// Last change, seconds since 1970-01-01 UTC.
    pub updated: f64,
    /// How far it came.
    pub state: SessionState,
    /// The command that ran its trials.
    pub kind: SessionKind,
}

/// Those of a row. A search has no kind of its own.
const COLUMNS: &str = "id, repository, command, started, updated, state, coalesce(kind, 'find')";

fn row(row: &rusqlite::Row<'_>) -> rusqlite::Result<SessionRow> {
    Ok(SessionRow {
        id: SessionId(row.get(0)?),
        repository: row.get(1)?,
        command: row.get(2)?,
        started: row.get(3)?,
        updated: row.get(4)?,
        state: SessionState::from_word(&row.get::<_, String>(5)?),
        kind: SessionKind::from_word(&row.get::<_, String>(6)?),
    })
}

impl Store {
    /// Begin a search, or go on with the one that has this key. Events of the earlier part are
    /// dropped: the outcomes are what is kept, and the session tells its story anew from them.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn begin_session(
        &self,
        key: OutcomeKey,
        repository: &str,
        command: &str,
    ) -> Result<SessionId, StoreError> {
        self.begin_session_of(SessionKind::Find, key, repository, command)
    }

    /// Begin a session of a kind, or that which has this key anew; see [`begin_session`](Self::begin_session).
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn begin_session_of(
        &self,
        kind: SessionKind,
        key: OutcomeKey,
        repository: &str,
        command: &str,
    ) -> Result<SessionId, StoreError> {
        let id = SessionId::of(key);
        let write = || -> Result<(), rusqlite::Error> {
            self.connection.execute(
                "INSERT INTO sessions VALUES (?1, ?2, ?3, ?4, ?5, ?5, 'running')
                 ON CONFLICT (id) DO UPDATE SET updated = ?5, state = 'running'",
                rusqlite::params![id.as_str(), key.as_bytes().as_slice(), repository, command, now()],
            )?;
            for table in ["events", "printed"] {
                self.connection.execute(&format!("DELETE FROM {table} WHERE session = ?1"), [id.as_str()])?;
            }
            if kind != SessionKind::Find {
                self.connection.execute(
                    "INSERT OR REPLACE INTO session_kinds VALUES (?1, ?2)",
                    [id.as_str(), kind.word()],
                )?;
            }
            Ok(())
        };
        self.attempt((), write)?;
        Ok(id)
    }

    /// Append an event to a session.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn add_event(&self, session: &SessionId, event: &Event) -> Result<(), StoreError> {
        let json = serde_json::to_string(event).map_err(|error| StoreError::Row(Box::new(error)))?;
        self.attempt(0, || {
            self.connection.execute(
                "INSERT INTO events SELECT ?1, coalesce(max(seq), -1) + 1, ?2
                 FROM events WHERE session = ?1",
                rusqlite::params![session.as_str(), json],
            )
        })
        .map(drop)
    }

    /// Say how far a session came.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn set_state(&self, session: &SessionId, state: SessionState) -> Result<(), StoreError> {
        self.attempt(0, || {
            self.connection.execute(
                "UPDATE sessions SET state = ?2, updated = ?3 WHERE id = ?1",
                rusqlite::params![session.as_str(), state.word(), now()],
            )
        })
        .map(drop)
    }

    /// All sessions, the latest first; of one repository only, if asked.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn sessions(&self, repository: Option<&str>) -> Result<Vec<SessionRow>, StoreError> {
        let read = || -> Result<Vec<SessionRow>, rusqlite::Error> {
            self.connection
                .prepare(&format!(
                    "SELECT {COLUMNS} FROM sessions LEFT JOIN session_kinds ON session = id
                     WHERE ?1 IS NULL OR repository = ?1 ORDER BY updated DESC"
                ))?
                .query_map([repository], row)?
                .collect()
        };
        read().map_err(|source| self.database(source))
    }

    /// The searches among [`sessions`](Self::sessions).
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn searches(&self, repository: Option<&str>) -> Result<Vec<SessionRow>, StoreError> {
        let mut rows = self.sessions(repository)?;
        rows.retain(|row| row.kind == SessionKind::Find);
        Ok(rows)
    }

    /// The session whose id begins with this text, if there is exactly one.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn session(&self, prefix: &str) -> Result<Option<SessionRow>, StoreError> {
        let found: Vec<SessionRow> =
            self.sessions(None)?.into_iter().filter(|row| row.id.as_str().starts_with(prefix)).collect();
        Ok(<[SessionRow; 1]>::try_from(found).ok().map(|[row]| row))
    }

    /// The events of a session, in order. Events of an unknown form are left out.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn events(&self, session: &SessionId) -> Result<Vec<Event>, StoreError> {
        let read = || -> Result<Vec<String>, rusqlite::Error> {
            self.connection
                .prepare("SELECT json FROM events WHERE session = ?1 ORDER BY seq")?
                .query_map([session.as_str()], |row| row.get(0))?
                .collect()
        };
        let rows = self.attempt(Vec::new(), read)?;
        Ok(rows.iter().filter_map(|json| serde_json::from_str(json).ok()).collect())
    }

    /// Forget a session, its events and what its trials printed; its outcomes stay.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn forget_session(&self, session: &SessionId) -> Result<bool, StoreError> {
        let write = || -> Result<bool, rusqlite::Error> {
            for table in ["events", "printed", "session_kinds"] {
                let forget = format!("DELETE FROM {table} WHERE session = ?1");
                self.connection.execute(&forget, [session.as_str()])?;
            }
            let rows = self.connection.execute("DELETE FROM sessions WHERE id = ?1", [session.as_str()])?;
            Ok(rows > 0)
        };
        write().map_err(|source| self.database(source))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::EventKind;

    #[test]
    fn a_session_is_continued_under_its_id_and_found_by_a_prefix() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let key = OutcomeKey::of_parts("session", ["x".as_ref()]);
        let id = store.begin_session(key, "/r", "true").unwrap();
        let event = Event { seconds: 0.5, kind: EventKind::Note { text: "n".to_owned() } };
        store.add_event(&id, &event).unwrap();
        store.add_event(&id, &event).unwrap();
        assert_eq!(store.events(&id).unwrap(), [event.clone(), event]);
        store.set_state(&id, SessionState::Finished).unwrap();
        let row = store.session(&id.as_str()[..4]).unwrap().unwrap();
        assert_eq!((row.state, row.repository.as_str()), (SessionState::Finished, "/r"));

        assert_eq!(store.begin_session(key, "/r", "true").unwrap(), id);
        assert_eq!(store.events(&id).unwrap(), []);
        assert_eq!(store.sessions(Some("/r")).unwrap().len(), 1);
        assert_eq!(store.sessions(Some("/other")).unwrap().len(), 0);
        assert_eq!(store.sessions(None).unwrap()[0].kind, SessionKind::Find);
        assert!(store.forget_session(&id).unwrap());
        assert!(!store.forget_session(&id).unwrap());
    }

    #[test]
    fn what_another_command_ran_is_no_search() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let key = |name: &str| OutcomeKey::of_parts("session", [name.as_ref()]);
        for kind in [SessionKind::Check, SessionKind::Suspects, SessionKind::Init] {
            let id = store.begin_session_of(kind, key(kind.word()), "/r", "true").unwrap();
            assert_eq!(store.session(id.as_str()).unwrap().unwrap().kind, kind);
            assert_eq!(store.searches(None).unwrap(), []);
        }
        let search = store.begin_session(key("find"), "/r", "true").unwrap();
        assert_eq!(store.searches(Some("/r")).unwrap().len(), 1);
        assert_eq!(store.searches(None).unwrap()[0].id, search);
    }
}
