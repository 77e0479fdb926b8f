//! A changed file before and after, by definition.

use std::collections::{BTreeSet, HashMap};

use super::definition_map::{Definitions, MODULE};
use super::equivalence::{normalized_code, without_common_end};
use super::file_edit::FileEdit;

/// One side of a change.
struct DefinitionSide<'a> {
    source: &'a [u8],
    map: Definitions,
    /// Where each line begins.
    lines: Vec<usize>,
}

/// Both sides of a change. Index 0 is before, 1 after.
pub(super) struct DefinitionDiff<'a> {
    sides: [DefinitionSide<'a>; 2],
    /// Definitions that were compared, and whether they do the same.
    same: HashMap<String, bool>,
}

impl<'a> DefinitionSide<'a> {
    fn new(source: &'a [u8], map: Definitions) -> Self {
        let lines = std::iter::once(0).chain(memchr::memchr_iter(b'\n', source).map(|end| end + 1)).collect();
        Self { source, map, lines }
    }

    /// What a definition does; `None` when there is none of this name.
    fn essence_of(&self, path: &str) -> Option<Vec<u8>> {
        let begin = |line: u32| self.lines.get(usize::try_from(line).ok()?.checked_sub(1)?).copied();
        let mut text = Vec::new();
        let mut is_there = path == MODULE;
        for (first, end) in self.map.runs_of(path) {
            let end = end.and_then(begin).unwrap_or(self.source.len());
            text.extend_from_slice(
                begin(first).and_then(|begin| self.source.get(begin..end)).unwrap_or_default(),
            );
            is_there = true;
        }
        is_there.then(|| normalized_code(&text))
    }
}

impl<'a> DefinitionDiff<'a> {
    pub(super) fn new(edit: &FileEdit<'a>) -> Self {
        // What comes after the last changed line decides nothing.
        let (old, new) = without_common_end(edit.old, edit.new);
        let [before, after] = Definitions::of_both(old, new);
        Self {
            sides: [DefinitionSide::new(old, before), DefinitionSide::new(new, after)],
            same: HashMap::new(),
        }
    }

    /// Whether a changed line says what the change does: not when it is blank, a comment, or part of a definition that
    /// does the same as before.
    pub(super) fn tells(&mut self, side: usize, line: u32, text: &str) -> bool {
        let text = text.trim_start();
        !text.is_empty() && !text.starts_with('#') && !self.is_same(side, line)
    }

    fn is_same(&mut self, side: usize, line: u32) -> bool {
        let path = self.sides[side].map.at(line);
        if let Some(&same) = self.same.get(path) {
            return same;
        }
        let path = path.to_owned();
        let [old, new] = &self.sides;
        let is_known = !old.source.is_empty() && !new.source.is_empty();
        let same =
            is_known && old.essence_of(&path).is_some_and(|before| new.essence_of(&path) == Some(before));
        self.same.insert(path, same);
        same
    }

    /// Whether the file as a whole does the same as before.
    pub(super) fn are_same(&self) -> bool {
        let [old, new] = &self.sides;
        normalized_code(old.source) == normalized_code(new.source)
    }

    /// Add the definitions around a line.
    pub(super) fn touch(&self, side: usize, line: u32, definitions: &mut BTreeSet<String>) {
        if self.sides[side].source.is_empty() {
            return;
        }
        let map = &self.sides[side].map;
        let path = map.at(line);
        if !definitions.contains(path) {
            definitions.insert(path.to_owned());
        }
        if map.is_head(line) {
            let around = path.rsplit_once('.').map_or(MODULE, |(around, _)| around);
            definitions.insert(around.to_owned());
        }
    }
}
