//! Mistakes that can be seen before anything runs: each an error that says what is wrong, where, and what to type
//! instead. What only may be a mistake is left to the run.

mod ends;
mod program;
mod runner;
mod tests_named;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

pub(super) use ends::{Revisions, check_ends};

use crate::git::Repository;
use crate::model::CommitId;
use crate::pyenv::Interpreter;
use crate::session::OverlayFile;
use crate::setup::corrected_command::CorrectedCommand;
use crate::setup::error::Error;

/// What a command will find where it runs.
pub(super) struct Preflight<'a> {
    pub(super) repository: &'a Repository,
    /// The commit that has to fail.
    pub(super) commit: CommitId,
    /// The top of the user's work tree.
    pub(super) top: Option<&'a Path>,
    /// The folder that the command runs in, from the top.
    pub(super) subdir: &'a Path,
    pub(super) overlay: &'a [OverlayFile],
    /// The command as it was typed.
    pub(super) command: &'a [OsString],
    /// Whether something is run before it that may make files.
    pub(super) has_setup: bool,
    /// The interpreter behind it, where trials have the user's packages; `None` where each commit has its own.
    pub(super) python: Option<&'a Interpreter>,
    /// Whether each commit has an environment of its own.
    pub(super) has_environments: bool,
    pub(super) typed: &'a CorrectedCommand,
}

impl Preflight<'_> {
    /// Look at all of it.
    pub(super) fn check(&self) -> Result<(), Error> {
        self.check_program()?;
        self.check_runner()?;
        self.check_tests()
    }

    fn words(&self) -> Vec<String> {
        self.command.iter().map(|word| word.to_string_lossy().into_owned()).collect()
    }

    /// The path of a word from the top of a tree; `None` when it leads out of it.
    fn in_tree(&self, word: &str) -> Option<PathBuf> {
        use std::path::Component;
        let mut path = PathBuf::new();
        for part in self.subdir.join(word).components() {
            match part {
                Component::Normal(name) => path.push(name),
                Component::CurDir => {}
                Component::ParentDir if path.pop() => {}
                Component::ParentDir | Component::RootDir | Component::Prefix(_) => return None,
            }
        }
        Some(path)
    }

    /// The file that trials have at a path.
    fn file(&self, path: &Path) -> Option<Vec<u8>> {
        let laid = self.overlay.iter().find(|file| Path::new(&file.path) == path);
        match laid {
            Some(file) => Some(file.content.clone()),
            None => self.repository.file_at(self.commit, path).ok().flatten(),
        }
    }

    /// The files that trials have, by their paths.
    fn files(&self, wanted: impl Fn(&Path) -> bool) -> Vec<String> {
        let tree = self.repository.tree_of(self.commit);
        let files = tree.and_then(|tree| self.repository.files(tree, &wanted)).unwrap_or_default();
        let laid = self.overlay.iter().map(|file| PathBuf::from(&file.path)).filter(|path| wanted(path));
        files
            .into_iter()
            .map(|(path, _)| path)
            .chain(laid)
            .filter_map(|path| path.to_str().map(str::to_owned))
            .collect()
    }

    /// A path from the top as it is typed where the user stands.
    fn as_typed(&self, path: &str) -> String {
        match Path::new(path).strip_prefix(self.subdir) {
            Ok(inside) => inside.display().to_string(),
            Err(_) => path.to_owned(),
        }
    }
}

/// The name that a wrong one was meant to be: only one that is very near.
fn nearest<'n>(wrong: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let most = match wrong.chars().count() {
        0..=3 => 1,
        4..=9 => 2,
        _ => 3,
    };
    let near = names
        .into_iter()
        .filter(|name| *name != wrong)
        .map(|name| (strsim::damerau_levenshtein(wrong, name), name));
    near.filter(|(distance, _)| *distance <= most).min().map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn only_what_is_very_near_is_meant() {
        let programs = ["python", "python3", "pytest", "sh", "ls", "tox"];
        assert_eq!(nearest("pyhton", programs), Some("python"));
        assert_eq!(nearest("pytst", programs), Some("pytest"));
        assert_eq!(nearest("rake", programs), None);
        assert_eq!(
            nearest("test_namedtypes_clases", ["test_namedtypes_classes"]),
            Some("test_namedtypes_classes")
        );
    }
}
