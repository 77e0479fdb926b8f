//! uv: found where the user has it, or installed from its wheel into a folder of ours.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::model::CancelToken;
use crate::process::{ChildOutcome, ChildSpec, run};

/// Building a large package from source takes long.
const LONGEST: Duration = Duration::from_secs(1800);

/// There is no uv.
#[derive(Debug, thiserror::Error)]
pub enum UvError {
    /// It is not there, and nobody asked for it to be installed.
    #[error("uv is not installed")]
    NotFound,
    /// It could not be installed.
    #[error("failed to install uv with {python} -m pip: {said}")]
    Install {
        /// The interpreter whose pip was asked.
        python: PathBuf,
        /// What it said.
        said: String,
    },
}

/// The program.
#[derive(Debug, Clone)]
pub struct Uv {
    program: PathBuf,
    /// Where it runs: a folder without a project.
    folder: PathBuf,
    variables: BTreeMap<OsString, OsString>,
}

impl Uv {
    /// Look for uv beside an interpreter, on `PATH` and where an earlier run installed it.
    ///
    /// # Errors
    /// When it is nowhere.
    pub fn find(python: Option<&Path>, cache: &Path) -> Result<Self, UvError> {
        let beside = python.and_then(Path::parent).map(|folder| folder.join("uv"));
        let on_path = || which::which("uv").ok();
        let own = installed_in(cache);
        let program = beside
            .filter(|program| program.is_file())
            .or_else(|| own.is_file().then_some(own))
            .or_else(on_path)
            .ok_or(UvError::NotFound)?;
        Ok(Self::new(program, cache))
    }

    /// The same, and where it is nowhere, install it.
    ///
    /// # Errors
    /// When it cannot be installed.
    pub fn find_or_install(python: &Path, cache: &Path) -> Result<Self, UvError> {
        if let Ok(found) = Self::find(Some(python), cache) {
            return Ok(found);
        }
        let own = installed_in(cache);
        let folder = own.parent().and_then(Path::parent).unwrap_or(cache);
        let failed = |said: String| UvError::Install { python: python.to_owned(), said };
        let output = Command::new(python)
            .args(["-m", "pip", "install", "--quiet", "--upgrade", "--target"])
            .arg(folder)
            .arg("uv")
            .stdin(Stdio::null())
            .output()
            .map_err(|error| failed(error.to_string()))?;
        if !output.status.success() || !own.is_file() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(failed(said.trim().lines().last().unwrap_or("nothing").to_owned()));
        }
        Ok(Self::new(own, cache))
    }

    fn new(program: PathBuf, cache: &Path) -> Self {
        // Its cache is ours, never one in a trial's home.
        let own_cache = cache.join("uv");
        let mut variables: BTreeMap<OsString, OsString> = std::env::vars_os()
            .filter(|(name, _)| {
                let name = name.to_string_lossy();
                !name.starts_with("PYTHON") && name != "VIRTUAL_ENV" && name != "CONDA_PREFIX"
            })
            .collect();
        for (name, value) in [
            ("UV_PYTHON_DOWNLOADS", "never"),
            ("UV_NO_PROGRESS", "1"),
            ("NO_COLOR", "1"),
            ("UV_NO_PROJECT", "1"),
        ] {
            variables.insert(name.into(), value.into());
        }
        variables.insert("UV_CACHE_DIR".into(), own_cache.into());
        Self { program, folder: cache.join("environments"), variables }
    }

    /// Run it with these arguments, in a folder without a project.
    ///
    /// # Errors
    /// When no process can be started.
    pub(super) fn run(
        &self,
        arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
        cancel: &CancelToken,
    ) -> io::Result<ChildOutcome> {
        run(&self.spec(&self.program, arguments)?, cancel)
    }

    /// Run another program with the same variables.
    ///
    /// # Errors
    /// When no process can be started.
    pub(super) fn run_other(
        &self,
        program: &Path,
        arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
        cancel: &CancelToken,
    ) -> io::Result<ChildOutcome> {
        run(&self.spec(program, arguments)?, cancel)
    }

    fn spec(
        &self,
        program: &Path,
        arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
    ) -> io::Result<ChildSpec> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        std::fs::create_dir_all(&self.folder)?;
        Ok(ChildSpec {
            program: program.into(),
            arguments: arguments.into_iter().map(|argument| argument.as_ref().to_owned()).collect(),
            folder: self.folder.clone(),
            environment: self.variables.clone(),
            timeout: Some(LONGEST),
            marker: format!("uv-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed)),
            confinement: None,
        })
    }
}

fn installed_in(cache: &Path) -> PathBuf {
    cache.join("tools/bin/uv")
}
