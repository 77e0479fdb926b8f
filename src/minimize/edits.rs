//! The difference between a good and a bad version as edits, and versions with some of them.

use std::collections::BTreeMap;
use std::ops::Range;

use super::dependencies::{Fragments, needs, spoken_of, ties};
use super::edit_weights::{EditFeatures, suspicion};
use super::files::FilePair;
use super::hunks::{Part, Piece, pieces_of};
use super::parseable::{groups, spliced};
use super::{DeltaDebugger, EditSet, FileSide, Relations};
use crate::model::{BlobId, CallChange, FailureSignature};

/// What is applied or not as one.
#[derive(Debug, Clone)]
pub struct Edit {
    pieces: Vec<usize>,
    /// The file that it is in; the first one when a move ties several together.
    pub file: usize,
    /// Lines of the new file that it touches, from 1: an empty range where lines only went.
    pub lines: Range<u32>,
    /// Lines of the old file that it touches, likewise.
    pub old_lines: Range<u32>,
    /// The call changes in it.
    pub calls: Vec<CallChange>,
    /// Whether the edit is nothing but one call change.
    pub is_call: bool,
    /// Whether it lies in a string of several lines.
    is_in_string: bool,
    /// What the edit takes away.
    pub old: Vec<u8>,
    /// What the edit brings.
    pub new: Vec<u8>,
}

/// All that differs between two versions.
#[derive(Debug, Clone)]
pub struct EditList {
    /// The files, sorted by path.
    pub files: Vec<FilePair>,
    /// The edits, in the order of files and text.
    pub edits: Vec<Edit>,
    pieces: Vec<Piece>,
    relations: Relations,
}

/// Content of a file in a partial version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileContent {
    /// As it is stored on one side.
    As(BlobId),
    /// This text.
    Text(Vec<u8>),
}

/// What a partial version has at a path that the good version has not, or otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartialFile {
    /// The path from the top.
    pub path: Vec<u8>,
    /// The file's mode and content; None when there is nothing at the path.
    pub entry: Option<(u32, FileContent)>,
}

impl EditList {
    /// Split what differs into edits.
    #[must_use]
    pub fn new(files: Vec<FilePair>) -> Self {
        let mut pieces: Vec<Piece> = Vec::new();
        let mut grouped: Vec<Vec<usize>> = Vec::new();
        let mut calls: Vec<Vec<CallChange>> = Vec::new();
        for (at, pair) in files.iter().enumerate() {
            let (own, own_calls) = pieces_of(at, pair);
            let first = pieces.len();
            let own_groups = groups(pair, &own);
            grouped
                .extend(own_groups.into_iter().map(|group| group.into_iter().map(|at| first + at).collect()));
            pieces.extend(own);
            calls.push(own_calls);
        }
        join_places(&files, &pieces, &mut grouped);
        let edits: Vec<Edit> =
            grouped.into_iter().map(|group| edit(group, &files, &pieces, &calls)).collect();
        let mut difference = Self { files, edits, pieces, relations: Relations::default() };
        difference.relate();
        difference
    }

    /// Find out which edits need which.
    fn relate(&mut self) {
        let fragments: Vec<Fragments> = self.edits.iter().map(|edit| self.fragments(edit)).collect();
        let files = &self.files;
        let python: Vec<&FilePair> = files.iter().filter(|pair| pair.is_python()).collect();
        let old: Vec<&[u8]> = python.iter().map(|pair| pair.old_text()).collect();
        let new: Vec<&[u8]> = python.iter().map(|pair| pair.new_text()).collect();
        let (needs, ties) = (needs(&fragments, &old, &new), ties(&fragments));
        self.relations = Relations { needs, ties, alike: self.alike() };
    }

    /// The search for the edits that matter, seen from the failure. `evidence` tells how much more than others a
    /// definition of a file is to be suspected for other reasons; none is given for the top of a file.
    #[must_use]
    pub fn search(
        &self,
        failure: Option<&FailureSignature>,
        evidence: &dyn Fn(&str, Option<&str>) -> f64,
    ) -> DeltaDebugger {
        let weights: Vec<f64> =
            self.edits.iter().map(|edit| self.suspicion(edit, failure, evidence)).collect();
        DeltaDebugger::new(&weights, &self.relations)
    }

    /// All edits, the most suspicious first, seen from the failure.
    #[must_use]
    pub fn by_suspicion(&self, failure: Option<&FailureSignature>) -> Vec<usize> {
        let weights: Vec<f64> =
            self.edits.iter().map(|edit| self.suspicion(edit, failure, &|_, _| 1.0)).collect();
        let mut order: Vec<usize> = (0..self.edits.len()).collect();
        order.sort_by(|&a, &b| weights[b].total_cmp(&weights[a]));
        order
    }

    /// The edits that have to go when these go: themselves, and all that need them.
    #[must_use]
    pub fn with_users(&self, edits: &EditSet) -> EditSet {
        DeltaDebugger::new(&vec![1.0; self.edits.len()], &self.relations).with_users(edits)
    }

    fn suspicion(
        &self,
        edit: &Edit,
        failure: Option<&FailureSignature>,
        evidence: &dyn Fn(&str, Option<&str>) -> f64,
    ) -> f64 {
        let function = edit.calls.iter().find_map(CallChange::place).map(|site| site.function.clone());
        let function = function.or_else(|| self.function_of(edit));
        let other = evidence(&self.files[edit.file].name(), function.as_deref());
        let look = EditFeatures {
            pair: &self.files[edit.file],
            lines: edit.lines.start..edit.lines.end.max(edit.lines.start + 1),
            old: &edit.old,
            new: &edit.new,
            calls: edit.calls.len(),
            is_call: edit.is_call,
            is_in_string: edit.is_in_string,
            function: function.as_deref(),
        };
        other * suspicion(&look, failure)
    }

    /// Whether an edit is more than a change of text: its file comes, goes, moves, or is replaced as a whole.
    #[must_use]
    pub fn is_of_whole_file(&self, edit: &Edit) -> bool {
        edit.pieces.iter().any(|&at| !matches!(self.pieces[at].part, Part::Text { .. }))
    }

    /// The function or class around an edit of a Python file; None at the top of a file.
    #[must_use]
    pub fn function_of(&self, edit: &Edit) -> Option<String> {
        let pair = &self.files[edit.file];
        pair.texts().filter(|_| pair.is_python()).and_then(|(_, new)| enclosing(new, edit.lines.start))
    }

    /// The edits that an edit needs, directly.
    #[must_use]
    pub fn needs(&self, edit: usize) -> &[usize] {
        self.relations.needs.get(edit).map(Vec::as_slice).unwrap_or_default()
    }

    /// The edits of which an error message speaks.
    #[must_use]
    pub fn mentioned_in(&self, message: &str) -> EditSet {
        let fragments: Vec<Fragments> = self.edits.iter().map(|edit| self.fragments(edit)).collect();
        spoken_of(&fragments, message).collect()
    }

    /// For each edit of text those that take away and bring the same.
    fn alike(&self) -> Vec<Vec<usize>> {
        let mut by_text: BTreeMap<(&[u8], &[u8]), Vec<usize>> = BTreeMap::new();
        for (at, edit) in self.edits.iter().enumerate() {
            by_text.entry((edit.old.trim_ascii(), edit.new.trim_ascii())).or_default().push(at);
        }
        let mut alike = vec![Vec::new(); self.edits.len()];
        for same in by_text.values().filter(|same| same.len() > 1) {
            for &edit in same {
                alike[edit] = same.iter().copied().filter(|&other| other != edit).collect();
            }
        }
        alike
    }

    fn fragments(&self, edit: &Edit) -> Fragments {
        let pair = &self.files[edit.file];
        if !pair.is_python() {
            return Fragments::default();
        }
        let whole = self.is_of_whole_file(edit);
        let module = |side: &Option<FileSide>| {
            side.as_ref().filter(|_| whole).and_then(|side| module_name(&side.path))
        };
        Fragments {
            old: edit.old.clone(),
            new: edit.new.clone(),
            file: edit.file,
            function: self.function_of(edit),
            is_test: pair.is_test(),
            old_module: module(&pair.old),
            new_module: module(&pair.new),
        }
    }

    /// What the good version with these edits has that the good version has not.
    #[must_use]
    pub fn partial(&self, applied: &EditSet) -> Vec<PartialFile> {
        let mut on = vec![false; self.pieces.len()];
        for edit in applied.iter().filter_map(|edit| self.edits.get(edit)) {
            edit.pieces.iter().for_each(|&piece| on[piece] = true);
        }
        let mut written = Vec::new();
        let mut first = 0;
        for (at, pair) in self.files.iter().enumerate() {
            let count = self.pieces[first..].iter().take_while(|piece| piece.file == at).count();
            let (pieces, on) = (&self.pieces[first..first + count], &on[first..first + count]);
            first += count;
            if on.contains(&true) {
                written.extend(file_with(pair, pieces, on));
            }
        }
        // What goes first, so that a new file may lie where another lay.
        written.sort_by_key(|change| change.entry.is_some());
        written
    }
}

/// A file with some of its pieces, as changes to the good version.
fn file_with(pair: &FilePair, pieces: &[Piece], on: &[bool]) -> Vec<PartialFile> {
    let gone = |side: &FileSide| PartialFile { path: side.path.clone(), entry: None };
    let as_stored = |side: &FileSide| PartialFile {
        path: side.path.clone(),
        entry: Some((side.mode, FileContent::As(side.id))),
    };
    let (Some(old), Some(new)) = (&pair.old, &pair.new) else {
        return pair.old.iter().map(gone).chain(pair.new.iter().map(as_stored)).collect();
    };
    let is_whole = pieces.iter().any(|piece| piece.part == Part::Whole);
    let moved = pieces.iter().zip(on).any(|(piece, &on)| on && piece.part == Part::Place);
    let side = if moved || is_whole { new } else { old };
    let mut written: Vec<PartialFile> = (side.path != old.path).then(|| gone(old)).into_iter().collect();
    let content = match pair.texts() {
        Some((before, after)) if !is_whole => FileContent::Text(spliced(before, after, pieces, &|at| on[at])),
        _ => FileContent::As(side.id),
    };
    written.push(PartialFile { path: side.path.clone(), entry: Some((side.mode, content)) });
    written
}

/// Files that come, go or move over each other's paths do so together.
fn join_places(files: &[FilePair], pieces: &[Piece], groups: &mut Vec<Vec<usize>>) {
    let places = |group: &[usize]| -> Vec<&[u8]> {
        let moving = group.iter().filter(|&&at| !matches!(pieces[at].part, Part::Text { .. }));
        let pairs = moving.map(|&at| &files[pieces[at].file]);
        pairs.flat_map(|pair| [&pair.old, &pair.new]).flatten().map(|side| side.path.as_slice()).collect()
    };
    let meets = |a: &[u8], b: &[u8]| {
        let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
        long.starts_with(short) && (long.len() == short.len() || long[short.len()] == b'/')
    };
    let mut at = 0;
    while at < groups.len() {
        let own = places(&groups[at]);
        let other = (at + 1..groups.len()).find(|&other| {
            !own.is_empty()
                && places(&groups[other]).iter().any(|path| own.iter().any(|own| meets(own, path)))
        });
        match other {
            Some(other) => {
                let joined = groups.remove(other);
                groups[at].extend(joined);
                groups[at].sort_unstable();
            }
            None => at += 1,
        }
    }
}

fn edit(group: Vec<usize>, files: &[FilePair], pieces: &[Piece], calls: &[Vec<CallChange>]) -> Edit {
    let file = group.first().map(|&at| pieces[at].file).unwrap_or_default();
    let pair = &files[file];
    let (mut old, mut new) = (Vec::new(), Vec::new());
    let mut spans: Option<(Range<usize>, Range<usize>)> = None;
    let mut own_calls: Vec<CallChange> = Vec::new();
    for piece in group.iter().map(|&at| &pieces[at]) {
        let pair = &files[piece.file];
        let (gone, came) = match &piece.part {
            Part::Text { old, new } => (old.clone(), new.clone()),
            Part::Whole => (0..pair.old_text().len(), 0..pair.new_text().len()),
            Part::Place => continue,
        };
        old.extend_from_slice(&pair.old_text()[gone.clone()]);
        new.extend_from_slice(&pair.new_text()[came.clone()]);
        own_calls.extend(calls[piece.file].iter().filter(|change| lies_in(change, &gone, &came)).cloned());
        if piece.file == file {
            spans = Some(match spans {
                Some((before, after)) => (hull(&before, &gone), hull(&after, &came)),
                None => (gone, came),
            });
        }
    }
    let (before, after) = spans.unwrap_or((0..0, 0..0));
    let is_call = group.len() == 1 && pieces[group[0]].is_call;
    let (old_lines, lines) = (line_range(pair.old_text(), &before), line_range(pair.new_text(), &after));
    let is_in_string = is_in_string(pair.new_text(), &after) && is_in_string(pair.old_text(), &before);
    Edit { pieces: group, file, lines, old_lines, calls: own_calls, is_call, is_in_string, old, new }
}

/// Whether a span lies between the quotes of a string of several lines, going by the number of quotes before it.
fn is_in_string(text: &[u8], span: &Range<usize>) -> bool {
    let quotes = |text: &[u8]| -> usize {
        [b"\"\"\"", b"'''"].iter().map(|quotes| memchr::memmem::find_iter(text, quotes).count()).sum()
    };
    quotes(&text[..span.start]) % 2 == 1 && quotes(&text[span.clone()]) == 0
}

fn hull(a: &Range<usize>, b: &Range<usize>) -> Range<usize> {
    a.start.min(b.start)..a.end.max(b.end)
}

/// The lines that a range of bytes touches, from 1. A range that ends where a line begins does not touch that line.
fn line_range(text: &[u8], span: &Range<usize>) -> Range<u32> {
    let line = |at: usize| {
        let before = text.get(..at).unwrap_or_default();
        u32::try_from(before.iter().filter(|&&byte| byte == b'\n').count() + 1).unwrap_or(u32::MAX)
    };
    let start = line(span.start);
    start..if span.is_empty() { start } else { line(span.end - 1) + 1 }
}

/// Whether a call change lies in what a piece takes away and brings.
fn lies_in(change: &CallChange, gone: &Range<usize>, came: &Range<usize>) -> bool {
    let inside = |range: &Range<usize>, site: &crate::model::CallSite| {
        range.start <= site.span.start && site.span.end <= range.end
    };
    match (&change.before, &change.after) {
        (Some(before), Some(after)) => inside(gone, before) && inside(came, after),
        (None, Some(after)) => inside(came, after),
        (Some(before), None) => inside(gone, before),
        (None, None) => false,
    }
}

/// The last part of a file's dotted name.
fn module_name(path: &[u8]) -> Option<Vec<u8>> {
    let mut parts = path.rsplit(|&byte| byte == b'/');
    let stem = parts.next()?.strip_suffix(b".py")?;
    if stem == b"__init__" { parts.next().map(<[u8]>::to_vec) } else { Some(stem.to_vec()) }
}

/// The definitions around a line, as a dotted path.
fn enclosing(text: &[u8], line: u32) -> Option<String> {
    let at = usize::try_from(line).ok()?.checked_sub(1)?;
    let lines: Vec<&[u8]> = text.split(|&byte| byte == b'\n').collect();
    let indent = |line: &[u8]| line.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    let mut within =
        lines.iter().skip(at).find(|line| !line.trim_ascii().is_empty()).map(|line| indent(line))?;
    // The header itself belongs to what it begins.
    within += usize::from(defined_name(lines.get(at)?).is_some());
    let mut path = Vec::new();
    for line in lines[..=at].iter().rev().filter(|line| !line.trim_ascii().is_empty()) {
        if indent(line) < within {
            within = indent(line);
            path.extend(defined_name(line));
        }
    }
    path.reverse();
    (!path.is_empty()).then(|| path.join("."))
}

/// The name that a line begins to define.
fn defined_name(line: &[u8]) -> Option<String> {
    let text = line.trim_ascii();
    let text = text.strip_prefix(b"async ").unwrap_or(text);
    let rest = text.strip_prefix(b"def ").or_else(|| text.strip_prefix(b"class "))?;
    let end =
        rest.iter().position(|byte| !(byte.is_ascii_alphanumeric() || *byte == b'_')).unwrap_or(rest.len());
    Some(String::from_utf8_lossy(&rest[..end]).into_owned())
}

#[cfg(test)]
mod tests;
