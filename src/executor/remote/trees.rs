//! Git trees as the protocol's directories.
//!
//! A folder that two commits share is made once, and a blob is hashed once for all searches. Files are as git would
//! write them: what attributes change is changed here.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use super::api::{Directory, DirectoryNode, FileNode, SymlinkNode};
use super::digest::{ContentId, encoded};
use crate::executor::gaps::Gaps;
use crate::git::{
    AttributeForm, Checkout, CheckoutGap, Content, EntryTarget, GitError, Repository, SYMLINK,
    TreeAttributes, holds_attributes,
};
use crate::model::{BlobId, TreeId};
use crate::store::DigestCache;

/// How the bytes of a content are had.
#[derive(Debug, Clone)]
pub(super) enum Origin {
    /// A blob as it is stored.
    Stored(BlobId),
    /// A blob as git would write it at this path.
    Formed(BlobId, Vec<u8>, Arc<AttributeForm>),
    /// These.
    Bytes(Arc<[u8]>),
}

/// A folder: its own message, its files, the folders in it.
#[derive(Debug)]
pub(super) struct Folder {
    pub(super) id: ContentId,
    pub(super) message: Arc<[u8]>,
    pub(super) files: Vec<(ContentId, Origin)>,
    pub(super) folders: Vec<Arc<Self>>,
    /// What is not as in git, by its path from the top, in this folder and those in it.
    pub(super) gaps: Gaps,
    /// Names that cannot be sent.
    pub(super) unsendable: Vec<Vec<u8>>,
}

impl Folder {
    /// A folder that is made here.
    pub(super) fn of(files: Vec<(&str, Vec<u8>, bool)>, folders: Vec<(String, Arc<Self>)>) -> Arc<Self> {
        let mut parts = Parts::default();
        for (name, content, is_executable) in files {
            let id = ContentId::of(&content);
            parts.directory.files.push(file_node(name.to_owned(), id, is_executable));
            parts.files.push((id, Origin::Bytes(content.into())));
        }
        for (name, folder) in folders {
            parts.add_folder(name, folder);
        }
        parts.finish()
    }
}

fn file_node(name: String, id: ContentId, is_executable: bool) -> FileNode {
    FileNode { name, digest: Some(id.to_proto()), is_executable, node_properties: None }
}

#[derive(Default)]
struct Parts {
    directory: Directory,
    files: Vec<(ContentId, Origin)>,
    folders: Vec<Arc<Folder>>,
    gaps: Gaps,
    unsendable: Vec<Vec<u8>>,
}

impl Parts {
    fn add_folder(&mut self, name: String, folder: Arc<Folder>) {
        self.directory.directories.push(DirectoryNode { name, digest: Some(folder.id.to_proto()) });
        self.gaps.extend(folder.gaps.iter().map(|(path, gap)| (path.clone(), *gap)));
        self.unsendable.extend(folder.unsendable.iter().cloned());
        self.folders.push(folder);
    }

    /// The form that the protocol prescribes, so that what is equal has one name: sorted.
    fn finish(mut self) -> Arc<Folder> {
        self.directory.files.sort_by(|a, b| a.name.cmp(&b.name));
        self.directory.directories.sort_by(|a, b| a.name.cmp(&b.name));
        self.directory.symlinks.sort_by(|a, b| a.name.cmp(&b.name));
        let (id, message) = encoded(&self.directory);
        let Self { files, folders, gaps, unsendable, .. } = self;
        Arc::new(Folder { id, message: message.into(), files, folders, gaps, unsendable })
    }
}

/// A folder in a tree with certain attributes: what it is made of decides what it is.
type FolderKey = (TreeId, Vec<u8>, [u8; 32]);
/// A file's content, and how it is had.
type FileContent = (ContentId, Origin);
/// The files of attributes in a tree, and its submodules.
type Special = Arc<Vec<(Vec<u8>, BlobId, bool)>>;

/// Makes folders of trees, and remembers them.
pub(super) struct TreeMaker {
    objects: Repository,
    checkout: Arc<Checkout>,
    cache: Option<DigestCache>,
    folders: HashMap<FolderKey, Arc<Folder>>,
    special: HashMap<TreeId, Special>,
    known: HashMap<BlobId, ContentId>,
    new: Vec<(BlobId, [u8; 32], i64)>,
    /// Blobs that were hashed, for those who measure.
    pub(super) hashed: usize,
}

/// The tree that folders are made for.
struct Frame<'a> {
    attributes: &'a TreeAttributes,
    /// Its `.gitmodules`.
    modules: &'a [u8],
    key: [u8; 32],
}

impl TreeMaker {
    pub(super) fn new(objects: Repository, checkout: Arc<Checkout>, cache: Option<DigestCache>) -> Self {
        let (folders, special, known) = (HashMap::new(), HashMap::new(), HashMap::new());
        Self { objects, checkout, cache, folders, special, known, new: Vec::new(), hashed: 0 }
    }

    /// The folder of a tree.
    pub(super) fn folder(&mut self, tree: TreeId) -> Result<Arc<Folder>, GitError> {
        let special = self.special(tree)?;
        let mut hasher = blake3::Hasher::new();
        for (path, id, _) in special.iter() {
            hasher.update(&path.len().to_le_bytes()).update(path).update(id.as_bytes());
        }
        let submodules = special.iter().filter(|(.., is_module)| *is_module);
        let submodules = submodules.map(|(path, ..)| path.clone()).collect();
        let files = special.iter().filter(|(.., is_module)| !is_module);
        let files = files.map(|(path, id, _)| (path.as_slice(), *id));
        let checkout = Arc::clone(&self.checkout);
        let attributes = checkout.attributes(&self.objects, files, submodules);
        let modules = self.objects.entry_at(tree, Path::new(".gitmodules"))?;
        let modules = modules.map(|id| self.objects.with_blob(id, <[u8]>::to_vec)).transpose()?.flatten();
        let modules = modules.unwrap_or_default();
        hasher.update(&modules);
        let frame = Frame { attributes: &attributes, modules: &modules, key: *hasher.finalize().as_bytes() };
        let folder = self.folder_at(tree, &[], &frame)?;
        self.remember();
        Ok(folder)
    }

    /// The bytes of a content.
    pub(super) fn bytes(&self, origin: &Origin) -> Result<Option<Vec<u8>>, GitError> {
        match origin {
            Origin::Bytes(bytes) => Ok(Some(bytes.to_vec())),
            Origin::Stored(id) => self.objects.with_blob(*id, <[u8]>::to_vec),
            Origin::Formed(id, path, form) => {
                self.objects.with_blob(*id, |stored| self.formed(path, *id, form, stored).0)
            }
        }
    }

    fn formed(
        &self,
        path: &[u8],
        id: BlobId,
        form: &AttributeForm,
        stored: &[u8],
    ) -> (Vec<u8>, Option<CheckoutGap>) {
        match self.checkout.content(path, id, form, stored) {
            (Content::Stored(bytes), gap) => (bytes.to_vec(), gap),
            (Content::Made(bytes), gap) => (bytes, gap),
            (Content::Of(file, _), gap) => match std::fs::read(file) {
                Ok(bytes) => (bytes, gap),
                Err(_) => (stored.to_vec(), Some(CheckoutGap::LfsPointer { has_others: true })),
            },
        }
    }

    /// What decides how the files of a tree are written, and what is brought from elsewhere.
    fn special(&mut self, tree: TreeId) -> Result<Special, GitError> {
        if let Some(known) = self.special.get(&tree) {
            return Ok(Arc::clone(known));
        }
        let mut found = Vec::new();
        for entry in self.objects.tree_entries(tree)?.unwrap_or_default() {
            let (below, is_module) = match entry.target {
                EntryTarget::File(id) => {
                    if holds_attributes(&entry.name) && entry.mode != SYMLINK {
                        found.push((entry.name, id, false));
                    }
                    continue;
                }
                EntryTarget::Folder(tree) => (Some(tree), None),
                EntryTarget::Submodule(id) => (self.objects.submodule_tree(id)?, Some(id)),
            };
            if let Some(id) = is_module {
                found.push((entry.name.clone(), id, true));
            }
            let Some(below) = below else { continue };
            let inner = self.special(below)?;
            let inside = |path: &[u8]| [&entry.name, &b"/"[..], path].concat();
            found.extend(inner.iter().map(|(path, id, is_module)| (inside(path), *id, *is_module)));
        }
        let found = Arc::new(found);
        self.special.insert(tree, Arc::clone(&found));
        Ok(found)
    }

    fn folder_at(&mut self, tree: TreeId, path: &[u8], frame: &Frame<'_>) -> Result<Arc<Folder>, GitError> {
        let key = (tree, path.to_vec(), frame.key);
        if let Some(known) = self.folders.get(&key) {
            return Ok(Arc::clone(known));
        }
        let mut parts = Parts::default();
        let Some(entries) = self.objects.tree_entries(tree)? else {
            parts.gaps.insert(path.to_vec(), CheckoutGap::Missing);
            return Ok(parts.finish());
        };
        for entry in entries {
            let at = if path.is_empty() { entry.name.clone() } else { [path, b"/", &entry.name].concat() };
            let Some(name) = sendable(&entry.name) else {
                parts.unsendable.push(at);
                continue;
            };
            match entry.target {
                EntryTarget::Folder(tree) => parts.add_folder(name, self.folder_at(tree, &at, frame)?),
                EntryTarget::Submodule(commit) => match self.objects.submodule_tree(commit)? {
                    Some(tree) => parts.add_folder(name, self.folder_at(tree, &at, frame)?),
                    None => {
                        let has_others = self.checkout.has_submodule(&at, frame.modules);
                        parts.gaps.insert(at, CheckoutGap::Submodule { has_others });
                        parts.add_folder(name, Parts::default().finish());
                    }
                },
                EntryTarget::File(id) if entry.mode == SYMLINK => {
                    let target = self.objects.with_blob(id, <[u8]>::to_vec)?;
                    match target.map(String::from_utf8) {
                        Some(Ok(target)) => {
                            let node_properties = None;
                            parts.directory.symlinks.push(SymlinkNode { name, target, node_properties });
                        }
                        Some(Err(_)) => parts.unsendable.push(at),
                        None => drop(parts.gaps.insert(at, CheckoutGap::Missing)),
                    }
                }
                EntryTarget::File(id) => {
                    let form = frame.attributes.form(&at);
                    let (found, gap) = self.file(id, &at, form)?;
                    parts.gaps.extend(gap.map(|gap| (at, gap)));
                    if let Some((id, origin)) = found {
                        parts.directory.files.push(file_node(name, id, entry.mode & 0o111 != 0));
                        parts.files.push((id, origin));
                    }
                }
            }
        }
        let folder = parts.finish();
        self.folders.insert(key, Arc::clone(&folder));
        Ok(folder)
    }

    /// A file's content, and what is wrong with it; none where the blob is missing.
    fn file(
        &mut self,
        id: BlobId,
        path: &[u8],
        form: AttributeForm,
    ) -> Result<(Option<FileContent>, Option<CheckoutGap>), GitError> {
        if form.is_plain() {
            let Some(content) = self.stored(id)? else { return Ok((None, Some(CheckoutGap::Missing))) };
            return Ok((Some((content, Origin::Stored(id))), None));
        }
        self.hashed += 1;
        let made = self.objects.with_blob(id, |stored| {
            let (bytes, gap) = self.formed(path, id, &form, stored);
            (ContentId::of(&bytes), gap)
        })?;
        let Some((content, gap)) = made else { return Ok((None, Some(CheckoutGap::Missing))) };
        Ok((Some((content, Origin::Formed(id, path.to_vec(), Arc::new(form)))), gap))
    }

    /// What a blob is named by, as it is stored.
    fn stored(&mut self, id: BlobId) -> Result<Option<ContentId>, GitError> {
        if let Some(known) = self.known.get(&id) {
            return Ok(Some(*known));
        }
        // A cache that cannot be read is one that knows nothing.
        let remembered = self.cache.as_ref().and_then(|cache| cache.get(id).ok().flatten());
        let content = match remembered {
            Some((hash, size)) => Some(ContentId { hash, size }),
            None => {
                self.hashed += 1;
                let content = self.objects.with_blob(id, ContentId::of)?;
                self.new.extend(content.map(|content| (id, content.hash, content.size)));
                content
            }
        };
        self.known.extend(content.map(|content| (id, content)));
        Ok(content)
    }

    fn remember(&mut self) {
        let new = std::mem::take(&mut self.new);
        if let Some(cache) = self.cache.as_mut().filter(|_| !new.is_empty()) {
            // They are hashed again where they cannot be kept.
            drop(cache.add(&new));
        }
    }
}

/// A name that the protocol can carry, and that leads nowhere else.
fn sendable(name: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(name).ok()?;
    let is_one = Path::new(text).components().count() == 1 && !text.contains('/');
    let is_safe = is_one && !matches!(text, "." | "..") && !text.eq_ignore_ascii_case(".git");
    is_safe.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_equal_has_one_name_whatever_the_order() {
        let made = |names: [&'static str; 3]| {
            Folder::of(names.map(|name| (name, name.into(), false)).to_vec(), Vec::new()).id
        };
        assert_eq!(made(["b", "a", "B"]), made(["B", "b", "a"]));
        let empty = Folder::of(Vec::new(), Vec::new());
        assert_eq!((empty.id, empty.message.len()), (ContentId::of(b""), 0));
    }

    #[test]
    fn names_that_lead_elsewhere_are_not_sent() {
        for name in [&b".."[..], b".", b".git", b".GIT", b"a/b", b"", b"\xff"] {
            assert_eq!(sendable(name), None, "{name:?}");
        }
        assert_eq!(sendable(".gitignore é".as_bytes()).as_deref(), Some(".gitignore é"));
    }
}
