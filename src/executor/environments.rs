//! Trials in the environment that their version declares, as it was in its day.
//!
//! Around the executor that runs them, whichever it is: before a trial its environment is made, if it is not there, and
//! handed to that executor as data; what will probably be needed next is made meanwhile, by a thread of its own.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Instant;

use jiff::Timestamp;

use super::declarations::{TreeFiles, TreeListing, date_of, listing, locked};
use super::{CompiledModules, EnvironmentHost, Executor, ExecutorError, ExecutorFacts};
use super::{PackageSource, Provided, search_order};
use crate::git::{GitError, Repository};
use crate::model::{
    CancelReason, CancelToken, CommitId, EnvironmentFacts, PackageDate, PackageOrigin, PackageSelection,
    Termination, Timing, TreeId, Trial, TrialOutput, TrialPhase, TrialSpec,
};
use crate::pyenv::{Environment, EnvironmentError, Environments, ProjectVersion};

/// Runs trials in environments of their versions.
pub struct EnvironmentExecutor<E> {
    inner: E,
    shared: Arc<Shared>,
    ahead: Arc<Mutex<Ahead>>,
    stop: CancelToken,
}

/// What is made while trials run.
#[derive(Default)]
struct Ahead {
    waiting: VecDeque<(CommitId, TreeId)>,
    works: bool,
    threads: Vec<JoinHandle<()>>,
}

/// Environments that are made ahead, at most: by then the search has gone on.
const MOST_AHEAD: usize = 3;

struct Shared {
    environments: Environments,
    objects: Mutex<Repository>,
    known: Mutex<Known>,
    compiled: Arc<dyn CompiledModules>,
}

#[derive(Default)]
struct Known {
    listings: HashMap<TreeId, Arc<TreeListing>>,
    dates: HashMap<CommitId, Timestamp>,
    facts: HashMap<(CommitId, TreeId), EnvironmentFacts>,
    /// The environment of a version, and where its packages are.
    packages: HashMap<(CommitId, TreeId), (String, PathBuf)>,
    seeded: Vec<PathBuf>,
    /// Environments of which a trial has run: what it imported is compiled for the others.
    compiled: HashSet<String>,
}

impl Shared {
    fn listing(&self, tree: TreeId) -> Result<Arc<TreeListing>, GitError> {
        if let Some(known) = locked(&self.known).listings.get(&tree) {
            return Ok(Arc::clone(known));
        }
        let made = listing(&locked(&self.objects), tree, self.environments.folder())?;
        locked(&self.known).listings.insert(tree, Arc::clone(&made));
        Ok(made)
    }

    fn date(&self, commit: CommitId) -> Result<Timestamp, GitError> {
        if let Some(known) = locked(&self.known).dates.get(&commit) {
            return Ok(*known);
        }
        let date = date_of(locked(&self.objects).info(commit)?.commit_time);
        locked(&self.known).dates.insert(commit, date);
        Ok(date)
    }

    fn with_version<T>(
        &self,
        PackageOrigin { commit, tree, day }: PackageOrigin,
        with: impl FnOnce(ProjectVersion<'_>) -> Result<T, EnvironmentError>,
    ) -> Result<T, EnvironmentError> {
        let unreadable = |error: GitError| EnvironmentError::Failed(error.to_string());
        let listing = self.listing(tree).map_err(unreadable)?;
        let date = self.date(commit).map_err(unreadable)?;
        let files = TreeFiles::new(&self.objects, Arc::clone(&listing));
        with(ProjectVersion { files: &files, fingerprint: &listing.fingerprint, date, day })
    }

    fn prepare(
        &self,
        (commit, tree): (CommitId, TreeId),
        packages: &PackageSelection,
        cancel: &CancelToken,
    ) -> Result<Environment, EnvironmentError> {
        let own = PackageOrigin { commit, tree, day: PackageDate::Asked };
        let (origin, exactly) = origin_of(packages, own);
        let mut environment =
            self.with_version(origin, |version| self.environments.prepare(version, exactly, cancel))?;
        if (origin.commit, origin.tree) != (commit, tree) {
            // The packages are another version's, the source is not.
            let folders = self.with_version(own, |version| self.environments.source_folders(version, cancel));
            environment.source_folders = folders?;
        }
        let mut known = locked(&self.known);
        if *packages == PackageSelection::Own {
            known.facts.entry((commit, tree)).or_insert_with(|| environment.facts.clone());
            let packages = (environment.facts.key.clone(), environment.packages.clone());
            known.packages.entry((commit, tree)).or_insert(packages);
        }
        let places = [environment.library.clone(), environment.packages.clone()];
        let new: Vec<PathBuf> = places.into_iter().filter(|place| !known.seeded.contains(place)).collect();
        known.seeded.extend(new.iter().cloned());
        drop(known);
        if !new.is_empty() {
            self.compiled.seed(&new);
        }
        Ok(environment)
    }

    /// The folder of a version's packages, and what trials of this run imported of them; `None` before one has run in its
    /// environment.
    fn imported(&self, version: (CommitId, TreeId)) -> Option<(PathBuf, BTreeSet<PathBuf>)> {
        let folder = {
            let known = locked(&self.known);
            let (key, folder) = known.packages.get(&version)?;
            known.compiled.contains(key).then(|| folder.clone())?
        };
        let sources = self.compiled.compiled_below(&folder);
        Some((folder, sources))
    }

    /// Compile what trials imported of an environment's packages, for all that run later: each slot, and each later session,
    /// would do so for itself.
    fn compile_imported(&self, environment: &Environment, cancel: &CancelToken) {
        let sources = self.compiled.compiled_below(&environment.packages);
        if self.environments.compile(environment, &sources, cancel) {
            self.compiled.seed(std::slice::from_ref(&environment.packages));
        }
    }
}

impl<E: EnvironmentHost> EnvironmentExecutor<E> {
    /// Around an executor. `objects` is a repository that has all trees of trials, composed ones too.
    #[must_use]
    pub fn new(inner: E, environments: Environments, objects: Repository) -> Self {
        let compiled = inner.compiled_modules();
        let (objects, known) = (Mutex::new(objects), Mutex::default());
        let shared = Shared { environments, objects, known, compiled };
        Self { inner, shared: Arc::new(shared), ahead: Arc::default(), stop: CancelToken::new() }
    }
}

impl<E> Drop for EnvironmentExecutor<E> {
    fn drop(&mut self) {
        self.stop.cancel(CancelReason::Irrelevant);
        let threads = std::mem::take(&mut locked(&self.ahead).threads);
        for thread in threads {
            // A panic there only means that environments are made when they are needed.
            drop(thread.join());
        }
    }
}

impl<E: EnvironmentHost> Executor for EnvironmentExecutor<E> {
    fn facts(&self) -> ExecutorFacts {
        ExecutorFacts { prefetches: true, ..self.inner.facts() }
    }

    fn capacity(&self) -> usize {
        self.inner.capacity()
    }

    fn run(&self, trial: &Trial, cancel: &CancelToken) -> Result<TrialOutput, ExecutorError> {
        let started = Instant::now();
        trial.activity.enter(TrialPhase::Packages);
        let prepared = self.shared.prepare((trial.commit, trial.tree), &trial.recipe.packages, cancel);
        let took = started.elapsed().as_secs_f64() * 1e3;
        let environment = match prepared {
            Ok(environment) => environment,
            Err(unmade) => {
                let ending = match unmade {
                    EnvironmentError::Cancelled => Termination::Cancelled,
                    EnvironmentError::Failed(reason) | EnvironmentError::Unbuildable { why: reason, .. } => {
                        Termination::NoEnvironment { reason }
                    }
                };
                let timing = Timing { setup_ms: took, ..Timing::default() };
                return Ok(TrialOutput { timing, ..TrialOutput::without_run(ending) });
            }
        };
        let trial = Trial { environment: Some(Arc::new(environment.of_trials())), ..trial.clone() };
        let mut output = self.inner.run(&trial, cancel)?;
        output.timing.setup_ms += took;
        let is_first = locked(&self.shared.known).compiled.insert(environment.facts.key.clone());
        if is_first && matches!(output.ending, Termination::Exited { .. }) {
            let (shared, stop) = (Arc::clone(&self.shared), self.stop.clone());
            let thread = std::thread::spawn(move || shared.compile_imported(&environment, &stop));
            locked(&self.ahead).threads.push(thread);
        }
        Ok(output)
    }

    fn prefetch(&self, versions: &[(CommitId, TreeId)]) {
        let order = search_order(versions.len()).take(MOST_AHEAD);
        let mut ahead = locked(&self.ahead);
        // What was foreseen before is nobody's next step any more.
        ahead.waiting = order.map(|at| versions[at]).collect();
        if std::mem::replace(&mut ahead.works, true) {
            return;
        }
        let (shared, stop) = (Arc::clone(&self.shared), self.stop.clone());
        let queue = Arc::clone(&self.ahead);
        let thread = std::thread::spawn(move || {
            loop {
                let next = {
                    let mut ahead = locked(&queue);
                    let next = ahead.waiting.pop_front().filter(|_| !stop.is_cancelled());
                    ahead.works = next.is_some();
                    next
                };
                let Some(version) = next else { return };
                // What cannot be made is said when a trial needs it.
                drop(shared.prepare(version, &PackageSelection::Own, &stop));
            }
        });
        ahead.threads.push(thread);
    }
}

impl<E: EnvironmentHost> PackageSource for EnvironmentExecutor<E> {
    fn environment_key(&self, session: &str, commit: CommitId, tree: TreeId, recipe: &TrialSpec) -> String {
        let own = PackageOrigin { commit, tree, day: PackageDate::Asked };
        let (origin, exactly) = origin_of(&recipe.packages, own);
        let key = self.shared.with_version(origin, |version| Ok(self.shared.environments.key(version)));
        // A version that cannot be read has no outcome either.
        format!("{session} {} {exactly:?}", key.unwrap_or_default())
    }

    fn environment_of(&self, commit: CommitId, tree: TreeId) -> Option<EnvironmentFacts> {
        locked(&self.shared.known).facts.get(&(commit, tree)).cloned()
    }

    fn interpreter_of(&self, commit: CommitId, tree: TreeId, cancel: &CancelToken) -> Option<PathBuf> {
        let environment = self.shared.prepare((commit, tree), &PackageSelection::Own, cancel).ok()?;
        Some(environment.folder.join("bin").join("python"))
    }

    fn packages_of(&self, origin: PackageOrigin, cancel: &CancelToken) -> Option<Vec<String>> {
        let packages =
            self.shared.with_version(origin, |version| self.shared.environments.packages(version, cancel));
        packages.ok()
    }

    fn packages_under(
        &self,
        origin: PackageOrigin,
        constraints: &[String],
        cancel: &CancelToken,
    ) -> Option<Vec<String>> {
        let packages = self.shared.with_version(origin, |version| {
            self.shared.environments.packages_under(version, constraints, cancel)
        });
        packages.ok()
    }

    fn requirers_of(
        &self,
        origin: PackageOrigin,
        package: &str,
        cancel: &CancelToken,
    ) -> Vec<(String, Option<String>)> {
        let found = self
            .shared
            .with_version(origin, |version| self.shared.environments.requirers(version, package, cancel));
        found.unwrap_or_default().into_iter().map(|requirer| (requirer.name, requirer.extra)).collect()
    }

    fn has_module(&self, origin: PackageOrigin, module: &str, cancel: &CancelToken) -> Option<bool> {
        let has = self
            .shared
            .with_version(origin, |version| self.shared.environments.has_module(version, module, cancel));
        has.ok()
    }

    fn provider_of(&self, origin: PackageOrigin, module: &str, cancel: &CancelToken) -> Option<Provided> {
        let found = self
            .shared
            .with_version(origin, |version| self.shared.environments.provider_of(version, module, cancel));
        found.ok().flatten()
    }

    fn serves(&self, host: PackageOrigin, guest: PackageOrigin, cancel: &CancelToken) -> bool {
        let shared = &self.shared;
        let imported = shared.imported((host.commit, host.tree));
        let imported = imported.as_ref().map(|(folder, sources)| (folder.as_path(), sources));
        let serves = shared.with_version(host, |host| {
            shared.with_version(guest, |guest| shared.environments.serves(host, guest, imported, cancel))
        });
        // What cannot be read says so when it is needed itself.
        serves.unwrap_or_default()
    }

    fn add_packages(&self, lines: &[String]) {
        self.shared.environments.add(lines);
        locked(&self.shared.known).facts.clear();
    }

    fn package_cutoff(&self, origin: PackageOrigin) -> Option<i64> {
        let moment = self.shared.with_version(origin, |version| Ok(self.shared.environments.cutoff(version)));
        moment.ok().flatten().map(Timestamp::as_second)
    }

    fn resolve_with_pins(
        &self,
        origin: PackageOrigin,
        fixed: &[String],
        others: &[String],
        cancel: &CancelToken,
    ) -> Option<Vec<String>> {
        let packages = self.shared.with_version(origin, |version| {
            self.shared.environments.adapted(version, (fixed, others), cancel)
        });
        packages.ok()
    }

    fn versions_between(
        &self,
        origin: PackageOrigin,
        package: &str,
        (from, to): (&str, &str),
        cancel: &CancelToken,
    ) -> Vec<String> {
        let versions = self.shared.with_version(origin, |version| {
            self.shared.environments.versions_between(version, package, (from, to), cancel)
        });
        versions.unwrap_or_default()
    }
}

/// Whose declarations count for a trial's packages, and the exact ones when they are given.
fn origin_of(packages: &PackageSelection, own: PackageOrigin) -> (PackageOrigin, Option<&[String]>) {
    match packages {
        PackageSelection::Own => (own, None),
        PackageSelection::Of(origin) => (*origin, None),
        PackageSelection::Exactly { origin, packages } => (*origin, Some(packages)),
    }
}
