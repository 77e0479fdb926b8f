//! Environments that lie in a folder, as in a checkout: `.venv`, `.tox/py311`, a prefix of conda.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

/// Folders in which tools keep several environments.
const CONTAINERS: [&str; 9] =
    [".conda", ".direnv", ".hatch", ".nox", ".pixi", ".tox", ".venvs", ".virtualenvs", "envs"];
/// Folders that never hold one, and many other things.
const SKIPPED: [&str; 3] = [".git", "__pycache__", "node_modules"];
/// How many folders are looked into at most: a checkout may be large.
const MOST_FOLDERS: usize = 2000;
/// An environment lies in the folder itself, in a part of a project of many, or in what a tool keeps them in.
const DEPTH: usize = 2;

/// Whether a folder is an environment.
#[must_use]
pub fn is_environment(folder: &Path) -> bool {
    folder.join("pyvenv.cfg").is_file() || folder.join("conda-meta").is_dir()
}

/// The environment that a path leads into, links aside.
#[must_use]
pub fn environment_around(path: &Path) -> Option<&Path> {
    path.ancestors().skip(1).find(|folder| is_environment(folder))
}

/// The environments in a folder, in the order of their paths. What lies in one of them is part of it.
#[must_use]
pub fn environments_in(top: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut waiting = std::collections::VecDeque::from([(top.to_owned(), 0)]);
    let mut looked_into = 0;
    while let Some((folder, depth)) = waiting.pop_front() {
        looked_into += 1;
        if looked_into > MOST_FOLDERS {
            break;
        }
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let (name, path) = (entry.file_name(), entry.path());
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_file() || SKIPPED.iter().any(|skipped| name == *skipped) {
                continue;
            }
            if is_environment(&path) {
                found.push(path);
            } else if kind.is_dir() && (depth < DEPTH || is_container(&folder)) {
                waiting.push_back((path, depth + 1));
            }
        }
    }
    found.sort();
    found
}

fn is_container(folder: &Path) -> bool {
    folder.file_name().and_then(OsStr::to_str).is_some_and(|name| CONTAINERS.contains(&name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn environments_of_common_tools_are_found_where_they_keep_them() {
        let root = tempfile::tempdir().unwrap();
        let top = root.path().join("top");
        for folder in [".venv", "env", ".tox/py311", ".pixi/envs/default", "services/api/.venv", "elsewhere"]
        {
            let marker = if folder.contains("pixi") { "conda-meta" } else { "bin" };
            fs::create_dir_all(top.join(folder).join(marker)).unwrap();
            if marker == "bin" && folder != "elsewhere" {
                fs::write(top.join(folder).join("pyvenv.cfg"), "").unwrap();
            }
        }
        fs::create_dir_all(root.path().join("outside")).unwrap();
        fs::write(root.path().join("outside/pyvenv.cfg"), "").unwrap();
        symlink("../outside", top.join("linked")).unwrap();
        symlink(".", top.join("circle")).unwrap();
        let found = environments_in(&top);
        let names: Vec<_> =
            found.iter().map(|path| path.strip_prefix(&top).unwrap().to_str().unwrap()).collect();
        let expected = [".pixi/envs/default", ".tox/py311", ".venv", "env", "linked", "services/api/.venv"];
        assert_eq!(names, expected);
        let python = top.join(".tox/py311/bin/python");
        assert_eq!(environment_around(&python), Some(top.join(".tox/py311").as_path()));
        assert_eq!(environment_around(&top.join("elsewhere/bin/python")), None);
    }
}
