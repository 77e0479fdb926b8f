//! What a version of a project says that it is: its name, its version, its entry points. Each is parsed, or dropped
//! with a note: what a commit declares ends up in names of files and in programs.

use std::str::FromStr as _;
use std::sync::LazyLock;

use pep440_rs::Version;
use regex::Regex;

use crate::model::component;

/// Names and versions that are longer are none, whatever the grammar says: they become parts of a file's name.
const LONGEST: usize = 100;

/// An entry point of the project: `console_scripts`, `demo = demo.cli:main`, by the
/// [specification](https://packaging.python.org/en/latest/specifications/entry-points/).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::pyenv) struct EntryPoint {
    /// Its group.
    pub(in crate::pyenv) group: String,
    /// Its name: that of a program, in a group of programs.
    pub(in crate::pyenv) name: String,
    /// The module.
    pub(in crate::pyenv) module: String,
    /// What is meant in the module; empty for the module itself.
    pub(in crate::pyenv) attribute: String,
}

impl EntryPoint {
    /// Read `name = module:attribute [extra]`; `None` when it does not follow the grammar.
    pub(super) fn parse(group: &str, line: &str) -> Option<Self> {
        static TARGET: LazyLock<Option<Regex>> = LazyLock::new(|| {
            let identifier = r"[\p{XID_Start}_]\p{XID_Continue}*";
            let dotted = format!(r"{identifier}(?:\.{identifier})*");
            Regex::new(&format!(r"^({dotted})(?:\s*:\s*({dotted}))?\s*(?:\[[\w.,\s-]*\])?$")).ok()
        });
        static GROUP: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^\w+(?:\.\w+)*$").ok());
        let (name, target) = line.split_once('=')?;
        let (name, target) = (name.trim(), target.trim());
        let found = TARGET.as_ref()?.captures(target)?;
        let is_name =
            component(name).is_some() && !name.starts_with(['[', '#', ';']) && name.len() <= LONGEST;
        if !is_name || !GROUP.as_ref()?.is_match(group) {
            return None;
        }
        let part = |at: usize| found.get(at).map_or("", |part| part.as_str()).to_owned();
        Some(Self { group: group.to_owned(), name: name.to_owned(), module: part(1), attribute: part(2) })
    }

    /// As a line of `entry_points.txt`, without the extras: nobody is asked for them.
    pub(in crate::pyenv) fn line(&self) -> String {
        let Self { name, module, attribute, .. } = self;
        if attribute.is_empty() {
            format!("{name} = {module}")
        } else {
            format!("{name} = {module}:{attribute}")
        }
    }
}

/// A project's name by the [specification](https://packaging.python.org/en/latest/specifications/name-normalization/),
/// as it is written; blanks are dashes, as for setuptools.
pub(super) fn name(text: &str) -> Option<String> {
    static NAME: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?$").ok());
    let name = text.trim().replace(' ', "-");
    let is_name = name.len() <= LONGEST && NAME.as_ref().is_some_and(|pattern| pattern.is_match(&name));
    is_name.then_some(name)
}

/// A version by PEP 440, in its normal form.
pub(super) fn version(text: &str) -> Option<String> {
    let version = Version::from_str(text.trim()).ok().filter(|_| text.len() <= LONGEST)?;
    Some(version.to_string()).filter(|version| component(version).is_some())
}

/// A foreign text for a note: its beginning.
pub(super) fn beginning(text: &str) -> String {
    const MOST: usize = 40;
    let mut short: String = text.chars().take(MOST).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_those_of_pep_440() {
        for (given, expected) in [
            ("1.0", "1.0"),
            ("1!2.3rc1.post2.dev3+local.7", "1!2.3rc1.post2.dev3+local.7"),
            (" v1.0-Beta ", "1.0b0"),
            ("2023.11.28", "2023.11.28"),
        ] {
            assert_eq!(version(given).as_deref(), Some(expected), "{given}");
        }
        let long = "1.".repeat(60) + "1";
        for given in [
            "",
            "x",
            "1/../../x",
            "../1",
            "1.0/",
            "1\0",
            "1\n2",
            "1.0 ; x",
            "1+a/b",
            "1+..",
            "99999999999999999999999",
            &long,
        ] {
            assert_eq!(version(given), None, "{given:?}");
        }
    }

    #[test]
    fn names_are_those_of_the_specification() {
        assert_eq!(name("Flask-SQLAlchemy_2.x").as_deref(), Some("Flask-SQLAlchemy_2.x"));
        assert_eq!(name("My Package").as_deref(), Some("My-Package"));
        for given in ["", "../x", "a/b", "-a", "a-", "a\nb", "ä", "a\0", ".."] {
            assert_eq!(name(given), None, "{given:?}");
        }
    }

    #[test]
    fn entry_points_follow_their_grammar() {
        let point = EntryPoint::parse("console_scripts", "demo-it = demo.cli : main.run [extra]").unwrap();
        assert_eq!(point.line(), "demo-it = demo.cli:main.run");
        assert_eq!(EntryPoint::parse("pytest11", "demo=demo.plugin").unwrap().line(), "demo = demo.plugin");
        for (group, line) in [
            ("console_scripts", "../demo = demo:main"),
            ("console_scripts", ".. = demo:main"),
            ("console_scripts", "demo = demo:main\nimport os"),
            ("console_scripts", "demo = demo:main; x"),
            ("console_scripts", "demo = os.system('x'):y"),
            ("console_scripts", "demo\nb = demo:main"),
            ("console_scripts", "demo"),
            ("console_scripts", "[x] = demo:main"),
            ("a]\n[b", "demo = demo:main"),
            ("a/b", "demo = demo:main"),
        ] {
            assert_eq!(EntryPoint::parse(group, line), None, "{group:?} {line:?}");
        }
    }
}
