//! Where configuration lies: `[tool.pybisect]` in the `pyproject.toml` of the folder the user stands in or of one above
//! it, inside the repository, or a `pybisect.toml` there; and `pybisect/config.toml` in the user's folder of
//! configuration (`$XDG_CONFIG_HOME`, `~/.config`).

use std::path::{Path, PathBuf};

use etcetera::BaseStrategy as _;
use serde::Deserialize;
use toml::Table;

use crate::dirfd::Folder;
use crate::git::Repository;
use crate::model::CommitId;
use crate::setup::error::Error;

/// A configuration as it is written.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Found {
    pub(crate) table: Table,
    /// The file, for people.
    pub(crate) name: String,
    /// The file, from the top of the work tree.
    pub(crate) inside: PathBuf,
}

#[derive(Debug, Default, Deserialize)]
struct Pyproject {
    #[serde(default)]
    tool: Tool,
}

#[derive(Debug, Default, Deserialize)]
struct Tool {
    pybisect: Option<Table>,
}

const OWN: &str = "pybisect.toml";
const SHARED: &str = "pyproject.toml";

/// The configuration in `folder` or above it, up to `top`.
pub(super) fn of_checkout(folder: &Path, top: &Path) -> Result<Option<Found>, Error> {
    let tree = match Folder::open(top) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(unread(top))?,
    };
    for folder in folder.ancestors().take_while(|folder| folder.starts_with(top)) {
        let inside = folder.strip_prefix(top).unwrap_or(Path::new(""));
        let read = |name: &str| {
            let file = folder.join(name);
            let text = read_inside(&tree, &inside.join(name)).map_err(unread(&file))?;
            Ok(text.map(|text| (text, file.display().to_string())))
        };
        if let Some(found) = in_folder(inside, read)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// The same in the tree of a commit; `folder` from its top.
pub(super) fn of_commit(
    repository: &Repository,
    commit: CommitId,
    folder: &Path,
) -> Result<Option<Found>, Error> {
    for folder in folder.ancestors() {
        let read = |name: &str| {
            let inside = folder.join(name);
            let bytes = repository.file_at(commit, &inside)?;
            let name = format!("{} of {}", inside.display(), commit.short());
            Ok(bytes.map(|bytes| (String::from_utf8_lossy(&bytes).into_owned(), name)))
        };
        if let Some(found) = in_folder(folder, read)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// The user's own.
pub(super) fn of_user() -> Result<Option<Found>, Error> {
    // Whoever has no home has no such file.
    let Ok(base) = etcetera::choose_base_strategy() else { return Ok(None) };
    let file = base.config_dir().join("pybisect/config.toml");
    let Some(text) = read(&file)? else { return Ok(None) };
    let name = file.display().to_string();
    Ok(Some(Found { table: parse(&text, &name)?, name, inside: file }))
}

/// A file's text, and its name for people.
type Text = Option<(String, String)>;

fn in_folder(inside: &Path, read: impl Fn(&str) -> Result<Text, Error>) -> Result<Option<Found>, Error> {
    if let Some((text, name)) = read(OWN)? {
        return Ok(Some(Found { table: parse(&text, &name)?, name, inside: inside.join(OWN) }));
    }
    let Some((text, name)) = read(SHARED)? else { return Ok(None) };
    // A broken pyproject.toml is not ours to judge unless it names us.
    let table = toml::from_str::<Pyproject>(&text).ok().and_then(|pyproject| pyproject.tool.pybisect);
    Ok(table.map(|table| Found { table: super::keys::with_lists(table), name, inside: inside.join(SHARED) }))
}

pub(super) fn parse(text: &str, name: &str) -> Result<Table, Error> {
    let table = text.parse::<Table>();
    let table = table.map_err(|error| Error::usage(format!("{name}: {}", error.to_string().trim_end())))?;
    // Whoever copies a table from a pyproject.toml, or from a page that shows one, means the same here.
    let shared = toml::from_str::<Pyproject>(text).ok().filter(|_| table.len() == 1);
    let table = shared.and_then(|shared| shared.tool.pybisect).unwrap_or(table);
    Ok(super::keys::with_lists(table))
}

/// A file that came with a repository: a link in it may lead to a device without end, or to a file of the user's, of which an
/// error would say a line.
fn read_inside(tree: &Folder, inside: &Path) -> std::io::Result<Option<String>> {
    const LARGEST: u64 = 4 << 20;
    match tree.read_over_links(inside, LARGEST) {
        Ok(bytes) => String::from_utf8(bytes)
            .map(Some)
            .map_err(|error| std::io::Error::new(std::io::ErrorKind::InvalidData, error.utf8_error())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn unread(file: &Path) -> impl FnOnce(std::io::Error) -> Error {
    |error| {
        Error::usage(format!("failed to read {}: {error}", file.display())).hinted(
            "--no-config does without it; your own configuration is in ~/.config/pybisect/config.toml",
        )
    }
}

fn read(file: &Path) -> Result<Option<String>, Error> {
    match std::fs::read_to_string(file) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::usage(format!("failed to read {}: {error}", file.display()))),
    }
}
