//! The variables of a command in a slot.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::git::OTHER_REPOSITORY;
use crate::model::TrialSpec;

/// Variables that would let a trial see where it was started from, or keep Python from the bytecode cache.
const REMOVED: [&str; 4] = ["GIT_NAMESPACE", "GIT_PREFIX", "OLDPWD", "PYTHONDONTWRITEBYTECODE"];

/// The folders of a slot.
#[derive(Debug, Clone)]
pub(super) struct Folders {
    pub(super) slot: PathBuf,
    pub(super) tree: PathBuf,
    pub(super) home: PathBuf,
    pub(super) tmp: PathBuf,
    /// The bytecode of the tree's sources.
    pub(super) bytecode: PathBuf,
    /// The prefix of all bytecode; it leads to `bytecode` for the tree's sources.
    pub(super) prefix: PathBuf,
}

impl Folders {
    /// The folders of a slot: all but that of its bytecode lie in the first one.
    pub(super) fn new(slot: PathBuf, bytecode: PathBuf, prefix: PathBuf) -> Self {
        let [tree, home, tmp] = ["tree", "home", "tmp"].map(|name| slot.join(name));
        Self { slot, tree, home, tmp, bytecode, prefix }
    }
}

/// The recipe's environment, with what the slot sets itself.
pub(super) fn environment(
    recipe: &TrialSpec,
    folders: &Folders,
    working: &Path,
) -> BTreeMap<OsString, OsString> {
    let mut all = recipe.variables();
    all.retain(|name, _| !REMOVED.iter().chain(&OTHER_REPOSITORY).any(|removed| name == removed));
    let mut set = |name: &str, value: PathBuf| all.insert(name.into(), value.into_os_string());
    for name in ["TMPDIR", "TEMP", "TMP"] {
        set(name, folders.tmp.clone());
    }
    set("HOME", folders.home.clone());
    set("XDG_CACHE_HOME", folders.home.join(".cache"));
    set("XDG_CONFIG_HOME", folders.home.join(".config"));
    set("XDG_DATA_HOME", folders.home.join(".local/share"));
    set("XDG_STATE_HOME", folders.home.join(".local/state"));
    set("PYTHONPYCACHEPREFIX", folders.prefix.clone());
    set("GIT_CEILING_DIRECTORIES", folders.slot.clone());
    set("PWD", working.to_owned());
    for (name, entries) in &recipe.tree_paths {
        let absolute: Vec<OsString> =
            entries.iter().map(|entry| in_tree(&folders.tree, entry).into_os_string()).collect();
        all.insert(name.into(), absolute.join(":".as_ref()));
    }
    all
}

/// An entry relative to the tree, absolute; `.` is the tree itself.
fn in_tree(tree: &Path, entry: &Path) -> PathBuf {
    tree.join(entry).components().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::PackageSelection;

    #[test]
    fn the_slot_overrides_and_the_recipe_provides() {
        let folders = Folders::new("/slot".into(), "/memory/slot".into(), "/memory/packages".into());
        let given =
            [("HOME", "/home/ada"), ("GIT_DIR", "/x"), ("PYTHONDONTWRITEBYTECODE", "1"), ("LANG", "C")];
        let recipe = TrialSpec {
            hash_seed: Some(7),
            command: vec!["true".into()],
            subdir: PathBuf::new(),
            setup: None,
            timeout: None,
            keep: Vec::new(),
            environment: given.iter().map(|&(name, value)| (name.into(), value.into())).collect(),
            tree_paths: BTreeMap::from([(
                "PYTHONPATH".to_owned(),
                vec![".".into(), "src".into(), "/opt".into()],
            )]),
            packages: PackageSelection::Own,
            visible: Vec::new(),
            writable: Vec::new(),
            home: Vec::new(),
            inputs: Vec::new(),
            outputs: Vec::new(),
            input_paths: BTreeMap::new(),
        };
        let made = environment(&recipe, &folders, Path::new("/slot/tree/sub"));
        let value =
            |name: &str| made.get(&OsString::from(name)).map(|value| value.to_string_lossy().into_owned());
        assert_eq!(value("HOME").as_deref(), Some("/slot/home"));
        assert_eq!(value("LANG").as_deref(), Some("C"));
        assert_eq!(value("PWD").as_deref(), Some("/slot/tree/sub"));
        assert_eq!(value("PYTHONPATH").as_deref(), Some("/slot/tree:/slot/tree/src:/opt"));
        assert_eq!(value("GIT_DIR"), None);
        assert_eq!(value("PYTHONDONTWRITEBYTECODE"), None);
        assert_eq!(value("PYTHONHASHSEED").as_deref(), Some("7"));
    }
}
