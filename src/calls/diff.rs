//! Two versions of a file to the calls that changed between them.

use std::collections::HashSet;
use std::ops::Range;

use tree_sitter::Tree;

use super::bindings::{Binding, Bindings};
use super::changed_definitions::definition_changes;
use super::classify::changes;
use super::extract::extract;
use super::file_version::FileVersion;
use super::flat_tree::Syntax;
use super::match_calls::match_sites;
use super::match_scopes::match_scopes;
use super::module_name::ModuleName;
use super::parse::{MOST_BYTES, parse};
use super::parse_plan::{Plan, VersionSide, compare, compare_lines};
use super::renamed_locals::unify_renamed_variables;
use super::resolve::is_builtin;
use super::statements::Statement;
use crate::model::{CallChange, FileCalls, PartlyParsed};

/// What is left of a file that is too large: this many bytes of changed lines.
const MOST_BYTES_OF_LINES: usize = 128 << 10;

/// Where the two versions of a file lie in their trees, with `/`. They give modules their names.
#[derive(Debug, Clone, Copy)]
pub struct Paths<'p> {
    /// Path of the old version.
    pub old: &'p str,
    /// Path of the new version.
    pub new: &'p str,
}

impl<'p> Paths<'p> {
    /// One path for both sides.
    #[must_use]
    pub const fn same(path: &'p str) -> Self {
        Self { old: path, new: path }
    }

    const fn swapped(self) -> Self {
        Self { old: self.new, new: self.old }
    }
}

/// How much of a file is parsed. The result is the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parsing {
    /// Statements that differ, and what explains their names.
    Changed,
    /// All of it.
    Whole,
}

/// The calls that changed between two versions of a file; `None` is a version that is not there.
#[must_use]
pub fn diff_files(old: Option<&[u8]>, new: Option<&[u8]>, paths: Paths) -> FileCalls {
    diff_files_parsing(old, new, paths, Parsing::Changed)
}

/// [`diff_files`], with a choice of how much is parsed: the slow way is what the fast one is tested against.
#[must_use]
pub fn diff_files_parsing(
    old: Option<&[u8]>,
    new: Option<&[u8]>,
    paths: Paths,
    parsing: Parsing,
) -> FileCalls {
    let (old, new) = (old.unwrap_or_default(), new.unwrap_or_default());
    if old == new {
        return FileCalls::default();
    }
    // Ties are broken by position, which is not the same from both ends. Reading each pair of files in
    // one direction makes the reverse diff the mirror of the diff.
    let mut calls = if old <= new {
        diff_in_order(old, new, paths, parsing, false)
    } else {
        let calls = diff_in_order(new, old, paths.swapped(), parsing, true);
        FileCalls {
            changes: calls.changes.into_iter().map(CallChange::mirrored).collect(),
            definitions: calls.definitions,
            partly_before: calls.partly_after,
            partly_after: calls.partly_before,
        }
    };
    calls.changes.sort_by_cached_key(|change| {
        let start = |site: &Option<crate::model::CallSite>| site.as_ref().map(|site| site.span.start);
        (
            start(&change.after).or(start(&change.before)),
            change.after.is_none(),
            start(&change.before),
            change.kind,
        )
    });
    calls
}

/// With `reversed`, the second version is the older one.
fn diff_in_order(old: &[u8], new: &[u8], paths: Paths, parsing: Parsing, reversed: bool) -> FileCalls {
    let sides = compare(old, new);
    let Some(pair) = Pair::read(&sides, (old, new), paths, parsing) else {
        return diff_lines(old, new, paths);
    };
    pair.finish(reversed)
}

/// For what is too large to parse: only the lines that differ, and of those the first.
fn diff_lines(old: &[u8], new: &[u8], paths: Paths) -> FileCalls {
    let (old_side, new_side) = compare_lines(old, new);
    let version = |side: &VersionSide, source, path| {
        let mut plan = side.plan(&HashSet::new());
        plan.cut_to(source, MOST_BYTES_OF_LINES);
        let module = ModuleName::of(path);
        let tree = (!plan.ranges().is_empty()).then(|| parse(source, &plan.ranges())).flatten();
        let syntax =
            tree.map_or_else(|| Syntax::empty(source), |tree| Syntax::new(source, &[tree], &plan.ranges()));
        FileVersion::new(extract(syntax, &plan, &module), Bindings::default(), module)
    };
    let pair = Pair { old: version(&old_side, old, paths.old), new: version(&new_side, new, paths.new) };
    let too_large =
        |source: &[u8]| (!source.is_empty()).then_some(PartlyParsed::TooLarge { bytes: source.len() });
    FileCalls {
        definitions: Vec::new(),
        partly_before: too_large(old),
        partly_after: too_large(new),
        ..pair.finish(false)
    }
}

struct Pair<'a> {
    old: FileVersion<'a>,
    new: FileVersion<'a>,
}

impl<'a> Pair<'a> {
    /// None when a version is too large, or too much for the parser.
    fn read(
        (old, new): &(VersionSide<'a>, VersionSide<'a>),
        sources: (&'a [u8], &'a [u8]),
        paths: Paths,
        parsing: Parsing,
    ) -> Option<Self> {
        let no_names = HashSet::new();
        let mut pair = Self {
            old: read_version(old, sources.0, paths.old, &no_names, parsing)?,
            new: read_version(new, sources.1, paths.new, &no_names, parsing)?,
        };
        if old.changes_names() || new.changes_names() {
            unify_relative_imports(&mut pair.old.bindings, &pair.new.bindings);
            let changed = names_with_another_meaning(&pair.old.bindings, &pair.new.bindings);
            if !changed.is_empty() {
                pair = Self {
                    old: read_version(old, sources.0, paths.old, &changed, parsing)?,
                    new: read_version(new, sources.1, paths.new, &changed, parsing)?,
                };
            }
        }
        unify_relative_imports(&mut pair.old.bindings, &pair.new.bindings);
        Some(pair)
    }

    fn finish(mut self, reversed: bool) -> FileCalls {
        let Self { old, new } = &mut self;
        let scopes = match_scopes(&old.extracted, &new.extracted);
        unify_renamed_variables(&mut old.extracted, &new.extracted, &scopes);
        old.compute_keys();
        new.compute_keys();
        old.index_lines();
        new.index_lines();
        let sites = match_sites(old, new, &scopes);
        let changes = changes(old, new, &scopes, &sites);
        let definitions = if reversed {
            definition_changes(new, old, &scopes.to_old)
        } else {
            definition_changes(old, new, &scopes.to_new)
        };
        let too_many = sites.is_coarse.then_some(PartlyParsed::TooMany);
        let partly_after = wrong_syntax(new).or(too_many);
        FileCalls { changes, definitions, partly_before: wrong_syntax(old), partly_after }
    }
}

fn wrong_syntax(version: &FileVersion) -> Option<PartlyParsed> {
    let wrong = version.extracted.syntax.error_at;
    let wrong = wrong.map(|at| PartlyParsed::Syntax { line: version.line_of(at) });
    wrong.or_else(|| Some(PartlyParsed::TooDeep { line: version.line_of(version.extracted.deep_at?) }))
}

fn read_version<'a>(
    side: &VersionSide<'a>,
    source: &'a [u8],
    path: &str,
    names: &HashSet<String>,
    parsing: Parsing,
) -> Option<FileVersion<'a>> {
    let plan = side.plan(names);
    let module = ModuleName::of(path);
    let statements = side.statements();
    let syntax = read_syntax(source, &plan, &statements, parsing)?;
    let mut extracted = extract(syntax, &plan, &module);
    let mut bindings = std::mem::take(&mut extracted.scopes[0].bindings);
    bindings.add_statements(source, &statements, &module);
    Some(FileVersion::new(extracted, bindings, module))
}

/// None when it is too large, or too much for the parser.
fn read_syntax<'a>(
    source: &'a [u8],
    plan: &Plan,
    statements: &[Statement],
    parsing: Parsing,
) -> Option<Syntax<'a>> {
    let ranges = plan.ranges();
    if ranges.is_empty() {
        return Some(Syntax::empty(source));
    }
    if plan.bytes() > MOST_BYTES || (parsing == Parsing::Whole && source.len() > MOST_BYTES) {
        return None;
    }
    let tree = match parsing {
        Parsing::Changed => parse(source, &ranges)?,
        Parsing::Whole => parse(source, std::slice::from_ref(&(0..source.len())))?,
    };
    if !tree.root_node().has_error() {
        return Some(Syntax::new(source, &[tree], &ranges));
    }
    // Statement by statement, so that what is wrong in one does not reach the others.
    let clipped = |statement: &Statement| -> Vec<Range<usize>> {
        let clip =
            |range: &Range<usize>| range.start.max(statement.range.start)..range.end.min(statement.range.end);
        let first = ranges.partition_point(|range| range.end <= statement.range.start);
        ranges[first..].iter().map(clip).take_while(|range| !range.is_empty()).collect()
    };
    let pieces = statements.iter().map(clipped).filter(|piece| !piece.is_empty());
    let trees: Vec<Tree> = pieces.map(|piece| parse(source, &piece)).collect::<Option<_>>()?;
    Some(Syntax::new(source, &trees, &ranges))
}

/// A file that moved with its package imports the same as before if it is written the same.
fn unify_relative_imports(old: &mut Bindings, new: &Bindings) {
    let moved: Vec<(String, Binding)> = old
        .names()
        .filter_map(|(name, binding)| match (binding, new.get(name)) {
            (
                Binding::Import { relative: Some(a), .. },
                Some(other @ Binding::Import { relative: Some(b), .. }),
            ) => (a == b).then(|| (name.clone(), other.clone())),
            _ => None,
        })
        .collect();
    moved.into_iter().for_each(|(name, binding)| old.replace(&name, binding));
}

/// Names that are definite on both sides and not the same.
fn names_with_another_meaning(old: &Bindings, new: &Bindings) -> HashSet<String> {
    let definite = |bindings: &Bindings, name: &str| match bindings.get(name) {
        Some(Binding::Import { target, .. }) => Some((0, target.clone())),
        Some(Binding::Function(path) | Binding::Class(path)) => Some((1, path.clone())),
        Some(_) => None,
        None => (is_builtin(name) && !bindings.star).then(|| (2, name.to_owned())),
    };
    old.names()
        .chain(new.names())
        .map(|(name, _)| name)
        .filter(|name| {
            let (a, b) = (definite(old, name), definite(new, name));
            a.is_some() && b.is_some() && a != b
        })
        .cloned()
        .collect()
}
