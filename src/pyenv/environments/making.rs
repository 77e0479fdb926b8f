//! Environments and what makes the project look installed, on disk: made where they are not there.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

use jiff::Timestamp;

use super::{Environments, digest};
use crate::model::{CancelToken, Termination};
use crate::pyenv::declared::DeclaredDependencies;
use crate::pyenv::environment::Environment;
use crate::pyenv::environment_cache::EnvironmentLease;
use crate::pyenv::install::install;
use crate::pyenv::project_metadata::{has_metadata, project_metadata};
use crate::pyenv::python_version::PythonVersion;
use crate::pyenv::resolved::{EnvironmentError, Resolved};
use crate::pyenv::uv::Work;

impl Environments {
    /// The environment of this name, which holds exact packages.
    pub(super) fn made(
        &self,
        key: &str,
        python: (&Path, PythonVersion),
        resolved: &Resolved,
        cutoff: Option<Timestamp>,
        cancel: &CancelToken,
    ) -> Result<EnvironmentLease, EnvironmentError> {
        let machine = |error: &std::io::Error| EnvironmentError::machine(error);
        if let Some(unmade) = self.memory().failed.get(key) {
            return Err(unmade.clone());
        }
        loop {
            if let Some(held) = self.store.hold(key).map_err(|error| machine(&error))? {
                self.store.touch(key);
                return Ok(held);
            }
            let made = self.store.make(key, machine, |folder| {
                install(&self.uv, self.policy.with_pip, (folder, python), (resolved, cutoff), cancel)
            });
            match made {
                // A cache that cannot be tidied is still a cache.
                Ok(true) => drop(self.store.evict(key)),
                Ok(false) => {}
                Err(EnvironmentError::Cancelled) => return Err(EnvironmentError::Cancelled),
                Err(unmade) => {
                    self.memory().failed.insert(key.to_owned(), unmade.clone());
                    return Err(unmade);
                }
            }
        }
    }

    /// Compile these sources among an environment's packages, each from the folder of the packages. Whether it was done.
    #[must_use]
    pub fn compile(
        &self,
        environment: &Environment,
        sources: &BTreeSet<PathBuf>,
        cancel: &CancelToken,
    ) -> bool {
        let Environment { folder, packages, .. } = environment;
        // Only what was installed: names came from where trials write.
        let there = sources.iter().filter(|source| is_plain(source)).map(|source| packages.join(source));
        let there = there.filter(|path| path.symlink_metadata().is_ok_and(|facts| facts.is_file()));
        let lines: Vec<String> = there.filter_map(|path| Some(format!("{}\n", path.to_str()?))).collect();
        let Ok(desk) = self.uv.desk() else { return false };
        let list = desk.path().join("sources");
        if lines.is_empty() || std::fs::write(&list, lines.concat()).is_err() {
            return false;
        }
        // Nothing of the packages runs: no `site`, so none of its hooks.
        let words = ["-I", "-S", "-m", "compileall", "-q", "-i"].map(OsString::from);
        let words = words.into_iter().chain([list.into_os_string()]);
        let done = self.uv.run_other(&folder.join("bin/python"), words, Work::Builds(folder), cancel);
        // One that is no Python of this version does not compile, and is not imported either.
        done.is_ok_and(|outcome| matches!(outcome.ending, Termination::Exited { .. }))
    }

    /// What makes a version look installed in the environment of this name; `None` where it says nothing of itself.
    pub(super) fn project_beside(
        &self,
        key: &str,
        environment: &Path,
        wanted: &DeclaredDependencies,
    ) -> Result<Option<(PathBuf, EnvironmentLease)>, EnvironmentError> {
        let machine = |error: &std::io::Error| EnvironmentError::machine(error);
        if !has_metadata(wanted) {
            return Ok(None);
        }
        let key = digest(&["project/1", key, &project_key(wanted)]);
        loop {
            if let Some(held) = self.projects.hold(&key).map_err(|error| machine(&error))? {
                self.projects.touch(&key);
                return Ok(Some((self.projects.path(&key), held)));
            }
            let make = |folder: &Path| {
                project_metadata(folder, environment, wanted).map_err(|error| machine(&error))
            };
            if self.projects.make(&key, machine, make)? {
                // As above.
                drop(self.projects.evict(&key));
            }
        }
    }
}

/// Whether a path leads nowhere else.
fn is_plain(path: &Path) -> bool {
    path.components().all(|part| matches!(part, Component::Normal(_)))
        && !path.as_os_str().as_encoded_bytes().contains(&b'\n')
}

/// What a project, and those beside it, say of themselves.
fn project_key(wanted: &DeclaredDependencies) -> String {
    let beside: Vec<String> = wanted.beside.iter().map(project_key).collect();
    format!("{:?} {:?} {:?} {}", wanted.name, wanted.version, wanted.entry_points, beside.join(" "))
}
