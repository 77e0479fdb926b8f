//! Other projects of the same tree that one depends on: members of its workspace, and those that have the name of what it
//! requires. An installed package of that name would be another version than the tree's.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use globset::{Glob, GlobSet, GlobSetBuilder};
use regex::Regex;

use super::dependencies::DeclaredDependencies;
use super::package_name::{name_of, normalised};
use super::project_files::ProjectFiles;
use super::requirements::joined;
use super::{pyproject, setup_cfg};

/// Folders in which projects are material of tests, or samples: they may be called like anything.
const MATERIAL: [&str; 14] = [
    "test",
    "tests",
    "testing",
    "testdata",
    "data",
    "fixtures",
    "doc",
    "docs",
    "example",
    "examples",
    "sample",
    "samples",
    "template",
    "templates",
];
/// Projects of a tree that are looked at.
const MOST: usize = 300;

/// The projects of the tree that have the name of something that one requires.
pub(super) fn projects_named(wanted: &DeclaredDependencies, files: &dyn ProjectFiles) -> Vec<String> {
    let lines = wanted.requirements.iter().chain(&wanted.tests);
    let named: BTreeSet<String> = lines.filter_map(|line| name_of(line)).collect();
    let own = wanted.name.as_deref().map(normalised);
    let is_material = |folder: &str| folder.split('/').any(|part| MATERIAL.contains(&part));
    let others =
        files.projects().into_iter().filter(|folder| *folder != files.base() && !is_material(folder));
    let is_named = |folder: &String| {
        let name = files.at(folder).and_then(|there| name_in(&*there)).map(|name| normalised(&name));
        name.is_some() && name != own && name.is_some_and(|name| named.contains(&name))
    };
    others.take(MOST).filter(is_named).collect()
}

/// What a project calls itself, as far as that is written down.
fn name_in(files: &dyn ProjectFiles) -> Option<String> {
    static NAME: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r#"(?m)^\s*name\s*=\s*['"]([A-Za-z0-9._-]+)['"]\s*,"#).ok());
    let of_pyproject = files.read("pyproject.toml").and_then(|text| pyproject::read(&text).name);
    let of_setup_cfg = || {
        let sections = setup_cfg::read(&files.read("setup.cfg")?);
        sections.get("metadata")?.get("name")?.first().cloned()
    };
    let of_setup_py = || Some(NAME.as_ref()?.captures(&files.read("setup.py")?)?[1].to_owned());
    of_pyproject.or_else(of_setup_cfg).or_else(of_setup_py)
}

/// The members of the workspace that a project belongs to, as far as it depends on them; all of them of one that is
/// nothing but a workspace.
pub(super) fn workspace_members(wanted: &DeclaredDependencies, files: &dyn ProjectFiles) -> Vec<String> {
    let base = files.base();
    let depth = base.split('/').filter(|part| !part.is_empty()).count();
    let named: BTreeSet<String> = {
        let lines = wanted.requirements.iter().chain(&wanted.tests);
        lines.filter_map(|line| name_of(line)).collect()
    };
    for up in 0..=depth {
        let up_path = "../".repeat(up);
        let top = joined(&base, &up_path);
        let Some(text) = files.read(&format!("{up_path}pyproject.toml")) else { continue };
        let declared = pyproject::read(&text);
        let Some((members, without)) = declared.workspace else { continue };
        let takes_all = up == 0 && declared.name.is_none();
        let (Some(members), Some(without)) = (globs(&members), globs(&without)) else { return Vec::new() };
        let prefix = if top.is_empty() { String::new() } else { format!("{top}/") };
        let projects = files.projects().into_iter().filter(|folder| {
            let inside = folder.strip_prefix(&prefix);
            inside.is_some_and(|inside| members.is_match(inside) && !without.is_match(inside))
        });
        let is_needed = |folder: &String| {
            let text = files.at(folder).and_then(|there| there.read("pyproject.toml")).unwrap_or_default();
            let name = pyproject::read(&text).name.as_deref().map(normalised);
            takes_all || name.is_some_and(|name| named.contains(&name))
        };
        let mut found: Vec<String> = projects.filter(is_needed).collect();
        // The top of a workspace is a member, too.
        let is_top =
            up > 0 && declared.name.as_deref().map(normalised).is_some_and(|name| named.contains(&name));
        found.extend(is_top.then_some(top));
        return found;
    }
    Vec::new()
}

fn globs(patterns: &[String]) -> Option<GlobSet> {
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        set.add(Glob::new(pattern.trim_start_matches("./").trim_end_matches('/')).ok()?);
    }
    set.build().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use std::io;
    use std::path::Path;

    /// A tree as seen from one of its folders.
    struct Tree<'a>(&'a BTreeMap<&'a str, &'a str>, String);

    impl ProjectFiles for Tree<'_> {
        fn declaring(&self) -> Vec<String> {
            Vec::new()
        }

        fn base(&self) -> String {
            self.1.clone()
        }

        fn at(&self, folder: &str) -> Option<Box<dyn ProjectFiles + '_>> {
            Some(Box::new(Tree(self.0, folder.to_owned())))
        }

        fn projects(&self) -> Vec<String> {
            self.0.keys().filter_map(|path| Some(path.rsplit_once('/')?.0.to_owned())).collect()
        }

        fn read(&self, path: &str) -> Option<String> {
            self.0.get(joined(&self.1, path).as_str()).map(|text| (*text).to_owned())
        }

        fn packages(&self) -> Vec<String> {
            Vec::new()
        }

        fn export(&self, _to: &Path) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_a_project_requires_comes_from_the_tree_where_that_has_it() {
        let files = BTreeMap::from([
            ("backend/pyproject.toml", "[project]\nname = 'Hatch_Ling'\n"),
            ("api/setup.cfg", "[metadata]\nname = acme-api\n"),
            ("sdk/setup.py", "setup(\n    name='acme-sdk',\n)\n"),
            ("tests/data/pyproject.toml", "[project]\nname = 'six'\n"),
            ("other/pyproject.toml", "[project]\nname = 'other'\n"),
        ]);
        let mut wanted = DeclaredDependencies {
            name: Some("acme-sdk".to_owned()),
            requirements: vec!["hatch-ling>=1.2".to_owned(), "six".to_owned(), "acme-sdk[x]".to_owned()],
            ..DeclaredDependencies::default()
        };
        wanted.tests = vec!["acme_api==1.0.dev0".to_owned()];
        assert_eq!(projects_named(&wanted, &Tree(&files, "sdk".to_owned())), ["api", "backend"]);
        assert_eq!(projects_named(&wanted, &Tree(&files, "api".to_owned())), ["backend"]);
    }
}
