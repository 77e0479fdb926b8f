//! Repositories built in code: fixed dates, no configuration of the user, no work tree unless asked for.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use git2::{IndexEntry, IndexTime, ObjectType, Oid, Repository, RepositoryInitOptions, Signature, Time};
use pybisect::model::CommitId;
use tempfile::TempDir;

/// 2024-01-01 00:00 UTC; each commit is a minute later than the one before.
const FIRST_COMMIT: i64 = 1_704_067_200;

pub(crate) const FILE: u32 = 0o100_644;
pub(crate) const EXECUTABLE: u32 = 0o100_755;
pub(crate) const SYMLINK: u32 = 0o120_000;
pub(crate) const SUBMODULE: u32 = 0o160_000;

/// A repository that a test builds commit by commit. Removed when dropped.
pub(crate) struct TestRepo {
    folder: TempDir,
    repo: Repository,
    /// The files of the next commit: path → mode and object.
    files: BTreeMap<Vec<u8>, (u32, Oid)>,
    head: Option<Oid>,
    clock: i64,
}

impl TestRepo {
    /// An empty repository with the branch `main`.
    pub(crate) fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let mut options = RepositoryInitOptions::new();
        options.external_template(false).initial_head("main");
        let repo = Repository::init_opts(folder.path(), &options).unwrap();
        Self { folder, repo, files: BTreeMap::new(), head: None, clock: FIRST_COMMIT }
    }

    /// A history of one file `app.py` with these contents, one commit each.
    pub(crate) fn with_versions(versions: &[&str]) -> (Self, Vec<CommitId>) {
        let mut repo = Self::new();
        let ids = versions.iter().map(|text| repo.write("app.py", text).commit("edit app.py")).collect();
        (repo, ids)
    }

    /// The top folder.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Set a file's content for the next commit.
    pub(crate) fn write(&mut self, path: &str, content: impl AsRef<[u8]>) -> &mut Self {
        self.write_as(path.as_bytes(), content.as_ref(), FILE)
    }

    /// Set a file's content and mode for the next commit; a path need not be UTF-8.
    pub(crate) fn write_as(&mut self, path: &[u8], content: &[u8], mode: u32) -> &mut Self {
        let oid = self.repo.blob(content).unwrap();
        self.files.insert(path.to_vec(), (mode, oid));
        self
    }

    /// Put a submodule entry into the next commit.
    pub(crate) fn submodule(&mut self, path: &str) -> &mut Self {
        let oid = Oid::hash_object(ObjectType::Blob, path.as_bytes()).unwrap();
        self.files.insert(path.as_bytes().to_vec(), (SUBMODULE, oid));
        self
    }

    /// Leave a file out of the next commit.
    pub(crate) fn remove(&mut self, path: &str) -> &mut Self {
        self.files.remove(path.as_bytes()).unwrap();
        self
    }

    /// Commit on top of the current commit.
    pub(crate) fn commit(&mut self, message: &str) -> CommitId {
        let parents: Vec<Oid> = self.head.into_iter().collect();
        self.commit_with(message, &parents)
    }

    /// Commit a merge of the current commit and another, with the files as they are set now.
    pub(crate) fn merge(&mut self, other: CommitId, message: &str) -> CommitId {
        let parents = [self.head.unwrap(), oid(other)];
        self.commit_with(message, &parents)
    }

    /// Go on from another commit: its files, its branch.
    pub(crate) fn go_to(&mut self, commit: CommitId) -> &mut Self {
        let mut index = git2::Index::new().unwrap();
        let tree = self.repo.find_commit(oid(commit)).unwrap().tree().unwrap();
        index.read_tree(&tree).unwrap();
        drop(tree);
        self.files = index.iter().map(|entry| (entry.path.clone(), (entry.mode, entry.id))).collect();
        self.head = Some(oid(commit));
        self
    }

    fn commit_with(&mut self, message: &str, parents: &[Oid]) -> CommitId {
        let mut index = git2::Index::new().unwrap();
        for (path, &(mode, id)) in &self.files {
            index.add(&index_entry(path, mode, id)).unwrap();
        }
        let tree = index.write_tree_to(&self.repo).unwrap();
        let tree = self.repo.find_tree(tree).unwrap();
        let who = Signature::new("Ada", "ada@example.org", &Time::new(self.clock, 0)).unwrap();
        self.clock += 60;
        let parents: Vec<_> = parents.iter().map(|&parent| self.repo.find_commit(parent).unwrap()).collect();
        let parents: Vec<_> = parents.iter().collect();
        let id = self.repo.commit(None, &who, &who, message, &tree, &parents).unwrap();
        self.repo.reference("refs/heads/main", id, true, "").unwrap();
        self.head = Some(id);
        id.to_string().parse().unwrap()
    }

    /// Let the next commit be of this time, seconds since 1970.
    pub(crate) const fn at(&mut self, seconds: i64) -> &mut Self {
        self.clock = seconds;
        self
    }

    /// The last commit.
    pub(crate) fn last(&self) -> CommitId {
        self.head.unwrap().to_string().parse().unwrap()
    }

    /// A commit of one file without parents; the next commit does not build on it.
    pub(crate) fn orphan(&mut self, path: &str, content: &str) -> CommitId {
        let (files, head) = (std::mem::take(&mut self.files), self.head.take());
        self.write(path, content);
        let id = self.commit("another beginning");
        (self.files, self.head) = (files, head);
        id
    }

    /// A lightweight tag.
    pub(crate) fn tag(&self, name: &str, commit: CommitId) {
        let object = self.repo.find_object(oid(commit), None).unwrap();
        self.repo.tag_lightweight(name, &object, false).unwrap();
    }

    /// An annotated tag, which is an object of its own.
    pub(crate) fn annotated_tag(&self, name: &str, commit: CommitId) {
        let object = self.repo.find_object(oid(commit), None).unwrap();
        let who = Signature::new("Ada", "ada@example.org", &Time::new(self.clock, 0)).unwrap();
        self.repo.tag(name, &object, &who, name, false).unwrap();
    }

    /// A branch.
    pub(crate) fn branch(&self, name: &str, commit: CommitId) {
        self.repo.reference(&format!("refs/heads/{name}"), oid(commit), true, "").unwrap();
    }

    /// Write the files of `main` into the folder, as a user's checkout.
    pub(crate) fn check_out(&self) {
        let mut how = git2::build::CheckoutBuilder::new();
        self.repo.checkout_head(Some(how.force())).unwrap();
    }

    /// Run the git executable in the repository; its standard output.
    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        git_in(self.path(), arguments)
    }
}

/// Run the git executable in a folder, with no configuration but the repository's; its standard output.
pub(crate) fn git_in(folder: &Path, arguments: &[&str]) -> String {
    let output = hermetic("git", folder).args(arguments).output().unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// A command that sees nothing of the user but `PATH`.
pub(crate) fn hermetic(program: &str, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear().envs(hermetic_environment()).current_dir(folder);
    command
}

/// The variables of [`hermetic`].
pub(crate) fn hermetic_environment() -> BTreeMap<String, String> {
    let fixed = [
        ("GIT_CONFIG_GLOBAL", "/dev/null"),
        ("GIT_CONFIG_NOSYSTEM", "1"),
        ("GIT_AUTHOR_NAME", "Ada"),
        ("GIT_AUTHOR_EMAIL", "ada@example.org"),
        ("GIT_AUTHOR_DATE", "2024-01-01T00:00:00Z"),
        ("GIT_COMMITTER_NAME", "Ada"),
        ("GIT_COMMITTER_EMAIL", "ada@example.org"),
        ("GIT_COMMITTER_DATE", "2024-01-01T00:00:00Z"),
        ("HOME", "/nonexistent"),
        ("LC_ALL", "C"),
        ("TZ", "UTC"),
    ];
    let mut all: BTreeMap<String, String> =
        fixed.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
    all.insert("PATH".to_owned(), std::env::var("PATH").unwrap());
    all
}

/// Every file, link and folder under a folder, with content, mode and time of change: to see that nothing changed.
pub(crate) fn snapshot(folder: &Path) -> BTreeMap<PathBuf, String> {
    use std::os::unix::fs::MetadataExt as _;
    walkdir::WalkDir::new(folder)
        .into_iter()
        .map(|entry| {
            let path = entry.unwrap().into_path();
            let facts = path.symlink_metadata().unwrap();
            let content = if facts.is_symlink() {
                format!("{:?}", std::fs::read_link(&path).unwrap())
            } else if facts.is_file() {
                blake3::hash(&std::fs::read(&path).unwrap()).to_string()
            } else {
                String::new()
            };
            let line = format!("{:o} {}.{} {content}", facts.mode(), facts.mtime(), facts.mtime_nsec());
            (path, line)
        })
        .collect()
}

fn index_entry(path: &[u8], mode: u32, id: Oid) -> IndexEntry {
    IndexEntry {
        ctime: IndexTime::new(0, 0),
        mtime: IndexTime::new(0, 0),
        dev: 0,
        ino: 0,
        mode,
        uid: 0,
        gid: 0,
        file_size: 0,
        id,
        flags: 0,
        flags_extended: 0,
        path: path.to_vec(),
    }
}

fn oid(commit: CommitId) -> Oid {
    Oid::from_bytes(commit.as_bytes()).unwrap()
}

/// A history in which the eighth of twelve commits breaks a function, and a smoke test that sees it; the id of that commit.
pub(crate) fn broken_total() -> (TestRepo, String) {
    let mut repo = TestRepo::new();
    repo.write("smoke.py", "import app\nassert app.total([1, 2]) == 3, app.total([1, 2])\n");
    let mut broken = String::new();
    for at in 0..12 {
        let body = if at < 7 { "return sum(values)" } else { "return sum(values[1:])" };
        repo.write("app.py", format!("def total(values):\n    {body}\n"));
        repo.write("pkg/data.py", format!("release = {at}\n"));
        let commit = repo.commit(&format!("release {at}"));
        if at == 7 {
            broken = commit.to_string();
        }
    }
    repo.check_out();
    (repo, broken)
}
