//! One call of `uv pip compile`.

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use jiff::Timestamp;

use super::build_folder::read_answer;
use super::date_overrides::DateOverrides;
use super::resolved::EnvironmentError;
use super::uv::{Uv, Work};
use crate::model::{CancelToken, Termination};

/// What is asked.
#[derive(Clone, Copy)]
pub(super) struct PipCompile<'a> {
    pub(super) uv: &'a Uv,
    pub(super) python: &'a Path,
    /// Requirements, and options such as `--index-url`.
    pub(super) lines: &'a [String],
    pub(super) constraints: &'a [String],
    /// Exact versions that are taken where nothing speaks against them.
    pub(super) preferred: &'a [String],
    /// The day as of which packages are chosen.
    pub(super) date: Option<Timestamp>,
    pub(super) later: &'a DateOverrides,
    /// Whether what the requirements require in turn is wanted too.
    pub(super) deep: bool,
    /// As a `pylock.toml`, which tells of upload times, rather than as lines.
    pub(super) as_lock: bool,
}

/// There is no answer.
pub(super) struct ResolveError {
    pub(super) unmade: EnvironmentError,
    /// All that uv said.
    pub(super) said: String,
}

impl From<EnvironmentError> for ResolveError {
    fn from(unmade: EnvironmentError) -> Self {
        Self { unmade, said: String::new() }
    }
}

impl PipCompile<'_> {
    /// Ask.
    ///
    /// # Errors
    /// When there is no answer.
    pub(super) fn text(&self, cancel: &CancelToken) -> Result<String, ResolveError> {
        let machine = |error: std::io::Error| ResolveError::from(EnvironmentError::machine(&error));
        let folder = self.uv.desk().map_err(machine)?;
        let write = |name: &str, lines: &[String]| {
            let path = folder.path().join(name);
            fs::write(&path, self.uv.as_input(lines)).map(|()| path).map_err(machine)
        };
        let list = write("requirements.in", self.lines)?;
        let pins = write("constraints.txt", self.constraints)?;
        // What an earlier output holds is preferred.
        let output = if self.as_lock {
            folder.path().join("pylock.toml")
        } else {
            write("requirements.txt", self.preferred)?
        };
        let words = ["pip", "compile", "--quiet", "--no-header", "--no-annotate", "--python"];
        let mut arguments: Vec<OsString> = words.map(OsString::from).to_vec();
        arguments.extend([self.python.into(), "--constraints".into(), pins.into()]);
        arguments.extend(["--output-file".into(), output.clone().into()]);
        if self.as_lock {
            arguments.extend(["--format".into(), "pylock.toml".into()]);
        }
        if !self.deep {
            arguments.push("--no-deps".into());
        }
        if let Some(date) = self.date {
            arguments.extend(["--exclude-newer".into(), date.to_string().into()]);
            arguments.extend(self.later.options());
        }
        arguments.push(list.into());
        self.uv.know_sources(self.python, self.lines, cancel).map_err(machine)?;
        let outcome = self.uv.run(&arguments, Work::Builds(folder.path()), cancel).map_err(machine)?;
        match outcome.ending {
            Termination::Exited { code: 0 } => read_answer(&output).map_err(machine),
            Termination::Cancelled => Err(EnvironmentError::Cancelled.into()),
            _ => Err(ResolveError {
                unmade: EnvironmentError::said("cannot be resolved", &outcome.stderr, &outcome.stdout),
                said: outcome.stderr.text,
            }),
        }
    }

    /// Ask for exact packages: `name==version`, sorted.
    ///
    /// # Errors
    /// When there is no answer.
    pub(super) fn packages(&self, cancel: &CancelToken) -> Result<Vec<String>, ResolveError> {
        let text = self.text(cancel)?;
        let lines = text.lines().map(str::trim);
        let mut packages: Vec<String> = lines
            .filter(|line| !line.is_empty() && !line.starts_with(['#', '-']))
            .map(str::to_owned)
            .collect();
        packages.sort();
        Ok(packages)
    }
}
