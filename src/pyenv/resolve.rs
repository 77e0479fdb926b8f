//! From what is wanted, as of a date, to exact versions.
//!
//! A wheel for a newer interpreter is often uploaded later than its release. So the date holds for *choosing* versions;
//! installing takes any file of the chosen version. What is chosen as of later than the date: see [`Later`].

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::declared::{Wanted, name_of};
use super::later::{Later, hidden, unbuildable};
use super::pythons::Minor;
use super::uv::Uv;
use crate::model::{CancelToken, Captured, Ending};

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
    /// It cannot be made, because a package cannot be built.
    Unbuildable {
        /// The package.
        package: String,
        /// The last lines of the program that tried.
        why: String,
    },
}

impl Unmade {
    /// What a program said: what it calls the error, and the last lines.
    pub(super) fn said(what: &str, stderr: &Captured, stdout: &Captured) -> Self {
        let text = if stderr.text.trim().is_empty() { &stdout.text } else { &stderr.text };
        let is_telling = |line: &&str| {
            !line.is_empty() && !line.starts_with("warning:") && !line.starts_with("hint: Build failures")
        };
        let lines: Vec<&str> = text.lines().map(str::trim).filter(is_telling).collect();
        let first = lines.iter().position(|line| line.starts_with("error:") || line.starts_with('×'));
        let last = lines.len().saturating_sub(LAST_LINES);
        let mut shown: Vec<&str> = first.filter(|at| *at < last).map(|at| lines[at]).into_iter().collect();
        shown.extend(&lines[last..]);
        let mut told = shown.join("\n");
        if let Some(rest) = told.strip_prefix("error: ").or_else(|| told.strip_prefix("× ")) {
            told = rest.to_owned();
        }
        let why = format!("{what}: {told}");
        match unbuildable(text) {
            Some(package) => Self::Unbuildable { package, why },
            None => Self::Failed(why),
        }
    }

    /// Why, in words; `None` when nobody needs it any more.
    #[must_use]
    pub fn why(&self) -> Option<&str> {
        match self {
            Self::Cancelled => None,
            Self::Failed(why) | Self::Unbuildable { why, .. } => Some(why),
        }
    }

    pub(super) fn machine(error: &std::io::Error) -> Self {
        Self::Failed(error.to_string())
    }
}

/// Choose exact versions. What only tests need is left out when nothing satisfies it beside the rest. `unbuildable`
/// names packages that turned out not to build as of the date.
pub(super) fn resolve(
    uv: &Uv,
    python: (&Path, Minor),
    wanted: &Wanted,
    date: Option<Timestamp>,
    unbuildable: &[String],
    cancel: &CancelToken,
) -> Result<Resolved, Unmade> {
    let mut later = date.map(|date| Later::known(date, python.1)).unwrap_or_default();
    for package in unbuildable {
        if let Some(date) = date {
            later.take_buildable(package, date, python.1);
        }
    }
    let everything: Vec<String> = wanted.requirements.iter().chain(&wanted.tests).cloned().collect();
    let first = attempt(uv, python, &everything, &wanted.constraints, (date, &later), cancel);
    let why = match first {
        Err(unmade) if unmade.why().is_some_and(is_unsatisfiable) => unmade,
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
        match attempt(uv, python, requirements, constraints, (date, &later), cancel) {
            Ok(mut resolved) => {
                resolved.notes.push(note);
                return Ok(resolved);
            }
            Err(Unmade::Cancelled) => return Err(Unmade::Cancelled),
            Err(_) => {}
        }
    }
    Err(why)
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
    (date, later): (Option<Timestamp>, &Later),
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
    let mut later = later.clone();
    for _ in 0..=MOST_LIFTED {
        let mut arguments: Vec<OsString> =
            ["pip", "compile", "--quiet", "--no-header", "--no-annotate", "--python"]
                .map(OsString::from)
                .to_vec();
        arguments.extend([python.into(), "--constraints".into(), pins.clone().into()]);
        if let Some(date) = date {
            arguments.extend(["--exclude-newer".into(), date.to_string().into()]);
        }
        arguments.extend(later.options());
        arguments.push(list.clone().into());
        let outcome = uv.run(&arguments, cancel).map_err(|error| Unmade::machine(&error))?;
        match outcome.ending {
            Ending::Exited { code: 0 } => {
                let mut packages: Vec<String> = lines_of(&outcome.stdout.text).collect();
                packages.sort();
                return Ok(Resolved { packages, options, notes: later.notes });
            }
            Ending::Cancelled => return Err(Unmade::Cancelled),
            _ => {}
        }
        let unmade = Unmade::said("cannot be resolved", &outcome.stderr, &outcome.stdout);
        let Some(date) = date else { return Err(unmade) };
        let found = match (hidden(&outcome.stderr.text), &unmade) {
            (Some((name, at)), _) if later.set(&name, at) => {
                let note = format!("{name} has no files from before this date; those of {at} were taken");
                later.notes.push(note);
                true
            }
            (_, Unmade::Unbuildable { package, .. }) => later.take_buildable(package, date, version),
            _ => false,
        };
        if !found {
            return Err(unmade);
        }
    }
    Err(Unmade::Failed("cannot be resolved: one package after the other has no files of that day".to_owned()))
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

/// Exact packages with these among them. The others keep their versions as far as what the first ones require
/// allows: uv prefers what an earlier output holds.
pub(super) fn adapted(
    uv: &Uv,
    (python, version): (&Path, Minor),
    (fixed, others): (&[String], &[String]),
    date: Option<Timestamp>,
    cancel: &CancelToken,
) -> Result<Vec<String>, Unmade> {
    let folder = tempfile::Builder::new().prefix("pybisect-resolve-").tempdir();
    let folder = folder.map_err(|error| Unmade::machine(&error))?;
    let names = others.iter().filter_map(|line| name_of(line));
    let wanted: Vec<String> = fixed.iter().cloned().chain(names).collect();
    let [list, output] = ["requirements.in", "requirements.txt"].map(|name| folder.path().join(name));
    let written = fs::write(&list, wanted.join("\n"))
        .and_then(|()| fs::write(&output, [fixed, others].concat().join("\n")));
    written.map_err(|error| Unmade::machine(&error))?;
    let words = ["pip", "compile", "--quiet", "--no-header", "--no-annotate", "--python"];
    let mut arguments: Vec<OsString> = words.map(OsString::from).to_vec();
    arguments.extend([python.into(), "--output-file".into(), output.into()]);
    if let Some(date) = date {
        arguments.extend(["--exclude-newer".into(), date.to_string().into()]);
        arguments.extend(Later::known(date, version).options());
    }
    arguments.push(list.into());
    let outcome = uv.run(&arguments, cancel).map_err(|error| Unmade::machine(&error))?;
    match outcome.ending {
        Ending::Exited { code: 0 } => {
            let mut packages: Vec<String> = lines_of(&outcome.stdout.text).collect();
            packages.sort();
            Ok(packages)
        }
        Ending::Cancelled => Err(Unmade::Cancelled),
        _ => Err(Unmade::said("cannot be resolved", &outcome.stderr, &outcome.stdout)),
    }
}

fn lines_of(text: &str) -> impl Iterator<Item = String> {
    let lines = text.lines().map(str::trim);
    lines.filter(|line| !line.is_empty() && !line.starts_with(['#', '-'])).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_failed_build_the_package_and_the_last_lines_are_said() {
        let text = |text: &str| Captured { text: text.to_owned(), ..Captured::default() };
        let stderr = "error: Failed to build `pyyaml==3.13`\n  cause: The build backend returned an error\n  a\n  b\n  c\n  d\n  e\n  error: command 'gcc' failed\n\nhint: Build failures usually indicate a problem\n";
        let Unmade::Unbuildable { package, why } =
            Unmade::said("cannot be installed", &text(stderr), &text(""))
        else {
            panic!("not seen")
        };
        assert_eq!(package, "pyyaml");
        assert!(why.starts_with("cannot be installed: Failed to build `pyyaml==3.13`\n"), "{why}");
        assert!(why.ends_with("error: command 'gcc' failed"), "{why}");
        let other = Unmade::said("cannot be resolved", &text("error: No solution found\n"), &text(""));
        assert_eq!(other, Unmade::Failed("cannot be resolved: No solution found".to_owned()));
    }
}
