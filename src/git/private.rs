//! The `.git` folder of a work tree that a trial runs in.
//!
//! A real, private repository: `HEAD` is the trial's commit, the objects are borrowed, the references are a
//! copy, and the index matches the work tree, so that `git describe --dirty`, `git status` and the version
//! tools built on them work. Whatever a trial does to it is undone before the next.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use git2::{Index, IndexEntry, IndexTime};

use super::GitError;
use super::files::{FileFacts, open_folder, remove_tree};
use super::ids::ToOid;
use super::shadow::Borrowed;
use super::tree_delta::TreeFile;
use crate::model::CommitId;

/// The `.git` folder of one work tree.
pub struct PrivateGit {
    folder: PathBuf,
    borrowed: Borrowed,
    /// What the index lists, by path: kept as plain data, so that a slot can move between threads.
    index: BTreeMap<Vec<u8>, IndexEntry>,
    /// The files that belong there, as they were written.
    written: BTreeMap<&'static str, FileFacts>,
    /// Whether the index in memory is newer than the one on disk.
    index_changed: bool,
}

const FOLDERS: [&str; 4] = ["objects", "objects/info", "refs", "info"];

impl PrivateGit {
    /// A repository to be laid out in `folder`; nothing is written yet.
    ///
    /// # Errors
    /// When libgit2 has no memory for an index.
    pub fn new(folder: PathBuf, borrowed: Borrowed) -> Result<Self, GitError> {
        Ok(Self { folder, borrowed, index: BTreeMap::new(), written: BTreeMap::new(), index_changed: true })
    }

    /// Forget all files: the work tree is empty.
    ///
    /// # Errors
    /// When libgit2 has no memory.
    pub fn clear(&mut self) -> Result<(), GitError> {
        self.index_changed = true;
        self.index.clear();
        Ok(())
    }

    /// A file was written to the work tree.
    ///
    /// # Errors
    /// When git does not allow such a path in an index.
    pub fn add(&mut self, file: &TreeFile, facts: &FileFacts) -> Result<(), GitError> {
        self.index_changed = true;
        let mode = match file.mode & 0o170_000 {
            0o120_000 | 0o160_000 => file.mode,
            _ if file.mode & 0o111 != 0 => 0o100_755,
            _ => 0o100_644,
        };
        let entry = IndexEntry {
            ctime: index_time(facts.ctime),
            mtime: index_time(facts.mtime),
            dev: low_bits(facts.device),
            ino: low_bits(facts.inode),
            mode,
            uid: facts.owner.0,
            gid: facts.owner.1,
            file_size: low_bits(facts.size),
            id: file.id.oid()?,
            flags: 0,
            flags_extended: 0,
            path: file.path.clone(),
        };
        // Asked of an index that is never written, to learn now whether the path is allowed.
        if is_odd(&file.path) {
            Index::new()?.add(&entry)?;
        }
        self.index.insert(file.path.clone(), entry);
        Ok(())
    }

    /// A file was removed from the work tree.
    pub fn remove(&mut self, path: &Path) {
        self.index_changed = true;
        self.index.remove(path.as_os_str().as_bytes());
    }

    /// Undo whatever happened to the folder, and let `HEAD` name a commit.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn restore(&mut self, head: CommitId) -> Result<(), GitError> {
        self.remove_strangers()?;
        for name in FOLDERS {
            super::shadow::make_folder(&self.folder.join(name))?;
        }
        self.put("HEAD", format!("{head}\n").as_bytes(), true)?;
        self.put("config", self.borrowed.config.as_bytes(), false)?;
        let alternates = self.borrowed.alternates.clone();
        self.put("objects/info/alternates", &alternates, false)?;
        for path in self.borrowed.copied.clone() {
            let name = if path.ends_with("shallow") { "shallow" } else { "packed-refs" };
            if !self.is_as_written(name) {
                let bytes = fs::read(&path).map_err(|source| GitError::Shadow { path, source })?;
                self.put(name, &bytes, false)?;
            }
        }
        if self.index_changed || !self.is_as_written("index") {
            let mut index = Index::open(&self.folder.join("index"))?;
            index.clear()?;
            for entry in self.index.values() {
                index.add(entry)?;
            }
            index.write()?;
            self.index_changed = false;
            self.remember("index")?;
        }
        Ok(())
    }

    fn is_as_written(&self, name: &str) -> bool {
        let now = FileFacts::at(&self.folder.join(name)).ok();
        now.is_some() && now.as_ref() == self.written.get(name)
    }

    fn put(&mut self, name: &'static str, bytes: &[u8], always: bool) -> Result<(), GitError> {
        if always || !self.is_as_written(name) {
            let path = self.folder.join(name);
            // Never write through a link.
            drop(fs::remove_file(&path));
            super::shadow::write_file(&path, bytes)?;
            self.remember(name)?;
        }
        Ok(())
    }

    fn remember(&mut self, name: &'static str) -> Result<(), GitError> {
        let path = self.folder.join(name);
        let facts = FileFacts::at(&path).map_err(|source| GitError::Shadow { path, source })?;
        self.written.insert(name, facts);
        Ok(())
    }

    /// Remove everything that is not as it was written.
    fn remove_strangers(&self) -> Result<(), GitError> {
        let is_folder = |path: &Path| path.symlink_metadata().is_ok_and(|facts| facts.is_dir());
        if !is_folder(&self.folder) {
            // A trial may put a file or a link there.
            drop(fs::remove_file(&self.folder));
            return super::shadow::make_folder(&self.folder);
        }
        let mut waiting = vec![PathBuf::new()];
        while let Some(below) = waiting.pop() {
            let here = self.folder.join(&below);
            open_folder(&here);
            let entries = fs::read_dir(&here).map_err(|source| GitError::Shadow { path: here, source })?;
            for entry in entries.flatten() {
                let name = below.join(entry.file_name());
                let path = entry.path();
                let is_folder = is_folder(&path);
                let belongs = name.to_str().is_some_and(|name| {
                    if is_folder { FOLDERS.contains(&name) } else { self.is_as_written(name) }
                });
                if !belongs {
                    remove_tree(&path).map_err(|source| GitError::Shadow { path, source })?;
                } else if is_folder {
                    waiting.push(name);
                }
            }
        }
        Ok(())
    }
}

fn index_time((seconds, nanoseconds): (i64, i64)) -> IndexTime {
    IndexTime::new(i32::try_from(seconds).unwrap_or_default(), u32::try_from(nanoseconds).unwrap_or_default())
}

/// Whether a path could be one that git refuses: part of it looks like `.git`, or leads elsewhere.
fn is_odd(path: &[u8]) -> bool {
    path.split(|&byte| byte == b'/').any(|part| {
        part.is_empty() || part == b"." || part == b".." || part.to_ascii_lowercase().starts_with(b".git")
    })
}

/// The index keeps 32 bits of sizes and numbers (gitformat-index(5)).
fn low_bits(number: u64) -> u32 {
    u32::try_from(number & 0xffff_ffff).unwrap_or_default()
}
