//! Files of trees kept in a folder from run to run, for programs that only read them.
//!
//! What differs is written; to write thousands of files anew each time takes longer than the programs run.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Component, Path, PathBuf};
use std::time::{Duration, SystemTime};

use rustix::fs::{FlockOperation, flock};

use super::{GitError, Repository};
use crate::dirfd::remove_tree;
use crate::model::{BlobId, TreeId};

/// What nobody used for this long goes.
const OLDEST: Duration = Duration::from_secs(30 * 24 * 3600);
/// So many repositories are kept.
const MOST_KEPT: usize = 8;
const LOCK: &str = "lock";

/// Trees of a repository as folders, one for each name that [`sync_tree`](Self::sync_tree) gets.
#[derive(Debug)]
pub struct ExportedTrees {
    folder: PathBuf,
    /// Where a content lies, to be linked rather than written twice.
    written: BTreeMap<(String, BlobId), PathBuf>,
    _lock: Option<File>,
}

type Contents = BTreeMap<String, BlobId>;

impl ExportedTrees {
    /// The folder that `top` keeps under this name; `None` when another run uses it. Others that nobody used for
    /// long are removed.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn kept(top: &Path, name: &str) -> io::Result<Option<Self>> {
        let folder = top.join(name);
        fs::create_dir_all(&folder)?;
        let Some(lock) = locked(&folder)? else { return Ok(None) };
        // An old time only makes it go sooner.
        drop(lock.set_modified(SystemTime::now()));
        forget_but(top, Some(&folder), MOST_KEPT, OLDEST);
        Ok(Some(Self { folder, written: BTreeMap::new(), _lock: Some(lock) }))
    }

    /// Remove what `top` keeps and no run uses: what nobody used for long, or with `all`, whatever it is.
    pub fn forget(top: &Path, all: bool) {
        if all {
            forget_but(top, None, 0, Duration::ZERO);
        } else {
            forget_but(top, None, MOST_KEPT, OLDEST);
        }
    }

    /// A folder that somebody else removes.
    #[must_use]
    pub const fn temporary(folder: PathBuf) -> Self {
        Self { folder, written: BTreeMap::new(), _lock: None }
    }

    /// Make the folder called `name` hold the files of a tree that `wanted` accepts, without git's filters, and
    /// nothing else. Contents that are missing are left out. Returns the folder.
    ///
    /// # Errors
    /// When a tree is missing or broken, or the folder cannot be written.
    pub fn sync_tree(
        &mut self,
        repository: &Repository,
        name: &str,
        tree: TreeId,
        wanted: impl Fn(&Path) -> bool,
    ) -> Result<PathBuf, GitError> {
        let (folder, list) = (self.folder.join(name), self.folder.join(format!("{name}.list")));
        let files: Contents = repository
            .files(tree, |path| is_inside(path) && wanted(path))?
            .into_iter()
            .filter_map(|(path, blob)| Some((path.into_os_string().into_string().ok()?, blob)))
            .filter(|(path, _)| !path.contains('\n'))
            .collect();
        let failed = |source| GitError::Shadow { path: folder.clone(), source };
        let known = fs::read_to_string(&list).ok().and_then(|text| read_list(&text));
        // Until everything is in its place, nothing is known of what lies there.
        match (fs::remove_file(&list), &known) {
            (Ok(()), Some(_)) => {}
            _ => remove_tree(&folder).map_err(failed)?,
        }
        fs::create_dir_all(&folder).map_err(failed)?;
        let known = known.unwrap_or_default();
        // What goes first: a file may lie where a folder was.
        for (path, _) in known.iter().filter(|(path, blob)| files.get(*path) != Some(blob)) {
            remove(&folder, path).map_err(failed)?;
        }
        let mut now = Contents::new();
        for (path, blob) in files {
            let file = folder.join(&path);
            if known.get(&path) == Some(&blob) || self.write(repository, &path, blob, &file)? {
                self.written.insert((path.clone(), blob), file);
                now.insert(path, blob);
            }
        }
        let lines: Vec<String> = now.iter().map(|(path, blob)| format!("{blob} {path}\n")).collect();
        fs::write(&list, lines.concat()).map_err(failed)?;
        Ok(folder)
    }

    /// Whether the content was there to be written.
    fn write(
        &self,
        repository: &Repository,
        path: &str,
        blob: BlobId,
        file: &Path,
    ) -> Result<bool, GitError> {
        let failed = |source| GitError::Shadow { path: file.to_owned(), source };
        if let Some(parent) = file.parent() {
            fs::create_dir_all(parent).map_err(failed)?;
        }
        let other = self.written.get(&(path.to_owned(), blob));
        if other.is_some_and(|other| fs::hard_link(other, file).is_ok()) {
            return Ok(true);
        }
        match repository.with_blob(blob, |bytes| fs::write(file, bytes))? {
            Some(result) => result.map(|()| true).map_err(failed),
            None => Ok(false),
        }
    }
}

/// A tree made by hand may name paths that lead out of it.
fn is_inside(path: &Path) -> bool {
    path.components().all(|part| matches!(part, Component::Normal(_)))
}

/// `None` when it is not what was written.
fn read_list(text: &str) -> Option<Contents> {
    let line = |line: &str| {
        let (blob, path) = line.split_once(' ')?;
        is_inside(Path::new(path)).then_some(())?;
        Some((path.to_owned(), blob.parse().ok()?))
    };
    text.lines().map(line).collect()
}

/// Remove a file, and the folders that are empty without it.
fn remove(folder: &Path, path: &str) -> io::Result<()> {
    match fs::remove_file(folder.join(path)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    for parent in Path::new(path).ancestors().skip(1).filter(|parent| !parent.as_os_str().is_empty()) {
        if fs::remove_dir(folder.join(parent)).is_err() {
            break;
        }
    }
    Ok(())
}

fn locked(folder: &Path) -> io::Result<Option<File>> {
    let lock = OpenOptions::new().create(true).truncate(false).write(true).open(folder.join(LOCK))?;
    Ok(flock(&lock, FlockOperation::NonBlockingLockExclusive).is_ok().then_some(lock))
}

/// Keep so many, no older than this; what cannot be removed now is removed by a later run.
fn forget_but(top: &Path, spared: Option<&Path>, most: usize, oldest: Duration) {
    let mut known: Vec<(SystemTime, PathBuf)> = fs::read_dir(top)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|folder| Some(folder.as_path()) != spared)
        .filter_map(|folder| Some((folder.join(LOCK).metadata().ok()?.modified().ok()?, folder)))
        .collect();
    known.sort();
    let surplus = (known.len() + usize::from(spared.is_some())).saturating_sub(most);
    for (at, (used, folder)) in known.into_iter().enumerate() {
        let is_old = used.elapsed().is_ok_and(|age| age > oldest);
        if (is_old || at < surplus)
            && let Ok(Some(_lock)) = locked(&folder)
        {
            drop(remove_tree(&folder));
        }
    }
}
