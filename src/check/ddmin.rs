//! Taking changes back, to see which of them make the command fail.

use crate::model::Suggestion;

/// Whole lines that turn a file into what it is without a change. `None` when both are the same.
///
/// Where lines only come or only go, the line beside them is named too: a comment needs a line to stand on.
#[must_use]
pub fn suggestion(with: &[u8], without: &[u8], title: String) -> Option<Suggestion> {
    let (old, new): (Vec<&[u8]>, Vec<&[u8]>) = (lines(with), lines(without));
    let same = |pairs: &mut dyn Iterator<Item = (&&[u8], &&[u8])>| pairs.take_while(|(a, b)| a == b).count();
    let mut start = same(&mut old.iter().zip(&new));
    let rest = (old.len() - start).min(new.len() - start);
    let mut tail = same(&mut old.iter().rev().zip(new.iter().rev())).min(rest);
    if start == old.len() && start == new.len() {
        return None;
    }
    let is_bare = |tail: usize| start + tail == old.len() || start + tail == new.len();
    if is_bare(tail) {
        tail = tail.saturating_sub(usize::from(start == 0));
        start = start.saturating_sub(1);
    }
    let text = |lines: &[&[u8]]| {
        let lines = lines[start..lines.len() - tail].concat();
        let text = String::from_utf8_lossy(&lines).into_owned();
        let text = text.strip_suffix('\n').map_or(text.clone(), str::to_owned);
        text.strip_suffix('\r').map_or(text.clone(), str::to_owned)
    };
    Some(Suggestion {
        title,
        line: u32::try_from(start + 1).ok()?,
        end_line: u32::try_from(old.len() - tail).ok().filter(|end| *end > 0)?,
        old: text(&old),
        new: text(&new),
        tested: true,
    })
}

/// The lines of a text, each with its end.
fn lines(text: &[u8]) -> Vec<&[u8]> {
    text.split_inclusive(|&byte| byte == b'\n').collect()
}

/// A set of indices below `count` that passes, of which no single one can be left out: delta debugging
/// (Zeller and Hildebrandt, *Simplifying and Isolating Failure-Inducing Input*, 2002). All of them together
/// pass. `first` gets sets to try and says which is the first that passes; it may try several at a time.
///
/// # Errors
/// Those of `first`.
pub fn ddmin<E>(
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

    fn suggested(with: &str, without: &str) -> (u32, u32, String, String) {
        let lines = suggestion(with.as_bytes(), without.as_bytes(), String::new()).unwrap();
        (lines.line, lines.end_line, lines.old, lines.new)
    }

    #[test]
    fn whole_lines_are_suggested() {
        let told = |a: u32, b: u32, old: &str, new: &str| (a, b, old.to_owned(), new.to_owned());
        assert_eq!(suggested("a\nb(1)\nc\n", "a\nb(2)\nc\n"), told(2, 2, "b(1)", "b(2)"));
        assert_eq!(
            suggested("a\nf(1,\r\n  2).g()\r\nb", "a\nf(3).g()\r\nb"),
            told(2, 3, "f(1,\r\n  2).g()", "f(3).g()")
        );
        // Lines that only came, and lines that only went.
        assert_eq!(suggested("a\nb\nc\n", "a\nc\n"), told(1, 2, "a\nb", "a"));
        assert_eq!(suggested("b\nc\n", "c\n"), told(1, 2, "b\nc", "c"));
        assert_eq!(suggested("a\nc\n", "a\nb\nc\n"), told(1, 1, "a", "a\nb"));
        assert_eq!(suggested("c\n", "b\nc\n"), told(1, 1, "c", "b\nc"));
        assert_eq!(suggestion(b"a\n", b"a\n", String::new()), None);
        assert_eq!(suggestion(b"", b"a\n", String::new()), None);
    }

    proptest! {
        #[test]
        fn what_is_suggested_turns_one_text_into_the_other(
            with in "([ab]\n){0,6}[ab]?", without in "([ab]\n){0,6}[ab]?",
        ) {
            let Some(suggestion) = suggestion(with.as_bytes(), without.as_bytes(), String::new()) else {
                prop_assert!(with == without || with.is_empty());
                return Ok(());
            };
            let lines: Vec<&str> = with.split_inclusive('\n').collect();
            let at = |line: u32| usize::try_from(line).unwrap();
            let (before, after) = (&lines[..at(suggestion.line) - 1], &lines[at(suggestion.end_line)..]);
            let new = format!("{}{}\n{}", before.concat(), suggestion.new, after.concat());
            prop_assert_eq!(new.trim_end_matches('\n'), without.trim_end_matches('\n'));
        }

        #[test]
        fn what_is_left_passes_and_nothing_of_it_can_be_left_out(
            needed in proptest::collection::btree_set(0..12_usize, 1..4),
            more in 1..20_usize,
        ) {
            let count = needed.last().unwrap() + more;
            let passes = |set: &Vec<usize>| needed.iter().all(|index| set.contains(index));
            let found = ddmin(count, |sets| Ok::<_, ()>(sets.iter().position(passes))).unwrap();
            prop_assert_eq!(found, needed.iter().copied().collect::<Vec<_>>());
        }
    }
}
