//! Opening a repository, and reading single objects from it.

use std::path::{Path, PathBuf};

use git2::{ErrorClass, ErrorCode, ObjectFormat, RepositoryOpenFlags};

use super::GitError;
use super::ids::{ToOid, blob_id, commit_id, tree_id};
use super::libgit2_settings::prepare_library;
use super::tree_modes::{SUBMODULE, TreeModes};
use crate::model::{BlobId, CommitId, CommitInfo, TreeId};

/// No folder ends the search for a repository above.
const ALL_FOLDERS: [&std::ffi::OsStr; 0] = [];

/// The repository and the work tree that the environment names (`GIT_DIR` and `GIT_WORK_TREE`), where the path lies in
/// that tree.
fn of_environment(path: &Path) -> Option<(PathBuf, PathBuf)> {
    let named = |name: &str| {
        let value = std::env::var_os(name).filter(|value| !value.is_empty())?;
        std::fs::canonicalize(value).ok()
    };
    let (folder, tree) = (named("GIT_DIR")?, named("GIT_WORK_TREE")?);
    std::fs::canonicalize(path).ok()?.starts_with(&tree).then_some((folder, tree))
}

/// A handle to a repository. It can move between threads, but each thread needs its own
/// ([`reopen`](Self::reopen)).
pub struct Repository {
    pub(super) inner: git2::Repository,
    /// Object folders that are read besides its own.
    pub(super) lent: Vec<PathBuf>,
}

impl Repository {
    /// Open the repository that `path` lies in: a checkout, one of its folders, a linked worktree or a bare
    /// repository.
    ///
    /// # Errors
    /// When there is none, it belongs to somebody else, or its format is not supported.
    pub fn open(path: &Path) -> Result<Self, GitError> {
        prepare_library();
        // Not by way of `discover`: from the folder of the repository alone it is not known where a work tree lies whose
        // `.git` is a file.
        let inner = match of_environment(path) {
            Some((folder, tree)) => {
                let found = git2::Repository::open_ext(&folder, RepositoryOpenFlags::NO_SEARCH, ALL_FOLDERS);
                let found = found.map_err(|error| refusal(&folder, error))?;
                found.set_workdir(&tree, false)?;
                found
            }
            None => git2::Repository::open_ext(path, RepositoryOpenFlags::CROSS_FS, ALL_FOLDERS)
                .map_err(|error| refusal(path, error))?,
        };
        if inner.object_format() != ObjectFormat::Sha1 {
            return Err(GitError::Sha256(top_folder(path.to_owned())));
        }
        Ok(Self { inner, lent: Vec::new() })
    }

    /// Another handle to the same repository, for another thread.
    ///
    /// # Errors
    /// When the repository has gone.
    pub fn reopen(&self) -> Result<Self, GitError> {
        let open = |place: &Path| {
            let found = git2::Repository::open_ext(place, RepositoryOpenFlags::NO_SEARCH, ALL_FOLDERS);
            found.map_err(|error| refusal(place, error))
        };
        // By the work tree, from where its `.git` may lead elsewhere; but what is taken for one may be any folder, where
        // the repository does not say that it is bare.
        let by_tree = self.inner.workdir().and_then(|top| open(top).ok());
        let inner = match by_tree.filter(|found| found.path() == self.inner.path()) {
            Some(found) => found,
            None => {
                let found = open(self.inner.path())?;
                // Where the environment names the work tree, the repository does not.
                if let Some(top) = self.inner.workdir().filter(|top| found.workdir() != Some(*top)) {
                    found.set_workdir(top, false)?;
                }
                found
            }
        };
        let mut again = Self { inner, lent: Vec::new() };
        self.lent.iter().try_for_each(|objects| again.lend(objects))?;
        Ok(again)
    }

    /// Read objects from this folder too. Nothing is written for it.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub(super) fn lend(&mut self, objects: &Path) -> Result<(), GitError> {
        let path = objects.to_str().ok_or_else(|| GitError::UnsafePath(objects.display().to_string()))?;
        self.inner.odb()?.add_disk_alternate(path)?;
        self.lent.push(objects.to_owned());
        Ok(())
    }

    /// The top folder of the checkout; `None` for a bare repository.
    #[must_use]
    pub fn workdir(&self) -> Option<&Path> {
        self.inner.workdir()
    }

    /// The repository's own folder (`.git`); for a linked worktree that of its main repository.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.inner.commondir()
    }

    /// Whether `HEAD` names a branch without any commit.
    #[must_use]
    pub fn has_no_commit(&self) -> bool {
        self.inner.head().is_err_and(|error| error.code() == ErrorCode::UnbornBranch)
    }

    /// Whether the repository's history is cut off somewhere.
    #[must_use]
    pub fn is_shallow(&self) -> bool {
        self.inner.is_shallow()
    }

    /// How many objects `git replace` puts another one in the place of, and commits that `info/grafts` gives other
    /// parents: git follows them, and this program does not. None where git is told not to either.
    ///
    /// # Errors
    /// When references cannot be read.
    pub fn replaced(&self) -> Result<usize, GitError> {
        let is_off = std::env::var_os("GIT_NO_REPLACE_OBJECTS").is_some()
            || self.inner.config()?.get_bool("core.usereplacerefs").is_ok_and(|used| !used);
        let replaced = if is_off { 0 } else { self.inner.references_glob("refs/replace/*")?.count() };
        let grafts = std::fs::read_to_string(self.folder().join("info/grafts")).unwrap_or_default();
        let grafted = grafts.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')).count();
        Ok(replaced + grafted)
    }

    /// What people want to know of a commit.
    ///
    /// # Errors
    /// When the commit is missing or broken.
    pub fn info(&self, id: CommitId) -> Result<CommitInfo, GitError> {
        let commit = self.inner.find_commit(id.oid()?)?;
        let author = commit.author();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok(CommitInfo {
            id,
            tree: tree_id(commit.tree_id()),
            parents: commit.parent_ids().map(commit_id).collect(),
            author: format!("{} <{}>", text(author.name_bytes()), text(author.email_bytes())),
            author_time: author.when().seconds(),
            author_offset: author.when().offset_minutes(),
            commit_time: commit.time().seconds(),
            subject: text(commit.summary_bytes().unwrap_or_default()),
        })
    }

    /// The whole message of a commit; invalid UTF-8 is replaced.
    ///
    /// # Errors
    /// When the commit is missing or broken.
    pub fn message(&self, id: CommitId) -> Result<String, GitError> {
        let commit = self.inner.find_commit(id.oid()?)?;
        Ok(String::from_utf8_lossy(commit.message_bytes()).into_owned())
    }

    /// A commit's tree.
    ///
    /// # Errors
    /// When the commit is missing or broken.
    pub fn tree_of(&self, id: CommitId) -> Result<TreeId, GitError> {
        Ok(tree_id(self.inner.find_commit(id.oid()?)?.tree_id()))
    }

    /// The bytes of a blob.
    ///
    /// # Errors
    /// [`GitError::MissingBlob`] when it is not in the object store.
    pub fn blob(&self, id: BlobId) -> Result<Vec<u8>, GitError> {
        match self.inner.find_blob(id.oid()?) {
            Ok(blob) => Ok(blob.content().to_vec()),
            Err(error) if error.code() == ErrorCode::NotFound => Err(GitError::MissingBlob(id)),
            Err(error) => Err(error.into()),
        }
    }

    /// The file (or symbolic link) at a path of a commit, by id; `None` when there is none.
    ///
    /// # Errors
    /// When a tree is missing or broken.
    pub fn entry_at(&self, tree: TreeId, path: &Path) -> Result<Option<BlobId>, GitError> {
        match self.inner.find_tree(tree.oid()?)?.get_path(path) {
            Ok(entry) => Ok((entry.kind() == Some(git2::ObjectType::Blob)).then(|| blob_id(entry.id()))),
            Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The content of the file at a path of a commit; `None` when there is no file.
    ///
    /// # Errors
    /// When an object is missing or broken.
    pub fn file_at(&self, commit: CommitId, path: &Path) -> Result<Option<Vec<u8>>, GitError> {
        let blob = self.entry_at(self.tree_of(commit)?, path)?;
        blob.map(|id| self.blob(id)).transpose()
    }

    /// The paths of all files of a tree that `wanted` accepts, with their blobs, sorted by path.
    ///
    /// # Errors
    /// When a tree is missing or broken.
    pub fn files(
        &self,
        tree: TreeId,
        wanted: impl Fn(&Path) -> bool,
    ) -> Result<Vec<(PathBuf, BlobId)>, GitError> {
        let diff = self.inner.diff_tree_to_tree(None, Some(&self.inner.find_tree(tree.oid()?)?), None)?;
        let (mut files, mut modes) = (Vec::new(), TreeModes::new(&self.inner, Some(tree))?);
        for delta in diff.deltas() {
            let file = delta.new_file();
            if file.path_bytes().is_none_or(|path| modes.of(path) == SUBMODULE) {
                continue;
            }
            if let Some(path) = file.path().filter(|path| wanted(path)) {
                files.push((path.to_owned(), blob_id(file.id())));
            }
        }
        Ok(files)
    }
}

/// libgit2's reasons for not opening a repository, in our words.
fn refusal(path: &Path, error: git2::Error) -> GitError {
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    match (error.code(), error.class()) {
        (ErrorCode::NotFound, _) => GitError::NotARepository(path),
        (ErrorCode::Owner, _) => GitError::NotOwned(top_folder(path)),
        (_, ErrorClass::Repository) if error.message().contains("object format") => {
            GitError::Sha256(top_folder(path))
        }
        (_, ErrorClass::Repository) if error.message().contains("extensions.refstorage") => {
            GitError::Reftable(top_folder(path))
        }
        (_, ErrorClass::Repository) => {
            GitError::UnsupportedFormat { path, reason: error.message().to_owned() }
        }
        _ => error.into(),
    }
}

/// The folder that `safe.directory` has to name: the one with `.git` in it, or the bare repository itself.
fn top_folder(path: PathBuf) -> PathBuf {
    let found = path.ancestors().find(|folder| folder.join(".git").exists()).map(Path::to_owned);
    found.unwrap_or(path)
}
