//! Pieces that are no Python by themselves are joined: a new argument goes with the parenthesis around it, a body
//! with its header.

use std::ops::Range;

use super::files::FilePair;
use super::hunks::{Part, Piece};
use crate::calls::{is_well_formed, statement_starts};

/// Pieces of one file that are parsed to find out; past that, pieces of a hunk go together.
const MOST_PARSED: usize = 1000;

/// The pieces of one file in groups that can be applied, and taken back, by themselves. Pieces are given, and
/// groups hold, indices of `pieces`, which are in the order of the text.
pub(super) fn groups(pair: &FilePair, pieces: &[Piece]) -> Vec<Vec<usize>> {
    let alone = (0..pieces.len()).map(|at| vec![at]).collect();
    let Some((old, new)) = pair.texts().filter(|_| pair.is_python() && pieces.len() > 1) else {
        return alone;
    };
    if !is_well_formed(old) || !is_well_formed(new) {
        return alone;
    }
    Joiner { old: Cut::new(old), new: Cut::new(new), pieces }.join(alone)
}

/// A text and where its statements begin, and its end.
struct Cut<'a> {
    text: &'a [u8],
    starts: Vec<usize>,
}

impl<'a> Cut<'a> {
    fn new(text: &'a [u8]) -> Self {
        let mut starts = vec![0];
        starts.extend(statement_starts(text, 0..text.len()).into_iter().skip(1));
        starts.push(text.len());
        Self { text, starts }
    }

    /// The statements around these ranges (in order) with other texts in their place.
    fn with(&self, replaced: &[(Range<usize>, &[u8])]) -> Vec<u8> {
        let (Some(first), Some(last)) = (replaced.first(), replaced.last()) else { return Vec::new() };
        // What is put right where a statement begins may belong to the one before.
        let from = self.starts.partition_point(|&start| start < first.0.start).saturating_sub(1);
        let to = self.starts.partition_point(|&start| start <= last.0.end).min(self.starts.len() - 1);
        let mut text = Vec::new();
        let mut copied = self.starts[from];
        for (range, other) in replaced {
            text.extend_from_slice(&self.text[copied..range.start]);
            text.extend_from_slice(other);
            copied = range.end;
        }
        text.extend_from_slice(&self.text[copied..self.starts[to].max(copied)]);
        text
    }
}

struct Joiner<'a> {
    old: Cut<'a>,
    new: Cut<'a>,
    pieces: &'a [Piece],
}

impl Joiner<'_> {
    fn join(&self, mut groups: Vec<Vec<usize>>) -> Vec<Vec<usize>> {
        let mut parsed = 0;
        let mut at = 0;
        while at < groups.len() {
            parsed += 1;
            if groups.len() == 1 || self.stands_alone(&groups[at]) {
                at += 1;
                continue;
            }
            if parsed > MOST_PARSED {
                return self.by_hunk();
            }
            // Its neighbour in the text; the later one may have to be looked at again.
            let other = self.neighbour(&groups, at);
            let (first, second) = (at.min(other), at.max(other));
            let joined = groups.remove(second);
            groups[first].extend(joined);
            groups[first].sort_unstable();
            at = first;
        }
        groups
    }

    /// Whether the old text with the group, and the new text without it, are Python.
    fn stands_alone(&self, group: &[usize]) -> bool {
        let mut with = Vec::new();
        let mut without = Vec::new();
        for piece in group.iter().map(|&at| &self.pieces[at]) {
            let Part::Text { old, new } = &piece.part else { return true };
            with.push((old.clone(), &self.new.text[new.clone()]));
            without.push((new.clone(), &self.old.text[old.clone()]));
        }
        is_well_formed(&self.old.with(&with)) && is_well_formed(&self.new.with(&without))
    }

    fn neighbour(&self, groups: &[Vec<usize>], at: usize) -> usize {
        let distance = |other: usize| {
            let Some(&index) = groups.get(other).and_then(|group| group.first()) else { return usize::MAX };
            let own = &self.pieces[groups[at][0]];
            let same_hunk = self.pieces[index].hunk == own.hunk;
            let place = self.pieces[index].part == Part::Place;
            usize::from(!same_hunk) + 2 * usize::from(place)
        };
        let after = at + 1;
        match at.checked_sub(1) {
            // With what follows rather than with what was found to stand alone.
            Some(before) if after >= groups.len() || distance(before) < distance(after) => before,
            _ => after,
        }
    }

    fn by_hunk(&self) -> Vec<Vec<usize>> {
        let mut groups: Vec<Vec<usize>> = Vec::new();
        for (at, piece) in self.pieces.iter().enumerate() {
            match groups.last_mut() {
                Some(group) if self.pieces[group[0]].hunk == piece.hunk => group.push(at),
                _ => groups.push(vec![at]),
            }
        }
        groups
    }
}

/// The old text with those pieces replaced that are applied.
pub(super) fn spliced(old: &[u8], new: &[u8], pieces: &[Piece], applied: &dyn Fn(usize) -> bool) -> Vec<u8> {
    let mut text = Vec::with_capacity(old.len().max(new.len()));
    let mut copied = 0;
    for (at, piece) in pieces.iter().enumerate() {
        if let Part::Text { old: gone, new: came } = &piece.part
            && applied(at)
        {
            text.extend_from_slice(&old[copied..gone.start]);
            text.extend_from_slice(&new[came.clone()]);
            copied = gone.end;
        }
    }
    text.extend_from_slice(&old[copied..]);
    text
}
