//! `pyproject.toml`: the standard tables, dependency groups, and Poetry's own.

use std::collections::{BTreeMap, BTreeSet};

use toml::{Table, Value};

use super::names::normalised;
use super::pipfile::is_pypi;

/// Groups that one group may include, directly or not.
const MOST_GROUPS: usize = 64;

/// What it declares.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Pyproject {
    pub(super) name: Option<String>,
    pub(super) version: Option<String>,
    pub(super) dependencies: Vec<String>,
    pub(super) extras: BTreeMap<String, Vec<String>>,
    pub(super) groups: BTreeMap<String, Vec<String>>,
    pub(super) requires_python: Option<String>,
    pub(super) classifiers: Vec<String>,
    /// Group and `name = target`.
    pub(super) entry_points: Vec<(String, String)>,
    /// Requirements files that stand for the dependencies.
    pub(super) dependency_files: Vec<String>,
    /// The folder of the packages, where it is named.
    pub(super) source_folder: Option<String>,
    /// Registries, as options.
    pub(super) indexes: Vec<String>,
    /// Whether it declares anything about the project itself.
    pub(super) declares: bool,
}

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
        poetry_tables(poetry, &mut made);
    }
    if let Some(list) = tool(&["uv", "dev-dependencies"]) {
        made.groups.entry("dev".to_owned()).or_default().extend(strings(list));
    }
    if let Some(groups) = tool(&["pdm", "dev-dependencies"]).and_then(Value::as_table) {
        for (name, list) in groups {
            made.groups.entry(normalised(name)).or_default().extend(strings(list));
        }
    }
    made.indexes = indexes(&tool);
    if let Some(files) = tool(&["setuptools", "dynamic", "dependencies", "file"]) {
        made.dependency_files = one_or_more(files);
    }
    made.source_folder = tool(&["setuptools", "package-dir", ""])
        .or_else(|| tool(&["setuptools", "packages", "find", "where", "0"]))
        .and_then(Value::as_str)
        .map(str::to_owned)
        .or_else(|| {
            let places = tool(&["setuptools", "packages", "find", "where"])?;
            one_or_more(places).into_iter().next()
        });
    made.declares = made.name.is_some() || !made.groups.is_empty();
    made
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

fn entry(name: &str, target: &Value) -> String {
    format!("{name} = {}", target.as_str().unwrap_or_default())
}

fn tables<'a>(table: &'a Table, key: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    table.get(key).and_then(Value::as_table).into_iter().flatten()
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

fn poetry_tables(poetry: &Table, made: &mut Pyproject) {
    let text = |key: &str| poetry.get(key).and_then(Value::as_str).map(str::to_owned);
    made.name = made.name.take().or_else(|| text("name"));
    made.version = made.version.take().or_else(|| text("version"));
    let mut optional: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in tables(poetry, "dependencies") {
        if name == "python" {
            made.requires_python =
                made.requires_python.take().or_else(|| value.as_str().map(poetry_versions));
        } else if let Some(requirement) = poetry_requirement(name, value) {
            if value.get("optional").and_then(Value::as_bool) == Some(true) {
                optional.insert(normalised(name), requirement);
            } else {
                made.dependencies.push(requirement);
            }
        }
    }
    for (name, list) in tables(poetry, "extras") {
        let named = strings(list).into_iter().filter_map(|name| optional.get(&normalised(&name)).cloned());
        made.extras.entry(normalised(name)).or_default().extend(named);
    }
    let mut add = |group: &str, table: &Table| {
        let found = table.iter().filter_map(|(name, value)| poetry_requirement(name, value));
        made.groups.entry(normalised(group)).or_default().extend(found);
    };
    if let Some(table) = poetry.get("dev-dependencies").and_then(Value::as_table) {
        add("dev", table);
    }
    for (name, group) in tables(poetry, "group") {
        if let Some(table) = group.get("dependencies").and_then(Value::as_table) {
            add(name, table);
        }
    }
    for (name, target) in tables(poetry, "scripts").filter(|(_, target)| target.is_str()) {
        made.entry_points.push(("console_scripts".to_owned(), entry(name, target)));
    }
    for (group, points) in tables(poetry, "plugins") {
        for (name, target) in points.as_table().into_iter().flatten() {
            made.entry_points.push((group.clone(), entry(name, target)));
        }
    }
}

/// A dependency of Poetry's as a standard requirement; `None` for one by path.
fn poetry_requirement(name: &str, value: &Value) -> Option<String> {
    let table = match value {
        Value::String(versions) => return Some(format!("{name}{}", poetry_versions(versions))),
        // Several, each for some Python: the resolver chooses among the last ones by marker, if any.
        Value::Array(list) => return poetry_requirement(name, list.last()?),
        Value::Table(table) => table,
        _ => return None,
    };
    let text = |key: &str| table.get(key).and_then(Value::as_str);
    if text("path").is_some() {
        return None;
    }
    if let Some(git) = text("git") {
        let revision = ["rev", "tag", "branch"].iter().find_map(|key| text(key));
        return Some(format!(
            "{name} @ git+{git}{}",
            revision.map(|at| format!("@{at}")).unwrap_or_default()
        ));
    }
    let extras = table.get("extras").map(strings).unwrap_or_default();
    let extras = if extras.is_empty() { String::new() } else { format!("[{}]", extras.join(",")) };
    let versions = text("version").map(poetry_versions).unwrap_or_default();
    let marker = text("markers").map(|marker| format!(" ; {marker}")).unwrap_or_default();
    Some(format!("{name}{extras}{versions}{marker}"))
}

/// `^1.2` as `>=1.2,<2`, `~1.2` as `>=1.2,<1.3`, and so on, as
/// [Poetry](https://python-poetry.org/docs/dependency-specification/) defines them.
fn poetry_versions(text: &str) -> String {
    let first = text.split("||").next().unwrap_or(text);
    let parts = first.split([',', ' ']).map(str::trim).filter(|part| !part.is_empty());
    let mut joined: Vec<String> = Vec::new();
    for part in parts {
        match joined.last_mut().filter(|last| last.ends_with(['<', '>', '=', '!', '~', '^'])) {
            Some(last) => last.push_str(part), // `>= 1.2` with a space
            None => joined.push(part.to_owned()),
        }
    }
    joined.iter().filter_map(|part| poetry_version(part)).collect::<Vec<_>>().join(",")
}

fn poetry_version(part: &str) -> Option<String> {
    if part == "*" {
        return None;
    }
    let numbers =
        |version: &str| -> Vec<u64> { version.split('.').map_while(|number| number.parse().ok()).collect() };
    let up_to = |numbers: &[u64], at: usize| -> String {
        let mut upper: Vec<u64> = numbers[..=at].to_vec();
        upper[at] = upper[at].saturating_add(1);
        upper.iter().map(ToString::to_string).collect::<Vec<_>>().join(".")
    };
    if let Some(version) = part.strip_prefix('^') {
        let numbers = numbers(version);
        let at = numbers.iter().position(|&number| number > 0).unwrap_or(numbers.len().saturating_sub(1));
        return (!numbers.is_empty()).then(|| format!(">={version},<{}", up_to(&numbers, at)));
    }
    if let Some(version) = part.strip_prefix('~').filter(|rest| !rest.starts_with('=')) {
        let numbers = numbers(version);
        let at = usize::from(numbers.len() > 1);
        return (!numbers.is_empty()).then(|| format!(">={version},<{}", up_to(&numbers, at)));
    }
    let is_bare = part.starts_with(|first: char| first.is_ascii_digit());
    Some(if is_bare { format!("=={part}") } else { part.to_owned() })
}

fn strings(value: &Value) -> Vec<String> {
    let items = value.as_array().into_iter().flatten();
    items.filter_map(|item| item.as_str().map(str::to_owned)).collect()
}

fn one_or_more(value: &Value) -> Vec<String> {
    value.as_str().map_or_else(|| strings(value), |one| vec![one.to_owned()])
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
    fn poetrys_versions_become_standard_ones() {
        for (given, expected) in [
            ("^1.2.3", ">=1.2.3,<2"),
            ("^0.2.3", ">=0.2.3,<0.3"),
            ("~1.2", ">=1.2,<1.3"),
            ("~1", ">=1,<2"),
            ("*", ""),
            ("1.4", "==1.4"),
            (">= 2.0, <3", ">=2.0,<3"),
            ("~=1.4", "~=1.4"),
        ] {
            assert_eq!(poetry_versions(given), expected, "{given}");
        }
        let made = read(
            "[tool.poetry]\nname = 'demo'\n[tool.poetry.dependencies]\npython = '^3.7'\nflask = {version = '^1.0', extras = ['async']}\nredis = {version = '*', optional = true}\n[tool.poetry.extras]\ncache = ['redis']\n[tool.poetry.dev-dependencies]\npytest = '^5.2'\n",
        );
        assert_eq!(made.dependencies, ["flask[async]>=1.0,<2"]);
        assert_eq!(made.extras["cache"], ["redis"]);
        assert_eq!(made.groups["dev"], ["pytest>=5.2,<6"]);
        assert_eq!(made.requires_python.as_deref(), Some(">=3.7,<4"));
    }

    #[test]
    fn groups_that_include_one_another_are_read_once_each() {
        let include = "{include-group = 'a'}, {include-group = 'b'},".repeat(200);
        let made = read(&format!("[dependency-groups]\na = [{include} 'six']\nb = [{include} 'attrs']\n"));
        assert_eq!(made.groups["a"], ["attrs", "six"]);
    }

    #[test]
    fn a_version_beyond_all_numbers_is_still_a_bound() {
        assert_eq!(poetry_versions("^18446744073709551615"), ">=18446744073709551615,<18446744073709551615");
    }
}
