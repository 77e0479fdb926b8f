//! Asking interpreters what they are.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::install_paths::places_of_python;
use super::interpreter::{Interpreter, ProbeError};
use super::python_version::PythonVersion;
use crate::dirfd::Scratch;
use crate::model::{CancelToken, Termination, TrialActivity};
use crate::process::sandbox::{Sandbox, SlotDirs, filter_environment};
use crate::process::{ChildOutcome, ChildSpec, run};

/// An interpreter that takes longer to say what it is, is none.
const LONGEST: Duration = Duration::from_secs(60);

/// Asks interpreters. What starts with an interpreter (`.pth` files of its packages, programs named like one) may be the
/// work of whoever wrote the checkout: it runs in a sandbox without a network and without the user's variables, where
/// nothing can be written, and what git tracks is not asked at all.
pub struct Prober<'a> {
    /// Where they run; `None` where the system has no sandbox, or the user wants none.
    pub sandbox: Option<&'a Sandbox>,
    /// Whether a program came with the repository.
    pub refuses: &'a dyn Fn(&Path) -> bool,
}

impl Prober<'_> {
    /// What an interpreter says of itself.
    ///
    /// # Errors
    /// When it came with the repository, cannot be started or does not answer as a Python does.
    pub fn probe(&self, python: &Path) -> Result<Interpreter, ProbeError> {
        // A module of the tree named like these would run, and say what it likes.
        let outcome = self.ask(python, &["-S", "-c", include_str!("probe.py")])?;
        let mut said: Interpreter =
            serde_json::from_str(&outcome.stdout.text).map_err(|_| no_answer(python, &outcome))?;
        // What it imports from is shown to trials: whatever it says, that is not a whole home, or all there is.
        let home = std::env::home_dir();
        let is_whole = |folder: &PathBuf| {
            folder.parent().is_none() || home.as_ref().is_some_and(|home| home.starts_with(folder))
        };
        for folders in [&mut said.sys_path, &mut said.editable] {
            folders.retain(|folder| folder.is_absolute() && !is_whole(folder));
        }
        said.user_base = said.user_base.filter(|base| !is_whole(base));
        Ok(said)
    }

    /// The interpreter's version.
    ///
    /// # Errors
    /// As [`Self::probe`].
    pub fn version(&self, python: &Path) -> Result<PythonVersion, ProbeError> {
        let outcome =
            self.ask(python, &["-I", "-S", "-c", "import sys; print('%d.%d' % sys.version_info[:2])"])?;
        PythonVersion::parse(&outcome.stdout.text).ok_or_else(|| no_answer(python, &outcome))
    }

    fn ask(&self, python: &Path, arguments: &[&str]) -> Result<ChildOutcome, ProbeError> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        if (self.refuses)(python) {
            return Err(ProbeError::Tracked { python: python.to_owned() });
        }
        let failed = |source| ProbeError::Start { python: python.to_owned(), source };
        let folder = Scratch::new("pybisect-probe-").map_err(failed)?;
        let slot = folder.path().canonicalize().map_err(failed)?;
        let [home, tmp] = ["home", "tmp"].map(|name| slot.join(name));
        for folder in [&home, &tmp] {
            std::fs::create_dir(folder).map_err(failed)?;
        }
        // `-c` puts the current folder on sys.path; a neutral one keeps the user's files out of it.
        let neutral = Path::new("/");
        let confinement = self.sandbox.map(|sandbox| {
            let room = SlotDirs { slot: &slot, home: &home, tmp: &tmp, own: &[] };
            sandbox.confine(room, neutral, &places_of_python(python), &[])
        });
        let mut environment: BTreeMap<OsString, OsString> =
            filter_environment(std::env::vars_os(), &[], false).kept;
        environment.insert("PYTHONDONTWRITEBYTECODE".into(), "1".into());
        let spec = ChildSpec {
            program: python.into(),
            arguments: arguments.iter().map(Into::into).collect(),
            folder: neutral.to_owned(),
            environment,
            timeout: Some(LONGEST),
            marker: format!("probe-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed)),
            confinement,
            activity: TrialActivity::default(),
        };
        let outcome = run(&spec, &CancelToken::new()).map_err(failed)?;
        match &outcome.ending {
            Termination::NotStarted { error } => Err(failed(std::io::Error::other(error.clone()))),
            _ => Ok(outcome),
        }
    }
}

fn no_answer(python: &Path, outcome: &ChildOutcome) -> ProbeError {
    let last = outcome.stderr.text.trim().lines().last().unwrap_or("nothing").to_owned();
    ProbeError::Answer { python: python.to_owned(), said: last }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::super::find_python;
    use super::*;

    const NOTHING_REFUSED: Prober<'_> = Prober { sandbox: None, refuses: &|_| false };

    #[test]
    fn an_interpreter_says_what_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let python = find_python(OsStr::new("python3"), folder.path()).expect("tests need python3");
        let interpreter = NOTHING_REFUSED.probe(&python).unwrap();
        assert!(interpreter.version.starts_with('3'), "{}", interpreter.version);
        assert!(interpreter.executable.is_absolute());
        assert!(interpreter.sys_path.iter().any(|folder| folder.join("json/__init__.py").exists()));
        assert!(!interpreter.sys_path.contains(&PathBuf::from("/")), "{:?}", interpreter.sys_path);
        let version = NOTHING_REFUSED.version(&python).unwrap();
        assert!(interpreter.version.starts_with(&version.to_string()));
    }

    #[test]
    fn what_is_no_python_is_an_error() {
        let error = NOTHING_REFUSED.probe(Path::new("/bin/echo")).unwrap_err();
        assert!(matches!(error, ProbeError::Answer { .. }), "{error}");
    }

    #[test]
    fn what_is_refused_is_not_started() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("python");
        let mark = folder.path().join("ran");
        std::fs::write(&program, format!("#!/bin/sh\ntouch {}\n", mark.display())).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(&program, mode).unwrap();
        let refusing = Prober { sandbox: None, refuses: &|_| true };
        assert!(matches!(refusing.probe(&program).unwrap_err(), ProbeError::Tracked { .. }));
        assert!(!mark.exists());
        NOTHING_REFUSED.probe(&program).unwrap_err();
        assert!(mark.exists(), "it would have run");
    }
}
