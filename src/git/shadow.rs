//! The shadow repository: everything that pybisect and its trials write goes here.
//!
//! Its object store borrows from the user's (`objects/info/alternates`), and its references are a copy, so
//! that names mean the same in it. Trials run in private repositories ([`PrivateGit`]) that borrow from both.
//!
//! [`PrivateGit`]: super::PrivateGit

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use git2::Oid;

use super::checkout::{Checkout, object_folders_of_submodules};
use super::{GitError, Repository};

/// How many stores may borrow from one another in a row, as in git.
const DEEPEST_ALTERNATES: usize = 5;

/// Configuration of the shadow and of the repositories that trials see.
const CONFIG: &str = "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = false\n\
                      \tlogallrefupdates = false\n[gc]\n\tauto = 0\n[maintenance]\n\tauto = false\n";

/// A private copy of the user's repository that shares its objects.
pub struct Shadow {
    repository: Repository,
    alternates: Vec<PathBuf>,
    links: Vec<Link>,
    checkout: Arc<Checkout>,
}

/// What a tree lacks that is not git's, such as a virtual environment: where it is to be in the tree, and where it is.
pub type Link = (PathBuf, PathBuf);

/// What a private repository of a trial is made of.
#[derive(Debug, Clone)]
pub struct RepositoryTemplate {
    /// Object folders to borrow from: the shadow's own first.
    pub(super) alternates: Vec<u8>,
    pub(super) config: String,
    /// `packed-refs` and, in a shallow clone, `shallow`, to be copied.
    pub(super) copied: Vec<PathBuf>,
    /// `info/exclude`: what is in a tree and not git's.
    pub(super) excluded: Vec<u8>,
    links: Vec<Link>,
    pub(super) checkout: Arc<Checkout>,
}

impl RepositoryTemplate {
    /// What is linked into each tree.
    #[must_use]
    pub fn links(&self) -> &[Link] {
        &self.links
    }

    /// How trees are written.
    #[must_use]
    pub const fn checkout(&self) -> &Arc<Checkout> {
        &self.checkout
    }
}

impl Shadow {
    /// Make the shadow of a repository in `folder`, which must not exist yet.
    ///
    /// # Errors
    /// When the folder cannot be written or the repository not read.
    pub fn create(folder: &Path, user: &Repository) -> Result<Self, GitError> {
        let mut alternates = object_folders(&user.folder().join("objects"));
        alternates.extend_from_slice(&user.lent);
        for folder in object_folders_of_submodules(user).iter().flat_map(|objects| object_folders(objects)) {
            if !alternates.contains(&folder) {
                alternates.push(folder);
            }
        }
        let checkout = Arc::new(Checkout::of(user, &alternates)?);
        let write = |name: &str, bytes: &[u8]| write_file(&folder.join(name), bytes);
        make_folder(&folder.join("objects/info"))?;
        // libgit2 never looks for packs in a folder that was not there when it opened the store.
        make_folder(&folder.join("objects/pack"))?;
        make_folder(&folder.join("refs"))?;
        write("HEAD", b"ref: refs/heads/pybisect-shadow\n")?;
        write("config", CONFIG.replace("bare = false", "bare = true").as_bytes())?;
        write("objects/info/alternates", &lines(&alternates))?;
        write("packed-refs", &user.packed_refs()?)?;
        if let Ok(shallow) = fs::read(user.folder().join("shallow")) {
            write("shallow", &shallow)?;
        }
        Ok(Self { repository: Repository::open(folder)?, alternates, links: Vec::new(), checkout })
    }

    /// This shadow with the filters of the user's configuration run when trees are written.
    ///
    /// # Errors
    /// When the user's configuration cannot be read.
    pub fn with_filters(mut self, user: &Repository) -> Result<Self, GitError> {
        let mut checkout = Checkout::of(user, &self.alternates)?;
        checkout.run_filters();
        self.checkout = Arc::new(checkout);
        Ok(self)
    }

    /// This shadow with things outside that are linked into each tree which has nothing there.
    #[must_use]
    pub fn with_links(mut self, links: Vec<Link>) -> Self {
        self.links = links;
        self
    }

    /// The shadow as a repository: it has the user's objects and all that were added.
    #[must_use]
    pub const fn repository(&self) -> &Repository {
        &self.repository
    }

    /// The shadow repository's folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.repository.folder()
    }

    /// The folders that objects are read from: its own, and all that it borrows from.
    #[must_use]
    pub fn object_folders(&self) -> Vec<PathBuf> {
        let mut folders = vec![self.folder().join("objects")];
        folders.extend_from_slice(&self.alternates);
        folders
    }

    /// How trees are written.
    pub(super) fn checkout(&self) -> &Checkout {
        &self.checkout
    }

    /// What can change how trees are written, beside the trees.
    #[must_use]
    pub fn checkout_key(&self) -> String {
        self.checkout.key()
    }

    /// What private repositories of trials are made of.
    #[must_use]
    pub fn borrowed(&self) -> RepositoryTemplate {
        RepositoryTemplate {
            alternates: lines(&self.object_folders()),
            config: CONFIG.to_owned() + &self.checkout.configuration(),
            copied: ["packed-refs", "shallow"]
                .iter()
                .map(|name| self.folder().join(name))
                .filter(|path| path.exists())
                .collect(),
            excluded: self.links.iter().flat_map(|(inside, _)| excluding(inside)).collect(),
            links: self.links.clone(),
            checkout: Arc::clone(&self.checkout),
        }
    }
}

impl Repository {
    /// Branches, remote branches and tags in the form of git's `packed-refs` (gitrepository-layout(5)).
    fn packed_refs(&self) -> Result<Vec<u8>, GitError> {
        let mut entries: Vec<(Vec<u8>, Oid, Option<Oid>)> = Vec::new();
        for reference in self.inner.references()? {
            let reference = reference?;
            let name = reference.name_bytes();
            let wanted = [&b"refs/heads/"[..], b"refs/remotes/", b"refs/tags/"];
            // A symbolic reference (`origin/HEAD`) has no target of its own and cannot be packed.
            if let Some(target) =
                reference.target().filter(|_| wanted.iter().any(|start| name.starts_with(start)))
            {
                entries.push((name.to_vec(), target, reference.target_peel()));
            }
        }
        entries.sort();
        let mut text = b"# pack-refs with: peeled fully-peeled sorted \n".to_vec();
        for (name, target, peeled) in entries {
            text.extend_from_slice(format!("{target} ").as_bytes());
            text.extend_from_slice(&name);
            text.push(b'\n');
            if let Some(peeled) = peeled.filter(|&peeled| peeled != target) {
                text.extend_from_slice(format!("^{peeled}\n").as_bytes());
            }
        }
        Ok(text)
    }
}

/// A line of gitignore(5) for exactly this path from the top.
fn excluding(path: &Path) -> Vec<u8> {
    let mut line = b"/".to_vec();
    for &byte in path.as_os_str().as_bytes() {
        if b"*?[\\ ".contains(&byte) {
            line.push(b'\\');
        }
        line.push(byte);
    }
    line.push(b'\n');
    line
}

/// An object folder and all that it borrows from, absolute, without repeats.
fn object_folders(objects: &Path) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = Vec::new();
    let mut level = vec![objects.canonicalize().unwrap_or_else(|_| objects.to_owned())];
    for _ in 0..=DEEPEST_ALTERNATES {
        let mut next = Vec::new();
        for folder in level {
            if folders.contains(&folder) {
                continue;
            }
            let list = fs::read(folder.join("info/alternates")).unwrap_or_default();
            let named = list.split(|&byte| byte == b'\n').filter(|line| !line.is_empty() && line[0] != b'#');
            next.extend(named.filter_map(|line| folder.join(OsStr::from_bytes(line)).canonicalize().ok()));
            folders.push(folder);
        }
        level = next;
    }
    folders
}

fn lines(paths: &[PathBuf]) -> Vec<u8> {
    paths.iter().flat_map(|path| [path.as_os_str().as_bytes(), b"\n"].concat()).collect()
}

pub(super) fn make_folder(path: &Path) -> Result<(), GitError> {
    fs::create_dir_all(path).map_err(|source| GitError::Shadow { path: path.to_owned(), source })
}

pub(super) fn write_file(path: &Path, bytes: &[u8]) -> Result<(), GitError> {
    fs::write(path, bytes).map_err(|source| GitError::Shadow { path: path.to_owned(), source })
}
