//! The bytecode prefix of one slot: links to what is shared, and what trials compiled beside them.
//!
//! After each trial it is put in order. There may be thousands of links, and hardly a trial touches them, so a folder that
//! is as it was when all in it was right is not listed again.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use crate::dirfd::{FileFacts, Folder, Kind};

/// What lies deeper is no package's.
const LONGEST_PATH: usize = 2_000;
/// So old the last change of a folder has to be for the next one to have another time, as file systems count.
const SETTLED: Duration = Duration::from_millis(100);

/// Where in a prefix links are, and where they lead.
#[derive(Debug, Clone, Default)]
pub(super) struct Links {
    /// By the folder that they lie in, then by name.
    folders: BTreeMap<PathBuf, BTreeMap<OsString, PathBuf>>,
}

impl Links {
    pub(super) fn add(&mut self, place: &Path, to: PathBuf) {
        if let (Some(folder), Some(name)) = (place.parent(), place.file_name()) {
            self.folders.entry(folder.to_owned()).or_default().insert(name.to_owned(), to);
        }
    }

    /// Add one, unless one is there that leads to the same, or others that it would lie around.
    pub(super) fn add_beside(&mut self, place: &Path, to: PathBuf) {
        let is_around = |folder: &PathBuf| folder.starts_with(place);
        // In order, what lies in a folder follows it.
        let next = self.folders.range(place.to_owned()..).next().map(|(folder, _)| folder);
        if !self.lead_to(place) && !next.is_some_and(is_around) {
            self.add(place, to);
        }
    }

    fn at(&self, folder: &Path) -> impl Iterator<Item = (&OsString, &PathBuf)> {
        self.folders.get(folder).into_iter().flatten()
    }

    fn to(&self, folder: &Path, name: &OsString) -> Option<&PathBuf> {
        self.folders.get(folder)?.get(name)
    }

    /// Whether a path is one of them, or lies where one leads.
    pub(super) fn lead_to(&self, inside: &Path) -> bool {
        let named = inside.ancestors().filter_map(|part| Some((part.parent()?, part.file_name()?)));
        named.into_iter().any(|(folder, name)| self.to(folder, &name.to_owned()).is_some())
    }
}

/// The open folder of a prefix.
#[derive(Debug)]
pub(super) struct Prefix {
    pub(super) folder: Folder,
    /// Folders in which all was right, as they were then.
    known: BTreeMap<PathBuf, Known>,
}

#[derive(Debug)]
struct Known {
    facts: FileFacts,
    /// The folders in it.
    inner: Vec<OsString>,
    /// Whether there is nothing else.
    is_bare: bool,
}

impl Prefix {
    pub(super) const fn new(folder: Folder) -> Self {
        Self { folder, known: BTreeMap::new() }
    }

    /// Other links than before are to be in it.
    pub(super) fn forget(&mut self) {
        self.known.clear();
    }

    /// Put it in order: what stays are regular files that are bytecode, and these links. A trial that left a pipe there
    /// would let the next one wait for it.
    pub(super) fn tidy(&mut self, links: &[&Links], until: Instant) -> io::Result<()> {
        self.tidy_at(links, until, SystemTime::now())
    }

    fn tidy_at(&mut self, links: &[&Links], until: Instant, now: SystemTime) -> io::Result<()> {
        let mut before = std::mem::take(&mut self.known);
        let mut waiting = vec![PathBuf::new()];
        let (mut bare, mut seen) = (Vec::new(), BTreeSet::new());
        while let Some(below) = waiting.pop() {
            let known = before.remove(&below);
            let known = known.filter(|known| self.folder.facts(&below).is_ok_and(|now| now == known.facts));
            let (found, stays) = match known {
                Some(known) => (known, true),
                None => self.tidy_folder(&below, links, until, now)?,
            };
            waiting.extend(found.inner.iter().map(|name| below.join(name)));
            if found.is_bare && !below.as_os_str().is_empty() {
                bare.push(below.clone());
            }
            if stays {
                self.known.insert(below.clone(), found);
            }
            seen.insert(below);
        }
        // Inner ones come behind those that they lie in.
        for folder in bare.iter().rev() {
            // It fails when a folder is left in it.
            drop(self.folder.remove_empty(folder));
        }
        let all = links.iter().flat_map(|links| links.folders.keys());
        for folder in all.filter(|folder| !seen.contains(*folder)) {
            self.folder.make_folders(folder, until)?;
            self.tidy_folder(folder, links, until, now)?;
        }
        Ok(())
    }

    /// The same of one folder. What is in it now, and whether that can be told from any later state.
    fn tidy_folder(
        &self,
        below: &Path,
        links: &[&Links],
        until: Instant,
        now: SystemTime,
    ) -> io::Result<(Known, bool)> {
        let here = self.folder.opened_up(below)?;
        let facts = FileFacts::of_open(&here)?;
        let mut known = Known { facts, inner: Vec::new(), is_bare: true };
        let (mut is_right, mut right) = (is_settled(&facts, now), BTreeSet::new());
        for entry in here.entries()? {
            let name = entry.name;
            let link = links.iter().find_map(|links| links.to(below, &name));
            let stays = match entry.kind {
                Kind::Folder if link.is_none() && below.as_os_str().len() + name.len() < LONGEST_PATH => {
                    known.inner.push(name);
                    continue;
                }
                // In the place of a link: what was there is older than its source.
                Kind::File => name.as_bytes().ends_with(b".pyc"),
                Kind::Link => link.is_some_and(|to| here.read_link(name.as_ref()).is_ok_and(|at| at == *to)),
                Kind::Folder | Kind::Other => false,
            };
            if stays {
                known.is_bare = false;
                right.insert(name);
            } else {
                is_right = false;
                here.remove(name.as_ref(), until)?;
            }
        }
        for (name, to) in links.iter().flat_map(|links| links.at(below)) {
            if !right.contains(name) {
                (is_right, known.is_bare) = (false, false);
                here.link(to, name.as_ref())?;
            }
        }
        Ok((known, is_right))
    }
}

/// Whether a change to a folder from now on shows in its time.
fn is_settled(facts: &FileFacts, now: SystemTime) -> bool {
    let (seconds, nanoseconds) = facts.ctime;
    let (Ok(seconds), Ok(nanoseconds)) = (u64::try_from(seconds), u64::try_from(nanoseconds)) else {
        return false;
    };
    let since = Duration::from_secs(seconds) + Duration::from_nanos(nanoseconds);
    now.duration_since(SystemTime::UNIX_EPOCH + since).is_ok_and(|age| age > SETTLED)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    /// Later than anything that happens here.
    fn later() -> SystemTime {
        SystemTime::now() + Duration::from_secs(3600)
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(60)
    }

    fn shared() -> Links {
        let mut links = Links::default();
        links.add(Path::new("lib/json"), "/packages/lib/json".into());
        links.add(Path::new("lib/re.pyc"), "/packages/lib/re.pyc".into());
        links.add(Path::new("lib/own/x.pyc"), "/packages/lib/own/x.pyc".into());
        links
    }

    fn assert_in_order(top: &Path) {
        for (place, to) in [("json", "json"), ("re.pyc", "re.pyc"), ("own/x.pyc", "own/x.pyc")] {
            let there = fs::read_link(top.join("lib").join(place)).unwrap();
            assert_eq!(there, Path::new("/packages/lib").join(to));
        }
    }

    #[test]
    fn whatever_is_put_in_the_place_of_a_link_goes_and_so_does_all_else_but_bytecode() {
        let temporary = tempfile::tempdir().unwrap();
        let top = temporary.path();
        let (mut prefix, links) = (Prefix::new(Folder::open(top).unwrap()), shared());
        let mut tidy = || prefix.tidy_at(&[&links], soon(), later()).unwrap();
        tidy();
        assert_in_order(top);
        // What is right is known from here on.
        tidy();
        let acts: [fn(&Path); 7] = [
            |lib| {
                fs::remove_file(lib.join("json")).unwrap();
                fs::create_dir_all(lib.join("json/deep")).unwrap();
            },
            |lib| {
                fs::remove_file(lib.join("own/x.pyc")).unwrap();
                symlink("/elsewhere", lib.join("own/x.pyc")).unwrap();
            },
            |lib| fs::rename(lib.join("own"), lib.join("other")).unwrap(),
            |lib| {
                fs::rename(lib.join("own"), lib.with_file_name("own")).unwrap();
                symlink("../own", lib.join("own")).unwrap();
            },
            |lib| fs::write(lib.join("own/notes"), "").unwrap(),
            |lib| fs::remove_dir_all(lib).unwrap(),
            |lib| fs::create_dir_all(lib.join("a/b/c")).unwrap(),
        ];
        for act in acts {
            act(&top.join("lib"));
            tidy();
            assert_in_order(top);
            let count = |folder: &str| fs::read_dir(top.join(folder)).unwrap().count();
            assert_eq!([count(""), count("lib"), count("lib/own")], [1, 3, 1]);
            tidy();
        }
        fs::remove_file(top.join("lib/re.pyc")).unwrap();
        fs::write(top.join("lib/re.pyc"), "newer").unwrap();
        fs::write(top.join("lib/own/y.pyc"), "compiled").unwrap();
        tidy();
        tidy();
        assert!(top.join("lib/re.pyc").is_file() && top.join("lib/own/y.pyc").is_file());
    }

    #[test]
    fn a_change_in_the_same_moment_is_not_missed() {
        let temporary = tempfile::tempdir().unwrap();
        let top = temporary.path();
        let (mut prefix, links) = (Prefix::new(Folder::open(top).unwrap()), shared());
        for _ in 0..50 {
            prefix.tidy(&[&links], soon()).unwrap();
            prefix.tidy(&[&links], soon()).unwrap();
            fs::remove_file(top.join("lib/own/x.pyc")).unwrap();
            symlink("/elsewhere", top.join("lib/own/x.pyc")).unwrap();
        }
        prefix.tidy(&[&links], soon()).unwrap();
        assert_in_order(top);
    }

    #[test]
    fn links_that_come_later_are_made_beside_those_that_are_there() {
        let temporary = tempfile::tempdir().unwrap();
        let top = temporary.path();
        let (mut prefix, mut links) = (Prefix::new(Folder::open(top).unwrap()), shared());
        for _ in 0..2 {
            prefix.tidy_at(&[&links], soon(), later()).unwrap();
        }
        links.add_beside(Path::new("other/lib"), "/packages/other/lib".into());
        links.add_beside(Path::new("lib/late"), "/packages/lib/late".into());
        // Within one that is there, around some, and one of them once more.
        for known in ["lib/json/deep", "lib/own", "lib/json"] {
            links.add_beside(Path::new(known), Path::new("/packages").join(known));
        }
        prefix.forget();
        for _ in 0..2 {
            prefix.tidy_at(&[&links], soon(), later()).unwrap();
            assert_in_order(top);
            for place in ["lib/late", "other/lib"] {
                assert_eq!(fs::read_link(top.join(place)).unwrap(), Path::new("/packages").join(place));
            }
        }
    }

    #[test]
    fn what_links_lead_to_is_known() {
        let links = shared();
        assert!(links.lead_to(Path::new("lib/json")) && links.lead_to(Path::new("lib/json/deep")));
        assert!(!links.lead_to(Path::new("lib")) && !links.lead_to(Path::new("lib/own")));
    }
}
