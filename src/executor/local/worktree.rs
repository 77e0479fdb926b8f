//! Checking out: only what differs from what is there is written.
//!
//! Files are as git would write them: [`Checkout`] makes their content of what is stored. A file is written in place
//! only when it is exactly as it was written before: then nobody made a hard link of it or changed its mode. Making
//! files anew costs several times as much on ext4, which looks for inodes that were not freed a moment ago.
//!
//! All of it goes through the descriptor of the tree's folder: whatever a trial put in the place of a folder or a file,
//! nothing outside of the tree is written or removed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, FileTimes};
use std::num::NonZero;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;
use std::{io, thread};

use super::bytecode_path::remove_beside;
use super::file_forms::{CheckoutForms, Forms};
use super::manifest::{Entry, Manifest, system_path};
use super::source_time::time_of;
use crate::dirfd::{FileFacts, Folder, FolderAttributes};
use crate::executor::error::with_causes;
use crate::git::{
    AttributeForm, Checkout, CheckoutDelta, CheckoutGap, Content, Drafts, GitError, IndexedFile, Link,
    PrivateGit, Repository, RepositoryTemplate, SUBMODULE, SYMLINK, TreeFile,
};
use crate::model::{CommitId, TreeId};

/// Why a tree cannot be checked out.
#[derive(Debug)]
pub(super) enum CheckoutError {
    /// It lies in the tree, or in the space left: a trial of another may work.
    Tree(String),
    /// The folder cannot be written.
    Folder(io::Error),
    /// The private repository cannot be written.
    Repository(GitError),
}

/// A folder that holds a checked-out tree.
pub(super) struct WorkTree {
    pub(super) folder: Arc<Folder>,
    /// What it had beside its entries when it was made, as all folders in it.
    pub(super) made: FolderAttributes,
    pub(super) manifest: Manifest,
    pub(super) git: PrivateGit,
    pub(super) objects: Repository,
    links: Vec<Link>,
    pub(super) checkout: Arc<Checkout>,
    pub(super) forms: Forms,
    /// The tree that the manifest is equal to; `None` when a checkout did not come to its end.
    base: Option<TreeId>,
    /// Files that the last trial damaged: to be written again.
    pub(super) damaged: Vec<TreeFile>,
    /// Number of the last walk, see [`Entry::seen`].
    pub(super) walk: u64,
}

impl WorkTree {
    /// A work tree in an empty folder.
    pub(super) fn new(
        folder: Arc<Folder>,
        objects: Repository,
        borrowed: RepositoryTemplate,
        drafts: Drafts,
    ) -> Result<Self, CheckoutError> {
        let links = borrowed.links().to_vec();
        let made = folder.attributes().map_err(CheckoutError::Folder)?;
        let checkout = Arc::clone(borrowed.checkout());
        let git = PrivateGit::new(folder.clone(), borrowed, drafts).map_err(CheckoutError::Folder)?;
        let manifest = Manifest::default();
        let (forms, damaged) = (Forms::default(), Vec::new());
        Ok(Self {
            folder,
            made,
            manifest,
            git,
            objects,
            links,
            checkout,
            forms,
            base: None,
            damaged,
            walk: 0,
        })
    }

    /// What is to be linked into each tree.
    pub(super) fn links(&self) -> &[Link] {
        &self.links
    }

    /// Whether nothing was checked out yet.
    pub(super) const fn is_new(&self) -> bool {
        self.base.is_none()
    }

    /// Make the folder equal to a tree, and let `HEAD` name a commit. The files that were written. The folder was
    /// [restored] before. What is in the way is removed, `until` a moment.
    ///
    /// [restored]: WorkTree::restore
    pub(super) fn check_out(
        &mut self,
        head: CommitId,
        tree: TreeId,
        until: Instant,
    ) -> Result<Vec<TreeFile>, CheckoutError> {
        // Until the end is reached, what is on disk is neither the old tree nor the new one.
        let base = self.base.take();
        let delta =
            self.objects.tree_delta(base, tree).map_err(|error| CheckoutError::Tree(with_causes(&error)))?;
        let (delta, brought) = self.with_submodules(delta)?;
        let mut plan = self.plan(base, delta);
        plan.written.extend(brought);
        if base.is_none() {
            self.forms.forget();
        }
        let wanted = self.formed(&plan.removed, plan.written);
        for path in &plan.removed {
            self.take_away(path, until).map_err(|error| of_the_disk(path, error))?;
        }
        self.write(&wanted, until)?;
        let changed = base.is_none() || !plan.removed.is_empty() || !wanted.is_empty();
        let entries = self.manifest.own_entries();
        let files = || {
            entries.map(|(path, entry)| IndexedFile {
                path,
                id: entry.id,
                mode: entry.mode,
                facts: entry.facts,
                is_assumed: entry.form.as_ref().is_some_and(|form| form.is_beyond_git()),
            })
        };
        self.git.restore(head, changed, files, until).map_err(CheckoutError::Repository)?;
        self.damaged.clear();
        self.base = Some(tree);
        Ok(wanted.into_iter().map(|wanted| wanted.file).collect())
    }

    /// What is to be done, given what is there.
    fn plan(&self, base: Option<TreeId>, delta: CheckoutDelta) -> CheckoutDelta {
        let mut written: BTreeMap<Vec<u8>, TreeFile> = BTreeMap::new();
        let mut removed = delta.removed;
        if base.is_none() {
            let wanted: BTreeSet<&[u8]> = delta.written.iter().map(|file| file.path.as_slice()).collect();
            let present = self.manifest.entries.keys();
            removed.extend(present.filter(|path| !wanted.contains(path.as_slice())).cloned());
        } else {
            let gone: BTreeSet<&Vec<u8>> = removed.iter().collect();
            let still_wanted = self.damaged.iter().filter(|file| !gone.contains(&file.path));
            written.extend(still_wanted.map(|file| (file.path.clone(), file.clone())));
        }
        written.extend(delta.written.into_iter().map(|file| (file.path.clone(), file)));
        let written = written.into_values().filter(|file| !self.manifest.has(file)).collect();
        CheckoutDelta { removed, written }
    }

    /// Remove a file and the folders that nothing is left in.
    fn take_away(&mut self, path: &[u8], until: Instant) -> io::Result<()> {
        self.manifest.remove(path);
        self.folder.remove(system_path(path), until)?;
        remove_beside(&self.folder, path, until)?;
        let mut folder = system_path(path).parent();
        while let Some(inner) = folder.filter(|inner| !inner.as_os_str().is_empty()) {
            if self.folder.remove_empty(inner).is_err() {
                break; // Something is left in it.
            }
            folder = inner.parent();
        }
        Ok(())
    }

    /// Write files: many of them on several threads, since making a file is slow work of the system's.
    fn write(&mut self, files: &[CheckoutForms], until: Instant) -> Result<(), CheckoutError> {
        /// Fewer than so many are not worth another thread.
        const WORTH_A_THREAD: usize = 100;
        const MOST_THREADS: usize = 4;
        let mut folders = BTreeSet::new();
        let places = files.iter().map(|file| self.make_place(file, &mut folders, until));
        let places = places.collect::<Result<Vec<_>, _>>()?;
        let threads = thread::available_parallelism().map_or(1, NonZero::get).min(MOST_THREADS);
        let share = files.len().div_ceil(threads).max(WORTH_A_THREAD);
        let mut shares = places.chunks(share);
        let first = shares.next().unwrap_or_default();
        let (folder, checkout) = (&*self.folder, &*self.checkout);
        let written = thread::scope(|scope| {
            let others = shares.map(|share| {
                let objects = self.objects.reopen().map_err(CheckoutError::Repository)?;
                Ok(scope.spawn(move || fill_all(&objects, (folder, checkout), share)))
            });
            let others = others.collect::<Result<Vec<_>, CheckoutError>>()?;
            let mut written = fill_all(&self.objects, (folder, checkout), first)?;
            for other in others {
                written.extend(other.join().unwrap_or_else(|panic| resume_unwind(panic))?);
            }
            Ok(written)
        })?;
        for (CheckoutForms { file, form, has_others }, (facts, flaw)) in files.iter().zip(written) {
            let flaw = match flaw {
                None if file.mode == SUBMODULE && !self.has_commit(file) => {
                    Some(CheckoutGap::Submodule { has_others: *has_others })
                }
                flaw => flaw,
            };
            if let Some(flaw) = flaw {
                self.manifest.flaws.insert(file.path.clone(), flaw);
            }
            let entry = Entry { id: file.id, mode: file.mode, facts, seen: self.walk, form: form.clone() };
            self.manifest.entries.insert(file.path.clone(), entry);
        }
        Ok(())
    }

    /// Whether the commit that a submodule is at is here.
    fn has_commit(&self, submodule: &TreeFile) -> bool {
        self.objects.files_of_submodule(&submodule.path, submodule.id).is_ok_and(|files| files.is_some())
    }

    /// Make way for a file.
    fn make_place<'f>(
        &mut self,
        wanted: &'f CheckoutForms,
        folders: &mut BTreeSet<PathBuf>,
        until: Instant,
    ) -> Result<Place<'f>, CheckoutError> {
        let CheckoutForms { file, form, .. } = wanted;
        let path = system_path(&file.path);
        if !file.is_inside() {
            return Err(CheckoutError::Tree(format!("{} is not a path inside the tree", path.display())));
        }
        let before = self.manifest.remove(&file.path);
        if let Some(parent) = path.parent().filter(|parent| !folders.contains(*parent)) {
            self.folder.make_folders(parent, until).map_err(|error| of_the_disk(&file.path, error))?;
            folders.insert(parent.to_owned());
        }
        let in_place = before.filter(|before| is_same_kind(before.mode, file.mode));
        let in_place = in_place.and_then(|before| before.facts);
        Ok(Place { file, form: form.as_deref(), in_place, until })
    }
}

/// Where a file is to be written.
struct Place<'f> {
    file: &'f TreeFile,
    form: Option<&'f AttributeForm>,
    /// The file that is there to be written over, as it was written before.
    in_place: Option<FileFacts>,
    /// So long may be taken to remove what is in the way.
    until: Instant,
}

/// What is known of a written file.
type Written = (Option<FileFacts>, Option<CheckoutGap>);

fn fill_all(
    objects: &Repository,
    to: (&Folder, &Checkout),
    places: &[Place<'_>],
) -> Result<Vec<Written>, CheckoutError> {
    places.iter().map(|place| fill(objects, to, place)).collect()
}

/// Write one file.
fn fill(
    objects: &Repository,
    (folder, checkout): (&Folder, &Checkout),
    place: &Place<'_>,
) -> Result<Written, CheckoutError> {
    let file = place.file;
    let on_disk = |error| of_the_disk(&file.path, error);
    if file.mode == SUBMODULE {
        let path = system_path(&file.path);
        folder.make_folders(path, place.until).map_err(on_disk)?;
        return Ok((None, None));
    }
    let put = |stored: &[u8]| {
        let (content, flaw) = match place.form {
            Some(form) => checkout.content(&file.path, file.id, form, stored),
            None => (Content::Stored(stored), None),
        };
        place.put(folder, &content).map(|facts| (facts, flaw))
    };
    let written =
        objects.with_blob(file.id, put).map_err(|error| CheckoutError::Tree(with_causes(&error)))?;
    match written.transpose().map_err(on_disk)? {
        Some((facts, flaw)) => Ok((Some(facts), flaw)),
        None => {
            folder.remove(system_path(&file.path), place.until).map_err(on_disk)?;
            Ok((None, Some(CheckoutGap::Missing)))
        }
    }
}

/// Whether both are regular files with the same permissions.
const fn is_same_kind(old: u32, new: u32) -> bool {
    const fn kind(mode: u32) -> u32 {
        mode & 0o170_000
    }
    kind(old) == 0o100_000 && kind(new) == 0o100_000 && (old & 0o111 == 0) == (new & 0o111 == 0)
}

impl Place<'_> {
    /// Write one file or link, where nothing is or over a regular file.
    fn put(&self, folder: &Folder, content: &Content<'_>) -> io::Result<FileFacts> {
        let path = system_path(&self.file.path);
        if let (SYMLINK, Content::Stored(bytes)) = (self.file.mode, content) {
            self.make(folder, || folder.link(system_path(bytes), path))?;
            return folder.facts(path);
        }
        let permissions = if self.file.mode & 0o111 == 0 { 0o666 } else { 0o777 };
        let there = self.in_place.and_then(|facts| unchanged(folder, path, facts));
        let is_there = there.is_some();
        let mut target = match there {
            Some(there) => there,
            None => self.make(folder, || folder.create(path, permissions))?,
        };
        let length = content.write_to(&mut target)?;
        if is_there {
            // Cut off last: ext4 hurries to the disk with a file that was cut to nothing and written anew.
            target.set_len(length)?;
        }
        if is_python(&self.file.path) {
            target.set_times(FileTimes::new().set_modified(time_of(self.file.id)))?;
        }
        FileFacts::of_open(&target)
    }

    /// Make it, after what is in the way is gone.
    fn make<T>(&self, folder: &Folder, make: impl Fn() -> io::Result<T>) -> io::Result<T> {
        match make() {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                folder.remove(system_path(&self.file.path), self.until)?;
                make()
            }
            made => made,
        }
    }
}

/// The file to be written over, if it is as it was written: otherwise somebody may have made a hard link of it.
fn unchanged(folder: &Folder, path: &Path, facts: FileFacts) -> Option<File> {
    let file = folder.overwrite(path).ok()?;
    (FileFacts::of_open(&file).ok()? == facts).then_some(file)
}

/// Sources that CPython caches by time and size. Other files keep the time at which they were written, which
/// is what build tools go by: a changed `.c` must be newer than an object file that was kept.
fn is_python(path: &[u8]) -> bool {
    path.ends_with(b".py") || path.ends_with(b".pyw")
}

/// An error of the disk, as a fault of the tree where it is one.
fn of_the_disk(path: &[u8], error: io::Error) -> CheckoutError {
    let of_the_tree = matches!(
        error.kind(),
        io::ErrorKind::StorageFull
            | io::ErrorKind::QuotaExceeded
            | io::ErrorKind::FileTooLarge
            | io::ErrorKind::InvalidFilename
            | io::ErrorKind::InvalidInput
    );
    if of_the_tree {
        let full = matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
        let advice = if full { "; trials take more room than there is (set PYBISECT_CACHE_DIR)" } else { "" };
        CheckoutError::Tree(format!("failed to write {}: {error}{advice}", String::from_utf8_lossy(path)))
    } else {
        CheckoutError::Folder(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::executor::local::source_time::FIRST_TIME;
    use crate::executor::local::source_time::TIME_SPAN;
    use crate::model::BlobId;
    use std::time::SystemTime;

    #[test]
    fn a_full_disk_is_a_fault_of_this_trial_and_a_broken_one_of_the_machine() {
        let judged = |kind: io::ErrorKind| of_the_disk(b"a.py", io::Error::from(kind));
        assert!(
            matches!(judged(io::ErrorKind::StorageFull), CheckoutError::Tree(reason) if reason.contains("a.py"))
        );
        assert!(matches!(judged(io::ErrorKind::ReadOnlyFilesystem), CheckoutError::Folder(_)));
    }

    #[test]
    fn times_depend_on_the_content_and_lie_in_the_past() {
        let id = |byte| BlobId::from_bytes([byte; 20]);
        assert_eq!(time_of(id(1)), time_of(id(1)));
        assert_ne!(time_of(id(1)), time_of(id(2)));
        for byte in [0, 1, 127, 255] {
            let time = time_of(id(byte)).duration_since(SystemTime::UNIX_EPOCH).unwrap();
            assert!((FIRST_TIME..FIRST_TIME + TIME_SPAN).contains(&time.as_secs()));
            assert_eq!(time.subsec_nanos(), 0);
        }
    }
}
