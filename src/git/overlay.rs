//! Composing trees: a commit's tree with other files laid over it.

use git2::{FileMode, ObjectType, Oid};

use super::ids::{ToOid, tree_id};
use super::{GitError, Shadow};
use crate::model::TreeId;

/// One line of a tree object.
struct Line {
    mode: i32,
    name: Vec<u8>,
    id: Oid,
}

impl Line {
    fn is_tree(&self) -> bool {
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
        lines.sort_by_key(Line::sort_key);
        let object: Vec<u8> = lines
            .iter()
            .flat_map(|line| {
                [format!("{:o} ", line.mode).as_bytes(), &line.name, b"\0", line.id.as_bytes()].concat()
            })
            .collect();
        self.write(ObjectType::Tree, &object)
    }

    fn lines(&self, tree: Option<Oid>) -> Result<Vec<Line>, GitError> {
        let Some(tree) = tree else { return Ok(Vec::new()) };
        let tree = self.repository().inner.find_tree(tree)?;
        let line = |entry: git2::TreeEntry<'_>| Line {
            mode: entry.filemode_raw(),
            name: entry.name_bytes().to_vec(),
            id: entry.id(),
        };
        Ok(tree.iter().map(line).collect())
    }

    /// Write an object, but only when nobody has it: libgit2 would touch the time of the user's pack file.
    fn write(&self, kind: ObjectType, bytes: &[u8]) -> Result<Oid, GitError> {
        let id = Oid::hash_object(kind, bytes)?;
        let objects = self.repository().inner.odb()?;
        Ok(if objects.exists(id) { id } else { objects.write(kind, bytes)? })
    }
}

/// The names along a path that stays inside the tree.
fn safe_parts(path: &str) -> Result<Vec<&str>, GitError> {
    let parts: Vec<&str> = path.strip_prefix("./").unwrap_or(path).split('/').collect();
    let is_safe = |part: &&str| {
        !matches!(*part, "" | "." | "..") && !part.eq_ignore_ascii_case(".git") && !part.contains('\0')
    };
    if parts.iter().all(is_safe) { Ok(parts) } else { Err(GitError::UnsafePath(path.to_owned())) }
}
