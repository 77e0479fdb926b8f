//! Undoing changed calls one by one, to see which of them make the command fail.

use crate::model::Suggestion;

use super::findings::{ChangedCall, quoted};

/// A changed call put back to what it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undo {
    /// The file in the merge result.
    pub path: String,
    /// The call's bytes there.
    pub start: usize,
    /// The byte after the last.
    pub end: usize,
    /// What stood there before.
    pub before: String,
    /// Which of the changed calls it is.
    pub call: usize,
}

/// What can be undone: calls that have both versions. Of two that overlap, the outer one.
#[must_use]
pub fn undos(calls: &[ChangedCall]) -> Vec<Undo> {
    let mut undos: Vec<Undo> = calls
        .iter()
        .enumerate()
        .filter_map(|(call, changed)| {
            let (before, after) = (changed.change.before.as_ref()?, changed.site()?);
            (before.text != after.text).then(|| Undo {
                path: changed.path.clone(),
                start: after.span.start,
                end: after.span.end,
                before: before.text.clone(),
                call,
            })
        })
        .collect();
    undos.sort_by(|a, b| (&a.path, a.start, b.end).cmp(&(&b.path, b.start, a.end)));
    let mut apart: Vec<Undo> = Vec::new();
    for undo in undos {
        if apart.last().is_none_or(|last| last.path != undo.path || last.end <= undo.start) {
            apart.push(undo);
        }
    }
    apart
}

/// A file with some of its calls put back. All are of this file.
#[must_use]
pub fn put_back<'u>(source: &[u8], undos: impl IntoIterator<Item = &'u Undo>) -> Vec<u8> {
    let mut text = source.to_vec();
    let mut undos: Vec<&Undo> = undos.into_iter().collect();
    // From the end, so that the places before stay where they are.
    undos.sort_by_key(|undo| std::cmp::Reverse(undo.start));
    for undo in undos {
        if undo.start <= undo.end && undo.end <= text.len() {
            text.splice(undo.start..undo.end, undo.before.bytes());
        }
    }
    text
}

/// The undo as whole lines of the file.
#[must_use]
pub fn suggestion(source: &[u8], undo: &Undo, tested: bool) -> Option<Suggestion> {
    let (before, rest) = (source.get(..undo.start)?, source.get(undo.end..)?);
    let first = before.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
    let last = undo.end + rest.iter().position(|&byte| byte == b'\n').unwrap_or(rest.len());
    let line = |at: usize| {
        u32::try_from(source[..at].iter().filter(|&&byte| byte == b'\n').count()).map(|count| count + 1).ok()
    };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end_matches('\r').to_owned();
    let new = [&source[first..undo.start], undo.before.as_bytes(), &source[undo.end..last]].concat();
    Some(Suggestion {
        title: format!("as it was: {}", quoted(&undo.before)),
        line: line(first)?,
        end_line: line(last)?,
        old: text(&source[first..last]),
        new: text(&new),
        tested,
    })
}

/// A set of indices below `count` that passes, of which no single one can be left out: delta debugging
/// (Zeller and Hildebrandt, *Simplifying and Isolating Failure-Inducing Input*, 2002). All of them together
/// pass. `first` gets sets to try and says which is the first that passes; it may try several at a time.
///
/// # Errors
/// Those of `first`.
pub fn smallest<E>(
    count: usize,
    mut first: impl FnMut(&[Vec<usize>]) -> Result<Option<usize>, E>,
) -> Result<Vec<usize>, E> {
    let mut current: Vec<usize> = (0..count).collect();
    let mut parts = 2;
    while current.len() > 1 {
        parts = parts.min(current.len());
        let chunks: Vec<Vec<usize>> =
            current.chunks(current.len().div_ceil(parts)).map(<[usize]>::to_vec).collect();
        let without = |chunk: &Vec<usize>| -> Vec<usize> {
            current.iter().copied().filter(|index| !chunk.contains(index)).collect()
        };
        let mut sets = chunks.clone();
        if chunks.len() > 2 {
            sets.extend(chunks.iter().map(without));
        }
        match first(&sets)? {
            Some(at) if at < chunks.len() => {
                current.clone_from(&sets[at]);
                parts = 2;
            }
            Some(at) => {
                current.clone_from(&sets[at]);
                parts = (parts - 1).max(2);
            }
            None if parts == current.len() => break,
            None => parts *= 2,
        }
    }
    Ok(current)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn undo(path: &str, start: usize, end: usize, before: &str) -> Undo {
        Undo { path: path.to_owned(), start, end, before: before.to_owned(), call: 0 }
    }

    #[test]
    fn calls_are_put_back_in_any_order() {
        let source = b"x = loads(f)\ny = dump(1)\n";
        let (one, two) = (undo("a.py", 4, 12, "load(f)"), undo("a.py", 17, 24, "dumps(1, 2)"));
        assert_eq!(put_back(source, [&one, &two]), b"x = load(f)\ny = dumps(1, 2)\n");
        assert_eq!(put_back(source, [&two, &one]), b"x = load(f)\ny = dumps(1, 2)\n");
        let whole_lines = suggestion(source, &two, true).unwrap();
        assert_eq!((whole_lines.line, whole_lines.end_line), (2, 2));
        assert_eq!(whole_lines.old, "y = dump(1)");
        assert_eq!(whole_lines.new, "y = dumps(1, 2)");
    }

    #[test]
    fn a_call_over_several_lines_is_put_back_whole() {
        let source = b"a\nf(1,\r\n  2).g()\r\nb";
        let change = undo("a.py", 2, 12, "f(3)");
        let whole_lines = suggestion(source, &change, false).unwrap();
        assert_eq!((whole_lines.line, whole_lines.end_line), (2, 3));
        assert_eq!((whole_lines.old.as_str(), whole_lines.new.as_str()), ("f(1,\r\n  2).g()", "f(3).g()"));
    }

    proptest! {
        #[test]
        fn what_is_left_passes_and_nothing_of_it_can_be_left_out(
            needed in proptest::collection::btree_set(0..12_usize, 1..4),
            more in 1..20_usize,
        ) {
            let count = needed.last().unwrap() + more;
            let passes = |set: &Vec<usize>| needed.iter().all(|index| set.contains(index));
            let found = smallest(count, |sets| Ok::<_, ()>(sets.iter().position(passes))).unwrap();
            prop_assert_eq!(found, needed.iter().copied().collect::<Vec<_>>());
        }
    }
}
