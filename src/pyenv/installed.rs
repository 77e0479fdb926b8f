//! What lies in an environment: which of its packages require another one.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr as _;

use pep508_rs::{MarkerExpression, Requirement, VerbatimUrl};

use super::declared::normalised;

/// A package that requires another one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Requirer {
    /// The requirer's name, normalised.
    pub name: String,
    /// The extra with which it does; `None` when it always does.
    pub extra: Option<String>,
}

/// The packages of an environment that require this one, by their metadata.
#[must_use]
pub(super) fn requirers(environment: &Path, package: &str) -> Vec<Requirer> {
    let mut found: Vec<Requirer> = Vec::new();
    for metadata in metadata_files(environment) {
        let Ok(text) = fs::read_to_string(metadata) else { continue };
        // The headers end with an empty line; what follows is a description.
        let headers: Vec<&str> = text.lines().take_while(|line| !line.is_empty()).collect();
        let Some(name) = headers.iter().find_map(|line| line.strip_prefix("Name:")) else { continue };
        let name = normalised(name);
        let lines = headers.iter().filter_map(|line| line.strip_prefix("Requires-Dist:"));
        let required = lines.filter_map(|line| required(line.trim()));
        let own = required.filter(|(required, _)| required == package);
        // What is required always needs no extra.
        if let Some(extra) = own.map(|(_, extra)| extra).min() {
            found.push(Requirer { name, extra });
        }
    }
    found.sort();
    found
}

/// The sources among installed packages that have bytecode beside them, each from the folder of the packages.
#[must_use]
pub(super) fn compiled_sources(packages: &Path) -> BTreeSet<PathBuf> {
    let source = |path: &Path| {
        let folder = path.parent().filter(|cache| cache.ends_with("__pycache__"))?.parent()?;
        let name = path.file_name()?.to_str().filter(|name| name.ends_with(".pyc"))?;
        // A module's own name has no dot.
        let module = name.split('.').next()?;
        Some(folder.strip_prefix(packages).ok()?.join(format!("{module}.py")))
    };
    let entries = walkdir::WalkDir::new(packages).into_iter().flatten();
    entries.filter(|entry| entry.file_type().is_file()).filter_map(|entry| source(entry.path())).collect()
}

/// Whether something of an installed package is among the sources that were imported, each from the folder of the packages.
/// One that is not known, or has no sources, counts as used.
#[must_use]
pub(super) fn is_used(packages: &Path, name: &str, imported: &BTreeSet<PathBuf>) -> bool {
    let entries = fs::read_dir(packages).into_iter().flatten().flatten().map(|entry| entry.path());
    let is_own = |path: &PathBuf| {
        let stem = path.file_stem().and_then(|stem| stem.to_str());
        path.extension().is_some_and(|ending| ending == "dist-info")
            && stem.and_then(|stem| stem.split('-').next()).is_some_and(|own| normalised(own) == name)
    };
    let Some(info) = entries.into_iter().find(is_own) else { return true };
    let record = fs::read_to_string(info.join("RECORD")).unwrap_or_default();
    let files = record.lines().map(|line| Path::new(line.split(',').next().unwrap_or(line)));
    let mut sources = files.filter(|path| path.extension().is_some_and(|ending| ending == "py")).peekable();
    sources.peek().is_none() || sources.any(|source| imported.contains(source))
}

/// What a `Requires-Dist` asks for, and the extra with which.
fn required(line: &str) -> Option<(String, Option<String>)> {
    let requirement = Requirement::<VerbatimUrl>::from_str(line).ok()?;
    let extra = match requirement.marker.top_level_extra() {
        Some(MarkerExpression::Extra { name, .. }) => Some(name.to_string()),
        _ => None,
    };
    Some((normalised(requirement.name.as_ref()), extra))
}

fn metadata_files(environment: &Path) -> Vec<PathBuf> {
    let folders = |folder: &Path| {
        fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect::<Vec<_>>()
    };
    let libraries = folders(&environment.join("lib"));
    let packages = libraries.iter().flat_map(|library| folders(&library.join("site-packages")));
    let infos = packages.filter(|path| path.extension().is_some_and(|ending| ending == "dist-info"));
    infos.map(|info| info.join("METADATA")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_is_used_when_something_of_it_was_imported() {
        let folder = tempfile::tempdir().unwrap();
        for (name, files) in [
            ("Black-23.1", vec!["black/__init__.py", "black/a.so"]),
            ("pytest-8.0", vec!["pytest/__init__.py", "_pytest/x.py"]),
            ("native-1.0", vec!["native.so"]),
        ] {
            let info = folder.path().join(format!("{name}.dist-info"));
            fs::create_dir_all(&info).unwrap();
            let lines: Vec<String> = files.iter().map(|file| format!("{file},sha256=x,1")).collect();
            fs::write(info.join("RECORD"), lines.join("\n")).unwrap();
        }
        let imported = BTreeSet::from([PathBuf::from("_pytest/x.py")]);
        let used = ["black", "pytest", "native", "other"].map(|name| is_used(folder.path(), name, &imported));
        assert_eq!(used, [false, true, true, true]);
    }

    #[test]
    fn what_was_compiled_is_told_by_its_bytecode() {
        let folder = tempfile::tempdir().unwrap();
        let cache = folder.path().join("flask/json/__pycache__");
        fs::create_dir_all(&cache).unwrap();
        fs::write(cache.join("tag.cpython-311.pyc"), "").unwrap();
        fs::write(cache.join("tag.txt"), "").unwrap();
        fs::write(folder.path().join("flask/app.pyc"), "").unwrap();
        let expected = BTreeSet::from([PathBuf::from("flask/json/tag.py")]);
        assert_eq!(compiled_sources(folder.path()), expected);
    }

    #[test]
    fn who_requires_a_package_and_with_which_extra_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let packages = folder.path().join("lib/python3.11/site-packages");
        for (name, lines) in [
            (
                "SQLAlchemy",
                "Requires-Dist: typing-extensions>=4.6\nRequires-Dist: greenlet>=1; extra == 'asyncio'\n",
            ),
            ("gevent", "Requires-Dist: Greenlet>=3; platform_python_implementation == 'CPython'\n"),
            ("other", "\nRequires-Dist: greenlet\n"),
        ] {
            let info = packages.join(format!("{name}-1.0.dist-info"));
            fs::create_dir_all(&info).unwrap();
            fs::write(
                info.join("METADATA"),
                format!("Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n{lines}"),
            )
            .unwrap();
        }
        let of = |name: &str, extra: Option<&str>| Requirer {
            name: name.to_owned(),
            extra: extra.map(str::to_owned),
        };
        let found = requirers(folder.path(), "greenlet");
        assert_eq!(found, [of("gevent", None), of("sqlalchemy", Some("asyncio"))]);
        assert!(requirers(folder.path(), "six").is_empty());
    }
}
