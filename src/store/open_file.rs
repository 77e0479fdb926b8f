//! Opening a file of the store: private, set aside when it is damaged, done without when somebody keeps it locked.

use std::fs::{DirBuilder, OpenOptions, Permissions};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, io};

use rusqlite::{Connection, ErrorCode};

use super::clock::now;
use super::error::StoreError;

/// A program that keeps the store locked for longer than this is not another pybisect.
const LONGEST_WAIT: Duration = Duration::from_secs(3);

/// An open file.
pub(super) struct Opened {
    pub(super) connection: Connection,
    pub(super) file: PathBuf,
    /// What the user should know.
    pub(super) note: Option<String>,
}

/// Open a file of a folder, making both as needed. A damaged one is set aside, with a note.
pub(super) fn open(folder: &Path, name: &str, schema: &str) -> Result<Opened, StoreError> {
    let no_folder = |source| StoreError::Folder { folder: folder.to_owned(), source };
    private_folder(folder).map_err(no_folder)?;
    let file = folder.join(name);
    match connect(&file, schema) {
        Ok(connection) => Ok(Opened { connection, file, note: None }),
        Err(error) if is_damaged(&error) => {
            let aside = set_aside(&file).map_err(no_folder)?;
            let failed = |source| StoreError::Database { file: file.clone(), source };
            let connection = connect(&file, schema).map_err(failed)?;
            let note = format!(
                "{} was damaged, and begins anew: what was in it is in {}",
                file.display(),
                aside.display()
            );
            Ok(Opened { connection, file, note: Some(note) })
        }
        Err(source) => Err(StoreError::Database { file, source }),
    }
}

/// The same; where another program keeps the file locked, one in memory, with a note.
pub(super) fn open_or_do_without(folder: &Path, name: &str, schema: &str) -> Result<Opened, StoreError> {
    let opened = open(folder, name, schema).and_then(|opened| {
        let try_to_write = opened.connection.execute_batch("BEGIN IMMEDIATE; ROLLBACK");
        try_to_write.map_err(|source| StoreError::Database { file: opened.file.clone(), source })?;
        Ok(opened)
    });
    match opened {
        Err(StoreError::Database { file, source }) if is_locked(&source) => {
            let failed = |source| StoreError::Database { file: file.clone(), source };
            let connection = Connection::open_in_memory().map_err(failed)?;
            connection.execute_batch(schema).map_err(failed)?;
            let note = format!(
                "{} is locked by another program: nothing of this run is kept, and nothing of earlier ones known",
                file.display()
            );
            Ok(Opened { connection, file, note: Some(note) })
        }
        opened => opened,
    }
}

fn connect(file: &Path, schema: &str) -> Result<Connection, rusqlite::Error> {
    // What SQLite makes beside it has the same permissions. Where this fails, SQLite tells why.
    drop(OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(file));
    if fs::metadata(file).is_ok_and(|facts| facts.mode() & 0o077 != 0) {
        // Another user's file stays as it is.
        drop(fs::set_permissions(file, Permissions::from_mode(0o600)));
    }
    let connection = Connection::open(file)?;
    connection.busy_timeout(LONGEST_WAIT)?;
    connection.execute_batch(schema)?;
    Ok(connection)
}

/// Make a folder that only the user can look into. One that is there and has our name is made so.
fn private_folder(folder: &Path) -> io::Result<()> {
    if let Some(above) = folder.parent() {
        fs::create_dir_all(above)?;
    }
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => {
            let facts = fs::metadata(folder)?;
            let is_ours = facts.uid() == rustix::process::geteuid().as_raw()
                && folder.file_name().is_some_and(|name| name == "pybisect");
            if is_ours && facts.mode() & 0o077 != 0 {
                fs::set_permissions(folder, Permissions::from_mode(0o700))?;
            }
            Ok(())
        }
        made => made,
    }
}

fn set_aside(file: &Path) -> io::Result<PathBuf> {
    let to = |ending: &str| {
        let mut name = file.as_os_str().to_owned();
        name.push(ending);
        PathBuf::from(name)
    };
    let aside = to(&format!(".damaged-{:.0}", now()));
    fs::rename(file, &aside)?;
    for ending in ["-wal", "-shm"] {
        match fs::remove_file(to(ending)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(aside)
}

fn is_damaged(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt))
}

pub(super) fn is_locked(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

#[cfg(test)]
mod tests {
    use super::super::{CallCache, OutcomeKey, Store};
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o777
    }

    #[test]
    fn only_the_user_can_look_into_the_cache() {
        let top = tempfile::tempdir().unwrap();
        let folder = top.path().join("a/pybisect");
        drop(Store::open(&folder).unwrap());
        drop(CallCache::open(&folder).unwrap());
        assert_eq!(mode(&folder), 0o700);
        for name in ["sessions-1.sqlite", "calls-1.sqlite"] {
            assert_eq!(mode(&folder.join(name)), 0o600, "{name}");
        }
        // One of an earlier version is made so.
        fs::set_permissions(&folder, Permissions::from_mode(0o755)).unwrap();
        fs::set_permissions(folder.join("sessions-1.sqlite"), Permissions::from_mode(0o644)).unwrap();
        drop(Store::open(&folder).unwrap());
        assert_eq!((mode(&folder), mode(&folder.join("sessions-1.sqlite"))), (0o700, 0o600));
        // A folder of everybody's stays as it is.
        let shared = top.path().join("shared");
        fs::create_dir(&shared).unwrap();
        fs::set_permissions(&shared, Permissions::from_mode(0o755)).unwrap();
        drop(Store::open(&shared).unwrap());
        assert_eq!((mode(&shared), mode(&shared.join("sessions-1.sqlite"))), (0o755, 0o600));
    }

    #[test]
    fn a_damaged_store_is_set_aside_with_a_word() {
        let top = tempfile::tempdir().unwrap();
        let file = top.path().join("sessions-1.sqlite");
        for damage in [&b"no database at all, but long enough to be looked at as one"[..], &[0xff; 8192]] {
            fs::write(&file, damage).unwrap();
            let store = Store::open_for_search(top.path()).unwrap();
            assert!(store.note().unwrap().contains("damaged"), "{:?}", store.note());
            assert!(store.sessions(None).unwrap().is_empty());
            let aside = fs::read_dir(top.path()).unwrap().flatten().map(|entry| entry.path());
            let aside = aside.filter(|path| path.to_string_lossy().contains(".damaged-"));
            assert!(
                aside.map(|path| fs::read(path).unwrap()).any(|content| content == damage),
                "nothing is lost"
            );
            drop(store);
            assert_eq!(Store::open(top.path()).unwrap().note(), None, "said once");
            fs::remove_file(&file).unwrap();
        }
    }

    #[test]
    fn a_locked_store_is_done_without() {
        let top = tempfile::tempdir().unwrap();
        drop(Store::open(top.path()).unwrap());
        let other = Connection::open(top.path().join("sessions-1.sqlite")).unwrap();
        other.execute_batch("BEGIN EXCLUSIVE").unwrap();
        let store = Store::open_for_search(top.path()).unwrap();
        assert!(store.note().unwrap().contains("locked"), "{:?}", store.note());
        store.begin_session(OutcomeKey::of_parts("x", []), "/r", "true").unwrap();
        drop(other);
        assert!(Store::open_for_search(top.path()).unwrap().note().is_none());
    }

    #[test]
    fn a_store_that_is_locked_later_costs_no_search() {
        let top = tempfile::tempdir().unwrap();
        let store = Store::open_for_search(top.path()).unwrap();
        let other = Connection::open(top.path().join("sessions-1.sqlite")).unwrap();
        other.execute_batch("BEGIN EXCLUSIVE").unwrap();
        let key = OutcomeKey::of_parts("x", []);
        let session = store.begin_session(key, "/r", "true").unwrap();
        store.set_state(&session, super::super::SessionState::Finished).unwrap();
        assert!(store.note().is_some_and(|note| note.contains("locked")), "{:?}", store.note());
        // A command that only reads the store says so instead.
        drop(store);
        let strict = Store::open(top.path()).unwrap();
        strict.begin_session(key, "/r", "true").unwrap_err();
    }
}
