//! Which files and folders of a tree declare a project.

use super::requirements::role;
use super::{pyproject, setup_cfg};

/// Files whose name alone says that they declare something.
pub(super) const NAMES: [&str; 16] = [
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
