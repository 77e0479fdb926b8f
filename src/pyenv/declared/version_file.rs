//! Files with the project's version that a build writes, and that a checkout lacks.
//!
//! setuptools_scm, hatch-vcs, PDM and scikit-build write such a file when the project is built or installed. A trial runs
//! the tree as it is, so `from ._version import version` would fail in every commit.

use std::sync::LazyLock;

use pep440_rs::Version;
use regex::Regex;
use std::str::FromStr as _;
use toml::{Table, Value};

/// A file that a build writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionFile {
    /// Where, from the project's folder.
    pub path: String,
    /// What is written, with `{version}`; `None` for what the tool writes by itself.
    template: Option<String>,
    /// What reads the file says so: a module, or a text with nothing but the version.
    is_module: bool,
}

impl VersionFile {
    fn new(path: &str, template: Option<&str>) -> Self {
        let ending = path.rsplit('.').next().unwrap_or_default();
        let is_module = matches!(ending, "py" | "pyi");
        Self { path: path.to_owned(), template: template.map(str::to_owned), is_module }
    }

    /// What the file holds for a version.
    #[must_use]
    pub fn content(&self, version: &str) -> String {
        let tuple = tuple_of(version);
        if let Some(template) = &self.template {
            let mut text = template.clone();
            for name in ["{version}", "{version!s}", "{scm_version}", "{0}", "{}", "${version}"] {
                text = text.replace(name, version);
            }
            return text.replace("{version_tuple}", &tuple).replace("{version_tuple!r}", &tuple);
        }
        if !self.is_module {
            return format!("{version}\n");
        }
        format!(
            "__version__ = version = '{version}'\n__version_tuple__ = version_tuple = {tuple}\n__commit_id__ = commit_id = None\n"
        )
    }
}

/// `(1, 2, 'dev3')`.
fn tuple_of(version: &str) -> String {
    let (public, local) = version.split_once('+').unwrap_or((version, ""));
    let parts = public.split('.').chain((!local.is_empty()).then_some(local));
    let parts: Vec<String> = parts
        .map(|part| if part.parse::<u64>().is_ok() { part.to_owned() } else { format!("'{part}'") })
        .collect();
    let comma = if parts.len() == 1 { "," } else { "" };
    format!("({}{comma})", parts.join(", "))
}

/// The files that the build of a project writes, by its own files.
#[must_use]
pub fn version_files(read: &dyn Fn(&str) -> Option<String>) -> Vec<VersionFile> {
    static IN_SETUP: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(r#"["']?(?:write_to|version_file)["']?\s*[:=]\s*["']([^"'\n]+)["']"#).ok()
    });
    let mut files = Vec::new();
    if let Some(table) = read("pyproject.toml").and_then(|text| text.parse::<Table>().ok()) {
        of_pyproject(&table, &mut files);
    }
    if let Some(table) = read("hatch.toml").and_then(|text| text.parse::<Table>().ok())
        && let Some(hook) = at(&Value::Table(table), &["build", "hooks", "vcs"])
    {
        add(hook, &["version-file"], &["template"], &mut files);
    }
    let setup = read("setup.py").filter(|text| text.contains("use_scm_version"));
    if let (Some(text), Some(pattern)) = (setup, IN_SETUP.as_ref()) {
        files.extend(pattern.captures_iter(&text).map(|found| VersionFile::new(&found[1], None)));
    }
    files
}

fn of_pyproject(table: &Table, files: &mut Vec<VersionFile>) {
    let Some(tool) = table.get("tool") else { return };
    if let Some(scm) = at(tool, &["setuptools_scm"]).or_else(|| at(tool, &["setuptools-scm"])) {
        let templates = ["version_file_template", "write_to_template"];
        add(scm, &["version_file", "write_to"], &templates, files);
    }
    if let Some(hook) = at(tool, &["hatch", "build", "hooks", "vcs"]) {
        add(hook, &["version-file"], &["template"], files);
    }
    if let Some(pdm) = at(tool, &["pdm", "version"])
        && let Some(path) = pdm.get("write_to").and_then(Value::as_str)
    {
        let template = pdm.get("write_template").and_then(Value::as_str).unwrap_or("{}\n");
        // It is meant from where the packages lie.
        let folder = at(tool, &["pdm", "build", "package-dir"]).and_then(Value::as_str);
        let path = folder.map_or_else(|| path.to_owned(), |folder| format!("{folder}/{path}"));
        files.push(VersionFile::new(&path, Some(template)));
    }
    let generated = at(tool, &["scikit-build", "generate"]).and_then(Value::as_array);
    for one in generated.into_iter().flatten() {
        let text = |key: &str| one.get(key).and_then(Value::as_str);
        if let (Some(path), Some(template)) = (text("path"), text("template")) {
            files.push(VersionFile::new(path, Some(template)));
        }
    }
}

fn add(table: &Value, paths: &[&str], templates: &[&str], files: &mut Vec<VersionFile>) {
    let text = |keys: &[&str]| keys.iter().find_map(|key| table.get(*key)?.as_str());
    if let Some(path) = text(paths) {
        files.push(VersionFile::new(path, text(templates)));
    }
}

fn at<'a>(value: &'a Value, path: &[&str]) -> Option<&'a Value> {
    path.iter().try_fold(value, |value, key| value.get(*key))
}

/// The version that a tag gives to a commit so many commits after it: the tag's own, or a development version of the next,
/// as setuptools_scm and those that build on it count. Without a tag it is 0.1.
#[must_use]
pub fn version_of_tag(tag: Option<&str>, distance: usize) -> String {
    static TAG: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"^(?:[A-Za-z][\w.]*[-_/])*[vV]?(\d[^+\s/]*)$").ok());
    let tagged = tag
        .and_then(|tag| Some(TAG.as_ref()?.captures(tag)?[1].to_owned()))
        .and_then(|text| Version::from_str(&text).ok());
    match tagged {
        None => format!("0.1.dev{distance}"),
        Some(version) if distance == 0 => version.to_string(),
        Some(version) if version.is_pre() => format!("{}.dev{distance}", version.only_release()),
        Some(version) => {
            let mut numbers: Vec<u64> = version.release().to_vec();
            if let Some(last) = numbers.last_mut() {
                *last = last.saturating_add(1);
            }
            let next: Vec<String> = numbers.iter().map(ToString::to_string).collect();
            format!("{}.dev{distance}", next.join("."))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(file: &str, text: &str) -> Vec<String> {
        let read = |path: &str| (path == file).then(|| text.to_owned());
        version_files(&read).into_iter().map(|file| file.path).collect()
    }

    #[test]
    fn what_a_build_writes_is_read_of_each_tool() {
        for (file, text) in [
            ("pyproject.toml", "[tool.setuptools_scm]\nwrite_to = 'src/pond/_version.py'\n"),
            ("pyproject.toml", "[tool.setuptools_scm]\nversion_file = 'src/pond/_version.py'\n"),
            ("pyproject.toml", "[tool.hatch.build.hooks.vcs]\nversion-file = 'src/pond/_version.py'\n"),
            (
                "pyproject.toml",
                "[tool.pdm.version]\nsource = 'scm'\nwrite_to = 'pond/_version.py'\n[tool.pdm.build]\npackage-dir = 'src'\n",
            ),
            ("hatch.toml", "[build.hooks.vcs]\nversion-file = 'src/pond/_version.py'\n"),
            ("setup.py", "setup(use_scm_version={'write_to': 'src/pond/_version.py'})\n"),
            (
                "pyproject.toml",
                "[[tool.scikit-build.generate]]\npath = 'src/pond/_version.py'\ntemplate = '''version = \"${version}\"'''\n",
            ),
        ] {
            assert_eq!(paths(file, text), ["src/pond/_version.py"], "{text}");
        }
        assert!(paths("pyproject.toml", "[tool.setuptools_scm]\n").is_empty());
        assert!(paths("setup.py", "open('x', write_to='y')\n").is_empty());
    }

    #[test]
    fn a_version_follows_from_the_nearest_tag() {
        for (tag, distance, expected) in [
            (Some("v1.2.3"), 0, "1.2.3"),
            (Some("v1.2.3"), 4, "1.2.4.dev4"),
            (Some("pond-1.2"), 1, "1.3.dev1"),
            (Some("release/2.0rc1"), 3, "2.0.dev3"),
            (Some("nightly"), 3, "0.1.dev3"),
            (None, 7, "0.1.dev7"),
        ] {
            assert_eq!(version_of_tag(tag, distance), expected, "{tag:?}");
        }
    }

    #[test]
    fn the_file_holds_the_version_as_its_readers_want_it() {
        let content = VersionFile::new("a/_version.py", None).content("1.2.dev3");
        assert!(content.contains("__version__ = version = '1.2.dev3'"), "{content}");
        assert!(content.contains("version_tuple = (1, 2, 'dev3')"), "{content}");
        assert_eq!(VersionFile::new("VERSION", None).content("1.2"), "1.2\n");
        let template = VersionFile::new("a.py", Some("V = '{version}'\nT = {version_tuple}\n"));
        assert_eq!(template.content("1.2"), "V = '1.2'\nT = (1, 2)\n");
        assert_eq!(VersionFile::new("a.py", Some("__version__ = '{}'")).content("1"), "__version__ = '1'");
    }
}
