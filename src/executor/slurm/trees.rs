//! Trees as archives in the shared folder: the first one in full, others by what they have otherwise.
//!
//! One file that is read from its beginning to its end is what shared file systems are good at; a name is never used
//! twice, so that no node sees what was there before. Files are as git would write them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tar::{Builder, EntryType, Header};

use crate::executor::gaps::Gaps;
use crate::git::{
    AttributeForm, Checkout, CheckoutGap, Content, GitError, Repository, SUBMODULE, SYMLINK, TreeFile,
    holds_attributes,
};
use crate::model::TreeId;

/// A file of a tree: with the same three it is the same on disk.
#[derive(PartialEq, Eq)]
struct Listed {
    file: TreeFile,
    form: Option<AttributeForm>,
}

type Listing = BTreeMap<Vec<u8>, Listed>;

/// The archive of the first tree.
pub(super) const BASE: &str = "base.tar";

/// A tree that lies in the shared folder.
#[derive(Debug, Clone, Default)]
pub(super) struct PackedTree {
    /// What comes before `.tar` and `.gone`; `None` for the first one, which is in `base.tar`.
    pub(super) difference: Option<PathBuf>,
    pub(super) gaps: Gaps,
}

/// Why a tree cannot be brought to the nodes.
#[derive(Debug)]
pub(super) enum PackError {
    /// It lies in the tree.
    Tree(String),
    /// The shared folder cannot be written.
    Folder(io::Error),
}

impl From<GitError> for PackError {
    fn from(error: GitError) -> Self {
        Self::Tree(crate::executor::error::with_causes(&error))
    }
}

impl From<io::Error> for PackError {
    fn from(error: io::Error) -> Self {
        Self::Folder(error)
    }
}

/// Brings trees into the shared folder, each once.
pub(super) struct TreePacker {
    objects: Repository,
    checkout: Arc<Checkout>,
    folder: PathBuf,
    base: Option<(Listing, Gaps)>,
    known: HashMap<TreeId, PackedTree>,
}

impl TreePacker {
    pub(super) fn new(objects: Repository, checkout: Arc<Checkout>, folder: PathBuf) -> Self {
        Self { objects, checkout, folder, base: None, known: HashMap::new() }
    }

    /// Have a tree there.
    pub(super) fn pack(&mut self, tree: TreeId) -> Result<PackedTree, PackError> {
        if let Some(known) = self.known.get(&tree) {
            return Ok(known.clone());
        }
        let mut gaps = Gaps::new();
        let listing = self.listing(tree, &mut gaps)?;
        let packed = self.written(tree, listing, gaps)?;
        self.known.insert(tree, packed.clone());
        Ok(packed)
    }

    fn written(&mut self, tree: TreeId, listing: Listing, mut gaps: Gaps) -> Result<PackedTree, PackError> {
        let Some((base, base_gaps)) = &self.base else {
            self.archive(&self.folder.join(BASE), listing.values(), &mut gaps)?;
            self.base = Some((listing, gaps.clone()));
            return Ok(PackedTree { difference: None, gaps });
        };
        let place = self.folder.join(tree.to_string());
        let other = listing.iter().filter(|(path, file)| base.get(*path) != Some(*file));
        self.archive(&place.with_extension("tar"), other.map(|(_, file)| file), &mut gaps)?;
        let mut gone = BufWriter::new(File::create(place.with_extension("gone"))?);
        for path in gone_of(base, &listing) {
            gone.write_all(&[b"./", path, b"\0"].concat())?;
        }
        gone.into_inner().map_err(io::IntoInnerError::into_error)?;
        let same = base_gaps.iter().filter(|(path, _)| listing.get(*path) == base.get(*path));
        gaps.extend(same.map(|(path, gap)| (path.clone(), *gap)));
        Ok(PackedTree { difference: Some(place), gaps })
    }

    /// The files of a tree and of the submodules in it, each with its form.
    fn listing(&self, tree: TreeId, gaps: &mut Gaps) -> Result<Listing, PackError> {
        let mut files = self.objects.tree_delta(None, tree)?.written;
        let is_module = |file: &&TreeFile| file.mode == SUBMODULE;
        let mut waiting: Vec<TreeFile> = files.iter().filter(is_module).cloned().collect();
        let mut modules = Vec::new();
        if !waiting.is_empty()
            && let Some(id) = self.objects.entry_at(tree, Path::new(".gitmodules"))?
        {
            modules = self.objects.with_blob(id, <[u8]>::to_vec)?.unwrap_or_default();
        }
        // A submodule that names itself would go on without an end; a hash cannot name itself.
        while let Some(module) = waiting.pop() {
            let Some(inner) = self.objects.files_of_submodule(&module.path, module.id)? else {
                let has_others = self.checkout.has_submodule(&module.path, &modules);
                gaps.insert(module.path, CheckoutGap::Submodule { has_others });
                continue;
            };
            waiting.extend(inner.iter().filter(is_module).cloned());
            files.extend(inner);
        }
        // A tree made by hand may have a file where it has a folder, too.
        let others = files.iter().filter(|file| file.mode != SUBMODULE);
        let others: BTreeSet<&[u8]> = others.map(|file| file.path.as_slice()).collect();
        let leads_out =
            |file: &&TreeFile| !file.is_inside() || above(&file.path).any(|folder| others.contains(folder));
        if let Some(file) = files.iter().find(leads_out) {
            let path = String::from_utf8_lossy(&file.path);
            return Err(PackError::Tree(format!("{path} is not a path inside the tree")));
        }
        let submodules = files.iter().filter(is_module).map(|file| file.path.clone()).collect();
        let holding = |file: &&TreeFile| holds_attributes(&file.path) && file.mode & 0o170_000 == 0o100_000;
        let holding = files.iter().filter(holding).map(|file| (file.path.as_slice(), file.id));
        let attributes = self.checkout.attributes(&self.objects, holding, submodules);
        let listed = |file: TreeFile| {
            let is_regular = file.mode != SYMLINK && file.mode != SUBMODULE;
            let form = is_regular.then(|| attributes.form(&file.path)).filter(|form| !form.is_plain());
            (file.path.clone(), Listed { file, form })
        };
        Ok(files.into_iter().map(listed).collect())
    }

    fn archive<'f>(
        &self,
        place: &Path,
        files: impl Iterator<Item = &'f Listed>,
        gaps: &mut Gaps,
    ) -> Result<(), PackError> {
        let mut archive = Builder::new(BufWriter::new(File::create(place)?));
        for Listed { file, form } in files {
            let path = Path::new(OsStr::from_bytes(&file.path));
            if file.mode == SUBMODULE {
                archive.append_data(&mut header(EntryType::Directory, 0o755, 0), path, io::empty())?;
                continue;
            }
            let put = |stored: &[u8]| -> io::Result<Option<CheckoutGap>> {
                if file.mode == SYMLINK {
                    let target = Path::new(OsStr::from_bytes(stored));
                    archive.append_link(&mut header(EntryType::Symlink, 0o777, 0), path, target)?;
                    return Ok(None);
                }
                let (content, gap) = match form {
                    Some(form) => self.checkout.content(&file.path, file.id, form, stored),
                    None => (Content::Stored(stored), None),
                };
                let mode = if file.mode & 0o111 == 0 { 0o644 } else { 0o755 };
                let mut add = |size: usize, bytes: &mut dyn io::Read| {
                    let size = u64::try_from(size).unwrap_or(u64::MAX);
                    archive.append_data(&mut header(EntryType::Regular, mode, size), path, bytes)
                };
                match &content {
                    Content::Stored(bytes) => add(bytes.len(), &mut &**bytes)?,
                    Content::Made(bytes) => add(bytes.len(), &mut bytes.as_slice())?,
                    Content::Of(other, size) => {
                        add(usize::try_from(*size).unwrap_or(usize::MAX), &mut File::open(other)?)?;
                    }
                }
                Ok(gap)
            };
            let gap = match self.objects.with_blob(file.id, put)? {
                Some(gap) => gap?,
                None => Some(CheckoutGap::Missing),
            };
            gaps.extend(gap.map(|gap| (file.path.clone(), gap)));
        }
        archive.into_inner()?.into_inner().map_err(io::IntoInnerError::into_error)?;
        Ok(())
    }
}

/// The head of an entry. Nodes give files the time at which they lay them out.
pub(super) fn header(kind: EntryType, mode: u32, size: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(size);
    header
}

/// What of a tree another one does not have, or has as something else: of a folder that is gone, the folder alone.
fn gone_of<'b>(base: &'b Listing, listing: &Listing) -> BTreeSet<&'b [u8]> {
    let folders: BTreeSet<&[u8]> = listing.keys().flat_map(|path| above(path)).collect();
    let is_module = |listed: &Listed| listed.file.mode == SUBMODULE;
    let is_gone = |folder: &[u8]| !folders.contains(folder) && !listing.get(folder).is_some_and(is_module);
    let top = |(path, listed): (&'b Vec<u8>, &'b Listed)| {
        let is_gone_itself =
            if is_module(listed) { is_gone(path) } else { listing.get(path) != Some(listed) };
        above(path).find(|folder| is_gone(folder)).or_else(|| is_gone_itself.then_some(path.as_slice()))
    };
    base.iter().filter_map(top).collect()
}

/// The folders that a path lies in, from the top.
fn above(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| &path[..at])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::BlobId;

    fn listing(files: &[(&str, u8, u32)]) -> Listing {
        let listed = |&(path, id, mode): &(&str, u8, u32)| {
            let file = TreeFile { path: path.into(), id: BlobId::from_bytes([id; 20]), mode };
            (path.as_bytes().to_vec(), Listed { file, form: None })
        };
        files.iter().map(listed).collect()
    }

    #[test]
    fn what_a_tree_lacks_is_named_once_and_from_its_top() {
        let regular = 0o100_644;
        let base = listing(&[
            ("a", 1, regular),
            ("gone/deep/x", 1, regular),
            ("gone/y", 1, regular),
            ("is-link", 1, SYMLINK),
            ("is-folder/x", 1, regular),
            ("kept/part/x", 1, regular),
            ("kept/y", 1, regular),
            ("module", 1, SUBMODULE),
            ("module/same", 1, regular),
            ("module/x", 1, regular),
        ]);
        let other = listing(&[
            ("a", 2, regular),
            ("is-link/x", 1, regular),
            ("is-folder", 1, regular),
            ("kept/y", 1, regular),
            ("module", 2, SUBMODULE),
            ("module/same", 1, regular),
            ("new", 1, regular),
        ]);
        let gone = gone_of(&base, &other);
        let gone: Vec<&str> = gone.into_iter().map(|path| std::str::from_utf8(path).unwrap()).collect();
        assert_eq!(gone, ["a", "gone", "is-folder", "is-link", "kept/part", "module/x"]);
        assert!(gone_of(&base, &base).is_empty());
    }
}
