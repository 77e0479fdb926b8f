//! `pyproject.toml`: the standard tables, dependency groups, and Poetry's own.

use std::collections::BTreeSet;

use toml::{Table, Value};

use super::package_name::{name_of, normalised};
use super::pipfile::is_pypi;
use super::poetry;
use super::pyproject_tables::{HatchEnvironment, Pyproject};
use super::toml_lists::{entry, one_or_more, strings, tables};

/// Groups that one group may include, directly or not.
const MOST_GROUPS: usize = 64;

/// Environments of Hatch in which tests run.
const HATCH: [&str; 4] = ["default", "test", "tests", "hatch-test"];

/// Read it; a broken one declares nothing.
pub(super) fn read(text: &str) -> Pyproject {
    let Ok(table) = text.parse::<Table>() else { return Pyproject::default() };
    let mut made = Pyproject::default();
    if let Some(project) = table.get("project").and_then(Value::as_table) {
        standard(project, &mut made);
    }
    if let Some(groups) = table.get("dependency-groups").and_then(Value::as_table) {
        for name in groups.keys() {
            made.groups.insert(normalised(name), group(groups, name, &mut BTreeSet::new()));
        }
    }
    let tool = |names: &[&str]| {
        let first = table.get("tool")?;
        names.iter().try_fold(first, |value, name| value.get(name))
    };
    if let Some(poetry) = tool(&["poetry"]).and_then(Value::as_table) {
        poetry::read(poetry, &mut made);
    }
    if let Some(list) = tool(&["uv", "dev-dependencies"]) {
        made.groups.entry("dev".to_owned()).or_default().extend(strings(list));
    }
    if let Some(groups) = tool(&["pdm", "dev-dependencies"]).and_then(Value::as_table) {
        for (name, list) in groups {
            let (local, lines): (Vec<String>, Vec<String>) =
                strings(list).into_iter().partition(|line| line.starts_with("-e "));
            made.groups.entry(normalised(name)).or_default().extend(lines);
            made.local.extend(local.iter().filter_map(|line| of_project_root(line)));
        }
    }
    made.build_requires =
        table.get("build-system").and_then(|build| build.get("requires")).map(strings).unwrap_or_default();
    made.indexes = indexes(&tool);
    if let Some(flit) = tool(&["flit", "metadata"]).and_then(Value::as_table) {
        flit_tables(flit, &mut made);
    }
    dynamic(&tool, &mut made);
    uv_tables(&tool, &mut made);
    if let Some(environments) = tool(&["hatch", "envs"]).and_then(Value::as_table) {
        made.hatch = hatch(environments);
    }
    made.tox = tool(&["tox", "env_run_base", "deps"])
        .map(one_or_more)
        .or_else(|| {
            let old = tool(&["tox", "legacy_tox_ini"])?.as_str()?;
            Some(super::tox_ini::dependencies(old))
        })
        .unwrap_or_default();
    made.source_folder = tool(&["setuptools", "package-dir", ""])
        .or_else(|| tool(&["setuptools", "packages", "find", "where", "0"]))
        .and_then(Value::as_str)
        .map(str::to_owned)
        .or_else(|| {
            let places = tool(&["setuptools", "packages", "find", "where"])?;
            one_or_more(places).into_iter().next()
        })
        .or_else(|| source_folder_of_backend(&tool));
    made.declares = made.name.is_some() || !made.groups.is_empty() || made.workspace.is_some();
    made
}

/// The folder that packages lie in, as build backends other than setuptools are told it; `None` where that is the top.
fn source_folder_of_backend<'a>(tool: &impl Fn(&[&str]) -> Option<&'a Value>) -> Option<String> {
    let named = [
        ["pdm", "build", "package-dir"].as_slice(),
        &["uv", "build-backend", "module-root"],
        &["maturin", "python-source"],
    ];
    let of_poetry = || tool(&["poetry", "packages"])?.as_array()?.first()?.get("from");
    let named = named.into_iter().find_map(tool).or_else(of_poetry);
    let named = named.and_then(Value::as_str).map(str::to_owned);
    let of_hatch = || {
        let lists =
            [["hatch", "build", "targets", "wheel", "packages"].as_slice(), &["hatch", "build", "packages"]];
        let first = one_or_more(lists.into_iter().find_map(tool)?).into_iter().next()?;
        first.trim_end_matches('/').rsplit_once('/').map(|(folder, _)| folder.to_owned())
    };
    named.or_else(of_hatch).filter(|folder| !folder.is_empty())
}

/// The folder of PDM's `-e file:///${PROJECT_ROOT}/sub#egg=name`.
fn of_project_root(line: &str) -> Option<String> {
    let (_, rest) = line.split_once("${PROJECT_ROOT}/")?;
    Some(rest.split('#').next().unwrap_or(rest).to_owned())
}

/// Lists that stand in requirements files: those of setuptools, and of Hatch's plugin.
fn dynamic<'a>(tool: &impl Fn(&[&str]) -> Option<&'a Value>, made: &mut Pyproject) {
    if let Some(files) = tool(&["setuptools", "dynamic", "dependencies", "file"]) {
        made.dependency_files = one_or_more(files);
    }
    if let Some(extras) = tool(&["setuptools", "dynamic", "optional-dependencies"]).and_then(Value::as_table)
    {
        for (name, value) in extras {
            let files = value.get("file").map(one_or_more).unwrap_or_default();
            made.extra_files.insert(normalised(name), files);
        }
    }
    let hook = |key: &str| tool(&["hatch", "metadata", "hooks", "requirements_txt", key]);
    let files = ["files", "filename"].iter().filter_map(|key| hook(key));
    made.dependency_files.extend(files.flat_map(one_or_more));
    if let Some(extras) = hook("optional-dependencies").and_then(Value::as_table) {
        for (name, files) in extras {
            made.extra_files.insert(normalised(name), one_or_more(files));
        }
    }
}

/// Flit's tables of before there were standard ones.
fn flit_tables(flit: &Table, made: &mut Pyproject) {
    let text = |key: &str| flit.get(key).and_then(Value::as_str).map(str::to_owned);
    made.name = made.name.take().or_else(|| text("dist-name")).or_else(|| text("module"));
    made.requires_python = made.requires_python.take().or_else(|| text("requires-python"));
    made.dependencies.extend(flit.get("requires").map(strings).unwrap_or_default());
    for (name, list) in tables(flit, "requires-extra") {
        made.extras.insert(normalised(name), strings(list));
    }
}

/// What uv is told beside: where packages come from, what a workspace is made of, and constraints.
fn uv_tables<'a>(tool: &impl Fn(&[&str]) -> Option<&'a Value>, made: &mut Pyproject) {
    for key in ["constraint-dependencies", "override-dependencies"] {
        made.constraints.extend(tool(&["uv", key]).map(strings).unwrap_or_default());
    }
    let lists = |key: &str| tool(&["uv", "workspace", key]).map(strings).unwrap_or_default();
    made.workspace = tool(&["uv", "workspace"]).map(|_| (lists("members"), lists("exclude")));
    let sources = tool(&["uv", "sources"]).and_then(Value::as_table).into_iter().flatten();
    for (name, source) in sources {
        let first = source.as_array().and_then(|list| list.first()).unwrap_or(source);
        let text = |key: &str| first.get(key).and_then(Value::as_str);
        let name = normalised(name);
        let all = || {
            let extras = made.extras.values().chain(made.groups.values()).flatten();
            made.dependencies.iter().chain(extras)
        };
        let is_wanted = all().any(|line| name_of(line).as_deref() == Some(name.as_str()));
        if first.get("workspace").and_then(Value::as_bool) == Some(true) {
            made.members.push(name);
        } else if let (Some(path), true) = (text("path"), is_wanted) {
            made.local.push(path.to_owned());
            made.members.push(name);
        } else if let Some(url) = text("git").map(|git| {
            let at = ["rev", "tag", "branch"].iter().find_map(|key| text(key));
            format!("git+{git}{}", at.map(|at| format!("@{at}")).unwrap_or_default())
        }) {
            from_url(&name, &url, made);
        } else if let Some(url) = text("url").map(str::to_owned) {
            from_url(&name, &url, made);
        }
    }
}

/// Let a package come from this address wherever it is required.
fn from_url(name: &str, url: &str, made: &mut Pyproject) {
    let lists = made.extras.values_mut().chain(made.groups.values_mut());
    for line in lists.flatten().chain(&mut made.dependencies) {
        if name_of(line).as_deref() == Some(name) && !line.contains('@') {
            let (requirement, marker) = line.split_once(';').unwrap_or((line, ""));
            let end = requirement.find(|c: char| "<>=!~ (".contains(c)).unwrap_or(requirement.len());
            let marker = if marker.is_empty() { String::new() } else { format!(" ; {}", marker.trim()) };
            *line = format!("{} @ {url}{marker}", requirement[..end].trim());
        }
    }
}

/// The environments of Hatch in which tests run, with what those that they are made after bring.
pub(super) fn hatch(environments: &Table) -> Vec<HatchEnvironment> {
    let named = HATCH.iter().filter_map(|name| environments.get(*name)?.as_table());
    named
        .map(|environment| {
            let list = |key: &str| environment.get(key).map(strings).unwrap_or_default();
            HatchEnvironment {
                dependencies: [list("dependencies"), list("extra-dependencies")].concat(),
                features: list("features"),
                groups: list("dependency-groups"),
            }
        })
        .collect()
}

/// The registries that uv, Poetry and PDM are told of beside PyPI, without those that are for single packages: asked for
/// all, they would answer with what nobody wants from them.
fn indexes<'a>(tool: &impl Fn(&[&str]) -> Option<&'a Value>) -> Vec<String> {
    let lists = [&["uv", "index"][..], &["poetry", "source"], &["pdm", "source"]];
    let each = lists.iter().filter_map(|path| tool(path)?.as_array()).flatten();
    let is_for_all = |index: &&Value| {
        index.get("explicit").and_then(Value::as_bool) != Some(true)
            && index.get("priority").and_then(Value::as_str) != Some("explicit")
    };
    let named = each.filter(is_for_all).filter_map(|index| {
        let name = index.get("name").and_then(Value::as_str).unwrap_or_default();
        let url = index.get("url")?.as_str().filter(|_| !is_pypi(name))?;
        let takes_the_place = index.get("default").and_then(Value::as_bool) == Some(true);
        let option = if takes_the_place { "--index-url" } else { "--extra-index-url" };
        Some(format!("{option} {url}"))
    });
    let plain = tool(&["uv", "index-url"]).and_then(Value::as_str).map(|url| format!("--index-url {url}"));
    plain.into_iter().chain(named).collect()
}

fn standard(project: &Table, made: &mut Pyproject) {
    let text = |key: &str| project.get(key).and_then(Value::as_str).map(str::to_owned);
    made.name = text("name");
    made.version = text("version");
    made.requires_python = text("requires-python");
    made.dependencies = project.get("dependencies").map(strings).unwrap_or_default();
    made.classifiers = project.get("classifiers").map(strings).unwrap_or_default();
    for (name, list) in tables(project, "optional-dependencies") {
        made.extras.insert(normalised(name), strings(list));
    }
    for (group, key) in [("console_scripts", "scripts"), ("gui_scripts", "gui-scripts")] {
        for (name, target) in tables(project, key) {
            made.entry_points.push((group.to_owned(), entry(name, target)));
        }
    }
    for (group, points) in tables(project, "entry-points") {
        for (name, target) in points.as_table().into_iter().flatten() {
            made.entry_points.push((group.clone(), entry(name, target)));
        }
    }
}

/// The requirements of a group and of those that it includes, each group once.
fn group(groups: &Table, name: &str, seen: &mut BTreeSet<String>) -> Vec<String> {
    let wanted = normalised(name);
    let found =
        groups.iter().find(|(key, _)| normalised(key) == wanted).and_then(|(_, list)| list.as_array());
    let mut all = Vec::new();
    if seen.len() >= MOST_GROUPS || !seen.insert(wanted) {
        return all;
    }
    for item in found.into_iter().flatten() {
        match item {
            Value::String(requirement) => all.push(requirement.clone()),
            Value::Table(table) => {
                if let Some(other) = table.get("include-group").and_then(Value::as_str) {
                    all.extend(group(groups, other, seen));
                }
            }
            _ => {}
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn standard_tables_and_groups_are_read() {
        let made = read(
            "[project]\nname = 'demo'\nversion = '1'\nrequires-python = '>=3.8'\ndependencies = ['flask>=2']\n[project.optional-dependencies]\nTest = ['pytest']\n[project.scripts]\ndemo = 'demo:main'\n[dependency-groups]\ntest = ['coverage', {include-group = 'lint'}]\nlint = ['ruff']\n[tool.setuptools.packages.find]\nwhere = ['src']\n",
        );
        assert_eq!(made.dependencies, ["flask>=2"]);
        assert_eq!(made.extras["test"], ["pytest"]);
        assert_eq!(made.groups["test"], ["coverage", "ruff"]);
        assert_eq!(made.requires_python.as_deref(), Some(">=3.8"));
        assert_eq!(made.entry_points, [("console_scripts".to_owned(), "demo = demo:main".to_owned())]);
        assert_eq!(made.source_folder.as_deref(), Some("src"));
    }

    #[test]
    fn registries_are_read_but_for_those_of_single_packages() {
        let made = read(
            "[[tool.uv.index]]\nurl = 'https://a.example'\ndefault = true\n[[tool.uv.index]]\nurl = 'https://b.example'\nexplicit = true\n[[tool.poetry.source]]\nurl = 'https://c.example'\n",
        );
        assert_eq!(made.indexes, ["--index-url https://a.example", "--extra-index-url https://c.example"]);
    }

    #[test]
    fn lists_that_stand_elsewhere_and_sources_of_uv_are_read() {
        let made = read(
            "[project]\nname = 'demo'\ndynamic = ['dependencies', 'optional-dependencies']\n[tool.setuptools.dynamic]\ndependencies = {file = ['base.in']}\noptional-dependencies.Test = {file = ['test.in', 'more.in']}\n",
        );
        assert_eq!(made.dependency_files, ["base.in"]);
        assert_eq!(made.extra_files["test"], ["test.in", "more.in"]);
        let made = read(
            "[project]\nname = 'demo'\ndependencies = ['core', 'far[x]>=1; os_name == \"posix\"', 'common']\n[tool.uv.sources]\ncore = {workspace = true}\nfar = {git = 'https://example.org/far', tag = 'v1'}\ncommon = {path = '../common', editable = true}\nunused = {path = '../unused'}\n[tool.uv]\nconstraint-dependencies = ['six<2']\n[tool.uv.workspace]\nmembers = ['packages/*']\nexclude = ['packages/old']\n",
        );
        assert_eq!(made.dependencies[1], "far[x] @ git+https://example.org/far@v1 ; os_name == \"posix\"");
        assert_eq!(
            (made.members, made.local),
            (vec!["common".to_owned(), "core".to_owned()], vec!["../common".to_owned()])
        );
        assert_eq!(made.constraints, ["six<2"]);
        let (members, without) = made.workspace.unwrap();
        assert_eq!((members, without), (vec!["packages/*".to_owned()], vec!["packages/old".to_owned()]));
    }

    #[test]
    fn build_backends_say_where_packages_lie() {
        for (text, folder) in [
            ("[tool.hatch.build.targets.wheel]\npackages = ['lib/demo']\n", Some("lib")),
            ("[tool.hatch.build.targets.wheel]\npackages = ['demo']\n", None),
            ("[tool.poetry]\npackages = [{include = 'demo', from = 'python'}]\n", Some("python")),
            ("[tool.pdm.build]\npackage-dir = 'source'\n", Some("source")),
            ("[tool.uv.build-backend]\nmodule-root = ''\n", None),
            ("[tool.maturin]\npython-source = 'py'\n", Some("py")),
        ] {
            let made = read(&format!("[project]\nname = 'demo'\n{text}"));
            assert_eq!(made.source_folder.as_deref(), folder, "{text}");
        }
    }

    #[test]
    fn environments_of_hatch_that_are_for_tests_are_read() {
        let made = read(
            "[project]\nname = 'demo'\n[tool.hatch.envs.default]\ndependencies = ['coverage']\nfeatures = ['extra']\n[tool.hatch.envs.hatch-test]\nextra-dependencies = ['freezegun']\n[tool.hatch.envs.docs]\ndependencies = ['mkdocs']\n",
        );
        let all: Vec<String> = made.hatch.iter().flat_map(|one| one.dependencies.clone()).collect();
        assert_eq!(all, ["coverage", "freezegun"]);
        assert_eq!(made.hatch[0].features, ["extra"]);
    }

    #[test]
    fn groups_that_include_one_another_are_read_once_each() {
        let include = "{include-group = 'a'}, {include-group = 'b'},".repeat(200);
        let made = read(&format!("[dependency-groups]\na = [{include} 'six']\nb = [{include} 'attrs']\n"));
        assert_eq!(made.groups["a"], ["attrs", "six"]);
    }
}
