//! The folders of a slot. Nothing else reaches into one by path: a trial may have put anything in the place of what was
//! there.
//!
//! They are opened when they are made. Before a trial they are compared with what lies under their names; a slot that is
//! no longer the one that was made is moved aside, to be removed when there is time, and another one takes its place.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::bytecode_cache::BytecodeCache;
use super::bytecode_path::source_of_bytecode;
use super::bytecode_prefix::{Links, Prefix};
use super::command_env::Folders;
use super::{RunFolder, pycache};
use crate::dirfd::{Folder, FolderAttributes, Kind};
use crate::git::Drafts;
use crate::process::sandbox::OwnFolder;

/// So long what a trial left is removed before its slot is given up: to fill another one is quicker then.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
/// So long what was given up is removed beside the trials.
const PATIENCE_ASIDE: Duration = Duration::from_secs(120);

/// Until when something in a slot that begins now has to be done.
pub(super) fn deadline() -> Instant {
    Instant::now() + PATIENCE
}

/// The folders that the slots of a run lie in.
#[derive(Debug)]
pub(super) struct SlotDirs {
    run: Folder,
    path: PathBuf,
    slots: Folder,
    /// Where indexes are written before they are moved to their slots.
    drafts: Arc<Folder>,
    /// What was given up.
    aside: Folder,
    bytecode: Folder,
    bytecode_path: PathBuf,
    /// The bytecode of all slots' trees.
    codes: Folder,
    /// The bytecode prefix of each slot.
    prefixes: Folder,
    /// Bytecode of packages that was there before, which all slots read and none writes.
    packages: Folder,
    /// The links of every prefix that lead there; more may come.
    seeds: Mutex<Arc<Links>>,
    /// Whether trials can only read what is not their own.
    is_read_only: bool,
    /// Held by who makes them.
    seeding: Mutex<()>,
    given_up: AtomicU64,
}

const SLOTS: &str = "slots";
const PACKAGES: &str = "packages";
const PREFIXES: &str = "prefixes";

impl SlotDirs {
    /// Make them in the folder of a run.
    pub(super) fn new(run: &RunFolder, is_read_only: bool) -> io::Result<Self> {
        let top = Folder::open(run.path())?;
        let bytecode = Folder::open(run.bytecode())?;
        Ok(Self {
            slots: top.new_folder(SLOTS)?,
            drafts: Arc::new(top.new_folder("indexes")?),
            aside: top.new_folder("aside")?,
            codes: bytecode.new_folder(SLOTS)?,
            prefixes: bytecode.new_folder(PREFIXES)?,
            packages: bytecode.new_folder(PACKAGES)?,
            seeds: Mutex::default(),
            seeding: Mutex::default(),
            is_read_only,
            run: top,
            path: run.path().to_owned(),
            bytecode,
            bytecode_path: run.bytecode().to_owned(),
            given_up: AtomicU64::new(0),
        })
    }

    /// Where the bytecode is that all slots read.
    pub(super) fn packages_path(&self) -> PathBuf {
        self.bytecode_path.join(PACKAGES)
    }

    /// An empty exchange of bytecode.
    pub(super) fn exchange(&self) -> io::Result<BytecodeCache> {
        const EXCHANGE: &str = "exchange";
        Ok(BytecodeCache::new(self.bytecode.new_folder(EXCHANGE)?, self.bytecode_path.join(EXCHANGE)))
    }

    /// Fill it with links to the bytecode beside the sources in these folders. Slots lead there from their next trial on.
    pub(super) fn seed(&self, folders: &[PathBuf]) -> io::Result<()> {
        let _one_at_a_time = self.seeding.lock().unwrap_or_else(PoisonError::into_inner);
        let places = pycache::seed(&self.packages, folders, self.is_read_only)?;
        let packages = self.packages_path();
        let slots = self.path.join(SLOTS);
        let mut all = self.seeds.lock().unwrap_or_else(PoisonError::into_inner);
        let mut links = Links::clone(&all);
        // Bytecode of the slots' own trees has places of its own.
        for place in places.iter().filter(|place| !pycache::inside_prefix(&slots).starts_with(place)) {
            links.add_beside(place, packages.join(place));
        }
        *all = Arc::new(links);
        Ok(())
    }

    /// The sources below a folder, from there, that slots compiled for themselves: what was imported and not seeded.
    pub(super) fn compiled_below(&self, folder: &Path) -> BTreeSet<PathBuf> {
        /// More is no package's.
        const MOST: usize = 20_000;
        let mut found = BTreeSet::new();
        for slot in self.prefixes.entries().unwrap_or_default() {
            let Ok(prefix) = self.prefixes.folder(slot.name.as_ref()) else { continue };
            let Ok(top) = prefix.folder(pycache::inside_prefix(folder)) else { continue };
            let mut waiting = vec![PathBuf::new()];
            while let Some(below) = waiting.pop() {
                let Ok(here) = top.folder(&below) else { continue };
                for entry in here.entries().unwrap_or_default() {
                    match entry.kind {
                        Kind::Folder => waiting.push(below.join(&entry.name)),
                        Kind::File if found.len() < MOST => {
                            found.extend(source_of_bytecode(&entry.name).map(|source| below.join(source)));
                        }
                        _ => {}
                    }
                }
            }
        }
        found
    }

    fn seeds(&self) -> Arc<Links> {
        Arc::clone(&self.seeds.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether they are where they were made.
    fn are_ours(&self) -> bool {
        let is_at = |path: &Path, folder: &Folder| match (Folder::open(path), folder.identity()) {
            (Ok(there), Ok(identity)) => there.identity().is_ok_and(|there| there == identity),
            _ => false,
        };
        is_at(&self.path, &self.run)
            && self.run.has(SLOTS, &self.slots)
            && is_at(&self.bytecode_path, &self.bytecode)
            && self.bytecode.has(SLOTS, &self.codes)
            && self.bytecode.has(PREFIXES, &self.prefixes)
            && self.bytecode.has(PACKAGES, &self.packages)
    }

    /// Move what has a name out of the way, wherever it leads. It is removed beside the trials.
    fn give_up(self: &Arc<Self>, folder: &Folder, name: &str) {
        let number = format!("{name}-{}", self.given_up.fetch_add(1, Ordering::Relaxed));
        if folder.move_to(name.as_ref(), &self.aside, &number).is_err() {
            // On another file system, or something is mounted on it.
            drop(folder.remove(name.as_ref(), deadline()));
            return;
        }
        let all = Arc::clone(self);
        // What is left then goes with the folder of the run.
        std::thread::spawn(move || drop(all.aside.remove(number.as_ref(), Instant::now() + PATIENCE_ASIDE)));
    }
}

/// The folders of one slot, open.
#[derive(Debug)]
pub(super) struct SlotDir {
    all: Arc<SlotDirs>,
    number: usize,
    name: String,
    pub(super) folders: Folders,
    top: Folder,
    pub(super) tree: Arc<Folder>,
    home: Folder,
    tmp: Folder,
    pub(super) bytecode: Folder,
    prefix: Prefix,
    /// What the folders had beside their entries when they were made: those of the slot, and of its bytecode.
    made: [FolderAttributes; 2],
    /// The links to what was there before that it has.
    seeds: Arc<Links>,
    /// The link in the prefix to the bytecode of the tree.
    to_tree: Links,
}

const TREE: &str = "tree";
const HOME: &str = "home";
const TMP: &str = "tmp";

impl SlotDir {
    /// New folders for the slot with this number.
    pub(super) fn new(all: &Arc<SlotDirs>, number: usize) -> io::Result<Self> {
        Self::named(all, number, number.to_string())
    }

    fn named(all: &Arc<SlotDirs>, number: usize, name: String) -> io::Result<Self> {
        let top = all.slots.new_folder(&name)?;
        let bytecode = all.codes.new_folder(&name)?;
        let prefix = Prefix::new(all.prefixes.new_folder(&name)?);
        let [path, code] = [&all.path, &all.bytecode_path].map(|path| path.join(SLOTS).join(&name));
        let folders = Folders::new(path, code, all.bytecode_path.join(PREFIXES).join(&name));
        let [tree, home, tmp] = [TREE, HOME, TMP].map(|name| top.new_folder(name));
        let (tree, home, tmp) = (Arc::new(tree?), home?, tmp?);
        let mut to_tree = Links::default();
        to_tree.add(pycache::inside_prefix(&folders.tree), folders.bytecode.clone());
        let (all, seeds) = (Arc::clone(all), Arc::default());
        let made = [tree.attributes()?, bytecode.attributes()?];
        Ok(Self { all, number, name, folders, top, tree, home, tmp, bytecode, prefix, made, seeds, to_tree })
    }

    /// Whether all of them are where they were made.
    pub(super) fn is_ours(&self) -> bool {
        self.all.are_ours()
            && self.all.slots.has(&self.name, &self.top)
            && self.top.has(TREE, &self.tree)
            && self.top.has(HOME, &self.home)
            && self.top.has(TMP, &self.tmp)
            && self.all.codes.has(&self.name, &self.bytecode)
            && self.all.prefixes.has(&self.name, &self.prefix.folder)
    }

    /// Let the prefix lead to the bytecode of the tree, and to that of packages which is there already; nothing but
    /// bytecode stays beside that.
    pub(super) fn tidy_prefix(&mut self, until: Instant) -> io::Result<()> {
        let seeds = self.all.seeds();
        if !Arc::ptr_eq(&seeds, &self.seeds) {
            self.prefix.forget();
        }
        self.prefix.tidy(&[&self.to_tree, &seeds], until)?;
        self.seeds = seeds;
        Ok(())
    }

    /// Whether it was put in order since the last seeds came.
    pub(super) fn has_all_seeds(&self) -> bool {
        Arc::ptr_eq(&self.all.seeds(), &self.seeds)
    }

    /// New folders in the place of these, which are given up.
    pub(super) fn renewed(&self) -> io::Result<Self> {
        if !self.all.are_ours() {
            return Err(io::Error::other("the folder of this run was moved or replaced"));
        }
        self.all.give_up(&self.all.slots, &self.name);
        self.all.give_up(&self.all.codes, &self.name);
        self.all.give_up(&self.all.prefixes, &self.name);
        // The same name, as paths are in what trials say and compile, unless the old one cannot be had.
        Self::new(&self.all, self.number).or_else(|_| {
            let count = self.all.given_up.load(Ordering::Relaxed);
            Self::named(&self.all, self.number, format!("{}-{count}", self.number))
        })
    }

    /// Let what is compiled for sources at a place in the tree, a link to a folder, be what is compiled for that folder.
    pub(super) fn share_bytecode(&self, place: &Path, target: &Path, until: Instant) -> io::Result<()> {
        let inside = pycache::inside_prefix(target);
        // A part of it may be a link to what all slots read, which stays.
        let leads_to_packages = self.all.seeds().lead_to(inside);
        if !leads_to_packages && self.prefix.folder.folder(inside).is_err() {
            self.prefix.folder.make_folders(inside, until)?;
        }
        self.bytecode.link_anew(&self.folders.prefix.join(inside), place, until)
    }

    /// Where the index of its private repository is written.
    pub(super) fn drafts(&self) -> Drafts {
        Drafts { folder: Arc::clone(&self.all.drafts), name: self.name.clone() }
    }

    /// What commands may write, with the private repository.
    pub(super) fn own(&self, git: Option<&Folder>) -> io::Result<Vec<OwnFolder>> {
        let Folders { tree, home, tmp, bytecode, prefix, .. } = &self.folders;
        let mut own = vec![
            (tree.clone(), &*self.tree),
            (home.clone(), &self.home),
            (tmp.clone(), &self.tmp),
            (bytecode.clone(), &self.bytecode),
            (prefix.clone(), &self.prefix.folder),
        ];
        own.extend(git.map(|git| (tree.join(".git"), git)));
        own.into_iter().map(|(path, folder)| Ok(OwnFolder { path, identity: folder.identity()? })).collect()
    }

    /// Put a file into the home, which has none of that name.
    pub(super) fn lay_in_home(&self, path: &Path, content: &[u8], until: Instant) -> io::Result<()> {
        if let Some(folder) = path.parent() {
            self.home.make_folders(folder, until)?;
        }
        self.home.create(path, 0o600)?.write_all(content)
    }

    /// Remove all but the tree and the bytecode.
    pub(super) fn empty(&self, until: Instant) -> io::Result<()> {
        for entry in self.top.opened_up(Path::new(""))?.entries()? {
            if ![TREE, HOME, TMP].iter().any(|own| entry.name == OsStr::new(own)) {
                self.top.remove(entry.name.as_ref(), until)?;
            }
        }
        self.home.empty(until)?;
        self.tmp.empty(until)?;
        // Other folders inherit some of it from these.
        let [slot, bytecode] = &self.made;
        for folder in [&self.top, &self.tree, &self.home, &self.tmp] {
            folder.put_back(slot)?;
        }
        self.bytecode.put_back(bytecode)?;
        self.prefix.folder.put_back(bytecode)
    }
}
