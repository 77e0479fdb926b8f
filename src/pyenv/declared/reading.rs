//! Reading what a project declares, file by file, and the projects of the same tree that it depends on.

use std::collections::BTreeSet;
use std::path::Path;

use super::dependencies::{DeclaredDependencies, InstallOptions};
use super::extras::{Lists, chosen, followed};
use super::members::{projects_named, workspace_members};
use super::package_name::{name_of, normalised};
use super::pipfile::Pipfile;
use super::project_files::ProjectFiles;
use super::pyproject_tables::{HatchEnvironment, Pyproject};
use super::requirements::{Lines, Role, joined, role};
use super::{lock, pipfile, pyproject, setup_cfg, setup_py, tox, tox_ini};
use crate::model::CancelToken;
use crate::process::sandbox::Sandbox;

/// Lock files in TOML; the first that is there counts.
const LOCKS: [&str; 4] = ["uv.lock", "poetry.lock", "pdm.lock", "pylock.toml"];
/// Projects of one tree that are read for one of them, at most.
const MOST_PROJECTS: usize = 60;
/// Packages that build what has to be compiled.
const COMPILING: [&str; 6] =
    ["maturin", "meson-python", "scikit-build-core", "setuptools-rust", "cython", "cffi"];

/// What it takes to read the declarations of a tree.
pub(super) struct Reading<'a> {
    pub(super) choice: &'a InstallOptions,
    pub(super) python: &'a Path,
    pub(super) sandbox: Option<&'a Sandbox>,
    pub(super) cancel: &'a CancelToken,
    /// Folders of projects that were read.
    pub(super) seen: BTreeSet<String>,
}

impl Reading<'_> {
    /// A project, and what it needs of others of the tree. Tests are run of the main one only.
    pub(super) fn project(&mut self, files: &dyn ProjectFiles, is_main: bool) -> DeclaredDependencies {
        self.seen.insert(files.base());
        let mut wanted =
            DeclaredDependencies { source_folders: vec![String::new()], ..DeclaredDependencies::default() };
        let mut local = wanted.read_pyproject(files);
        wanted.read_setup_cfg(files);
        self.read_setup_py(&mut wanted, files);
        wanted.read_hatch(files);
        if is_main {
            wanted.choose(self.choice);
        }
        let has_own = wanted.name.is_some() || !wanted.sources.is_empty();
        local.extend(wanted.read_lists(files, has_own, is_main));
        if is_main && wanted.tests.is_empty() {
            local.extend(wanted.read_tools(files));
        }
        wanted.read_locks(files, is_main);
        if is_main {
            wanted.need_for_builds(files);
        }
        wanted.follow_own();
        wanted.find_sources(files);
        let base = files.base();
        wanted.sources.iter_mut().for_each(|path| *path = joined(&base, path));
        self.others(&mut wanted, files, local);
        wanted.tidy();
        wanted
    }

    /// The other projects of the tree that it depends on: by path, and as members of a workspace.
    fn others(&mut self, wanted: &mut DeclaredDependencies, files: &dyn ProjectFiles, local: Vec<String>) {
        let mut folders: Vec<String> = local.iter().map(|path| joined(&files.base(), path)).collect();
        folders.extend(workspace_members(wanted, files));
        folders.extend(projects_named(wanted, files));
        for folder in folders {
            if self.seen.len() >= MOST_PROJECTS || self.seen.contains(&folder) {
                continue;
            }
            let Some(there) = files.at(&folder) else { continue };
            let other = self.project(&*there, false);
            wanted.members.extend(other.name.as_deref().map(normalised));
            let asked = wanted.asked_of(other.name.as_deref());
            let extras: Vec<String> =
                asked.iter().flat_map(|extra| other.extras.get(extra).cloned().unwrap_or_default()).collect();
            let own = other.name.as_deref().map(normalised);
            wanted.requirements.extend(followed(&extras, own.as_deref(), &other.extras));
            wanted.requirements.extend(other.requirements.iter().cloned());
            wanted.constraints.extend(other.constraints.iter().cloned());
            for source in &other.source_folders {
                if !wanted.source_folders.contains(source) {
                    wanted.source_folders.push(source.clone());
                }
            }
            wanted.members.extend(other.members.iter().cloned());
            wanted.sources.extend(other.sources.iter().cloned());
            wanted.beside.push(other);
        }
    }

    fn read_setup_py(&self, wanted: &mut DeclaredDependencies, files: &dyn ProjectFiles) {
        if !files.declaring().iter().any(|path| path == "setup.py") {
            return;
        }
        match setup_py::capture_setup_call(files, self.python, self.sandbox, self.cancel) {
            Ok(given) => {
                wanted.sources.push("setup.py".to_owned());
                wanted.requirements.extend(given.install_requires());
                wanted.tests.extend(given.tests_require());
                for (name, list) in given.extras() {
                    // `:python_version < '3'` holds whatever is asked for.
                    let (name, marker) = name.split_once(':').unwrap_or((name.as_str(), ""));
                    let list = list
                        .into_iter()
                        .map(|line| if marker.is_empty() { line } else { format!("{line} ; {marker}") });
                    if name.is_empty() {
                        wanted.requirements.extend(list);
                    } else {
                        wanted.extras.entry(normalised(name)).or_default().extend(list);
                    }
                }
                wanted.add_entry_points(given.entry_points());
                wanted.source_folder(given.source_folder());
                let [name, version] = [&given.name, &given.version]
                    .map(|text| Some(text.as_str()).filter(|text| !text.is_empty()));
                wanted.identify("setup.py", name, version);
                wanted.builds = given.builds;
                if given.builds {
                    wanted.notes.push(
                        "the project has extension modules, which nobody builds here: --setup 'python setup.py \
                         build_ext -i' --keep build"
                            .to_owned(),
                    );
                }
            }
            Err(why) => wanted.notes.push(format!("setup.py says nothing about dependencies: {why}")),
        }
    }
}

impl DeclaredDependencies {
    /// Read everything that a version declares. `python` runs its `setup.py`, when it has one.
    #[must_use]
    pub(in crate::pyenv) fn read(
        files: &dyn ProjectFiles,
        choice: &InstallOptions,
        (python, sandbox): (&Path, Option<&Sandbox>),
        cancel: &CancelToken,
    ) -> Self {
        let mut wanted = Self::default();
        if let Some((name, text)) = &choice.requirements {
            let mut lines = Lines::default();
            lines.add(files, name, text, false, 0);
            wanted.take(lines, false);
            wanted.sources.push(name.clone());
            wanted.source_folders = vec![String::new()];
            wanted.find_sources(files);
        } else {
            let mut reading = Reading { choice, python, sandbox, cancel, seen: BTreeSet::new() };
            wanted = reading.project(files, true);
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

    pub(super) fn take(&mut self, lines: Lines, is_test: bool) -> Vec<String> {
        let place = if is_test { &mut self.tests } else { &mut self.requirements };
        place.extend(lines.requirements);
        self.constraints.extend(lines.constraints);
        for extra in lines.own_extras {
            let list = self.extras.get(&normalised(&extra)).cloned().unwrap_or_default();
            let place = if is_test { &mut self.tests } else { &mut self.requirements };
            place.extend(list);
        }
        lines.local
    }

    /// Requirements files. Of two with the same stem, `x.txt` is what `x.in` was resolved to. Where the project declares
    /// what its tests need, files below it are for something else.
    fn read_lists(&mut self, files: &dyn ProjectFiles, has_own: bool, is_main: bool) -> Vec<String> {
        let paths = files.declaring();
        let has_txt = |path: &str| {
            let stem = path.trim_end_matches(".in");
            path.ends_with(".in") && paths.iter().any(|other| *other == format!("{stem}.txt"))
        };
        let has_tests = has_own && !self.tests.is_empty();
        let is_of_it = |path: &str| {
            let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
            !has_tests || folder.is_empty() || folder.contains("require")
        };
        let roles: Vec<(Role, &String)> = paths
            .iter()
            .filter(|path| !has_txt(path) && is_of_it(path))
            .filter_map(|path| role(path).map(|role| (role, path)))
            .filter(|(role, _)| is_main || *role == Role::Runtime && !has_own)
            .collect();
        let has_test_list = roles.iter().any(|(role, _)| *role == Role::Test);
        let mut local = Vec::new();
        for (role, path) in roles {
            if role == Role::Development && has_test_list {
                continue;
            }
            let mut lines = Lines::default();
            lines.read(files, path);
            local.extend(self.take(lines, role != Role::Runtime));
            self.sources.push(path.clone());
        }
        local
    }

    fn read_pyproject(&mut self, files: &dyn ProjectFiles) -> Vec<String> {
        let Some(text) = files.read("pyproject.toml") else { return Vec::new() };
        let Pyproject {
            name,
            version,
            dependencies,
            extras,
            extra_files,
            groups,
            entry_points,
            dependency_files,
            source_folder,
            indexes,
            constraints,
            mut local,
            members,
            hatch,
            declares,
            ..
        } = pyproject::read(&text);
        self.groups = groups;
        for environment in hatch {
            self.add_hatch(environment);
        }
        if !declares {
            return local;
        }
        self.sources.push("pyproject.toml".to_owned());
        self.requirements.extend(indexes);
        self.requirements.extend(dependencies);
        self.constraints.extend(constraints);
        self.members.extend(members);
        for path in dependency_files {
            let mut lines = Lines::default();
            lines.read(files, &path);
            local.extend(self.take(lines, false));
        }
        self.extras = extras;
        for (name, paths) in extra_files {
            let mut lines = Lines::default();
            paths.iter().for_each(|path| lines.read(files, path));
            self.constraints.extend(lines.constraints);
            self.extras.entry(name).or_default().extend(lines.requirements);
        }
        self.identify("pyproject.toml", name.as_deref(), version.as_deref());
        self.add_entry_points(entry_points);
        self.source_folder(source_folder);
        local
    }

    /// `hatch.toml`, which stands for the tables of the same names.
    fn read_hatch(&mut self, files: &dyn ProjectFiles) {
        let Some(table) = files.read("hatch.toml").and_then(|text| text.parse::<toml::Table>().ok()) else {
            return;
        };
        if let Some(environments) = table.get("envs").and_then(toml::Value::as_table) {
            pyproject::hatch(environments).into_iter().for_each(|one| self.add_hatch(one));
        }
    }

    /// An environment for tests is a group, whatever it is called.
    fn add_hatch(&mut self, environment: HatchEnvironment) {
        const HATCH: &str = "test";
        let HatchEnvironment { dependencies, features, groups } = environment;
        let groups = groups.iter().flat_map(|name| self.groups.get(&normalised(name)).cloned()).flatten();
        let all: Vec<String> = dependencies.into_iter().chain(groups).collect();
        self.groups.entry(HATCH.to_owned()).or_default().extend(all);
        self.asked_extras.extend(features.iter().map(|name| normalised(name)));
    }

    fn read_setup_cfg(&mut self, files: &dyn ProjectFiles) {
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
        let list = |given: &[String]| setup_cfg::requirements(files, given);
        self.requirements.extend(list(&lines("options", "install_requires")));
        self.tests.extend(list(&lines("options", "tests_require")));
        for (name, given) in sections.get("options.extras_require").into_iter().flatten() {
            self.extras.entry(normalised(name)).or_default().extend(list(given));
        }
        for (group, points) in sections.get("options.entry_points").into_iter().flatten() {
            self.add_entry_points(points.iter().map(|line| (group.clone(), line.clone())));
        }
        let folder = lines("options", "package_dir").iter().find_map(|line| {
            let (package, folder) = line.split_once('=')?;
            package.trim().is_empty().then(|| folder.trim().to_owned())
        });
        self.source_folder(folder.or_else(|| lines("options.packages.find", "where").pop()));
    }

    /// What tests need, where it is declared nowhere else: by tox, or by nox.
    fn read_tools(&mut self, files: &dyn ProjectFiles) -> Vec<String> {
        type Read = fn(&str) -> Vec<String>;
        let readers: [(&str, Read); 5] = [
            ("tox.ini", tox_ini::dependencies),
            ("tox.toml", tox::of_toml),
            ("pyproject.toml", |text| pyproject::read(text).tox),
            ("setup.cfg", tox_ini::dependencies),
            ("noxfile.py", tox::of_nox),
        ];
        for (path, reader) in readers {
            let found = files.read(path).map(|text| reader(&text)).unwrap_or_default();
            if found.is_empty() {
                continue;
            }
            let mut lines = Lines::default();
            lines.add(files, path, &found.join("\n"), false, 0);
            if !self.sources.iter().any(|source| source == path) {
                self.sources.push(path.to_owned());
            }
            return self.take(lines, true);
        }
        Vec::new()
    }

    /// Of the nearest folder upwards that has one: a workspace is locked at its top. What another project of the tree has
    /// locked for itself does not hold for the one that depends on it.
    fn read_locks(&mut self, files: &dyn ProjectFiles, is_main: bool) {
        let depth = files.base().split('/').filter(|part| !part.is_empty()).count();
        let above = (0..=depth).map(|up| "../".repeat(up));
        let paths = above.flat_map(|up| LOCKS.map(|name| format!("{up}{name}")));
        let mut locks = paths.filter_map(|path| Some((path.clone(), files.read(&path)?)));
        // Not even read of another project.
        if let Some((path, text)) = is_main.then(|| locks.next()).flatten() {
            self.constraints.extend(lock::constraints(&text));
            self.lock = Some(path.clone());
            self.sources.push(path);
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

    /// A project with something to compile: what its build needs has to be there for a set-up.
    fn need_for_builds(&mut self, files: &dyn ProjectFiles) {
        let text = files.read("pyproject.toml").unwrap_or_default();
        let requires = pyproject::read(&text).build_requires;
        let compiles = |line: &String| name_of(line).is_some_and(|name| COMPILING.contains(&name.as_str()));
        if self.builds || requires.iter().any(compiles) {
            self.tests.extend(requires);
            if self.builds {
                self.tests.push("setuptools".to_owned());
            }
        }
    }

    /// Take the extras and groups that were asked for, or those of the tests.
    fn choose(&mut self, choice: &InstallOptions) {
        let mut groups = chosen(&choice.groups, &self.groups, false);
        if choice.groups.is_empty() && self.groups.contains_key("dev") {
            // uv and Poetry install it unless told otherwise.
            groups.insert("dev".to_owned());
        }
        let list = |lists: &Lists, names: &BTreeSet<String>| -> Vec<String> {
            names.iter().flat_map(|name| lists.get(name).cloned().unwrap_or_default()).collect()
        };
        let of_groups = list(&self.groups, &groups);
        let has_tests = !of_groups.is_empty() || !self.tests.is_empty();
        let mut extras = chosen(&choice.extras, &self.extras, has_tests);
        if choice.extras.is_empty() {
            extras.extend(std::mem::take(&mut self.asked_extras));
        }
        let of_extras = list(&self.extras, &extras);
        for (is_asked, lines) in
            [(!choice.extras.is_empty(), of_extras), (!choice.groups.is_empty(), of_groups)]
        {
            if is_asked { self.requirements.extend(lines) } else { self.tests.extend(lines) }
        }
    }

    /// Follow the extras of the project that requirements name.
    fn follow_own(&mut self) {
        let own = self.name.as_deref().map(normalised);
        self.requirements = followed(&self.requirements, own.as_deref(), &self.extras);
        self.tests = followed(&self.tests, own.as_deref(), &self.extras);
    }

    /// The folders to import from, from the top of the tree.
    pub(super) fn find_sources(&mut self, files: &dyn ProjectFiles) {
        if self.source_folders == [String::new()]
            && files.packages().iter().any(|package| package.starts_with("src/"))
        {
            self.source_folders.insert(0, "src".to_owned());
        }
        let base = files.base();
        for folder in &mut self.source_folders {
            *folder = joined(&base, folder);
        }
    }

    /// The extras that are asked of another project.
    fn asked_of(&self, name: Option<&str>) -> BTreeSet<String> {
        let name = name.map(normalised);
        let lines = self.requirements.iter().chain(&self.tests);
        let lines = lines.filter(|line| name.is_some() && name_of(line) == name);
        let inside = lines.filter_map(|line| line.split_once('[')?.1.split_once(']'));
        inside.flat_map(|(inside, _)| inside.split(',')).map(normalised).collect()
    }
}
