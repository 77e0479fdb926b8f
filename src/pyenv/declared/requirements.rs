//! Requirements files.

use std::collections::BTreeSet;

use super::project_files::ProjectFiles;

/// Files that include one another deeper than this go in circles.
const DEEPEST: usize = 8;

/// What a requirements file is for, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Role {
    /// What the program needs.
    Runtime,
    /// What its tests need.
    Test,
    /// What its developers need.
    Development,
}

/// Words that tell a role.
const RUNTIME: [&str; 11] = [
    "",
    "requirements",
    "base",
    "install",
    "main",
    "prod",
    "production",
    "default",
    "runtime",
    "core",
    "app",
];
const TEST: [&str; 5] = ["test", "tests", "testing", "ci", "unit"];
const DEVELOPMENT: [&str; 4] = ["dev", "develop", "development", "local"];

/// The role of a requirements file; `None` for one that is for something else, such as documentation.
pub(super) fn role(path: &str) -> Option<Role> {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem).to_lowercase();
    if stem.contains("constraint") {
        return None;
    }
    let words: Vec<&str> = stem
        .split(['-', '_', '.'])
        .filter(|word| !matches!(*word, "requirements" | "requirement" | "requires" | "reqs"))
        .collect();
    let word = match words.as_slice() {
        [] => "",
        [word] => word,
        _ => return None,
    };
    // Deeper down they are for something else, such as a project that a test makes.
    let in_tests = TEST.contains(&folder);
    let is_of_lists = |folder: &str| folder.contains("require") && !folder.contains('/');
    let is_list_folder = folder.is_empty()
        || in_tests
        || is_of_lists(folder)
        || folder.rsplit_once('/').is_some_and(|(above, last)| TEST.contains(&above) && is_of_lists(last));
    if !is_list_folder {
        return None;
    }
    let is = |list: &[&str]| list.contains(&word);
    match word {
        "" if in_tests => Some(Role::Test),
        _ if is(&RUNTIME) => Some(Role::Runtime),
        _ if is(&TEST) => Some(Role::Test),
        _ if is(&DEVELOPMENT) => Some(Role::Development),
        _ => None,
    }
}

/// Whether a path is that of a requirements file, whatever it is for.
pub(super) fn is_list(path: &str) -> bool {
    [".txt", ".pip", ".in"].iter().any(|ending| path.ends_with(ending)) && !path.contains("constraint")
}

/// Lines of a requirements file with all that it includes.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Lines {
    /// What is to be installed, and options such as `--index-url`.
    pub(super) requirements: Vec<String>,
    /// What `-c` files say.
    pub(super) constraints: Vec<String>,
    /// Extras of the project itself that are asked for: `-e .[test]`.
    pub(super) own_extras: Vec<String>,
    /// Folders of other projects of the tree, from this one's: `-e ../common`.
    pub(super) local: Vec<String>,
    /// The files that were included, and whether as constraints: each is read once.
    included: BTreeSet<(String, bool)>,
}

impl Lines {
    /// Read a file of the project.
    pub(super) fn read(&mut self, files: &dyn ProjectFiles, path: &str) {
        if let Some(text) = files.read(path) {
            self.add(files, path, &text, false, 0);
        }
    }

    /// Read a text that lies at this path of the project, or would.
    pub(super) fn add(
        &mut self,
        files: &dyn ProjectFiles,
        path: &str,
        text: &str,
        as_constraint: bool,
        depth: usize,
    ) {
        let joined = text.replace("\\\r\n", " ").replace("\\\n", " ");
        for line in joined.lines() {
            let line = without_comment(line).trim();
            if line.is_empty() {
                continue;
            }
            if let Some((other, is_constraint)) = included(line) {
                let other = beside(path, other);
                let is_constraint = as_constraint || is_constraint;
                if depth < DEEPEST
                    && self.included.insert((other.clone(), is_constraint))
                    && let Some(text) = files.read(&other)
                {
                    self.add(files, &other, &text, is_constraint, depth + 1);
                }
            } else if let Some((folder, extras)) = folder_of(line) {
                // The project itself is on the path, whatever it is installed from.
                let folder = beside(path, folder);
                if folder.is_empty() {
                    self.own_extras.extend(extras);
                } else {
                    self.local.push(folder);
                }
            } else if as_constraint {
                self.constraints.push(without_hashes(line));
            } else {
                self.requirements.push(without_hashes(line));
            }
        }
    }
}

/// A comment begins a line or follows a space.
fn without_comment(line: &str) -> &str {
    if line.trim_start().starts_with('#') {
        return "";
    }
    line.find(" #").or_else(|| line.find("\t#")).map_or(line, |at| &line[..at])
}

/// Hashes name the files of one index at one time; the version is what counts here.
fn without_hashes(line: &str) -> String {
    line.split_whitespace().filter(|word| !word.starts_with("--hash")).collect::<Vec<_>>().join(" ")
}

/// The file that a line includes, and whether as constraints.
fn included(line: &str) -> Option<(&str, bool)> {
    let options = [("--requirement", false), ("--constraint", true), ("-r", false), ("-c", true)];
    options.into_iter().find_map(|(option, is_constraint)| {
        let rest = line.strip_prefix(option)?;
        let other = rest.trim_start_matches(['=', ' ', '\t']);
        (!other.is_empty() && !other.contains("://")).then_some((other, is_constraint))
    })
}

/// The folder that a line names (`-e .`, `-e .[test]`, `./libs/common`, `common @ file:../common`) and the extras that it
/// asks for there; `None` of a package.
fn folder_of(line: &str) -> Option<(&str, Vec<String>)> {
    let option = line.strip_prefix("--editable").or_else(|| line.strip_prefix("-e"));
    let rest = option.unwrap_or(line).trim_start_matches(['=', ' ']).trim_matches(['"', '\'']);
    let rest = rest.split(" ;").next().unwrap_or(rest).trim();
    let (rest, is_url) =
        match rest.split_once("@ file:").or_else(|| rest.strip_prefix("file:").map(|rest| ("", rest))) {
            Some((_, path)) => (path.split(['#', '?']).next().unwrap_or(path), true),
            None => (rest, false),
        };
    let (folder, extras) = match rest.split_once('[') {
        Some((folder, extras)) => (folder.trim(), extras.trim_end_matches(']')),
        None => (rest, ""),
    };
    let is_relative =
        folder == "." || folder == ".." || folder.starts_with("./") || folder.starts_with("../");
    let is_plain = |folder: &str| !folder.starts_with('/') && !folder.contains(':') && !folder.contains('$');
    let is_file = [".whl", ".zip", ".gz", ".tar"].iter().any(|ending| folder.ends_with(ending));
    let is_folder = is_relative || ((option.is_some() || is_url) && is_plain(folder));
    let extras = extras.split(',').map(str::trim).filter(|extra| !extra.is_empty());
    (is_folder && !is_file && !folder.is_empty()).then(|| (folder, extras.map(str::to_owned).collect()))
}

/// A path relative to another file's folder. It may lead out of the project's folder, as `../common`.
pub(super) fn beside(path: &str, other: &str) -> String {
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    joined(folder, other)
}

/// A path from a folder, without what cancels itself out.
pub(super) fn joined(folder: &str, other: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in folder.split('/').chain(other.split('/')) {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn roles_follow_from_names() {
        for (path, expected) in [
            ("requirements.txt", Some(Role::Runtime)),
            ("requirements/install.pip", Some(Role::Runtime)),
            ("requirements/test.pip", Some(Role::Test)),
            ("test-requirements.txt", Some(Role::Test)),
            ("tests/requirements.txt", Some(Role::Test)),
            ("requirements_dev.txt", Some(Role::Development)),
            ("requirements/doc.pip", None),
            ("requirements/windows-test.txt", None),
            ("docs/requirements.txt", None),
            ("testing/plugins/requirements.txt", None),
            ("tests/requirements/base.txt", Some(Role::Runtime)),
            ("constraints.txt", None),
        ] {
            assert_eq!(role(path), expected, "{path}");
        }
    }

    struct Files(BTreeMap<&'static str, &'static str>);

    impl ProjectFiles for Files {
        fn declaring(&self) -> Vec<String> {
            self.0.keys().map(|&path| path.to_owned()).collect()
        }
        fn read(&self, path: &str) -> Option<String> {
            self.0.get(path).map(|&text| text.to_owned())
        }
        fn packages(&self) -> Vec<String> {
            Vec::new()
        }
        fn export(&self, _: &std::path::Path) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn included_files_are_read_and_the_project_itself_is_left_out() {
        let files = Files(BTreeMap::from([
            (
                "requirements/test.txt",
                "-r base.txt  # first\n--constraint=../pins.txt\n-e .[dev]\n\npytest==5.0.1 \\\n  --hash=sha256:00\n",
            ),
            ("requirements/base.txt", "Flask>=0.8 # web\n-r test.txt\n#six\n"),
            ("pins.txt", "werkzeug<1\n"),
        ]));
        let mut lines = Lines::default();
        lines.read(&files, "requirements/test.txt");
        assert!(lines.requirements.contains(&"Flask>=0.8".to_owned()), "{lines:?}");
        assert!(lines.requirements.contains(&"pytest==5.0.1".to_owned()), "{lines:?}");
        assert!(lines.requirements.iter().all(|line| !line.contains("-e") && !line.contains("six")));
        assert!(lines.constraints.iter().all(|line| line == "werkzeug<1"), "{lines:?}");
    }

    #[test]
    fn the_project_itself_and_others_of_the_tree_are_told_from_packages() {
        for (line, expected) in [
            ("-e .", Some((".", vec![]))),
            ("-e .[test, dev]", Some((".", vec!["test", "dev"]))),
            ("--editable=../common", Some(("../common", vec![]))),
            ("./libs/a[x]", Some(("./libs/a", vec!["x"]))),
            ("-e libs/a", Some(("libs/a", vec![]))),
            ("common @ file:../common", Some(("../common", vec![]))),
            ("-e git+https://example.org/x.git#egg=x", None),
            ("./wheels/a-1.0-py3-none-any.whl", None),
            ("requests[security]>=2", None),
            ("x @ https://example.org/x.zip", None),
        ] {
            let found = folder_of(line);
            let found =
                found.as_ref().map(|(folder, extras)| (*folder, extras.iter().map(String::as_str).collect()));
            assert_eq!(found, expected, "{line}");
        }
        assert_eq!(beside("requirements/dev.txt", ".."), "");
        assert_eq!(beside("dev.txt", "../common/x"), "../common/x");
    }

    #[test]
    fn files_that_include_one_another_are_read_once_each() {
        let many = "-r a.txt\n-r b.txt\n".repeat(500);
        let files = Files(BTreeMap::from([("a.txt", &*many.leak()), ("b.txt", "-c a.txt\nsix\n")]));
        let mut lines = Lines::default();
        lines.read(&files, "a.txt");
        assert_eq!(lines.requirements, ["six"]);
    }
}
