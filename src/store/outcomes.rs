//! Outcomes of trials, each stored as it ends.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::clock::now;
use super::error::StoreError;
use super::{OutcomeKey, Store};
use crate::model::{CommitId, TrialOutput};

fn row_error(error: impl std::error::Error + Send + Sync + 'static) -> StoreError {
    StoreError::Row(Box::new(error))
}

pub(super) fn pack(output: &impl Serialize) -> Result<Vec<u8>, StoreError> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    serde_json::to_writer(&mut encoder, output).map_err(row_error)?;
    encoder.flush().and_then(|()| encoder.finish()).map_err(row_error)
}

pub(super) fn unpack<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, StoreError> {
    let mut json = Vec::new();
    ZlibDecoder::new(bytes).read_to_end(&mut json).map_err(row_error)?;
    serde_json::from_slice(&json).map_err(row_error)
}

impl Store {
    /// Record an outcome. The same key may have several: repeats of the same trial.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn add_outcome(
        &self,
        key: OutcomeKey,
        commit: CommitId,
        output: &TrialOutput,
    ) -> Result<(), StoreError> {
        let packed = pack(output)?;
        let write = || {
            self.connection.execute(
                "INSERT INTO outcomes SELECT ?1, coalesce(max(seq), -1) + 1, ?2, ?3, ?4
                 FROM outcomes WHERE key = ?1",
                rusqlite::params![key.as_bytes().as_slice(), commit.to_string(), now(), packed],
            )
        };
        self.attempt(0, || self.on_disk(write)).map(drop)
    }

    /// The recorded outcomes of a key, first to last. A row that an older version wrote in another
    /// form is left out: the trial runs again.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn outcomes(&self, key: OutcomeKey) -> Result<Vec<TrialOutput>, StoreError> {
        let read = || -> Result<Vec<Vec<u8>>, rusqlite::Error> {
            self.connection
                .prepare_cached("SELECT output FROM outcomes WHERE key = ?1 ORDER BY seq")?
                .query_map([key.as_bytes().as_slice()], |row| row.get(0))?
                .collect()
        };
        let rows = self.attempt(Vec::new(), read)?;
        Ok(rows.iter().filter_map(|row| unpack(row).ok()).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Captured, Termination, Timing};

    #[test]
    fn outcomes_come_back_in_order_after_the_store_is_opened_again() {
        let folder = tempfile::tempdir().unwrap();
        let key = OutcomeKey::of_parts("test", []);
        let commit = CommitId::from_bytes([7; 20]);
        let output = |code| TrialOutput {
            ending: Termination::Exited { code },
            stdout: Captured { text: "é\n".repeat(1000), bytes: 3000 },
            stderr: Captured::default(),
            timing: Timing { run_ms: 12.5, ..Timing::default() },
            leftovers: 0,
            notes: vec!["left out".to_owned()],
            files: Vec::new(),
        };
        for code in [1, 0, 3] {
            // Opened anew each time, as after a crash.
            Store::open(folder.path()).unwrap().add_outcome(key, commit, &output(code)).unwrap();
        }
        let back = Store::open(folder.path()).unwrap().outcomes(key).unwrap();
        assert_eq!(back, [output(1), output(0), output(3)]);
        let other = OutcomeKey::of_parts("other", []);
        assert_eq!(Store::open(folder.path()).unwrap().outcomes(other).unwrap(), []);
    }
}
