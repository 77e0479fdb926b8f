//! Local variables that only got another name.
//!
//! A name counts as renamed when it is bound in the old function and nowhere used in the new one, its
//! new name is bound there and nowhere used in the old one, and the places where they stand are alike:
//! subtrees that are equal but for such names vote for pairs of names.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::extract::{Extracted, ScopeId, ScopeKind};
use super::flat_tree::{Hash, ItemId, Syntax, hash_text};
use super::grammar::{Field, Kind};
use super::match_scopes::ScopePairs;

/// Larger subtrees than this are not compared.
const LARGEST: usize = 400;

/// Give renamed variables of the old version the hashes of their new names.
pub(super) fn unify_renamed_variables(old: &mut Extracted, new: &Extracted, pairs: &ScopePairs) {
    let outermost = |extracted: &Extracted, scope: ScopeId| {
        extracted.scopes[scope].kind == ScopeKind::Function && {
            let mut at = extracted.scopes[scope].parent;
            while at != 0 && extracted.scopes[at].kind != ScopeKind::Function {
                at = extracted.scopes[at].parent;
            }
            at == 0
        }
    };
    for scope in 1..old.scopes.len() {
        let Some(other) = pairs.to_new[scope] else { continue };
        let (ours, theirs) = (old.scopes[scope].item, new.scopes[other].item);
        let is_equal = old.syntax.items[ours].deep == new.syntax.items[theirs].deep;
        if is_equal || !outermost(old, scope) || !outermost(new, other) {
            continue;
        }
        let renamed = renamed_variables(old, scope, new, other);
        if !renamed.is_empty() {
            apply(&mut old.syntax, ours, &renamed);
        }
    }
}

fn apply(syntax: &mut Syntax, root: ItemId, renamed: &BTreeMap<String, String>) {
    let range = syntax.subtree(root);
    let hashes: HashMap<ItemId, u64> = range
        .clone()
        .filter(|&item| is_variable(syntax, item))
        .filter_map(|item| {
            let name = renamed.get(syntax.text(item).as_ref())?;
            let mut hash = Hash::new(syntax.symbol(item));
            hash.add_bytes(name.as_bytes());
            Some((item, hash.finish()))
        })
        .collect();
    syntax.hash(range, |item| hashes.get(&item).copied());
}

/// An identifier that is no attribute and no keyword.
fn is_variable(syntax: &Syntax, item: ItemId) -> bool {
    let this = &syntax.items[item];
    let is_keyword = this.field == Field::Name && syntax.kind(this.parent) == Kind::KeywordArgument;
    this.kind == Kind::Identifier && this.field != Field::Attribute && !is_keyword
}

fn renamed_variables(
    old: &Extracted,
    scope: ScopeId,
    new: &Extracted,
    other: ScopeId,
) -> BTreeMap<String, String> {
    let (ours, theirs) = (old.scopes[scope].item, new.scopes[other].item);
    let gone = without(bound(old, scope), &used(&new.syntax, theirs));
    let came = without(bound(new, other), &used(&old.syntax, ours));
    if gone.is_empty() || came.is_empty() {
        return BTreeMap::new();
    }
    let old_places = places(&old.syntax, ours, &gone);
    let new_places = places(&new.syntax, theirs, &came);
    let mut votes: BTreeMap<(String, String), usize> = BTreeMap::new();
    for (shape, olds) in &old_places {
        for (&a, &b) in olds.iter().zip(new_places.get(shape).into_iter().flatten()) {
            for (i, j) in old.syntax.subtree(a).zip(new.syntax.subtree(b)) {
                if is_variable(&old.syntax, i) && is_variable(&new.syntax, j) {
                    let names = (old.syntax.text(i).into_owned(), new.syntax.text(j).into_owned());
                    if gone.contains(&names.0) && came.contains(&names.1) {
                        *votes.entry(names).or_default() += 1;
                    }
                }
            }
        }
    }
    let mut totals: [HashMap<&str, usize>; 2] = [HashMap::new(), HashMap::new()];
    for (names, count) in &votes {
        *totals[0].entry(&names.0).or_default() += count;
        *totals[1].entry(&names.1).or_default() += count;
    }
    votes
        .iter()
        .filter(|(names, count)| {
            2 * **count > totals[0][names.0.as_str()] && 2 * **count > totals[1][names.1.as_str()]
        })
        .map(|(names, _)| names.clone())
        .collect()
}

/// Names that a function or one inside of it binds.
fn bound(extracted: &Extracted, scope: ScopeId) -> BTreeSet<String> {
    let end = extracted.syntax.items[extracted.scopes[scope].item].after;
    let inside = extracted.scopes[scope..].iter().take_while(|inner| inner.item < end);
    inside
        .filter(|inner| inner.kind == ScopeKind::Function)
        .flat_map(|inner| inner.bindings.names().map(|(name, _)| name.clone()))
        .collect()
}

fn used(syntax: &Syntax, root: ItemId) -> BTreeSet<String> {
    let variables = syntax.subtree(root).filter(|&item| is_variable(syntax, item));
    variables.map(|item| syntax.text(item).into_owned()).collect()
}

fn without(names: BTreeSet<String>, others: &BTreeSet<String>) -> BTreeSet<String> {
    names.into_iter().filter(|name| !others.contains(name)).collect()
}

/// Subtrees with one of these names, by their shape with the names left blank.
fn places(syntax: &Syntax, root: ItemId, names: &BTreeSet<String>) -> BTreeMap<u64, Vec<ItemId>> {
    let blank = hash_text("_");
    let range = syntax.subtree(root);
    let is_blank = |item: ItemId| is_variable(syntax, item) && names.contains(syntax.text(item).as_ref());
    let shapes = syntax.hashes_with(range.clone(), |item| is_blank(item).then_some(blank));
    let mut places: BTreeMap<u64, Vec<ItemId>> = BTreeMap::new();
    for item in range.clone() {
        let size = syntax.subtree(item).len();
        let telling = (2..=LARGEST).contains(&size) && shapes[item - range.start] != syntax.items[item].deep;
        if telling {
            places.entry(shapes[item - range.start]).or_default().push(item);
        }
    }
    places
}
