//! Trials in the environment that their version declares, as it was in its day.
//!
//! Around the executor that runs them: before a trial its environment is made, if it is not there; what will
//! probably be needed next is made meanwhile, by a thread of its own.

use std::collections::HashMap;
use std::ffi::OsString;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Instant;

use jiff::Timestamp;

use super::declarations::{TreeFiles, TreeListing, date_of, listing, locked};
use super::local::{LocalExecutor, Seeder};
use super::{Executor, ExecutorError, Provided};
use crate::git::{GitError, Repository};
use crate::model::{
    CancelReason, CancelToken, Captured, CommitId, EnvironmentFacts, PackageDate, PackageOrigin,
    PackageSelection, Termination, Timing, TreeId, Trial, TrialOutput, TrialSpec,
};
use crate::pyenv::{Environment, EnvironmentError, Environments, ProjectVersion};

/// Runs trials in environments of their versions.
pub struct EnvironmentExecutor {
    inner: LocalExecutor,
    shared: Arc<Shared>,
    ahead: Mutex<Option<JoinHandle<()>>>,
    stop: CancelToken,
}

struct Shared {
    environments: Environments,
    objects: Mutex<Repository>,
    known: Mutex<Known>,
    seeder: Seeder,
}

#[derive(Default)]
struct Known {
    listings: HashMap<TreeId, Arc<TreeListing>>,
    dates: HashMap<CommitId, Timestamp>,
    facts: HashMap<(CommitId, TreeId), EnvironmentFacts>,
    seeded: Vec<PathBuf>,
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
        }
        if !known.seeded.contains(&environment.library) {
            known.seeded.push(environment.library.clone());
            drop(known);
            self.seeder.seed(std::slice::from_ref(&environment.library));
        }
        Ok(environment)
    }
}

impl EnvironmentExecutor {
    /// Around an executor. `objects` is a repository that has all trees of trials, composed ones too.
    #[must_use]
    pub fn new(inner: LocalExecutor, environments: Environments, objects: Repository) -> Self {
        let seeder = inner.seeder();
        let shared = Shared { environments, objects: Mutex::new(objects), known: Mutex::default(), seeder };
        Self { inner, shared: Arc::new(shared), ahead: Mutex::new(None), stop: CancelToken::new() }
    }
}

impl Drop for EnvironmentExecutor {
    fn drop(&mut self) {
        self.stop.cancel(CancelReason::Irrelevant);
        if let Some(ahead) = locked(&self.ahead).take() {
            // A panic there only means that environments are made when they are needed.
            drop(ahead.join());
        }
    }
}

impl Executor for EnvironmentExecutor {
    fn capacity(&self) -> usize {
        self.inner.capacity()
    }

    fn run(&self, trial: &Trial, cancel: &CancelToken) -> Result<TrialOutput, ExecutorError> {
        let started = Instant::now();
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
                let (stdout, stderr) = (Captured::default(), Captured::default());
                return Ok(TrialOutput { ending, stdout, stderr, timing, leftovers: 0, notes: Vec::new() });
            }
        };
        let mut recipe = TrialSpec::clone(&trial.recipe);
        inside(&mut recipe, &environment);
        let trial = Trial { recipe: Arc::new(recipe), ..trial.clone() };
        let mut output = self.inner.run(&trial, cancel)?;
        output.timing.setup_ms += took;
        Ok(output)
    }

    fn has_environments(&self) -> bool {
        true
    }

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

    fn prefetch(&self, versions: Vec<(CommitId, TreeId)>) {
        let mut ahead = locked(&self.ahead);
        if ahead.is_some() {
            return;
        }
        let shared = Arc::clone(&self.shared);
        let stop = self.stop.clone();
        *ahead = Some(std::thread::spawn(move || {
            for at in halves(versions.len()) {
                if stop.is_cancelled() {
                    return;
                }
                // What cannot be made is said when a trial needs it.
                drop(shared.prepare(versions[at], &PackageSelection::Own, &stop));
            }
        }));
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

/// The middle, the quarters, the eighths …: the order in which a search by halves may come to them.
fn halves(count: usize) -> Vec<usize> {
    let mut order = Vec::with_capacity(count);
    let whole: Range<usize> = 0..count;
    let mut level = vec![whole];
    while !level.is_empty() {
        let mut next = Vec::new();
        for range in level.into_iter().filter(|range| !range.is_empty()) {
            let middle = range.start + range.len() / 2;
            order.push(middle);
            next.extend([range.start..middle, middle + 1..range.end]);
        }
        level = next;
    }
    order
}

/// Let a recipe's command run in an environment, on the tree's own source.
fn inside(recipe: &mut TrialSpec, environment: &Environment) {
    let programs = environment.folder.join("bin");
    if let Some(program) = recipe.command.first_mut() {
        // An interpreter or a tool named by its path is meant as that of the environment, where it has one.
        let path = Path::new(program.as_os_str());
        let own = path.file_name().map(|name| programs.join(name));
        if let Some(own) = own.filter(|own| path.is_absolute() && own.is_file()) {
            *program = own.into_os_string();
        }
    }
    let path = recipe.environment.get(OsString::from("PATH").as_os_str()).cloned().unwrap_or_default();
    let path = std::iter::once(programs.clone()).chain(std::env::split_paths(&path));
    if let Ok(path) = std::env::join_paths(path) {
        recipe.environment.insert("PATH".into(), path);
    }
    recipe.environment.insert("VIRTUAL_ENV".into(), environment.folder.clone().into());
    recipe.environment.insert("PYTHONNOUSERSITE".into(), "1".into());
    for name in ["PYTHONHOME", "PYTHONUSERBASE"] {
        recipe.environment.remove(OsString::from(name).as_os_str());
    }
    recipe.visible.extend(environment.places());
    let name = "PYTHONPATH";
    let given = recipe.environment.remove(OsString::from(name).as_os_str()).unwrap_or_default();
    let mut folders = recipe.tree_paths.remove(name).unwrap_or_default();
    let given = std::env::split_paths(&given).filter(|folder| !folder.as_os_str().is_empty());
    // A relative folder is meant from where the command runs.
    let subdir = &recipe.subdir;
    folders.extend(given.map(|folder| if folder.is_relative() { subdir.join(folder) } else { folder }));
    folders.extend(environment.source_folders.iter().map(PathBuf::from));
    folders.push(environment.folder.join("project"));
    let mut seen = Vec::new();
    folders.retain(|folder| {
        let folder: PathBuf = folder.components().filter(|part| part.as_os_str() != ".").collect();
        !seen.contains(&folder) && {
            seen.push(folder);
            true
        }
    });
    recipe.tree_paths.insert(name.to_owned(), folders);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_come_in_the_order_of_a_search_and_all_of_them() {
        assert!(halves(0).is_empty());
        assert_eq!(halves(5), [2, 1, 4, 0, 3]);
        let mut all = halves(37);
        all.sort_unstable();
        assert_eq!(all, (0..37).collect::<Vec<_>>());
    }
}
