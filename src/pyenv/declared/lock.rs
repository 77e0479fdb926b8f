//! Lock files, read as constraints: what is installed follows from the declarations, the versions from here.
//!
//! A lock file lists packages for every platform and every extra; installing all of it would install what this
//! machine and this test do not need.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::package_name::normalised;
use super::pipfile::as_options;

#[derive(Debug, Default, Deserialize)]
struct TomlLock {
    #[serde(default, alias = "packages")]
    package: Vec<Package>,
}

#[derive(Debug, Deserialize)]
struct Package {
    name: String,
    version: Option<String>,
    /// Where `uv.lock` and `poetry.lock` have it from; a registry goes without saying.
    #[serde(default)]
    source: toml::Table,
    /// All else; `pdm.lock` and `pylock.toml` tell here where they have it from.
    #[serde(flatten)]
    other: toml::Table,
}

impl Package {
    /// Whether a registry has it in this version. What a lock has from the tree itself may not be published yet, though a
    /// published package requires it.
    fn is_from_registry(&self) -> bool {
        let elsewhere = ["path", "git", "directory", "vcs", "archive"];
        let is_alternative = || self.source.get("type").and_then(toml::Value::as_str) == Some("legacy");
        (self.source.is_empty() || self.source.contains_key("registry") || is_alternative())
            && !elsewhere.iter().any(|key| self.other.contains_key(*key))
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct PipfileLock {
    #[serde(rename = "_meta")]
    meta: PipfileMeta,
    default: BTreeMap<String, PipfileEntry>,
    develop: BTreeMap<String, PipfileEntry>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct PipfileMeta {
    sources: Vec<PipfileSource>,
}

#[derive(Debug, Deserialize)]
struct PipfileSource {
    #[serde(default)]
    name: String,
    url: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct PipfileEntry {
    version: Option<String>,
    markers: Option<String>,
    extras: Vec<String>,
}

/// Constraints from a lock file in TOML: `uv.lock`, `poetry.lock`, `pdm.lock`, `pylock.toml`. A package that is locked
/// to different versions for different platforms is left to the resolver, and so is what comes from elsewhere than a
/// registry.
pub(super) fn constraints(text: &str) -> Vec<String> {
    let lock: TomlLock = toml::from_str(text).unwrap_or_default();
    let mut versions: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for package in lock.package.into_iter().filter(Package::is_from_registry) {
        if let Some(version) = package.version {
            let known = versions.entry(normalised(&package.name)).or_default();
            if !known.contains(&version) {
                known.push(version);
            }
        }
    }
    let single = versions.into_iter().filter(|(_, versions)| versions.len() == 1);
    single.map(|(name, versions)| format!("{name}=={}", versions[0])).collect()
}

/// Requirements from `Pipfile.lock`, which names the packages themselves, and its registries as options.
pub(super) fn pipfile(text: &str) -> Vec<String> {
    let lock: PipfileLock = serde_json::from_str(text).unwrap_or_default();
    let sources = as_options(lock.meta.sources.into_iter().map(|source| (source.name, source.url)));
    let both = lock.default.into_iter().chain(lock.develop);
    let packages = both.filter_map(|(name, entry)| {
        let version = entry.version?;
        let extras =
            if entry.extras.is_empty() { String::new() } else { format!("[{}]", entry.extras.join(",")) };
        let markers = entry.markers.map(|markers| format!(" ; {markers}")).unwrap_or_default();
        Some(format!("{name}{extras}{version}{markers}"))
    });
    sources.into_iter().chain(packages).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_file_constrains_what_it_is_sure_of() {
        let text = "[[package]]\nname = 'Flask'\nversion = '2.1.0'\n[[package]]\nname = 'numpy'\nversion = '1.0'\n[[package]]\nname = 'numpy'\nversion = '2.0'\n[[package]]\nname = 'own'\n";
        assert_eq!(constraints(text), ["flask==2.1.0"]);
        let sourced = |lines: &str| constraints(&format!("[[package]]\nname = 'a'\nversion = '1'\n{lines}"));
        assert_eq!(sourced("source = { registry = 'https://example.org/simple' }"), ["a==1"]);
        assert_eq!(sourced("[package.source]\ntype = 'legacy'\nurl = 'https://example.org'"), ["a==1"]);
        for elsewhere in [
            "source = { editable = '.' }",
            "source = { virtual = 'libs/a' }",
            "source = { git = 'https://example.org/a?rev=1' }",
            "[package.source]\ntype = 'directory'\nurl = '../a'",
            "path = './libs/a'",
            "directory = { path = 'a' }",
            "vcs = { type = 'git', commit-id = '1' }",
        ] {
            assert!(sourced(elsewhere).is_empty(), "{elsewhere}");
        }
        assert_eq!(constraints("[[packages]]\nname = 'six'\nversion = '1.16'\n"), ["six==1.16"]);
        assert_eq!(
            pipfile(
                r#"{"default": {"six": {"version": "==1.16", "markers": "python_version < '4'"}, "own": {"path": "."}}}"#
            ),
            ["six==1.16 ; python_version < '4'"]
        );
    }
}
