//! The files of one version of a project.

use std::io;
use std::path::Path;

use super::requirements::role;
use super::{pyproject, setup_cfg};

/// One version of a project, as far as its declarations are concerned.
pub trait ProjectFiles {
    /// The paths of the files that may declare something (see [`declares`]), sorted.
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

    /// The folders at the top and one below that have an `__init__.py`.
    fn packages(&self) -> Vec<String>;

    /// Write the small text files near the top into a folder, for `setup.py` to read.
    ///
    /// # Errors
    /// When the folder cannot be written.
    fn export(&self, to: &Path) -> io::Result<()>;
}

/// Files whose name alone says that they declare something.
const NAMES: [&str; 16] = [
    "pyproject.toml",
    "setup.cfg",
    "setup.py",
    "tox.ini",
    "tox.toml",
    "noxfile.py",
    "hatch.toml",
    "versioneer.py",
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

/// Whether a folder, by its path, the names of its files and their contents, is a project of its own: it declares itself, or
/// what it needs. A `pyproject.toml` with settings of tools only declares nothing, and lists of tests and documentation are
/// those of the project around them.
#[must_use]
pub fn declares_project(folder: &str, names: &[&str], read: &dyn Fn(&str) -> Option<String>) -> bool {
    const PARTS: [&str; 9] =
        ["test", "tests", "testing", "doc", "docs", "requirements", "ci", "scripts", ".github"];
    let has = |name: &str| names.contains(&name);
    if has("setup.py") || has("Pipfile") {
        return true;
    }
    let declares_itself = has("pyproject.toml")
        && read("pyproject.toml").is_some_and(|text| {
            let made = pyproject::read(&text);
            made.declares || !made.hatch.is_empty()
        });
    let is_of_setuptools = has("setup.cfg") && {
        let sections = setup_cfg::read(&read("setup.cfg").unwrap_or_default());
        sections.contains_key("options")
            || sections.get("metadata").is_some_and(|keys| keys.contains_key("name"))
    };
    let last = folder.rsplit('/').next().unwrap_or(folder);
    let has_list = names.iter().any(|name| declares(name) && role(name).is_some());
    declares_itself || is_of_setuptools || (has_list && !PARTS.contains(&last))
}

#[cfg(test)]
mod tests {
    use super::{declares, declares_project};

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
