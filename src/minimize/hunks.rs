//! A file's difference in pieces. Whatever pieces are applied, all of them give the new file and none the old
//! one, byte for byte: pieces of text are cut from the difference between both, and none overlap.

use std::ops::Range;

use similar::{Algorithm, DiffTag, capture_diff_slices};

use super::files::{FilePair, lines};
use super::split_hunk;
use crate::calls::{Paths, diff_files};
use crate::model::{CallChange, ChangeKind};

/// What a piece changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    /// The file comes, goes, or has another content as a whole.
    Whole,
    /// Its path or mode.
    Place,
    /// A range of bytes of the old text is replaced by one of the new text.
    Text { old: Range<usize>, new: Range<usize> },
}

/// The smallest thing that is applied or not.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    /// The number of its file.
    pub(super) file: usize,
    pub(super) part: Part,
    /// The run of changed lines that it was cut from.
    pub(super) hunk: usize,
    /// Whether it is a call change by itself.
    pub(super) is_call: bool,
}

/// The pieces of a file, in the order of its text, and the calls that changed in it.
pub(super) fn pieces_of(file: usize, pair: &FilePair) -> (Vec<Piece>, Vec<CallChange>) {
    let piece = |part, hunk, is_call| Piece { file, part, hunk, is_call };
    let calls = if pair.is_python() { calls_of(pair) } else { Vec::new() };
    let Some((old, new)) = pair.texts() else { return (vec![piece(Part::Whole, 0, false)], calls) };
    let mut pieces = Vec::new();
    if pair.moved() {
        pieces.push(piece(Part::Place, usize::MAX, false));
    }
    for (hunk, (old_range, new_range)) in hunks(old, new).into_iter().enumerate() {
        for cut in cut_at_calls(&old_range, &new_range, &calls) {
            let Cut { old: old_range, new: new_range, is_call } = cut;
            if is_call {
                pieces.push(piece(Part::Text { old: old_range, new: new_range }, hunk, true));
                continue;
            }
            for (old_range, new_range) in
                split_hunk::split((old, new), &old_range, &new_range, pair.is_python())
            {
                pieces.push(piece(Part::Text { old: old_range, new: new_range }, hunk, false));
            }
        }
    }
    (pieces, calls)
}

fn calls_of(pair: &FilePair) -> Vec<CallChange> {
    let path = |side: &Option<super::FileSide>| {
        side.as_ref().map(|side| String::from_utf8_lossy(&side.path).into_owned())
    };
    let new = path(&pair.new).or_else(|| path(&pair.old)).unwrap_or_default();
    let old = path(&pair.old).unwrap_or_else(|| new.clone());
    let text = |side: &Option<super::FileSide>| side.as_ref().and_then(|side| side.text.clone());
    let (before, after) = (text(&pair.old), text(&pair.new));
    let calls = diff_files(before.as_deref(), after.as_deref(), Paths { old: &old, new: &new });
    calls.changes.into_iter().filter(|change| change.kind != ChangeKind::StaleCall).collect()
}

/// Runs of lines that differ, as ranges of bytes.
fn hunks(old: &[u8], new: &[u8]) -> Vec<(Range<usize>, Range<usize>)> {
    let (old_lines, new_lines) = (lines(old), lines(new));
    let starts = |lines: &[&[u8]]| {
        let mut at = 0;
        let ends = lines.iter().map(move |line| {
            at += line.len();
            at
        });
        std::iter::once(0).chain(ends).collect::<Vec<usize>>()
    };
    let (old_starts, new_starts) = (starts(&old_lines), starts(&new_lines));
    let ops = capture_diff_slices(Algorithm::Patience, &old_lines, &new_lines);
    let mut hunks: Vec<(Range<usize>, Range<usize>)> = Vec::new();
    for op in ops.iter().filter(|op| op.tag() != DiffTag::Equal) {
        let (old, new) = (op.old_range(), op.new_range());
        let (old, new) =
            (old_starts[old.start]..old_starts[old.end], new_starts[new.start]..new_starts[new.end]);
        match hunks.last_mut() {
            Some(last) if last.0.end == old.start && last.1.end == new.start => {
                last.0.end = old.end;
                last.1.end = new.end;
            }
            _ => hunks.push((old, new)),
        }
    }
    hunks
}

struct Cut {
    old: Range<usize>,
    new: Range<usize>,
    is_call: bool,
}

/// A hunk as the calls in it that changed in place, and what lies between them and differs.
fn cut_at_calls(old: &Range<usize>, new: &Range<usize>, calls: &[CallChange]) -> Vec<Cut> {
    let inside =
        |range: &Range<usize>, span: &Range<usize>| range.start <= span.start && span.end <= range.end;
    let mut spans: Vec<(Range<usize>, Range<usize>)> = calls
        .iter()
        .filter_map(|change| {
            let (before, after) = (change.before.as_ref()?, change.after.as_ref()?);
            let spans = (before.span.start..before.span.end, after.span.start..after.span.end);
            (before.text != after.text && inside(old, &spans.0) && inside(new, &spans.1)).then_some(spans)
        })
        .collect();
    spans.sort_by_key(|(before, after)| (before.start, after.start));
    let mut cuts = Vec::new();
    let (mut old_at, mut new_at) = (old.start, new.start);
    for (before, after) in spans {
        // Inside of another, or moved across another: it goes with what is around it.
        if before.start < old_at || after.start < new_at {
            continue;
        }
        cuts.push(Cut { old: old_at..before.start, new: new_at..after.start, is_call: false });
        old_at = before.end;
        new_at = after.end;
        cuts.push(Cut { old: before, new: after, is_call: true });
    }
    cuts.push(Cut { old: old_at..old.end, new: new_at..new.end, is_call: false });
    cuts
}
