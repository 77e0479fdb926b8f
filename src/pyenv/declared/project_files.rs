//! The files of one version of a project.

use std::io;
use std::path::Path;

/// One version of a project, as far as its declarations are concerned.
pub trait ProjectFiles {
    /// The paths of the files that may declare something (see [`declares`](super::declares)), sorted.
    fn declaring(&self) -> Vec<String>;

    /// The folder of the project, from the top of the tree; empty for the top itself. Paths are relative to it.
    fn base(&self) -> String {
        String::new()
    }

    /// The same tree as seen from another folder of it; `None` when there is none.
    fn at(&self, _folder: &str) -> Option<Box<dyn ProjectFiles + '_>> {
        None
    }

    /// The folders of the whole tree, from its top, that are projects.
    fn projects(&self) -> Vec<String> {
        Vec::new()
    }

    /// The content of a file, when it is there and is text. The path may lead out of the project's folder: `../uv.lock`.
    fn read(&self, path: &str) -> Option<String>;

    /// The folders at the top and one below that have an `__init__.py`, and in `src` those of a namespace.
    fn packages(&self) -> Vec<String>;

    /// Write the small text files near the top into a folder, for `setup.py` to read.
    ///
    /// # Errors
    /// When the folder cannot be written.
    fn export(&self, to: &Path) -> io::Result<()>;
}

#[cfg(test)]
mod tests {
    use crate::pyenv::declared::discovery::declares;
    use crate::pyenv::declared::discovery::declares_project;

    #[test]
    fn a_project_is_told_from_a_folder_with_settings_or_tests() {
        let of = |folder: &str, name: &str, text: &str| {
            declares_project(folder, &[name], &|_| Some(text.to_owned()))
        };
        assert!(of("services/pond", "pyproject.toml", "[project]\nname = 'pond'\n"));
        assert!(!of("services/pond", "pyproject.toml", "[tool.ruff]\nline-length = 100\n"));
        assert!(of("a", "setup.cfg", "[metadata]\nname = x\n"));
        assert!(!of("a", "setup.cfg", "[flake8]\nmax = 1\n"));
        assert!(of("services/pond", "requirements.txt", "six"));
        assert!(!of("tests", "requirements.txt", "six"));
        assert!(!of("a", "README.txt", "six"));
    }

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
