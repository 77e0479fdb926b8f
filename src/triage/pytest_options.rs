//! Options of pytest and the version that brought each: a command of today may use one that the pytest of a commit's day
//! does not know.

/// A version of pytest that an option needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PytestFeature {
    /// The option.
    pub option: &'static str,
    /// The first version that knows it.
    pub version: &'static str,
    /// The day of its release.
    pub released: &'static str,
}

/// Options with their versions, newest first. From pytest's change log.
const OPTIONS: [(&str, &[&str]); 17] = [
    ("8.4.0 2025-06-02", &["--force-short-summary", "--stepwise-reset", "--sw-reset"]),
    ("8.3.0 2024-07-20", &["--xfail-tb", "--no-fold-skipped"]),
    ("7.2.0 2022-10-23", &["--no-showlocals"]),
    ("6.2.0 2020-12-12", &["--sw-skip", "--stepwise-skip"]),
    ("6.1.0 2020-09-26", &["--durations-min"]),
    (
        "6.0.0 2020-07-28",
        &["--no-header", "--no-summary", "--strict-config", "--code-highlight", "--import-mode=importlib"],
    ),
    ("5.4.0 2020-03-12", &["--capture=tee-sys"]),
    ("5.3.0 2019-11-19", &["--co"]),
    ("4.5.0 2019-05-11", &["--strict-markers"]),
    ("4.3.0 2019-02-16", &["--ignore-glob"]),
    ("3.10.0 2018-11-03", &["--sw", "--stepwise"]),
    ("3.7.0 2018-07-30", &["--trace"]),
    (
        "3.5.0 2018-03-21",
        &[
            "--rootdir",
            "--deselect",
            "--show-capture",
            "--nf",
            "--new-first",
            "--lfnf",
            "--last-failed-no-failures",
            "--doctest-continue-on-failure",
        ],
    ),
    ("3.3.0 2017-11-23", &["--log-level", "--log-cli-level", "--log-file", "--log-format"]),
    ("3.1.0 2017-05-22", &["-W", "--pythonwarnings", "--disable-warnings"]),
    ("3.0.0 2016-08-18", &["-o", "--override-ini", "--setup-show", "--setup-only", "--setup-plan"]),
    (
        "2.8.0 2015-09-18",
        &["--import-mode", "--lf", "--last-failed", "--ff", "--failed-first", "--cache-clear"],
    ),
];

/// Plugins that bring an option.
const PLUGINS: [(&str, &str); 12] = [
    ("--cov", "pytest-cov"),
    ("-n", "pytest-xdist"),
    ("--numprocesses", "pytest-xdist"),
    ("--dist", "pytest-xdist"),
    ("--timeout", "pytest-timeout"),
    ("--reruns", "pytest-rerunfailures"),
    ("--asyncio-mode", "pytest-asyncio"),
    ("--ds", "pytest-django"),
    ("--reuse-db", "pytest-django"),
    ("--benchmark", "pytest-benchmark"),
    ("--randomly", "pytest-randomly"),
    ("--random-order", "pytest-random-order"),
];

/// The newest version that the options among some words need; `None` when every version knows them.
pub fn newest_needed<'a>(words: impl IntoIterator<Item = &'a str>) -> Option<PytestFeature> {
    let words: Vec<&str> = words.into_iter().collect();
    OPTIONS.iter().find_map(|(release, options)| {
        let (version, released) = release.split_once(' ')?;
        let option = options.iter().find(|option| words.iter().any(|word| uses(word, option)))?;
        Some(PytestFeature { option, version, released })
    })
}

/// Whether a word is this option, alone or with its value.
fn uses(word: &str, option: &str) -> bool {
    let is_short = option.len() == 2;
    word.strip_prefix(option).is_some_and(|rest| rest.is_empty() || rest.starts_with('=') || is_short)
}

/// What `--with` has to name for pytest to know what it said it does not; `None` when that is not known.
#[must_use]
pub fn remedy(said: &str) -> Option<String> {
    let words = || said.split(|letter: char| letter.is_whitespace() || "'\",:()".contains(letter));
    if said.contains("--import-mode") && said.contains("invalid choice: 'importlib'") {
        return Some("pytest>=6".to_owned());
    }
    if let Some(since) = newest_needed(words()) {
        return Some(format!("pytest>={}", since.version.trim_end_matches(".0")));
    }
    let plugin = PLUGINS.iter().find(|(option, _)| words().any(|word| word.starts_with(option)))?;
    Some(plugin.1.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_option_decides() {
        let needed = |text: &str| newest_needed(text.split(' ')).map(|since| since.version);
        assert_eq!(needed("pytest -q -x tests/test_a.py"), None);
        assert_eq!(needed("pytest -q --rootdir=. -p no:cacheprovider"), Some("3.5.0"));
        assert_eq!(needed("pytest -Werror --no-header --rootdir ."), Some("6.0.0"));
        assert_eq!(needed("pytest --import-mode=append"), Some("2.8.0"));
        assert_eq!(needed("pytest --collect-only --cov=app"), None);
    }

    #[test]
    fn what_pytest_does_not_know_comes_with_a_version_or_a_plugin() {
        for (said, expected) in [
            ("unrecognized arguments: --rootdir=.", Some("pytest>=3.5")),
            ("unrecognized arguments: --no-header --no-summary", Some("pytest>=6")),
            ("unrecognized arguments: --cov=app --cov-report=xml", Some("pytest-cov")),
            ("unrecognized arguments: --colour", None),
            (
                "argument --import-mode: invalid choice: 'importlib' (choose from 'prepend', 'append')",
                Some("pytest>=6"),
            ),
        ] {
            assert_eq!(remedy(said).as_deref(), expected, "{said}");
        }
    }
}
