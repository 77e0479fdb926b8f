//! Bytecode of CPython: where it goes, what it starts with, and what may stay.
//!
//! `PYTHONPYCACHEPREFIX` keeps bytecode out of the work trees and of whatever else is imported. An empty prefix
//! would make Python compile the standard library once more, a second or two; [`seed_pycache`] fills
//! it with links to the bytecode that is there already. All of it lies in memory where the system has such a
//! folder, as making thousands of links takes seconds on a disk; what a tree's own sources are compiled to
//! lies in a folder that only its slot can write.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::exchange::Exchange;
use super::manifest::{Manifest, system_path};
use crate::beneath::{Folder, Kind};

/// Links made at most, and time taken for them. Trials only read what is made here: what is missing, each compiles for
/// itself.
const MOST_LINKS: usize = 30_000;
const LONGEST: Duration = Duration::from_secs(1);
/// Folders of the standard library that no application imports, and those of packages: where they can be imported
/// from, they are given themselves.
const SKIPPED: [&str; 8] =
    ["test", "tests", "idlelib", "lib2to3", "turtledemo", "ensurepip", "site-packages", "dist-packages"];

/// Fill a prefix, a folder that is there, with links to the bytecode that belongs to the sources in these folders (those of `sys.path`,
/// outside the repository), one folder after the other. How many links were made; on a slow disk it stops
/// early, and Python compiles the rest when it needs it.
///
/// Python replaces bytecode that it finds stale, and does not write through a link: the linked files stay as they
/// are.
///
/// # Errors
/// When the prefix cannot be written. Folders that cannot be read are passed over.
pub fn seed_pycache(prefix: &Path, folders: &[PathBuf]) -> io::Result<usize> {
    seed(&Folder::open(prefix)?, folders).map(|seeds| seeds.made)
}

/// What was made of it in a prefix.
#[derive(Debug, Default)]
pub(super) struct Seeds {
    made: usize,
    /// Relative to the prefix: folders in which no bytecode is missing, so that nothing has to be written there, and files
    /// in others.
    pub(super) places: Vec<PathBuf>,
}

/// The same in an open folder.
pub(super) fn seed(prefix: &Folder, folders: &[PathBuf]) -> io::Result<Seeds> {
    let mut made = 0;
    let started = Instant::now();
    // One package after the other: when it has to stop, the others are done.
    let mut waiting: Vec<PathBuf> =
        folders.iter().rev().filter(|folder| folder.is_absolute()).cloned().collect();
    let mut seen = Vec::new();
    // Those in which something is missing, and all that they lie in.
    let mut lacking: BTreeSet<PathBuf> = BTreeSet::new();
    while let Some(folder) = waiting.pop() {
        if started.elapsed() > LONGEST || made > MOST_LINKS {
            lacking.extend(
                waiting.iter().chain([&folder]).flat_map(|folder| folder.ancestors()).map(Path::to_owned),
            );
            break;
        }
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        let (mut sources, mut compiled) = (BTreeSet::new(), Vec::new());
        for entry in entries.flatten() {
            let name = entry.file_name();
            // Links are not followed: they may lead in circles.
            if !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                sources.extend(is_module(&name).then_some(name));
            } else if name == "__pycache__" {
                let (new, all) = link_all(&entry.path(), prefix, inside_prefix(&folder))?;
                made += new;
                compiled = all;
            } else if !SKIPPED.iter().any(|skip| name == *skip) {
                waiting.push(entry.path());
            }
        }
        let has_code: BTreeSet<OsString> =
            compiled.iter().filter_map(|name| source_of_bytecode(name)).collect();
        if !sources.is_subset(&has_code) {
            lacking.extend(folder.ancestors().map(Path::to_owned));
        }
        seen.push((folder, compiled));
    }
    // Where nothing is missing the outermost folder, elsewhere each file by itself.
    let whole: BTreeSet<&Path> =
        seen.iter().map(|(folder, _)| folder.as_path()).filter(|folder| !lacking.contains(*folder)).collect();
    let is_inner = |folder: &Path| folder.ancestors().skip(1).any(|outer| whole.contains(outer));
    let outermost = whole.iter().filter(|folder| !is_inner(folder));
    let mut places: Vec<PathBuf> = outermost.map(|folder| inside_prefix(folder).to_owned()).collect();
    for (folder, names) in seen.iter().filter(|(folder, _)| lacking.contains(folder)) {
        places.extend(names.iter().map(|name| inside_prefix(folder).join(name)));
    }
    Ok(Seeds { made, places })
}

/// Whether a file can be imported by its name; scripts with others are not compiled.
fn is_module(name: &OsStr) -> bool {
    let stem = name.as_bytes().strip_suffix(b".py");
    stem.is_some_and(|stem| !stem.iter().any(|byte| b"-. ".contains(byte)))
}

/// Where a prefix has the bytecode of the sources in an absolute folder.
pub(super) fn inside_prefix(folder: &Path) -> &Path {
    folder.strip_prefix("/").unwrap_or(folder)
}

/// Link all bytecode of one folder in the folder `target` of the prefix.
/// How many links are new, and the names of all.
fn link_all(bytecode: &Path, prefix: &Folder, target: &Path) -> io::Result<(usize, Vec<OsString>)> {
    let Ok(entries) = fs::read_dir(bytecode) else { return Ok((0, Vec::new())) };
    let (mut made, mut all) = (0, Vec::new());
    let mut folder = None;
    for entry in entries.flatten() {
        let name = entry.file_name();
        // What is made for options like -O is seldom asked for.
        if !name.as_bytes().ends_with(b".pyc") || name.as_bytes().windows(5).any(|part| part == b".opt-") {
            continue;
        }
        if folder.is_none() {
            prefix.make_folders(target, Instant::now() + LONGEST)?;
            folder = Some(prefix.folder(target)?);
        }
        let Some(folder) = &folder else { continue };
        match folder.link(&entry.path(), name.as_ref()) {
            Ok(()) => made += 1,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
        all.push(name);
    }
    Ok((made, all))
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

/// Go over the bytecode of a tree, which lies in `folder`: what was compiled goes to the `exchange`. What stays are regular
/// files, and links to what the exchange has of the same source; all else is removed. So is what has no source, or
/// one that is not tracked or that a trial changed: another source of the same size may take its place within the same
/// second.
pub(super) fn tidy(
    folder: &Folder,
    tree: &Path,
    manifest: &Manifest,
    exchange: &Exchange,
    until: Instant,
) -> io::Result<()> {
    let mut waiting = vec![PathBuf::new()];
    while let Some(below) = waiting.pop() {
        let here = folder.opened_up(&below)?;
        for entry in here.entries()? {
            let path = below.join(&entry.name);
            if entry.kind == Kind::Folder && manifest.needs_folder(path.as_os_str().as_bytes()) {
                waiting.push(path);
                continue;
            }
            let source = source_of_bytecode(&entry.name).map(|source| below.join(source));
            let known = source.and_then(|source| {
                manifest.entries.get(source.as_os_str().as_bytes()).map(|entry| (source, entry))
            });
            let stays = known.is_some_and(|(source, of_source)| match entry.kind {
                Kind::File => exchange.take(tree, &source, of_source, &here, &entry.name),
                Kind::Link => exchange.gave(of_source, &here, &entry.name),
                Kind::Folder | Kind::Other => false,
            });
            if !stays {
                here.remove(entry.name.as_ref(), until)?;
            }
        }
    }
    Ok(())
}

/// Remove the bytecode beside a source, in `__pycache__`, and that folder when nothing else is in it: Python would
/// take what is left of a package for a namespace package.
pub(super) fn remove_beside(tree: &Folder, source: &[u8], until: Instant) -> io::Result<()> {
    let source = system_path(source);
    let path = source.with_file_name("__pycache__");
    let Ok(folder) = tree.folder(&path) else { return Ok(()) };
    for entry in folder.entries()? {
        if source_of_bytecode(&entry.name).as_deref() == source.file_name() {
            folder.remove(entry.name.as_ref(), until)?;
        }
    }
    // It fails when something is left.
    drop(tree.remove_empty(&path));
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
        fs::create_dir(&prefix).unwrap();
        assert_eq!(seed_pycache(&prefix, std::slice::from_ref(&library)).unwrap(), 1);
        let seed =
            prefix.join(library.join("json").strip_prefix("/").unwrap()).join("decoder.cpython-311.pyc");
        assert_eq!(fs::read_link(seed).unwrap(), cache.join("decoder.cpython-311.pyc"));
        assert_eq!(seed_pycache(&prefix, &[library]).unwrap(), 0, "a second time is harmless");
    }
}
