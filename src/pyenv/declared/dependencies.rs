//! All declarations of one version together.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use jiff::Timestamp;
use regex::Regex;

use super::extras::{Lists, followed};
use super::identity::EntryPoint;
use super::package_name::{name_of, normalised};
use super::project_files::ProjectFiles;
use super::requirements::{Lines, is_list};
use super::{identity, pipfile, pyproject};
use crate::model::beneath;

/// What the user chose, for every version alike.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InstallOptions {
    /// Requirements beside what the project declares.
    pub with: Vec<String>,
    /// Extras of the project; empty for those of its tests.
    pub extras: Vec<String>,
    /// Dependency groups; empty for those of its tests.
    pub groups: Vec<String>,
    /// A requirements file that takes the place of all that is declared: its name and content.
    pub requirements: Option<(String, String)>,
    /// Whether the command runs pytest, which is added then unless declared.
    pub runs_pytest: bool,
    /// The oldest pytest that knows the options in the command; `None` when any does.
    pub least_pytest: Option<LeastPytest>,
}

/// A version of pytest that the command needs, as it is the user's and of today.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeastPytest {
    /// The version.
    pub version: String,
    /// When this version of pytest was released.
    pub released: Timestamp,
    /// The option that it knows and older ones do not.
    pub option: String,
}

/// What one version of a project wants.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::pyenv) struct DeclaredDependencies {
    /// What it needs to run, and what the user adds.
    pub(in crate::pyenv) requirements: Vec<String>,
    /// What its tests need: left out when it cannot be had.
    pub(in crate::pyenv) tests: Vec<String>,
    /// Versions that hold where a package is needed.
    pub(in crate::pyenv) constraints: Vec<String>,
    /// The lock file that the constraints are from.
    pub(in crate::pyenv) lock: Option<String>,
    /// What was read, in words.
    pub(in crate::pyenv) sources: Vec<String>,
    /// Folders to import from, relative to the top, the first one first.
    pub(in crate::pyenv) source_folders: Vec<String>,
    /// The project's name.
    pub(in crate::pyenv) name: Option<String>,
    /// Its version, where it is written down.
    pub(in crate::pyenv) version: Option<String>,
    /// Its entry points.
    pub(in crate::pyenv) entry_points: BTreeSet<EntryPoint>,
    /// What the command needs; left out when it cannot be had.
    pub(in crate::pyenv) least_pytest: Option<LeastPytest>,
    /// What the user should know.
    pub(in crate::pyenv) notes: Vec<String>,
    /// The other projects of the tree that it depends on, whose source is on the path as well.
    pub(in crate::pyenv) beside: Vec<Self>,
    /// All its extras and groups, by name.
    pub(in crate::pyenv) extras: Lists,
    pub(in crate::pyenv) groups: Lists,
    /// Extras that an environment for tests asks for.
    pub(in crate::pyenv) asked_extras: BTreeSet<String>,
    /// Whether its `setup.py` has something to compile.
    pub(in crate::pyenv) builds: bool,
    /// Names of packages that are other projects of the tree.
    pub(in crate::pyenv) members: BTreeSet<String>,
}

/// What a version says about Python, without running anything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::pyenv) struct PythonHints {
    /// The content of `.python-version`, or of `runtime.txt`.
    pub(in crate::pyenv) pin: Option<String>,
    /// `requires-python`.
    pub(in crate::pyenv) requires: Option<String>,
    /// Minor versions of Python 3 in the classifiers.
    pub(in crate::pyenv) classifiers: BTreeSet<u32>,
}

impl PythonHints {
    pub(in crate::pyenv) fn read(files: &dyn ProjectFiles) -> Self {
        static REQUIRES: LazyLock<Option<Regex>> = LazyLock::new(|| {
            Regex::new(r#"python_requires\s*=\s*\(?\s*(?:['"]([^'"\n]+)['"]|([^'"\s][^\n]*))"#).ok()
        });
        static CLASSIFIER: LazyLock<Option<Regex>> =
            LazyLock::new(|| Regex::new(r"Programming Language :: Python :: 3\.(\d+)").ok());
        let texts: Vec<String> =
            ["pyproject.toml", "setup.cfg", "setup.py"].iter().filter_map(|path| files.read(path)).collect();
        let from_table = files.read("pyproject.toml").and_then(|text| pyproject::read(&text).requires_python);
        let written = || {
            let found = texts.iter().find_map(|text| REQUIRES.as_ref()?.captures(text))?;
            found.get(1).or_else(|| found.get(2)).map(|text| text.as_str().trim().to_owned())
        };
        let classifiers = texts
            .iter()
            .flat_map(|text| CLASSIFIER.iter().flat_map(|pattern| pattern.captures_iter(text)))
            .filter_map(|found| found[1].parse().ok())
            .collect();
        let pin = files.read(".python-version").or_else(|| files.read("runtime.txt"));
        let pin = pin.and_then(|text| text.split_whitespace().next().map(str::to_owned));
        let pin = pin.or_else(|| pipfile::read(&files.read("Pipfile")?).python);
        Self { pin, requires: from_table.or_else(written), classifiers }
    }
}

impl DeclaredDependencies {
    /// The same with these constraints: exact versions of the same packages give way to them.
    #[must_use]
    pub(in crate::pyenv) fn under(&self, constraints: &[String]) -> Self {
        let held: BTreeMap<String, &String> =
            constraints.iter().filter_map(|line| Some((name_of(line)?, line))).collect();
        let mut under = self.clone();
        let is_held = |line: &String| name_of(line).is_some_and(|name| held.contains_key(&name));
        under.constraints.retain(|line| !is_held(line));
        for line in under.requirements.iter_mut().chain(&mut under.tests) {
            let constraint = name_of(line).and_then(|name| held.get(&name).copied());
            if let Some(constraint) = constraint.filter(|_| line.contains("==")) {
                line.clone_from(constraint);
            }
        }
        under.constraints.extend(constraints.iter().cloned());
        under
    }

    /// Lists that the version declares and that were not chosen, each with where it stands.
    #[must_use]
    pub(in crate::pyenv) fn unchosen(&self, files: &dyn ProjectFiles) -> Vec<(String, Vec<String>)> {
        let own = self.name.as_deref().map(normalised);
        let mut all: Vec<(String, Vec<String>)> = Vec::new();
        for (what, lists) in [("the extra", &self.extras), ("the group", &self.groups)] {
            for (name, list) in lists {
                all.push((format!("{what} {name}"), followed(list, own.as_deref(), &self.extras)));
            }
        }
        for path in files.declaring().into_iter().filter(|path| is_list(path)) {
            let mut lines = Lines::default();
            lines.read(files, &path);
            all.push((path, lines.requirements));
        }
        let is_chosen = |line: &String| self.requirements.contains(line) || self.tests.contains(line);
        all.retain(|(_, list)| !list.iter().all(is_chosen));
        // What speaks of tests or of everything comes first.
        let is_likely =
            |name: &str| ["test", "dev", "all", "full", "ci"].iter().any(|word| name.contains(word));
        all.sort_by_key(|(place, _)| !is_likely(place));
        all
    }

    /// Whether nothing at all is declared.
    #[must_use]
    pub(in crate::pyenv) fn is_empty(&self) -> bool {
        self.sources.is_empty()
    }

    pub(super) fn names_one_of(&self, names: &[&str]) -> bool {
        let all = self.requirements.iter().chain(&self.tests);
        all.filter_map(|requirement| name_of(requirement)).any(|name| names.contains(&name.as_str()))
    }

    /// Take the name and the version that a file declares, where none is known yet. What is none is dropped.
    pub(in crate::pyenv) fn identify(&mut self, file: &str, name: Option<&str>, version: Option<&str>) {
        if let Some(text) = name.filter(|_| self.name.is_none()) {
            self.name = identity::name(text);
            if self.name.is_none() {
                let text = identity::beginning(text);
                self.notes.push(format!(
                    "{file} calls the project '{text}', which is no name of a package: its metadata and programs are left out"
                ));
            }
        }
        if let Some(text) = version.filter(|_| self.version.is_none()) {
            self.version = identity::version(text);
            if self.version.is_none() {
                let text = identity::beginning(text);
                self.notes.push(format!(
                    "{file} declares the version '{text}', which is none (PEP 440): taken as 0.0.0"
                ));
            }
        }
    }

    /// Add entry points, each a group and `name = module:attribute`. What does not follow the grammar is dropped.
    pub(in crate::pyenv) fn add_entry_points(&mut self, points: impl IntoIterator<Item = (String, String)>) {
        let mut dropped = Vec::new();
        for (group, line) in points {
            match EntryPoint::parse(&group, &line) {
                Some(point) => drop(self.entry_points.insert(point)),
                None => dropped.push(line),
            }
        }
        if let Some(first) = dropped.first() {
            self.notes.push(format!(
                "entry points that are not NAME = MODULE:ATTRIBUTE are left out: {} of them, such as '{}'",
                dropped.len(),
                identity::beginning(first)
            ));
        }
    }

    pub(super) fn source_folder(&mut self, folder: Option<String>) {
        let Some(folder) = folder else { return };
        let Some(inside) = beneath(folder.trim()) else {
            let folder = identity::beginning(&folder);
            self.notes.push(format!("the packages' folder '{folder}' is left out: it is not in the tree"));
            return;
        };
        let folder = inside.to_string_lossy().into_owned();
        if !self.source_folders.contains(&folder) {
            self.source_folders.insert(0, folder);
        }
    }

    /// Each requirement once; what names the project itself, or another of the tree, goes.
    pub(super) fn tidy(&mut self) {
        let own = self.name.as_deref().map(normalised);
        let mut seen = BTreeSet::new();
        for list in [&mut self.requirements, &mut self.tests, &mut self.constraints] {
            list.retain(|line| {
                let line = line.trim();
                let name = name_of(line);
                let is_there = name.as_ref().is_some_and(|name| self.members.contains(name));
                let is_own = own.is_some() && name == own;
                !line.is_empty() && !is_there && !is_own && seen.insert(line.to_owned())
            });
        }
    }
}
