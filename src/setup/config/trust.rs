//! Which configurations of repositories the user accepted: by repository, file and content, so that one that changes is
//! asked about anew.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy as _;
use serde::{Deserialize, Serialize};

use super::Found;
use crate::git::Repository;

/// What was accepted: a folder with a file for each, named by a hash. Only the user can read or write it.
#[derive(Debug)]
pub(crate) struct Trust {
    folder: PathBuf,
}

/// One configuration that was accepted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct TrustEntry {
    /// The repository's git folder.
    pub(crate) repository: PathBuf,
    /// The file, from the top of the work tree.
    pub(crate) file: PathBuf,
    /// When, in seconds since 1970.
    pub(crate) at: i64,
    /// The name of its file.
    #[serde(skip)]
    pub(crate) key: String,
}

impl Trust {
    /// That of the user; `None` for one without a home. It is data of the user's, and no cache: nobody restores it from
    /// a build server's, and what empties the cache leaves it.
    pub(crate) fn of_user() -> Option<Self> {
        let base = etcetera::choose_base_strategy().ok()?;
        Some(Self { folder: base.data_dir().join("pybisect/trust") })
    }

    /// Whether this content of this repository was accepted.
    pub(crate) fn has(&self, repository: &Repository, found: &Found) -> bool {
        let file = self.folder.join(key(repository, found));
        // A link that somebody put there is none of ours.
        file.symlink_metadata().is_ok_and(|facts| facts.is_file())
    }

    /// Accept it. Earlier contents of the same file are no longer accepted.
    pub(crate) fn add(&self, repository: &Repository, found: &Found, at: i64) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
        self.remove(repository, found)?;
        let entry =
            TrustEntry { repository: place(repository), file: found.inside.clone(), at, key: String::new() };
        let text = toml::to_string(&entry).map_err(io::Error::other)?;
        let file = self.folder.join(key(repository, found));
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file)?;
        file.write_all(text.as_bytes())
    }

    /// Accept it no longer, whatever its content. How many contents of it were accepted.
    pub(crate) fn remove(&self, repository: &Repository, found: &Found) -> io::Result<usize> {
        self.remove_where(|entry| entry.repository == place(repository) && entry.file == found.inside)
    }

    /// Accept nothing of this repository any longer.
    pub(crate) fn remove_all(&self, repository: &Repository) -> io::Result<usize> {
        self.remove_where(|entry| entry.repository == place(repository))
    }

    fn remove_where(&self, goes: impl Fn(&TrustEntry) -> bool) -> io::Result<usize> {
        let mut removed = 0;
        for entry in self.entries()?.iter().filter(|entry| goes(entry)) {
            fs::remove_file(self.folder.join(&entry.key))?;
            removed += 1;
        }
        Ok(removed)
    }

    /// All of them.
    pub(crate) fn entries(&self) -> io::Result<Vec<TrustEntry>> {
        let files = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            files => files?,
        };
        let read = |path: &Path| -> Option<TrustEntry> {
            let key = path.file_name()?.to_str()?.to_owned();
            Some(TrustEntry { key, ..toml::from_str(&fs::read_to_string(path).ok()?).ok()? })
        };
        let mut entries: Vec<TrustEntry> = files.flatten().filter_map(|file| read(&file.path())).collect();
        entries.sort();
        Ok(entries)
    }

    /// Whether an entry is that of this content.
    pub(crate) fn is_of(entry: &TrustEntry, repository: &Repository, found: &Found) -> bool {
        entry.key == key(repository, found)
    }
}

fn place(repository: &Repository) -> PathBuf {
    let folder = repository.folder();
    folder.canonicalize().unwrap_or_else(|_| folder.to_owned())
}

/// The same for the same repository, file and content. Of the content, what pybisect reads: `pyproject.toml` says much
/// else that changes often.
fn key(repository: &Repository, found: &Found) -> String {
    let mut hasher = blake3::Hasher::new();
    let repository = place(repository);
    // Tables are sorted by key.
    let content = found.table.to_string();
    for part in [repository.as_os_str(), found.inside.as_os_str(), content.as_ref()] {
        let bytes = part.as_encoded_bytes();
        hasher.update(&bytes.len().to_le_bytes()).update(bytes);
    }
    hasher.finalize().to_hex().to_string()
}
