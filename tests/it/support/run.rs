//! Running pybisect as a user would, with a home and a cache of its own.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use super::repo_builder::hermetic_environment;

/// A user: a home, a cache, an environment.
pub(crate) struct User {
    home: TempDir,
}

/// What a run of pybisect printed and returned.
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl User {
    pub(crate) fn new() -> Self {
        Self { home: TempDir::new().unwrap() }
    }

    /// The home folder.
    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    /// The cache folder.
    pub(crate) fn cache(&self) -> std::path::PathBuf {
        self.home.path().join("cache")
    }

    /// pybisect in a folder, not started yet. Bytecode is written, as users have it.
    pub(crate) fn command(&self, folder: &Path, arguments: &[impl AsRef<OsStr>]) -> Command {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("pybisect"));
        command
            .env_clear()
            .envs(hermetic_environment())
            .env("HOME", self.home.path())
            .env("PYBISECT_CACHE_DIR", self.cache())
            .env("CI", "1")
            .args(arguments)
            .current_dir(folder)
            .stdin(Stdio::null());
        command
    }

    /// Run pybisect to its end.
    pub(crate) fn run(&self, folder: &Path, arguments: &[impl AsRef<OsStr>]) -> Ran {
        self.command(folder, arguments).output().unwrap().into()
    }

    /// Run `find --json -` and read the report.
    pub(crate) fn find(&self, folder: &Path, arguments: &[&str]) -> (Option<i32>, Value) {
        let mut all = vec!["find", "--json", "-"];
        all.extend_from_slice(arguments);
        report_of(&mut self.command(folder, &all))
    }
}

/// Run a command that prints a report as JSON: its exit status and the report.
pub(crate) fn report_of(command: &mut Command) -> (Option<i32>, Value) {
    let ran = Ran::from(command.output().unwrap());
    let report = serde_json::from_str(&ran.stdout)
        .unwrap_or_else(|error| panic!("{error}\n{}\n{}", ran.stdout, ran.stderr));
    (ran.code, report)
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// The one culprit of a report.
pub(crate) fn culprit(report: &Value) -> &str {
    let culprits = report["culprits"].as_array().unwrap();
    assert_eq!(culprits.len(), 1, "{report:#}");
    assert_eq!(culprits[0]["verified"], true, "{report:#}");
    culprits[0]["commit"].as_str().unwrap()
}
