//! Bytecode of CPython: where it goes, what it starts with, and what may stay.
//!
//! `PYTHONPYCACHEPREFIX` keeps bytecode out of the work trees and of whatever else is imported. An empty prefix
//! would make Python compile the standard library once more, a second or two; [`seed_pycache`] fills
//! it with links to the bytecode that is there already.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::manifest::{Manifest, system_path};
use crate::git::remove_tree;

/// Links made at most: more than that take longer than they save.
const MOST_LINKS: usize = 30_000;
/// Folders of the standard library that no application imports.
const SKIPPED: [&str; 6] = ["test", "tests", "idlelib", "lib2to3", "turtledemo", "ensurepip"];

/// Fill a prefix with links to the bytecode that belongs to the sources in these folders (those of `sys.path`,
/// outside the repository). How many links were made.
///
/// Python replaces bytecode that it finds stale, and does not write through a link: the linked files stay as they
/// are.
///
/// # Errors
/// When the prefix cannot be written. Folders that cannot be read are passed over.
pub fn seed_pycache(prefix: &Path, folders: &[PathBuf]) -> io::Result<usize> {
    let mut made = 0;
    let mut waiting: Vec<PathBuf> = folders.iter().filter(|folder| folder.is_absolute()).cloned().collect();
    while let Some(folder) = waiting.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries.flatten() {
            let name = entry.file_name();
            // Links are not followed: they may lead in circles.
            if !entry.file_type().is_ok_and(|kind| kind.is_dir()) || SKIPPED.iter().any(|skip| name == *skip)
            {
                continue;
            }
            if name != "__pycache__" {
                waiting.push(entry.path());
            } else if made < MOST_LINKS {
                made += link_all(&entry.path(), &inside(prefix, &folder))?;
            }
        }
    }
    Ok(made)
}

/// Where a prefix keeps the bytecode of the sources in an absolute folder.
pub(super) fn inside(prefix: &Path, folder: &Path) -> PathBuf {
    prefix.join(folder.strip_prefix("/").unwrap_or(folder))
}

fn link_all(bytecode: &Path, target: &Path) -> io::Result<usize> {
    let Ok(entries) = fs::read_dir(bytecode) else { return Ok(0) };
    let mut made = 0;
    let mut is_there = false;
    for entry in entries.flatten() {
        let name = entry.file_name();
        if !name.as_bytes().ends_with(b".pyc") {
            continue;
        }
        if !is_there {
            fs::create_dir_all(target)?;
            is_there = true;
        }
        match symlink(entry.path(), target.join(&name)) {
            Ok(()) => made += 1,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Ok(made)
}

/// `x.py` for `x.cpython-311.pyc`, `x.cpython-311.opt-1.pyc` and `x.cpython-311-pytest-8.3.pyc`; `None` for what is no
/// bytecode.
pub(super) fn source_of_bytecode(name: &OsStr) -> Option<OsString> {
    let name = name.as_bytes();
    name.strip_suffix(b".pyc")?;
    // A module's own name has no dot; the tag of the interpreter stands behind the first one.
    let stem = name.split(|&byte| byte == b'.').next()?;
    Some(OsString::from_vec([stem, b".py"].concat()))
}

/// Remove bytecode whose source is not tracked, or was changed by a trial: another source of the same size may take
/// its place within the same second. `folder` is that of the work tree's bytecode in the prefix.
pub(super) fn remove_stale(folder: &Path, manifest: &Manifest) -> io::Result<()> {
    let mut waiting = vec![PathBuf::new()];
    while let Some(below) = waiting.pop() {
        let Ok(entries) = fs::read_dir(folder.join(&below)) else { continue };
        for entry in entries.flatten() {
            let name = entry.file_name();
            if entry.file_type()?.is_dir() {
                waiting.push(below.join(&name));
                continue;
            }
            let is_current = source_of_bytecode(&name)
                .is_some_and(|source| manifest.is_tracked(below.join(source).as_os_str().as_bytes()));
            if !is_current {
                remove_tree(&entry.path())?;
            }
        }
    }
    Ok(())
}

/// Remove the bytecode beside a source, in `__pycache__`.
pub(super) fn remove_beside(tree: &Path, source: &[u8]) -> io::Result<()> {
    let source = system_path(source);
    let folder = tree.join(source).with_file_name("__pycache__");
    let Ok(entries) = fs::read_dir(folder) else { return Ok(()) };
    for entry in entries.flatten() {
        if source_of_bytecode(&entry.file_name()).as_deref() == source.file_name() {
            remove_tree(&entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytecode_names_lead_to_their_source() {
        let source =
            |name: &str| source_of_bytecode(OsStr::new(name)).map(|name| name.into_string().unwrap());
        assert_eq!(source("x.cpython-311.pyc").as_deref(), Some("x.py"));
        assert_eq!(source("x.cpython-311.opt-2.pyc").as_deref(), Some("x.py"));
        assert_eq!(source("test_x.cpython-313-pytest-8.3.4.pyc").as_deref(), Some("test_x.py"));
        assert_eq!(source("x.cpython-311.pyc.140234"), None);
        assert_eq!(source("data.json"), None);
    }

    #[test]
    fn seeds_are_links_to_what_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let library = folder.path().join("lib");
        let cache = library.join("json/__pycache__");
        fs::create_dir_all(&cache).unwrap();
        fs::create_dir_all(library.join("test/__pycache__")).unwrap();
        for file in
            [cache.join("decoder.cpython-311.pyc"), library.join("test/__pycache__/x.cpython-311.pyc")]
        {
            fs::write(file, "bytes").unwrap();
        }
        let prefix = folder.path().join("prefix");
        assert_eq!(seed_pycache(&prefix, std::slice::from_ref(&library)).unwrap(), 1);
        let seed = inside(&prefix, &library.join("json")).join("decoder.cpython-311.pyc");
        assert_eq!(fs::read_link(seed).unwrap(), cache.join("decoder.cpython-311.pyc"));
        assert_eq!(seed_pycache(&prefix, &[library]).unwrap(), 0, "a second time is harmless");
    }
}
