//! Which commit of a set brought an edit.

use std::ops::Range;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use similar::{DiffTag, TextDiff};

use super::error::EarlyExit;
use super::range::SearchRange;
use super::state::Session;
use crate::graph::Node;
use crate::minimize::EditList;
use crate::model::CommitId;

impl Session<'_> {
    /// The first member of the set that shows the edit, when nothing before it had touched the same place:
    /// otherwise the place was changed in several steps, and the edit cannot tell which of them broke it.
    pub(super) fn bringer(
        &self,
        hunt: &SearchRange,
        set: &[(Node, f64)],
        difference: &EditList,
        edit: usize,
    ) -> Result<Option<CommitId>, EarlyExit> {
        let edit = &difference.edits[edit];
        let pair = &difference.files[edit.file];
        let (Some(old), Some(new), false) = (&pair.old, &pair.new, difference.is_of_whole_file(edit)) else {
            return self.first_with_file(hunt, set, pair.path());
        };
        let text = |side: &crate::minimize::FileSide| {
            side.text.as_deref().map(|text| String::from_utf8_lossy(text).into_owned())
        };
        let (Some(good), Some(bad)) = (text(old), text(new)) else { return Ok(None) };
        let (old_lines, new_lines) = (from_zero(&edit.old_lines), from_zero(&edit.lines));
        for node in in_order(set) {
            let Some(here) = self.version(hunt, node, &new.path)? else { return Ok(None) };
            if !touches(&good, &here, &old_lines) {
                continue;
            }
            let mut first = !touches(&bad, &here, &new_lines);
            for &parent in hunt.history.graph.parents(node) {
                let before = self.version(hunt, parent, &old.path)?;
                first &= before.is_some_and(|before| !touches(&good, &before, &old_lines));
            }
            return Ok(first.then(|| hunt.id(node)));
        }
        Ok(None)
    }

    /// The member in which what lies at a path changed, when only one did.
    fn first_with_file(
        &self,
        hunt: &SearchRange,
        set: &[(Node, f64)],
        path: &[u8],
    ) -> Result<Option<CommitId>, EarlyExit> {
        let repository = self.workshop.repository;
        let path = Path::new(std::ffi::OsStr::from_bytes(path));
        let at = |node: Node| repository.entry_at(hunt.history.trees[node.index()], path);
        let mut changed = Vec::new();
        for node in in_order(set) {
            let here = at(node)?;
            let mut differs = true;
            for &parent in hunt.history.graph.parents(node) {
                differs &= at(parent)? != here;
            }
            changed.extend(differs.then_some(node));
        }
        Ok(<[Node; 1]>::try_from(changed).ok().map(|[node]| hunt.id(node)))
    }

    /// A file as it is at a commit.
    fn version(&self, hunt: &SearchRange, node: Node, path: &[u8]) -> Result<Option<String>, EarlyExit> {
        let tree = hunt.history.trees[node.index()];
        let blob = self.workshop.repository.entry_at(tree, Path::new(std::ffi::OsStr::from_bytes(path)))?;
        if blob.is_none() { Ok(None) } else { self.text(blob) }
    }
}

fn in_order(set: &[(Node, f64)]) -> Vec<Node> {
    let mut nodes: Vec<Node> = set.iter().map(|(node, _)| *node).collect();
    nodes.sort_unstable();
    nodes
}

pub(super) fn from_zero(lines: &Range<u32>) -> Range<usize> {
    let index = |line: u32| usize::try_from(line.saturating_sub(1)).unwrap_or(usize::MAX);
    index(lines.start)..index(lines.end)
}

/// Whether two versions differ at these lines of the first, or right beside them.
pub(super) fn touches(from: &str, to: &str, lines: &Range<usize>) -> bool {
    let diff = TextDiff::from_lines(from, to);
    let mut changed = diff.ops().iter().filter(|op| op.tag() != DiffTag::Equal);
    changed.any(|op| op.old_range().start <= lines.end && lines.start <= op.old_range().end)
}
