//! What an edit did to a call: from pairs of calls, and calls without one, to changes.

use std::collections::{HashMap, HashSet};

use super::extract::{Argument, Given, SiteId};
use super::file_version::FileVersion;
use super::flat_tree::ItemId;
use super::match_calls::SitePairs;
use super::match_scopes::ScopePairs;
use super::wrapped_calls::{Lost, unwrapped_around, wrapped_in_argument, wrapped_in_place};
use crate::model::{CallChange, CallSite, ChangeKind};

/// The changes, in no particular order.
pub(super) fn changes(
    old: &FileVersion,
    new: &FileVersion,
    scopes: &ScopePairs,
    pairs: &SitePairs,
) -> Vec<CallChange> {
    let told = [vec![false; old.keys.len()], vec![false; new.keys.len()]];
    let mut classifier = Classifier { sides: [old, new], pairs, told, changes: Vec::new() };
    for site in 0..old.keys.len() {
        if let Some(other) = pairs.to_new[site] {
            classifier.pair(site, other);
        }
    }
    classifier.wraps_in_place(scopes);
    classifier.rest();
    classifier.changes
}

struct Classifier<'v, 'a> {
    /// Old and new.
    sides: [&'v FileVersion<'a>; 2],
    pairs: &'v SitePairs,
    /// Sites without a pair that a change already tells of.
    told: [Vec<bool>; 2],
    changes: Vec<CallChange>,
}

/// Among so many `**` one with the same value is looked for.
const MOST_OF_A_NAME: usize = 20;

const OLD: usize = 0;
const NEW: usize = 1;

/// What differs between two calls.
#[derive(Default)]
struct Difference {
    kinds: Vec<ChangeKind>,
    /// Parts of either side that differ.
    parts: [Vec<ItemId>; 2],
}

impl Difference {
    fn add(&mut self, kind: ChangeKind, old: Option<ItemId>, new: Option<ItemId>) {
        if !self.kinds.contains(&kind) {
            self.kinds.push(kind);
        }
        self.parts[OLD].extend(old);
        self.parts[NEW].extend(new);
    }
}

impl Classifier<'_, '_> {
    fn is_free(&self, side: usize, site: SiteId) -> bool {
        let pairs = [&self.pairs.to_new, &self.pairs.to_old][side];
        pairs[site].is_none() && !self.told[side][site]
    }

    fn deep(&self, side: usize, item: ItemId) -> u64 {
        self.sides[side].extracted.syntax.items[item].deep
    }

    fn pair(&mut self, old: SiteId, new: SiteId) {
        let [a, b] = self.sides;
        if a.keys[old].deep == b.keys[new].deep {
            return;
        }
        let mut difference = Difference::default();
        self.compare_callees(old, new, &mut difference);
        let (old_site, new_site) = (&a.extracted.sites[old], &b.extracted.sites[new]);
        self.compare_positions(&old_site.arguments, &new_site.arguments, &mut difference);
        self.compare_keywords(&old_site.arguments, &new_site.arguments, &mut difference);
        match (old_site.awaited, new_site.awaited) {
            (false, true) => difference.add(ChangeKind::AwaitAdded, None, None),
            (true, false) => difference.add(ChangeKind::AwaitRemoved, None, None),
            _ => {}
        }
        let is_decorator = old_site.decorator && new_site.decorator;
        let only_import = difference.kinds == [ChangeKind::ImportChanged];
        if is_decorator && !only_import && (!difference.kinds.is_empty() || old_site.plain != new_site.plain)
        {
            difference.add(ChangeKind::DecoratorChanged, None, None);
        }
        difference.kinds.sort_unstable();
        let Some((&kind, also)) = difference.kinds.split_first() else { return };
        let mut also = also.to_vec();
        let gone = self.tell_inside(OLD, old, &difference.parts[OLD]);
        let came = self.tell_inside(NEW, new, &difference.parts[NEW]);
        also.extend((!gone.is_empty()).then_some(ChangeKind::CallRemoved));
        also.extend((!came.is_empty()).then_some(ChangeKind::CallAdded));
        also.sort_unstable();
        let (before, after) = (Some(a.site(old)), Some(b.site(new)));
        self.changes.push(CallChange { kind, also, before, after, gone, came, stale: None });
    }

    /// Sites without a pair in the differing parts: the change of the call around them tells of them.
    fn tell_inside(&mut self, side: usize, site: SiteId, parts: &[ItemId]) -> Vec<String> {
        let version = self.sides[side];
        let syntax = &version.extracted.syntax;
        let end = syntax.items[version.extracted.sites[site].item].after;
        let mut callees = Vec::new();
        // Of parts in one another the outer one comes first, and reaches at least as far.
        let mut parts: Vec<(ItemId, ItemId)> =
            parts.iter().map(|&part| syntax.subtree(part)).map(|part| (part.start, part.end)).collect();
        parts.sort_unstable_by_key(|&(start, end)| (start, std::cmp::Reverse(end)));
        parts.dedup_by(|inner, outer| inner.1 <= outer.1);
        let is_inside = |item: ItemId| {
            let before = parts.partition_point(|&(start, _)| start <= item);
            before.checked_sub(1).is_some_and(|at| item < parts[at].1)
        };
        for inner in site + 1..version.extracted.sites.len() {
            let item = version.extracted.sites[inner].item;
            if item >= end {
                break;
            }
            if self.is_free(side, inner) && is_inside(item) {
                self.told[side][inner] = true;
                callees.push(version.callee(inner));
            }
        }
        callees
    }

    fn compare_callees(&mut self, old: SiteId, new: SiteId, difference: &mut Difference) {
        let [a, b] = self.sides;
        let (old_key, new_key) = (&a.keys[old], &b.keys[new]);
        if old_key.callee == new_key.callee {
            return;
        }
        let (Some(before), Some(after)) = (a.extracted.sites[old].callee, b.extracted.sites[new].callee)
        else {
            if old_key.meaning.name != new_key.meaning.name {
                difference.add(ChangeKind::CalleeChanged, None, None);
            }
            return;
        };
        if self.deep(OLD, before) == self.deep(NEW, after) {
            let (was, is) = (old_key.meaning.definite(), new_key.meaning.definite());
            if was.is_some() && is.is_some() && was != is {
                difference.add(ChangeKind::ImportChanged, None, None);
            }
            return;
        }
        let same_name = match (a.last_name(old), b.last_name(new)) {
            (Some(x), Some(y)) => self.deep(OLD, x) == self.deep(NEW, y),
            _ => false,
        };
        match (a.receiver(old), b.receiver(new)) {
            (Some(x), Some(y)) if same_name => {
                if !self.same_value(x, y) {
                    difference.add(ChangeKind::ReceiverChanged, Some(x), Some(y));
                }
            }
            (Some(_), Some(_)) | (None, None) if !same_name && self.same_shape(before, after) => {}
            _ => difference.add(ChangeKind::CalleeChanged, Some(before), Some(after)),
        }
    }

    /// Whether two values are equal but for calls inside of them that are pairs.
    fn agree(&self, side: usize, value: ItemId, other: ItemId) -> bool {
        let (this, that) = (&self.sides[side].extracted, &self.sides[1 - side].extracted);
        let pairs = [&self.pairs.to_new, &self.pairs.to_old][side];
        self.deep(side, value) == self.deep(1 - side, other)
            || match (this.site_at(value), that.site_at(other)) {
                (Some(a), Some(b)) => pairs[a] == Some(b),
                _ => this.syntax.shape(value) == that.syntax.shape(other),
            }
    }

    fn same_shape(&self, old: ItemId, new: ItemId) -> bool {
        let [a, b] = self.sides;
        a.extracted.syntax.shape(old) == b.extracted.syntax.shape(new)
    }

    /// Whether two expressions are the same, or differ only in what other changes tell.
    fn same_value(&mut self, old: ItemId, new: ItemId) -> bool {
        self.deep(OLD, old) == self.deep(NEW, new)
            || self.same_shape(old, new)
            || self.wrapped(NEW, new, OLD, old)
            || self.wrapped(OLD, old, NEW, new)
    }

    /// A call came (or went) around a part of a value.
    fn wrapped(&mut self, side: usize, value: ItemId, other_side: usize, other: ItemId) -> bool {
        let version = self.sides[side];
        let target = self.deep(other_side, other);
        let syntax = &version.extracted.syntax;
        let sites = &version.extracted.sites;
        let first = sites.partition_point(|site| site.item < value);
        let inside =
            (first..sites.len()).take_while(|&site| sites[site].item < syntax.items[value].after).take(32);
        let found = inside.filter(|&site| self.is_free(side, site)).find_map(|site| {
            let is_new = |inner: SiteId| self.is_free(side, inner);
            wrapped_in_argument(version, site, value, target, &is_new).map(|inner| (site, inner))
        });
        let Some((site, inner)) = found else { return false };
        // The expression itself stands on the other side somewhere in the value.
        let other_version = self.sides[other_side];
        let hash = self.deep(side, inner);
        let there =
            other_version.extracted.syntax.subtree(other).find(|&item| self.deep(other_side, item) == hash);
        self.add_wrap(side, site, inner, there);
        true
    }

    fn add_wrap(&mut self, side: usize, site: SiteId, inner: ItemId, there: Option<ItemId>) {
        let version = self.sides[side];
        self.told[side][site] = true;
        let syntax = &version.extracted.syntax;
        let end = syntax.items[version.extracted.sites[site].item].after;
        let mut callees = Vec::new();
        for other in site + 1..version.extracted.sites.len() {
            let item = version.extracted.sites[other].item;
            if item >= end {
                break;
            }
            if self.is_free(side, other) && !syntax.subtree(inner).contains(&item) {
                self.told[side][other] = true;
                callees.push(version.callee(other));
            }
        }
        let outer = version.site(site);
        let other = self.sides[1 - side];
        let inner_site = there.map(|item| {
            let call = other.extracted.site_at(item);
            CallSite { callee: call.map(|call| other.callee(call)), ..other.expression(item) }
        });
        let also = if callees.is_empty() { Vec::new() } else { vec![ChangeKind::CallAdded] };
        let change = CallChange {
            kind: ChangeKind::CallWrapped,
            also,
            before: inner_site,
            after: Some(outer),
            gone: Vec::new(),
            came: callees,
            stale: None,
        };
        self.changes.push(if side == NEW { change } else { change.mirrored() });
    }

    fn compare_positions(&mut self, olds: &[Argument], news: &[Argument], difference: &mut Difference) {
        let by_position = |arguments: &[Argument]| -> Vec<Argument> {
            let is_position = |argument: &&Argument| matches!(argument.given, Given::Position | Given::Star);
            arguments.iter().filter(is_position).cloned().collect()
        };
        let (olds, news) = (by_position(olds), by_position(news));
        if olds.len() == news.len() {
            self.compare_in_place(&olds, &news, difference);
            return;
        }
        let (short, long) = if olds.len() < news.len() { (&olds, &news) } else { (&news, &olds) };
        let came = olds.len() < news.len();
        let kind = if came { ChangeKind::ArgumentAdded } else { ChangeKind::ArgumentRemoved };
        let short_side = if came { OLD } else { NEW };
        // The longest head and tail that agree; what lies between came, went, or has another value.
        let agrees = |this: &Self, x: &Argument, y: &Argument| {
            x.given == y.given && this.agree(short_side, x.item, y.item)
        };
        let mut at = 0;
        let mut extra: Vec<ItemId> = Vec::new();
        let mut unsure: Vec<ItemId> = Vec::new();
        let mut surplus = long.len() - short.len();
        for argument in long {
            match short.get(at) {
                Some(other) if agrees(self, other, argument) => at += 1,
                Some(other) if surplus == 0 => {
                    unsure.extend([other.item, argument.item]);
                    at += 1;
                }
                _ => {
                    surplus = surplus.saturating_sub(1);
                    extra.push(argument.item);
                }
            }
        }
        for item in extra {
            let (old, new) = if came { (None, Some(item)) } else { (Some(item), None) };
            difference.add(kind, old, new);
        }
        for pair in unsure.chunks_exact(2) {
            let (old, new) = if came { (pair[0], pair[1]) } else { (pair[1], pair[0]) };
            if !self.same_value(old, new) {
                difference.add(ChangeKind::ValueChanged, Some(old), Some(new));
            }
        }
    }

    fn compare_in_place(&mut self, olds: &[Argument], news: &[Argument], difference: &mut Difference) {
        let pairs: Vec<(&Argument, &Argument)> = olds.iter().zip(news).collect();
        let differ = |&&(x, y): &&(&Argument, &Argument)| {
            x.given != y.given || self.deep(OLD, x.item) != self.deep(NEW, y.item)
        };
        let differing: Vec<(&Argument, &Argument)> = pairs.iter().filter(differ).copied().collect();
        let mut values: [Vec<u64>; 2] = [
            differing.iter().map(|(x, _)| self.deep(OLD, x.item)).collect(),
            differing.iter().map(|(_, y)| self.deep(NEW, y.item)).collect(),
        ];
        values.iter_mut().for_each(|side| side.sort_unstable());
        if differing.len() > 1 && values[OLD] == values[NEW] {
            for (x, y) in differing {
                difference.add(ChangeKind::ArgumentsSwapped, Some(x.item), Some(y.item));
            }
            return;
        }
        for (x, y) in differing {
            if x.given != y.given || !self.same_value(x.item, y.item) {
                difference.add(ChangeKind::ValueChanged, Some(x.item), Some(y.item));
            }
        }
    }

    fn compare_keywords(&mut self, olds: &[Argument], news: &[Argument], difference: &mut Difference) {
        let keywords = |side: usize, arguments: &[Argument]| -> Vec<(u64, ItemId)> {
            let name = |argument: &Argument| match argument.given {
                Given::Keyword(name) => Some((self.deep(side, name), argument.item)),
                // All `**` are one keyword without a name.
                Given::DoubleStar => Some((0, argument.item)),
                Given::Position | Given::Star => None,
            };
            arguments.iter().filter_map(name).collect()
        };
        let (mut gone, mut came) = (keywords(OLD, olds), keywords(NEW, news));
        let mut both = Vec::new();
        // Of one name there are several only of `**`.
        let mut by_name: HashMap<u64, Vec<ItemId>> = HashMap::new();
        for &(name, new) in came.iter().rev() {
            by_name.entry(name).or_default().push(new);
        }
        let mut taken = HashSet::new();
        gone.retain(|&(name, old)| {
            let Some(named) = by_name.get_mut(&name).filter(|named| !named.is_empty()) else { return true };
            let last = named.len() - 1;
            let first = named.len().saturating_sub(MOST_OF_A_NAME);
            let same = named[first..].iter().rposition(|&new| self.deep(OLD, old) == self.deep(NEW, new));
            let new = named.remove(same.map_or(last, |at| first + at));
            taken.insert(new);
            both.push((old, new));
            false
        });
        came.retain(|(_, new)| !taken.contains(new));
        for (old, new) in both {
            if !self.same_value(old, new) {
                difference.add(ChangeKind::ValueChanged, Some(old), Some(new));
            }
        }
        let mut by_value: HashMap<u64, Vec<ItemId>> = HashMap::new();
        for &(_, new) in came.iter().rev().filter(|(name, _)| *name != 0) {
            by_value.entry(self.deep(NEW, new)).or_default().push(new);
        }
        gone.retain(|&(name, old)| {
            let same = by_value.get_mut(&self.deep(OLD, old)).filter(|_| name != 0);
            let Some(new) = same.and_then(Vec::pop) else { return true };
            taken.insert(new);
            difference.add(ChangeKind::KeywordRenamed, None, None);
            false
        });
        came.retain(|(_, new)| !taken.contains(new));
        gone.into_iter().for_each(|(_, item)| difference.add(ChangeKind::KeywordRemoved, Some(item), None));
        came.into_iter().for_each(|(_, item)| difference.add(ChangeKind::KeywordAdded, None, Some(item)));
    }

    fn wraps_in_place(&mut self, scopes: &ScopePairs) {
        for side in [OLD, NEW] {
            let version = self.sides[side];
            let partner = [&scopes.to_new, &scopes.to_old][side];
            for (id, scope) in version.extracted.scopes.iter().enumerate() {
                let Some(other) = partner[id] else { continue };
                let free: Vec<SiteId> =
                    scope.sites.iter().copied().filter(|&site| self.is_free(side, site)).collect();
                if free.is_empty() {
                    continue;
                }
                let other_version = self.sides[1 - side];
                let there = other_version.extracted.scopes[other].item;
                let lost = Lost::new(other_version, there, version, scope.item);
                for site in free {
                    if self.is_free(side, site) {
                        self.wrap_in_place(side, site, &lost);
                    }
                }
            }
        }
    }

    fn wrap_in_place(&mut self, side: usize, site: SiteId, lost: &Lost) {
        let version = self.sides[side];
        let is_new = |inner: SiteId| self.is_free(side, inner);
        let Some(inner) = wrapped_in_place(version, site, lost, &is_new) else { return };
        let hash = self.deep(side, inner);
        let other = self.sides[1 - side];
        let around = unwrapped_around(version, site, inner);
        let place = lost.first(around).and_then(|outer| {
            other.extracted.syntax.subtree(outer).find(|&item| self.deep(1 - side, item) == hash)
        });
        self.add_wrap(side, site, inner, place);
    }

    /// What has no pair and is not told yet came or went.
    fn rest(&mut self) {
        for side in [OLD, NEW] {
            for site in 0..self.sides[side].keys.len() {
                if !self.is_free(side, site) {
                    continue;
                }
                let place = Some(self.sides[side].site(site));
                let added = CallChange {
                    kind: ChangeKind::CallAdded,
                    also: Vec::new(),
                    before: None,
                    after: place,
                    gone: Vec::new(),
                    came: Vec::new(),
                    stale: None,
                };
                self.changes.push(if side == NEW { added } else { added.mirrored() });
            }
        }
    }
}
