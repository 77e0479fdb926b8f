//! What versions of a project declare, read from their trees: of the folder where the user stands, or the nearest one above
//! it that declares something.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use crate::git::{GitError, Repository};
use crate::model::{BlobId, CommitId, PackageDate, TreeId};
use crate::pyenv::{ProjectFiles, ProjectVersion, declares, declares_project};

/// Declarations lie this near the top of a project.
const DEPTH: usize = 2;
/// Projects lie this near the top of a tree.
const PROJECT_DEPTH: usize = 4;
/// Files that make a folder a project.
const PROJECT: [&str; 3] = ["pyproject.toml", "setup.py", "setup.cfg"];
/// Files larger than this are nothing that `setup.py` reads.
const LARGEST: usize = 256 << 10;
/// Endings of files that `setup.py` may read.
const READABLE: [&str; 9] = [".py", ".txt", ".md", ".rst", ".cfg", ".toml", ".in", ".pip", ".json"];

/// What is near the top of a project.
#[derive(Debug)]
pub(super) struct TreeListing {
    tree: TreeId,
    /// The project's folder, from the top of the tree.
    base: String,
    /// Paths from there.
    files: BTreeMap<String, BlobId>,
    /// The same for trees that declare the same.
    pub(super) fingerprint: String,
}

/// A project's files, read from git.
pub struct TreeFiles<'a> {
    objects: &'a Mutex<Repository>,
    listing: Arc<TreeListing>,
}

pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<'a> TreeFiles<'a> {
    pub(super) const fn new(objects: &'a Mutex<Repository>, listing: Arc<TreeListing>) -> Self {
        Self { objects, listing }
    }

    fn bytes(&self, id: BlobId) -> Option<Vec<u8>> {
        locked(self.objects).blob(id).ok()
    }
}

impl ProjectFiles for TreeFiles<'_> {
    fn declaring(&self) -> Vec<String> {
        self.listing.files.keys().filter(|path| declares(path)).cloned().collect()
    }

    fn base(&self) -> String {
        self.listing.base.clone()
    }

    fn at(&self, folder: &str) -> Option<Box<dyn ProjectFiles + '_>> {
        let files = files_below(&locked(self.objects), self.listing.tree, folder).ok()??;
        let (tree, base, fingerprint) = (self.listing.tree, folder.to_owned(), String::new());
        let listing = Arc::new(TreeListing { tree, base, files, fingerprint });
        Some(Box::new(TreeFiles { objects: self.objects, listing }))
    }

    fn projects(&self) -> Vec<String> {
        let near = locked(self.objects).files_near_top(self.listing.tree, PROJECT_DEPTH).unwrap_or_default();
        let folders: BTreeSet<String> = near
            .iter()
            .filter_map(|(path, _)| path.rsplit_once('/'))
            .filter(|(_, name)| PROJECT.contains(name))
            .map(|(folder, _)| folder.to_owned())
            .collect();
        folders.into_iter().collect()
    }

    fn read(&self, path: &str) -> Option<String> {
        if let Some(id) = self.listing.files.get(path) {
            return String::from_utf8(self.bytes(*id)?).ok();
        }
        let path = within(&self.listing.base, path)?;
        let id = locked(self.objects).entry_at(self.listing.tree, Path::new(&path)).ok()??;
        String::from_utf8(self.bytes(id)?).ok()
    }

    fn packages(&self) -> Vec<String> {
        let folders = self.listing.files.keys().filter_map(|path| path.strip_suffix("/__init__.py"));
        let mut packages: Vec<String> =
            folders.filter(|folder| folder.matches('/').count() < 2).map(str::to_owned).collect();
        if !packages.iter().any(|package| package.starts_with("src/")) {
            packages.extend(self.namespaces_below("src"));
        }
        packages
    }

    fn export(&self, to: &Path) -> io::Result<()> {
        for (path, id) in &self.listing.files {
            let name = path.rsplit('/').next().unwrap_or(path);
            let is_readable = !name.contains('.') || READABLE.iter().any(|ending| name.ends_with(ending));
            let Some(bytes) = self.bytes(*id).filter(|bytes| is_readable && bytes.len() <= LARGEST) else {
                continue;
            };
            let path = to.join(path);
            if let Some(folder) = path.parent() {
                std::fs::create_dir_all(folder)?;
            }
            std::fs::write(path, bytes)?;
        }
        Ok(())
    }
}

impl TreeFiles<'_> {
    /// Packages of a namespace below a folder, which has no `__init__.py`: `src/acme` for `src/acme/shop/__init__.py`.
    fn namespaces_below(&self, folder: &str) -> BTreeSet<String> {
        let Some(place) = within(&self.listing.base, folder) else { return BTreeSet::new() };
        let files = files_below(&locked(self.objects), self.listing.tree, &place).ok().flatten();
        let packages = files.iter().flat_map(|files| files.keys()).filter_map(|path| {
            path.strip_suffix("/__init__.py").and_then(|package| package.split('/').next())
        });
        packages.map(|namespace| format!("{folder}/{namespace}")).collect()
    }
}

/// The declarations of some versions, before there is an executor: those at the ends of the range.
pub struct EndpointManifests {
    objects: Mutex<Repository>,
    ends: Vec<(Arc<TreeListing>, Timestamp)>,
}

impl EndpointManifests {
    /// Read them, as seen from a folder of the tree.
    ///
    /// # Errors
    /// When a commit cannot be read.
    pub fn read(objects: Repository, ends: &[CommitId], stands: &Path) -> Result<Self, GitError> {
        let ends = ends
            .iter()
            .map(|&commit| {
                let info = objects.info(commit)?;
                Ok((listing(&objects, info.tree, stands)?, date_of(info.commit_time)))
            })
            .collect::<Result<_, GitError>>()?;
        Ok(Self { objects: Mutex::new(objects), ends })
    }

    /// Whether any of them declares something.
    #[must_use]
    pub fn is_any(&self) -> bool {
        let mut files = self.ends.iter().flat_map(|(listing, _)| listing.files.keys());
        files.any(|path| {
            declares(path) && !matches!(path.as_str(), ".python-version" | "runtime.txt" | "tox.ini")
        })
    }

    /// Let `with` see them as versions.
    pub fn with<T>(&self, with: impl FnOnce(&[ProjectVersion<'_>]) -> T) -> T {
        let files: Vec<TreeFiles<'_>> =
            self.ends.iter().map(|(listing, _)| TreeFiles::new(&self.objects, Arc::clone(listing))).collect();
        let versions: Vec<ProjectVersion<'_>> = files
            .iter()
            .zip(&self.ends)
            .map(|(files, (listing, date))| ProjectVersion {
                files,
                fingerprint: &listing.fingerprint,
                date: *date,
                day: PackageDate::Asked,
            })
            .collect();
        with(&versions)
    }
}

/// The project that somebody means who stands in a folder of a tree.
pub(super) fn listing(
    objects: &Repository,
    tree: TreeId,
    stands: &Path,
) -> Result<Arc<TreeListing>, GitError> {
    let base = nearest(objects, tree, stands)?;
    let files = files_below(objects, tree, &base)?.unwrap_or_default();
    let mut hasher = blake3::Hasher::new();
    hasher.update(base.as_bytes()).update(&[0]);
    for (path, id) in files.iter().filter(|(path, _)| declares(path)) {
        hasher.update(path.as_bytes()).update(&[0]).update(id.as_bytes());
    }
    // A package that moves into `src` is found there.
    let has_src = files.keys().any(|path| path.starts_with("src/") && path.ends_with("/__init__.py"));
    hasher.update(&[u8::from(has_src)]);
    // A workspace above it has the lock file, and members; paths lead to other projects of the tree.
    let is_nested = |path: &str| path.rsplit_once('/').is_some_and(|(_, name)| PROJECT.contains(&name));
    let mut may_lead_out = !base.is_empty() || files.keys().any(|path| is_nested(path));
    for (path, id) in files.iter().filter(|(path, _)| declares(path)) {
        may_lead_out |= path == "pyproject.toml" && leads_out(&objects.blob(*id).unwrap_or_default())
            || path.ends_with(".txt") && objects.blob(*id).unwrap_or_default().starts_with(b"-e ");
        if may_lead_out {
            break;
        }
    }
    if may_lead_out {
        for (path, id) in objects.files_near_top(tree, PROJECT_DEPTH)? {
            if declares(path.rsplit('/').next().unwrap_or(&path)) {
                hasher.update(path.as_bytes()).update(&[0]).update(id.as_bytes());
            }
        }
    }
    let fingerprint = hasher.finalize().to_hex().to_string();
    Ok(Arc::new(TreeListing { tree, base, files, fingerprint }))
}

/// Whether a `pyproject.toml` may speak of other projects of the tree.
fn leads_out(text: &[u8]) -> bool {
    let has = |word: &[u8]| memchr::memmem::find(text, word).is_some();
    has(b"workspace") || has(b"path") || has(b"file:")
}

/// The nearest folder upwards that declares something; the top, where none does.
fn nearest(objects: &Repository, tree: TreeId, stands: &Path) -> Result<String, GitError> {
    for folder in stands.ancestors().filter(|folder| !folder.as_os_str().is_empty()) {
        let Some(path) = folder.to_str() else { continue };
        let Some(inside) = objects.folder_at(tree, folder)? else { continue };
        let files = objects.files_near_top(inside, 0)?;
        let read = |name: &str| {
            let id = files.iter().find(|(path, _)| path == name)?.1;
            objects.blob(id).ok().and_then(|bytes| String::from_utf8(bytes).ok())
        };
        let names: Vec<&str> = files.iter().map(|(path, _)| path.as_str()).collect();
        if declares_project(path, &names, &read) {
            return Ok(path.to_owned());
        }
    }
    Ok(String::new())
}

fn files_below(
    objects: &Repository,
    tree: TreeId,
    folder: &str,
) -> Result<Option<BTreeMap<String, BlobId>>, GitError> {
    let Some(inside) = objects.folder_at(tree, Path::new(folder))? else { return Ok(None) };
    Ok(Some(objects.files_near_top(inside, DEPTH)?.into_iter().collect()))
}

/// A path from a folder of the tree, from its top; `None` where it leads out of the tree.
fn within(base: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = base.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

pub(super) fn date_of(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap_or_default()
}
