//! A command that runs a suite, made to run a few tests of it only.
//!
//! pytest takes ids in place of its files and folders; unittest and Django's runner a pattern for each test. A command
//! that does more than to start such a runner, or has options that make a selection another run, is left alone.

use std::ffi::OsString;
use std::sync::LazyLock;

use regex::Regex;

use super::lines::pattern;
use super::{CommandFacts, Runner};
use crate::triage::identity::class_and_test;

/// How a command runs a part of its tests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selecting {
    /// pytest: files and ids stand between these words.
    Nodes {
        /// Up to the runner's name.
        before: Vec<OsString>,
        /// Its options.
        after: Vec<OsString>,
    },
    /// unittest, Django's runner: a pattern for each test is added.
    Patterns {
        /// The command as it is.
        command: Vec<OsString>,
    },
}

/// A test as a runner is asked for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pick {
    /// A file, and the classes and the function in it.
    Node {
        /// The file, relative to where the command runs.
        path: String,
        /// Classes, and the function last.
        names: Vec<String>,
    },
    /// A pattern on full names.
    Pattern(String),
}

/// Options of pytest that are followed by a value of their own.
const WITH_VALUE: [&str; 46] = [
    "-k",
    "-m",
    "-c",
    "-p",
    "-o",
    "-W",
    "-n",
    "-r",
    "--rootdir",
    "--basetemp",
    "--maxfail",
    "--tb",
    "--durations",
    "--durations-min",
    "--junitxml",
    "--junit-xml",
    "--junit-prefix",
    "--ignore",
    "--ignore-glob",
    "--deselect",
    "--confcutdir",
    "--color",
    "--code-highlight",
    "--capture",
    "--show-capture",
    "--verbosity",
    "--log-level",
    "--log-cli-level",
    "--log-file",
    "--log-file-level",
    "--log-format",
    "--log-date-format",
    "--cov-report",
    "--cov-config",
    "--cov-fail-under",
    "--cov-context",
    "--timeout",
    "--timeout-method",
    "--numprocesses",
    "--dist",
    "--maxprocesses",
    "--reruns",
    "--reruns-delay",
    "--override-ini",
    "--import-mode",
    "--ds",
];
/// Options of pytest that are followed by none.
const ALONE: [&str; 19] = [
    "-x",
    "-q",
    "-qq",
    "-qqq",
    "-v",
    "-vv",
    "-vvv",
    "-s",
    "-l",
    "--exitfirst",
    "--quiet",
    "--verbose",
    "--strict-markers",
    "--strict-config",
    "--strict",
    "--showlocals",
    "--no-header",
    "--no-summary",
    "--no-cov",
];
/// With these a selection would be another run, or none.
const DECIDING: [&str; 19] = [
    "--pyargs",
    "--lf",
    "--last-failed",
    "--ff",
    "--failed-first",
    "--nf",
    "--new-first",
    "--sw",
    "--stepwise",
    "--sw-skip",
    "--stepwise-skip",
    "--collect-only",
    "--co",
    "--fixtures",
    "--markers",
    "--setup-only",
    "--setup-plan",
    "--collectonly",
    "--doctest-glob",
];

impl Selecting {
    /// How this command runs a part of its tests; `None` where it cannot be rewritten safely. `is_path` tells which words
    /// are files or folders of the tree.
    #[must_use]
    pub fn of(command: &[OsString], is_path: &dyn Fn(&str) -> bool) -> Option<Self> {
        let words: Option<Vec<&str>> = command.iter().map(|word| word.to_str()).collect();
        let words = words?;
        match CommandFacts::of(command).runner? {
            Runner::Pytest => nodes(command, &words, is_path),
            Runner::Unittest if words.contains(&"unittest") => patterns(command, &words),
            Runner::Django => patterns(command, &words),
            _ => None,
        }
    }

    /// A failing test as this runner is asked for it; `None` where its id does not tell.
    #[must_use]
    pub fn pick(&self, test: &str) -> Option<Pick> {
        match self {
            Self::Nodes { .. } => {
                let whole = &test[..test.find('[').unwrap_or(test.len())];
                let mut parts = whole.split("::").map(str::to_owned);
                let path = parts.next()?;
                let names: Vec<String> = parts.collect();
                let is_word = |name: &String| name.chars().all(|one| one.is_alphanumeric() || one == '_');
                let is_inside = !path.starts_with('/') && !path.split('/').any(|part| part == "..");
                let is_plain = !names.is_empty() && names.iter().all(is_word) && path.ends_with(".py");
                (is_inside && is_plain).then_some(Pick::Node { path, names })
            }
            Self::Patterns { .. } => class_and_test(test).map(|(class, test)| {
                // What prepares a class, or takes it down, belongs to each of its tests.
                let test = if matches!(test.as_str(), "setUpClass" | "tearDownClass") { "*" } else { &test };
                Pick::Pattern(format!("*.{class}.{test}"))
            }),
        }
    }

    /// The command with these files and ids, or patterns.
    #[must_use]
    pub fn command(&self, picks: &[String]) -> Vec<OsString> {
        match self {
            Self::Nodes { before, after } => before
                .iter()
                .cloned()
                .chain(picks.iter().map(OsString::from))
                .chain(after.iter().cloned())
                .collect(),
            Self::Patterns { command } => {
                let added = picks.iter().flat_map(|pick| [OsString::from("-k"), OsString::from(pick)]);
                command.iter().cloned().chain(added).collect()
            }
        }
    }
}

fn nodes(command: &[OsString], words: &[&str], is_path: &dyn Fn(&str) -> bool) -> Option<Selecting> {
    let is_name = |word: &&str| matches!(word.rsplit('/').next(), Some("pytest" | "py.test"));
    let at = words.iter().position(is_name)?;
    let mut after = Vec::new();
    let mut rest = words.iter().enumerate().skip(at + 1);
    // After an option that nobody here knows, a word may be its value.
    let mut is_unsure = false;
    while let Some((place, &word)) = rest.next() {
        if word == "--" || word.starts_with('@') || DECIDING.iter().any(|option| is_option(word, option)) {
            return None;
        }
        if word.starts_with('-') && word.len() > 1 {
            after.push(command[place].clone());
            is_unsure = false;
            if WITH_VALUE.contains(&word) {
                let (place, value) = rest.next()?;
                if word == "-p" && value.contains("no:terminal") {
                    return None;
                }
                after.push(command[place].clone());
            } else {
                let is_glued = !word.starts_with("--") || word.contains('=');
                is_unsure = !is_glued && !ALONE.contains(&word);
            }
            continue;
        }
        if is_unsure {
            after.push(command[place].clone());
            is_unsure = false;
        } else if !is_path(word.split("::").next().unwrap_or(word)) {
            return None;
        }
    }
    // A value that is wanted and not there would be the first id.
    Some(Selecting::Nodes { before: command[..=at].to_vec(), after })
}

fn is_option(word: &str, option: &str) -> bool {
    word == option || word.strip_prefix(option).is_some_and(|rest| rest.starts_with('='))
}

fn patterns(command: &[OsString], words: &[&str]) -> Option<Selecting> {
    // Patterns add up: with one of the user's own, more would run instead of less.
    let decides = |word: &&str| word.starts_with("-k") || ["--", "-h", "--help"].contains(word);
    (!words.iter().any(decides)).then(|| Selecting::Patterns { command: command.to_vec() })
}

/// How long a runner says that its run took, in seconds.
#[must_use]
pub fn seconds_told(text: &str) -> Option<f64> {
    static TOOK: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"(?m)(?:^Ran \d+ tests? in |\b(?:passed|failed|errors?|skipped|deselected|xfailed|xpassed|warnings?|reruns?) in )(\d+(?:\.\d+)?) ?s\b",
        )
    });
    TOOK.captures_iter(text).last()?.get(1)?.as_str().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(command: &str) -> Vec<OsString> {
        command.split(' ').map(OsString::from).collect()
    }

    fn selected(command: &str, tests: &[&str]) -> Option<String> {
        let is_path = |word: &str| word == "tests" || word == "app" || word.ends_with(".py");
        let selecting = Selecting::of(&words(command), &is_path)?;
        let picks: Option<Vec<String>> = tests
            .iter()
            .map(|test| {
                Some(match selecting.pick(test)? {
                    Pick::Node { path, names } => format!("{path}::{}", names.join("::")),
                    Pick::Pattern(pattern) => pattern,
                })
            })
            .collect();
        let command = selecting.command(&picks?);
        Some(command.iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn pytest_is_given_ids_in_place_of_files_and_folders() {
        let test = "tests/t.py::T::test_a[1-2]";
        for (command, expected) in [
            ("pytest", Some("pytest tests/t.py::T::test_a")),
            ("python3 -m pytest -q tests", Some("python3 -m pytest tests/t.py::T::test_a -q")),
            ("pytest -rfEp -q tests -k total", Some("pytest tests/t.py::T::test_a -rfEp -q -k total")),
            ("coverage run -m pytest -x", Some("coverage run -m pytest tests/t.py::T::test_a -x")),
            ("env A=1 pytest tests/t.py", Some("env A=1 pytest tests/t.py::T::test_a")),
            // What may be the value of an option stays.
            ("pytest --cov app tests", Some("pytest tests/t.py::T::test_a --cov app")),
            ("pytest --cov", Some("pytest tests/t.py::T::test_a --cov")),
            ("pytest -n 4 --dist loadfile", Some("pytest tests/t.py::T::test_a -n 4 --dist loadfile")),
            ("pytest --pyargs app", None),
            ("pytest --lf", None),
            ("pytest nothing_here", None),
            ("pytest --collect-only", None),
            ("make test", None),
            ("sh -c pytest", None),
            ("tox -e py", None),
        ] {
            assert_eq!(selected(command, &[test]).as_deref(), expected, "{command}");
        }
    }

    #[test]
    fn unittest_is_given_a_pattern_for_each_test() {
        let tests = ["test_a (tests.test_app.T.test_a)", "test_b (tests.test_app.T) (n=1)"];
        for (command, expected) in [
            ("python3 -m unittest", Some("python3 -m unittest -k *.T.test_a -k *.T.test_b")),
            (
                "python3 -m unittest discover -s tests",
                Some("python3 -m unittest discover -s tests -k *.T.test_a -k *.T.test_b"),
            ),
            ("python3 manage.py test", Some("python3 manage.py test -k *.T.test_a -k *.T.test_b")),
            (
                "python3 -m django test --settings=tests.settings",
                Some("python3 -m django test --settings=tests.settings -k *.T.test_a -k *.T.test_b"),
            ),
            ("python3 -m unittest -k total", None),
            ("python3 -m nose", None),
        ] {
            assert_eq!(selected(command, &tests).as_deref(), expected, "{command}");
        }
        assert_eq!(
            selected("python3 -m unittest", &["setUpClass (tests.test_app.T)"]).as_deref(),
            Some("python3 -m unittest -k *.T.*")
        );
        assert_eq!(selected("python3 -m unittest", &["setUpModule (tests.test_app)"]), None);
    }

    #[test]
    fn runners_say_how_long_they_took() {
        assert_eq!(seconds_told("= 1 failed, 3 passed in 12.31s (0:00:12) =\n"), Some(12.31));
        assert_eq!(seconds_told("3 passed in 0.10 seconds"), None);
        assert_eq!(seconds_told("Ran 5 tests in 0.001s\n\nOK\nRan 2 tests in 61.5s\n"), Some(61.5));
        assert_eq!(seconds_told("done in 3.0s"), None);
    }
}
