//! `tox.toml`, `noxfile.py`: what the tests of old projects need is often declared nowhere else.

use std::sync::LazyLock;

use regex::Regex;
use toml::Table;

use super::toml_lists::strings;
use super::tox_ini;

/// What `tox.toml` declares for all environments.
pub(super) fn of_toml(text: &str) -> Vec<String> {
    let Ok(table) = text.parse::<Table>() else { return Vec::new() };
    let base = table.get("env_run_base");
    let list = |key: &str| base.and_then(|base| base.get(key)).map(strings).unwrap_or_default();
    tox_ini::lines(&list("deps"), list("extras").iter().map(String::as_str))
}

/// What the sessions of a `noxfile.py` install in which tests run: the strings that `session.install` is given.
pub(super) fn of_nox(text: &str) -> Vec<String> {
    static INSTALL: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"(?s)session\.install\(([^()]*)\)").ok());
    static STRING: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r#""([^"\\{}\n]*)"|'([^'\\{}\n]*)'"#).ok());
    let (Some(install), Some(string)) = (INSTALL.as_ref(), STRING.as_ref()) else { return Vec::new() };
    let mut lines = Vec::new();
    // A function a piece; its name is the first thing in it.
    for piece in text.split("\ndef ").skip(1) {
        let name = piece.split('(').next().unwrap_or_default();
        if !(name.contains("test") || piece.contains("\"pytest\"") || piece.contains("'pytest'")) {
            continue;
        }
        for call in install.captures_iter(piece) {
            let mut words = string.captures_iter(&call[1]).filter_map(|word| word.get(1).or(word.get(2)));
            while let Some(word) = words.next() {
                match word.as_str() {
                    option @ ("-r" | "-c" | "-e" | "--requirement" | "--constraint" | "--editable") => {
                        lines.extend(words.next().map(|value| format!("{option} {}", value.as_str())));
                    }
                    option if option.starts_with('-') => {}
                    line => lines.push(line.to_owned()),
                }
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_toml_file_declares_for_all_environments_is_read() {
        let toml = "[env_run_base]\ndeps = ['pytest>=8', '{other}']\nextras = ['test']\n";
        assert_eq!(of_toml(toml), ["pytest>=8", ".[test]"]);
    }

    #[test]
    fn what_sessions_of_nox_install_for_tests_is_read() {
        let text = "import nox\n@nox.session\ndef tests(session):\n    session.install('-r', 'dev.txt', \"six\", '--quiet')\n    session.install('.[x]')\n    session.run('pytest')\n\n@nox.session\ndef lint(session):\n    session.install('ruff')\n";
        assert_eq!(of_nox(text), ["-r dev.txt", "six", ".[x]"]);
    }
}
