//! A version without what an older commit changed: line by line, so that what others changed beside it stays.
//!
//! A merge of three texts gives up where two changes touch. Here a changed line goes back wherever it is still there as
//! the commit left it, whatever stands around it now.

use std::collections::HashSet;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use similar::{DiffOp, TextDiff};

use super::SessionError;
use crate::git::{Shadow, TreeEdit, TreeFile};
use crate::model::{BlobId, TreeId};

/// A file larger than this is no source that somebody edits.
const LARGEST_FILE: usize = 1 << 20;
/// Shorter lines are everywhere: `else:`, `pass`, `)`.
const SHORTEST_LINE: usize = 6;
/// A commit of more files is a release.
const MOST_FILES: usize = 200;

/// A version without a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Without {
    pub(super) tree: TreeId,
    /// Whether all of the change was there.
    pub(super) is_whole: bool,
}

/// The version `bad` without what changed from `before` to `after`, as far as that is still there. `None` when nothing
/// of it is.
pub(super) fn without_change(
    shadow: &Shadow,
    before: TreeId,
    after: TreeId,
    bad: TreeId,
) -> Result<Option<Without>, SessionError> {
    let repository = shadow.repository();
    let pairs = repository.entry_pairs(before, after)?;
    if pairs.len() > MOST_FILES {
        return Ok(None);
    }
    let text = |file: &TreeFile| {
        let blob = repository.blob(file.id).ok().filter(|blob| blob.len() <= LARGEST_FILE)?;
        String::from_utf8(blob).ok()
    };
    let mut entries: Vec<TreeEdit> = Vec::new();
    let mut is_whole = true;
    for pair in pairs {
        let Some(new) = &pair.new else {
            // It went; where it is still gone, it comes back.
            if let Some(old) = pair.old
                && repository.entry_at(bad, path_of(&old.path))?.is_none()
            {
                entries.push((old.path, Some((old.mode, old.id))));
            } else {
                is_whole = false;
            }
            continue;
        };
        let Some(there) = repository.entry_at(bad, path_of(&new.path))? else {
            is_whole = false;
            continue;
        };
        if there == new.id {
            entries.push((new.path.clone(), None));
            entries.extend(pair.old.map(|old| (old.path, Some((old.mode, old.id)))));
            continue;
        }
        let Some(old) = &pair.old else {
            is_whole = false;
            continue;
        };
        let mode = repository.mode_at(bad, &new.path)?;
        let there = TreeFile { path: new.path.clone(), id: there, mode };
        if let (Some(old), Some(after), Some(now)) = (text(old), text(new), text(&there))
            && let Some((undone, is_all)) = undone(&old, &after, &now)
        {
            entries.push((there.path, Some((mode, shadow.write_blob(undone.as_bytes())?))));
            is_whole &= is_all;
        } else {
            is_whole = false;
        }
    }
    if entries.is_empty() {
        return Ok(None);
    }
    // What goes comes first.
    entries.sort_by_key(|(_, entry)| entry.is_some());
    let tree = shadow.with_entries(bad, &entries)?;
    Ok(Some(Without { tree, is_whole }).filter(|without| without.tree != bad))
}

/// Whether the version `bad` has lines that came from `before` to `after`, in the files that they came to.
pub(super) fn leaves_something(
    shadow: &Shadow,
    before: TreeId,
    after: TreeId,
    bad: TreeId,
) -> Result<bool, SessionError> {
    let repository = shadow.repository();
    let pairs = repository.entry_pairs(before, after)?;
    if pairs.len() > MOST_FILES {
        return Ok(false);
    }
    let text = |id: BlobId| {
        let blob = repository.blob(id).ok().filter(|blob| blob.len() <= LARGEST_FILE)?;
        String::from_utf8(blob).ok()
    };
    for pair in pairs {
        let Some(new) = &pair.new else { continue };
        let Some(there) = repository.entry_at(bad, path_of(&new.path))? else { continue };
        let old = pair.old.as_ref().and_then(|old| text(old.id)).unwrap_or_default();
        let (Some(after), Some(now)) = (text(new.id), text(there)) else { continue };
        if leaves_lines(&old, &after, &now) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether lines that came from `before` to `after` stand in `now`.
fn leaves_lines(before: &str, after: &str, now: &str) -> bool {
    let (old, now) = (HashSet::<&str>::from_iter(before.lines()), HashSet::<&str>::from_iter(now.lines()));
    after.lines().any(|line| line.trim().len() >= SHORTEST_LINE && !old.contains(line) && now.contains(line))
}

fn path_of(path: &[u8]) -> &Path {
    Path::new(std::ffi::OsStr::from_bytes(path))
}

/// The text `now` without what changed from `before` to `after`, and whether all of it was there; `None` when nothing is.
fn undone(before: &str, after: &str, now: &str) -> Option<(String, bool)> {
    let change = TextDiff::from_lines(before, after);
    let since = TextDiff::from_lines(after, now);
    let old: Vec<&str> = before.split_inclusive('\n').collect();
    let mut lines: Vec<&str> = now.split_inclusive('\n').collect();
    // Where each line of `after` stands now.
    let mut place: Vec<Option<usize>> = vec![None; after.split_inclusive('\n').count()];
    for op in since.ops() {
        if let DiffOp::Equal { old_index, new_index, len } = *op {
            for at in 0..len {
                if let Some(place) = place.get_mut(old_index + at) {
                    *place = Some(new_index + at);
                }
            }
        }
    }
    let (mut is_any, mut is_all) = (false, true);
    // From the end, so that the places before stay.
    for op in change.ops().iter().rev().filter(|op| !matches!(op, DiffOp::Equal { .. })) {
        let (gone, came) = (op.old_range(), op.new_range());
        let gone = old.get(gone)?;
        if came.is_empty() {
            // Lines went: they come back behind the line that stands before, or before the one behind.
            let behind = came.start.checked_sub(1).and_then(|at| place[at]).map(|at| at + 1);
            let before = place.get(came.start).copied().flatten();
            let at = behind.or(before).or((came.start == 0).then_some(0));
            let Some(at) = at.filter(|&at| lines.get(at..at + gone.len()) != Some(gone)) else {
                is_all = false;
                continue;
            };
            lines.splice(at..at, gone.iter().copied());
        } else {
            // Others may have put lines between them, which stay.
            let places: Option<Vec<usize>> = place.get(came)?.iter().copied().collect();
            let Some(places) = places.filter(|places| !places.is_empty()) else {
                is_all = false;
                continue;
            };
            for &at in places.iter().rev() {
                lines.remove(at);
            }
            lines.splice(places[0]..places[0], gone.iter().copied());
        }
        is_any = true;
    }
    is_any.then(|| (lines.concat(), is_all))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: &str = "import a\n\ndef f(x):\n    y = x\n    return y\n\nlast = 1\n";

    fn after() -> String {
        BEFORE.replace("    y = x\n", "    y = None\n    log(y)\n")
    }

    #[test]
    fn a_change_goes_though_others_touch_it() {
        let after = after();
        for (what, now) in [
            ("nothing else", after.clone()),
            ("a line just before", after.replace("    y = None\n", "    check(x)\n    y = None\n")),
            ("a line in between", after.replace("    log(y)\n", "    check(y)\n    log(y)\n")),
            ("a line just behind", after.replace("    log(y)\n", "    log(y)\n    check(y)\n")),
            ("lines far away", after.replace("last = 1", "last = 2").replace("import a", "import b")),
        ] {
            let (undone, is_all) = undone(BEFORE, &after, &now).unwrap();
            assert!(is_all, "{what}");
            assert!(undone.contains("    y = x\n") && !undone.contains("None"), "{what}: {undone}");
            assert_eq!(undone.lines().count(), now.lines().count() - 1, "{what}: {undone}");
        }
    }

    #[test]
    fn a_part_of_a_change_may_be_left() {
        let after = after();
        assert!(leaves_lines(BEFORE, &after, &after.replace("y = None", "y = 0")));
        assert!(!leaves_lines(BEFORE, &after, &after.replace("y = None", "y = 0").replace("log(y)", "")));
        assert!(!leaves_lines(BEFORE, &after, BEFORE));
    }

    #[test]
    fn what_was_rewritten_or_mended_is_not_there() {
        let after = after();
        assert_eq!(undone(BEFORE, &after, BEFORE), None);
        assert_eq!(undone(BEFORE, &after, &after.replace("y = None", "y = 0")), None);
        assert_eq!(undone(BEFORE, &after, ""), None);
    }

    #[test]
    fn lines_that_went_come_back() {
        let after = BEFORE.replace("    y = x\n", "");
        let now = after.replace("    return y\n", "    return y or 0\n");
        let undone_text = |now: &str| undone(BEFORE, &after, now).map(|(text, _)| text);
        assert_eq!(undone_text(&now).unwrap(), now.replace("(x):\n", "(x):\n    y = x\n"));
        assert_eq!(undone(BEFORE, &after, BEFORE), None, "they are there");
        assert_eq!(undone("a\nb\n", "b\n", "b\nc\n").unwrap().0, "a\nb\nc\n");
        // A part of the change was taken back since.
        let (text, is_all) = undone("a\nb\nc\n", "A\nb\nC\n", "a\nb\nC\n").unwrap();
        assert_eq!((text.as_str(), is_all), ("a\nb\nc\n", false));
    }
}
