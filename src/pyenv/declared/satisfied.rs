//! Whether packages that are there satisfy what a version declares.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr as _;

use pep440_rs::Version;
use pep508_rs::{MarkerEnvironment, MarkerEnvironmentBuilder, Requirement, VerbatimUrl, VersionOrUrl};

use super::dependencies::DeclaredDependencies;
use super::package_name::{name_of, normalised};
use crate::pyenv::python_version::PythonVersion;

impl DeclaredDependencies {
    /// Whether exact packages satisfy all that this declares, beside a lock file: that only says which of those that do were
    /// chosen. `host` is what the packages were chosen for. What cannot be compared has to be declared there in the same
    /// words. Of packages that are `unused`, any version will do.
    pub(in crate::pyenv) fn is_satisfied_by(
        &self,
        packages: &[String],
        host: &Self,
        python: PythonVersion,
        unused: &dyn Fn(&str) -> bool,
    ) -> bool {
        let Some(markers) = markers(python) else { return false };
        let versions: BTreeMap<String, Version> = packages
            .iter()
            .filter_map(|line| line.split_once("=="))
            .filter_map(|(name, version)| Some((normalised(name), Version::from_str(version).ok()?)))
            .collect();
        let declared = |of: &Self| -> BTreeSet<String> {
            of.requirements.iter().chain(&of.tests).map(|line| line.trim().to_owned()).collect()
        };
        let (own, theirs) = (declared(self), declared(host));
        let options = |lines: &BTreeSet<String>| -> Vec<String> {
            lines.iter().filter(|line| line.starts_with('-')).cloned().collect()
        };
        let extras = extras_asked(&theirs);
        let is_met = |line: &String, has_to_be_there: bool| {
            is_met(line, &versions, &extras, &markers, has_to_be_there)
                || name_of(line).is_some_and(|name| versions.contains_key(&name) && unused(&name))
        };
        let constraints = self.constraints.iter().filter(|_| self.lock.is_none());
        options(&own) == options(&theirs)
            && self.has_same_neighbours(host)
            && own
                .iter()
                .filter(|line| !line.starts_with('-'))
                .all(|line| theirs.contains(line) || is_met(line, true))
            && constraints
                .into_iter()
                .all(|line| host.lock.is_none() && host.constraints.contains(line) || is_met(line, false))
    }

    /// Other projects of the tree are on the path, not among the packages.
    fn has_same_neighbours(&self, host: &Self) -> bool {
        self.members == host.members
    }
}

/// Whether a requirement is met; a constraint (`has_to_be_there` is false) also where the package is not there.
fn is_met(
    line: &str,
    versions: &BTreeMap<String, Version>,
    extras: &BTreeSet<(String, String)>,
    markers: &MarkerEnvironment,
    has_to_be_there: bool,
) -> bool {
    let Ok(requirement) = Requirement::<VerbatimUrl>::from_str(line) else { return false };
    if !requirement.marker.evaluate(markers, &[]) {
        return true;
    }
    let name = normalised(requirement.name.as_ref());
    let Some(version) = versions.get(&name) else { return !has_to_be_there };
    let asks_alike = requirement
        .extras
        .iter()
        .all(|extra| !has_to_be_there || extras.contains(&(name.clone(), normalised(extra.as_ref()))));
    asks_alike
        && match &requirement.version_or_url {
            None => true,
            Some(VersionOrUrl::VersionSpecifier(specifiers)) => specifiers.contains(version),
            Some(VersionOrUrl::Url(_)) => false,
        }
}

/// Packages and their extras that are asked for.
fn extras_asked(lines: &BTreeSet<String>) -> BTreeSet<(String, String)> {
    let read = lines.iter().filter_map(|line| Requirement::<VerbatimUrl>::from_str(line).ok());
    read.flat_map(|requirement| {
        let name = normalised(requirement.name.as_ref());
        requirement.extras.iter().map(|extra| (name.clone(), normalised(extra.as_ref()))).collect::<Vec<_>>()
    })
    .collect()
}

/// What markers are evaluated by, on this machine.
fn markers(python: PythonVersion) -> Option<MarkerEnvironment> {
    let (sys, system) = match std::env::consts::OS {
        "macos" => ("darwin", "Darwin"),
        _ => ("linux", "Linux"),
    };
    let (short, full) = (python.to_string(), format!("{python}.0"));
    let builder = MarkerEnvironmentBuilder {
        implementation_name: "cpython",
        implementation_version: &full,
        os_name: "posix",
        platform_machine: std::env::consts::ARCH,
        platform_python_implementation: "CPython",
        platform_release: "",
        platform_system: system,
        platform_version: "",
        python_full_version: &full,
        python_version: &short,
        sys_platform: sys,
    };
    builder.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACKAGES: [&str; 6] =
        ["black==23.1", "flask==2.3.2", "pytest==8.1.0", "six==1.16.0", "uvicorn==0.30", "x==2.0b1"];
    const HOST: [&str; 6] =
        ["flask>=2", "pytest", "uvicorn[standard]", "git+https://x.test/y", "six", "x==2.0b1"];

    fn of(lines: &[&str]) -> DeclaredDependencies {
        let requirements = lines.iter().map(ToString::to_string).collect();
        DeclaredDependencies { requirements, ..DeclaredDependencies::default() }
    }

    fn satisfied(wanted: &DeclaredDependencies) -> bool {
        let packages = PACKAGES.map(str::to_owned);
        let unused = |name: &str| name == "black";
        wanted.is_satisfied_by(&packages, &of(&HOST), PythonVersion::three(11), &unused)
    }

    #[test]
    fn what_is_there_has_to_be_as_is_declared() {
        for (line, expected) in [
            ("Flask<3", true),
            ("flask==2.3.1", false),
            ("mock", false),
            ("mock; python_version < '3.8'", true),
            ("pytest>=7,<8", false),
            ("pytest~=8.0", true),
            ("uvicorn[standard]", true),
            ("uvicorn[other]", false),
            ("git+https://x.test/y", true),
            ("git+https://x.test/z", false),
            ("z @ https://x.test/z.whl", false),
            ("--index-url https://x.test", false),
            ("not a requirement at all", false),
            ("x>=2.0a1", true),
            ("black==22.1", true),
        ] {
            assert_eq!(satisfied(&of(&[line])), expected, "{line}");
        }
    }

    #[test]
    fn a_lock_file_is_a_choice_and_constraints_are_declared() {
        let mut wanted = of(&["flask"]);
        wanted.constraints = vec!["flask==2.0".to_owned()];
        assert!(!satisfied(&wanted));
        wanted.lock = Some("uv.lock".to_owned());
        assert!(satisfied(&wanted));
        let mut wanted = of(&["flask"]);
        wanted.constraints = vec!["not-there==1.0".to_owned(), "flask[async]<3".to_owned()];
        assert!(satisfied(&wanted));
    }

    #[test]
    fn another_project_of_the_tree_is_not_among_the_packages() {
        let mut wanted = of(&["flask"]);
        wanted.members.insert("common".to_owned());
        assert!(!satisfied(&wanted));
    }
}
