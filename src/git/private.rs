//! The `.git` folder of a work tree that a trial runs in.
//!
//! A real, private repository: `HEAD` is the trial's commit, the objects are borrowed, the references are a
//! copy, and the index matches the work tree, so that `git describe --dirty`, `git status` and the version
//! tools built on them work. Whatever a trial does to it is undone before the next.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use git2::{Index, IndexEntry, IndexTime};

use super::GitError;
use super::files::{FileFacts, open_folder, remove_tree};
use super::ids::ToOid;
use super::shadow::Borrowed;
use super::tree_delta::{SUBMODULE, SYMLINK};
use crate::model::{BlobId, CommitId};

/// A file as the index lists it.
#[derive(Debug, Clone, Copy)]
pub struct IndexedFile<'a> {
    /// Its path from the top.
    pub path: &'a [u8],
    /// Its content; of a submodule the id of its commit.
    pub id: BlobId,
    /// Its mode in the tree.
    pub mode: u32,
    /// What is on disk; `None` when nothing is.
    pub facts: Option<FileFacts>,
}

impl IndexedFile<'_> {
    fn entry(&self) -> Result<IndexEntry, GitError> {
        let facts = self.facts.unwrap_or_default();
        let mode = match self.mode {
            SYMLINK | SUBMODULE => self.mode,
            _ if self.mode & 0o111 != 0 => 0o100_755,
            _ => 0o100_644,
        };
        Ok(IndexEntry {
            ctime: index_time(facts.ctime),
            mtime: index_time(facts.mtime),
            dev: low_bits(facts.device),
            ino: low_bits(facts.inode),
            mode,
            uid: facts.owner.0,
            gid: facts.owner.1,
            file_size: low_bits(facts.size),
            id: self.id.oid()?,
            flags: 0,
            flags_extended: 0,
            path: self.path.to_vec(),
        })
    }
}

/// The `.git` folder of one work tree.
pub struct PrivateGit {
    folder: PathBuf,
    borrowed: Borrowed,
    /// The files that belong there, as they were written.
    written: BTreeMap<&'static str, FileFacts>,
}

const FOLDERS: [&str; 4] = ["objects", "objects/info", "refs", "info"];

impl PrivateGit {
    /// A repository to be laid out in `folder`; nothing is written yet.
    #[must_use]
    pub const fn new(folder: PathBuf, borrowed: Borrowed) -> Self {
        Self { folder, borrowed, written: BTreeMap::new() }
    }

    /// Undo whatever happened to the folder, and let `HEAD` name a commit. `files` are those of the work tree, in
    /// the order of their paths; they are asked for only when the index has to be written: when they
    /// `changed`, or a trial changed the index.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn restore<'a, Files>(
        &mut self,
        head: CommitId,
        changed: bool,
        files: impl FnOnce() -> Files,
    ) -> Result<(), GitError>
    where
        Files: Iterator<Item = IndexedFile<'a>>,
    {
        self.remove_strangers()?;
        for name in FOLDERS {
            super::shadow::make_folder(&self.folder.join(name))?;
        }
        self.put("HEAD", format!("{head}\n").as_bytes(), true)?;
        self.put("config", self.borrowed.config.as_bytes(), false)?;
        let alternates = self.borrowed.alternates.clone();
        self.put("objects/info/alternates", &alternates, false)?;
        if !self.borrowed.excluded.is_empty() {
            let excluded = self.borrowed.excluded.clone();
            self.put("info/exclude", &excluded, false)?;
        }
        for path in self.borrowed.copied.clone() {
            let name = if path.ends_with("shallow") { "shallow" } else { "packed-refs" };
            if !self.is_as_written(name) {
                let bytes = fs::read(&path).map_err(|source| GitError::Shadow { path, source })?;
                self.put(name, &bytes, false)?;
            }
        }
        if changed || !self.is_as_written("index") {
            self.write_index(files())?;
        }
        Ok(())
    }

    fn write_index<'a>(&mut self, files: impl Iterator<Item = IndexedFile<'a>>) -> Result<(), GitError> {
        let path = self.folder.join("index");
        // What is there is not read, and not written through.
        drop(fs::remove_file(&path));
        let mut index = Index::open(&path)?;
        for file in files {
            index.add(&file.entry()?)?;
        }
        index.write()?;
        self.remember("index")
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

/// The index keeps 32 bits of sizes and numbers (gitformat-index(5)).
fn low_bits(number: u64) -> u32 {
    u32::try_from(number & 0xffff_ffff).unwrap_or_default()
}
