//! Files that the command names and that are newer in the work tree than in the commits.
//!
//! A test that was just written to reproduce a failure, or changed for it, is in no commit, and trials run commits. So
//! it is laid over each of them, as `--with-file` would, and that is said. The code under test never is: a file that
//! may be part of it is only told of.

use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Component, Path, PathBuf};

use crate::git::{Repository, WorkState};
use crate::model::CommitId;
use crate::session::OverlayFile;

/// A larger file is not laid over unasked.
const LARGEST: u64 = 4 << 20;
/// Of a folder with more of them, none is: that is no test that was just written.
const MOST: usize = 100;

/// What to lay over, and what to say of it.
#[derive(Debug, Default)]
pub(crate) struct NamedFiles {
    pub(crate) overlay: Vec<OverlayFile>,
    pub(crate) notes: Vec<String>,
}

/// Where names in the command lead.
pub(crate) struct CheckoutAround<'a> {
    pub(crate) repository: &'a Repository,
    /// The top of the work tree.
    pub(crate) top: &'a Path,
    /// The folder that the command runs in, from the top.
    pub(crate) subdir: &'a Path,
    /// The ends of the range.
    pub(crate) ends: &'a [CommitId],
}

/// Look at the words of a command; files in `given` are laid over already.
pub(crate) fn named_files(
    command: &[OsString],
    given: &[OverlayFile],
    around: &CheckoutAround<'_>,
) -> NamedFiles {
    let mut found: Vec<(PathBuf, WorkState)> = Vec::new();
    let mut told: Vec<PathBuf> = Vec::new();
    for (word, is_of_script) in words(command) {
        for (path, state) in around.files_of(&word) {
            let is_given = given.iter().any(|file| Path::new(&file.path) == path);
            if is_given || found.iter().any(|(known, _)| *known == path) || told.contains(&path) {
                continue;
            }
            // A script may ask whether a file is there, so that only tests of it are meant.
            if is_of_tests(&path) || !is_of_script && around.is_in_no_end(&path) {
                found.push((path, state));
            } else if state == WorkState::Changed {
                told.push(path);
            }
        }
    }
    let mut named = NamedFiles::default();
    let mut shown = Vec::new();
    for (path, state) in found {
        let Some(file) = read(around.top, &path) else { continue };
        let how = if state == WorkState::Changed { "changed" } else { "new" };
        shown.push(format!("{} ({how})", file.path));
        named.overlay.push(file);
    }
    if !shown.is_empty() {
        let more = shown.len().saturating_sub(5);
        shown.truncate(5);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        named.notes.push(format!(
            "laid over every commit, as in your work tree: {}{more}; --no-with-file leaves that out",
            shown.join(", ")
        ));
    }
    for path in told {
        let path = path.display();
        named.notes.push(format!(
            "{path} is changed in your work tree, and trials run it as it was committed; to lay yours over: \
             --with-file {path}"
        ));
    }
    named
}

/// The words of a command, and of the scripts in it, each with whether it is of a script.
fn words(command: &[OsString]) -> Vec<(String, bool)> {
    let plain: Vec<String> = command.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let mut words = Vec::new();
    for word in plain {
        let script =
            word.contains([' ', ';', '&', '|', '\n']).then(|| shell_words::split(&word).ok()).flatten();
        match script {
            Some(parts) => words.extend(
                parts.into_iter().map(|part| (part.trim_matches([';', '&', '|', '(', ')']).to_owned(), true)),
            ),
            None => words.push((word, false)),
        }
    }
    words.retain(|(word, _)| !word.is_empty() && !word.starts_with('-'));
    words
}

impl CheckoutAround<'_> {
    /// The files that a word leads to and that are not as they are committed.
    fn files_of(&self, word: &str) -> Vec<(PathBuf, WorkState)> {
        // pytest's `path::Class::test[id]`
        let path = word.split("::").next().unwrap_or_default();
        if let Some(inside) = self.inside(path) {
            let place = self.top.join(&inside);
            if place.is_dir() {
                return self.below(&inside);
            }
            let state = self.repository.work_state(&inside);
            return state
                .filter(|state| *state != WorkState::Committed)
                .map(|state| (inside, state))
                .into_iter()
                .collect();
        }
        self.module(word).into_iter().collect()
    }

    /// Files of a folder: of one with tests all, of another those that are tests.
    fn below(&self, folder: &Path) -> Vec<(PathBuf, WorkState)> {
        let all = self.repository.uncommitted_below(folder);
        let tests: Vec<(PathBuf, WorkState)> =
            all.into_iter().filter(|(path, _)| is_of_tests(path) && !is_made(path)).collect();
        if tests.len() > MOST { Vec::new() } else { tests }
    }

    /// A dotted name, as `python -m unittest tests.test_app.Case.test` has it: the longest part of it that is a file.
    fn module(&self, word: &str) -> Option<(PathBuf, WorkState)> {
        let is_name = |part: &str| {
            part.starts_with(|first: char| first.is_alphabetic() || first == '_')
                && part.chars().all(|letter| letter.is_alphanumeric() || letter == '_')
        };
        let parts: Vec<&str> = word.split('.').collect();
        if !parts.iter().all(|part| is_name(part)) {
            return None;
        }
        (1..=parts.len()).rev().find_map(|count| {
            let path = self.inside(&format!("{}.py", parts[..count].join("/")))?;
            let state = self.repository.work_state(&path)?;
            (state != WorkState::Committed).then_some((path, state))
        })
    }

    /// A path of the command, from the top of the work tree; `None` when nothing is there, or it leads outside, also
    /// by a link.
    fn inside(&self, path: &str) -> Option<PathBuf> {
        let whole = self.top.join(self.subdir).join(path);
        let real = whole.canonicalize().ok()?;
        let inside = real.strip_prefix(self.top).ok()?.to_owned();
        let is_plain = inside.components().all(|part| matches!(part, Component::Normal(_)));
        let is_of_git = inside.starts_with(".git");
        (is_plain && !is_of_git).then_some(inside)
    }

    /// Whether none of the ends of the range has such a file, so that it is no part of the code under test.
    fn is_in_no_end(&self, path: &Path) -> bool {
        self.ends.iter().all(|&end| self.repository.file_at(end, path).is_ok_and(|file| file.is_none()))
    }
}

/// Whether a program made a file beside the sources: bytecode, what a runner or an editor keeps.
fn is_made(path: &Path) -> bool {
    let folders = path.parent().into_iter().flat_map(Path::components);
    let is_cache = |name: &str| name == "__pycache__" || name.starts_with('.') && name.ends_with("_cache");
    let is_kept =
        path.extension().is_some_and(|end| ["pyc", "pyo", "swp", "orig"].iter().any(|of| end == *of));
    is_kept
        || path.as_os_str().to_string_lossy().ends_with('~')
        || folders.into_iter().any(|part| part.as_os_str().to_str().is_some_and(is_cache))
}

/// Whether a file is one of tests, by its name or that of a folder that it lies in.
fn is_of_tests(path: &Path) -> bool {
    let text = |part: &std::ffi::OsStr| part.to_string_lossy().to_lowercase();
    let name = path.file_name().map(text).unwrap_or_default();
    let stem = name.strip_suffix(".py").unwrap_or(&name);
    let by_name = stem.starts_with("test_")
        || stem.ends_with("_test")
        || ["conftest", "test", "tests"].contains(&stem)
        || ["smoke", "repro"].iter().any(|word| stem.contains(word));
    let folders = path.parent().into_iter().flat_map(Path::components);
    by_name
        || folders
            .map(|part| text(part.as_os_str()))
            .any(|part| ["test", "tests", "testing", "smoke"].contains(&part.as_str()))
}

/// A file of the work tree as one to lay over; `None` when it is large, or its name cannot be a place in a tree.
fn read(top: &Path, path: &Path) -> Option<OverlayFile> {
    let file = top.join(path);
    let facts = file.symlink_metadata().ok().filter(|facts| facts.is_file() && facts.len() <= LARGEST)?;
    Some(OverlayFile {
        path: path.to_str()?.to_owned(),
        content: std::fs::read(&file).ok()?,
        executable: facts.permissions().mode() & 0o111 != 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_are_told_by_their_names_and_folders_and_the_code_under_test_is_none() {
        for path in
            ["tests/data/a.json", "test_app.py", "src/app_test.py", "smoke.py", "conftest.py", "a/repro.sh"]
        {
            assert!(is_of_tests(Path::new(path)), "{path}");
        }
        for path in ["app.py", "src/latest.py", "contest/app.py", "manage.py", "attest.py"] {
            assert!(!is_of_tests(Path::new(path)), "{path}");
        }
    }

    #[test]
    fn what_programs_leave_among_tests_is_no_test() {
        for path in [
            "tests/__pycache__/test_app.cpython-311-pytest-9.pyc",
            "tests/.pytest_cache/v/cache/lastfailed",
            "tests/.test_app.py.swp",
            "tests/test_app.py~",
            "tests/test_app.py.orig",
        ] {
            assert!(is_made(Path::new(path)), "{path}");
        }
        for path in ["tests/test_cache.py", "tests/my_cache/a.json", "tests/.env", "tests/.config/a.toml"] {
            assert!(!is_made(Path::new(path)), "{path}");
        }
    }

    #[test]
    fn a_script_of_a_shell_is_looked_into() {
        let command = ["sh", "-c", "cd x && python -m pytest -q 'tests/test_a.py'; ./smoke.sh"];
        let found = words(&command.map(OsString::from));
        assert!(found.contains(&("tests/test_a.py".to_owned(), true)), "{found:?}");
        assert!(found.contains(&("./smoke.sh".to_owned(), true)), "{found:?}");
    }
}
