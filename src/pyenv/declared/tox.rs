//! `tox.ini`, `tox.toml`, `noxfile.py`: what the tests of old projects need is often declared nowhere else.

use std::sync::LazyLock;

use regex::Regex;
use toml::Table;

use super::setup_cfg;
use super::toml_lists::strings;

/// The requirements of the test environment, as lines of a requirements file that lies at the top. What holds for some
/// environments only (`py27: mock`) is left out, and so is what another section or a variable stands for.
pub(super) fn dependencies(text: &str) -> Vec<String> {
    let sections = setup_cfg::read(text);
    // What the project is asked for is a line, too: `.[test]`.
    let extras = sections.get("testenv").and_then(|keys| keys.get("extras")).cloned().unwrap_or_default();
    let extras = extras.iter().flat_map(|line| line.split(',')).map(str::trim);
    let extras: Vec<String> = extras.filter(|name| is_plain(name)).map(|name| format!(".[{name}]")).collect();
    let lines = sections.get("testenv").and_then(|keys| keys.get("deps")).cloned().unwrap_or_default();
    let plain = lines.iter().map(|line| line.replace("{toxinidir}/", "").replace("{tox_root}/", ""));
    plain.filter(|line| !line.contains(['{', '}']) && !is_conditional(line)).chain(extras).collect()
}

fn is_plain(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
}

/// What `tox.toml` declares for all environments.
pub(super) fn of_toml(text: &str) -> Vec<String> {
    let Ok(table) = text.parse::<Table>() else { return Vec::new() };
    let base = table.get("env_run_base");
    let list = |key: &str| base.and_then(|base| base.get(key)).map(strings).unwrap_or_default();
    let extras = list("extras").into_iter().filter(|name| is_plain(name)).map(|name| format!(".[{name}]"));
    list("deps").into_iter().filter(|line| !line.contains(['{', '}'])).chain(extras).collect()
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

/// Whether a line begins with factors: `py27,py34: mock`, `!docs: pytest`. A URL has a colon too.
fn is_conditional(line: &str) -> bool {
    let Some((factors, rest)) = line.split_once(':') else { return false };
    let is_factor = |c: char| c.is_ascii_alphanumeric() || "-_.,! ".contains(c);
    !rest.starts_with("//") && factors.chars().all(is_factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plain_dependencies_of_the_tests_are_read() {
        let text = "[tox]\nenvlist = py27,py36\n[testenv]\ndeps =\n    -r{toxinidir}/test/requirements.txt\n    py{27,33}: mock\n    py27: enum34\n    pytest-xprocess\n    {[base]deps}\n    git+https://example.org/x.git\ncommands = pytest\n[testenv:docs]\ndeps = sphinx\n";
        assert_eq!(
            dependencies(text),
            ["-rtest/requirements.txt", "pytest-xprocess", "git+https://example.org/x.git"]
        );
        assert_eq!(dependencies("[testenv]\ndeps = -rrequirements-dev.txt\n"), ["-rrequirements-dev.txt"]);
        assert!(dependencies("[tox]\n").is_empty());
        assert_eq!(dependencies("[testenv]\nextras = test, cov\n"), [".[test]", ".[cov]"]);
        let toml = "[env_run_base]\ndeps = ['pytest>=8', '{other}']\nextras = ['test']\n";
        assert_eq!(of_toml(toml), ["pytest>=8", ".[test]"]);
    }

    #[test]
    fn what_sessions_of_nox_install_for_tests_is_read() {
        let text = "import nox\n@nox.session\ndef tests(session):\n    session.install('-r', 'dev.txt', \"six\", '--quiet')\n    session.install('.[x]')\n    session.run('pytest')\n\n@nox.session\ndef lint(session):\n    session.install('ruff')\n";
        assert_eq!(of_nox(text), ["-r dev.txt", "six", ".[x]"]);
    }
}
