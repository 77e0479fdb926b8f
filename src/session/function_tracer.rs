//! A trial that is watched: which functions of the repository it executes.
//!
//! A module that Python imports at its start writes it down (see `tracing/sitecustomize.py`). Programs
//! that are no Python, and interpreters that are told to ignore the environment, leave nothing, and then
//! nothing is known: watching is never needed for an answer.

use std::ffi::OsString;
use std::io;
use std::path::Path;

use crate::beneath::{Folder, Scratch};
use crate::model::TrialSpec;

const SHIM: &str = include_str!("tracing/sitecustomize.py");
/// Tells the shim where to write.
const FOLDER: &str = "PYBISECT_TRACE";
const PATH: &str = "PYTHONPATH";
/// What a watched trial writes is read up to this many bytes: more is of a program that does far more than fail.
const LARGEST: u64 = 256 << 20;
/// Files of it that are read, one for each process.
const MOST_FILES: usize = 10_000;

/// The place where a watched trial finds the shim, and where it writes.
#[derive(Debug)]
pub struct FunctionTracer {
    folder: WatchFolder,
}

impl FunctionTracer {
    /// Set it up.
    ///
    /// # Errors
    /// When no folder can be made.
    pub fn new() -> io::Result<Self> {
        Ok(Self { folder: WatchFolder::new("pybisect-trace-")? })
    }

    /// The recipe of a trial that is watched.
    #[must_use]
    pub fn watched(&self, recipe: &TrialSpec) -> TrialSpec {
        let mut recipe = self.folder.with_shim(recipe);
        let out = self.folder.path().join("out").into_os_string();
        recipe.environment.insert(FOLDER.into(), out);
        recipe.is_watched = true;
        recipe
    }

    /// What each process of the watched trial wrote; nothing when it wrote too much.
    #[must_use]
    pub fn read(&self) -> Vec<String> {
        self.folder.written().unwrap_or_default()
    }
}

/// A folder with the shim in `shim`, and `out` for the trial to write to.
///
/// What lies in `out` is a trial's: it may hold links, pipes, and folders in folders without end.
#[derive(Debug)]
pub(super) struct WatchFolder {
    top: Scratch,
    out: Folder,
}

impl WatchFolder {
    pub(super) fn new(prefix: &str) -> io::Result<Self> {
        let top = Scratch::new(prefix)?;
        let shim = top.path().join("shim");
        std::fs::create_dir(&shim)?;
        std::fs::write(shim.join("sitecustomize.py"), SHIM)?;
        let out = top.folder().new_folder("out")?;
        Ok(Self { top, out })
    }

    pub(super) fn path(&self) -> &Path {
        self.top.path()
    }

    /// What was written, file by file in the order of their names. `None` when it is too much.
    pub(super) fn written(&self) -> Option<Vec<String>> {
        let mut names: Vec<OsString> = self.out.entries().ok()?.into_iter().map(|entry| entry.name).collect();
        names.sort();
        if names.len() > MOST_FILES {
            return None;
        }
        let (mut texts, mut left) = (Vec::new(), LARGEST);
        for name in names {
            // What is no regular file is none of the shim's.
            let Ok(bytes) = self.out.read(Path::new(&name), left) else { continue };
            left = left.checked_sub(u64::try_from(bytes.len()).ok()?).filter(|&left| left > 0)?;
            texts.push(String::from_utf8_lossy(&bytes).into_owned());
        }
        Some(texts)
    }

    /// A recipe whose Python programs import the shim.
    pub(super) fn with_shim(&self, recipe: &TrialSpec) -> TrialSpec {
        let mut recipe = recipe.clone();
        let shim = self.path().join("shim");
        recipe.visible.push(shim.clone());
        recipe.writable.push(self.path().join("out"));
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
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn what_is_no_regular_file_is_not_read() {
        let elsewhere = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(elsewhere.path(), "mine").unwrap();
        let folder = WatchFolder::new("pybisect-test-").unwrap();
        let out = folder.path().join("out");
        std::fs::write(out.join("1"), "first").unwrap();
        std::fs::write(out.join("3"), "last").unwrap();
        symlink(elsewhere.path(), out.join("2")).unwrap();
        rustix::fs::mknodat(
            rustix::fs::CWD,
            out.join("4"),
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RWXU,
            0,
        )
        .unwrap();
        std::fs::create_dir(out.join("5")).unwrap();
        assert_eq!(folder.written().unwrap(), ["first", "last"]);
    }

    #[test]
    fn the_folder_is_read_that_was_made_and_no_other_in_its_place() {
        let elsewhere = tempfile::tempdir().unwrap();
        std::fs::write(elsewhere.path().join("1"), "mine").unwrap();
        let folder = WatchFolder::new("pybisect-test-").unwrap();
        let top = folder.path().to_owned();
        std::fs::rename(top.join("out"), top.join("old")).unwrap();
        symlink(elsewhere.path(), top.join("out")).unwrap();
        assert_eq!(folder.written().unwrap(), [""; 0]);
        drop(folder);
        assert!(elsewhere.path().join("1").exists() && !top.exists());
    }

    #[test]
    fn what_a_trial_nested_deeply_is_removed() {
        let folder = WatchFolder::new("pybisect-test-").unwrap();
        let top = folder.path().to_owned();
        let mut here = folder.out.new_folder("a").unwrap();
        for _ in 0..3_000 {
            here = here.new_folder("a").unwrap();
        }
        drop((here, folder));
        assert!(!top.exists());
    }
}
