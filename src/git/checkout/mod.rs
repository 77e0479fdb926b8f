//! A tree's files as git would write them.
//!
//! What git stores and what it writes into a work tree differ: line ends, encodings, `$Id$`, contents that are kept
//! elsewhere. What is to be done to a file say the attributes of the tree that it is in (gitattributes(5)) and the
//! user's configuration.
//!
//! All that a tree says is hostile: attributes choose among what is done here, ids are read as hexadecimal digits, and
//! no program runs that the user's own configuration does not name, and then only when he asks for it.
//!
//! | file | what it does |
//! |---|---|
//! | `pattern` | patterns of gitattributes, in time that grows with the path |
//! | `attributes` | [`TreeAttributes`]: what holds for a path → [`AttributeForm`] |
//! | `text` | line ends and `$Id$` |
//! | `encoding` | `working-tree-encoding` |
//! | `lfs` | pointers of Git LFS and the store of their contents |
//! | `drivers` | filter drivers of the user's configuration |
//! | `summary` | what is done to the files of a tree, in words |
//! | `submodules` | the repositories of submodules, and what a tree says of them |

mod attributes;
mod drivers;
mod encoding;
mod lfs;
mod pattern;
mod submodules;
mod summary;
mod text;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

pub use attributes::{AttributeForm, TreeAttributes};

use attributes::{Defaults, Rules};
use drivers::Drivers;
use lfs::Pointer;
pub(super) use submodules::object_folders_of_submodules;

use super::{GitError, Repository};
use crate::model::BlobId;

/// What a tree lacks, or has otherwise than git would write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CheckoutGap {
    /// The blob is not in the object store.
    Missing,
    /// A pointer to content that Git LFS keeps elsewhere. Whether the clone has others of that.
    LfsPointer {
        /// Whether other contents are here.
        has_others: bool,
    },
    /// The folder of a submodule, empty. Whether the clone has other commits of it.
    Submodule {
        /// Whether other commits are here.
        has_others: bool,
    },
    /// A filter of the user's configuration would change the file.
    NotFiltered,
    /// A filter failed; the file is as it is stored.
    FilterFailed,
    /// The file cannot be written in the encoding that its attributes name.
    NotEncoded,
}

impl CheckoutGap {
    /// What is wrong, and what mends it.
    #[must_use]
    pub const fn text(self) -> (&'static str, Option<&'static str>) {
        match self {
            Self::Missing => ("missing from the repository and left out", None),
            Self::LfsPointer { .. } => {
                ("not filled, a Git LFS pointer", Some("git lfs fetch --all brings the content"))
            }
            Self::Submodule { has_others: false } => {
                ("not filled, a submodule", Some("git submodule update --init --recursive brings it"))
            }
            Self::Submodule { has_others: true } => (
                "not filled, a submodule at a commit that this clone lacks",
                Some(
                    "git fetch --recurse-submodules=yes brings it, or in the submodule: git fetch --unshallow",
                ),
            ),
            Self::NotFiltered => (
                "as it is stored, where a filter of your configuration would change it",
                Some("--filters run has it run, outside of the sandbox"),
            ),
            Self::FilterFailed => ("as it is stored, as its filter failed", None),
            Self::NotEncoded => {
                ("as it is stored, as its working-tree-encoding does not fit or is not known", None)
            }
        }
    }

    /// Whether the tree has less here than others of the same history may have, so that a failure may come of it.
    #[must_use]
    pub const fn is_partial(self) -> bool {
        matches!(self, Self::LfsPointer { has_others: true } | Self::Submodule { has_others: true })
    }
}

/// A file's content as git would write it.
#[derive(Debug)]
pub enum Content<'a> {
    /// As it is stored.
    Stored(&'a [u8]),
    /// Made of that.
    Made(Vec<u8>),
    /// That of another file, of this many bytes.
    Of(PathBuf, u64),
}

impl Content<'_> {
    /// Write it to a file, from where that stands; how many bytes there were.
    ///
    /// # Errors
    /// When the file cannot be written, or another one not be read.
    pub fn write_to(&self, file: &mut std::fs::File) -> std::io::Result<u64> {
        use std::io::Write as _;
        let bytes: &[u8] = match self {
            Self::Stored(bytes) => bytes,
            Self::Made(bytes) => bytes,
            Self::Of(other, _) => return std::io::copy(&mut std::fs::File::open(other)?, file),
        };
        file.write_all(bytes)?;
        Ok(u64::try_from(bytes.len()).unwrap_or(u64::MAX))
    }
}

/// How trees are written: the user's configuration, and where contents lie that git does not store.
#[derive(Debug, Default)]
pub struct Checkout {
    defaults: Defaults,
    /// Attributes that hold in every tree: of the user's machine and account, and of the repository.
    outer: Vec<Arc<Rules>>,
    inner: Option<Arc<Rules>>,
    /// `info/attributes`, as it is.
    own_attributes: Vec<u8>,
    stores: Vec<lfs::Store>,
    drivers: Drivers,
    submodules: submodules::Known,
    /// Parsed files of attributes by blob.
    parsed: Mutex<BTreeMap<BlobId, Arc<Rules>>>,
    /// Paths that a trial lacked and passed without.
    harmless: Mutex<BTreeSet<Vec<u8>>>,
}

impl Checkout {
    /// As git would write trees into the user's work tree; without filters.
    ///
    /// # Errors
    /// When the configuration cannot be read.
    pub(super) fn of(user: &Repository, objects: &[PathBuf]) -> Result<Self, GitError> {
        let config = user.inner.config()?.snapshot()?;
        let own_attributes = std::fs::read(user.folder().join("info/attributes")).unwrap_or_default();
        let read = |path: PathBuf| std::fs::read(path).ok();
        let named = config.get_path("core.attributesfile").ok().or_else(attributes::usual_file);
        let outer = [Some(PathBuf::from("/etc/gitattributes")), named].into_iter().flatten();
        let outer: Vec<Arc<Rules>> =
            outer.filter_map(read).map(|text| Arc::new(Rules::parse(&text, true))).collect();
        Ok(Self {
            defaults: Defaults::of(&config),
            outer,
            inner: (!own_attributes.is_empty()).then(|| Arc::new(Rules::parse(&own_attributes, true))),
            own_attributes,
            stores: lfs::stores(user, &config, objects),
            drivers: Drivers::of(user, &config)?,
            submodules: submodules::Known::of(user),
            parsed: Mutex::default(),
            harmless: Mutex::default(),
        })
    }

    /// Let the filters of the user's configuration run.
    pub(super) fn run_filters(&mut self) {
        self.drivers.run();
    }

    /// What can change how a tree is written, beside the tree itself.
    #[must_use]
    pub fn key(&self) -> String {
        let Self { defaults, outer, inner, drivers, .. } = self;
        let rules = outer.iter().chain(inner).map(|rules| rules.key.as_str());
        format!("{defaults:?} {} {}", rules.collect::<Vec<_>>().join(" "), drivers.key())
    }

    /// Whether attributes hold that no tree brings.
    pub(super) fn has_rules(&self) -> bool {
        self.inner.is_some() || !self.outer.is_empty()
    }

    /// `info/attributes` of the user's repository.
    pub(super) fn own_attributes(&self) -> &[u8] {
        &self.own_attributes
    }

    /// Configuration that decides how git compares files with what it stores.
    pub(super) fn configuration(&self) -> String {
        self.defaults.configuration()
    }

    /// The attributes of a tree, given its `.gitattributes` files and its submodules.
    pub fn attributes<'f>(
        &self,
        objects: &Repository,
        files: impl Iterator<Item = (&'f [u8], BlobId)>,
        submodules: Vec<Vec<u8>>,
    ) -> TreeAttributes {
        let mut folders = BTreeMap::new();
        for (path, blob) in files {
            let folder = path.strip_suffix(b".gitattributes").unwrap_or(path);
            let is_top =
                folder.is_empty() || submodules.iter().any(|top| folder == [top, &b"/"[..]].concat());
            folders.insert(folder.to_vec(), self.rules(objects, blob, is_top));
        }
        TreeAttributes::new(folders, submodules, self.outer.clone(), self.inner.clone(), self.defaults)
    }

    fn rules(&self, objects: &Repository, blob: BlobId, is_top: bool) -> Arc<Rules> {
        let mut parsed = self.parsed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = parsed.get(&blob).filter(|known| known.is_top == is_top) {
            return Arc::clone(known);
        }
        let rules = objects.with_blob(blob, |text| Rules::parse(text, is_top)).ok().flatten();
        let rules = Arc::new(rules.unwrap_or_default());
        parsed.insert(blob, Arc::clone(&rules));
        rules
    }

    /// A file's content in this form, and what is wrong with it.
    #[must_use]
    pub fn content<'a>(
        &self,
        path: &[u8],
        id: BlobId,
        form: &AttributeForm,
        stored: &'a [u8],
    ) -> (Content<'a>, Option<CheckoutGap>) {
        if form.is_plain() {
            return (Content::Stored(stored), None);
        }
        if form.filter.as_deref() == Some("lfs")
            && let Some(pointer) = Pointer::parse(stored)
            && let Some(file) = self.stores.iter().find_map(|store| store.find(&pointer))
        {
            return (Content::Of(file, pointer.size), None);
        }
        if form.filter.as_deref() == Some("lfs")
            && lfs::looks_like_pointer(stored)
            && !self.drivers.is_running("lfs")
        {
            let has_others = self.stores.iter().any(lfs::Store::has_any);
            return (Content::Stored(stored), Some(CheckoutGap::LfsPointer { has_others }));
        }
        let mut made: Option<Vec<u8>> = None;
        let mut flaw = None;
        if form.ident {
            made = text::with_id(stored, id);
        }
        if let Some(converted) = form.eol.convert(made.as_deref().unwrap_or(stored)) {
            made = Some(converted);
        }
        if let Some(name) = &form.encoding {
            match encoding::encode(name, made.as_deref().unwrap_or(stored)) {
                Some(encoded) => made = Some(encoded),
                None => flaw = Some(CheckoutGap::NotEncoded),
            }
        }
        if let Some(name) = &form.filter {
            match self.drivers.smudge(name, path, made.as_deref().unwrap_or(stored)) {
                drivers::Smudged::Nothing => {}
                drivers::Smudged::Made(bytes) => made = Some(bytes),
                drivers::Smudged::NotRun => flaw = Some(CheckoutGap::NotFiltered),
                drivers::Smudged::Failed => flaw = Some(CheckoutGap::FilterFailed),
            }
        }
        (made.map_or(Content::Stored(stored), Content::Made), flaw)
    }

    /// Whether the clone has a submodule, so that it may have other commits of it. `modules` is the tree's `.gitmodules`.
    #[must_use]
    pub fn has_submodule(&self, path: &[u8], modules: &[u8]) -> bool {
        self.submodules.has(path, modules)
    }

    /// A trial passed without these.
    pub fn are_harmless<'p>(&self, paths: impl Iterator<Item = &'p Vec<u8>>) {
        self.harmless.lock().unwrap_or_else(PoisonError::into_inner).extend(paths.cloned());
    }

    /// Whether a trial passed without this.
    #[must_use]
    pub fn is_harmless(&self, path: &[u8]) -> bool {
        self.harmless.lock().unwrap_or_else(PoisonError::into_inner).contains(path)
    }
}

/// Whether a path is that of a file of attributes.
#[must_use]
pub fn holds_attributes(path: &[u8]) -> bool {
    path.ends_with(b".gitattributes")
        && (path.len() == b".gitattributes".len() || path[path.len() - b".gitattributes".len() - 1] == b'/')
}
