//! What trials printed, by session; and how much of all this is kept.

use std::time::Duration;

use super::clock::now;
use super::error::StoreError;
use super::outcomes::{pack, unpack};
use super::{SessionId, Store};
use crate::model::KeptOutput;

/// Outcomes and what trials printed are kept for so long.
const LONGEST: Duration = Duration::from_secs(30 * 24 * 3600);
/// Sessions that were not touched for so long are forgotten.
const LONGEST_SESSION: Duration = Duration::from_secs(90 * 24 * 3600);
/// A store that is larger than so many bytes loses what is oldest.
const LARGEST: i64 = 512 << 20;

impl Store {
    /// Keep what a trial of a session printed, in place of what was kept of one of the same number.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn keep_output(&self, session: &SessionId, kept: &KeptOutput) -> Result<(), StoreError> {
        let packed = pack(kept)?;
        let trial = i64::try_from(kept.trial.0).unwrap_or(i64::MAX);
        self.attempt(0, || {
            self.connection.execute(
                "INSERT OR REPLACE INTO printed VALUES (?1, ?2, ?3, ?4)",
                rusqlite::params![session.as_str(), trial, now(), packed],
            )
        })
        .map(drop)
    }

    /// What the trials of a session printed, as they ended. What an older version wrote in another form is left out.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn kept_outputs(&self, session: &SessionId) -> Result<Vec<KeptOutput>, StoreError> {
        let read = || -> Result<Vec<Vec<u8>>, rusqlite::Error> {
            self.connection
                .prepare("SELECT output FROM printed WHERE session = ?1 ORDER BY at, trial")?
                .query_map([session.as_str()], |row| row.get(0))?
                .collect()
        };
        let rows = self.attempt(Vec::new(), read)?;
        Ok(rows.iter().filter_map(|row| unpack(row).ok()).collect())
    }

    /// Drop what is old, and what is oldest where the rest is too much.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn evict(&self) -> Result<(), StoreError> {
        self.evict_beyond(now(), LARGEST)
    }

    fn evict_beyond(&self, time: f64, largest: i64) -> Result<(), StoreError> {
        let before = |age: Duration| time - age.as_secs_f64();
        let write = || -> Result<(), rusqlite::Error> {
            self.drop_before(before(LONGEST))?;
            let old = before(LONGEST_SESSION);
            for table in ["events", "printed"] {
                let sessions = "SELECT id FROM sessions WHERE updated < ?1";
                self.connection
                    .execute(&format!("DELETE FROM {table} WHERE session IN ({sessions})"), [old])?;
            }
            self.connection.execute("DELETE FROM sessions WHERE updated < ?1", [old])?;
            for table in ["requests", "fixes", "session_kinds"] {
                let of_none = format!("DELETE FROM {table} WHERE session NOT IN (SELECT id FROM sessions)");
                self.connection.execute(&of_none, [])?;
            }
            self.drop_unmasked()?;
            if self.bytes()? > largest
                && let Some(middle) = self.middle()?
            {
                self.drop_before(middle)?;
            }
            Ok(())
        };
        self.attempt((), write)
    }

    /// Outcomes of versions that masked no secrets go.
    fn drop_unmasked(&self) -> Result<(), rusqlite::Error> {
        const MASKED: i64 = 1;
        if self.connection.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0))? < MASKED {
            self.connection.execute("DELETE FROM outcomes", [])?;
            self.connection.pragma_update(None, "user_version", MASKED)?;
        }
        Ok(())
    }

    fn drop_before(&self, time: f64) -> Result<(), rusqlite::Error> {
        for table in ["outcomes", "printed"] {
            self.connection.execute(&format!("DELETE FROM {table} WHERE at < ?1"), [time])?;
        }
        Ok(())
    }

    /// Bytes in use. What is free of the file is used again.
    fn bytes(&self) -> Result<i64, rusqlite::Error> {
        let number = |name: &str| self.connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        Ok((number("page_count")? - number("freelist_count")?) * number("page_size")?)
    }

    /// Half of the outcomes are older than this.
    fn middle(&self) -> Result<Option<f64>, rusqlite::Error> {
        let mut statement = self.connection.prepare(
            "SELECT at FROM outcomes ORDER BY at LIMIT 1 OFFSET (SELECT (count(*) + 1) / 2 FROM outcomes)",
        )?;
        let mut rows = statement.query([])?;
        rows.next()?.map(|row| row.get(0)).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::super::OutcomeKey;
    use super::*;
    use crate::model::{Captured, CommitId, Termination, TrialId, TrialKind, TrialOutput, VerdictKind};

    fn kept(trial: u64, text: &str) -> KeptOutput {
        KeptOutput {
            trial: TrialId(trial),
            commit: CommitId::from_bytes([7; 20]),
            purpose: TrialKind::Search,
            verdict: VerdictKind::Bad,
            ending: Termination::Exited { code: 1 },
            stdout: Captured { text: text.to_owned(), bytes: 9 },
            stderr: Captured::default(),
        }
    }

    #[test]
    fn what_trials_printed_comes_back_and_begins_anew_with_the_session() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let key = OutcomeKey::of_parts("x", []);
        let id = store.begin_session(key, "/r", "true").unwrap();
        store.keep_output(&id, &kept(0, "a")).unwrap();
        store.keep_output(&id, &kept(1, "b")).unwrap();
        assert_eq!(store.kept_outputs(&id).unwrap(), [kept(0, "a"), kept(1, "b")]);
        store.begin_session(key, "/r", "true").unwrap();
        assert_eq!(store.kept_outputs(&id).unwrap(), []);
    }

    #[test]
    fn what_is_old_goes_and_where_it_is_too_much_the_older_half() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let id = store.begin_session(OutcomeKey::of_parts("x", []), "/r", "true").unwrap();
        let output = TrialOutput::without_run(Termination::Exited { code: 1 });
        let keys: Vec<OutcomeKey> =
            ["a", "b", "c", "d"].iter().map(|name| OutcomeKey::of_parts(name, [])).collect();
        store.evict().unwrap();
        for (at, key) in keys.iter().enumerate() {
            store.add_outcome(*key, CommitId::from_bytes([7; 20]), &output).unwrap();
            let at = now() + f64::from(u32::try_from(at).unwrap());
            store
                .connection
                .execute(
                    "UPDATE outcomes SET at = ?1 WHERE key = ?2",
                    rusqlite::params![at, key.as_bytes().as_slice()],
                )
                .unwrap();
        }
        store.keep_output(&id, &kept(0, "a")).unwrap();
        let left = || keys.iter().filter(|key| !store.outcomes(**key).unwrap().is_empty()).count();
        store.evict().unwrap();
        assert_eq!((left(), store.kept_outputs(&id).unwrap().len()), (4, 1));
        store.evict_beyond(now(), 0).unwrap();
        assert_eq!(left(), 2, "the older half");
        store.evict_beyond(now() + LONGEST.as_secs_f64() + 10.0, LARGEST).unwrap();
        assert_eq!((left(), store.kept_outputs(&id).unwrap().len()), (0, 0));
        assert_eq!(store.sessions(None).unwrap().len(), 1);
        store.evict_beyond(now() + LONGEST_SESSION.as_secs_f64() + 10.0, LARGEST).unwrap();
        assert_eq!(store.sessions(None).unwrap().len(), 0);
    }
}
