//! A smoke command, from what lies in the repository.

use std::path::{Path, PathBuf};

use regex::Regex;

/// What was seen, and what to run because of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Proposal {
    /// Program and arguments.
    pub(super) command: Vec<String>,
    /// What it was told by.
    pub(super) because: String,
    /// A command that installs what it needs.
    pub(super) install: String,
}

/// Propose a command for a repository with these files (relative, sorted); `read` gives their text. The
/// surest sign comes first.
pub(super) fn propose(files: &[PathBuf], read: &dyn Fn(&Path) -> String) -> Option<Proposal> {
    let repo = &Repo { files, read };
    let (command, because) = pytest(repo)
        .or_else(|| tox(repo))
        .or_else(|| nox(repo))
        .or_else(|| django(repo))
        .or_else(|| flask(repo))
        .or_else(|| unittest(repo))?;
    let install = repo.install(&command);
    let command = shell_words::split(&command).ok()?;
    Some(Proposal { command, because, install })
}

struct Repo<'a> {
    files: &'a [PathBuf],
    read: &'a dyn Fn(&Path) -> String,
}

impl Repo<'_> {
    fn has(&self, path: &str) -> bool {
        self.files.iter().any(|file| file == Path::new(path))
    }

    fn text(&self, path: &str) -> String {
        if self.has(path) { (self.read)(Path::new(path)) } else { String::new() }
    }

    fn has_below(&self, folder: &str) -> bool {
        self.files.iter().any(|file| file.starts_with(folder))
    }

    fn test_files(&self) -> impl Iterator<Item = &PathBuf> {
        self.files.iter().filter(|file| {
            let name = file.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
            (name.starts_with("test_") && name.ends_with(".py")) || name.ends_with("_test.py")
        })
    }

    /// Sources near the top, tests left out: where an application is made.
    fn sources(&self) -> impl Iterator<Item = &PathBuf> {
        self.files.iter().filter(|file| {
            file.extension().is_some_and(|extension| extension == "py")
                && file.components().count() <= 3
                && !file.components().any(|part| part.as_os_str().to_string_lossy().contains("test"))
        })
    }

    fn install(&self, command: &str) -> String {
        let own = if self.has("requirements.txt") {
            " -r requirements.txt"
        } else if self.has("pyproject.toml") || self.has("setup.py") {
            " -e ."
        } else {
            ""
        };
        let runner = ["pytest", "tox", "nox"].iter().find(|name| command.contains(&format!("-m {name}")));
        let runner = runner.map(|name| format!(" {name}")).unwrap_or_default();
        if own.is_empty() && runner.is_empty() {
            return "python -m pip --version".to_owned();
        }
        format!("python -m pip install --quiet{own}{runner}")
    }
}

fn pytest(repo: &Repo<'_>) -> Option<(String, String)> {
    let configured = [
        ("pytest.ini", ""),
        ("pyproject.toml", "[tool.pytest"),
        ("setup.cfg", "[tool:pytest]"),
        ("tox.ini", "[pytest]"),
        ("requirements.txt", "pytest"),
        ("requirements-dev.txt", "pytest"),
    ];
    let sign = configured.iter().find(|(file, mark)| repo.has(file) && repo.text(file).contains(mark));
    let sign = sign.map(|(file, _)| (*file).to_owned()).or_else(|| {
        let uses = |file: &&PathBuf| {
            let text = (repo.read)(file);
            text.contains("import pytest") || text.lines().any(|line| line.starts_with("def test_"))
        };
        repo.test_files().find(uses).map(|file| file.display().to_string())
    })?;
    let smoke = repo.test_files().find(|file| file.to_string_lossy().contains("smoke"));
    let target = if repo.has_below("tests/smoke") {
        "tests/smoke".to_owned()
    } else if let Some(smoke) = smoke {
        smoke.display().to_string()
    } else {
        ["tests", "test"]
            .iter()
            .find(|folder| repo.has_below(folder))
            .map_or(String::new(), |&name| name.to_owned())
    };
    let command = format!("python -m pytest -q {target}");
    Some((command.trim_end().to_owned(), sign))
}

fn tox(repo: &Repo<'_>) -> Option<(String, String)> {
    repo.has("tox.ini").then(|| ("python -m tox -q".to_owned(), "tox.ini".to_owned()))
}

fn nox(repo: &Repo<'_>) -> Option<(String, String)> {
    repo.has("noxfile.py").then(|| ("python -m nox".to_owned(), "noxfile.py".to_owned()))
}

fn django(repo: &Repo<'_>) -> Option<(String, String)> {
    let manage = repo.files.iter().find(|file| file.file_name().is_some_and(|name| name == "manage.py"))?;
    let manage = manage.display().to_string();
    Some((format!("python {} check", shell_words::quote(&manage)), manage))
}

/// The first page of the application has to answer.
fn flask(repo: &Repo<'_>) -> Option<(String, String)> {
    let made = Regex::new(r"(?m)^([A-Za-z_]\w*)(?:\s*=\s*\w+)*\s*=\s*(?:flask\.)?Flask\(").ok()?;
    repo.sources().find_map(|file| {
        let text = (repo.read)(file);
        let name = made.captures(&text)?.get(1)?.as_str().to_owned();
        let module = file.with_extension("");
        let module: Vec<_> = module.components().map(|part| part.as_os_str().to_string_lossy()).collect();
        let script = format!(
            "from {} import {name}; assert {name}.test_client().get('/').status_code < 500",
            module.join(".").trim_end_matches(".__init__")
        );
        Some((format!("python -c \"{script}\""), file.display().to_string()))
    })
}

fn unittest(repo: &Repo<'_>) -> Option<(String, String)> {
    let file = repo.test_files().find(|file| (repo.read)(file).contains("unittest"))?;
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    let start = folder.map(|folder| format!(" -s {} -t .", shell_words::quote(&folder.to_string_lossy())));
    let command = format!("python -m unittest discover -q{}", start.unwrap_or_default());
    Some((command, file.display().to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proposed(files: &[(&str, &str)]) -> Option<(String, String)> {
        let paths: Vec<PathBuf> = files.iter().map(|(path, _)| PathBuf::from(path)).collect();
        let read = |path: &Path| {
            files
                .iter()
                .find(|(name, _)| Path::new(name) == path)
                .map(|(_, text)| (*text).to_owned())
                .unwrap_or_default()
        };
        propose(&paths, &read).map(|proposal| (shell_words::join(&proposal.command), proposal.because))
    }

    #[test]
    fn the_surest_sign_counts() {
        let told = |files: &[(&str, &str)]| proposed(files).map(|(command, _)| command);
        let config = ("pyproject.toml", "[tool.pytest.ini_options]\n");
        assert_eq!(
            told(&[config, ("tests/smoke/test_a.py", ""), ("tox.ini", "")]).as_deref(),
            Some("python -m pytest -q tests/smoke")
        );
        assert_eq!(
            told(&[("tests/test_smoke.py", "def test_a(): pass\n"), ("tests/test_b.py", "")]).as_deref(),
            Some("python -m pytest -q tests/test_smoke.py")
        );
        assert_eq!(told(&[("tox.ini", "[tox]"), ("a.py", "")]).as_deref(), Some("python -m tox -q"));
        assert_eq!(told(&[("noxfile.py", "")]).as_deref(), Some("python -m nox"));
        assert_eq!(told(&[("site/manage.py", "")]).as_deref(), Some("python site/manage.py check"));
        assert_eq!(
            told(&[("tests/test_a.py", "import unittest\n")]).as_deref(),
            Some("python -m unittest discover -q -s tests -t .")
        );
        assert_eq!(told(&[("README.md", "")]), None);
    }

    #[test]
    fn a_flask_application_answers_its_first_page() {
        let text = "from flask import Flask\n\napplication = app = Flask(__name__)\n";
        let (command, because) = proposed(&[("application.py", text)]).unwrap();
        assert!(command.contains("from application import application;"), "{command}");
        assert_eq!(because, "application.py");
        let (command, _) = proposed(&[("shop/__init__.py", "app = flask.Flask('shop')\n")]).unwrap();
        assert!(command.contains("from shop import app;"), "{command}");
    }
}
