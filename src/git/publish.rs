//! A tree of the shadow as something the user can have: a patch, a commit on a branch, a pushed branch.
//!
//! The branch is the one thing that pybisect ever writes into the user's repository, and only when asked: it is
//! fetched from the shadow by the git executable, which touches neither `HEAD` nor the index nor the work tree.

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::mpsc::channel;
use std::time::Duration;

use git2::{DiffFormat, DiffLineType, DiffOptions};
use rustix::process::{Pid, Signal, kill_process};

use super::ids::{ToOid, commit_id};
use super::repository_variables::OTHER_REPOSITORY;
use super::{GitError, Repository, Shadow};
use crate::model::{CommitId, TreeId};
use crate::process::program;

/// The longest time for a command of git's: a remote may not answer.
const LIMIT: Duration = Duration::from_secs(300);

/// Where the shadow keeps a commit until it is fetched.
const OUTBOX: &str = "refs/pybisect/fix";

/// A change in the form of `git diff`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patch {
    /// The patch, for `git apply`.
    pub bytes: Vec<u8>,
    /// Files in it.
    pub files: usize,
    /// Lines that it removes and adds.
    pub lines: usize,
    /// The files in it.
    pub paths: Vec<PathBuf>,
}

impl Repository {
    /// The change from one tree to another; binary files included.
    ///
    /// # Errors
    /// When an object is missing or broken.
    pub fn patch(&self, old: TreeId, new: TreeId) -> Result<Patch, GitError> {
        let (old, new) = (self.inner.find_tree(old.oid()?)?, self.inner.find_tree(new.oid()?)?);
        let mut options = DiffOptions::new();
        options.show_binary(true).indent_heuristic(true);
        let diff = self.inner.diff_tree_to_tree(Some(&old), Some(&new), Some(&mut options))?;
        let mut bytes = Vec::new();
        diff.print(DiffFormat::Patch, |_, _, line| {
            let marked = matches!(
                line.origin_value(),
                DiffLineType::Context | DiffLineType::Addition | DiffLineType::Deletion
            );
            if marked {
                bytes.extend_from_slice(line.origin().to_string().as_bytes());
            }
            bytes.extend_from_slice(line.content());
            true
        })?;
        let stats = diff.stats()?;
        let paths = diff.deltas().filter_map(|delta| Some(delta.new_file().path()?.to_owned())).collect();
        Ok(Patch {
            bytes,
            files: stats.files_changed(),
            lines: stats.insertions() + stats.deletions(),
            paths,
        })
    }

    /// The mode of what lies at a path of a tree; 0 when nothing does.
    ///
    /// # Errors
    /// When a tree is missing or broken.
    pub fn mode_at(&self, tree: TreeId, path: &[u8]) -> Result<u32, GitError> {
        use std::os::unix::ffi::OsStrExt as _;
        let path = std::path::Path::new(std::ffi::OsStr::from_bytes(path));
        match self.inner.find_tree(tree.oid()?)?.get_path(path) {
            Ok(entry) => Ok(entry.filemode_raw().unsigned_abs()),
            Err(error) if error.code() == git2::ErrorCode::NotFound => Ok(0),
            Err(error) => Err(error.into()),
        }
    }

    /// The author by the user's configuration; `None` when it names nobody.
    #[must_use]
    pub fn author(&self) -> Option<(String, String)> {
        let author = self.inner.signature().ok()?;
        Some((author.name().ok()?.to_owned(), author.email().ok()?.to_owned()))
    }

    /// Whether there is a branch of this name.
    #[must_use]
    pub fn has_branch(&self, name: &str) -> bool {
        self.inner.find_branch(name, git2::BranchType::Local).is_ok()
    }

    /// Whether a branch can be called so.
    #[must_use]
    pub fn can_be_a_branch(name: &str) -> bool {
        git2::Branch::name_is_valid(name).unwrap_or(false)
    }

    /// The names of the remotes.
    ///
    /// # Errors
    /// When the configuration cannot be read.
    pub fn remotes(&self) -> Result<Vec<String>, GitError> {
        let remotes = self.inner.remotes()?;
        Ok(remotes.iter().flatten().flatten().map(str::to_owned).collect())
    }

    /// Whether a file of the work tree, or of the index, is not as it is in `HEAD`.
    #[must_use]
    pub fn is_uncommitted(&self, path: &std::path::Path) -> bool {
        self.workdir().is_some()
            && self.inner.status_file(path).is_ok_and(|status| !status.is_empty() && !status.is_ignored())
    }

    /// Take the commit in the shadow's outbox as a new branch.
    ///
    /// # Errors
    /// When the git executable refuses, as for a name that is none.
    pub fn import_branch(&self, shadow: &Shadow, name: &str) -> Result<(), GitError> {
        let folder = shadow.folder().to_string_lossy().into_owned();
        let what = format!("{OUTBOX}:refs/heads/{name}");
        self.git(
            &format!("fetch of the branch '{name}'"),
            &[
                "fetch",
                "--quiet",
                "--no-tags",
                "--no-write-fetch-head",
                "--no-auto-maintenance",
                "--recurse-submodules=no",
                &folder,
                &what,
            ],
        )
        .map(drop)
    }

    /// Push a branch to a remote; never by force, and for this time at most.
    ///
    /// # Errors
    /// When the remote cannot be reached, refuses, or takes longer.
    pub fn push_branch(&self, remote: &str, name: &str, limit: Duration) -> Result<(), GitError> {
        let what = format!("refs/heads/{name}:refs/heads/{name}");
        let action = format!("push of '{name}' to '{remote}'");
        self.git_within(limit, &action, &["push", "--quiet", remote, &what]).map(drop)
    }

    /// Have a branch of a remote lead to a commit, wherever it led: only if it still leads there (a lease), so that what
    /// somebody else deploys meanwhile is not undone.
    ///
    /// # Errors
    /// When the remote cannot be reached or refuses, or the branch moved meanwhile.
    pub fn move_remote_branch(&self, remote: &str, branch: &str, to: CommitId) -> Result<(), GitError> {
        let target = format!("refs/heads/{branch}");
        let before = self.remote_tip(remote, branch, LIMIT)?.map(|tip| tip.to_string()).unwrap_or_default();
        let lease = format!("--force-with-lease={target}:{before}");
        let what = format!("{to}:{target}");
        self.git(&format!("push to '{remote}'"), &["push", "--quiet", &lease, remote, &what]).map(drop)
    }

    /// The commit that a branch of a remote leads to now; `None` where there is no such branch.
    ///
    /// # Errors
    /// When the remote cannot be reached, refuses, or takes longer than `limit`.
    pub fn remote_tip(
        &self,
        remote: &str,
        branch: &str,
        limit: Duration,
    ) -> Result<Option<CommitId>, GitError> {
        let target = format!("refs/heads/{branch}");
        let action = format!("ls-remote of '{remote}'");
        let known = self.git_within(limit, &action, &["ls-remote", remote, &target])?;
        Ok(known.split_whitespace().next().and_then(|id| id.parse().ok()))
    }

    /// Make a commit with the files of another one on top of `tip`, in the name of `author`: an object of the repository,
    /// to which no name leads. Where `tip` has these files already, it is `tip`.
    ///
    /// # Errors
    /// When a commit is missing or broken, or the repository cannot be written.
    pub fn commit_files_of(
        &self,
        version: CommitId,
        tip: CommitId,
        author: (&str, &str),
        message: &str,
    ) -> Result<CommitId, GitError> {
        let (files, tip) = (self.inner.find_commit(version.oid()?)?, self.inner.find_commit(tip.oid()?)?);
        if files.tree_id() == tip.tree_id() {
            return Ok(commit_id(tip.id()));
        }
        Ok(commit_id(commit_on(&self.inner, &files.tree()?, &tip, author, message)?))
    }

    /// Push a commit to a branch of a remote, never by force: refused where the branch moved on.
    ///
    /// # Errors
    /// When the remote cannot be reached or refuses.
    pub fn push_commit(&self, remote: &str, branch: &str, commit: CommitId) -> Result<(), GitError> {
        let what = format!("{commit}:refs/heads/{branch}");
        self.git(&format!("push to '{remote}'"), &["push", "--quiet", remote, &what]).map(drop)
    }

    /// How many commits lead to one and not to another.
    ///
    /// # Errors
    /// When a commit is missing or broken.
    pub fn commits_since(&self, to: CommitId, from: CommitId) -> Result<usize, GitError> {
        Ok(self.inner.graph_ahead_behind(to.oid()?, from.oid()?)?.0)
    }

    fn git(&self, action: &str, arguments: &[&str]) -> Result<String, GitError> {
        self.git_within(LIMIT, action, arguments)
    }

    fn git_within(&self, limit: Duration, action: &str, arguments: &[&str]) -> Result<String, GitError> {
        let failed = |message: String| GitError::GitCommand { action: action.to_owned(), message };
        let git =
            program("git", &|program| self.brings(program)).map_err(|error| failed(error.to_string()))?;
        let mut command = Command::new(git);
        for name in OTHER_REPOSITORY {
            command.env_remove(name);
        }
        command
            .arg("--git-dir")
            .arg(self.inner.path())
            .args(arguments)
            .env("GIT_TERMINAL_PROMPT", "0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let output = output_within(&mut command, limit).map_err(|error| failed(error.to_string()))?;
        let output = output.ok_or_else(|| failed(format!("it took more than {} s", limit.as_secs_f64())))?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        /// More lines of git's are told elsewhere.
        const MOST_LINES: usize = 6;
        let said = String::from_utf8_lossy(&output.stderr);
        let lines = said.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("hint:"));
        let said = lines.take(MOST_LINES).collect::<Vec<_>>().join("\n  ");
        Err(failed(if said.is_empty() { "no reason given".to_owned() } else { said }))
    }
}

/// What a command says, or nothing when it takes longer: it is ended then.
fn output_within(command: &mut Command, limit: Duration) -> std::io::Result<Option<Output>> {
    let child = command.spawn()?;
    let process = Pid::from_child(&child);
    let (sender, ended) = channel();
    // What it started may hold its output open after its end: that is not waited for.
    std::thread::spawn(move || sender.send(child.wait_with_output()));
    match ended.recv_timeout(limit) {
        Ok(output) => output.map(Some),
        Err(_) => {
            // It may be gone just now.
            let _gone = kill_process(process, Signal::TERM);
            Ok(None)
        }
    }
}

/// Make a commit of a tree on top of another, by an author of now; no name leads to it.
fn commit_on(
    repository: &git2::Repository,
    tree: &git2::Tree<'_>,
    parent: &git2::Commit<'_>,
    (name, email): (&str, &str),
    message: &str,
) -> Result<git2::Oid, git2::Error> {
    let author = git2::Signature::now(name, email)?;
    repository.commit(None, &author, &author, message, tree, &[parent])
}

impl Shadow {
    /// Make a commit of a tree on top of another, and put it into the outbox.
    ///
    /// # Errors
    /// When the shadow cannot be written.
    pub fn commit(
        &self,
        tree: TreeId,
        parent: CommitId,
        author: (&str, &str),
        message: &str,
    ) -> Result<CommitId, GitError> {
        let repository = &self.repository().inner;
        let tree = repository.find_tree(tree.oid()?)?;
        let parent = repository.find_commit(parent.oid()?)?;
        let id = commit_on(repository, &tree, &parent, author, message)?;
        repository.reference(OUTBOX, id, true, "")?;
        Ok(commit_id(id))
    }
}
