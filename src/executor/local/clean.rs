//! Putting a work tree back to what was checked out.
//!
//! Everything that git does not know is removed, ignored files too, and what was changed is removed to be written
//! again. Three things may stay: what the recipe keeps, bytecode of tracked sources, and folders that
//! tracked files lie in. No link is followed.

use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use globset::GlobSet;

use super::bytecode_path::{remove_beside, source_of_bytecode};
use super::manifest::system_path;
use super::worktree::WorkTree;
use crate::dirfd::{FileFacts, Kind};
use crate::git::{SUBMODULE, TreeFile};

/// What lies deeper is not kept: hardly anything can open it by its path.
const LONGEST_PATH: usize = 4_000;

impl WorkTree {
    /// Put the folder back, but for `keep`, and note which files have to be written again.
    /// Removing takes as long as `patience` at most; how long it takes to look at everything depends on the tree.
    pub(super) fn restore(&mut self, keep: &GlobSet, mut patience: Duration) -> io::Result<()> {
        self.walk += 1;
        // One after the other, each opened by itself: however deep they lie, few are open.
        let mut waiting: Vec<Vec<u8>> = vec![Vec::new()];
        let mut unknown = Vec::new();
        while let Some(folder) = waiting.pop() {
            self.restore_folder(&folder, keep, &mut patience, &mut waiting)?;
            if !folder.is_empty() && !self.manifest.needs_folder(&folder) {
                unknown.push(folder);
            }
        }
        // Inner ones come behind those that they lie in.
        for folder in unknown.iter().rev() {
            // It fails when something was kept.
            drop(self.folder.remove_empty(system_path(folder)));
        }
        let walk = self.walk;
        let lost =
            self.manifest.entries.iter().filter(|(_, entry)| entry.facts.is_some() && entry.seen != walk);
        let lost: Vec<Vec<u8>> = lost.map(|(path, _)| path.clone()).collect();
        for path in lost {
            remove_beside(&self.folder, &path, Instant::now() + patience)?;
            self.mark_damaged(path);
        }
        self.restore_submodules();
        Ok(())
    }

    /// Put what lies in one folder back; the folders in it that have to be looked at are added to `waiting`.
    fn restore_folder(
        &mut self,
        folder: &[u8],
        keep: &GlobSet,
        patience: &mut Duration,
        waiting: &mut Vec<Vec<u8>>,
    ) -> io::Result<()> {
        let here = self.folder.opened_up(system_path(folder))?;
        if folder.is_empty() || !keep.is_match(system_path(folder)) {
            here.put_back(&self.made)?;
        }
        for entry in here.entries()? {
            if folder.is_empty() && entry.name == ".git" {
                continue; // It has rules of its own.
            }
            let name = entry.name.as_bytes();
            let relative = if folder.is_empty() { name.to_vec() } else { [folder, b"/", name].concat() };
            let found = here.facts(entry.name.as_ref())?;
            match self.fate(&relative, &found, keep) {
                Fate::Stays => {}
                Fate::IsLookedAt => waiting.push(relative),
                Fate::Goes => {
                    let begun = Instant::now();
                    here.remove(entry.name.as_ref(), begun + *patience)?;
                    *patience = patience.saturating_sub(begun.elapsed());
                }
            }
        }
        Ok(())
    }

    /// What becomes of something in the tree.
    fn fate(&mut self, relative: &[u8], found: &FileFacts, keep: &GlobSet) -> Fate {
        if self.is_as_written(relative, found) {
            return Fate::Stays;
        }
        let is_tracked = self.manifest.is_tracked(relative);
        if found.is_folder() && self.manifest.needs_folder(relative) {
            return Fate::IsLookedAt;
        }
        if !is_tracked && (keep.is_match(system_path(relative)) || self.is_bytecode(relative, found)) {
            return Fate::Stays;
        }
        // Something to keep may lie deep inside a folder that git does not know.
        let is_worth_a_look = !keep.is_empty() || relative.ends_with(b"__pycache__");
        let is_within_reach = relative.len() < LONGEST_PATH;
        if found.is_folder() && !is_tracked && is_worth_a_look && is_within_reach {
            Fate::IsLookedAt
        } else {
            Fate::Goes
        }
    }

    fn is_as_written(&mut self, relative: &[u8], found: &FileFacts) -> bool {
        let walk = self.walk;
        self.manifest.entries.get_mut(relative).is_some_and(|entry| {
            let same = entry.facts == Some(*found);
            if same {
                entry.seen = walk;
            }
            same
        })
    }

    /// `pkg/__pycache__/x.cpython-311.pyc` where `pkg/x.py` is tracked: its source's time depends on its content,
    /// so it cannot be stale.
    fn is_bytecode(&self, relative: &[u8], found: &FileFacts) -> bool {
        if found.kind() != Kind::File {
            return false;
        }
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
        if let Some(entry) = self.manifest.remove(&path) {
            self.damaged.push(TreeFile { path, id: entry.id, mode: entry.mode });
        }
    }

    /// The folder of a submodule is there, empty.
    fn restore_submodules(&mut self) {
        let submodules = self.manifest.entries.iter().filter(|(_, entry)| entry.mode == SUBMODULE);
        let is_there =
            |path: &[u8]| self.folder.facts(system_path(path)).is_ok_and(|facts| facts.is_folder());
        let gone: Vec<Vec<u8>> =
            submodules.map(|(path, _)| path.clone()).filter(|path| !is_there(path)).collect();
        for path in gone {
            self.mark_damaged(path);
        }
    }
}

/// What becomes of something that lies in the tree after a trial.
enum Fate {
    Stays,
    IsLookedAt,
    Goes,
}
