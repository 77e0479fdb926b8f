//! The test runner of a command: whether the interpreter that the command starts has it.

use std::path::Path;

use super::Preflight;
use crate::pyenv::Interpreter;
use crate::setup::error::Error;

/// Runners that are packages of the same name.
const RUNNERS: [&str; 6] = ["pytest", "nose2", "coverage", "behave", "green", "ward"];

impl Preflight<'_> {
    /// Only where trials have the user's packages: those of a commit's own environment are told by the run.
    pub(super) fn check_runner(&self) -> Result<(), Error> {
        let words = self.words();
        let Some(runner) = runner_of(&words) else { return Ok(()) };
        let Some(python) = self.python.filter(|_| !self.has_environments) else { return Ok(()) };
        let is_program = words.first().is_some_and(|word| word == runner);
        let is_there = if is_program { which::which(runner).is_ok() } else { has(python, runner) };
        // The project itself may be that runner.
        let own =
            [format!("{runner}.py"), format!("{runner}/__init__.py"), format!("src/{runner}/__init__.py")];
        if is_there || self.has_setup || own.iter().any(|path| self.file(Path::new(path)).is_some()) {
            return Ok(());
        }
        let program = python.executable.display();
        let where_to = if is_program {
            format!("no program is called `{runner}` on PATH, and {program}")
        } else {
            program.to_string()
        };
        Err(Error::environment(format!(
            "{runner} is not installed where the command runs\n  {where_to} (Python {}) has none",
            python.version
        ))
        .hinted(format!(
            "{program} -m pip install {runner}   (or: uv pip install --python {program} {runner})"
        ))
        .hinted(format!(
            "or let pybisect make an environment for each commit: {}",
            self.typed.with("--env", "auto").with_more(&["--with", runner])
        )))
    }
}

/// The runner that a command starts: as a program, or as a module of an interpreter.
pub(super) fn runner_of(words: &[String]) -> Option<&'static str> {
    let (program, rest) = words.split_first()?;
    let known = |name: &str| RUNNERS.iter().find(|runner| **runner == name).copied();
    if let Some(runner) = known(program) {
        return Some(runner);
    }
    let name = Path::new(program).file_name()?.to_str()?;
    if !(name.starts_with("python") || name.starts_with("pypy")) {
        return None;
    }
    // `-m` comes before the first word that is no option.
    let at = rest.iter().position(|word| word == "-m" || !word.starts_with('-'))?;
    if rest[at] != "-m" { None } else { known(rest.get(at + 1)?) }
}

/// Whether an interpreter can import a package.
fn has(python: &Interpreter, package: &str) -> bool {
    let is_of = |name: &String| {
        let name = name.to_lowercase();
        name.strip_prefix(package).is_some_and(|rest| rest.starts_with(['-', '=', ' ', '.']))
    };
    let is_in = |folder: &std::path::PathBuf| {
        folder.join(package).is_dir() || folder.join(format!("{package}.py")).is_file() || folder.is_file()
    };
    python.packages.iter().any(is_of)
        || python.sys_path.iter().any(|folder| !folder.is_file() && is_in(folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_runner_is_the_program_or_the_module_that_is_run() {
        let of = |command: &str| runner_of(&shell_words::split(command).unwrap());
        assert_eq!(of("python -m pytest -q"), Some("pytest"));
        assert_eq!(of("/v/bin/python3.11 -X dev -m pytest"), None, "an option with a value ends it");
        assert_eq!(of("python -q -m coverage run"), Some("coverage"));
        assert_eq!(of("pytest tests"), Some("pytest"));
        assert_eq!(of("python run.py -m pytest"), None);
        assert_eq!(of("uv run pytest"), None);
    }
}
