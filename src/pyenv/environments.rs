//! Environments for one session: resolved, made and handed out.

mod making;
mod mixtures;
mod provider;
mod sharing;

pub use provider::Provider;

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use super::declared::{DeclaredDependencies, InstallOptions, ProjectFiles, PythonHints, name_of};
use super::environment::Environment;
use super::environment_cache::{EnvironmentCache, environments_folder, made_folder, projects_folder};
use super::index_settings::named_by;
use super::install_paths::places_of_python;
use super::python_version::PythonVersion;
use super::pythons::InterpreterSet;
use super::resolution_cache::ResolutionCache;
use super::resolve::resolve;
use super::resolved::{EnvironmentError, Resolved};
use super::uv::Uv;
use crate::model::{CancelToken, EnvironmentFacts, PackageDate};
use crate::process::sandbox::Sandbox;

/// Raised when the same declarations lead to other packages: what was recorded with the old ones does not hold.
const RULES: &str = "rules/5";

/// The time as of which packages are chosen that are not pinned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeTravel {
    /// As of the commit's date.
    Own,
    /// As of the same date for all.
    Fixed(Timestamp),
    /// As of now.
    Today,
}

/// What holds for all environments of a session.
#[derive(Debug, Clone)]
pub struct Policy {
    /// What is installed beside and instead of what is declared.
    pub choice: InstallOptions,
    /// The day as of which packages are chosen.
    pub time: TimeTravel,
    /// The version of Python, when the user named one.
    pub python: Option<PythonVersion>,
    /// Whether pip installs what was resolved, rather than uv.
    pub with_pip: bool,
    /// Bytes that all environments may take on disk.
    pub most_bytes: u64,
    /// The folder of the tree where the user stands: what the nearest one upwards declares counts.
    pub folder: PathBuf,
}

/// A version of the project that needs an environment.
#[derive(Clone, Copy)]
pub struct ProjectVersion<'a> {
    /// The version's files.
    pub files: &'a dyn ProjectFiles,
    /// What versions with the same declaring files have in common.
    pub fingerprint: &'a str,
    /// The commit's date.
    pub date: Timestamp,
    /// The day as of which the version's packages are chosen.
    pub day: PackageDate,
}

#[derive(Default)]
struct Memory {
    hints: HashMap<String, Arc<PythonHints>>,
    wanted: HashMap<(String, PythonVersion), Arc<DeclaredDependencies>>,
    /// Packages that turned out not to build for an interpreter: `name==version`.
    unbuildable: BTreeSet<(PythonVersion, String)>,
    failed: HashMap<String, EnvironmentError>,
    /// Requirements beside what every version declares.
    added: Vec<String>,
    busy: HashMap<String, Arc<Mutex<()>>>,
}

/// The environments of one session.
pub struct Environments {
    policy: Policy,
    uv: Uv,
    pythons: InterpreterSet,
    /// The version that the endpoints share; taken wherever it is admitted.
    common: Option<PythonVersion>,
    store: EnvironmentCache,
    /// What makes projects look installed, beside the environments.
    projects: EnvironmentCache,
    memory: Mutex<Memory>,
    answers: ResolutionCache,
    sandbox: Option<Sandbox>,
}

impl Environments {
    /// Environments under a cache folder. `ends` are the versions that bound the range: one Python is sought that
    /// fits them all, so that commits differ by as little as possible.
    #[must_use]
    pub fn new(
        policy: Policy,
        uv: Uv,
        pythons: InterpreterSet,
        cache: &Path,
        ends: &[ProjectVersion<'_>],
    ) -> Self {
        let folder = environments_folder(cache);
        let store = EnvironmentCache::new(made_folder(&folder), policy.most_bytes);
        let projects = EnvironmentCache::new(projects_folder(&folder), u64::MAX);
        let common = common_python(&pythons, ends);
        let answers = ResolutionCache::new(folder.join("resolved"));
        let (memory, sandbox) = (Mutex::default(), None);
        Self { policy, uv, pythons, common, store, projects, memory, answers, sandbox }
    }

    /// Run what a version declares, and what builds its packages, in this sandbox: the former as trials run, the latter
    /// with the network and the package cache. `passed` names variables that the latter get, as trials do. `opens` is
    /// whether files that the chosen requirements name can be read: the user named them.
    #[must_use]
    pub fn confined(mut self, sandbox: Sandbox, passed: &[String], opens: bool) -> Self {
        let versions = self.pythons.versions();
        let pythons = versions.filter_map(|version| self.pythons.get(version)).flat_map(places_of_python);
        let mut visible: Vec<PathBuf> = pythons.collect();
        // What the user names; a commit's own requirements open nothing.
        let lines = self.policy.choice.requirements.iter().flat_map(|(_, text)| text.lines());
        let lines = lines.chain(self.policy.choice.with.iter().map(String::as_str));
        let lines: Vec<&str> = lines.filter(|_| opens).collect();
        visible.extend(lines.iter().flat_map(|line| line.split_whitespace()).filter_map(named_by));
        self.uv = self.uv.confined(sandbox.clone().allow_paths(&visible, &[]), passed, &lines);
        self.sandbox = Some(sandbox);
        self
    }

    /// What of the isolation of builds is missing, beside what trials lack.
    #[must_use]
    pub fn missing(&self) -> Option<String> {
        self.uv.left_open()
    }

    /// The folder of the tree where the user stands.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.policy.folder
    }

    /// What tells environments of different versions apart before anything is resolved.
    #[must_use]
    pub fn key(&self, version: ProjectVersion<'_>) -> String {
        let choice = &self.policy.choice;
        let versions: Vec<String> = self.pythons.versions().map(|version| version.to_string()).collect();
        let date = match self.cutoff(version) {
            Some(date) => date.to_string(),
            // What today's packages are changes from day to day.
            None => Timestamp::now().strftime("%F").to_string(),
        };
        let python = self.policy.python.or(self.common);
        let added = self.memory().added.clone();
        let rest = format!("{choice:?} {python:?} {versions:?} {} {added:?}", self.policy.with_pip);
        digest(&[RULES, version.fingerprint, &date, &rest])
    }

    /// The time as of which a version's packages are chosen; `None` for now.
    #[must_use]
    pub fn cutoff(&self, version: ProjectVersion<'_>) -> Option<Timestamp> {
        match (version.day, self.policy.time) {
            (PackageDate::Today, _) | (PackageDate::Asked, TimeTravel::Today) => None,
            (PackageDate::Own, _) | (PackageDate::Asked, TimeTravel::Own) => Some(version.date),
            (PackageDate::Asked, TimeTravel::Fixed(date)) => Some(date),
            (PackageDate::At(seconds), _) => Timestamp::from_second(seconds).ok(),
        }
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A lock for whoever works on this; others wait and find it done.
    fn turn(&self, what: &str) -> Arc<Mutex<()>> {
        Arc::clone(self.memory().busy.entry(what.to_owned()).or_default())
    }

    /// The environment of a version, made when it is not there yet. With `exactly`, these packages instead of
    /// those that would be chosen.
    ///
    /// # Errors
    /// When it cannot be made; the same again for all versions that would have the same.
    pub fn prepare(
        &self,
        version: ProjectVersion<'_>,
        exactly: Option<&[String]>,
        cancel: &CancelToken,
    ) -> Result<Environment, EnvironmentError> {
        let (python, because) = self.python(version)?;
        let wanted = self.wanted(version, python, cancel)?;
        let path = self.pythons.get(python).ok_or_else(|| no_python(&python.to_string()))?;
        let cutoff = self.cutoff(version);
        let mut resolved = self.resolved(&wanted, cutoff, python, cancel)?;
        if let Some(packages) = exactly {
            let options = resolved.options.clone();
            resolved = Arc::new(Resolved { packages: packages.to_vec(), options, notes: Vec::new() });
        }
        let (key, held) = loop {
            let key = environment_key(path, &resolved, self.policy.with_pip);
            match self.made(&key, (path, python), &resolved, cutoff, cancel) {
                Ok(held) => break (key, held),
                Err(EnvironmentError::Unbuildable { package, why }) if exactly.is_none() => {
                    let other = self.without(&package, &resolved, &wanted, cutoff, python, cancel)?;
                    if other.packages == resolved.packages {
                        return Err(EnvironmentError::Unbuildable { package, why });
                    }
                    resolved = other;
                }
                Err(unmade) => return Err(unmade),
            }
        };
        let folder = self.store.path(&key);
        let mut held = vec![held];
        let project = self.project_beside(&key, &folder, &wanted)?;
        let project = project.map(|(folder, lease)| {
            held.push(lease);
            folder
        });
        let library = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let library = library.parent().and_then(Path::parent).unwrap_or(Path::new("/"));
        let notes = wanted.notes.iter().chain(&resolved.notes).cloned().collect();
        let sources =
            if wanted.is_empty() { vec!["nothing declared".to_owned()] } else { wanted.sources.clone() };
        Ok(Environment {
            facts: EnvironmentFacts {
                python: python.to_string(),
                because,
                as_of: cutoff.map(|date| date.to_string()),
                sources,
                packages: resolved.packages.clone(),
                notes,
                key: key.clone(),
            },
            packages: folder.join("lib").join(format!("python{python}")).join("site-packages"),
            folder,
            project,
            source_folders: wanted.source_folders.clone(),
            library: library.join("lib").join(format!("python{python}")),
            _held: held,
        })
    }

    /// The exact packages of a version.
    ///
    /// # Errors
    /// When they cannot be had.
    pub fn packages(
        &self,
        version: ProjectVersion<'_>,
        cancel: &CancelToken,
    ) -> Result<Vec<String>, EnvironmentError> {
        let (python, _) = self.python(version)?;
        let wanted = self.wanted(version, python, cancel)?;
        Ok(self.resolved(&wanted, self.cutoff(version), python, cancel)?.packages.clone())
    }

    /// The folders that a version's source is imported from.
    ///
    /// # Errors
    /// When there is no Python to read its declarations with.
    pub fn source_folders(
        &self,
        version: ProjectVersion<'_>,
        cancel: &CancelToken,
    ) -> Result<Vec<String>, EnvironmentError> {
        let (python, _) = self.python(version)?;
        Ok(self.wanted(version, python, cancel)?.source_folders.clone())
    }

    fn python(&self, version: ProjectVersion<'_>) -> Result<(PythonVersion, String), EnvironmentError> {
        if let Some(python) = self.policy.python {
            return Ok((python, "--python".to_owned()));
        }
        let known = self.memory().hints.get(version.fingerprint).cloned();
        let hints = known.unwrap_or_else(|| {
            let hints = Arc::new(PythonHints::read(version.files));
            self.memory().hints.insert(version.fingerprint.to_owned(), Arc::clone(&hints));
            hints
        });
        let date = self.cutoff(version).unwrap_or_else(Timestamp::now);
        self.pythons.choose(&hints, date, self.common).ok_or_else(|| no_python("3.6 or later"))
    }

    fn wanted(
        &self,
        version: ProjectVersion<'_>,
        python: PythonVersion,
        cancel: &CancelToken,
    ) -> Result<Arc<DeclaredDependencies>, EnvironmentError> {
        let turn = self.turn(&format!("wanted {} {python}", version.fingerprint));
        let _turn = turn.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (version.fingerprint.to_owned(), python);
        if let Some(known) = self.memory().wanted.get(&key) {
            return Ok(Arc::clone(known));
        }
        let path = self.pythons.get(python).ok_or_else(|| no_python(&python.to_string()))?;
        let mut wanted = DeclaredDependencies::read(
            version.files,
            &self.policy.choice,
            (path, self.sandbox.as_ref()),
            cancel,
        );
        wanted.tests.extend(self.memory().added.iter().cloned());
        let wanted = Arc::new(wanted);
        if cancel.is_cancelled() {
            return Err(EnvironmentError::Cancelled);
        }
        self.memory().wanted.insert(key, Arc::clone(&wanted));
        Ok(wanted)
    }

    fn resolved(
        &self,
        wanted: &DeclaredDependencies,
        cutoff: Option<Timestamp>,
        python: PythonVersion,
        cancel: &CancelToken,
    ) -> Result<Arc<Resolved>, EnvironmentError> {
        let question = question(wanted, python);
        if let Some(known) = self.answers.of_session(&question, cutoff) {
            return known;
        }
        let turn = self.turn(&format!("resolve {question} {cutoff:?}"));
        let _turn = turn.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = self.answers.of_session(&question, cutoff) {
            return known;
        }
        let answer = match self.answers.of_earlier(&question, cutoff) {
            Some(answer) => answer,
            None => self.resolve(wanted, cutoff, python, cancel),
        };
        if !matches!(answer, Err(EnvironmentError::Cancelled)) {
            self.answers.keep(&question, cutoff, &answer);
        }
        answer
    }

    /// Ask the resolver, and again as long as it answers with what is known not to build.
    fn resolve(
        &self,
        wanted: &DeclaredDependencies,
        cutoff: Option<Timestamp>,
        python: PythonVersion,
        cancel: &CancelToken,
    ) -> Result<Arc<Resolved>, EnvironmentError> {
        let path = self.pythons.get(python).ok_or_else(|| no_python(&python.to_string()))?;
        let mut without: Vec<String> = Vec::new();
        loop {
            let resolved = resolve(&self.uv, (path, python), wanted, cutoff, &without, cancel)?;
            let memory = self.memory();
            let known = resolved
                .packages
                .iter()
                .filter(|line| memory.unbuildable.contains(&(python, (*line).clone())));
            let found: Vec<String> = known.filter_map(|line| name_of(line)).collect();
            drop(memory);
            if found.iter().all(|name| without.contains(name)) {
                return Ok(Arc::new(resolved));
            }
            without.extend(found);
        }
    }

    /// Another choice, after a package could not be built; the same again when there is none.
    fn without(
        &self,
        package: &str,
        resolved: &Resolved,
        wanted: &DeclaredDependencies,
        cutoff: Option<Timestamp>,
        python: PythonVersion,
        cancel: &CancelToken,
    ) -> Result<Arc<Resolved>, EnvironmentError> {
        let lines = resolved.packages.iter().filter(|line| name_of(line).as_deref() == Some(package));
        self.memory().unbuildable.extend(lines.map(|line| (python, line.clone())));
        let answer = self.resolve(wanted, cutoff, python, cancel)?;
        self.answers.keep(&question(wanted, python), cutoff, &Ok(Arc::clone(&answer)));
        Ok(answer)
    }
}

/// What tells questions to the resolver apart, beside the date.
fn question(wanted: &DeclaredDependencies, python: PythonVersion) -> String {
    let parts = [&wanted.requirements, &wanted.tests, &wanted.constraints].map(|part| part.join("\n"));
    let least = wanted.least_pytest.as_ref().map_or("", |least| &least.version);
    digest(&[RULES, &parts[0], &parts[1], &parts[2], least, &python.to_string()])
}

/// A Python that all these versions admit, as of the earliest of them.
fn common_python(pythons: &InterpreterSet, ends: &[ProjectVersion<'_>]) -> Option<PythonVersion> {
    let earliest = ends.iter().min_by_key(|version| version.date)?;
    let hints: Vec<PythonHints> = ends.iter().map(|version| PythonHints::read(version.files)).collect();
    let first = PythonHints::read(earliest.files);
    let (choice, _) = pythons.choose(&first, earliest.date, None)?;
    let fits = |candidate: PythonVersion| {
        hints.iter().all(|hints| {
            let free = PythonHints { pin: None, ..hints.clone() };
            pythons
                .choose(&free, earliest.date, Some(candidate))
                .is_some_and(|(version, _)| version == candidate)
        })
    };
    std::iter::once(choice)
        .chain(pythons.versions().filter(|&version| version > choice))
        .find(|&version| fits(version))
}

fn no_python(version: &str) -> EnvironmentError {
    EnvironmentError::Failed(format!("there is no Python {version} here; name one that is with --python"))
}

/// The name of an environment: the same for all that hold the same.
fn environment_key(python: &Path, resolved: &Resolved, with_pip: bool) -> String {
    let python = python.to_string_lossy();
    let packages = resolved.packages.join("\n");
    digest(&["environment/3", &python, &packages, &resolved.options.join("\n"), &with_pip.to_string()])
}

fn digest(parts: &[&str]) -> String {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(&part.len().to_le_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.finalize().to_hex()[..24].to_owned()
}
