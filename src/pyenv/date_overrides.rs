//! Packages that are chosen as of later than the date, and why.
//!
//! - A file that was deleted and uploaded again is younger than the release ([`UPLOADED_AGAIN`]). A resolver that may
//!   not see it does not fail, it falls back by years.
//! - uv limits build requirements by the same date. setuptools of before 2020 cannot be used the way packages are
//!   built today, and the newest no longer builds what old packages ask for: a date in between can ([`builders`]).
//! - An interpreter that is younger than the date was unknown to the test runners of that day, which look into its
//!   insides ([`TEST_TOOLS`]), and to some packages that are compiled. Those are of the time when it was supported.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::sync::LazyLock;

use jiff::Timestamp;
use regex::Regex;

use super::declared::{LeastPytest, normalised};
use super::python_version::{PythonVersion, supported_since};

/// Packages whose old files were deleted and uploaded again, and when.
const UPLOADED_AGAIN: [(&str, &str); 1] = [("atomicwrites", "2022-07-09T00:00:00Z")];
/// What builds source distributions.
const BUILDERS: [&str; 2] = ["setuptools", "wheel"];
/// Others that old source distributions ask for without an upper bound.
const OLD_BUILDERS: [&str; 5] = ["cython", "numpy", "setuptools-scm", "pbr", "cffi"];
/// pytest, and what it needs.
const TEST_TOOLS: [&str; 14] = [
    "pytest",
    "py",
    "pluggy",
    "attrs",
    "iniconfig",
    "packaging",
    "pyparsing",
    "more-itertools",
    "atomicwrites",
    "toml",
    "tomli",
    "exceptiongroup",
    "importlib-metadata",
    "zipp",
];

/// Dates of single packages.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct DateOverrides {
    dates: BTreeMap<String, Timestamp>,
    /// The latest moment that a package was brought back from.
    brought: Option<Timestamp>,
    /// Packages whose files have no date.
    undated: BTreeSet<String>,
    /// What the user should know.
    pub(super) notes: Vec<String>,
}

impl DateOverrides {
    /// What is known beforehand, for a date and an interpreter.
    pub(super) fn known(date: Timestamp, python: PythonVersion) -> Self {
        let mut later = Self::default();
        for name in BUILDERS {
            later.set(name, builders(date, python));
        }
        let again = UPLOADED_AGAIN.iter().filter_map(|(name, at)| Some((*name, at.parse().ok()?)));
        for (name, at) in again.filter(|(_, at)| *at > date) {
            later.set(name, at);
        }
        if let Some(since) = younger(python, date) {
            for name in TEST_TOOLS {
                later.set(name, since);
            }
        }
        later
    }

    /// Take a package as of this moment. Whether it was taken as of an earlier one before.
    pub(super) fn set(&mut self, package: &str, at: Timestamp) -> bool {
        let date = self.dates.entry(package.to_owned()).or_insert(Timestamp::MIN);
        let is_later = *date < at;
        *date = at.max(*date);
        is_later
    }

    /// Take pytest, and what it needs, as of when it knew an option that the command uses.
    pub(super) fn know_options(&mut self, least: &LeastPytest, date: Timestamp) {
        // With its first corrections.
        let at = least.released + jiff::SignedDuration::from_hours(30 * 24);
        if at <= date {
            return;
        }
        let is_later = TEST_TOOLS.map(|name| self.set(name, at))[0];
        if is_later {
            self.notes.push(format!(
                "pytest is of {} rather than of this date: the command uses {}, which pytest knows since {}",
                at.strftime("%F"),
                least.option,
                least.version
            ));
        }
    }

    /// Take a package as of when its first files were uploaded that are still there and fit; what others of a later time
    /// require is of their time. `latest` is when something surely fits. Whether that changes anything.
    pub(super) fn bring_back(&mut self, package: &str, first: Timestamp, latest: Timestamp) -> bool {
        let first = self.brought.map_or(first, |brought| first.max(brought));
        let found = [first, latest].into_iter().find(|at| self.set(package, *at));
        if let Some(at) = found {
            self.brought = Some(self.brought.map_or(first, |brought| brought.max(first)));
            let day = at.strftime("%F");
            self.notes.push(format!(
                "{package} has no files that fit from before this date; those of {day} were taken"
            ));
        }
        found.is_some()
    }

    /// Take a package as of when this interpreter was supported, because it could not be built. Whether that changes
    /// anything.
    pub(super) fn take_buildable(&mut self, package: &str, date: Timestamp, python: PythonVersion) -> bool {
        let Some(since) = younger(python, date) else { return false };
        let is_later = self.set(package, since);
        if is_later {
            let day = since.strftime("%F");
            self.notes.push(format!(
                "{package} from before this date cannot be built for Python {python}; that of {day} was taken"
            ));
        }
        is_later
    }

    /// Take a package whatever its date, as its registry tells none. Whether that changes anything.
    pub(super) fn take_undated(&mut self, package: &str) -> bool {
        let is_new = self.undated.insert(package.to_owned());
        if is_new {
            self.notes.push(format!(
                "the registry of {package} does not say when its files were uploaded: its newest version is taken, \
                 whatever the date (another: --with '{package}==X.Y')"
            ));
        }
        is_new
    }

    /// As options of uv.
    pub(super) fn options(&self) -> impl Iterator<Item = OsString> + '_ {
        let dated = self.dates.iter().filter(|(name, _)| !self.undated.contains(*name));
        let dated = dated.map(|(name, at)| format!("{name}={at}"));
        let each = dated.chain(self.undated.iter().map(|name| format!("{name}=false")));
        each.flat_map(|limit| ["--exclude-newer-package".into(), limit.into()])
    }
}

/// When an interpreter was supported, if that is later than a date.
fn younger(python: PythonVersion, date: Timestamp) -> Option<Timestamp> {
    supported_since(python).filter(|since| *since > date)
}

/// As of when packages that build others are taken, for a date and an interpreter.
fn builders(date: Timestamp, python: PythonVersion) -> Timestamp {
    let floor = match python.minor {
        ..=9 => "2020-03-01T00:00:00Z",
        10 | 11 => "2021-09-01T00:00:00Z",
        _ => "2023-10-02T00:00:00Z",
    };
    floor.parse::<Timestamp>().map_or(date, |floor| floor.max(date))
}

/// Options that hold the builders back when packages are installed.
pub(super) fn build_options(date: Option<Timestamp>, python: PythonVersion) -> Vec<OsString> {
    let Some(date) = date else { return Vec::new() };
    let mut later = DateOverrides::default();
    for name in BUILDERS.iter().chain(&OLD_BUILDERS) {
        later.set(name, builders(date, python));
    }
    later.options().collect()
}

/// What uv says without its line breaks: uv 0.9 has them where a terminal would.
pub(super) fn in_one_line(said: &str) -> String {
    said.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The package that uv says it would find if the date were later, and that date; `None` where it asks for a newer Python
/// than there is, as later versions do as well.
pub(super) fn hidden(stderr: &str) -> Option<(String, Timestamp)> {
    static HINT: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(
            r"`([^`]+)` was filtered by `exclude-newer(?:-package)?`[^\n]*published at (\d{4}-\d{2}-\d{2}T[0-9:.]+Z)",
        )
        .ok()
    });
    let found = HINT.as_ref()?.captures(stderr)?;
    let published: Timestamp = found[2].parse().ok()?;
    let name = regex::escape(&found[1]);
    let too_new = Regex::new(&format!(r"(?:^|[\s,]){name}(?:[<>=!~][^\s]*)? depends on\s+Python>=")).ok()?;
    if too_new.is_match(&in_one_line(stderr)) {
        return None;
    }
    Some((found[1].to_owned(), published + jiff::SignedDuration::from_secs(1)))
}

/// The package that uv says it would find if its files had a date.
pub(super) fn undated(stderr: &str) -> Option<String> {
    static HINT: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(r"`([^`]+)` was filtered by `exclude-newer(?:-package)?`[^\n]* is v[^\s,]+\. Consider")
            .ok()
    });
    Some(HINT.as_ref()?.captures(stderr)?[1].to_owned())
}

/// The package of which uv says that no file from before the date fits: wheels for other interpreters or machines only, or
/// a source distribution in a form that it does not take, such as the `.tar.bz2` of before 2021.
pub(super) fn unfit(stderr: &str) -> Option<String> {
    static SAID: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(
            r"(?x) ([A-Za-z0-9._-]+?) (?:\[[^\]]*\])? (?:[<>=!~]\S*)? \ (?:has|have)\ 
            (?: no\ (?:usable\ )?wheels | (?:a\ )?non-PEP\ 625-compliant\ source )",
        )
        .ok()
    });
    Some(normalised(&SAID.as_ref()?.captures(&in_one_line(stderr))?[1]))
}

/// What another package requires of one, as uv says when nothing satisfies it.
pub(super) fn required(stderr: &str, package: &str) -> Option<String> {
    let clause = "[<>=!~]=?[^\\s,]+";
    let name = regex::escape(package);
    let said = Regex::new(&format!("depends on ({name}(?:{clause}(?:,{clause})*)?)(?:[\\s,]|$)")).ok()?;
    Some(said.captures(stderr)?[1].trim_end_matches('.').to_owned())
}

/// The package that uv or pip says it cannot build.
pub(super) fn unbuildable(stderr: &str) -> Option<String> {
    static SAID: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(
            r"Failed to build `([A-Za-z0-9._-]+?)(?:==[^`]*)?`|Failed building wheel for ([A-Za-z0-9._-]+)",
        )
        .ok()
    });
    let found = SAID.as_ref()?.captures(stderr)?;
    found.get(1).or_else(|| found.get(2)).map(|name| normalised(name.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> Timestamp {
        format!("{text}T00:00:00Z").parse().unwrap()
    }

    const fn three(minor: u32) -> PythonVersion {
        PythonVersion { major: 3, minor }
    }

    #[test]
    fn a_package_hidden_by_the_date_is_read_from_the_hint() {
        let said = "error: No solution found\n\nhint: `atomicwrites` was filtered by `exclude-newer` to only include packages uploaded before 2020-02-08T15:12:46Z. The latest version satisfying the requirement is v1.4.1, published at 2022-07-08T18:31:40.459Z. Consider using `exclude-newer-package` to override the cutoff for this package.\n";
        let (name, at) = hidden(said).unwrap();
        assert_eq!(name, "atomicwrites");
        assert_eq!(at.to_string(), "2022-07-08T18:31:41.459Z");
        assert_eq!(hidden("error: No solution found"), None);
        let newer = format!("{name}==8.2.3 depends on Python>=3.99, we can conclude\n{said}");
        assert_eq!(hidden(&newer), None, "no later version asks for less");
        assert!(hidden(&said.replace("`exclude-newer`", "`exclude-newer-package`")).is_some());
    }

    #[test]
    fn a_package_of_a_registry_without_dates_is_read_from_the_hint() {
        let said = "error: No solution found\n\nhint: `priva` was filtered by `exclude-newer` to only include packages uploaded before 2022-01-01T00:00:00Z. The latest version satisfying the requirement is v2.0. Consider using `exclude-newer-package` to override the cutoff for this package.\n";
        assert_eq!(undated(said).as_deref(), Some("priva"));
        assert_eq!(hidden(said), None);
        let mut later = DateOverrides::default();
        assert!(later.take_undated("priva") && !later.take_undated("priva"));
        let options: Vec<_> = later.options().collect();
        assert_eq!(options, ["--exclude-newer-package", "priva=false"]);
    }

    #[test]
    fn a_package_whose_old_files_do_not_fit_is_read() {
        let because = |words: &str| unfit(&format!("error: No solution found\n  cause: Because {words}"));
        for words in [
            "Twisted[tls]>=18.7.0 has a non-PEP 625-compliant source distribution filename and you require Twisted[tls]",
            "all versions of twisted have a non-PEP 625-compliant source\n      distribution filename and you require it",
            "twisted==2.3.0 has no wheels with a matching Python ABI tag (e.g., `cp311`) and you require twisted==2.3.0",
            "all versions of twisted have no wheels with a matching platform tag (e.g., `linux`)",
        ] {
            assert_eq!(because(words).as_deref(), Some("twisted"), "{words}");
        }
        assert_eq!(
            because("only attrs<=17.3.0 is available and pytest>=3.5.0 depends on attrs>=17.4.0"),
            None
        );
    }

    #[test]
    fn what_is_required_of_a_package_is_read() {
        let said = "cause: Because only attrs<=17.3.0 is available and pytest>=3.5.0 depends on attrs>=17.4.0, we can\nBecause flask==1.1.4 depends on jinja2>=2.10.1,<3.0 and you require six, or x depends on click.\n";
        let required = |package: &str| required(said, package).unwrap_or_default();
        assert_eq!(required("attrs"), "attrs>=17.4.0");
        assert_eq!(required("jinja2"), "jinja2>=2.10.1,<3.0");
        assert_eq!(required("six"), "");
    }

    #[test]
    fn a_package_that_cannot_be_built_is_named() {
        let named = |said: &str| unbuildable(said).unwrap_or_default();
        assert_eq!(named("error: Failed to build `pyyaml==3.13`\n  cause: The build backend"), "pyyaml");
        assert_eq!(named("  × Failed to build `Zope.Interface==4.0`"), "zope-interface");
        assert_eq!(named("  ERROR: Failed building wheel for PyYAML\n"), "pyyaml");
        assert_eq!(unbuildable("error: No solution found"), None);
    }

    #[test]
    fn what_builds_old_packages_is_neither_too_old_nor_too_new() {
        let old = date("2018-01-01");
        assert_eq!(builders(old, three(7)), date("2020-03-01"));
        assert_eq!(builders(date("2024-01-01"), three(11)), date("2024-01-01"));
        assert!(build_options(None, three(11)).is_empty());
    }

    #[test]
    fn what_is_brought_back_is_of_one_time() {
        let mut later = DateOverrides::default();
        assert!(later.bring_back("pytest", date("2018-03-23"), date("2026-01-01")));
        assert!(later.bring_back("pluggy", date("2017-08-29"), date("2026-01-01")));
        assert_eq!(later.dates["pluggy"], date("2018-03-23"));
        assert!(later.bring_back("pluggy", date("2017-08-29"), date("2026-01-01")), "that was not enough");
        assert_eq!(later.dates["pluggy"], date("2026-01-01"));
        assert!(!later.bring_back("pluggy", date("2017-08-29"), date("2026-01-01")));
        assert_eq!(later.notes.len(), 3);
    }

    #[test]
    fn an_interpreter_younger_than_the_date_gets_the_tools_of_its_own_time() {
        let later = DateOverrides::known(date("2018-09-26"), three(9));
        assert!(later.dates["pytest"] > date("2021-04-01"));
        assert!(!later.dates.contains_key("pyyaml"));
        let mut later = DateOverrides::known(date("2022-09-26"), three(9));
        assert!(!later.dates.contains_key("pytest"));
        assert!(!later.take_buildable("pyyaml", date("2022-09-26"), three(9)), "it was supported then");
        assert!(later.take_buildable("pyyaml", date("2018-09-26"), three(9)));
        assert!(!later.take_buildable("pyyaml", date("2018-09-26"), three(9)), "it was taken already");
        assert_eq!(later.notes.len(), 1);
    }

    #[test]
    fn pytest_knows_the_options_of_the_command() {
        let least =
            LeastPytest { version: "3.5".into(), released: date("2018-03-21"), option: "--rootdir".into() };
        let mut later = DateOverrides::known(date("2017-06-01"), three(6));
        later.know_options(&least, date("2017-06-01"));
        assert_eq!(later.dates["pytest"], date("2018-04-20"));
        assert_eq!(later.notes.len(), 1);
        let mut later = DateOverrides::known(date("2022-01-01"), three(9));
        later.know_options(&least, date("2022-01-01"));
        assert!(!later.dates.contains_key("pytest") && later.notes.is_empty());
    }
}
