//! Composing trees: a commit's tree with other files laid over it.

use std::collections::BTreeMap;

use git2::{FileMode, ObjectType, Oid};

use super::ids::{ToOid, blob_id, tree_id};
use super::{GitError, Repository, Shadow};
use crate::model::{BlobId, TreeId};

/// A path from the top, and what is to be there: mode and content, or nothing.
pub type TreeEdit = (Vec<u8>, Option<(u32, BlobId)>);

/// The rest of a path below a folder, and the mode and object that are to be there.
type Below<'a> = (&'a [u8], Option<(i32, Oid)>);

/// One line of a tree object.
pub(super) struct Line {
    pub(super) mode: i32,
    pub(super) name: Vec<u8>,
    pub(super) id: Oid,
}

impl Line {
    pub(super) fn is_tree(&self) -> bool {
        self.mode == i32::from(FileMode::Tree)
    }

    /// git sorts folders as if their names ended in a slash.
    fn sort_key(&self) -> Vec<u8> {
        let mut key = self.name.clone();
        if self.is_tree() {
            key.push(b'/');
        }
        key
    }
}

impl Shadow {
    /// A tree with files laid over it: path, content, whether it is executable. Folders that a path needs
    /// are made; a file or link in the way of one is replaced.
    ///
    /// # Errors
    /// When a path leads out of the tree or into `.git`, an object is missing, or the shadow cannot be written.
    pub fn with_overlay(&self, base: TreeId, files: &[(String, Vec<u8>, bool)]) -> Result<TreeId, GitError> {
        let mut tree = base.oid()?;
        for (path, bytes, executable) in files {
            let parts = safe_parts(path)?;
            let mode = if *executable { FileMode::BlobExecutable } else { FileMode::Blob };
            let blob = self.write(ObjectType::Blob, bytes)?;
            tree = self.with_entry(Some(tree), &parts, mode, blob)?;
        }
        Ok(tree_id(tree))
    }

    fn with_entry(
        &self,
        tree: Option<Oid>,
        parts: &[&str],
        mode: FileMode,
        blob: Oid,
    ) -> Result<Oid, GitError> {
        let Some((&name, rest)) = parts.split_first() else { return Ok(blob) };
        let mut lines = self.lines(tree)?;
        let at = lines.iter().position(|line| line.name == name.as_bytes());
        let before = at.map(|at| lines.swap_remove(at));
        let below = before.filter(|line| line.is_tree() && !rest.is_empty()).map(|line| line.id);
        let mode_here = if rest.is_empty() { mode } else { FileMode::Tree };
        let id = self.with_entry(below, rest, mode, blob)?;
        lines.push(Line { mode: mode_here.into(), name: name.as_bytes().to_vec(), id });
        self.write_tree(lines)
    }

    fn write_tree(&self, mut lines: Vec<Line>) -> Result<Oid, GitError> {
        lines.sort_by_key(Line::sort_key);
        let object: Vec<u8> = lines
            .iter()
            .flat_map(|line| {
                [format!("{:o} ", line.mode).as_bytes(), &line.name, b"\0", line.id.as_bytes()].concat()
            })
            .collect();
        self.write(ObjectType::Tree, &object)
    }

    /// Store a file's content.
    ///
    /// # Errors
    /// When the shadow cannot be written.
    pub fn write_blob(&self, bytes: &[u8]) -> Result<BlobId, GitError> {
        Ok(blob_id(self.write(ObjectType::Blob, bytes)?))
    }

    /// A tree with other entries at these paths: mode and content, or nothing. What goes has to come first in the
    /// list. Paths come from other trees, so they are not checked.
    ///
    /// # Errors
    /// When an object is missing, or the shadow cannot be written.
    pub fn with_entries(&self, base: TreeId, entries: &[TreeEdit]) -> Result<TreeId, GitError> {
        let entries = entries.iter().map(|(path, entry)| {
            Ok((
                path.as_slice(),
                match entry {
                    Some((mode, id)) => Some((i32::try_from(*mode).unwrap_or_default(), id.oid()?)),
                    None => None,
                },
            ))
        });
        let entries: Vec<_> = entries.collect::<Result<_, GitError>>()?;
        let tree = self.placed(Some(base.oid()?), &entries)?;
        match tree {
            Some(tree) => Ok(tree_id(tree)),
            None => Ok(tree_id(self.write_tree(Vec::new())?)),
        }
    }

    /// `None` for a folder with nothing left in it, which git does not keep.
    fn placed(&self, tree: Option<Oid>, entries: &[Below<'_>]) -> Result<Option<Oid>, GitError> {
        let mut lines = lines_of(self.repository(), tree)?;
        let mut below: BTreeMap<&[u8], Vec<Below<'_>>> = BTreeMap::new();
        for &(path, entry) in entries {
            if let Some(slash) = path.iter().position(|&byte| byte == b'/') {
                below.entry(&path[..slash]).or_default().push((&path[slash + 1..], entry));
                continue;
            }
            lines.retain(|line| line.name != path);
            lines.extend(entry.map(|(mode, id)| Line { mode, name: path.to_vec(), id }));
        }
        for (name, entries) in below {
            let here = lines.iter().position(|line| line.name == name);
            let is_tree = here.is_some_and(|at| lines[at].is_tree());
            if !is_tree && entries.iter().all(|(_, entry)| entry.is_none()) {
                continue; // A file lies there now.
            }
            let before = here.map(|at| lines.swap_remove(at)).filter(|_| is_tree).map(|line| line.id);
            let id = self.placed(before, &entries)?;
            lines.extend(id.map(|id| Line { mode: FileMode::Tree.into(), name: name.to_vec(), id }));
        }
        if lines.is_empty() { Ok(None) } else { self.write_tree(lines).map(Some) }
    }

    fn lines(&self, tree: Option<Oid>) -> Result<Vec<Line>, GitError> {
        lines_of(self.repository(), tree)
    }

    /// Write an object, but only when nobody has it: libgit2 would touch the time of the user's pack file.
    fn write(&self, kind: ObjectType, bytes: &[u8]) -> Result<Oid, GitError> {
        let id = Oid::hash_object(kind, bytes)?;
        let objects = self.repository().inner.odb()?;
        Ok(if objects.exists(id) { id } else { objects.write(kind, bytes)? })
    }
}

/// The lines of a tree object; none without one.
pub(super) fn lines_of(repository: &Repository, tree: Option<Oid>) -> Result<Vec<Line>, GitError> {
    let Some(tree) = tree else { return Ok(Vec::new()) };
    let tree = repository.inner.find_tree(tree)?;
    let line = |entry: git2::TreeEntry<'_>| Line {
        mode: entry.filemode_raw(),
        name: entry.name_bytes().to_vec(),
        id: entry.id(),
    };
    Ok(tree.iter().map(line).collect())
}

/// The names along a path that stays inside the tree.
fn safe_parts(path: &str) -> Result<Vec<&str>, GitError> {
    let parts: Vec<&str> = path.strip_prefix("./").unwrap_or(path).split('/').collect();
    let is_safe = |part: &&str| {
        !matches!(*part, "" | "." | "..") && !part.eq_ignore_ascii_case(".git") && !part.contains('\0')
    };
    if parts.iter().all(is_safe) { Ok(parts) } else { Err(GitError::UnsafePath(path.to_owned())) }
}
