//! The files of one version of a project.

use std::io;
use std::path::Path;

/// One version of a project, as far as its declarations are concerned.
pub trait ProjectFiles {
    /// The paths of the files that may declare something (see [`declares`]), sorted.
    fn declaring(&self) -> Vec<String>;

    /// The content of a file, when it is there and is text.
    fn read(&self, path: &str) -> Option<String>;

    /// The folders at the top and one below that have an `__init__.py`.
    fn packages(&self) -> Vec<String>;

    /// Write the small text files near the top into a folder, for `setup.py` to read.
    ///
    /// # Errors
    /// When the folder cannot be written.
    fn export(&self, to: &Path) -> io::Result<()>;
}

/// Files whose name alone says that they declare something.
const NAMES: [&str; 12] = [
    "pyproject.toml",
    "setup.cfg",
    "setup.py",
    "tox.ini",
    "uv.lock",
    "poetry.lock",
    "pdm.lock",
    "Pipfile.lock",
    "pylock.toml",
    ".python-version",
    "runtime.txt",
    "Pipfile",
];

/// Whether a file, by its path from the top, may declare dependencies or a Python version.
#[must_use]
pub fn declares(path: &str) -> bool {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    if folder.is_empty() && NAMES.contains(&name) {
        return true;
    }
    let is_list = [".txt", ".pip", ".in"].iter().any(|ending| name.ends_with(ending));
    let speaks_of_it = |part: &str| ["require", "constraint", "deps"].iter().any(|word| part.contains(word));
    is_list && folder.matches('/').count() < 2 && (speaks_of_it(name) || speaks_of_it(folder))
}

#[cfg(test)]
mod tests {
    use super::declares;

    #[test]
    fn what_declares_is_told_by_name_and_place() {
        for path in ["setup.py", "requirements.txt", "requirements/test.pip", "tests/requirements.txt"] {
            assert!(declares(path), "{path}");
        }
        for path in ["tests/setup.py", "README.txt", "docs/a/b/requirements.txt", "require.py"] {
            assert!(!declares(path), "{path}");
        }
    }
}
