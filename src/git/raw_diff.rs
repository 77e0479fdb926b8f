//! What differs between two trees, entry by entry and with every mode as it is written, for composing what lies
//! between them.

use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt as _;

use git2::Oid;

use super::ids::{ToOid, blob_id};
use super::tree_builder::{Line, lines_of};
use super::{ChangeStatus, GitError, Repository, TreeFile};
use crate::model::TreeId;

/// A file, link or submodule on both sides of a difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryPair {
    /// In the old tree.
    pub old: Option<TreeFile>,
    /// In the new tree.
    pub new: Option<TreeFile>,
}

impl Repository {
    /// Every entry that differs between two trees, sorted by path; a renamed file is one pair.
    ///
    /// # Errors
    /// When a tree is missing or broken.
    pub fn entry_pairs(&self, old: TreeId, new: TreeId) -> Result<Vec<EntryPair>, GitError> {
        let mut pairs = Vec::new();
        self.pair_trees(Some(old.oid()?), Some(new.oid()?), &[], &mut pairs)?;
        let went_and_came =
            pairs.iter().any(|pair| pair.old.is_none()) && pairs.iter().any(|pair| pair.new.is_none());
        if went_and_came {
            self.pair_renamed(old, new, &mut pairs)?;
        }
        let key = |pair: &EntryPair| pair.new.as_ref().or(pair.old.as_ref()).map(|file| file.path.clone());
        pairs.sort_by_cached_key(key);
        Ok(pairs)
    }

    fn pair_trees(
        &self,
        old: Option<Oid>,
        new: Option<Oid>,
        prefix: &[u8],
        pairs: &mut Vec<EntryPair>,
    ) -> Result<(), GitError> {
        let mut names: BTreeMap<Vec<u8>, (Option<Line>, Option<Line>)> = BTreeMap::new();
        for line in lines_of(self, old)? {
            let sides = names.entry(line.name.clone()).or_default();
            sides.0 = Some(line);
        }
        for line in lines_of(self, new)? {
            let sides = names.entry(line.name.clone()).or_default();
            sides.1 = Some(line);
        }
        for (name, (old, new)) in names {
            let same = matches!((&old, &new), (Some(a), Some(b)) if a.mode == b.mode && a.id == b.id);
            if same {
                continue;
            }
            let path = [prefix, &name].concat();
            let tree = |line: &Option<Line>| line.as_ref().filter(|line| line.is_tree()).map(|line| line.id);
            let file = |line: Option<Line>| {
                let line = line.filter(|line| !line.is_tree())?;
                Some(TreeFile { path: path.clone(), id: blob_id(line.id), mode: line.mode.unsigned_abs() })
            };
            let below = (tree(&old), tree(&new));
            let pair = EntryPair { old: file(old), new: file(new) };
            if pair.old.is_some() || pair.new.is_some() {
                pairs.push(pair);
            }
            if below.0.is_some() || below.1.is_some() {
                self.pair_trees(below.0, below.1, &[&path[..], b"/"].concat(), pairs)?;
            }
        }
        Ok(())
    }

    fn pair_renamed(&self, old: TreeId, new: TreeId, pairs: &mut Vec<EntryPair>) -> Result<(), GitError> {
        for change in self.changed_files(Some(old), new)? {
            let (ChangeStatus::Renamed, Some(from)) = (change.status, &change.old_path) else { continue };
            let (from, to) = (from.as_os_str().as_bytes(), change.path.as_os_str().as_bytes());
            let went = pairs.iter().position(|pair| {
                pair.new.is_none() && pair.old.as_ref().is_some_and(|file| file.path == from)
            });
            let came = pairs
                .iter()
                .position(|pair| pair.old.is_none() && pair.new.as_ref().is_some_and(|file| file.path == to));
            if let (Some(went), Some(came)) = (went, came) {
                pairs[came].old = pairs[went].old.take();
                pairs.remove(went);
            }
        }
        Ok(())
    }
}
