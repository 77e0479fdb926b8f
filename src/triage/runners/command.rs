//! What a command's words tell of the runner, before anything was printed.

use std::ffi::OsString;
use std::sync::LazyLock;

use regex::Regex;

use super::Runner;
use super::lines::pattern;

/// What a command's words tell.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CommandFacts {
    /// The runner that it starts itself, not through a shell, `make` or the like: then its exit status is that runner's.
    pub runner: Option<Runner>,
    /// Whether pytest runs somewhere in it.
    pub runs_pytest: bool,
    /// Whether what is printed goes through a filter, or into a file: what is seen of a run that fails need not be there of
    /// one that passes.
    pub is_filtered: bool,
    /// Whether the command starts several things at a time, whose outputs come as each ends.
    pub in_any_order: bool,
    /// Whether modules of tests are named to a runner of the unittest family. Otherwise it looks for them, and what is not
    /// there is no error.
    pub names_modules: bool,
}

/// Programs and modules (`python -m`) by name.
const NAMES: [(&str, Runner); 28] = [
    ("pytest", Runner::Pytest),
    ("py.test", Runner::Pytest),
    ("unittest", Runner::Unittest),
    ("nose2", Runner::Unittest),
    ("nosetests", Runner::Unittest),
    ("nose", Runner::Unittest),
    ("pynose", Runner::Unittest),
    ("testtools.run", Runner::Unittest),
    ("green", Runner::Green),
    ("trial", Runner::Trial),
    ("twisted.trial", Runner::Trial),
    ("stestr", Runner::Stestr),
    ("zope-testrunner", Runner::Zope),
    ("zope.testrunner", Runner::Zope),
    ("behave", Runner::Behave),
    ("robot", Runner::Robot),
    ("robot.run", Runner::Robot),
    ("pabot", Runner::Robot),
    ("ward", Runner::Ward),
    ("testslide", Runner::TestSlide),
    ("testslide.cli", Runner::TestSlide),
    ("avocado", Runner::Avocado),
    ("locust", Runner::Locust),
    ("doctest", Runner::Doctest),
    ("xdoctest", Runner::Xdoctest),
    ("cram", Runner::Cram),
    ("prysk", Runner::Cram),
    ("django", Runner::Django),
];

/// Programs that hand on what they start, with its exit status: `coverage run -m pytest`, `env A=1 pytest`.
const HANDING_ON: [&str; 9] =
    ["coverage", "env", "nice", "timeout", "xvfb-run", "stdbuf", "time", "setarch", "catchsegv"];

/// A pipe into a program that picks lines.
static FILTER: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(?:^|[^|])\|&?\s*(?:\S*/)?(?:[ef]?grep|rg|[gmn]?awk|sed|head|tail|perl|cut|jq|python[\d.]*)\b")
});

/// What is printed goes into a file, as scripts do that show it where something failed.
static REDIRECTED: LazyLock<Regex> = LazyLock::new(|| pattern(r#"(?:^|\s)(?:1|&)?>>?\s*["']?[\w./$~-]"#));
/// What starts several things at a time.
static AT_A_TIME: LazyLock<Regex> = LazyLock::new(|| {
    let programs = r"(?:^|[\s;(|&]|bin/)(?:parallel|mpirun|mpiexec|srun|concurrently|honcho|foreman|overmind|run-p)(?:\s|$)";
    let options = r"\bxargs\b.*\s-\w*P|\bmake\b.*\s(?:-\w*j|--jobs)|\btask\b.*\s(?:-p|--parallel)\b";
    pattern(&format!(r"{programs}|{options}|[^&>|]&(?:\s|$)"))
});
const SHELLS: [&str; 5] = ["sh", "bash", "dash", "zsh", "ksh"];

impl CommandFacts {
    /// What these words tell.
    #[must_use]
    pub fn of(command: &[OsString]) -> Self {
        let words: Vec<String> = command.iter().map(|word| word.to_string_lossy().into_owned()).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let runs_pytest = words.iter().any(|word| {
            *word == "pytest"
                || *word == "py.test"
                || word.ends_with("/pytest")
                || word.contains("pytest.main")
        });
        let is_shell = words.first().is_some_and(|word| SHELLS.contains(&file_name(word)));
        let is_filtered =
            words.iter().any(|word| FILTER.is_match(word) || is_shell && REDIRECTED.is_match(word));
        let in_any_order = AT_A_TIME.is_match(&words.join(" "));
        let runner = starts(&words);
        let names_modules = names_modules(&words, runner);
        Self { runner, runs_pytest, is_filtered, in_any_order, names_modules }
    }
}

fn names_modules(words: &[&str], runner: Option<Runner>) -> bool {
    const LOOKING: [&str; 7] =
        ["discover", "-s", "--start-directory", "-p", "--pattern", "-t", "--top-level-directory"];
    let is_module = |word: &&str| !word.starts_with('-') && named(file_name(word)).is_none();
    matches!(runner, Some(Runner::Unittest | Runner::Trial))
        && words.last().is_some_and(is_module)
        && !words.iter().any(|word| LOOKING.contains(word))
}

/// The runner that these words start.
fn starts(words: &[&str]) -> Option<Runner> {
    let program = file_name(words.first()?);
    if HANDING_ON.contains(&program) {
        return starts_later(&words[1..]);
    }
    if program.starts_with("python") || program.starts_with("pypy") {
        return by_python(&words[1..]);
    }
    if program == "manage.py" || program == "django-admin" {
        return of_django(&words[1..]);
    }
    named(program)
}

/// The first word from which a runner is started, among options and values of the program that hands on.
fn starts_later(words: &[&str]) -> Option<Runner> {
    (0..words.len()).find_map(|at| match words[at] {
        "-m" => of_module(&words[at + 1..]),
        word if word.starts_with('-') => None,
        _ => starts(&words[at..]),
    })
}

fn by_python(words: &[&str]) -> Option<Runner> {
    /// Options of the interpreter that are followed by a value of their own.
    const WITH_VALUE: [&str; 2] = ["-W", "-X"];
    let mut rest = words.iter().enumerate();
    while let Some((at, &word)) = rest.next() {
        match word {
            "-m" => {
                let module = *words.get(at + 1)?;
                return if HANDING_ON.contains(&module) {
                    starts_later(&words[at + 2..])
                } else {
                    of_module(&words[at + 1..])
                };
            }
            "-c" => return None,
            _ if WITH_VALUE.contains(&word) => {
                rest.next();
            }
            _ if word.starts_with('-') => {}
            _ if file_name(word) == "manage.py" => return of_django(&words[at + 1..]),
            // `python .venv/bin/pytest`
            _ if !word.ends_with(".py") => return named(file_name(word)),
            _ => return None,
        }
    }
    None
}

/// The runner of `-m` with these words: `python -m django test` is `manage.py test`.
fn of_module(words: &[&str]) -> Option<Runner> {
    match *words.first()? {
        "django" => of_django(&words[1..]),
        module => named(module),
    }
}

fn of_django(words: &[&str]) -> Option<Runner> {
    words.iter().find(|word| !word.starts_with('-')).filter(|word| **word == "test").map(|_| Runner::Django)
}

fn named(name: &str) -> Option<Runner> {
    let name = name.trim_end_matches(".exe");
    let found = NAMES.iter().find(|(known, _)| *known == name).map(|(_, runner)| *runner);
    found.filter(|runner| *runner != Runner::Django)
}

fn file_name(word: &str) -> &str {
    word.rsplit('/').next().unwrap_or(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_starts_several_things_at_a_time() {
        let of = |command: &str| {
            CommandFacts::of(&command.split(' ').map(OsString::from).collect::<Vec<_>>()).in_any_order
        };
        for command in [
            "sh -c ls test_*.py | parallel pytest -q",
            "parallel pytest -q ::: a b",
            "/usr/bin/mpirun -n 2 python -m pytest",
            "sh -c ls | xargs -n 1 -P 2 pytest",
            "make -kj4 test",
            "sh -c pytest a & pytest b & wait",
        ] {
            assert!(of(command), "{command}");
        }
        for command in [
            "sh -c pytest a && pytest b",
            "pytest -q 2>&1",
            "pytest tests/parallel",
            "make -k test",
            "sh -c pytest |& tee log",
        ] {
            assert!(!of(command), "{command}");
        }
    }

    #[test]
    fn a_runner_is_told_what_to_import_or_looks_for_it() {
        for (command, expected) in [
            ("python -m unittest tests.test_a", true),
            ("coverage run -m unittest -v tests.test_a tests/test_b.py", true),
            ("trial app.test.test_a", true),
            ("python -m unittest", false),
            ("python -m unittest discover tests", false),
            ("python -m unittest -s tests -p t_*.py", false),
            ("trial --reporter=text", false),
            ("pytest tests/test_a.py", false),
        ] {
            let words: Vec<OsString> = command.split(' ').map(OsString::from).collect();
            assert_eq!(CommandFacts::of(&words).names_modules, expected, "{command}");
        }
    }

    #[test]
    fn what_picks_lines_is_a_filter() {
        for (script, expected) in [
            ("pytest -q | grep -v warnings", true),
            ("pytest 2>&1 |awk '/failed/ { exit 1 }'", true),
            ("pytest |& /usr/bin/tail -n 3", true),
            ("pytest | tee log", false),
            ("ls t_*.py | xargs pytest", false),
            ("pytest || grep x log", false),
            ("pytest -k 'a|b'", false),
            ("pytest -q > log 2>&1 || { cat log; exit 1; }", true),
            ("pytest &>/dev/null", true),
            ("pytest -q 2>&1", false),
            ("pytest -q 2>errors", false),
        ] {
            let words = ["sh", "-c", script].map(OsString::from);
            assert_eq!(CommandFacts::of(&words).is_filtered, expected, "{script}");
        }
    }

    #[test]
    fn a_command_that_starts_a_runner_names_it() {
        for (command, expected) in [
            ("pytest -q", Some(Runner::Pytest)),
            (".venv/bin/pytest", Some(Runner::Pytest)),
            ("python3.11 -X dev -m pytest tests", Some(Runner::Pytest)),
            ("python .venv/bin/pytest", Some(Runner::Pytest)),
            ("coverage run -m pytest -q", Some(Runner::Pytest)),
            ("coverage run --source app -m unittest", Some(Runner::Unittest)),
            ("python -m coverage run -m pytest", Some(Runner::Pytest)),
            ("env A=1 behave --tags x", Some(Runner::Behave)),
            ("timeout 10 /usr/bin/robot t", Some(Runner::Robot)),
            ("python -m twisted.trial test_app", Some(Runner::Trial)),
            ("python -m doctest app.py", Some(Runner::Doctest)),
            ("python manage.py test --parallel 2", Some(Runner::Django)),
            ("python -m django test --settings=tests.settings", Some(Runner::Django)),
            ("coverage run -m django test", Some(Runner::Django)),
            ("python manage.py check", None),
            ("python -m django check", None),
            ("make test", None),
            ("sh -c pytest", None),
            ("tox -e py -- pytest", None),
            ("python smoke.py pytest", None),
            ("python -c import\u{20}pytest", None),
        ] {
            let words: Vec<OsString> = command.split(' ').map(OsString::from).collect();
            assert_eq!(CommandFacts::of(&words).runner, expected, "{command}");
        }
    }
}
