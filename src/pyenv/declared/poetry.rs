//! Poetry's own tables, and its versions as standard ones.

use std::collections::BTreeMap;

use toml::{Table, Value};

use super::package_name::normalised;
use super::pyproject_tables::Pyproject;
use super::toml_lists::{entry, strings, tables};

/// Read its tables.
pub(super) fn read(poetry: &Table, made: &mut Pyproject) {
    let text = |key: &str| poetry.get(key).and_then(Value::as_str).map(str::to_owned);
    made.name = made.name.take().or_else(|| text("name"));
    made.version = made.version.take().or_else(|| text("version"));
    let mut optional: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in tables(poetry, "dependencies") {
        if name == "python" {
            made.requires_python =
                made.requires_python.take().or_else(|| value.as_str().map(poetry_versions));
        } else if let Some(path) = local(value) {
            made.local.push(path);
        } else {
            let requirements = poetry_requirements(name, value);
            if value.get("optional").and_then(Value::as_bool) == Some(true) {
                optional.insert(normalised(name), requirements);
            } else {
                made.dependencies.extend(requirements);
            }
        }
    }
    for (name, list) in tables(poetry, "extras") {
        let named = strings(list)
            .into_iter()
            .flat_map(|name| optional.get(&normalised(&name)).cloned().unwrap_or_default());
        made.extras.entry(normalised(name)).or_default().extend(named);
    }
    let mut add = |group: &str, table: &Table| {
        made.local.extend(table.values().filter_map(local));
        let found = table.iter().flat_map(|(name, value)| poetry_requirements(name, value));
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

/// The folder of a dependency by path.
fn local(value: &Value) -> Option<String> {
    value.get("path").and_then(Value::as_str).map(str::to_owned)
}

/// A dependency of Poetry's as standard requirements: several where versions differ by Python or platform.
fn poetry_requirements(name: &str, value: &Value) -> Vec<String> {
    match value {
        Value::Array(list) => list.iter().flat_map(|value| poetry_requirements(name, value)).collect(),
        Value::String(versions) => vec![format!("{name}{}", poetry_versions(versions))],
        Value::Table(table) => poetry_requirement(name, table).into_iter().collect(),
        _ => Vec::new(),
    }
}

/// One of a table; `None` for one by path.
fn poetry_requirement(name: &str, table: &Table) -> Option<String> {
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
    let pythons = text("python").map(python_markers).unwrap_or_default();
    let platform = text("platform").map(|platform| format!("sys_platform == '{platform}'"));
    let own = text("markers").map(|marker| format!("({marker})"));
    let markers: Vec<String> = own.into_iter().chain(pythons).chain(platform).collect();
    let marker = if markers.is_empty() { String::new() } else { format!(" ; {}", markers.join(" and ")) };
    Some(format!("{name}{extras}{versions}{marker}"))
}

/// `^1.2` as `>=1.2,<2`, `~1.2` as `>=1.2,<1.3`, and so on, as
/// [Poetry](https://python-poetry.org/docs/dependency-specification/) defines them.
fn poetry_versions(text: &str) -> String {
    let mut ways = text.split("||").map(str::trim).filter(|way| !way.is_empty());
    let first = ways.next().unwrap_or("*");
    if let Some(last) = ways.last() {
        // From the lowest of the first to the highest of the last: no standard specifier has an or.
        let [low, high] = [first, last].map(poetry_versions);
        let low = low.split(',').find(|part| part.starts_with(['>', '=']) || part.starts_with("~="));
        let low = low.map(|part| format!(">={}", part.trim_start_matches(['>', '=', '~'])));
        let high = high.split(',').find(|part| part.starts_with('<')).map(str::to_owned);
        return low.into_iter().chain(high).collect::<Vec<_>>().join(",");
    }
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

/// `python = ">=3.8,<3.12"` as markers.
fn python_markers(text: &str) -> Vec<String> {
    let versions = poetry_versions(text);
    let parts = versions.split(',').filter(|part| !part.is_empty());
    parts
        .map(|part| {
            let at = part.find(|c: char| !"<>=!~".contains(c)).unwrap_or(0);
            let is_full = part[at..].matches('.').count() > 1;
            let name = if is_full { "python_full_version" } else { "python_version" };
            format!("{name} {} '{}'", &part[..at], &part[at..])
        })
        .collect()
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

#[cfg(test)]
mod tests {
    use super::super::pyproject::read;
    use super::*;

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
    fn versions_for_several_pythons_have_markers_and_those_with_an_or_are_one_range() {
        let made = read(
            "[tool.poetry]\nname = 'demo'\n[tool.poetry.dependencies]\nnumpy = [{version = '^1.2', python = '<3.9'}, {version = '>=2', python = '>=3.9', markers = \"os_name == 'posix'\"}]\nattrs = '^22.0 || ^23.0'\ncommon = {path = '../common', develop = true}\n[tool.poetry.group.test.dependencies]\nkit = {path = 'kit'}\n",
        );
        assert_eq!(
            made.dependencies,
            [
                "attrs>=22.0,<24",
                "numpy>=1.2,<2 ; python_version < '3.9'",
                "numpy>=2 ; (os_name == 'posix') and python_version >= '3.9'"
            ]
        );
        assert_eq!(made.local, ["../common", "kit"]);
    }

    #[test]
    fn a_version_beyond_all_numbers_is_still_a_bound() {
        assert_eq!(poetry_versions("^18446744073709551615"), ">=18446744073709551615,<18446744073709551615");
    }
}
