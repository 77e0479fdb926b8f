//! Pieces that are no Python by themselves are joined: a new argument goes with the parenthesis around it, a body
//! with its header.

use std::ops::Range;

use super::files::FilePair;
use super::hunks::{Part, Piece};
use crate::calls::{ClassBody, class_bodies, is_well_formed, is_well_formed_body, statement_starts};

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

/// A text and where its statements begin, at the top and in the bodies of classes, and its end.
struct Cut<'a> {
    text: &'a [u8],
    starts: Vec<usize>,
    bodies: Vec<ClassBody>,
}

impl<'a> Cut<'a> {
    fn new(text: &'a [u8]) -> Self {
        let mut starts = vec![0];
        starts.extend(statement_starts(text, 0..text.len()).into_iter().skip(1));
        starts.push(text.len());
        Self { text, starts, bodies: class_bodies(text) }
    }

    /// Whether the text with others in the place of these ranges (in order) is Python: the statements around them are
    /// parsed, and of a class no more than those, so that one of thousands of lines is not parsed for each piece of it.
    fn stands_with(&self, replaced: &[(Range<usize>, &[u8])]) -> bool {
        let (Some(first), Some(last)) = (replaced.first(), replaced.last()) else { return true };
        let hull = first.0.start..last.0.end;
        let holds = |body: &&ClassBody| {
            let (Some(&start), Some(&end)) = (body.starts.first(), body.starts.last()) else { return false };
            start < hull.start && hull.end < end
        };
        let in_class = self.bodies.iter().find(holds).and_then(|body| {
            is_well_formed_body(&self.spliced(around(&body.starts, &hull), replaced), body.indent)
        });
        in_class.unwrap_or_else(|| is_well_formed(&self.spliced(around(&self.starts, &hull), replaced)))
    }

    fn spliced(&self, part: Range<usize>, replaced: &[(Range<usize>, &[u8])]) -> Vec<u8> {
        let mut text = Vec::new();
        let mut copied = part.start;
        for (range, other) in replaced {
            text.extend_from_slice(&self.text[copied..range.start]);
            text.extend_from_slice(other);
            copied = range.end;
        }
        text.extend_from_slice(&self.text[copied..part.end.max(copied)]);
        text
    }
}

/// The statements around a range, of those that begin at `starts`, whose last entry is the end.
fn around(starts: &[usize], hull: &Range<usize>) -> Range<usize> {
    // What is put right where a statement begins may belong to the one before.
    let from = starts.partition_point(|&start| start < hull.start).saturating_sub(1);
    let to = starts.partition_point(|&start| start <= hull.end).min(starts.len() - 1);
    starts[from]..starts[to]
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
        self.old.stands_with(&with) && self.new.stands_with(&without)
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
