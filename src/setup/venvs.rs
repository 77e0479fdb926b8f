//! Environments in the user's work tree: trials have them under the path that the user typed, to be read.
//!
//! What is in them is not git's, so a trial's own tree lacks them. A link leads from where they lie in the tree to where
//! they are.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

use super::error::Error;
use crate::git::Link;
use crate::pyenv::{Interpreter, Prober, environment_around, environments_in, places_of_python};

/// Files that say what a program runs, by its name.
const SCRIPTS: [(&str, &[&str]); 6] = [
    ("make", &["GNUmakefile", "makefile", "Makefile"]),
    ("gmake", &["GNUmakefile", "makefile", "Makefile"]),
    ("just", &["justfile", "Justfile", ".justfile"]),
    ("task", &["Taskfile.yml", "Taskfile.yaml"]),
    ("tox", &["tox.ini"]),
    ("nox", &["noxfile.py"]),
];
/// Programs that run in the environment of a project without its being named.
const MANAGERS: [&str; 7] = ["uv", "poetry", "pdm", "pipenv", "hatch", "rye", "pixi"];
/// A longer script is no script.
const LONGEST: u64 = 64 << 10;
/// More interpreters are not asked.
const MOST_ASKED: usize = 4;

/// The environments in a work tree.
#[derive(Debug, Default)]
pub(crate) struct Venvs {
    top: PathBuf,
    all: Vec<PathBuf>,
    /// The interpreters of those that the command speaks of.
    pub(crate) used: Vec<Interpreter>,
}

impl Venvs {
    /// Look for them in the work tree that begins at `top`, for a command that runs in `folder`.
    /// What came with the repository is not among them.
    pub(crate) fn find(top: Option<&Path>, folder: &Path, command: &[OsString], prober: &Prober<'_>) -> Self {
        let Some(top) = top.filter(|_| !command.is_empty()) else { return Self::default() };
        let mut all = environments_in(top);
        all.retain(|venv| !(prober.refuses)(&venv.join("bin/python")));
        if all.is_empty() {
            return Self::default();
        }
        let texts = texts(command, folder);
        let managed = command.iter().any(|word| tokens(&word.to_string_lossy()).any(is_manager));
        let speaks_of = |venv: &&PathBuf| {
            let from_here = [top, folder].map(|folder| venv.strip_prefix(folder).unwrap_or(venv));
            let is_named = |path: &&Path| texts.iter().any(|text| names(text, &path.to_string_lossy()));
            from_here.iter().any(is_named)
                || managed && from_here.iter().any(|path| path.components().count() == 1)
        };
        let spoken_of: Vec<&PathBuf> = all.iter().filter(speaks_of).take(MOST_ASKED).collect();
        let used = spoken_of.iter().filter_map(|venv| prober.probe(&venv.join("bin/python")).ok()).collect();
        Self { top: top.to_owned(), all, used }
    }

    /// Where they lie from the top, and where they are.
    pub(crate) fn links(&self) -> Vec<(PathBuf, PathBuf)> {
        let inside = |path: PathBuf| Some((path.strip_prefix(&self.top).ok()?.to_owned(), path));
        self.all.iter().flat_map(|venv| parts(venv)).filter_map(inside).collect()
    }

    /// What has to be seen for them to work.
    pub(crate) fn places(&self) -> Vec<PathBuf> {
        let of = |venv: &PathBuf| [vec![venv.clone()], places_of_python(&venv.join("bin/python"))].concat();
        let used = self.used.iter().flat_map(Interpreter::places);
        self.all.iter().flat_map(of).chain(used).collect()
    }

    /// Whether there is one that `uv run` would want to bring up to date.
    pub(crate) fn is_for_uv(&self) -> bool {
        self.all.iter().any(|venv| venv.ends_with(".venv"))
    }
}

/// What is linked to for an environment: itself, but for those of tox. It does not take a link for an environment, and
/// has logs and caches beside what is installed.
fn parts(venv: &Path) -> Vec<PathBuf> {
    let folder = venv.parent().and_then(Path::file_name);
    let is_of_tox = folder.is_some_and(|name| name == ".tox");
    if !is_of_tox {
        return vec![venv.to_owned()];
    }
    let entries = std::fs::read_dir(venv).into_iter().flatten().flatten().map(|entry| entry.path());
    let is_installed = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default();
        !path.is_dir()
            || ["bin", "lib", "lib64", "include", "share", "etc"].iter().any(|known| name == *known)
    };
    entries.filter(is_installed).collect()
}

/// What has to be seen for a program or library in an environment to work, wherever that lies: the environment, and the
/// interpreter behind it.
pub(crate) fn places_around(path: &Path) -> Vec<PathBuf> {
    let Some(venv) = environment_around(path) else { return Vec::new() };
    [vec![venv.to_owned()], places_of_python(&venv.join("bin/python"))].concat()
}

/// The interpreter of the environment that a program, named by a path, lies in.
pub(crate) fn interpreter_around(program: &OsString, folder: &Path) -> Option<PathBuf> {
    let path = Path::new(program);
    if path.components().count() < 2 {
        return None;
    }
    let path = plain(&folder.join(path));
    environment_around(&path).map(|venv| venv.join("bin/python")).filter(|python| python.exists())
}

/// A path without `.` and `..`; links that `..` would leave again are not asked.
pub(crate) fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            part => plain.push(part),
        }
    }
    plain
}

/// A script with each path that leads out of the tree written from the root: from a trial's tree, `..` leads elsewhere.
pub(crate) fn with_outer_paths(script: &str, folder: &Path, top: &Path) -> String {
    let mut text = String::new();
    let mut rest = script;
    while let Some(at) = rest.find("../") {
        // The word begins behind the last letter that cannot be part of it.
        let begin = rest[..at]
            .rfind(is_end)
            .map_or(0, |end| end + rest[end..].chars().next().map_or(1, char::len_utf8));
        let end = rest[at..].find(is_end).map_or(rest.len(), |length| at + length);
        let word = &rest[begin..end];
        text.push_str(&rest[..begin]);
        match outer_path(word, folder, top) {
            Some(path) => text.push_str(&path.to_string_lossy()),
            None => text.push_str(word),
        }
        rest = &rest[end..];
    }
    text + rest
}

/// Where a relative path leads that leaves the tree, when something is there.
pub(crate) fn outer_path(word: &str, folder: &Path, top: &Path) -> Option<PathBuf> {
    let path = Path::new(word);
    let leads_up = path.is_relative() && path.components().any(|part| part == Component::ParentDir);
    let found = leads_up.then(|| plain(&folder.join(path)))?;
    (!found.starts_with(top) && found.exists()).then_some(found)
}

fn is_end(letter: char) -> bool {
    letter.is_whitespace() || "'\"`;|&<>(){}=:,$".contains(letter)
}

fn tokens(text: &str) -> impl Iterator<Item = &str> {
    text.split(is_end).filter(|token| !token.is_empty())
}

fn is_manager(token: &str) -> bool {
    let name = Path::new(token).file_name().and_then(|name| name.to_str()).unwrap_or(token);
    MANAGERS.contains(&name)
}

/// The words of a command, and the scripts that they name or that their programs read.
fn texts(command: &[OsString], folder: &Path) -> Vec<String> {
    let words: Vec<String> = command.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let mut files: BTreeSet<PathBuf> = BTreeSet::new();
    for token in words.iter().flat_map(|word| tokens(word)) {
        let name = Path::new(token).file_name().and_then(|name| name.to_str()).unwrap_or(token);
        let read_by = SCRIPTS.iter().filter(|(program, _)| *program == name);
        files.extend(read_by.flat_map(|(_, files)| files.iter().map(|file| folder.join(file))));
        files.insert(folder.join(token));
    }
    let is_script = |file: &PathBuf| {
        std::fs::metadata(file).is_ok_and(|facts| facts.is_file() && facts.len() <= LONGEST)
            && environment_around(file).is_none()
    };
    let scripts = files.into_iter().filter(is_script).filter_map(|file| std::fs::read_to_string(file).ok());
    words.iter().cloned().chain(scripts).collect()
}

/// Whether a text names a path as a whole.
fn names(text: &str, path: &str) -> bool {
    let is_part = |letter: char| letter.is_alphanumeric() || "_-.".contains(letter);
    text.match_indices(path)
        .any(|(at, _)| !text[..at].ends_with(is_part) && !text[at + path.len()..].starts_with(is_part))
}

/// A program named by a path outside of the tree, or in an environment, stays that program; another one inside is the
/// tree's own. The links of an environment are what makes it one, so they are not followed.
pub(crate) fn absolute_program(command: &mut [OsString], folder: &Path, top: Option<&Path>) {
    let Some(program) = command.first_mut() else { return };
    let path = Path::new(program);
    if path.components().count() < 2 || path.is_absolute() {
        return;
    }
    let path = plain(&folder.join(path));
    let inside = top.is_some_and(|top| path.starts_with(top));
    if path.exists() && (!inside || environment_around(&path).is_some()) {
        *program = path.into_os_string();
    }
}

/// What `--see` names, and of that what is linked into each tree.
pub(crate) fn seen(
    paths: &[PathBuf],
    here: &Path,
    top: Option<&Path>,
) -> Result<(Vec<PathBuf>, Vec<Link>), Error> {
    let (mut all, mut links) = (Vec::new(), Vec::new());
    for path in paths {
        let whole = plain(&here.join(path));
        if !whole.exists() {
            return Err(Error::usage(format!("there is no {} for --see", whole.display()))
                .hinted("--see PATH: a file or folder here that trials are to read"));
        }
        let inside = top.and_then(|top| whole.strip_prefix(top).ok());
        let inside = inside.filter(|inside| !inside.as_os_str().is_empty());
        links.extend(inside.map(|inside| (inside.to_owned(), whole.clone())));
        all.extend(places_around(&whole));
        all.push(whole);
    }
    Ok((all, links))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_out_of_the_tree_are_written_from_the_root_and_others_are_left() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        for folder in ["venv/bin", "top/sub"] {
            std::fs::create_dir_all(root.join(folder)).unwrap();
        }
        for file in ["venv/bin/python", "top/tool"] {
            std::fs::write(root.join(file), "").unwrap();
        }
        let (top, sub) = (root.join("top"), root.join("top/sub"));
        let script = "cd x && ../../venv/bin/python -m m --config=../../missing \"../tool\" é../x";
        let expected =
            script.replace("../../venv/bin/python", &root.join("venv/bin/python").to_string_lossy());
        assert_eq!(with_outer_paths(script, &sub, &top), expected);
    }

    #[test]
    fn an_environment_is_spoken_of_where_its_whole_path_stands() {
        for text in [".venv/bin/python -m x", "\t@.venv/bin/pytest", ". ./.venv/bin/activate", "V=.venv"] {
            assert!(names(text, ".venv"), "{text}");
        }
        for text in ["x.venv/bin", ".venv2/bin/python", "my.venv", "python -m venv-tool"] {
            assert!(!names(text, ".venv"), "{text}");
        }
        assert!(!names("python -m venv-tool", "venv"));
    }
}
