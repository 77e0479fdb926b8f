//! A version without some of what it changed: for versions that no commit has, such as a merge result.

use super::SessionError;
use super::partial_tree::{narrowable_between, partial_tree};
use crate::git::{Shadow, TreeFile};
use crate::minimize::{DeltaDebugger, Edit, EditList, EditSet, FilePair};
use crate::model::{FailureSignature, TreeId};

/// What differs between a version that passes and one that fails, to be taken back edit by edit.
pub struct RevertSet<'a> {
    shadow: &'a Shadow,
    good: TreeId,
    bad: TreeId,
    difference: EditList,
    search: DeltaDebugger,
    /// All edits, the most suspicious first.
    order: Vec<usize>,
}

impl std::fmt::Debug for RevertSet<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TakenBack").field("edits", &self.difference.edits.len()).finish_non_exhaustive()
    }
}

/// The lines of a file with and without an edit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BeforeAfter {
    /// The file.
    pub path: String,
    /// The whole file with the edit.
    pub with: Vec<u8>,
    /// The whole file without it.
    pub without: Vec<u8>,
}

impl<'a> RevertSet<'a> {
    /// What differs between two trees of the shadow. `None` when nothing does, or too much.
    ///
    /// # Errors
    /// When a tree is missing or broken.
    pub fn between(
        shadow: &'a Shadow,
        good: TreeId,
        bad: TreeId,
        failure: &FailureSignature,
    ) -> Result<Option<Self>, SessionError> {
        let Some(difference) = narrowable_between(shadow, good, bad)? else { return Ok(None) };
        let search = difference.search(Some(failure), &|_, _| 1.0);
        let order = difference.by_suspicion(Some(failure));
        Ok(Some(Self { shadow, good, bad, difference, search, order }))
    }

    /// Sets of edits to take back, each within the next: the changed calls, all but tests, and all. The most
    /// suspicious come first in each.
    #[must_use]
    pub fn stages(&self) -> Vec<Vec<usize>> {
        let edits = &self.difference.edits;
        let is_test = |edit: &Edit| self.file(edit).is_test();
        let those = |wanted: &dyn Fn(&Edit) -> bool| -> Vec<usize> {
            self.order.iter().copied().filter(|&at| wanted(&edits[at])).collect()
        };
        let mut stages = vec![
            those(&|edit| edit.is_call && !is_test(edit)),
            those(&|edit| !is_test(edit)),
            those(&|_| true),
        ];
        stages.retain(|stage| !stage.is_empty());
        stages.dedup();
        stages
    }

    /// One of the edits.
    #[must_use]
    pub fn edit(&self, edit: usize) -> &Edit {
        &self.difference.edits[edit]
    }

    /// The file of an edit, on both sides.
    #[must_use]
    pub fn file(&self, edit: &Edit) -> &FilePair {
        &self.difference.files[edit.file]
    }

    /// The function or class around an edit.
    #[must_use]
    pub fn function_of(&self, edit: &Edit) -> Option<String> {
        self.difference.function_of(edit)
    }

    /// Whether an edit is more than a change of text.
    #[must_use]
    pub fn is_of_whole_file(&self, edit: &Edit) -> bool {
        self.difference.is_of_whole_file(edit)
    }

    /// The other edits that have to go when these go.
    #[must_use]
    pub fn users(&self, edits: &[usize]) -> Vec<usize> {
        let edits: EditSet = edits.iter().copied().collect();
        let users = self.search.with_users(&edits).without(&edits);
        self.order.iter().copied().filter(|&edit| users.contains(edit)).collect()
    }

    /// The failing version without these edits, and without those that need them.
    ///
    /// # Errors
    /// When the shadow cannot be written.
    pub fn without(&self, edits: &[usize]) -> Result<TreeId, SessionError> {
        let gone = self.search.with_users(&edits.iter().copied().collect());
        let rest = EditSet::all(self.difference.edits.len()).without(&gone);
        partial_tree(self.shadow, &self.difference, self.good, &rest)
    }

    /// The file that taking back an edit changes. `None` when that is not the text of one file.
    ///
    /// # Errors
    /// When the shadow cannot be written.
    pub fn texts(&self, edit: usize) -> Result<Option<BeforeAfter>, SessionError> {
        let repository = self.shadow.repository();
        let pairs = repository.entry_pairs(self.bad, self.without(&[edit])?)?;
        let text = |file: &TreeFile| repository.blob(file.id).ok().filter(|text| !text.contains(&0));
        let [pair] = pairs.as_slice() else { return Ok(None) };
        let (Some(with), Some(without)) = (&pair.old, &pair.new) else { return Ok(None) };
        if (&with.path, with.mode) != (&without.path, without.mode) {
            return Ok(None);
        }
        let path = String::from_utf8_lossy(&with.path).into_owned();
        let texts = text(with).zip(text(without));
        Ok(texts.map(|(with, without)| BeforeAfter { path, with, without }))
    }
}
