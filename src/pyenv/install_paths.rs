//! Where an interpreter's parts lie: what has to be seen for it to run.

use std::path::{Path, PathBuf};

use super::{Environment, Interpreter};
use crate::model::TrialEnvironment;

impl Interpreter {
    /// The folders that it reads: its installation, that of the interpreter behind a virtual environment, and all that it
    /// imports from.
    #[must_use]
    pub fn places(&self) -> Vec<PathBuf> {
        let mut places = places_of_python(&self.executable);
        for folder in self.sys_path.iter().chain(&self.editable) {
            places.extend(places_of_library(folder));
        }
        places.extend(self.user_base.iter().flat_map(|base| ["lib", "bin"].map(|part| base.join(part))));
        places
    }
}

impl Environment {
    /// The folders that a program in it reads: its own, and the interpreter's.
    #[must_use]
    pub fn places(&self) -> Vec<PathBuf> {
        let mut places = vec![self.folder.clone()];
        places.extend(self.project.clone());
        places.extend(places_of_python(&self.folder.join("bin/python")));
        places.extend(places_of_library(&self.library));
        places
    }

    /// The environment as whoever runs a trial has to know it.
    #[must_use]
    pub fn of_trials(&self) -> TrialEnvironment {
        TrialEnvironment {
            key: self.facts.key.clone(),
            folder: self.folder.clone(),
            project: self.project.clone(),
            visible: self.places(),
            source_folders: self.source_folders.clone(),
        }
    }
}

/// The installation of an interpreter, and those that its links lead to.
#[must_use]
pub fn places_of_python(executable: &Path) -> Vec<PathBuf> {
    let mut places = Vec::new();
    let mut path = executable.to_owned();
    // Link by link: each may belong to an installation of its own.
    for _ in 0..8 {
        places.push(path.clone());
        if let Some(top) = path.parent().filter(|bin| bin.ends_with("bin")).and_then(Path::parent) {
            places.extend(installation(top));
        }
        let Ok(target) = std::fs::read_link(&path) else { break };
        path = path.parent().map_or_else(|| target.clone(), |folder| folder.join(&target));
    }
    if let Some(top) = executable.canonicalize().ok().as_deref().and_then(Path::parent).and_then(Path::parent)
    {
        places.extend(installation(top));
    }
    places
}

/// A folder of a library, and the installation that it is part of.
fn places_of_library(folder: &Path) -> Vec<PathBuf> {
    let mut places = vec![folder.to_owned()];
    let library = folder.ancestors().find(|part| part.ends_with("lib") || part.ends_with("lib64"));
    places.extend(library.and_then(Path::parent).into_iter().flat_map(installation));
    places
}

/// An installation as a whole when nothing else lies there, otherwise its parts.
fn installation(top: &Path) -> Vec<PathBuf> {
    let is_apart = top.join("pyvenv.cfg").is_file() || top.join("conda-meta").is_dir();
    let is_source = top.join(".git").exists();
    let is_known =
        ["versions", "python", "envs"].iter().any(|name| top.parent().is_some_and(|up| up.ends_with(name)));
    if (is_apart || is_known) && !is_source {
        return vec![top.to_owned()];
    }
    ["bin", "lib", "lib64", "include", "libexec", "pyvenv.cfg"].map(|part| top.join(part)).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    #[test]
    fn an_environment_is_seen_whole_and_of_a_home_only_its_programs() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        for folder in [".venv/bin", ".local/bin", ".local/lib/python3.11/site-packages"] {
            fs::create_dir_all(root.join(folder)).unwrap();
        }
        fs::write(root.join(".venv/pyvenv.cfg"), "").unwrap();
        fs::write(root.join(".local/bin/python3"), "").unwrap();
        symlink(root.join(".local/bin/python3"), root.join(".venv/bin/python")).unwrap();
        let places = places_of_python(&root.join(".venv/bin/python"));
        assert!(
            places.contains(&root.join(".venv")) && places.contains(&root.join(".local/bin")),
            "{places:?}"
        );
        let library = places_of_library(&root.join(".local/lib/python3.11/site-packages"));
        assert!(!places.iter().chain(&library).any(|place| *place == root.join(".local")), "{places:?}");
        assert!(library.contains(&root.join(".local/lib")));
    }
}
