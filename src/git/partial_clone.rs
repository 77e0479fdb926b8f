//! Partial clones: what the range needs and the clone lacks is fetched, into the shadow.
//!
//! libgit2 does not fetch on demand. The git executable does, one object at a time and into the user's repository;
//! here it fetches everything in one batch, with the command that git itself uses for it, into the shadow.

use std::collections::HashSet;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use git2::{ConfigLevel, ErrorCode, ObjectType, OdbLookupFlags, Oid};

use super::ids::{ToOid, tree_id};
use super::repository_variables::OTHER_REPOSITORY;
use super::{GitError, Repository, Shadow};
use crate::model::{CommitId, TreeId};
use crate::process::program;

/// Trees that were missing have to be there before what they name can be asked for: one round a level at worst.
const MOST_ROUNDS: usize = 100;

/// How many commits before bad are fetched the folders of, where no good commit is named.
const MOST_BEFORE_BAD: usize = 1000;

/// Local configuration that fetching needs: where the remote is and how one gets in.
const COPIED: [&str; 6] = ["remote.", "url.", "http.", "credential.", "protocol.", "core.sshcommand"];
/// What a fetch would otherwise do beside fetching.
const NOT_COPIED: [&str; 4] = [".fetch", ".push", ".mirror", ".tagopt"];

impl Repository {
    /// The remote that has what a partial clone lacks; `None` when the clone is whole.
    ///
    /// # Errors
    /// When the configuration cannot be read.
    pub fn promisor_remote(&self) -> Result<Option<String>, GitError> {
        let config = self.inner.config()?;
        if let Ok(name) = config.get_string("extensions.partialclone") {
            return Ok(Some(name));
        }
        let mut found = None;
        config.entries(Some(r"^remote\..*\.promisor$"))?.for_each(|entry| {
            let name =
                entry.name().ok().and_then(|name| name.strip_prefix("remote.")?.strip_suffix(".promisor"));
            let is_set = entry.value().is_ok_and(|value| matches!(value, "true" | "yes" | "on" | "1"));
            if let Some(name) = name.filter(|_| is_set) {
                found = Some(name.to_owned());
            }
        })?;
        Ok(found)
    }
}

impl Repository {
    /// In a partial clone that may lack folders, fetch those of the commits that `bad` contains and none of `goods`
    /// does, those included, into a shadow in this folder, and read them from there. Whether there was anything to do.
    ///
    /// # Errors
    /// When they cannot be fetched: nothing can be said of the history then.
    pub fn bring_folders(
        &mut self,
        place: &Path,
        goods: &[CommitId],
        bad: CommitId,
    ) -> Result<bool, GitError> {
        let Some(remote) = self.promisor_remote()? else { return Ok(false) };
        let filter = self.inner.config()?.get_string(&format!("remote.{remote}.partialclonefilter"));
        if !filter.is_ok_and(|filter| filter.contains("tree:")) {
            return Ok(false);
        }
        let shadow = Shadow::create(place, self)?;
        let mut walk = self.inner.revwalk()?;
        walk.push(bad.oid()?)?;
        for good in goods {
            walk.hide(good.oid()?)?;
        }
        // Without a good commit it is looked for, not far back at first.
        let most = if goods.is_empty() { MOST_BEFORE_BAD } else { usize::MAX };
        let mut trees = goods.iter().map(|&good| self.tree_of(good)).collect::<Result<Vec<_>, _>>()?;
        for commit in walk.take(most) {
            trees.push(tree_id(self.inner.find_commit(commit?)?.tree_id()));
        }
        let first = trees.last().map(ToString::to_string).unwrap_or_default();
        shadow.fetch_missing(self, &trees).map_err(|error| match error {
            GitError::GitCommand { message, .. } => GitError::NotFetched { id: first, why: Some(message) },
            other => other,
        })?;
        self.lend(&shadow.folder().join("objects"))?;
        Ok(true)
    }
}

impl Shadow {
    /// Fetch what a partial clone lacks of these trees, in one batch (more when trees are missing), into the shadow.
    /// How many objects there were; 0 for a whole clone, whatever it lacks.
    ///
    /// # Errors
    /// When the remote cannot be reached or does not have the objects. Trials can still run: what is missing is
    /// left out of their trees, with a note.
    pub fn fetch_missing(&self, user: &Repository, trees: &[TreeId]) -> Result<usize, GitError> {
        let Some(remote) = user.promisor_remote()? else { return Ok(0) };
        self.copy_configuration(user, &remote)?;
        let mut known = HashSet::new();
        let mut asked = HashSet::new();
        for _ in 0..MOST_ROUNDS {
            let mut missing = self.missing(trees, &mut known)?;
            missing.retain(|&id| asked.insert(id));
            if missing.is_empty() {
                break;
            }
            self.fetch(user, &remote, &missing)?;
            self.repository().inner.odb()?.refresh()?;
        }
        Ok(asked.len())
    }

    /// Whether anything of a tree is nowhere to be had: git makes no commit of it then, though it may not be what changes.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn is_broken(&self, user: &Repository, tree: TreeId) -> Result<bool, GitError> {
        // What a partial clone lacks is fetched when it is needed.
        Ok(user.promisor_remote()?.is_none() && !self.missing(&[tree], &mut HashSet::new())?.is_empty())
    }

    /// Objects of trees that are not in the store. `known` are those that were looked at and are there.
    fn missing(&self, trees: &[TreeId], known: &mut HashSet<Oid>) -> Result<Vec<Oid>, GitError> {
        let git = &self.repository().inner;
        let objects = git.odb()?;
        let mut missing = Vec::new();
        let mut looked_at = HashSet::new();
        let mut waiting: Vec<Oid> = trees.iter().map(ToOid::oid).collect::<Result<_, _>>()?;
        while let Some(id) = waiting.pop() {
            if known.contains(&id) || !looked_at.insert(id) {
                continue;
            }
            let tree = match git.find_tree(id) {
                Ok(tree) => tree,
                Err(error) if error.code() == ErrorCode::NotFound => {
                    missing.push(id);
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            let mut is_whole = true;
            for entry in &tree {
                match entry.kind() {
                    Some(ObjectType::Tree) => {
                        // Whether that one is whole is not known yet, so this one must be looked at again.
                        is_whole &= known.contains(&entry.id());
                        waiting.push(entry.id());
                    }
                    Some(ObjectType::Blob) if !known.contains(&entry.id()) => {
                        if objects.exists_ext(entry.id(), OdbLookupFlags::NO_REFRESH) {
                            known.insert(entry.id());
                        } else {
                            is_whole = false;
                            if looked_at.insert(entry.id()) {
                                missing.push(entry.id());
                            }
                        }
                    }
                    _ => {}
                }
            }
            if is_whole {
                known.insert(id);
            }
        }
        Ok(missing)
    }

    fn copy_configuration(&self, user: &Repository, remote: &str) -> Result<(), GitError> {
        let mut own = self.repository().inner.config()?.open_level(ConfigLevel::Local)?;
        let mut copied = Vec::new();
        user.inner.config()?.entries(None)?.for_each(|entry| {
            let is_local = matches!(entry.level(), ConfigLevel::Local | ConfigLevel::Worktree);
            if let (true, Ok(name), Ok(value)) = (is_local, entry.name(), entry.value())
                && COPIED.iter().any(|start| name.starts_with(start))
                && !NOT_COPIED.iter().any(|end| name.starts_with("remote.") && name.ends_with(end))
            {
                copied.push((name.to_owned(), value.to_owned()));
            }
        })?;
        for (name, value) in copied {
            // A pattern that nothing matches: added, not replaced.
            own.set_multivar(&name, "^$", &value)?;
        }
        own.set_i32("core.repositoryformatversion", 1)?;
        own.set_str("extensions.partialclone", remote)?;
        Ok(())
    }

    fn fetch(&self, user: &Repository, remote: &str, ids: &[Oid]) -> Result<(), GitError> {
        let action = format!("fetch of {} missing objects from '{remote}'", ids.len());
        let failed = |message: String| GitError::GitCommand { action: action.clone(), message };
        let on_disk = |error: std::io::Error| failed(error.to_string());
        let mut list = tempfile::tempfile().map_err(on_disk)?;
        let lines: String = ids.iter().flat_map(|id| [id.to_string(), "\n".to_owned()]).collect();
        list.write_all(lines.as_bytes()).map_err(on_disk)?;
        list.seek(SeekFrom::Start(0)).map_err(on_disk)?;
        let git = program("git", &|program| user.brings(program)).map_err(on_disk)?;
        let mut command = Command::new(git);
        for name in OTHER_REPOSITORY {
            command.env_remove(name);
        }
        let output = command
            // A remote may be a relative path.
            .current_dir(user.workdir().unwrap_or_else(|| user.folder()))
            .arg("--git-dir")
            .arg(self.folder())
            .args(["-c", "fetch.negotiationAlgorithm=noop", "fetch", "--quiet", "--no-tags"])
            .args(["--no-write-fetch-head", "--recurse-submodules=no", "--no-auto-maintenance"])
            .args(["--filter=blob:none", "--stdin", remote])
            .stdin(Stdio::from(list))
            .output()
            .map_err(on_disk)?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let reason =
            said.lines().find(|line| line.starts_with("fatal: ")).or_else(|| said.trim().lines().last());
        Err(failed(reason.unwrap_or("no reason given").to_owned()))
    }
}
