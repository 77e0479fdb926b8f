//! uv: found where the user has it, or installed from its wheel into a folder of ours.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tempfile::TempDir;

use super::registry;
use crate::model::CancelToken;
use crate::process::sandbox::{Network, Room, Sandbox, clean};
use crate::process::{ChildOutcome, ChildSpec, run};

/// Building a large package from source takes long.
const LONGEST: Duration = Duration::from_secs(1800);

/// Beginning of the names of folders in which uv is told something.
const DESK: &str = "desk-";

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
    /// The files that tell it of registries.
    files: Vec<PathBuf>,
    sandbox: Option<Sandbox>,
    first_files: Arc<Mutex<BTreeMap<String, Timestamp>>>,
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
        let folder = cache.join("environments");
        let mut variables: BTreeMap<OsString, OsString> = std::env::vars_os()
            .filter(|(name, _)| {
                let name = name.to_string_lossy();
                !name.starts_with("PYTHON") && name != "VIRTUAL_ENV" && name != "CONDA_PREFIX"
            })
            .collect();
        let files = registry::files(&variables);
        sweep(&folder);
        variables.extend(registry::variables(&variables));
        for (name, value) in [
            ("UV_PYTHON_DOWNLOADS", "never"),
            ("UV_NO_PROGRESS", "1"),
            ("NO_COLOR", "1"),
            ("UV_NO_PROJECT", "1"),
        ] {
            variables.insert(name.into(), value.into());
        }
        // Its cache is ours, never one in a trial's home. Beside what is made of it: across mounts there are no hard links.
        variables.insert("UV_CACHE_DIR".into(), folder.join("uv").into());
        Self { program, folder, variables, files, sandbox: None, first_files: Arc::default() }
    }

    /// The same in a sandbox, with this machine's network and a clean environment: packages are built by code of their
    /// own.
    #[must_use]
    pub(super) fn confined(mut self, sandbox: Sandbox, passed: &[String]) -> Self {
        let all = std::mem::take(&mut self.variables);
        let own = registry::variables(&all);
        let never = |name: &OsStr| name == "PWD" || name == "OLDPWD";
        self.variables = clean(all, passed, true).kept;
        self.variables.extend(own);
        self.variables.retain(|name, _| !never(name));
        let program = self.program.canonicalize().unwrap_or_else(|_| self.program.clone());
        let visible = [self.files.as_slice(), &[self.program.clone(), program]].concat();
        // The limits are for trials.
        self.sandbox = Some(sandbox.with_network(Network::Host).without_limits().and(&visible, &[]));
        self
    }

    /// When the first files that satisfy a requirement were uploaded, as far as it was found out.
    pub(super) fn first_files(&self) -> MutexGuard<'_, BTreeMap<String, Timestamp>> {
        self.first_files.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A folder for what it is told and what it answers; it can be read where it runs.
    ///
    /// # Errors
    /// When it cannot be made.
    pub(super) fn desk(&self) -> io::Result<TempDir> {
        std::fs::create_dir_all(&self.folder)?;
        tempfile::Builder::new().prefix(DESK).tempdir_in(&self.folder)
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
        self.run_other(&self.program, arguments, cancel)
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
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let desk = self.desk()?;
        let (home, tmp) = (desk.path().join("home"), desk.path().join("tmp"));
        let mut environment = self.variables.clone();
        let mut confinement = None;
        if let Some(sandbox) = &self.sandbox {
            std::fs::create_dir(&home)?;
            std::fs::create_dir(&tmp)?;
            environment.insert("TMPDIR".into(), tmp.clone().into());
            let room = Room { slot: &self.folder, home: &home, tmp: &tmp, own: &[] };
            // What was resolved is ours: it is read and not written.
            confinement = Some(sandbox.confine(room, &self.folder, &[self.folder.join("resolved")], &[]));
        }
        let spec = ChildSpec {
            program: program.into(),
            arguments: arguments.into_iter().map(|argument| argument.as_ref().to_owned()).collect(),
            folder: self.folder.clone(),
            environment,
            timeout: Some(LONGEST),
            marker: format!("uv-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed)),
            confinement,
        };
        run(&spec, cancel)
    }
}

/// Remove what runs that were killed have left.
fn sweep(folder: &Path) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let is_desk = entry.file_name().to_string_lossy().starts_with(DESK);
        let made = entry.metadata().and_then(|facts| facts.modified());
        if is_desk && made.is_ok_and(|made| made.elapsed().is_ok_and(|age| age > 2 * LONGEST)) {
            // Another time, then.
            drop(std::fs::remove_dir_all(entry.path()));
        }
    }
}

fn installed_in(cache: &Path) -> PathBuf {
    cache.join("tools/bin/uv")
}
