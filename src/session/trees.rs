//! The tree that a trial of a commit checks out: the commit's own with the overlay laid over it.

use std::collections::HashMap;

use super::{OverlayFile, SessionError};
use crate::git::{Repository, Shadow};
use crate::model::{CommitId, TreeId};

/// A file cannot be laid over the trees.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot lay a file over the trees at '{path}': {reason}")]
pub struct OverlayError {
    /// Where it was to go.
    pub path: String,
    /// Why it cannot.
    pub reason: String,
}

/// Trees by commit, each composed once.
pub(crate) struct Trees<'a> {
    repository: &'a Repository,
    shadow: &'a Shadow,
    overlay: Vec<(String, Vec<u8>, bool)>,
    composed: HashMap<TreeId, TreeId>,
}

impl<'a> Trees<'a> {
    pub(crate) fn new(repository: &'a Repository, shadow: &'a Shadow, overlay: &[OverlayFile]) -> Self {
        let overlay =
            overlay.iter().map(|file| (file.path.clone(), file.content.clone(), file.executable)).collect();
        Self { repository, shadow, overlay, composed: HashMap::new() }
    }

    /// The tree to check out for a commit.
    pub(crate) fn tree_of(&mut self, commit: CommitId) -> Result<TreeId, SessionError> {
        let base = self.repository.tree_of(commit)?;
        if self.overlay.is_empty() {
            return Ok(base);
        }
        if let Some(&known) = self.composed.get(&base) {
            return Ok(known);
        }
        let composed = self.shadow.with_overlay(base, &self.overlay)?;
        self.composed.insert(base, composed);
        Ok(composed)
    }
}
