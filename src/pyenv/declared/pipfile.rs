//! `Pipfile`, which counts where there is no `Pipfile.lock`; and the registries that both name.

use toml::{Table, Value};

/// What it declares.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Pipfile {
    pub(super) packages: Vec<String>,
    pub(super) dev_packages: Vec<String>,
    /// Registries, as options.
    pub(super) sources: Vec<String>,
    /// The version of Python.
    pub(super) python: Option<String>,
}

/// Read it; a broken one declares nothing.
pub(super) fn read(text: &str) -> Pipfile {
    let Ok(table) = text.parse::<Table>() else { return Pipfile::default() };
    let packages = |key: &str| {
        let packages = table.get(key).and_then(Value::as_table).into_iter().flatten();
        packages.filter_map(|(name, value)| requirement(name, value)).collect()
    };
    let required = table.get("requires");
    let python = ["python_version", "python_full_version"]
        .iter()
        .find_map(|key| required?.get(key)?.as_str().map(str::to_owned));
    let sources = table.get("source").and_then(Value::as_array).into_iter().flatten();
    let named = sources.filter_map(|source| {
        let name = source.get("name").and_then(Value::as_str).unwrap_or_default();
        Some((name.to_owned(), source.get("url")?.as_str()?.to_owned()))
    });
    Pipfile {
        packages: packages("packages"),
        dev_packages: packages("dev-packages"),
        sources: as_options(named),
        python: python.filter(|version| version != "*"),
    }
}

/// Registries, with their names, as options of requirements files: the first one is asked first, and instead of PyPI.
pub(super) fn as_options(sources: impl Iterator<Item = (String, String)>) -> Vec<String> {
    let others = sources.enumerate().filter(|(_, (name, _))| !is_pypi(name));
    let option = |at: usize| if at == 0 { "--index-url" } else { "--extra-index-url" };
    others.map(|(at, (_, url))| format!("{} {url}", option(at))).collect()
}

/// Whether a registry has the name that all tools give to PyPI, which is asked anyway, wherever the user has it.
pub(super) fn is_pypi(name: &str) -> bool {
    name.eq_ignore_ascii_case("pypi")
}

/// A package as a standard requirement; `None` for one by path.
fn requirement(name: &str, value: &Value) -> Option<String> {
    let versions = |text: &str| if text == "*" { String::new() } else { text.to_owned() };
    let table = match value {
        Value::String(text) => return Some(format!("{name}{}", versions(text))),
        Value::Table(table) => table,
        _ => return None,
    };
    let text = |key: &str| table.get(key).and_then(Value::as_str);
    if text("path").is_some() {
        return None;
    }
    let extras: Vec<&str> = table
        .get("extras")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let extras = if extras.is_empty() { String::new() } else { format!("[{}]", extras.join(",")) };
    let named = match (text("git"), text("file")) {
        (Some(git), _) => {
            let revision = text("ref").map(|at| format!("@{at}")).unwrap_or_default();
            format!("{name}{extras} @ git+{git}{revision}")
        }
        (None, Some(file)) => format!("{name}{extras} @ {file}"),
        (None, None) => format!("{name}{extras}{}", versions(text("version").unwrap_or("*"))),
    };
    // Some markers have keys of their own.
    let keys = ["os_name", "sys_platform", "platform_machine", "python_version", "implementation_name"];
    let own = keys.iter().filter_map(|key| Some(format!("{key} {}", text(key)?)));
    let markers: Vec<String> = text("markers").map(str::to_owned).into_iter().chain(own).collect();
    let markers = if markers.is_empty() { String::new() } else { format!(" ; {}", markers.join(" and ")) };
    Some(format!("{named}{markers}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_sources_and_python_are_read() {
        let text = r#"
[[source]]
name = "pypi"
url = "https://one.example/simple"
[[source]]
url = "https://${USER}@own.example/simple"
[packages]
flask = "*"
six = ">=1.10,<2"
requests = {version = "==2.20", extras = ["socks"]}
pywin = {version = "*", sys_platform = "== 'win32'"}
own = {path = ".", editable = true}
forked = {git = "https://example.org/forked.git", ref = "v1"}
[dev-packages]
pytest = "*"
[requires]
python_version = "3.8"
"#;
        let read = read(text);
        let expected = [
            "flask",
            "forked @ git+https://example.org/forked.git@v1",
            "pywin ; sys_platform == 'win32'",
            "requests[socks]==2.20",
            "six>=1.10,<2",
        ];
        let mut packages = read.packages;
        packages.sort();
        assert_eq!(packages, expected);
        assert_eq!(read.dev_packages, ["pytest"]);
        assert_eq!(read.sources, ["--extra-index-url https://${USER}@own.example/simple"]);
        assert_eq!(read.python.as_deref(), Some("3.8"));
    }

    #[test]
    fn a_registry_in_the_first_place_takes_that_of_pypi() {
        let text = "[[source]]\nurl = 'https://own.example/simple'\n";
        assert_eq!(read(text).sources, ["--index-url https://own.example/simple"]);
        assert_eq!(read("broken = ["), Pipfile::default());
    }
}
