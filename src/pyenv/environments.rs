//! Environments for one session: resolved, made and handed out.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use super::declared::{Choice, ProjectFiles, PythonHints, Wanted};
use super::project_metadata::project_metadata;
use super::pythons::{Minor, Pythons};
use super::resolve::{Resolved, Unmade, build_options, one_version, resolve};
use super::store::{Held, Store};
use super::uv::Uv;
use crate::model::{CancelToken, Ending, EnvironmentFacts};

/// Versions of a package that are looked at between two of them, at most.
const MOST_VERSIONS: usize = 60;

/// As of when packages are chosen that are not pinned.
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
    pub choice: Choice,
    /// As of when.
    pub time: TimeTravel,
    /// The version of Python, when the user named one.
    pub python: Option<Minor>,
    /// Whether pip installs what was resolved, rather than uv.
    pub with_pip: bool,
    /// Bytes that all environments may take on disk.
    pub most_bytes: u64,
}

/// A version of the project that needs an environment.
#[derive(Clone, Copy)]
pub struct Version<'a> {
    /// Its files.
    pub files: &'a dyn ProjectFiles,
    /// The same for versions whose declaring files are the same.
    pub fingerprint: &'a str,
    /// The commit's date.
    pub date: Timestamp,
}

/// An environment, ready for trials. It is not evicted while this lives.
#[derive(Debug)]
pub struct Environment {
    /// What it is, for the report.
    pub facts: EnvironmentFacts,
    /// Its folder.
    pub folder: PathBuf,
    /// Folders of the tree to import from.
    pub source_folders: Vec<String>,
    /// The interpreter's own library, for its bytecode.
    pub library: PathBuf,
    _held: Held,
}

/// What came of a resolution, for a date.
type Dated = BTreeMap<Timestamp, Result<Arc<Resolved>, Unmade>>;

#[derive(Default)]
struct Memory {
    hints: HashMap<String, Arc<PythonHints>>,
    wanted: HashMap<(String, Minor), Arc<Wanted>>,
    resolved: HashMap<String, Dated>,
    failed: HashMap<String, String>,
    busy: HashMap<String, Arc<Mutex<()>>>,
}

/// The environments of one session.
pub struct Environments {
    policy: Policy,
    uv: Uv,
    pythons: Pythons,
    /// The version that the endpoints share; taken wherever it is admitted.
    common: Option<Minor>,
    store: Store,
    memory: Mutex<Memory>,
    answers: PathBuf,
}

impl Environments {
    /// Environments under a cache folder. `ends` are the versions that bound the range: one Python is sought that
    /// fits them all, so that commits differ by as little as possible.
    #[must_use]
    pub fn new(policy: Policy, uv: Uv, pythons: Pythons, cache: &Path, ends: &[Version<'_>]) -> Self {
        let folder = cache.join("environments");
        let store = Store::new(folder.join("made"), policy.most_bytes);
        let common = common_python(&pythons, ends);
        let answers = folder.join("resolved");
        Self { policy, uv, pythons, common, store, memory: Mutex::default(), answers }
    }

    /// What tells environments of different versions apart before anything is resolved.
    #[must_use]
    pub fn key(&self, fingerprint: &str, date: Timestamp) -> String {
        let choice = &self.policy.choice;
        let versions: Vec<String> = self.pythons.versions().map(|version| version.to_string()).collect();
        let date = match self.cutoff(date) {
            Some(date) => date.to_string(),
            // What today's packages are changes from day to day.
            None => Timestamp::now().strftime("%F").to_string(),
        };
        let python = self.policy.python.or(self.common);
        digest(&[fingerprint, &date, &format!("{choice:?} {python:?} {versions:?} {}", self.policy.with_pip)])
    }

    fn cutoff(&self, date: Timestamp) -> Option<Timestamp> {
        match self.policy.time {
            TimeTravel::Own => Some(date),
            TimeTravel::Fixed(date) => Some(date),
            TimeTravel::Today => None,
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
        version: Version<'_>,
        exactly: Option<&[String]>,
        cancel: &CancelToken,
    ) -> Result<Environment, Unmade> {
        let (python, because) = self.python(version)?;
        let wanted = self.wanted(version, python, cancel)?;
        let resolved = self.resolved(&wanted, version.date, python, cancel)?;
        let resolved = match exactly {
            Some(packages) => Arc::new(Resolved {
                packages: packages.to_vec(),
                options: resolved.options.clone(),
                notes: Vec::new(),
            }),
            None => resolved,
        };
        let path = self.pythons.get(python).ok_or_else(|| no_python(&python.to_string()))?;
        let key = environment_key(path, &resolved, &wanted, self.policy.with_pip);
        let held = self.made(&key, (path, python), &resolved, &wanted, version.date, cancel)?;
        let library = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let library = library.parent().and_then(Path::parent).unwrap_or(Path::new("/"));
        let notes = wanted.notes.iter().chain(&resolved.notes).cloned().collect();
        let sources =
            if wanted.is_empty() { vec!["nothing declared".to_owned()] } else { wanted.sources.clone() };
        Ok(Environment {
            facts: EnvironmentFacts {
                python: python.to_string(),
                because,
                as_of: self.cutoff(version.date).map(|date| date.to_string()),
                sources,
                packages: resolved.packages.clone(),
                notes,
                key: key.clone(),
            },
            folder: self.store.path(&key),
            source_folders: wanted.source_folders.clone(),
            library: library.join("lib").join(format!("python{python}")),
            _held: held,
        })
    }

    /// The exact packages of a version.
    ///
    /// # Errors
    /// When they cannot be had.
    pub fn packages(&self, version: Version<'_>, cancel: &CancelToken) -> Result<Vec<String>, Unmade> {
        let (python, _) = self.python(version)?;
        let wanted = self.wanted(version, python, cancel)?;
        Ok(self.resolved(&wanted, version.date, python, cancel)?.packages.clone())
    }

    /// The versions of a package after one and before another, oldest first, as of a version's date.
    ///
    /// # Errors
    /// When nobody needs them any more.
    pub fn versions_between(
        &self,
        version: Version<'_>,
        package: &str,
        (from, to): (&str, &str),
        cancel: &CancelToken,
    ) -> Result<Vec<String>, Unmade> {
        let (python, _) = self.python(version)?;
        let path = self.pythons.get(python).ok_or_else(|| no_python(&python.to_string()))?;
        let mut found: Vec<String> = Vec::new();
        while found.len() < MOST_VERSIONS {
            let below = found.last().map_or(to, String::as_str);
            let wanted = format!("{package}>{from},<{below}");
            match one_version(&self.uv, path, &wanted, self.cutoff(version.date), cancel) {
                Ok(Some(version)) => found.push(version),
                Ok(None) => break,
                Err(unmade) => return Err(unmade),
            }
        }
        found.reverse();
        Ok(found)
    }

    /// The folders that a version's source is imported from.
    ///
    /// # Errors
    /// When there is no Python to read its declarations with.
    pub fn source_folders(&self, version: Version<'_>, cancel: &CancelToken) -> Result<Vec<String>, Unmade> {
        let (python, _) = self.python(version)?;
        Ok(self.wanted(version, python, cancel)?.source_folders.clone())
    }

    fn python(&self, version: Version<'_>) -> Result<(Minor, String), Unmade> {
        if let Some(python) = self.policy.python {
            return Ok((python, "--python".to_owned()));
        }
        let known = self.memory().hints.get(version.fingerprint).cloned();
        let hints = known.unwrap_or_else(|| {
            let hints = Arc::new(PythonHints::read(version.files));
            self.memory().hints.insert(version.fingerprint.to_owned(), Arc::clone(&hints));
            hints
        });
        let date = self.cutoff(version.date).unwrap_or_else(Timestamp::now);
        self.pythons.choose(&hints, date, self.common).ok_or_else(|| no_python("3.6 or later"))
    }

    fn wanted(
        &self,
        version: Version<'_>,
        python: Minor,
        cancel: &CancelToken,
    ) -> Result<Arc<Wanted>, Unmade> {
        let turn = self.turn(&format!("wanted {} {python}", version.fingerprint));
        let _turn = turn.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (version.fingerprint.to_owned(), python);
        if let Some(known) = self.memory().wanted.get(&key) {
            return Ok(Arc::clone(known));
        }
        let path = self.pythons.get(python).ok_or_else(|| no_python(&python.to_string()))?;
        let wanted = Arc::new(Wanted::read(version.files, &self.policy.choice, path, cancel));
        if cancel.is_cancelled() {
            return Err(Unmade::Cancelled);
        }
        self.memory().wanted.insert(key, Arc::clone(&wanted));
        Ok(wanted)
    }

    fn resolved(
        &self,
        wanted: &Wanted,
        date: Timestamp,
        python: Minor,
        cancel: &CancelToken,
    ) -> Result<Arc<Resolved>, Unmade> {
        let cutoff = self.cutoff(date);
        let parts = [&wanted.requirements, &wanted.tests, &wanted.constraints];
        let lines: Vec<String> = parts.map(|part| part.join("\n")).to_vec();
        let question = digest(&[&lines[0], &lines[1], &lines[2], &python.to_string()]);
        // For a moment's packages there is one answer in a session.
        let at = cutoff.unwrap_or(Timestamp::MIN);
        if let Some(known) = self.memory().resolved.get(&question).and_then(|dated| known_at(dated, at)) {
            return known;
        }
        let turn = self.turn(&format!("resolve {question} {at}"));
        let _turn = turn.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = self.memory().resolved.get(&question).and_then(|dated| known_at(dated, at)) {
            return known;
        }
        let file = cutoff.map(|date| self.answers.join(format!("{question}-{}.json", date.as_second())));
        let earlier = file.as_ref().and_then(|file| serde_json::from_slice(&fs::read(file).ok()?).ok());
        let answer = match earlier {
            Some(resolved) => Ok(Arc::new(resolved)),
            None => {
                let path = self.pythons.get(python).ok_or_else(|| no_python(&python.to_string()))?;
                resolve(&self.uv, (path, python), wanted, cutoff, cancel).map(Arc::new)
            }
        };
        if matches!(answer, Err(Unmade::Cancelled)) {
            return answer;
        }
        if let (Ok(resolved), Some(file)) = (&answer, file)
            && let Ok(text) = serde_json::to_vec(resolved.as_ref())
        {
            // An answer that is not kept is found again.
            drop(fs::create_dir_all(&self.answers).and_then(|()| fs::write(file, text)));
        }
        self.memory().resolved.entry(question).or_default().insert(at, answer.clone());
        answer
    }

    fn made(
        &self,
        key: &str,
        python: (&Path, Minor),
        resolved: &Resolved,
        wanted: &Wanted,
        date: Timestamp,
        cancel: &CancelToken,
    ) -> Result<Held, Unmade> {
        let machine = |error: &std::io::Error| Unmade::machine(error);
        if let Some(why) = self.memory().failed.get(key) {
            return Err(Unmade::Failed(why.clone()));
        }
        loop {
            if let Some(held) = self.store.hold(key).map_err(|error| machine(&error))? {
                self.store.touch(key);
                return Ok(held);
            }
            let made = self.store.make(key, machine, |folder| {
                self.install(folder, python, resolved, self.cutoff(date), cancel)?;
                project_metadata(folder, wanted).map_err(|error| machine(&error))
            });
            match made {
                // A cache that cannot be tidied is still a cache.
                Ok(true) => drop(self.store.evict(key)),
                Ok(false) => {}
                Err(Unmade::Cancelled) => return Err(Unmade::Cancelled),
                Err(Unmade::Failed(why)) => {
                    self.memory().failed.insert(key.to_owned(), why.clone());
                    return Err(Unmade::Failed(why));
                }
            }
        }
    }

    fn install(
        &self,
        folder: &Path,
        (python, version): (&Path, Minor),
        resolved: &Resolved,
        date: Option<Timestamp>,
        cancel: &CancelToken,
    ) -> Result<(), Unmade> {
        let own = folder.join("bin/python");
        let check = |what: &str, outcome: std::io::Result<crate::process::ChildOutcome>| {
            let outcome = outcome.map_err(|error| Unmade::machine(&error))?;
            match outcome.ending {
                Ending::Exited { code: 0 } => Ok(()),
                Ending::Cancelled => Err(Unmade::Cancelled),
                _ => Err(Unmade::said(what, &outcome.stderr, &outcome.stdout)),
            }
        };
        let text = |path: &Path| path.as_os_str().to_owned();
        if self.policy.with_pip {
            let outcome = self.uv.run_other(python, ["-m".into(), "venv".into(), text(folder)], cancel);
            check("no virtual environment", outcome)?;
        } else {
            let words = ["venv", "--quiet", "--no-project", "--python"].map(Into::into);
            let outcome = self.uv.run(words.into_iter().chain([text(python), text(folder)]), cancel);
            check("no virtual environment", outcome)?;
        }
        if resolved.packages.is_empty() {
            return Ok(());
        }
        let list = folder.join("pybisect-packages.txt");
        let lines = [resolved.options.as_slice(), &resolved.packages].concat().join("\n");
        fs::write(&list, lines).map_err(|error| Unmade::machine(&error))?;
        if self.policy.with_pip {
            let words = ["-m", "pip", "install", "--quiet", "--no-deps", "-r"].map(Into::into);
            check(
                "cannot be installed",
                self.uv.run_other(&own, words.into_iter().chain([text(&list)]), cancel),
            )
        } else {
            let mut words: Vec<std::ffi::OsString> =
                ["pip", "sync", "--quiet", "--python"].map(Into::into).to_vec();
            words.push(text(&own));
            words.extend(build_options(date, version));
            words.push(text(&list));
            check("cannot be installed", self.uv.run(words, cancel))
        }
    }
}

/// What is known for a date: it was asked before, or the answers for an earlier and a later date are the same. What
/// there was to choose from only grows, so the best choice from more that was there already is also the best from less.
fn known_at(dated: &Dated, at: Timestamp) -> Option<Result<Arc<Resolved>, Unmade>> {
    if let Some(known) = dated.get(&at) {
        return Some(known.clone());
    }
    let (_, before) = dated.range(..at).next_back()?;
    let (_, after) = dated.range(at..).next()?;
    match (before, after) {
        (Ok(before), Ok(after)) if before.packages == after.packages => Some(Ok(Arc::clone(before))),
        (Err(Unmade::Failed(_)), Err(Unmade::Failed(_))) => Some(after.clone()),
        _ => None,
    }
}

/// A Python that all these versions admit, as of the earliest of them.
fn common_python(pythons: &Pythons, ends: &[Version<'_>]) -> Option<Minor> {
    let earliest = ends.iter().min_by_key(|version| version.date)?;
    let hints: Vec<PythonHints> = ends.iter().map(|version| PythonHints::read(version.files)).collect();
    let first = PythonHints::read(earliest.files);
    let (choice, _) = pythons.choose(&first, earliest.date, None)?;
    let fits = |candidate: Minor| {
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

fn no_python(version: &str) -> Unmade {
    Unmade::Failed(format!("there is no Python {version} here; name one that is with --python"))
}

/// The name of an environment: the same for all that hold the same.
fn environment_key(python: &Path, resolved: &Resolved, wanted: &Wanted, with_pip: bool) -> String {
    let project = format!("{:?} {:?} {:?} {with_pip}", wanted.name, wanted.version, wanted.entry_points);
    let python = python.to_string_lossy();
    digest(&["environment/1", &python, &resolved.packages.join("\n"), &resolved.options.join("\n"), &project])
}

fn digest(parts: &[&str]) -> String {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(&part.len().to_le_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.finalize().to_hex()[..24].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_between_equal_answers_has_the_same() {
        let at = |day: i64| Timestamp::from_second(day * 86_400).unwrap();
        let some = |version: &str| {
            Ok(Arc::new(Resolved { packages: vec![format!("flask=={version}")], ..Resolved::default() }))
        };
        let failed = || Err(Unmade::Failed("no".to_owned()));
        let dated =
            Dated::from([(at(1), some("1")), (at(9), some("1")), (at(20), some("2")), (at(30), failed())]);
        assert_eq!(known_at(&dated, at(5)), Some(some("1")));
        assert_eq!(known_at(&dated, at(20)), Some(some("2")));
        assert_eq!(known_at(&dated, at(15)), None);
        assert_eq!(known_at(&dated, at(25)), None);
        assert_eq!(known_at(&dated, at(40)), None);
    }
}
