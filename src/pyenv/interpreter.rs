//! The interpreter that the user's command runs, asked once.

use std::ffi::{OsStr, OsString};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// The interpreter could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// It could not be started.
    #[error("failed to start {python}")]
    Start {
        /// The interpreter.
        python: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// It came with the repository.
    #[error("{python} is not run: git tracks it, or what it is installed in")]
    Tracked {
        /// The interpreter.
        python: PathBuf,
    },
    /// It did not answer as a Python does.
    #[error("{python} did not answer as a Python interpreter: {said}")]
    Answer {
        /// The interpreter.
        python: PathBuf,
        /// What it said instead.
        said: String,
    },
}

/// What an interpreter says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Interpreter {
    /// `sys.executable`: behind shims, in virtual environments.
    pub executable: PathBuf,
    /// `3.11.7`.
    pub version: String,
    /// `cpython`, `pypy`.
    pub implementation: String,
    /// The folders it imports from, in order, that exist.
    pub sys_path: Vec<PathBuf>,
    /// Folders that editable installs with a finder lead to.
    pub editable: Vec<PathBuf>,
    /// Names of the installed distributions' folders, with versions.
    pub packages: Vec<String>,
    /// Where `pip install --user` puts things: found through `HOME`, which trials do not share.
    pub user_base: Option<PathBuf>,
}

impl Interpreter {
    /// The folders inside `root` that it would import from: an editable install of the repository
    /// itself, or a path set by hand. Given relative to `root`.
    #[must_use]
    pub fn folders_inside(&self, root: &Path) -> Vec<PathBuf> {
        let mut folders = Vec::new();
        for folder in self.sys_path.iter().chain(&self.editable) {
            let Ok(folder) = folder.canonicalize() else { continue };
            let Ok(relative) = folder.strip_prefix(root) else { continue };
            // A virtual environment in the repository is not the project's source.
            let is_environment = relative
                .components()
                .any(|part| part.as_os_str() == "site-packages" || part.as_os_str() == "lib");
            if !is_environment && !folders.iter().any(|known| known == relative) {
                folders.push(relative.to_owned());
            }
        }
        folders
    }
}

/// The Python behind a command: the program itself, the interpreter that its first line names, or the
/// one on `PATH`. `None` when there is none.
#[must_use]
pub fn find_python(program: &OsStr, folder: &Path) -> Option<PathBuf> {
    let name = Path::new(program).file_name().map(OsStr::to_string_lossy).unwrap_or_default();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let located = which::which_in(program, Some(&path), folder).ok();
    if name.starts_with("python") || name.starts_with("pypy") {
        return located;
    }
    located.and_then(|script| shebang(&script)).or_else(|| {
        ["python", "python3"].iter().find_map(|name| which::which_in(name, Some(&path), folder).ok())
    })
}

/// The Python named in a script's first line.
fn shebang(script: &Path) -> Option<PathBuf> {
    let mut line = Vec::new();
    let file = std::fs::File::open(script).ok()?;
    BufReader::new(std::io::Read::take(file, 1024)).read_until(b'\n', &mut line).ok()?;
    let line = String::from_utf8(line).ok()?;
    let words = shell_words::split(line.strip_prefix("#!")?).ok()?;
    let word = words.iter().find(|word| {
        Path::new(word).file_name().is_some_and(|name| name.to_string_lossy().starts_with("python"))
    })?;
    which::which(OsString::from(word)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_names_its_interpreter() {
        let folder = tempfile::tempdir().unwrap();
        let python = which::which("python3").unwrap();
        let script = folder.path().join("tool");
        std::fs::write(&script, format!("#!/usr/bin/env {}\n", python.display())).unwrap();
        assert_eq!(shebang(&script), Some(python));
        std::fs::write(&script, "#!/bin/sh\n").unwrap();
        assert_eq!(shebang(&script), None);
    }

    #[test]
    fn folders_inside_the_repository_are_found_but_not_its_virtual_environment() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        for folder in ["src", ".venv/lib/python3.11/site-packages"] {
            std::fs::create_dir_all(root.join(folder)).unwrap();
        }
        let interpreter = Interpreter {
            executable: PathBuf::new(),
            version: String::new(),
            implementation: String::new(),
            sys_path: vec![root.join(".venv/lib/python3.11/site-packages"), root.join("src")],
            editable: vec![root.clone(), root.join("src")],
            packages: Vec::new(),
            user_base: None,
        };
        assert_eq!(interpreter.folders_inside(&root), [PathBuf::from("src"), PathBuf::new()]);
    }
}
