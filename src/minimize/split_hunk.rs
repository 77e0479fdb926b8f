//! Long hunks, cut at statements that both sides have, so that a minimal set is small also in a commit that
//! rewrites a function.

use std::ops::Range;

use similar::{Algorithm, DiffOp, capture_diff_slices};

use super::files::lines;
use crate::calls::statement_starts;

/// Hunks with at most this many lines, removed and added together, stay whole.
const SMALL: usize = 10;
/// How deep blocks in blocks are cut.
const DEEPEST: usize = 6;

type Ranges = (Range<usize>, Range<usize>);

/// The parts of a piece that differ, in order; together they are the whole piece.
pub(super) fn split(
    texts: (&[u8], &[u8]),
    old: &Range<usize>,
    new: &Range<usize>,
    is_python: bool,
) -> Vec<Ranges> {
    let mut parts = Vec::new();
    split_into(texts, (old.clone(), new.clone()), is_python, DEEPEST, &mut parts);
    parts
}

fn split_into(
    texts: (&[u8], &[u8]),
    (old, new): Ranges,
    is_python: bool,
    depth: usize,
    parts: &mut Vec<Ranges>,
) {
    let (before, after) = (&texts.0[old.clone()], &texts.1[new.clone()]);
    if before == after {
        return;
    }
    let small = lines(before).len() + lines(after).len() <= SMALL;
    if small || depth == 0 {
        parts.push((old, new));
        return;
    }
    let (old_chunks, new_chunks) = (chunks(texts.0, &old, is_python), chunks(texts.1, &new, is_python));
    if old_chunks.len() <= 1 && new_chunks.len() <= 1 {
        match (first_line(texts.0, &old), first_line(texts.1, &new)) {
            // One block on either side: its header, and its body.
            (Some((old_head, old_body)), Some((new_head, new_body))) if is_python => {
                split_into(texts, (old_head, new_head), is_python, 0, parts);
                split_into(texts, (old_body, new_body), is_python, depth - 1, parts);
            }
            _ => parts.push((old, new)),
        }
        return;
    }
    let heads = |text: &[u8], chunks: &[Range<usize>]| -> Vec<Vec<u8>> {
        chunks.iter().map(|chunk| head(&text[chunk.clone()])).collect()
    };
    let (old_heads, new_heads) = (heads(texts.0, &old_chunks), heads(texts.1, &new_chunks));
    for op in capture_diff_slices(Algorithm::Myers, &old_heads, &new_heads) {
        match op {
            DiffOp::Equal { old_index, new_index, len } => {
                for at in 0..len {
                    let pair = (old_chunks[old_index + at].clone(), new_chunks[new_index + at].clone());
                    split_into(texts, pair, is_python, depth - 1, parts);
                }
            }
            DiffOp::Delete { old_index, old_len, new_index } => {
                let at = new_chunks.get(new_index).map_or(new.end, |chunk| chunk.start);
                parts.extend(
                    old_chunks[old_index..old_index + old_len].iter().map(|gone| (gone.clone(), at..at)),
                );
            }
            DiffOp::Insert { old_index, new_index, new_len } => {
                let at = old_chunks.get(old_index).map_or(old.end, |chunk| chunk.start);
                parts.extend(
                    new_chunks[new_index..new_index + new_len].iter().map(|came| (at..at, came.clone())),
                );
            }
            DiffOp::Replace { old_index, old_len, new_index, new_len } => {
                let both = old_len.min(new_len);
                for at in 0..both {
                    let pair = (old_chunks[old_index + at].clone(), new_chunks[new_index + at].clone());
                    split_into(texts, pair, is_python, 0, parts);
                }
                let (old_at, new_at) = (old_index + both, new_index + both);
                let old_end = old_chunks.get(old_index + old_len).map_or(old.end, |chunk| chunk.start);
                let new_end = new_chunks.get(new_index + new_len).map_or(new.end, |chunk| chunk.start);
                parts.extend(
                    old_chunks[old_at..old_index + old_len]
                        .iter()
                        .map(|gone| (gone.clone(), new_end..new_end)),
                );
                parts.extend(
                    new_chunks[new_at..new_index + new_len]
                        .iter()
                        .map(|came| (old_end..old_end, came.clone())),
                );
            }
        }
    }
}

/// Statements at the lowest indentation of a range, with the blank lines before them; lines where it is no Python.
/// Together they are the whole range.
fn chunks(text: &[u8], range: &Range<usize>, is_python: bool) -> Vec<Range<usize>> {
    if range.is_empty() {
        return Vec::new();
    }
    let starts = if is_python {
        statement_starts(text, range.clone())
    } else {
        let mut at = range.start;
        lines(&text[range.clone()])
            .iter()
            .map(|line| {
                at += line.len();
                at - line.len()
            })
            .collect()
    };
    let mut bounds = vec![range.start];
    bounds.extend(starts.into_iter().skip(1).filter(|&start| start > range.start));
    bounds.push(range.end);
    bounds.windows(2).map(|pair| pair[0]..pair[1]).filter(|chunk| !chunk.is_empty()).collect()
}

/// The first line with something in it (with what is before it), and the rest, when there is a rest.
fn first_line(text: &[u8], range: &Range<usize>) -> Option<Ranges> {
    let mut at = range.start;
    for line in lines(&text[range.clone()]) {
        at += line.len();
        if !line.trim_ascii().is_empty() {
            break;
        }
    }
    (at < range.end && at > range.start).then_some((range.start..at, at..range.end))
}

/// What tells which statement it is: `def name`, `self.x`, `return`.
fn head(chunk: &[u8]) -> Vec<u8> {
    let first = chunk.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii).find(|line| !line.is_empty());
    let first = first.unwrap_or_default();
    let end = first.iter().position(|byte| matches!(byte, b'(' | b'=' | b':' | b'#')).unwrap_or(first.len());
    first[..end].trim_ascii().to_vec()
}
