//! What of the repository can have had a part in the failing run, as far as it was watched.
//!
//! A run depends on what it read and executed. A commit whose every change lies elsewhere (in files that
//! were not opened, in functions that exist and were not entered) leaves the failure as it is, but for
//! programs that look at themselves. So it says much, but not everything: such commits get a small
//! probability, none gets zero, and what is named is always proven by trials of its own.

use std::collections::{BTreeMap, BTreeSet};

use super::change::{ChangedFile, CommitChange, FileKind, is_python};
use super::own_frame::OwnFrame;
use super::trace::{Place, Trace};

/// What the failing run read and executed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Reach {
    /// All files of the repository.
    existing: BTreeSet<String>,
    opened: BTreeSet<String>,
    executed: BTreeSet<Place>,
    /// The definitions of the Python files that were opened.
    defined: BTreeMap<String, BTreeSet<String>>,
    has_strangers: bool,
}

impl Reach {
    /// `None` when more ran than is known. `defined` gives the definitions in a file.
    pub(super) fn new(
        trace: &Trace,
        frames: &[OwnFrame],
        existing: BTreeSet<String>,
        mut defined: impl FnMut(&str) -> BTreeSet<String>,
    ) -> Option<Self> {
        if trace.has_gaps || trace.is_empty() {
            return None;
        }
        let python = trace.opened.iter().filter(|path| is_python(path));
        let defined = python.map(|path| (path.clone(), defined(path))).collect();
        let mut executed: BTreeSet<Place> = trace.all().into_keys().cloned().collect();
        // A line of a definition's head is executed where the definition is not.
        executed.extend(frames.iter().map(|frame| (frame.path.clone(), frame.definition.clone())));
        let has_strangers = trace.has_strangers;
        Some(Self { existing, opened: trace.opened.clone(), executed, defined, has_strangers })
    }

    /// Whether nothing that a commit changed was read or executed. Its files have these paths at the commit
    /// that failed. A merge brings together what was apart, whatever it changes itself.
    pub(super) fn misses(&self, change: &CommitChange, paths: &[String]) -> bool {
        !change.merge
            && !change.files.is_empty()
            && change.files.iter().zip(paths).all(|(file, path)| self.misses_file(file, path))
    }

    fn misses_file(&self, file: &ChangedFile, path: &String) -> bool {
        if !self.existing.contains(path) {
            // What is no longer there may have been read.
            return false;
        }
        if !self.opened.contains(path) {
            return is_python(path) || file.kind == FileKind::Documentation || !self.has_strangers;
        }
        let Some(defined) = self.defined.get(path) else { return false };
        let idle =
            |name: &String| defined.contains(name) && !self.executed.contains(&(path.clone(), name.clone()));
        file.is_read_by_definition() && file.definitions.iter().all(idle)
    }
}
