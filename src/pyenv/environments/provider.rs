//! Which package has a module that is missing: one that the version declares elsewhere, or one of the registry.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Environments, ProjectVersion};
use crate::model::CancelToken;
use crate::pyenv::declared::{DeclaredDependencies, name_of, normalised};
use crate::pyenv::resolve::{one_version, options};
use crate::pyenv::resolved::EnvironmentError;

/// Declarations that were not chosen and are looked through, at most.
const MOST_LISTS: usize = 8;

/// A package that has a module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provider {
    /// The provider's name.
    pub package: String,
    /// Where the version declares it; `None` where nobody does.
    pub declared: Option<String>,
    /// The requirements that bring it.
    pub lines: Vec<String>,
}

impl Environments {
    /// Add requirements to what every version declares; they are left out where they cannot be had.
    pub fn add(&self, lines: &[String]) {
        let mut memory = self.memory();
        for line in lines {
            if !memory.added.contains(line) {
                memory.added.push(line.clone());
            }
        }
        memory.wanted.clear();
    }

    /// Whether a version's environment, which is made when it is not there, has a module.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn has_module(
        &self,
        version: ProjectVersion<'_>,
        module: &str,
        cancel: &CancelToken,
    ) -> Result<bool, EnvironmentError> {
        let environment = self.prepare(version, None, cancel)?;
        Ok(has_module(&environment.folder, module))
    }

    /// The package that has a module which a version's environment has not: first among what the version declares and what
    /// was not chosen, then of the registry as of its date, by names like the module's. What is installed tells.
    ///
    /// # Errors
    /// When nobody needs it any more.
    pub fn provider_of(
        &self,
        version: ProjectVersion<'_>,
        module: &str,
        cancel: &CancelToken,
    ) -> Result<Option<Provider>, EnvironmentError> {
        let (python, _) = self.python(version)?;
        let wanted = self.wanted(version, python, cancel)?;
        for (place, lines) in wanted.unchosen(version.files).into_iter().take(MOST_LISTS) {
            let alone = DeclaredDependencies {
                requirements: [options(&wanted.requirements), lines.clone()].concat(),
                constraints: wanted.constraints.clone(),
                ..DeclaredDependencies::default()
            };
            let resolved = match self.resolved(&alone, self.cutoff(version), python, cancel) {
                Ok(resolved) => resolved,
                Err(EnvironmentError::Cancelled) => return Err(EnvironmentError::Cancelled),
                Err(_) => continue,
            };
            if let Some(package) = self.provider_among(version, &resolved.packages, module, cancel)? {
                let own: Vec<String> = lines
                    .iter()
                    .filter(|line| name_of(line).as_deref() == Some(package.as_str()))
                    .cloned()
                    .collect();
                let lines = if own.is_empty() { lines } else { own };
                return Ok(Some(Provider { package, declared: Some(place), lines }));
            }
        }
        let Some(path) = self.pythons.get(python) else { return Ok(None) };
        let top = normalised(module.split('.').next().unwrap_or(module));
        let dashed = normalised(&module.replace('.', "-"));
        let mut names = vec![dashed, top.clone(), format!("py{top}"), format!("python-{top}")];
        names.dedup();
        for name in names {
            let asked = (name.clone(), options(&wanted.requirements));
            let asked = (asked.0, asked.1.as_slice());
            let Some(found) = one_version(&self.uv, path, asked, self.cutoff(version), cancel)? else {
                continue;
            };
            let packages = [format!("{name}=={found}")];
            if let Some(package) = self.provider_among(version, &packages, module, cancel)? {
                return Ok(Some(Provider { lines: vec![package.clone()], package, declared: None }));
            }
        }
        Ok(None)
    }

    /// Which of exact packages has a module.
    fn provider_among(
        &self,
        version: ProjectVersion<'_>,
        packages: &[String],
        module: &str,
        cancel: &CancelToken,
    ) -> Result<Option<String>, EnvironmentError> {
        let environment = match self.prepare(version, Some(packages), cancel) {
            Ok(environment) => environment,
            Err(EnvironmentError::Cancelled) => return Err(EnvironmentError::Cancelled),
            Err(_) => return Ok(None),
        };
        if !has_module(&environment.folder, module) {
            return Ok(None);
        }
        let only = || packages.first().and_then(|line| name_of(line)).filter(|_| packages.len() == 1);
        Ok(owner(&environment.folder, module).or_else(only))
    }
}

fn libraries(environment: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(environment.join("lib")).into_iter().flatten().flatten();
    entries.map(|entry| entry.path().join("site-packages")).collect()
}

/// Whether an environment has a module: a folder, a file, or one that was compiled.
fn has_module(environment: &Path, module: &str) -> bool {
    let path = module.replace('.', "/");
    let (folder, last) = path.rsplit_once('/').unwrap_or(("", &path));
    libraries(environment).iter().any(|library| {
        let entries = fs::read_dir(library.join(folder)).into_iter().flatten().flatten();
        entries
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .any(|name| is_module(&name, last))
    })
}

/// Whether a file or folder of this name is the module.
fn is_module(name: &str, module: &str) -> bool {
    name.strip_prefix(module).is_some_and(|rest| {
        rest.is_empty() || (rest.starts_with('.') && (rest.ends_with(".py") || rest.ends_with(".so")))
    })
}

/// The package whose record has a module.
fn owner(environment: &Path, module: &str) -> Option<String> {
    let path = module.replace('.', "/");
    for library in libraries(environment) {
        let entries = fs::read_dir(&library).into_iter().flatten().flatten().map(|entry| entry.path());
        for info in entries.filter(|path| path.extension().is_some_and(|ending| ending == "dist-info")) {
            let record = fs::read_to_string(info.join("RECORD")).unwrap_or_default();
            let has = record.lines().any(|line| {
                let file = line.split(',').next().unwrap_or(line);
                file.strip_prefix(&path).is_some_and(|rest| rest.starts_with('/') || is_module(rest, ""))
            });
            let name =
                info.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.split('-').next());
            if let Some(name) = name.filter(|_| has) {
                return Some(normalised(name));
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_package_that_has_a_module_is_read_from_what_is_installed() {
        let folder = tempfile::tempdir().unwrap();
        let library = folder.path().join("lib/python3.11/site-packages");
        for (name, files) in [
            ("PyYAML-6.0", vec!["yaml/__init__.py", "_yaml.cpython-311-x86_64-linux-gnu.so"]),
            ("six-1.16.0", vec!["six.py"]),
            ("google_cloud_storage-2.0", vec!["google/cloud/storage/__init__.py"]),
        ] {
            let info = library.join(format!("{name}.dist-info"));
            fs::create_dir_all(&info).unwrap();
            let lines: Vec<String> = files.iter().map(|file| format!("{file},sha256=x,1")).collect();
            fs::write(info.join("RECORD"), lines.join("\n")).unwrap();
            for file in files {
                fs::create_dir_all(library.join(file).parent().unwrap()).unwrap();
                fs::write(library.join(file), "").unwrap();
            }
        }
        for (module, expected) in [
            ("yaml", Some("pyyaml")),
            ("_yaml", Some("pyyaml")),
            ("six", Some("six")),
            ("google.cloud.storage", Some("google-cloud-storage")),
            ("google.cloud.other", None),
            ("ya", None),
            ("attrs", None),
        ] {
            assert_eq!(has_module(folder.path(), module), expected.is_some(), "{module}");
            assert_eq!(owner(folder.path(), module).as_deref(), expected, "{module}");
        }
    }
}
