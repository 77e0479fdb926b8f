//! Putting a work tree back to what was checked out.
//!
//! Everything that git does not know is removed, ignored files too, and what was changed is removed to be written
//! again. Three things may stay: what the recipe keeps, bytecode of tracked sources, and folders that
//! tracked files lie in. No link is followed.

use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use globset::GlobSet;

use super::manifest::system_path;
use super::pycache::{remove_beside, source_of_bytecode};
use super::worktree::WorkTree;
use crate::git::{FileFacts, SUBMODULE, TreeFile, open_folder, remove_tree};

impl WorkTree {
    /// Put the folder back, but for `keep`, and note which files have to be written again.
    pub(super) fn restore(&mut self, keep: &GlobSet) -> io::Result<()> {
        self.walk += 1;
        self.restore_folder(b"", keep)?;
        let walk = self.walk;
        let lost =
            self.manifest.entries.iter().filter(|(_, entry)| entry.facts.is_some() && entry.seen != walk);
        let lost: Vec<Vec<u8>> = lost.map(|(path, _)| path.clone()).collect();
        for path in lost {
            remove_beside(&self.folder, &path)?;
            self.mark_damaged(path);
        }
        self.restore_submodules()
    }

    /// Whether something is left in the folder.
    fn restore_folder(&mut self, folder: &[u8], keep: &GlobSet) -> io::Result<bool> {
        let path = self.folder.join(system_path(folder));
        open_folder(&path);
        let mut left = false;
        for entry in fs::read_dir(&path)? {
            let entry = entry?;
            let name = entry.file_name();
            if folder.is_empty() && name == ".git" {
                continue; // It has rules of its own.
            }
            let relative = if folder.is_empty() {
                name.as_bytes().to_vec()
            } else {
                [folder, b"/", name.as_bytes()].concat()
            };
            left |= self.restore_one(&relative, &entry.metadata()?, keep)?;
        }
        Ok(left)
    }

    /// Whether it is left.
    fn restore_one(&mut self, relative: &[u8], found: &fs::Metadata, keep: &GlobSet) -> io::Result<bool> {
        let path = self.folder.join(system_path(relative));
        if self.is_as_written(relative, found) {
            return Ok(true);
        }
        let is_tracked = self.manifest.is_tracked(relative);
        if found.is_dir() && self.manifest.needs_folder(relative) {
            self.restore_folder(relative, keep)?;
            return Ok(true);
        }
        if !is_tracked && (keep.is_match(system_path(relative)) || self.is_bytecode(relative)) {
            return Ok(true);
        }
        // Something to keep may lie deep inside a folder that git does not know.
        let is_worth_a_look = !keep.is_empty() || relative.ends_with(b"__pycache__");
        if found.is_dir() && !is_tracked && is_worth_a_look && self.restore_folder(relative, keep)? {
            return Ok(true);
        }
        remove_tree(&path)?;
        Ok(false)
    }

    fn is_as_written(&mut self, relative: &[u8], found: &fs::Metadata) -> bool {
        let walk = self.walk;
        self.manifest.entries.get_mut(relative).is_some_and(|entry| {
            let same = entry.facts == Some(FileFacts::of(found));
            if same {
                entry.seen = walk;
            }
            same
        })
    }

    /// `pkg/__pycache__/x.cpython-311.pyc` where `pkg/x.py` is tracked: its source's time depends on its content,
    /// so it cannot be stale.
    fn is_bytecode(&self, relative: &[u8]) -> bool {
        let Some(name) = system_path(relative).file_name() else { return false };
        let Some(folder) = system_path(relative).parent().filter(|folder| folder.ends_with("__pycache__"))
        else {
            return false;
        };
        let above = folder.parent().unwrap_or(Path::new(""));
        source_of_bytecode(name)
            .is_some_and(|source| self.manifest.is_tracked(above.join(source).as_os_str().as_bytes()))
    }

    fn mark_damaged(&mut self, path: Vec<u8>) {
        self.git.remove(system_path(&path));
        if let Some(entry) = self.manifest.remove(&path) {
            self.damaged.push(TreeFile { path, id: entry.id, mode: entry.mode });
        }
    }

    /// The folder of a submodule is there, empty.
    fn restore_submodules(&mut self) -> io::Result<()> {
        let submodules = self.manifest.entries.iter().filter(|(_, entry)| entry.mode == SUBMODULE);
        let gone: Vec<Vec<u8>> = submodules
            .map(|(path, _)| path.clone())
            .filter(|path| !self.folder.join(system_path(path)).is_dir())
            .collect();
        for path in gone {
            self.mark_damaged(path);
        }
        Ok(())
    }
}
