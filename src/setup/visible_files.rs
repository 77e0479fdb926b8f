//! What trials see of this machine.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::venvs::places_around;
use crate::git::Repository;
use crate::process::sandbox::FilesystemView;
use crate::pyenv::Interpreter;

/// Where programs that Python is run with are commonly kept in a home: to be seen though the home is not.
const PLACES_OF_TOOLS: [&str; 18] = [
    ".asdf",
    ".cargo/bin",
    ".local/bin",
    ".local/lib",
    ".local/pipx",
    ".local/share/mise",
    ".local/share/pipx",
    ".local/share/uv/python",
    ".local/share/uv/tools",
    ".local/share/virtualenvs",
    ".local/state/nix",
    ".nix-profile",
    ".nvm",
    ".pixi",
    ".pyenv",
    ".rustup",
    ".rye",
    ".virtualenvs",
];

/// What a trial has to do with outside of its tree.
pub(crate) struct TrialSurroundings<'a> {
    pub(crate) repository: &'a Repository,
    /// The top of the user's work tree.
    pub(crate) top: Option<&'a Path>,
    pub(crate) cache: &'a Path,
    pub(crate) python: Option<&'a Interpreter>,
    /// The variables of trials.
    pub(crate) variables: &'a BTreeMap<OsString, OsString>,
    /// The words of all commands.
    pub(crate) words: Vec<OsString>,
    /// What else has to be seen.
    pub(crate) more: Vec<PathBuf>,
}

/// What trials see: not the user's home, repository and cache, but of these what they need to run.
pub(crate) fn view(around: &TrialSurroundings<'_>) -> FilesystemView {
    let home = std::env::home_dir().filter(|home| !home.as_os_str().is_empty());
    let git = around.repository.folder();
    let main_tree = git.ends_with(".git").then(|| git.parent()).flatten();
    let hidden: Vec<PathBuf> = [around.top, Some(git), main_tree, Some(around.cache)]
        .into_iter()
        .flatten()
        .map(Path::to_owned)
        .collect();
    let mut visible = around.python.map(Interpreter::places).unwrap_or_default();
    visible.extend(metadata_in(around.python, &hidden));
    if let Some(home) = &home {
        visible.extend(PLACES_OF_TOOLS.iter().map(|place| home.join(place)));
    }
    for (name, value) in around.variables {
        visible.extend(paths_of_variable(name, value));
    }
    for word in &around.words {
        visible.extend(named_in(&word.to_string_lossy(), home.as_deref(), &hidden));
    }
    visible.extend(around.more.iter().cloned());
    FilesystemView { home, hidden, visible, writable: Vec::new() }
}

/// Folders that a variable leads to. Those with programs in them belong to an installation.
fn paths_of_variable(name: &OsStr, value: &OsStr) -> Vec<PathBuf> {
    // Where the user is, and what may hold keys too.
    let never = ["HOME", "PWD", "CARGO_HOME", "GIT_CONFIG_GLOBAL", "PYTHONUSERBASE"];
    if never.iter().any(|other| name == *other) {
        return Vec::new();
    }
    let paths = std::env::split_paths(value).filter(|path| path.is_absolute());
    if name != "PATH" {
        return paths.collect();
    }
    let with_installation = |folder: PathBuf| {
        let top = folder.parent().filter(|_| folder.ends_with("bin")).map(Path::to_owned);
        let parts = top.map(|top| ["lib", "share", "libexec", "pyvenv.cfg"].map(|part| top.join(part)));
        // What belongs to programs of a home lies among the user's own.
        let parts = parts.filter(|_| !folder.ends_with(".local/bin")).into_iter().flatten();
        std::iter::once(folder.clone()).chain(parts).collect::<Vec<_>>()
    };
    paths.flat_map(with_installation).collect()
}

/// The metadata of packages that are installed from a folder which is hidden.
fn metadata_in(python: Option<&Interpreter>, hidden: &[PathBuf]) -> Vec<PathBuf> {
    let folders = python.map(|python| python.sys_path.as_slice()).unwrap_or_default();
    let inside = folders.iter().filter(|folder| hidden.iter().any(|hidden| folder.starts_with(hidden)));
    let entries = inside.flat_map(|folder| std::fs::read_dir(folder).into_iter().flatten().flatten());
    let is_metadata =
        |path: &PathBuf| path.extension().is_some_and(|ending| ending == "egg-info" || ending == "dist-info");
    entries.map(|entry| entry.path()).filter(is_metadata).collect()
}

/// Files and folders that a command names by absolute paths. A script may import what lies beside it, unless that is the
/// user's home, his repository, or everybody's.
fn named_in(word: &str, home: Option<&Path>, hidden: &[PathBuf]) -> Vec<PathBuf> {
    let is_end = |letter: char| letter.is_whitespace() || "'\"`;|&<>(){}=:,".contains(letter);
    let shared = [Path::new("/"), Path::new("/tmp"), Path::new("/var/tmp")];
    let beside = |file: &Path| {
        let folder = file.parent()?;
        let is_own = home != Some(folder)
            && !shared.contains(&folder)
            && !hidden.iter().any(|hidden| folder.starts_with(hidden) || hidden.starts_with(folder));
        is_own.then(|| folder.to_owned())
    };
    let named = word.split(is_end).filter(|part| part.len() > 1 && part.starts_with('/')).map(PathBuf::from);
    let mut seen = Vec::new();
    for path in named.filter(|path| path.exists()) {
        seen.extend(places_around(&path));
        seen.extend(if path.is_file() { beside(&path) } else { None });
        seen.push(path);
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_in_a_command_are_seen_with_what_lies_beside_them_but_not_all_of_a_home() {
        let root = tempfile::tempdir().unwrap();
        let home = root.path().canonicalize().unwrap();
        std::fs::create_dir_all(home.join("scripts")).unwrap();
        std::fs::create_dir_all(home.join("repo")).unwrap();
        for file in ["scripts/smoke.py", "smoke.py", "repo/smoke.py"] {
            std::fs::write(home.join(file), "").unwrap();
        }
        let named = |file: &str| {
            let script = format!("cd x; python '{}' --all", home.join(file).display());
            named_in(&script, Some(&home), &[home.join("repo")])
        };
        assert_eq!(named("scripts/smoke.py"), [home.join("scripts"), home.join("scripts/smoke.py")]);
        assert_eq!(named("smoke.py"), [home.join("smoke.py")]);
        assert_eq!(named("repo/smoke.py"), [home.join("repo/smoke.py")]);
        assert!(named("missing.py").is_empty());
    }
}
