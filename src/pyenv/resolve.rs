//! From what is wanted, as of a date, to exact versions.
//!
//! A wheel for a newer interpreter is often uploaded later than its release. So the date holds for *choosing* versions;
//! installing takes any file of the chosen version. What is chosen as of later than the date: see [`DateOverrides`].

use std::path::Path;

use jiff::{SignedDuration, Timestamp};

use super::date_overrides::{DateOverrides, hidden, required, undated, unfit};
use super::declared::{DeclaredDependencies, name_of};
use super::outdated::far_behind;
use super::pip_compile::{PipCompile, ResolveError};
use super::python_version::PythonVersion;
use super::resolved::{EnvironmentError, Resolved};
use super::unsatisfiable::{blamed, is_unsatisfiable};
use super::uv::Uv;
use crate::model::CancelToken;

/// Packages of which old versions are brought back one after the other, at most.
const MOST_LIFTED: usize = 8;

/// What tests declare and cannot be had, one after the other, at most.
const MOST_LEFT_OUT: usize = 8;

/// Choose exact versions. What only tests need is left out when nothing satisfies it beside the rest: as little of it as
/// uv's words allow, since a development group asks for what documentation needs, too. `unbuildable` names packages that
/// turned out not to build as of the date.
pub(super) fn resolve(
    uv: &Uv,
    python: (&Path, PythonVersion),
    wanted: &DeclaredDependencies,
    date: Option<Timestamp>,
    unbuildable: &[String],
    cancel: &CancelToken,
) -> Result<Resolved, EnvironmentError> {
    let mut later = date.map(|date| DateOverrides::known(date, python.1)).unwrap_or_default();
    for package in unbuildable {
        if let Some(date) = date {
            later.take_buildable(package, date, python.1);
        }
    }
    let everything: Vec<String> = wanted.requirements.iter().chain(&wanted.tests).cloned().collect();
    if let Some(least) = &wanted.least_pytest {
        let with = [everything.as_slice(), &[format!("pytest>={}", least.version)]].concat();
        let mut later = later.clone();
        if let Some(date) = date {
            later.know_options(least, date);
        }
        match attempt(uv, python, &with, &wanted.constraints, (date, &later), cancel) {
            // Then it has to do with what the project allows.
            Err(refused) if refused.unmade.why().is_some_and(is_unsatisfiable) => {}
            other => return other.map_err(|refused| refused.unmade),
        }
    }
    let first = attempt(uv, python, &everything, &wanted.constraints, (date, &later), cancel);
    let refused = match first {
        Err(refused) if refused.unmade.why().is_some_and(is_unsatisfiable) => refused,
        other => return other.map_err(|refused| refused.unmade),
    };
    let instead = |requirements: &[String], constraints: &[String], note: String| match attempt(
        uv,
        python,
        requirements,
        constraints,
        (date, &later),
        cancel,
    ) {
        Ok(mut resolved) => {
            resolved.notes.push(note);
            Ok(Ok(resolved))
        }
        Err(ResolveError { unmade: EnvironmentError::Cancelled, .. }) => Err(EnvironmentError::Cancelled),
        Err(refused) => Ok(Err(refused)),
    };
    if let Some(lock) = wanted.lock.as_ref().filter(|_| !wanted.constraints.is_empty()) {
        let note = format!("{lock} does not fit what is declared and was left out");
        if let Ok(resolved) = instead(&everything, &[], note)? {
            return Ok(resolved);
        }
    }
    let (mut tests, mut left_out, mut said) = (wanted.tests.clone(), Vec::new(), refused.said);
    while left_out.len() < MOST_LEFT_OUT
        && let Some(at) = blamed(&said, &tests)
    {
        left_out.push(tests.remove(at));
        let fewer: Vec<String> = wanted.requirements.iter().chain(&tests).cloned().collect();
        let note = format!(
            "declared for tests, not to be had beside the rest, and left out: {}",
            left_out.join(", ")
        );
        match instead(&fewer, &wanted.constraints, note)? {
            Ok(resolved) => return Ok(resolved),
            Err(again) => said = again.said,
        }
    }
    if !wanted.tests.is_empty() {
        let note = "what the tests declare cannot be had together and was left out".to_owned();
        if let Ok(resolved) = instead(&wanted.requirements, &wanted.constraints, note)? {
            return Ok(resolved);
        }
    }
    Err(refused.unmade)
}

/// One resolution, with packages brought back whose old files are gone.
fn attempt(
    uv: &Uv,
    (python, version): (&Path, PythonVersion),
    requirements: &[String],
    constraints: &[String],
    (date, later): (Option<Timestamp>, &DateOverrides),
    cancel: &CancelToken,
) -> Result<Resolved, ResolveError> {
    let mut lines = requirements.to_vec();
    let had_setuptools = version.minor < 12;
    if had_setuptools && !lines.iter().any(|line| name_of(line).as_deref() == Some("setuptools")) {
        // Until Python 3.12 every virtual environment came with it, and much relies on that.
        lines.push("setuptools".to_owned());
    }
    let mut later = later.clone();
    let mut said = String::new();
    for _ in 0..=MOST_LIFTED {
        let ask = PipCompile {
            uv,
            python,
            lines: &lines,
            constraints,
            preferred: &[],
            date,
            later: &later,
            deep: true,
            as_lock: false,
        };
        let refused = match ask.packages(cancel) {
            Ok(packages) => {
                let notes = [later.notes.clone(), far_behind(ask, &packages, cancel)].concat();
                return Ok(Resolved { packages, options: options(&lines), notes });
            }
            Err(refused) => refused,
        };
        let Some(date) = date else { return Err(refused) };
        let required = |said: &str, name: &str| {
            let own = lines.iter().find(|line| name_of(line).as_deref() == Some(name)).cloned();
            own.or_else(|| required(said, name)).unwrap_or_else(|| name.to_owned())
        };
        // Of what does not fit uv says no date: what fits came until today, if at all.
        let later_files =
            || hidden(&refused.said).or_else(|| Some((unfit(&refused.said)?, Timestamp::now())));
        let found = match (later_files(), &refused.unmade) {
            (_, EnvironmentError::Cancelled) => false,
            (Some((name, latest)), _) => {
                let required = required(&refused.said, &name);
                let first = first_files(ask, &required, (date, latest), cancel)?;
                first.is_some_and(|first| later.bring_back(&name, first, latest))
            }
            (None, EnvironmentError::Unbuildable { package, .. }) => {
                later.take_buildable(package, date, version)
            }
            (None, EnvironmentError::Failed(_)) => {
                undated(&refused.said).is_some_and(|package| later.take_undated(&package))
            }
        };
        if !found {
            return Err(refused);
        }
        said = refused.said;
    }
    let why = "cannot be resolved: No solution found: one package after the other has no files of that day";
    Err(ResolveError { unmade: EnvironmentError::Failed(why.to_owned()), said })
}

/// When the first files of a package that satisfy a requirement were uploaded, to a day: between a date at which there were
/// none and a later one. `None` when there are none at that one either.
fn first_files(
    ask: PipCompile<'_>,
    requirement: &str,
    (mut none, mut some): (Timestamp, Timestamp),
    cancel: &CancelToken,
) -> Result<Option<Timestamp>, EnvironmentError> {
    let lines = [options(ask.lines), vec![requirement.to_owned()]].concat();
    // It is the same for versions of all dates before.
    let question = format!("{} {}", ask.python.display(), lines.join("\n"));
    if let Some(known) = ask.uv.first_files().get(&question).filter(|known| **known > none) {
        return Ok(Some(*known));
    }
    let nothing = DateOverrides::default();
    let has_some = |at: Timestamp| {
        let alone = PipCompile {
            lines: &lines,
            constraints: &[],
            date: Some(at),
            later: &nothing,
            deep: false,
            ..ask
        };
        match alone.packages(cancel) {
            Ok(_) => Ok(true),
            Err(ResolveError { unmade: EnvironmentError::Cancelled, .. }) => Err(EnvironmentError::Cancelled),
            Err(_) => Ok(false),
        }
    };
    if !has_some(some)? {
        return Ok(None);
    }
    while some.duration_since(none) > SignedDuration::from_hours(24) {
        let middle = none + some.duration_since(none) / 2;
        if has_some(middle)? {
            some = middle;
        } else {
            none = middle;
        }
    }
    ask.uv.first_files().insert(question, some);
    Ok(Some(some))
}

/// Options among the lines of requirements files.
pub(super) fn options(lines: &[String]) -> Vec<String> {
    lines.iter().filter(|line| line.starts_with("--")).cloned().collect()
}

/// The newest version of one package that satisfies a requirement; `None` when none does.
pub(super) fn one_version(
    uv: &Uv,
    python: &Path,
    (requirement, options): (String, &[String]),
    date: Option<Timestamp>,
    cancel: &CancelToken,
) -> Result<Option<String>, EnvironmentError> {
    let lines = [options.to_vec(), vec![requirement]].concat();
    let ask = PipCompile {
        uv,
        python,
        lines: &lines,
        constraints: &[],
        preferred: &[],
        date,
        later: &DateOverrides::default(),
        deep: false,
        as_lock: false,
    };
    match ask.packages(cancel) {
        Ok(packages) => {
            let line = packages.first().and_then(|line| line.split_once("=="));
            Ok(line.map(|(_, version)| version.to_owned()))
        }
        Err(ResolveError { unmade: EnvironmentError::Cancelled, .. }) => Err(EnvironmentError::Cancelled),
        Err(_) => Ok(None),
    }
}

/// Exact packages with these among them. The others keep their versions as far as what the first ones require
/// allows.
pub(super) fn adapted(
    uv: &Uv,
    (python, version): (&Path, PythonVersion),
    (fixed, others, options): (&[String], &[String], &[String]),
    date: Option<Timestamp>,
    cancel: &CancelToken,
) -> Result<Vec<String>, EnvironmentError> {
    let names: Vec<String> = others.iter().filter_map(|line| name_of(line)).collect();
    let lines = [options, fixed, &names].concat();
    let ask = PipCompile {
        uv,
        python,
        lines: &lines,
        constraints: &[],
        preferred: &[fixed, others].concat(),
        date,
        later: &date.map(|date| DateOverrides::known(date, version)).unwrap_or_default(),
        deep: true,
        as_lock: false,
    };
    ask.packages(cancel).map_err(|refused| refused.unmade)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Captured;

    #[test]
    fn of_a_failed_build_the_package_and_the_last_lines_are_said() {
        let text = |text: &str| Captured { text: text.to_owned(), ..Captured::default() };
        let stderr = "error: Failed to build `pyyaml==3.13`\n  cause: The build backend returned an error\n  a\n  b\n  c\n  d\n  e\n  error: command 'gcc' failed\n\nhint: Build failures usually indicate a problem\n";
        let EnvironmentError::Unbuildable { package, why } =
            EnvironmentError::said("cannot be installed", &text(stderr), &text(""))
        else {
            panic!("not seen")
        };
        assert_eq!(package, "pyyaml");
        assert!(why.starts_with("cannot be installed: Failed to build `pyyaml==3.13`\n"), "{why}");
        assert!(why.ends_with("error: command 'gcc' failed"), "{why}");
        let other =
            EnvironmentError::said("cannot be resolved", &text("error: No solution found\n"), &text(""));
        assert_eq!(other, EnvironmentError::Failed("cannot be resolved: No solution found".to_owned()));
    }
}
