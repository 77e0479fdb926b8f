//! A trial that is watched: which functions of the repository it executes.
//!
//! A module that Python imports at its start writes it down (see `tracing/sitecustomize.py`). Programs
//! that are no Python, and interpreters that are told to ignore the environment, leave nothing, and then
//! nothing is known: watching is never needed for an answer.

use std::ffi::OsString;
use std::io;
use std::path::Path;

use crate::model::Recipe;

const SHIM: &str = include_str!("tracing/sitecustomize.py");
/// Tells the shim where to write.
const FOLDER: &str = "PYBISECT_TRACE";
const PATH: &str = "PYTHONPATH";
/// A trace larger than this is of a program that does far more than fail.
const LARGEST: u64 = 256 << 20;

/// The place where a watched trial finds the shim, and where it writes.
#[derive(Debug)]
pub struct Tracing {
    folder: tempfile::TempDir,
}

impl Tracing {
    /// Set it up.
    ///
    /// # Errors
    /// When no folder can be made.
    pub fn new() -> io::Result<Self> {
        Ok(Self { folder: shim_folder("pybisect-trace-")? })
    }

    /// The recipe of a trial that is watched.
    #[must_use]
    pub fn watched(&self, recipe: &Recipe) -> Recipe {
        let mut recipe = with_shim(recipe, self.folder.path());
        let out = self.folder.path().join("out").into_os_string();
        recipe.environment.insert(FOLDER.into(), out);
        recipe.is_watched = true;
        recipe
    }

    /// What each process of the watched trial wrote; nothing of one that wrote too much.
    #[must_use]
    pub fn read(&self) -> Vec<String> {
        let mut files: Vec<_> =
            std::fs::read_dir(self.folder.path().join("out")).into_iter().flatten().flatten().collect();
        files.sort_by_key(std::fs::DirEntry::file_name);
        let small = |file: &std::fs::DirEntry| file.metadata().is_ok_and(|facts| facts.len() <= LARGEST);
        let text =
            |file: &std::fs::DirEntry| if small(file) { std::fs::read(file.path()).ok() } else { None };
        let bytes = files.iter().map(|file| text(file).unwrap_or_default());
        bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).collect()
    }
}

/// A folder with the shim in `shim`, and `out` to write to.
pub(super) fn shim_folder(prefix: &str) -> io::Result<tempfile::TempDir> {
    let folder = tempfile::Builder::new().prefix(prefix).tempdir()?;
    let shim = folder.path().join("shim");
    std::fs::create_dir(&shim)?;
    std::fs::create_dir(folder.path().join("out"))?;
    std::fs::write(shim.join("sitecustomize.py"), SHIM)?;
    Ok(folder)
}

/// A recipe whose Python programs import the shim of such a folder.
pub(super) fn with_shim(recipe: &Recipe, folder: &Path) -> Recipe {
    let mut recipe = recipe.clone();
    let shim = folder.join("shim");
    recipe.visible.push(shim.clone());
    recipe.writable.push(folder.join("out"));
    match recipe.tree_paths.get_mut(PATH) {
        Some(paths) => paths.insert(0, shim),
        None => {
            let known = recipe.environment.get(&OsString::from(PATH)).filter(|known| !known.is_empty());
            let mut all = shim.into_os_string();
            if let Some(known) = known {
                all.push(":");
                all.push(known);
            }
            recipe.environment.insert(PATH.into(), all);
        }
    }
    recipe
}
