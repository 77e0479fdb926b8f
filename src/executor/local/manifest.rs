//! What is in a work tree.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::Arc;

use crate::dirfd::FileFacts;
use crate::executor::gaps::{Gaps, vital_gap};
use crate::git::{AttributeForm, SUBMODULE, TreeFile};
use crate::model::BlobId;

/// One file of a work tree.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) id: BlobId,
    pub(super) mode: u32,
    /// As it was written; `None` when it is not on disk (or is a submodule's folder).
    pub(super) facts: Option<FileFacts>,
    /// The walk that saw it last as it was written.
    pub(super) seen: u64,
    /// How it was written; `None` for a file as it is stored.
    pub(super) form: Option<Arc<AttributeForm>>,
}

/// The files of a work tree by path, in git's order.
#[derive(Debug, Default)]
pub(super) struct Manifest {
    pub(super) entries: BTreeMap<Vec<u8>, Entry>,
    pub(super) flaws: Gaps,
}

impl Manifest {
    /// Whether a file is there with this content and mode.
    pub(super) fn has(&self, file: &TreeFile) -> bool {
        self.entries.get(&file.path).is_some_and(|entry| entry.id == file.id && entry.mode == file.mode)
    }

    /// Whether a path is tracked.
    pub(super) fn is_tracked(&self, path: &[u8]) -> bool {
        self.entries.contains_key(path)
    }

    /// Whether a folder is needed: a tracked file or submodule lies in it, or it is a submodule's.
    pub(super) fn needs_folder(&self, folder: &[u8]) -> bool {
        if self.entries.get(folder).is_some_and(|entry| entry.mode == SUBMODULE) {
            return true;
        }
        let inside = [folder, b"/"].concat();
        self.entries.range(inside.clone()..).next().is_some_and(|(path, _)| path.starts_with(&inside))
    }

    /// What kept files may have been made from: all but Python source and prose, which no compiler reads. Files that
    /// describe a build count, whatever they are written in.
    pub(super) fn inputs(&self) -> [u8; 32] {
        const READ_BY_NONE: [&[u8]; 6] = [b".py", b".pyi", b".md", b".rst", b".txt", b".ipynb"];
        const DESCRIBES: [&[u8]; 4] = [b"setup.py", b"build.py", b"CMakeLists.txt", b"conanfile.py"];
        let mut hasher = blake3::Hasher::new();
        for (path, entry) in &self.entries {
            let name = path.rsplit(|&byte| byte == b'/').next().unwrap_or(path);
            let is_input = DESCRIBES.contains(&name) || !READ_BY_NONE.iter().any(|end| name.ends_with(end));
            if is_input {
                hasher
                    .update(path)
                    .update(&[0])
                    .update(entry.id.as_bytes())
                    .update(&entry.mode.to_le_bytes());
            }
        }
        *hasher.finalize().as_bytes()
    }

    pub(super) fn remove(&mut self, path: &[u8]) -> Option<Entry> {
        self.flaws.remove(path);
        self.entries.remove(path)
    }

    /// Whether a path is that of a submodule.
    pub(super) fn is_submodule(&self, path: &[u8]) -> bool {
        self.entries.get(path).is_some_and(|entry| entry.mode == SUBMODULE)
    }

    /// The paths in a folder.
    pub(super) fn inside(&self, folder: &[u8]) -> Vec<Vec<u8>> {
        let inside = [folder, b"/"].concat();
        let found = self.entries.range(inside.clone()..).map(|(path, _)| path);
        found.take_while(|path| path.starts_with(&inside)).cloned().collect()
    }

    /// The files of the tree itself, without those of submodules.
    pub(super) fn own_entries(&self) -> impl Iterator<Item = (&Vec<u8>, &Entry)> {
        let submodules: Vec<Vec<u8>> = self
            .entries
            .iter()
            .filter(|(_, entry)| entry.mode == SUBMODULE)
            .map(|(path, _)| [path, &b"/"[..]].concat())
            .collect();
        self.entries.iter().filter(move |(path, _)| !submodules.iter().any(|top| path.starts_with(top)))
    }

    /// Why no trial can run here: a file that Python needs is missing.
    pub(super) fn vital_gap(&self) -> Option<String> {
        let path = vital_gap(&self.flaws)?;
        let id = self.entries.get(path).map(|entry| entry.id.to_string()).unwrap_or_default();
        Some(format!("{} ({id}) is missing from the repository", text(path)))
    }
}

/// A path of git as a path of the system, relative.
pub(super) fn system_path(path: &[u8]) -> &Path {
    Path::new(OsStr::from_bytes(path))
}

/// A path for people.
pub(super) fn text(path: &[u8]) -> String {
    String::from_utf8_lossy(path).into_owned()
}
