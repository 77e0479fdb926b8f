//! The tree that a trial of a commit checks out: the commit's own with the overlay laid over it, and with the version files
//! that a build would write.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use super::{OverlayFile, Plan, SessionContext, SessionError};
use crate::git::{Repository, Shadow};
use crate::model::{CommitId, TreeId};
use crate::pyenv::{VersionFile, version_files, version_of_tag};

/// Files that tell which version files a build writes.
const TELLING: [&str; 3] = ["pyproject.toml", "setup.py", "hatch.toml"];

/// A file cannot be laid over the trees.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot lay a file over the trees at '{path}': {reason}")]
pub struct OverlayError {
    /// Where the file was to go.
    pub path: String,
    /// Why it cannot.
    pub reason: String,
}

/// Trees by commit, each composed once.
pub(crate) struct Trees<'a> {
    repository: &'a Repository,
    shadow: &'a Shadow,
    overlay: Vec<(String, Vec<u8>, bool)>,
    /// Folders that may be a project's: where the command runs, and those above.
    folders: Vec<PathBuf>,
    composed: HashMap<TreeId, TreeId>,
    /// What the files that tell say, by the ids of all of them.
    told: HashMap<Vec<Option<crate::model::BlobId>>, Vec<(PathBuf, VersionFile)>>,
    /// The version of them all: what differs between commits would be taken for an edit.
    version: Option<String>,
    made: BTreeSet<String>,
}

impl<'a> Trees<'a> {
    /// The trees of a plan's trials.
    pub(crate) fn new(plan: &Plan, workshop: &SessionContext<'a>) -> Self {
        let of = |file: &OverlayFile| (file.path.clone(), file.content.clone(), file.executable);
        let mut folders: Vec<PathBuf> = plan.recipe.subdir.ancestors().map(Path::to_owned).collect();
        if folders.is_empty() {
            folders.push(PathBuf::new());
        }
        Self {
            repository: workshop.repository,
            shadow: workshop.shadow,
            overlay: plan.overlay.iter().map(of).collect(),
            folders,
            composed: HashMap::new(),
            told: HashMap::new(),
            version: None,
            made: BTreeSet::new(),
        }
    }

    /// The tree to check out for a commit.
    pub(crate) fn tree_of(&mut self, commit: CommitId) -> Result<TreeId, SessionError> {
        let base = self.repository.tree_of(commit)?;
        if let Some(&known) = self.composed.get(&base) {
            return Ok(known);
        }
        let composed = match self.compose(commit, base) {
            // It cannot be checked out either: the trial says so, and the version is left out.
            Err(SessionError::Git(error)) if error.is_of_a_broken_tree() => base,
            composed => composed?,
        };
        self.composed.insert(base, composed);
        Ok(composed)
    }

    fn compose(&mut self, commit: CommitId, base: TreeId) -> Result<TreeId, SessionError> {
        let mut files = self.version_files(commit, base)?;
        files.extend(self.overlay.iter().cloned());
        Ok(if files.is_empty() { base } else { self.shadow.with_overlay(base, &files)? })
    }

    /// The version files that were made since this was asked last, for people.
    pub(crate) fn made(&mut self) -> Vec<String> {
        std::mem::take(&mut self.made).into_iter().collect()
    }

    /// The version files that a build would write and that the tree lacks.
    fn version_files(
        &mut self,
        commit: CommitId,
        tree: TreeId,
    ) -> Result<Vec<(String, Vec<u8>, bool)>, SessionError> {
        let mut ids = Vec::new();
        for folder in &self.folders {
            for name in TELLING {
                ids.push(self.repository.entry_at(tree, &folder.join(name))?);
            }
        }
        if ids.iter().all(Option::is_none) {
            return Ok(Vec::new());
        }
        if !self.told.contains_key(&ids) {
            let told = self.told_by(&ids);
            self.told.insert(ids.clone(), told);
        }
        let mut files = Vec::new();
        for (folder, file) in self.told.get(&ids).cloned().unwrap_or_default() {
            let path = folder.join(&file.path);
            let is_there = self.repository.entry_at(tree, &path)?.is_some();
            let is_plain = path.components().all(|part| matches!(part, std::path::Component::Normal(_)));
            let Some(path) = path.to_str().filter(|_| is_plain && !is_there) else { continue };
            let version = self.version(commit)?;
            self.made.insert(format!(
                "{path}, which a build writes, is laid into each tree that lacks it ({version})"
            ));
            files.push((path.to_owned(), file.content(&version).into_bytes(), false));
        }
        Ok(files)
    }

    fn told_by(&self, ids: &[Option<crate::model::BlobId>]) -> Vec<(PathBuf, VersionFile)> {
        let each = self.folders.iter().zip(ids.chunks(TELLING.len()));
        each.flat_map(|(folder, ids)| {
            let read = |name: &str| {
                let at = TELLING.iter().position(|telling| *telling == name)?;
                String::from_utf8(self.repository.blob(ids[at]?).ok()?).ok()
            };
            version_files(&read).into_iter().map(|file| (folder.clone(), file))
        })
        .collect()
    }

    /// The version at the first commit that was asked for.
    fn version(&mut self, commit: CommitId) -> Result<String, SessionError> {
        if let Some(known) = &self.version {
            return Ok(known.clone());
        }
        let nearest = self.repository.nearest_tag(commit)?;
        let (tag, distance) = nearest.map_or((None, 0), |(tag, distance)| (Some(tag), distance));
        let version = version_of_tag(tag.as_deref(), distance);
        self.version = Some(version.clone());
        Ok(version)
    }
}
