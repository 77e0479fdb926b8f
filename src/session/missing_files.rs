//! What trials lack: files of the user's work tree and home that no commit has, and of which the failure speaks.
//!
//! Trials run commits, so a `settings_local.py` or an `.env` that git ignores is not there. Then every commit fails,
//! and in the same way, which says nothing of the code. Where an end of the range is not what it should be, such files
//! are looked for, and one more run with them laid over tells whether they were the cause.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::OverlayFile;
use super::error::EarlyExit;
use super::state::Session;
use crate::git::WorkState;
use crate::model::trial::HomeFile;
use crate::model::{CommitId, Conclusion, Termination, TrialKind, TrialOutput, TrialSpec, Verdict};
use crate::triage::mentions::{Mentions, mentions};
use crate::triage::{CommandFacts, Oracle as _, Target, TargetOracle};

/// A larger file is not laid over unasked.
const LARGEST: u64 = 4 << 20;
/// A file with settings is not larger.
const LARGEST_SETTINGS: u64 = 64 << 10;
/// More files than these are not tried.
const MOST: usize = 40;

/// A file that trials lack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lack {
    /// From the top of the work tree, or from the home.
    path: PathBuf,
    /// How it stands to `HEAD`; `None` for one of the home.
    state: Option<WorkState>,
}

impl Lack {
    fn shown(&self) -> String {
        let path = self.path.display();
        if self.state.is_some() { path.to_string() } else { format!("~/{path}") }
    }

    fn words(&self) -> String {
        match self.state {
            Some(state) => format!("{} (in your work tree, {})", self.shown(), state.words()),
            None => format!("{} (in your home)", self.shown()),
        }
    }

    fn option(&self) -> String {
        match self.state {
            Some(_) => format!("--with-file {}", self.shown()),
            None => format!("--with-file {0}:'{0}'", self.shown()),
        }
    }
}

impl Session<'_> {
    /// Files that a failure speaks of, that the work tree or the home has, and the commit's tree has not.
    pub(super) fn lacks(&self, commit: CommitId, output: &TrialOutput) -> Vec<Lack> {
        let Some(top) = self.workshop.repository.workdir() else { return Vec::new() };
        let spoken = mentions(output);
        let mut paths = self.paths_of(&spoken);
        paths.extend(self.files_with_settings(top, &spoken.settings));
        let mut lacks: Vec<Lack> = Vec::new();
        for path in paths {
            if let Some(state) = self.lacking(commit, &path) {
                lacks.push(Lack { path, state: Some(state) });
            }
        }
        if let Some(home) = std::env::home_dir() {
            for path in spoken.in_home.iter().map(PathBuf::from) {
                let is_plain = path.components().all(|part| matches!(part, std::path::Component::Normal(_)));
                let has =
                    home.join(&path).metadata().is_ok_and(|facts| facts.is_file() && facts.len() <= LARGEST);
                let is_given = self.plan.recipe.home.iter().any(|file| Path::new(&file.path) == path);
                if is_plain && has && !is_given {
                    lacks.push(Lack { path, state: None });
                }
            }
        }
        lacks.truncate(MOST);
        lacks
    }

    /// Paths from the top that names may mean.
    fn paths_of(&self, spoken: &Mentions) -> BTreeSet<PathBuf> {
        let bases = ["", "src", "lib"].map(PathBuf::from);
        let bases = || bases.iter().chain(std::iter::once(&self.plan.recipe.subdir));
        let mut paths = BTreeSet::new();
        for name in &spoken.paths {
            paths.extend(bases().map(|base| base.join(name)));
        }
        for module in &spoken.modules {
            let file = module.replace('.', "/");
            for base in bases() {
                paths.insert(base.join(format!("{file}.py")));
                paths.insert(base.join(&file).join("__init__.py"));
            }
        }
        let is_plain = |path: &PathBuf| {
            !path.as_os_str().is_empty()
                && !path.starts_with(".git")
                && path.components().all(|part| matches!(part, std::path::Component::Normal(_)))
        };
        paths.into_iter().filter(is_plain).collect()
    }

    /// Files at the top, and where the command runs, that set what a failure names: `DB_URL=…` in an `.env`.
    fn files_with_settings(&self, top: &Path, settings: &BTreeSet<String>) -> Vec<PathBuf> {
        if settings.is_empty() {
            return Vec::new();
        }
        let is_of_settings = |name: &str| {
            let ends = [".env", ".ini", ".cfg", ".toml", ".json", ".yaml", ".yml", ".conf"];
            let is_local = ["local", "secret", "config", "settings"].iter().any(|word| name.contains(word));
            name.starts_with(".env")
                || name == ".flaskenv"
                || ends.iter().any(|end| name.ends_with(end))
                || is_local
        };
        let sets = |text: &str| {
            text.lines().any(|line| {
                let line = line.trim_start().trim_start_matches("export ").trim_start_matches(['"', '\'']);
                settings.iter().any(|name| {
                    line.strip_prefix(name.as_str()).is_some_and(|rest| {
                        rest.trim_start_matches(['"', '\'']).trim_start().starts_with(['=', ':'])
                    })
                })
            })
        };
        let mut found = Vec::new();
        for folder in BTreeSet::from([PathBuf::new(), self.plan.recipe.subdir.clone()]) {
            let entries = std::fs::read_dir(top.join(&folder)).into_iter().flatten().flatten();
            for entry in entries {
                let name = entry.file_name().to_string_lossy().to_lowercase();
                let is_small =
                    entry.metadata().is_ok_and(|facts| facts.is_file() && facts.len() <= LARGEST_SETTINGS);
                let read = || std::fs::read(entry.path()).unwrap_or_default();
                if is_small && is_of_settings(&name) && sets(&String::from_utf8_lossy(&read())) {
                    found.push(folder.join(entry.file_name()));
                }
            }
        }
        found
    }

    /// How a file stands that trials of a commit lack; `None` for one that they have. The code under test is never
    /// lacking, though it was changed since.
    fn lacking(&self, commit: CommitId, path: &Path) -> Option<WorkState> {
        let repository = self.workshop.repository;
        let state = repository.work_state(path)?;
        if self.plan.overlay.iter().any(|file| Path::new(&file.path) == path) {
            return None;
        }
        let top = repository.workdir()?;
        if top.join(path).metadata().map_or(u64::MAX, |facts| facts.len()) > LARGEST {
            return None;
        }
        let is_there = repository.file_at(commit, path).ok()?.is_some();
        let is_python = path.extension().is_some_and(|end| end == "py");
        match state {
            WorkState::Committed => None,
            WorkState::Changed => (!is_python && is_there).then_some(state),
            WorkState::Untracked | WorkState::Ignored => (!is_there).then_some(state),
        }
    }

    /// Whether files may be laid over that the user did not name: what is not meant for the network must not come to
    /// where there is one.
    fn may_try(&self) -> bool {
        let isolation = &self.plan.isolation;
        !isolation.is_any() || isolation.network != "host"
    }

    /// A conclusion when a trial failed for want of a file of the work tree or the home: tried once with it.
    pub(super) fn for_want_of_files(
        &mut self,
        commit: CommitId,
        output: &TrialOutput,
        seen: &str,
    ) -> Result<Option<Conclusion>, EarlyExit> {
        let passes = output.ending == Termination::Exited { code: 0 };
        let lacks = self.lacks(commit, output);
        if passes || lacks.is_empty() {
            return Ok(None);
        }
        let files: Vec<String> = lacks.iter().map(Lack::words).collect();
        let options: Vec<String> = lacks.iter().map(Lack::option).collect();
        let one = if lacks.len() == 1 { "it" } else { "them" };
        let (tried, is_cause) = if self.may_try() {
            match self.try_with(commit, &lacks, output)? {
                Some(came) => (came, true),
                None => (String::new(), false),
            }
        } else {
            (format!("not tried with {one}, since trials have the network"), true)
        };
        if !is_cause {
            return Ok(None);
        }
        let (are, files) = (if lacks.len() == 1 { "is" } else { "are" }, files.join(", "));
        let reason = format!("{files} {are} in no commit, and trials run commits: {tried}; {seen}");
        Ok(Some(Conclusion::NotReproduced { reason, hint: Some(options.join(" ")) }))
    }

    /// What came of a run with the files; `None` when it ended as before.
    fn try_with(
        &mut self,
        commit: CommitId,
        lacks: &[Lack],
        before: &TrialOutput,
    ) -> Result<Option<String>, EarlyExit> {
        let (overlay, home) = self.read_lacks(lacks);
        let tree = self.trials.tree_of(commit)?;
        let files: Vec<(String, Vec<u8>, bool)> =
            overlay.into_iter().map(|file| (file.path, file.content, file.executable)).collect();
        let tree = if files.is_empty() { tree } else { self.workshop.shadow.with_overlay(tree, &files)? };
        let mut recipe = TrialSpec::clone(self.trials.recipe());
        recipe.home.extend(home);
        let after = self.run_aside(commit, tree, recipe)?;
        let command = CommandFacts::of(&self.plan.recipe.command);
        let judge = |output: &TrialOutput| TargetOracle::new(Target::AnyFailure, command).judge(output);
        let failure =
            |output: &TrialOutput| crate::triage::read(output, &command).failures.into_iter().next();
        let one = if lacks.len() == 1 { "it" } else { "them" };
        Ok(match judge(&after) {
            Verdict::Good => Some(format!("with {one}, the command passes at {} (tried)", commit.short())),
            verdict => {
                let (old, new) = (failure(before), failure(&after));
                let same = match (&old, &new) {
                    (Some(old), Some(new)) => {
                        crate::triage::same_failure(old, new) && old.message == new.message
                    }
                    (None, None) => judge(before) == verdict,
                    _ => false,
                };
                let what = new.map_or_else(|| verdict.to_string(), |failure| failure.to_string());
                let what = what.lines().next().unwrap_or_default().to_owned();
                (!same).then(|| format!("with {one}, it fails otherwise (tried): {what}"))
            }
        })
    }

    fn read_lacks(&self, lacks: &[Lack]) -> (Vec<OverlayFile>, Vec<HomeFile>) {
        let (mut overlay, mut home) = (Vec::new(), Vec::new());
        let top = self.workshop.repository.workdir().map(Path::to_owned).unwrap_or_default();
        for lack in lacks {
            let Some(path) = lack.path.to_str().map(str::to_owned) else { continue };
            let place = if lack.state.is_some() { Some(top.clone()) } else { std::env::home_dir() };
            let Some(file) = place.map(|place| place.join(&lack.path)) else { continue };
            let Ok(content) = std::fs::read(&file) else { continue };
            if lack.state.is_some() {
                let executable = file.metadata().is_ok_and(|facts| facts.permissions().mode() & 0o111 != 0);
                overlay.push(OverlayFile { path, content, executable });
            } else {
                home.push(HomeFile { path, content });
            }
        }
        (overlay, home)
    }

    /// One run beside the search; what else comes to an end meanwhile is kept for it.
    pub(super) fn run_aside(
        &mut self,
        commit: CommitId,
        tree: crate::model::TreeId,
        recipe: TrialSpec,
    ) -> Result<TrialOutput, EarlyExit> {
        let mut others = Vec::new();
        let id = self.trials.start_recipe(commit, tree, TrialKind::Narrowing, recipe)?;
        self.say_started(id, commit, TrialKind::Narrowing)?;
        loop {
            match self.trials.wait(None)? {
                Some(done) if done.id == id => {
                    let command = CommandFacts::of(&self.plan.recipe.command);
                    let verdict = TargetOracle::new(Target::AnyFailure, command).judge(&done.output);
                    self.say_finished(&done, &verdict, None, None)?;
                    self.trials.put_back(others);
                    return Ok(done.output);
                }
                Some(other) => others.push(other),
                None => return Err(EarlyExit::Interrupted),
            }
        }
    }
}
