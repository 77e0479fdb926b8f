//! Options that make a runner tell what it ran, and change nothing else.
//!
//! Most runners print counts by themselves. `python -m doctest` prints nothing when every example passes, and as much when
//! there is none; with `-v` it prints its counts, and ends with the same status. pytest names the tests that failed, and
//! with `-rp` also those that passed: then a run in which another test is red still tells of the one that is searched for.

use std::ffi::OsString;

use super::{CommandFacts, Runner};

/// An option that was added to a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Telling {
    /// The command with it.
    pub command: Vec<OsString>,
    /// Which, and why, for the report.
    pub why: &'static str,
}

/// The command with an option that makes its runner tell what it ran; `None` where it tells by itself, or where it is
/// not known whether the option would change anything else.
#[must_use]
pub fn telling(command: &[OsString]) -> Option<Telling> {
    match CommandFacts::of(command).runner? {
        Runner::Doctest => doctest(command),
        Runner::Pytest => pytest(command),
        _ => None,
    }
}

fn doctest(command: &[OsString]) -> Option<Telling> {
    let module = command.iter().position(|word| word == "doctest")?;
    let is_verbose = command[module..].iter().any(|word| word == "-v" || word == "--verbose");
    (!is_verbose).then(|| Telling {
        command: with(command, module, "-v"),
        why: "doctest runs with -v: without it, it does not tell whether any example ran",
    })
}

fn pytest(command: &[OsString]) -> Option<Telling> {
    let words: Vec<String> = command.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let is_name = |word: &String| matches!(word.rsplit('/').next(), Some("pytest" | "py.test"));
    let module = words.iter().position(is_name)?;
    // One test, by its id: none is beside it. Who chooses what is reported, or does without the terminal, has reasons. Of
    // docstrings is told that they passed, not which examples stood in them.
    let is_decided = |word: &String| {
        word.contains("::")
            || word.starts_with("-r")
            || word.starts_with("-v")
            || word.starts_with("--verbos")
            || word.contains("no:terminal")
            || word.starts_with("--doctest")
            || word == "--co"
            || word == "--collect-only"
    };
    (!words[module + 1..].iter().any(is_decided)).then(|| Telling {
        command: with(command, module, "-rfEp"),
        why: "pytest runs with -rfEp: it names the tests that passed, too, where others fail beside them",
    })
}

/// The command with an option behind the word that names the runner.
fn with(command: &[OsString], runner: usize, option: &str) -> Vec<OsString> {
    let mut told = command.to_vec();
    told.insert(runner + 1, option.into());
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(command: &str) -> Option<String> {
        let words: Vec<OsString> = command.split(' ').map(OsString::from).collect();
        let told = telling(&words)?.command;
        Some(told.iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn doctest_is_made_to_count_its_examples() {
        assert_eq!(told("python3 -m doctest app.py").as_deref(), Some("python3 -m doctest -v app.py"));
        assert_eq!(told("coverage run -m doctest a.py").as_deref(), Some("coverage run -m doctest -v a.py"));
        assert_eq!(told("python3 -m doctest -v app.py"), None);
        assert_eq!(told("python3 doctest.py"), None);
    }

    #[test]
    fn pytest_is_made_to_name_the_tests_that_passed() {
        for (command, expected) in [
            ("pytest", Some("pytest -rfEp")),
            ("python3 -m pytest -q tests", Some("python3 -m pytest -rfEp -q tests")),
            ("coverage run -m pytest -x", Some("coverage run -m pytest -rfEp -x")),
            (".venv/bin/pytest tests -k total", Some(".venv/bin/pytest -rfEp tests -k total")),
            ("pytest tests/test_app.py::test_total", None),
            ("pytest -v", None),
            ("pytest -q -ra", None),
            ("pytest -p no:terminal", None),
            ("pytest --doctest-modules app.py", None),
            ("make test", None),
        ] {
            assert_eq!(told(command).as_deref(), expected, "{command}");
        }
    }
}
