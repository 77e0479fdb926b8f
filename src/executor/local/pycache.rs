//! Bytecode of CPython: where it goes, what it starts with, and what may stay.
//!
//! `PYTHONPYCACHEPREFIX` keeps bytecode out of the work trees and of whatever else is imported. An empty prefix
//! would make Python compile the standard library once more, a second or two; [`seed_pycache`] fills
//! it with links to the bytecode that is there already. All of it lies in memory where the system has such a
//! folder, as making thousands of links takes seconds on a disk; what a tree's own sources are compiled to
//! lies in a folder that only its slot can write.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::exchange::Exchange;
use super::manifest::{Manifest, system_path};
use crate::git::remove_tree;

/// Links made at most, and time taken for them: more than that costs more than it saves.
const MOST_LINKS: usize = 30_000;
const LONGEST: Duration = Duration::from_millis(150);
/// Folders of the standard library that no application imports, and those of packages: where they can be imported
/// from, they are given themselves.
const SKIPPED: [&str; 8] =
    ["test", "tests", "idlelib", "lib2to3", "turtledemo", "ensurepip", "site-packages", "dist-packages"];

/// Fill a prefix with links to the bytecode that belongs to the sources in these folders (those of `sys.path`,
/// outside the repository), those in the upper folders first. How many links were made; on a slow disk it stops
/// early, and Python compiles the rest when it needs it.
///
/// Python replaces bytecode that it finds stale, and does not write through a link: the linked files stay as they
/// are.
///
/// # Errors
/// When the prefix cannot be written. Folders that cannot be read are passed over.
pub fn seed_pycache(prefix: &Path, folders: &[PathBuf]) -> io::Result<usize> {
    let mut made = 0;
    let started = Instant::now();
    let mut waiting: VecDeque<PathBuf> =
        folders.iter().filter(|folder| folder.is_absolute()).cloned().collect();
    while let Some(folder) = waiting.pop_front() {
        if started.elapsed() > LONGEST || made > MOST_LINKS {
            break;
        }
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries.flatten() {
            let name = entry.file_name();
            // Links are not followed: they may lead in circles.
            if !entry.file_type().is_ok_and(|kind| kind.is_dir()) || SKIPPED.iter().any(|skip| name == *skip)
            {
                continue;
            }
            if name != "__pycache__" {
                waiting.push_back(entry.path());
            } else {
                made += link_all(&entry.path(), &inside(prefix, &folder))?;
            }
        }
    }
    Ok(made)
}

/// Let the bytecode of the sources in `tree` go to another folder than the prefix.
pub(super) fn divert(prefix: &Path, tree: &Path, to: &Path) -> io::Result<()> {
    let from = inside(prefix, tree);
    fs::create_dir_all(to)?;
    fs::create_dir_all(from.parent().unwrap_or(prefix))?;
    symlink(to, from)
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
        // What is made for options like -O is seldom asked for.
        if !name.as_bytes().ends_with(b".pyc") || name.as_bytes().windows(5).any(|part| part == b".opt-") {
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

/// Go over the bytecode of a `tree`, which lies in `folder`: what was compiled goes to the `exchange`, and what has
/// no source is removed, as has what belongs to a source that is not tracked or that a trial changed: another source
/// of the same size may take its place within the same second.
pub(super) fn tidy(folder: &Path, tree: &Path, manifest: &Manifest, exchange: &Exchange) -> io::Result<()> {
    let mut waiting = vec![PathBuf::new()];
    while let Some(below) = waiting.pop() {
        let Ok(entries) = fs::read_dir(folder.join(&below)) else { continue };
        for entry in entries.flatten() {
            let (name, kind) = (entry.file_name(), entry.file_type()?);
            if kind.is_dir() {
                waiting.push(below.join(&name));
                continue;
            }
            let source = source_of_bytecode(&name).map(|source| below.join(source));
            let known = source.and_then(|source| {
                manifest.entries.get(source.as_os_str().as_bytes()).map(|entry| (source, entry))
            });
            match known {
                None => remove_tree(&entry.path())?,
                Some((source, of_source)) if kind.is_file() => {
                    exchange.take(tree, &source, of_source, &entry.path());
                }
                Some(_) => {}
            }
        }
    }
    Ok(())
}

/// Remove the bytecode beside a source, in `__pycache__`, and that folder when nothing else is in it: Python would
/// take what is left of a package for a namespace package.
pub(super) fn remove_beside(tree: &Path, source: &[u8]) -> io::Result<()> {
    let source = system_path(source);
    let folder = tree.join(source).with_file_name("__pycache__");
    let Ok(entries) = fs::read_dir(&folder) else { return Ok(()) };
    for entry in entries.flatten() {
        if source_of_bytecode(&entry.file_name()).as_deref() == source.file_name() {
            remove_tree(&entry.path())?;
        }
    }
    // It fails when something is left.
    drop(fs::remove_dir(folder));
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
