//! A constraint on a package, written into the file that declares it.
//!
//! Only the requirement changes: the rest of the file stays as somebody wrote it.

use std::sync::LazyLock;

use regex::Regex;

use super::package_name::{name_of, normalised};

/// A file with a constraint in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Constrained {
    /// The file's new text.
    pub text: String,
    /// The line that changed, from 1.
    pub line: usize,
    /// What was required there before; `None` where the package was not named.
    pub before: Option<String>,
    /// What is required there now.
    pub after: String,
}

/// How a file writes requirements down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// One a line.
    Lines,
    /// One a line, in the sections of setuptools.
    Sections,
    /// As strings of Python.
    Strings,
    /// As strings of TOML, or keys with versions.
    Toml,
}

fn form(path: &str) -> Option<Form> {
    match path.rsplit('/').next().unwrap_or(path) {
        "pyproject.toml" | "Pipfile" => Some(Form::Toml),
        "setup.cfg" => Some(Form::Sections),
        "setup.py" => Some(Form::Strings),
        name if [".txt", ".in", ".pip"].iter().any(|ending| name.ends_with(ending)) => Some(Form::Lines),
        _ => None,
    }
}

/// Write a constraint (`name<2`) into a file that names the package. `None` where it does not.
#[must_use]
pub fn constrain(path: &str, text: &str, constraint: &str) -> Option<Constrained> {
    let form = form(path)?;
    let name = name_of(constraint)?;
    let mut section = String::new();
    for (at, line) in lines_of(text).into_iter().enumerate() {
        if let Some(found) = section_of(line).filter(|_| matches!(form, Form::Sections | Form::Toml)) {
            found.clone_into(&mut section);
            continue;
        }
        let changed = match form {
            Form::Lines => in_line(line, &name, constraint),
            Form::Sections if section.starts_with("options") => in_line(line, &name, constraint),
            Form::Sections => None,
            Form::Strings => in_string(line, &name, constraint),
            Form::Toml => in_toml(line, &section, &name, constraint),
        };
        if let Some((new, before, after)) = changed {
            return Some(Constrained {
                text: with_line(text, at, &new),
                line: at + 1,
                before: Some(before),
                after,
            });
        }
    }
    None
}

/// Write a constraint into a file that does not name the package, where requirements have a place. `None` where they
/// have none.
#[must_use]
pub fn add_constraint(path: &str, text: &str, constraint: &str) -> Option<Constrained> {
    let made =
        |line: usize, text: String| Constrained { text, line, before: None, after: constraint.to_owned() };
    match form(path)? {
        Form::Lines => {
            let end = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
            let line = text.lines().count() + 1;
            Some(made(line, format!("{text}{end}{constraint}\n")))
        }
        Form::Toml => {
            let mut section = String::new();
            for (at, line) in lines_of(text).into_iter().enumerate() {
                if let Some(found) = section_of(line) {
                    found.clone_into(&mut section);
                } else if section == "project"
                    && let Some((key, rest)) = line.split_once('=')
                    && key.trim() == "dependencies"
                    && let Some(open) = rest.find('[')
                {
                    let start = key.len() + 1 + open + 1;
                    let is_empty = rest[open + 1..].trim_start().starts_with(']');
                    let comma = if is_empty { "" } else { ", " };
                    let comma = if rest[open + 1..].trim().is_empty() { "," } else { comma };
                    let new = format!("{}\"{constraint}\"{comma}{}", &line[..start], &line[start..]);
                    return Some(made(at + 1, with_line(text, at, &new)));
                }
            }
            None
        }
        Form::Sections | Form::Strings => None,
    }
}

fn lines_of(text: &str) -> Vec<&str> {
    text.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line)).collect()
}

fn with_line(text: &str, at: usize, new: &str) -> String {
    let mut lines: Vec<String> = text.split('\n').map(str::to_owned).collect();
    let end = if lines[at].ends_with('\r') { "\r" } else { "" };
    lines[at] = format!("{new}{end}");
    lines.join("\n")
}

fn section_of(line: &str) -> Option<&str> {
    let line = line.trim();
    line.strip_prefix('[')?.strip_suffix(']').map(|name| name.trim_matches(['[', ']']).trim())
}

/// A line that is a requirement: the new line, what was required, what is now.
fn in_line(line: &str, name: &str, constraint: &str) -> Option<(String, String, String)> {
    let (code, comment) = match line.find(" #") {
        Some(at) => line.split_at(at),
        None => (line, ""),
    };
    let trimmed = code.trim();
    let hashes = trimmed.find(" --hash").map_or(trimmed, |at| &trimmed[..at]).trim_end_matches([' ', '\\']);
    let start = code.len() - code.trim_start().len();
    let space = &code[code.trim_end().len()..];
    if name_of(hashes).as_deref() == Some(name) {
        let after = narrowed(hashes, constraint)?;
        return Some((format!("{}{after}{space}{comment}", &code[..start]), hashes.to_owned(), after));
    }
    None
}

/// A string in a line of Python that is a requirement.
fn in_string(line: &str, name: &str, constraint: &str) -> Option<(String, String, String)> {
    static STRING: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r#""([^"\\]*)"|'([^'\\]*)'"#).ok());
    for found in STRING.as_ref()?.captures_iter(line) {
        let inner = found.get(1).or_else(|| found.get(2))?;
        // What it is the value of is no requirement: `name="demo"`.
        let before = line[..found.get(0)?.start()].trim_end();
        let is_value = before.ends_with('=') && !before.ends_with("==") && !before.contains("require");
        if !is_value && name_of(inner.as_str()).as_deref() == Some(name) {
            let mut after = narrowed(inner.as_str(), constraint)?;
            if line.as_bytes().get(inner.start().checked_sub(1)?) == Some(&b'"') {
                after = after.replace('"', "'");
            }
            let new = format!("{}{after}{}", &line[..inner.start()], &line[inner.end()..]);
            return Some((new, inner.as_str().to_owned(), after));
        }
    }
    None
}

fn in_toml(line: &str, section: &str, name: &str, constraint: &str) -> Option<(String, String, String)> {
    let is_table = section == "packages"
        || section == "dev-packages"
        || (section.starts_with("tool.poetry") && section.ends_with("dependencies"));
    if is_table {
        return in_table(line, name, constraint);
    }
    let holds = section.starts_with("project")
        || section == "dependency-groups"
        || ["tool.pdm", "tool.uv", "tool.hatch"].iter().any(|tool| section.starts_with(tool));
    if !holds || line.trim_start().starts_with('#') {
        return None;
    }
    in_string(line, name, constraint)
}

/// `name = "^1.2"`, `name = {version = "*", …}`.
fn in_table(line: &str, name: &str, constraint: &str) -> Option<(String, String, String)> {
    static VERSION: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(r#"^\s*(?:"|')?([A-Za-z0-9._-]+)(?:"|')?\s*=\s*(?:\{.*?version\s*=\s*)?["']([^"']*)["']"#)
            .ok()
    });
    let found = VERSION.as_ref()?.captures(line)?;
    if normalised(&found[1]) != name {
        return None;
    }
    let old = found.get(2)?;
    let bound = constraint.trim_start_matches(|c: char| !"<>=!~".contains(c));
    let is_exact = old.as_str().starts_with(|c: char| c.is_ascii_digit() || c == '=');
    let new = if is_exact || ["", "*"].contains(&old.as_str().trim()) {
        bound.to_owned()
    } else {
        format!("{},{bound}", old.as_str())
    };
    let text = format!("{}{new}{}", &line[..old.start()], &line[old.end()..]);
    Some((text.clone(), line.trim().to_owned(), text.trim().to_owned()))
}

/// A requirement that the constraint narrows; an exact version gives way to it. `None` of one by URL.
fn narrowed(requirement: &str, constraint: &str) -> Option<String> {
    static PARTS: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"^\s*([A-Za-z0-9._-]+\s*(?:\[[^\]]*\])?)\s*([^;@]*)(;.*)?$").ok());
    let found = PARTS.as_ref()?.captures(requirement)?;
    let bound = constraint.trim_start_matches(|c: char| !"<>=!~".contains(c));
    let versions = found[2].trim().trim_matches(['(', ')']).trim();
    let marker = found.get(3).map(|marker| format!(" {}", marker.as_str())).unwrap_or_default();
    let versions = if versions.is_empty() || versions.contains("==") {
        bound.to_owned()
    } else {
        format!("{versions},{bound}")
    };
    Some(format!("{}{versions}{marker}", found[1].trim_end()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(path: &str, text: &str) -> (usize, String) {
        let made = constrain(path, text, "flask-cors<2.0").unwrap_or_else(|| panic!("{path}: {text}"));
        (made.line, made.text.lines().nth(made.line - 1).unwrap().to_owned())
    }

    #[test]
    fn a_constraint_goes_where_the_package_is_declared() {
        for (path, text, expected) in [
            ("requirements.txt", "six\nFlask_Cors  # web\n", (2, "Flask_Cors<2.0  # web")),
            (
                "requirements/base.in",
                "flask-cors>=1 ; python_version > '3'",
                (1, "flask-cors>=1,<2.0 ; python_version > '3'"),
            ),
            ("requirements.txt", "flask-cors[x]==2.1\n", (1, "flask-cors[x]<2.0")),
            (
                "pyproject.toml",
                "[build-system]\nrequires = ['flask-cors']\n[project]\nname = 'flask-cors'\ndependencies = ['six', 'flask-cors ~=1.0']\n",
                (5, "dependencies = ['six', 'flask-cors~=1.0,<2.0']"),
            ),
            (
                "pyproject.toml",
                "[tool.poetry.dependencies]\npython = '^3.9'\nflask-cors = {version = '^1.2', extras = ['a']}\n",
                (3, "flask-cors = {version = '^1.2,<2.0', extras = ['a']}"),
            ),
            (
                "pyproject.toml",
                "[dependency-groups]\ntest = [\n  \"flask-cors\",\n]\n",
                (3, "  \"flask-cors<2.0\","),
            ),
            ("Pipfile", "[packages]\nflask_cors = \"*\"\n", (2, "flask_cors = \"<2.0\"")),
            (
                "setup.cfg",
                "[metadata]\nname = x\n[options]\ninstall_requires =\n  flask-cors>=1\n",
                (5, "  flask-cors>=1,<2.0"),
            ),
            (
                "setup.py",
                "setup(name='flask-cors',\n  install_requires=['flask-cors>1'])\n",
                (2, "  install_requires=['flask-cors>1,<2.0'])"),
            ),
        ] {
            let (line, new) = expected;
            assert_eq!(changed(path, text), (line, new.to_owned()));
        }
        assert_eq!(
            constrain("requirements.txt", "flask-cors @ https://example.org/x.zip\n", "flask-cors<2"),
            None
        );
        assert_eq!(constrain("uv.lock", "flask-cors\n", "flask-cors<2"), None);
    }

    #[test]
    fn what_is_declared_nowhere_is_added_where_requirements_have_a_place() {
        let added = |path: &str, text: &str| add_constraint(path, text, "six<2").map(|made| made.text);
        assert_eq!(added("requirements.txt", "a").as_deref(), Some("a\nsix<2\n"));
        assert_eq!(
            added("pyproject.toml", "[project]\ndependencies = [\n  'a',\n]\n").as_deref(),
            Some("[project]\ndependencies = [\"six<2\",\n  'a',\n]\n")
        );
        assert_eq!(
            added("pyproject.toml", "[project]\ndependencies = ['a']\n").as_deref(),
            Some("[project]\ndependencies = [\"six<2\", 'a']\n")
        );
        assert_eq!(
            added("pyproject.toml", "[project]\ndependencies = []\n").as_deref(),
            Some("[project]\ndependencies = [\"six<2\"]\n")
        );
        assert_eq!(added("setup.py", "setup()\n"), None);
    }
}
