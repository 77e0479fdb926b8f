//! Versions between two others: what differs, and the tree with some of it.

use std::sync::Arc;

use super::SessionError;
use crate::git::{Shadow, TreeFile};
use crate::minimize::{EditList, EditSet, FileContent, FilePair, FileSide};
use crate::model::TreeId;

/// A file larger than this is changed as a whole.
const LARGEST_FILE: usize = 1 << 20;
/// With more edits than this, the difference is no commit but a release.
const MOST_EDITS: usize = 1000;

/// What differs between two trees, as edits.
///
/// # Errors
/// When a tree is missing or broken.
pub fn difference_between(shadow: &Shadow, good: TreeId, bad: TreeId) -> Result<EditList, SessionError> {
    let repository = shadow.repository();
    let side = |file: Option<TreeFile>| -> Option<FileSide> {
        let TreeFile { path, id, mode } = file?;
        // A missing blob is no text; neither is a picture.
        let text = repository.blob(id).ok().filter(|text| text.len() <= LARGEST_FILE && !text.contains(&0));
        Some(FileSide { path, mode, id, text })
    };
    let pairs = repository.entry_pairs(good, bad)?;
    let files = pairs.into_iter().map(|pair| FilePair { old: side(pair.old), new: side(pair.new) });
    Ok(EditList::new(files.collect()))
}

/// The same, to be narrowed: `None` when nothing differs, or so much that it is no commit but a release.
pub(super) fn narrowable_between(
    shadow: &Shadow,
    good: TreeId,
    bad: TreeId,
) -> Result<Option<EditList>, SessionError> {
    let difference = difference_between(shadow, good, bad)?;
    Ok(Some(difference).filter(|difference| (1..=MOST_EDITS).contains(&difference.edits.len())))
}

/// Differences that were split into edits, the latest last: what is narrowed was often begun ahead, and the same pair is
/// asked for again by each test that it may have broken.
#[derive(Debug, Default)]
pub(super) struct KnownDifferences(Vec<KnownDifference>);

/// The good tree and the bad one, and what differs, where that can be narrowed.
type KnownDifference = ((TreeId, TreeId), Option<Arc<EditList>>);

impl KnownDifferences {
    /// So many are kept: they hold the texts of their files.
    const MOST: usize = 4;

    /// What differs between two trees, to be narrowed: see [`narrowable_between`].
    pub(super) fn between(
        &mut self,
        shadow: &Shadow,
        good: TreeId,
        bad: TreeId,
    ) -> Result<Option<Arc<EditList>>, SessionError> {
        if let Some((_, difference)) = self.0.iter().find(|(pair, _)| *pair == (good, bad)) {
            return Ok(difference.clone());
        }
        let difference = narrowable_between(shadow, good, bad)?.map(Arc::new);
        if self.0.len() == Self::MOST {
            self.0.remove(0);
        }
        self.0.push(((good, bad), difference.clone()));
        Ok(difference)
    }
}

/// The good version with some of the edits, written to the shadow repository.
///
/// # Errors
/// When the good tree is missing or broken, or nothing can be written.
pub fn partial_tree(
    shadow: &Shadow,
    difference: &EditList,
    good: TreeId,
    applied: &EditSet,
) -> Result<TreeId, SessionError> {
    let mut entries = Vec::new();
    for written in difference.partial(applied) {
        let entry = match written.entry {
            Some((mode, FileContent::As(id))) => Some((mode, id)),
            Some((mode, FileContent::Text(text))) => Some((mode, shadow.write_blob(&text)?)),
            None => None,
        };
        entries.push((written.path, entry));
    }
    Ok(shadow.with_entries(good, &entries)?)
}
