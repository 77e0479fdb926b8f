//! The `.git` folder of a work tree that a trial runs in.
//!
//! A real, private repository: `HEAD` is the trial's commit, the objects are borrowed, the references are a
//! copy, and the index matches the work tree, so that `git describe --dirty`, `git status` and the version
//! tools built on them work. Whatever a trial does to it is undone before the next.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use git2::{Index, IndexEntry, IndexTime};

use super::GitError;
use super::ids::ToOid;
use super::shadow::RepositoryTemplate;
use super::tree_modes::{SUBMODULE, SYMLINK};
use crate::dirfd::{FileFacts, Folder, FolderAttributes, Kind};
use crate::model::{BlobId, CommitId};

/// A file as the index lists it.
#[derive(Debug, Clone, Copy)]
pub struct IndexedFile<'a> {
    /// The file's path from the top.
    pub path: &'a [u8],
    /// The file's content; of a submodule the id of its commit.
    pub id: BlobId,
    /// The file's mode in the tree.
    pub mode: u32,
    /// What is on disk; `None` when nothing is.
    pub facts: Option<FileFacts>,
    /// Whether git is to take it for unchanged without looking: it could not tell.
    pub is_assumed: bool,
}

/// The bit of an index entry that `git update-index --assume-unchanged` sets (gitformat-index(5)).
const ASSUMED: u16 = 0x8000;

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
            flags: if self.is_assumed { ASSUMED } else { 0 },
            flags_extended: 0,
            path: self.path.to_vec(),
        })
    }
}

/// The `.git` folder of one work tree.
pub struct PrivateGit {
    /// The work tree, in which it lies.
    tree: Arc<Folder>,
    /// The folder itself, as it was made.
    folder: Folder,
    /// What it had beside its entries then, as all folders in it.
    made: FolderAttributes,
    borrowed: RepositoryTemplate,
    drafts: Drafts,
    /// The files that belong there, as they were written.
    written: BTreeMap<&'static str, FileFacts>,
}

/// Where an index is written before it is moved to its place: out of the reach of trials.
#[derive(Debug, Clone)]
pub struct Drafts {
    /// The folder, on the same file system as the work trees.
    pub folder: Arc<Folder>,
    /// A name that nobody else uses there.
    pub name: String,
}

/// The name of the folder in a work tree.
const NAME: &str = ".git";
const FOLDERS: [&str; 4] = ["objects", "objects/info", "refs", "info"];

impl PrivateGit {
    /// A repository to be laid out in a work tree, which has no `.git`; only the folder is made.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn new(tree: Arc<Folder>, borrowed: RepositoryTemplate, drafts: Drafts) -> io::Result<Self> {
        let folder = tree.new_folder(NAME)?;
        let made = folder.attributes()?;
        Ok(Self { tree, folder, made, borrowed, drafts, written: BTreeMap::new() })
    }

    /// The folder, when it still is the one that was made.
    #[must_use]
    pub fn folder(&self) -> Option<&Folder> {
        self.tree.has(NAME, &self.folder).then_some(&self.folder)
    }

    /// Undo whatever happened to the folder, and let `HEAD` name a commit. `files` are those of the work tree, in
    /// the order of their paths; they are asked for only when the index has to be written: when they
    /// `changed`, or a trial changed the index. What does not belong there is removed `until` a moment.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn restore<'a, Files>(
        &mut self,
        head: CommitId,
        changed: bool,
        files: impl FnOnce() -> Files,
        until: Instant,
    ) -> Result<(), GitError>
    where
        Files: Iterator<Item = IndexedFile<'a>>,
    {
        self.make_sure(until).map_err(in_folder)?;
        let mut restoring = Restoring { folder: &self.folder, written: &mut self.written };
        restoring.remove_strangers(&self.made, until).map_err(in_folder)?;
        for name in FOLDERS {
            restoring.folder.make_folders(name.as_ref(), until).map_err(in_folder)?;
        }
        restoring.put("HEAD", format!("{head}\n").as_bytes(), true)?;
        restoring.put("config", self.borrowed.config.as_bytes(), false)?;
        restoring.put("objects/info/alternates", &self.borrowed.alternates, false)?;
        if !self.borrowed.excluded.is_empty() {
            restoring.put("info/exclude", &self.borrowed.excluded, false)?;
        }
        if !self.borrowed.checkout.own_attributes().is_empty() {
            restoring.put("info/attributes", self.borrowed.checkout.own_attributes(), false)?;
        }
        for path in &self.borrowed.copied {
            let name = if path.ends_with("shallow") { "shallow" } else { "packed-refs" };
            if !restoring.is_as_written(name) {
                let bytes =
                    fs::read(path).map_err(|source| GitError::Shadow { path: path.clone(), source })?;
                restoring.put(name, &bytes, false)?;
            }
        }
        if changed || !restoring.is_as_written("index") {
            restoring.write_index(files(), &self.drafts)?;
        }
        Ok(())
    }

    /// Make the folder anew when it is not the one that was made.
    fn make_sure(&mut self, until: Instant) -> io::Result<()> {
        if self.folder().is_none() {
            self.written.clear();
            self.tree.remove(NAME.as_ref(), until)?;
            self.folder = self.tree.new_folder(NAME)?;
        }
        Ok(())
    }
}

/// The folder while it is put back.
struct Restoring<'a> {
    folder: &'a Folder,
    written: &'a mut BTreeMap<&'static str, FileFacts>,
}

impl Restoring<'_> {
    fn write_index<'f>(
        &mut self,
        files: impl Iterator<Item = IndexedFile<'f>>,
        drafts: &Drafts,
    ) -> Result<(), GitError> {
        // libgit2 writes by path, and through a link: not in a place that a trial can write to.
        drop(drafts.folder.remove_file(drafts.name.as_ref()));
        let mut index = Index::open(&drafts.folder.own_path().join(&drafts.name))?;
        for file in files {
            index.add(&file.entry()?)?;
        }
        index.write()?;
        drop(index);
        // Over a file that is there, ext4 would hurry to the disk with it.
        drop(self.folder.remove_file("index".as_ref()));
        let moved = drafts.folder.move_to(drafts.name.as_ref(), self.folder, "index");
        moved.and_then(|()| self.remember("index")).map_err(in_folder)
    }

    fn is_as_written(&self, name: &str) -> bool {
        let now = self.folder.facts(name.as_ref()).ok();
        now.is_some() && now.as_ref() == self.written.get(name)
    }

    fn put(&mut self, name: &'static str, bytes: &[u8], always: bool) -> Result<(), GitError> {
        if always || !self.is_as_written(name) {
            self.replace(name, bytes).map_err(in_folder)?;
        }
        Ok(())
    }

    /// Write a file anew: never through a link, nor into what somebody else has open.
    fn replace(&mut self, name: &'static str, bytes: &[u8]) -> io::Result<()> {
        drop(self.folder.remove_file(name.as_ref()));
        self.folder.create(name.as_ref(), 0o666)?.write_all(bytes)?;
        self.remember(name)
    }

    fn remember(&mut self, name: &'static str) -> io::Result<()> {
        self.written.insert(name, self.folder.facts(name.as_ref())?);
        Ok(())
    }

    /// Remove everything that is not as it was written.
    fn remove_strangers(&self, made: &FolderAttributes, until: Instant) -> io::Result<()> {
        let mut waiting = vec![PathBuf::new()];
        while let Some(below) = waiting.pop() {
            let here = self.folder.opened_up(&below)?;
            here.put_back(made)?;
            for entry in here.entries()? {
                let name = below.join(entry.name);
                let is_folder = entry.kind == Kind::Folder;
                let belongs = name.to_str().is_some_and(|name| {
                    if is_folder { FOLDERS.contains(&name) } else { self.is_as_written(name) }
                });
                if !belongs {
                    self.folder.remove(&name, until)?;
                } else if is_folder {
                    waiting.push(name);
                }
            }
        }
        Ok(())
    }
}

fn in_folder(source: io::Error) -> GitError {
    GitError::Shadow { path: NAME.into(), source }
}

fn index_time((seconds, nanoseconds): (i64, i64)) -> IndexTime {
    IndexTime::new(i32::try_from(seconds).unwrap_or_default(), u32::try_from(nanoseconds).unwrap_or_default())
}

/// The index keeps 32 bits of sizes and numbers (gitformat-index(5)).
fn low_bits(number: u64) -> u32 {
    u32::try_from(number & 0xffff_ffff).unwrap_or_default()
}
