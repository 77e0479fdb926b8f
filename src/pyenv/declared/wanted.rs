//! All declarations of one version together.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::LazyLock;

use jiff::Timestamp;
use regex::Regex;

use super::identity::{self, EntryPoint};
use super::names::{name_of, normalised};
use super::pipfile::{self, Pipfile};
use super::project::ProjectFiles;
use super::pyproject::{self, Pyproject};
use super::requirements::{Lines, Role, role};
use super::{lock, setup_cfg, setup_py, tox};
use crate::model::{CancelToken, beneath};
use crate::process::sandbox::Sandbox;

/// Extras and groups that are taken when none is named: what tests need.
const TEST_EXTRAS: [&str; 3] = ["test", "tests", "testing"];
const TEST_GROUPS: [&str; 4] = ["test", "tests", "testing", "dev"];
/// Lock files in TOML; the first that is there counts.
const LOCKS: [&str; 4] = ["uv.lock", "poetry.lock", "pdm.lock", "pylock.toml"];

/// What the user chose, for every version alike.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Choice {
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
    /// When it was there.
    pub released: Timestamp,
    /// The option that it knows and older ones do not.
    pub option: String,
}

/// What one version of a project wants.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::pyenv) struct Wanted {
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

impl Wanted {
    /// Read everything that a version declares. `python` runs its `setup.py`, when it has one.
    #[must_use]
    pub(in crate::pyenv) fn read(
        files: &dyn ProjectFiles,
        choice: &Choice,
        (python, sandbox): (&Path, Option<&Sandbox>),
        cancel: &CancelToken,
    ) -> Self {
        let mut wanted = Self { source_folders: vec![String::new()], ..Self::default() };
        if let Some((name, text)) = &choice.requirements {
            let mut lines = Lines::default();
            lines.add(files, name, text, false, 0);
            wanted.take(lines, false);
            wanted.sources.push(name.clone());
        } else {
            wanted.read_lists(files);
            wanted.read_pyproject(files, choice);
            wanted.read_setup_cfg(files, choice);
            wanted.read_setup_py(files, choice, (python, sandbox), cancel);
            if wanted.tests.is_empty() {
                wanted.read_tox(files);
            }
            wanted.read_locks(files);
        }
        if wanted.source_folders == [String::new()]
            && files.packages().iter().any(|package| package.starts_with("src/"))
        {
            wanted.source_folders.insert(0, "src".to_owned());
        }
        wanted.requirements.extend(choice.with.iter().cloned());
        wanted.tidy();
        if choice.runs_pytest && !wanted.names_one_of(&["pytest"]) {
            wanted.requirements.push("pytest".to_owned());
            wanted.notes.push("pytest is not declared; it is added, as the command runs it".to_owned());
        }
        wanted.least_pytest = choice.least_pytest.clone().filter(|_| choice.runs_pytest);
        wanted
    }

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

    /// Whether nothing at all is declared.
    #[must_use]
    pub(in crate::pyenv) fn is_empty(&self) -> bool {
        self.sources.is_empty()
    }

    fn names_one_of(&self, names: &[&str]) -> bool {
        let all = self.requirements.iter().chain(&self.tests);
        all.filter_map(|requirement| name_of(requirement)).any(|name| names.contains(&name.as_str()))
    }

    fn take(&mut self, lines: Lines, is_test: bool) {
        let place = if is_test { &mut self.tests } else { &mut self.requirements };
        place.extend(lines.requirements);
        self.constraints.extend(lines.constraints);
    }

    /// Requirements files. Of two with the same stem, `x.txt` is what `x.in` was resolved to.
    fn read_lists(&mut self, files: &dyn ProjectFiles) {
        let paths = files.declaring();
        let has_txt = |path: &str| {
            let stem = path.trim_end_matches(".in");
            path.ends_with(".in") && paths.iter().any(|other| *other == format!("{stem}.txt"))
        };
        let roles: Vec<(Role, &String)> = paths
            .iter()
            .filter(|path| !has_txt(path))
            .filter_map(|path| role(path).map(|role| (role, path)))
            .collect();
        let has_tests = roles.iter().any(|(role, _)| *role == Role::Test);
        for (role, path) in roles {
            if role == Role::Development && has_tests {
                continue;
            }
            let mut lines = Lines::default();
            lines.read(files, path);
            self.take(lines, role != Role::Runtime);
            self.sources.push(path.clone());
        }
    }

    fn read_pyproject(&mut self, files: &dyn ProjectFiles, choice: &Choice) {
        let Some(text) = files.read("pyproject.toml") else { return };
        let Pyproject {
            name,
            version,
            dependencies,
            extras,
            groups,
            entry_points,
            dependency_files,
            source_folder,
            indexes,
            declares,
            ..
        } = pyproject::read(&text);
        if !declares {
            return;
        }
        self.sources.push("pyproject.toml".to_owned());
        self.requirements.extend(indexes);
        self.requirements.extend(dependencies);
        for path in dependency_files {
            let mut lines = Lines::default();
            lines.read(files, &path);
            self.take(lines, false);
        }
        self.extras(extras.iter(), choice);
        let chosen = chosen(&choice.groups, &TEST_GROUPS, groups.keys());
        for name in chosen {
            let list = groups.get(&name).into_iter().flatten().cloned();
            if choice.groups.is_empty() { self.tests.extend(list) } else { self.requirements.extend(list) }
        }
        self.identify("pyproject.toml", name.as_deref(), version.as_deref());
        self.add_entry_points(entry_points);
        self.source_folder(source_folder);
    }

    fn read_setup_cfg(&mut self, files: &dyn ProjectFiles, choice: &Choice) {
        let Some(text) = files.read("setup.cfg") else { return };
        let sections = setup_cfg::read(&text);
        let lines = |section: &str, key: &str| {
            sections.get(section).and_then(|keys| keys.get(key)).cloned().unwrap_or_default()
        };
        self.identify("setup.cfg", lines("metadata", "name").pop().as_deref(), None);
        if !sections.contains_key("options") {
            return;
        }
        self.sources.push("setup.cfg".to_owned());
        self.requirements.extend(setup_cfg::requirements(&lines("options", "install_requires")));
        self.tests.extend(setup_cfg::requirements(&lines("options", "tests_require")));
        let extras = sections.get("options.extras_require").into_iter().flatten();
        let extras: Vec<(String, Vec<String>)> =
            extras.map(|(name, lines)| (normalised(name), setup_cfg::requirements(lines))).collect();
        self.extras(extras.iter().map(|(name, list)| (name, list)), choice);
        for (group, points) in sections.get("options.entry_points").into_iter().flatten() {
            self.add_entry_points(points.iter().map(|line| (group.clone(), line.clone())));
        }
        let folder = lines("options", "package_dir").iter().find_map(|line| {
            let (package, folder) = line.split_once('=')?;
            package.trim().is_empty().then(|| folder.trim().to_owned())
        });
        self.source_folder(folder.or_else(|| lines("options.packages.find", "where").pop()));
    }

    fn read_setup_py(
        &mut self,
        files: &dyn ProjectFiles,
        choice: &Choice,
        (python, sandbox): (&Path, Option<&Sandbox>),
        cancel: &CancelToken,
    ) {
        if !files.declaring().iter().any(|path| path == "setup.py") {
            return;
        }
        match setup_py::listen(files, python, sandbox, cancel) {
            Ok(given) => {
                self.sources.push("setup.py".to_owned());
                self.requirements.extend(given.install_requires());
                self.tests.extend(given.tests_require());
                let extras: Vec<(String, Vec<String>)> =
                    given.extras().into_iter().map(|(name, list)| (normalised(&name), list)).collect();
                self.extras(extras.iter().map(|(name, list)| (name, list)), choice);
                self.add_entry_points(given.entry_points());
                self.source_folder(given.source_folder());
                let [name, version] = [&given.name, &given.version]
                    .map(|text| Some(text.as_str()).filter(|text| !text.is_empty()));
                self.identify("setup.py", name, version);
                if given.builds {
                    self.notes.push(
                        "the project has extension modules, which nobody builds here: --setup 'python setup.py \
                         build_ext -i' --keep build"
                            .to_owned(),
                    );
                }
            }
            Err(why) => self.notes.push(format!("setup.py says nothing about dependencies: {why}")),
        }
    }

    /// What tests need, where it is declared nowhere else.
    fn read_tox(&mut self, files: &dyn ProjectFiles) {
        let Some(text) = files.read("tox.ini") else { return };
        let found = tox::dependencies(&text);
        if found.is_empty() {
            return;
        }
        let mut lines = Lines::default();
        lines.add(files, "tox.ini", &found.join("\n"), false, 0);
        self.take(lines, true);
        self.sources.push("tox.ini".to_owned());
    }

    fn read_locks(&mut self, files: &dyn ProjectFiles) {
        if let Some((path, text)) = LOCKS.iter().find_map(|path| Some((path, files.read(path)?))) {
            self.constraints.extend(lock::constraints(&text));
            self.lock = Some((*path).to_owned());
            self.sources.push((*path).to_owned());
        } else if let Some(text) = files.read("Pipfile.lock") {
            self.requirements.extend(lock::pipfile(&text));
            self.sources.push("Pipfile.lock".to_owned());
        } else if let Some(text) = files.read("Pipfile") {
            let Pipfile { packages, dev_packages, sources, .. } = pipfile::read(&text);
            self.requirements.extend(sources.into_iter().chain(packages));
            self.tests.extend(dev_packages);
            self.sources.push("Pipfile".to_owned());
        }
    }

    fn extras<'a>(
        &mut self,
        extras: impl Iterator<Item = (&'a String, &'a Vec<String>)> + Clone,
        choice: &Choice,
    ) {
        let names = chosen(&choice.extras, &TEST_EXTRAS, extras.clone().map(|(name, _)| name));
        for (_, list) in extras.filter(|(name, _)| names.contains(*name)) {
            if choice.extras.is_empty() {
                self.tests.extend(list.iter().cloned());
            } else {
                self.requirements.extend(list.iter().cloned());
            }
        }
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

    fn source_folder(&mut self, folder: Option<String>) {
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

    /// Each requirement once; what names the project itself (an extra that includes another) goes.
    fn tidy(&mut self) {
        let own = self.name.as_deref().map(normalised);
        let mut seen = BTreeSet::new();
        for list in [&mut self.requirements, &mut self.tests, &mut self.constraints] {
            list.retain(|line| {
                let line = line.trim();
                !line.is_empty() && (own.is_none() || name_of(line) != own) && seen.insert(line.to_owned())
            });
        }
    }
}

/// The names to take: those asked for, or the usual ones, as far as they are there.
fn chosen<'a>(asked: &[String], usual: &[&str], there: impl Iterator<Item = &'a String>) -> BTreeSet<String> {
    let asked: Vec<String> = asked.iter().map(|name| normalised(name)).collect();
    there
        .filter(|name| if asked.is_empty() { usual.contains(&name.as_str()) } else { asked.contains(name) })
        .cloned()
        .collect()
}
