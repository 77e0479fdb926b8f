//! The repositories of submodules, where the user's clone keeps them: below its own folder, or in the work tree.
//!
//! Objects are found by their ids alone, whatever a tree says of names, paths and addresses. Nothing is fetched.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path, PathBuf};

use git2::RepositoryOpenFlags;

use super::super::Repository;
use super::super::tree_modes::SUBMODULE;

/// More are not looked for.
const MOST: usize = 1000;
const DEEPEST: usize = 12;

/// The object folders of all submodules that a clone has, and of theirs.
pub(in crate::git) fn object_folders_of_submodules(user: &Repository) -> Vec<PathBuf> {
    let mut found = BTreeSet::new();
    for git in [user.folder(), user.inner.path()] {
        in_modules(&git.join("modules"), 0, &mut found);
    }
    if user.inner.workdir().is_some() {
        in_work_tree(&user.inner, 0, &mut found);
    }
    found.into_iter().collect()
}

/// Below `modules`, where names of submodules may have slashes in them.
fn in_modules(folder: &Path, depth: usize, found: &mut BTreeSet<PathBuf>) {
    if depth > DEEPEST || found.len() > MOST {
        return;
    }
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            continue;
        }
        let path = entry.path();
        let objects = path.join("objects");
        if path.join("HEAD").is_file() && objects.is_dir() {
            found.insert(objects);
            in_modules(&path.join("modules"), depth + 1, found);
        } else {
            in_modules(&path, depth + 1, found);
        }
    }
}

/// Those that have their repository in the work tree, as old versions of git made them.
fn in_work_tree(repository: &git2::Repository, depth: usize, found: &mut BTreeSet<PathBuf>) {
    let (Some(top), Ok(index)) = (repository.workdir(), repository.index()) else { return };
    for entry in index.iter().filter(|entry| entry.mode == SUBMODULE) {
        let path = Path::new(std::ffi::OsStr::from_bytes(&entry.path));
        if depth > DEEPEST || found.len() > MOST || !is_real_folder(top, path) {
            continue;
        }
        let none: [&std::ffi::OsStr; 0] = [];
        let opened = git2::Repository::open_ext(top.join(path), RepositoryOpenFlags::NO_SEARCH, none);
        let Ok(submodule) = opened else { continue };
        if found.insert(submodule.commondir().join("objects")) {
            in_modules(&submodule.commondir().join("modules"), depth + 1, found);
        }
        in_work_tree(&submodule, depth + 1, found);
    }
}

/// Whether a path leads over folders alone, and inside.
fn is_real_folder(top: &Path, path: &Path) -> bool {
    let mut here = top.to_owned();
    path.components().all(|part| {
        let Component::Normal(name) = part else { return false };
        here.push(name);
        here.symlink_metadata().is_ok_and(|facts| facts.is_dir())
    })
}

/// Which submodules a clone has.
#[derive(Debug, Default)]
pub(super) struct Known {
    modules: Vec<PathBuf>,
    top: Option<PathBuf>,
}

impl Known {
    pub(super) fn of(user: &Repository) -> Self {
        let modules = [user.folder(), user.inner.path()].map(|git| git.join("modules")).to_vec();
        Self { modules, top: user.workdir().map(Path::to_owned) }
    }

    /// Whether it has the one at a path, of which the tree's `.gitmodules` tell the name.
    pub(super) fn has(&self, path: &[u8], gitmodules: &[u8]) -> bool {
        let place = Path::new(std::ffi::OsStr::from_bytes(path));
        let is_in_tree = |top: &PathBuf| is_real_folder(top, place) && top.join(place).join(".git").exists();
        if self.top.as_ref().is_some_and(is_in_tree) {
            return true;
        }
        let names = String::from_utf8_lossy(gitmodules);
        let Some(name) = name_of(&names, &String::from_utf8_lossy(path)) else { return false };
        self.modules.iter().any(|modules| is_real_folder(modules, Path::new(&name)))
    }
}

/// The name of the submodule at a path, as `.gitmodules` has it.
fn name_of(gitmodules: &str, path: &str) -> Option<String> {
    let mut name = None;
    for line in gitmodules.lines().map(str::trim) {
        if let Some(section) = line.strip_prefix('[') {
            let quoted = section.strip_prefix("submodule").and_then(|rest| rest.trim().strip_prefix('"'));
            name = quoted.and_then(|rest| rest.rsplit_once('"')).map(|(name, _)| name.replace('\\', ""));
        } else if let Some((key, value)) = line.split_once('=')
            && key.trim().eq_ignore_ascii_case("path")
            && value.trim().trim_matches('"') == path
        {
            return name;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_and_never_lead_outside() {
        let text =
            "[submodule \"a/b\"]\n\tpath = lib\n\turl = ../x\n[submodule \"../../etc\"]\n  path = \"evil\"\n";
        assert_eq!(name_of(text, "lib").as_deref(), Some("a/b"));
        assert_eq!(name_of(text, "evil").as_deref(), Some("../../etc"));
        assert_eq!(name_of(text, "other"), None);
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("modules/a/b")).unwrap();
        fs::create_dir_all(root.path().join("etc")).unwrap();
        std::os::unix::fs::symlink("../etc", root.path().join("modules/link")).unwrap();
        let modules = root.path().join("modules");
        assert!(is_real_folder(&modules, Path::new("a/b")));
        for path in ["../etc", "link", "/etc", "a/../../etc", "missing"] {
            assert!(!is_real_folder(&modules, Path::new(path)), "{path}");
        }
    }
}
