//! Forgetting what is kept: all of it, or all but what a search that runs may still need.

use rusqlite::Connection;

use super::Store;
use super::error::StoreError;

/// What unfinished sessions need stays: their own rows, and outcomes from the first one's start on.
const ALL_BUT_UNFINISHED: &str = "
    BEGIN IMMEDIATE;
    DELETE FROM events WHERE session NOT IN (SELECT id FROM sessions WHERE state = 'running');
    DELETE FROM printed WHERE session NOT IN (SELECT id FROM sessions WHERE state = 'running');
    DELETE FROM requests WHERE session NOT IN (SELECT id FROM sessions WHERE state = 'running');
    DELETE FROM outcomes WHERE at < (SELECT coalesce(min(started), 1e300) FROM sessions WHERE state = 'running');
    DELETE FROM sessions WHERE state <> 'running';
    DELETE FROM session_kinds WHERE session NOT IN (SELECT id FROM sessions);
    COMMIT;
";
const ALL: &str = "
    BEGIN IMMEDIATE;
    DELETE FROM events; DELETE FROM printed; DELETE FROM requests; DELETE FROM outcomes; DELETE FROM sessions;
    DELETE FROM session_kinds;
    COMMIT;
";

impl Store {
    /// Forget sessions and outcomes, and give their space back; with `spares_unfinished`, not those of sessions that came
    /// to no end. Rows are deleted, never the file: another run may have it open.
    ///
    /// # Errors
    /// When it cannot be written, such as while another program keeps it locked.
    pub fn clear(&self, spares_unfinished: bool) -> Result<(), StoreError> {
        let statements = if spares_unfinished { ALL_BUT_UNFINISHED } else { ALL };
        self.connection.execute_batch(statements).map_err(|source| self.database(source))?;
        self.shrink();
        Ok(())
    }

    /// Give the space of what was deleted back to the system, unless another run uses the file.
    pub fn shrink(&self) {
        shrink(&self.connection);
    }
}

/// What another run keeps open stays as large as it is.
pub(super) fn shrink(connection: &Connection) {
    drop(connection.execute_batch("VACUUM"));
    drop(connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())));
}

#[cfg(test)]
mod tests {
    use super::super::{OutcomeKey, SessionState};
    use super::*;

    #[test]
    fn unfinished_sessions_are_spared_when_asked() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let key = |name: &str| OutcomeKey::of_parts("session", [name.as_ref()]);
        let done = store.begin_session(key("done"), "/r", "true").unwrap();
        store.set_state(&done, SessionState::Finished).unwrap();
        let running = store.begin_session(key("running"), "/r", "true").unwrap();
        store.clear(true).unwrap();
        let left: Vec<_> = store.sessions(None).unwrap().into_iter().map(|row| row.id).collect();
        assert_eq!(left, [running]);
        store.clear(false).unwrap();
        assert_eq!(store.sessions(None).unwrap(), []);
    }

    #[test]
    fn the_space_is_given_back() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let session =
            store.begin_session(OutcomeKey::of_parts("s", []), &"r".repeat(1 << 20), "true").unwrap();
        store.set_state(&session, SessionState::Finished).unwrap();
        let size = || std::fs::metadata(folder.path().join(super::super::FILE)).unwrap().len();
        store.shrink();
        let before = size();
        store.clear(true).unwrap();
        assert!(before > 1 << 20 && size() < before / 4, "{before} {}", size());
    }
}
