//! The modes of a tree's files, as git takes them: a tree made by hand may have any number there, and the differences that
//! libgit2 finds hand that number on as it is.

use git2::Tree;

use super::GitError;
use super::ids::ToOid as _;
use crate::model::TreeId;

/// The mode of a symbolic link.
pub const SYMLINK: u32 = 0o120_000;
/// The mode of a submodule.
pub const SUBMODULE: u32 = 0o160_000;
const TREE: u32 = 0o040_000;
const FILE: u32 = 0o100_644;

/// The modes in one tree, quick for paths in their order.
pub(super) struct TreeModes<'r> {
    repository: &'r git2::Repository,
    top: Option<Tree<'r>>,
    /// The folder that was asked for last, and its tree.
    last: Option<(Vec<u8>, Option<Tree<'r>>)>,
}

impl<'r> TreeModes<'r> {
    /// Those of a tree; without one there is no file.
    pub(super) fn new(repository: &'r git2::Repository, tree: Option<TreeId>) -> Result<Self, GitError> {
        let top = tree.map(|id| Ok::<_, GitError>(repository.find_tree(id.oid()?)?)).transpose()?;
        Ok(Self { repository, top, last: None })
    }

    /// The mode of a file that the tree has: `0o100644`, `0o100755`, `0o120000` or `0o160000`; 0 when it has none.
    pub(super) fn of(&mut self, path: &[u8]) -> u32 {
        let (folder, name) = match path.iter().rposition(|&byte| byte == b'/') {
            Some(at) => (&path[..at], &path[at + 1..]),
            None => (&path[..0], path),
        };
        if self.last.as_ref().is_none_or(|(last, _)| last != folder) {
            self.last = Some((folder.to_vec(), self.folder(folder)));
        }
        let tree = self.last.as_ref().and_then(|(_, tree)| tree.as_ref());
        let mode = tree.and_then(|tree| tree.get_name_bytes(name)).map_or(0, |entry| entry.filemode());
        match u32::try_from(mode) {
            // The name stands there twice.
            Ok(TREE) | Err(_) => FILE,
            Ok(mode) => mode,
        }
    }

    fn folder(&self, path: &[u8]) -> Option<Tree<'r>> {
        let top = self.top.as_ref()?;
        if path.is_empty() {
            return Some(top.clone());
        }
        let names = path.split(|&byte| byte == b'/');
        let mut here = top.clone();
        for name in names {
            let id = here.get_name_bytes(name)?.id();
            here = self.repository.find_tree(id).ok()?;
        }
        Some(here)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::ids::tree_id;

    /// A tree written as bytes: git itself would not make it.
    fn tree(repository: &git2::Repository, entries: &[(&str, &str, git2::Oid)]) -> TreeId {
        let raw: Vec<u8> = entries
            .iter()
            .flat_map(|(mode, name, id)| [format!("{mode} {name}\0").as_bytes(), id.as_bytes()].concat())
            .collect();
        tree_id(repository.odb().unwrap().write(git2::ObjectType::Tree, &raw).unwrap())
    }

    #[test]
    fn a_mode_that_no_git_writes_is_taken_as_git_takes_it() {
        let folder = tempfile::tempdir().unwrap();
        let plain = git2::Repository::init(folder.path()).unwrap();
        let blob = plain.blob(b"x = 1\n").unwrap();
        let inner = tree(&plain, &[("104755", "setuid", blob), ("177777", "wild", blob)]);
        let inner = inner.oid().unwrap();
        let all = [
            ("100664", "group", blob),
            ("40000", "in", inner),
            ("120000", "link", blob),
            ("160000", "module", blob),
            ("100755", "program", blob),
        ];
        let id = tree(&plain, &all);
        drop(plain);
        let repository = crate::git::Repository::open(folder.path()).unwrap();
        let mut modes = TreeModes::new(&repository.inner, Some(id)).unwrap();
        for (path, mode) in [
            ("group", FILE),
            ("in/setuid", 0o100_755),
            ("in/wild", 0o100_755),
            ("link", SYMLINK),
            ("module", SUBMODULE),
            ("program", 0o100_755),
            ("in", FILE),
            ("none", 0),
            ("none/deeper", 0),
        ] {
            assert_eq!(modes.of(path.as_bytes()), mode, "{path}");
        }
        // None of the ways to look at it gives up.
        let written = repository.tree_delta(None, id).unwrap().written;
        assert_eq!(written.len(), 6);
        assert_eq!(repository.changed_files(None, id).unwrap().len(), 6);
        assert_eq!(repository.files(id, |_| true).unwrap().len(), 5, "without submodules");
    }
}
