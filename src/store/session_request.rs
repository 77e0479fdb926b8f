//! What a session was asked: what it takes to run its command again.

use super::Store;
use super::clock::now;
use super::error::StoreError;
use crate::model::FixReport;

impl Store {
    /// Keep the request of a session, in place of an earlier one.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn keep_request(&self, session: &str, json: &str) -> Result<(), StoreError> {
        self.attempt(0, || {
            self.connection.execute(
                "INSERT OR REPLACE INTO requests VALUES (?1, ?2, ?3)",
                rusqlite::params![session, now(), json],
            )
        })
        .map(drop)
    }

    /// The request of a session; `None` when it was not kept.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn request(&self, session: &str) -> Result<Option<String>, StoreError> {
        use rusqlite::OptionalExtension as _;
        self.connection
            .query_row("SELECT json FROM requests WHERE session = ?1", [session], |row| row.get(0))
            .optional()
            .map_err(|source| self.database(source))
    }

    /// Keep the candidate fixes that were tested for a session, in place of earlier ones.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn keep_fixes(&self, session: &str, fixes: &FixReport) -> Result<(), StoreError> {
        let json = serde_json::to_string(fixes).map_err(|error| StoreError::Row(Box::new(error)))?;
        self.attempt(0, || {
            self.connection.execute(
                "INSERT OR REPLACE INTO fixes VALUES (?1, ?2, ?3)",
                rusqlite::params![session, now(), json],
            )
        })
        .map(drop)
    }

    /// The candidate fixes that were tested for a session; `None` where none were, or an older version wrote them in
    /// another form.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn fixes(&self, session: &str) -> Result<Option<FixReport>, StoreError> {
        use rusqlite::OptionalExtension as _;
        let json: Option<String> = self
            .connection
            .query_row("SELECT json FROM fixes WHERE session = ?1", [session], |row| row.get(0))
            .optional()
            .map_err(|source| self.database(source))?;
        Ok(json.and_then(|json| serde_json::from_str(&json).ok()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_request_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        assert_eq!(store.request("a").unwrap(), None);
        store.keep_request("a", "1").unwrap();
        store.keep_request("a", "2").unwrap();
        assert_eq!(store.request("a").unwrap().as_deref(), Some("2"));
    }

    #[test]
    fn the_last_fixes_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        assert_eq!(store.fixes("a").unwrap(), None);
        let fixes = |trials| FixReport { trials, ..FixReport::default() };
        store.keep_fixes("a", &fixes(1)).unwrap();
        store.keep_fixes("a", &fixes(2)).unwrap();
        assert_eq!(store.fixes("a").unwrap(), Some(fixes(2)));
    }
}
