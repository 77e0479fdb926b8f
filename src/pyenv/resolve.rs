//! From what is wanted, as of a date, to exact versions.
//!
//! Three facts of registries and builds stand behind the dates:
//!
//! - A file that was deleted and uploaded again is younger than the release ([`UPLOADED_AGAIN`]). A resolver that may
//!   not see it does not fail, it falls back by years.
//! - uv limits build requirements by the same date. setuptools of before 2020 cannot be used the way packages are
//!   built today, and the newest no longer builds what old packages ask for: a date in between can ([`builders`]).
//! - A wheel for a newer interpreter is often uploaded later than its release. So the date holds for *choosing*
//!   versions; installing takes any file of the chosen version.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use jiff::Timestamp;
use regex::Regex;
use serde::{Deserialize, Serialize};

use super::declared::{Wanted, name_of};
use super::pythons::Minor;
use super::uv::Uv;
use crate::model::{CancelToken, Captured, Ending};

/// Packages whose old files were deleted and uploaded again, and when.
const UPLOADED_AGAIN: [(&str, &str); 1] = [("atomicwrites", "2022-07-09T00:00:00Z")];
/// What builds source distributions.
const BUILDERS: [&str; 2] = ["setuptools", "wheel"];
/// Others that old source distributions ask for without an upper bound.
const OLD_BUILDERS: [&str; 5] = ["cython", "numpy", "setuptools-scm", "pbr", "cffi"];
/// Packages of which old versions are brought back one after the other, at most.
const MOST_LIFTED: usize = 8;
/// Lines of a resolver that are shown.
const LAST_LINES: usize = 6;

/// Exact versions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resolved {
    /// `name==version`, sorted.
    pub packages: Vec<String>,
    /// Options for installing them, such as `--index-url`.
    pub options: Vec<String>,
    /// What the user should know.
    pub notes: Vec<String>,
}

/// Why there is no environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unmade {
    /// Nobody needs it any more.
    Cancelled,
    /// It cannot be made; the last lines of the program that tried.
    Failed(String),
}

impl Unmade {
    /// The last lines of what a program said.
    pub(super) fn said(what: &str, stderr: &Captured, stdout: &Captured) -> Self {
        let text = if stderr.text.trim().is_empty() { &stdout.text } else { &stderr.text };
        let lines: Vec<&str> = text
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.starts_with("warning:"))
            .collect();
        let last = &lines[lines.len().saturating_sub(LAST_LINES)..];
        Self::Failed(format!("{what}: {}", last.join("\n")))
    }

    pub(super) fn machine(error: &std::io::Error) -> Self {
        Self::Failed(error.to_string())
    }
}

/// As of when packages that build others are taken, for a date and an interpreter.
fn builders(date: Timestamp, python: Minor) -> Timestamp {
    let floor = match python.minor {
        ..=9 => "2020-03-01T00:00:00Z",
        10 | 11 => "2021-09-01T00:00:00Z",
        _ => "2023-10-02T00:00:00Z",
    };
    floor.parse::<Timestamp>().map_or(date, |floor| floor.max(date))
}

/// Options that hold the builders back when packages are installed.
pub(super) fn build_options(date: Option<Timestamp>, python: Minor) -> Vec<OsString> {
    let Some(date) = date else { return Vec::new() };
    let date = builders(date, python);
    BUILDERS
        .iter()
        .chain(&OLD_BUILDERS)
        .flat_map(|name| ["--exclude-newer-package".into(), format!("{name}={date}").into()])
        .collect()
}

/// Choose exact versions. What only tests need is left out when nothing satisfies it beside the rest.
pub(super) fn resolve(
    uv: &Uv,
    python: (&Path, Minor),
    wanted: &Wanted,
    date: Option<Timestamp>,
    cancel: &CancelToken,
) -> Result<Resolved, Unmade> {
    let everything: Vec<String> = wanted.requirements.iter().chain(&wanted.tests).cloned().collect();
    let first = attempt(uv, python, &everything, &wanted.constraints, date, cancel);
    let why = match first {
        Err(Unmade::Failed(why)) if is_unsatisfiable(&why) => why,
        other => return other,
    };
    let mut tries: Vec<(&[String], &[String], String)> = Vec::new();
    if let Some(lock) = wanted.lock.as_ref().filter(|_| !wanted.constraints.is_empty()) {
        tries.push((&everything, &[], format!("{lock} does not fit what is declared and was left out")));
    }
    if !wanted.tests.is_empty() {
        let note = "what the tests declare cannot be had together and was left out".to_owned();
        tries.push((&wanted.requirements, &wanted.constraints, note));
    }
    for (requirements, constraints, note) in tries {
        match attempt(uv, python, requirements, constraints, date, cancel) {
            Ok(mut resolved) => {
                resolved.notes.push(note);
                return Ok(resolved);
            }
            Err(Unmade::Cancelled) => return Err(Unmade::Cancelled),
            Err(Unmade::Failed(_)) => {}
        }
    }
    Err(Unmade::Failed(why))
}

fn is_unsatisfiable(why: &str) -> bool {
    ["No solution found", "unsatisfiable", "Failed to build", "build backend"]
        .iter()
        .any(|words| why.contains(words))
}

/// One resolution, with packages brought back whose old files are gone.
fn attempt(
    uv: &Uv,
    (python, version): (&Path, Minor),
    requirements: &[String],
    constraints: &[String],
    date: Option<Timestamp>,
    cancel: &CancelToken,
) -> Result<Resolved, Unmade> {
    let (options, mut requirements): (Vec<String>, Vec<String>) =
        requirements.iter().cloned().partition(|line| line.starts_with("--"));
    let had_setuptools = version.minor < 12;
    if had_setuptools && !requirements.iter().any(|line| name_of(line).as_deref() == Some("setuptools")) {
        // Until Python 3.12 every virtual environment came with it, and much relies on that.
        requirements.push("setuptools".to_owned());
    }
    let folder = tempfile::Builder::new().prefix("pybisect-resolve-").tempdir();
    let folder = folder.map_err(|error| Unmade::machine(&error))?;
    let write = |name: &str, lines: &[String]| {
        let path = folder.path().join(name);
        fs::write(&path, lines.join("\n")).map(|()| path).map_err(|error| Unmade::machine(&error))
    };
    let list = write("requirements.in", &[options.clone(), requirements].concat())?;
    let pins = write("constraints.txt", constraints)?;
    let mut lifted: BTreeMap<String, Timestamp> = BTreeMap::new();
    if let Some(date) = date {
        lifted.extend(BUILDERS.iter().map(|&name| (name.to_owned(), builders(date, version))));
        let again =
            UPLOADED_AGAIN.iter().filter_map(|(name, at)| Some(((*name).to_owned(), at.parse().ok()?)));
        lifted.extend(again.filter(|(_, at)| *at > date));
    }
    let mut notes = Vec::new();
    loop {
        let mut arguments: Vec<OsString> =
            ["pip", "compile", "--quiet", "--no-header", "--no-annotate", "--python"]
                .map(OsString::from)
                .to_vec();
        arguments.extend([python.into(), "--constraints".into(), pins.clone().into()]);
        if let Some(date) = date {
            arguments.extend(["--exclude-newer".into(), date.to_string().into()]);
        }
        for (name, at) in &lifted {
            arguments.extend(["--exclude-newer-package".into(), format!("{name}={at}").into()]);
        }
        arguments.push(list.clone().into());
        let outcome = uv.run(&arguments, cancel).map_err(|error| Unmade::machine(&error))?;
        match outcome.ending {
            Ending::Exited { code: 0 } => {
                let mut packages: Vec<String> = lines_of(&outcome.stdout.text).collect();
                packages.sort();
                return Ok(Resolved { packages, options, notes });
            }
            Ending::Cancelled => return Err(Unmade::Cancelled),
            _ => {}
        }
        let found = hidden(&outcome.stderr.text).filter(|_| date.is_some() && notes.len() < MOST_LIFTED);
        match found.filter(|(name, at)| lifted.get(name).is_none_or(|known| known < at)) {
            Some((name, at)) => {
                notes.push(format!("{name} has no files from before this date; those of {at} were taken"));
                lifted.insert(name, at);
            }
            None => return Err(Unmade::said("cannot be resolved", &outcome.stderr, &outcome.stdout)),
        }
    }
}

/// The newest version of one package that satisfies a requirement; `None` when none does.
pub(super) fn one_version(
    uv: &Uv,
    python: &Path,
    requirement: &str,
    date: Option<Timestamp>,
    cancel: &CancelToken,
) -> Result<Option<String>, Unmade> {
    let folder = tempfile::Builder::new().prefix("pybisect-resolve-").tempdir();
    let folder = folder.map_err(|error| Unmade::machine(&error))?;
    let list = folder.path().join("requirements.in");
    fs::write(&list, requirement).map_err(|error| Unmade::machine(&error))?;
    let words = ["pip", "compile", "--quiet", "--no-header", "--no-annotate", "--no-deps", "--python"];
    let mut arguments: Vec<OsString> = words.map(OsString::from).to_vec();
    arguments.push(python.into());
    if let Some(date) = date {
        arguments.extend(["--exclude-newer".into(), date.to_string().into()]);
    }
    arguments.push(list.into());
    let outcome = uv.run(&arguments, cancel).map_err(|error| Unmade::machine(&error))?;
    match outcome.ending {
        Ending::Cancelled => Err(Unmade::Cancelled),
        Ending::Exited { code: 0 } => {
            let line = lines_of(&outcome.stdout.text).next();
            Ok(line.and_then(|line| line.split_once("==").map(|(_, version)| version.to_owned())))
        }
        _ => Ok(None),
    }
}

fn lines_of(text: &str) -> impl Iterator<Item = String> {
    let lines = text.lines().map(str::trim);
    lines.filter(|line| !line.is_empty() && !line.starts_with(['#', '-'])).map(str::to_owned)
}

/// The package that uv says it would find if the date were later, and that date.
fn hidden(stderr: &str) -> Option<(String, Timestamp)> {
    static HINT: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(
            r"`([^`]+)` was filtered by `exclude-newer`[^\n]*published at (\d{4}-\d{2}-\d{2}T[0-9:.]+Z)",
        )
        .ok()
    });
    let found = HINT.as_ref()?.captures(stderr)?;
    let published: Timestamp = found[2].parse().ok()?;
    Some((found[1].to_owned(), published + jiff::SignedDuration::from_secs(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_hidden_by_the_date_is_read_from_the_hint() {
        let said = "error: No solution found\n\nhint: `atomicwrites` was filtered by `exclude-newer` to only include packages uploaded before 2020-02-08T15:12:46Z. The latest version satisfying the requirement is v1.4.1, published at 2022-07-08T18:31:40.459Z. Consider using `exclude-newer-package` to override the cutoff for this package.\n";
        let (name, at) = hidden(said).unwrap();
        assert_eq!(name, "atomicwrites");
        assert_eq!(at.to_string(), "2022-07-08T18:31:41.459Z");
        assert_eq!(hidden("error: No solution found"), None);
    }

    #[test]
    fn what_builds_old_packages_is_neither_too_old_nor_too_new() {
        let date = |text: &str| text.parse::<Timestamp>().unwrap();
        let three = |minor| Minor { major: 3, minor };
        assert_eq!(builders(date("2018-01-01T00:00:00Z"), three(7)), date("2020-03-01T00:00:00Z"));
        assert_eq!(builders(date("2024-01-01T00:00:00Z"), three(11)), date("2024-01-01T00:00:00Z"));
        assert!(build_options(None, three(11)).is_empty());
    }
}
