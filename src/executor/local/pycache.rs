//! Bytecode of CPython: where it goes, what it starts with, and what may stay.
//!
//! `PYTHONPYCACHEPREFIX` keeps bytecode out of the work trees and of whatever else is imported. An empty prefix
//! would make Python compile the standard library once more, a second or two; [`seed`] fills
//! it with links to the bytecode that is there already. All of it lies in memory where the system has such a
//! folder, as making thousands of links takes seconds on a disk; what a tree's own sources are compiled to
//! lies in a folder that only its slot can write.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use std::{fs, io};

use super::bytecode_cache::BytecodeCache;
use super::bytecode_path::source_of_bytecode;
use super::manifest::Manifest;
use crate::dirfd::{Folder, Kind};

/// Links made at most, and time taken for them. Trials only read what is made here: what is missing, each compiles for
/// itself.
const MOST_LINKS: usize = 30_000;
const LONGEST: Duration = Duration::from_secs(1);
/// Folders of the standard library that no application imports, and those of packages: where they can be imported
/// from, they are given themselves.
const SKIPPED: [&str; 8] =
    ["test", "tests", "idlelib", "lib2to3", "turtledemo", "ensurepip", "site-packages", "dist-packages"];

/// Fill a prefix with links to the bytecode that belongs to the sources in these folders (those of `sys.path`, outside
/// the repository), one folder after the other. On a slow disk it stops early, and Python compiles the rest when it needs it.
/// Folders that cannot be read are passed over.
///
/// Python replaces bytecode that it finds stale, and does not write through a link: the linked files stay as they
/// are.
///
/// Of the prefix, relative to it: folders in which no bytecode is missing, so that nothing has to be written there, and files
/// in others. Where the folders `can_only_be_read`, those without others in them are linked as a whole.
pub(super) fn seed(prefix: &Folder, folders: &[PathBuf], can_only_be_read: bool) -> io::Result<Vec<PathBuf>> {
    let mut made = 0;
    let started = Instant::now();
    // One package after the other: when it has to stop, the others are done.
    let mut waiting: Vec<PathBuf> =
        folders.iter().rev().filter(|folder| folder.is_absolute()).cloned().collect();
    let mut seen = Vec::new();
    let mut lacking = Lacking::default();
    while let Some(folder) = waiting.pop() {
        if started.elapsed() > LONGEST || made > MOST_LINKS {
            waiting.iter().chain([&folder]).for_each(|folder| lacking.add(folder));
            break;
        }
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        let (mut sources, mut bytecode, mut has_folders) = (HashSet::new(), None, false);
        for entry in entries.flatten() {
            let name = entry.file_name();
            // Links are not followed: they may lead in circles.
            if !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                sources.extend(is_module(&name).then_some(name));
            } else if name == "__pycache__" {
                bytecode = Some(entry.path());
            } else {
                has_folders = true;
                if !SKIPPED.iter().any(|skip| name == *skip) {
                    waiting.push(entry.path());
                }
            }
        }
        let compiled = bytecode.as_deref().map(compiled_in).unwrap_or_default();
        let has_code: HashSet<OsString> =
            compiled.iter().filter_map(|name| source_of_bytecode(name)).collect();
        let is_complete = sources.is_subset(&has_code);
        if let Some(bytecode) = bytecode.filter(|_| !compiled.is_empty()) {
            let place = inside_prefix(&folder);
            let is_one = is_complete && can_only_be_read && !has_folders && prefix.facts(place).is_err();
            made += if is_one {
                link_whole(&bytecode, prefix, place)?
            } else {
                link_all((&bytecode, &compiled), prefix, place)?
            };
        }
        if !is_complete {
            lacking.add(&folder);
        }
        seen.push((folder, compiled));
    }
    // Where nothing is missing the outermost folder, elsewhere each file by itself. What lies in a folder of the first kind
    // is of that kind too.
    let is_whole = |folder: &&OsStr| !lacking.holds(folder.as_ref());
    let whole: HashSet<&OsStr> = seen.iter().map(|(folder, _)| folder.as_os_str()).filter(is_whole).collect();
    let mut places = Vec::new();
    for (folder, names) in &seen {
        let place = inside_prefix(folder);
        if lacking.holds(folder) {
            places.extend(names.iter().map(|name| place.join(name)));
        } else if !folder.parent().is_some_and(|outer| whole.contains(outer.as_os_str())) {
            places.push(place.to_owned());
        }
    }
    Ok(places)
}

/// Folders in which bytecode is missing, and all that they lie in.
#[derive(Default)]
struct Lacking(HashSet<OsString>);

impl Lacking {
    fn add(&mut self, folder: &Path) {
        for folder in folder.ancestors() {
            if !self.0.insert(folder.into()) {
                // So are those above it.
                break;
            }
        }
    }

    fn holds(&self, folder: &Path) -> bool {
        self.0.contains(folder.as_os_str())
    }
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

/// The names of the bytecode in a folder.
fn compiled_in(bytecode: &Path) -> Vec<OsString> {
    let names = fs::read_dir(bytecode).into_iter().flatten().flatten().map(|entry| entry.file_name());
    // What is made for options like -O is seldom asked for.
    let is_plain = |name: &[u8]| name.ends_with(b".pyc") && memchr::memmem::find(name, b".opt-").is_none();
    names.filter(|name| is_plain(name.as_bytes())).collect()
}

/// Link a whole folder of bytecode at a place of the prefix.
fn link_whole(bytecode: &Path, prefix: &Folder, place: &Path) -> io::Result<usize> {
    if let Some(outer) = place.parent() {
        prefix.make_folders(outer, Instant::now() + LONGEST)?;
    }
    prefix.link(bytecode, place).map(|()| 1)
}

/// Link all bytecode of one folder in the folder `target` of the prefix. How many links are new.
fn link_all((bytecode, names): (&Path, &[OsString]), prefix: &Folder, target: &Path) -> io::Result<usize> {
    let mut made = 0;
    if prefix.read_link(target).is_ok_and(|there| there == bytecode) {
        return Ok(made);
    }
    prefix.make_folders(target, Instant::now() + LONGEST)?;
    let folder = prefix.folder(target)?;
    for name in names {
        match folder.link(&bytecode.join(name), name.as_ref()) {
            Ok(()) => made += 1,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Ok(made)
}

/// Go over the bytecode of a tree, which lies in `folder`: what was compiled goes to the `exchange`. What stays are regular
/// files, and links to what the exchange has of the same source; all else is removed. So is what has no source, or
/// one that is not tracked or that a trial changed: another source of the same size may take its place within the same
/// second.
pub(super) fn prune_bytecode(
    folder: &Folder,
    tree: &Path,
    manifest: &Manifest,
    exchange: &BytecodeCache,
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
        let seeded = || seed(&Folder::open(&prefix).unwrap(), std::slice::from_ref(&library), false).unwrap();
        let places = seeded();
        assert_eq!(places, [inside_prefix(&library)]);
        let seed =
            prefix.join(library.join("json").strip_prefix("/").unwrap()).join("decoder.cpython-311.pyc");
        assert_eq!(fs::read_link(seed).unwrap(), cache.join("decoder.cpython-311.pyc"));
        assert_eq!(seeded(), places, "a second time is harmless");
        // A whole folder, where nothing can be written through that link.
        let other = folder.path().join("other");
        fs::create_dir(&other).unwrap();
        let whole =
            || super::seed(&Folder::open(&other).unwrap(), std::slice::from_ref(&library), true).unwrap();
        for _ in 0..2 {
            assert_eq!(whole(), places);
            assert_eq!(fs::read_link(other.join(inside_prefix(&library.join("json")))).unwrap(), cache);
        }
    }
}
