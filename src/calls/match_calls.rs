//! Which call of the old version is which of the new one.
//!
//! Inside of each pair of scopes, in this order: the same calls in the same order; the same calls in
//! another order; the same but for the calls inside of them; and then the most alike, where a likeness
//! is a sum of evidence: the same callee, receiver, arguments, place.

use std::collections::HashMap;

use similar::{Algorithm, DiffOp, capture_diff_slices};

use super::extract::{DEEPEST, Extracted, Given, Site, SiteId};
use super::file_version::{FileVersion, Key};
use super::flat_tree::{Hash, ItemId};
use super::grammar::Kind;
use super::match_scopes::ScopePairs;
use super::work;

/// Up to this many pairs are compared one by one in a scope; beyond, only calls of the same callee.
const MOST_PAIRS: usize = 40_000;
/// Of calls that are the same, in a scope with more pairs than that or in another scope, so many are looked at.
const MOST_SAME: usize = 20;
/// So many pairs are compared in a file; what is left then is matched by what it calls and in order.
const MOST_COMPARED: usize = 2_000_000;
/// Longer sequences are matched without regard to order: Myers' algorithm may take the product.
const LONGEST_SEQUENCE: usize = 5_000;

/// The pairs of sites, from either side.
#[derive(Debug)]
pub(super) struct SitePairs {
    pub(super) to_new: Vec<Option<SiteId>>,
    pub(super) to_old: Vec<Option<SiteId>>,
    /// Whether some were matched by what they call and their order alone, as they were too many.
    pub(super) is_coarse: bool,
}

impl SitePairs {
    fn add(&mut self, old: SiteId, new: SiteId) {
        self.to_new[old] = Some(new);
        self.to_old[new] = Some(old);
    }
}

/// Match the sites of two versions.
pub(super) fn match_sites(old: &FileVersion, new: &FileVersion, scopes: &ScopePairs) -> SitePairs {
    let mut pairing = Pairing {
        old,
        new,
        pairs: SitePairs {
            to_new: vec![None; old.extracted.sites.len()],
            to_old: vec![None; new.extracted.sites.len()],
            is_coarse: false,
        },
        left: MOST_COMPARED,
    };
    let scope_pairs: Vec<(&[SiteId], &[SiteId])> = scopes
        .to_new
        .iter()
        .enumerate()
        .filter_map(|(a, b)| {
            Some((&old.extracted.scopes[a].sites[..], &new.extracted.scopes[(*b)?].sites[..]))
        })
        .filter(|(a, b)| !a.is_empty() && !b.is_empty())
        .collect();
    for &(olds, news) in &scope_pairs {
        pairing.in_order(olds, news, |key| key.deep);
        pairing.in_order(olds, news, |key| key.text);
        pairing.in_any_order(olds, news, |key| key.deep);
        pairing.in_order(olds, news, |key| key.shallow);
        pairing.in_any_order(olds, news, |key| key.shallow);
    }
    pairing.moved(scopes);
    for &(olds, news) in &scope_pairs {
        // A pair may be the evidence for a pair inside of it, and calls lie in so many others at most.
        for _ in 0..DEEPEST {
            if !pairing.most_alike(olds, news) {
                break;
            }
        }
    }
    pairing.pairs
}

struct Pairing<'v, 'a> {
    old: &'v FileVersion<'a>,
    new: &'v FileVersion<'a>,
    pairs: SitePairs,
    /// How many pairs may still be compared.
    left: usize,
}

impl Pairing<'_, '_> {
    fn free(&self, olds: &[SiteId], news: &[SiteId]) -> (Vec<SiteId>, Vec<SiteId>) {
        let old = olds.iter().copied().filter(|&site| self.pairs.to_new[site].is_none()).collect();
        let new = news.iter().copied().filter(|&site| self.pairs.to_old[site].is_none()).collect();
        (old, new)
    }

    fn in_order(&mut self, olds: &[SiteId], news: &[SiteId], by: impl Fn(&Key) -> u64) {
        let (olds, news) = self.free(olds, news);
        if olds.is_empty() || news.is_empty() || olds.len().max(news.len()) > LONGEST_SEQUENCE {
            return;
        }
        let old_keys: Vec<u64> = olds.iter().map(|&site| by(&self.old.keys[site])).collect();
        let new_keys: Vec<u64> = news.iter().map(|&site| by(&self.new.keys[site])).collect();
        for op in capture_diff_slices(Algorithm::Myers, &old_keys, &new_keys) {
            if let DiffOp::Equal { old_index, new_index, len } = op {
                (0..len).for_each(|at| self.pairs.add(olds[old_index + at], news[new_index + at]));
            }
        }
    }

    fn in_any_order(&mut self, olds: &[SiteId], news: &[SiteId], by: impl Fn(&Key) -> u64) {
        let (olds, news) = self.free(olds, news);
        let mut by_key: HashMap<u64, Vec<SiteId>> = HashMap::new();
        for &site in olds.iter().rev() {
            by_key.entry(by(&self.old.keys[site])).or_default().push(site);
        }
        for site in news {
            if let Some(other) = by_key.get_mut(&by(&self.new.keys[site])).and_then(Vec::pop) {
                self.pairs.add(other, site);
            }
        }
    }

    /// The same call in another function, where one of the two came or went with this change: code that
    /// moved into a function of its own, or back.
    fn moved(&mut self, scopes: &ScopePairs) {
        let olds: Vec<SiteId> = (0..self.old.keys.len()).collect();
        let news: Vec<SiteId> = (0..self.new.keys.len()).collect();
        let (olds, news) = self.free(&olds, &news);
        let mut by_key: HashMap<u64, Vec<SiteId>> = HashMap::new();
        for &site in olds.iter().rev() {
            by_key.entry(self.old.keys[site].deep).or_default().push(site);
        }
        for site in news {
            let Some(others) = by_key.get_mut(&self.new.keys[site].deep) else { continue };
            let came = scopes.to_old[self.new.extracted.sites[site].scope].is_none();
            let fits = |other: &SiteId| {
                let went = scopes.to_new[self.old.extracted.sites[*other].scope].is_none();
                came || went
            };
            let first = others.len().saturating_sub(MOST_SAME);
            if let Some(position) = others[first..].iter().rposition(fits) {
                let other = others.remove(first + position);
                self.pairs.add(other, site);
            }
        }
    }

    fn most_alike(&mut self, olds: &[SiteId], news: &[SiteId]) -> bool {
        let gaps = Gaps::new(self, olds, news);
        let (olds, news) = self.free(olds, news);
        if olds.is_empty() || news.is_empty() {
            return false;
        }
        let few = olds.len() * news.len() <= MOST_PAIRS;
        let compared = if few { olds.len() * news.len() } else { olds.len() * MOST_SAME };
        work::count(compared.min(self.left));
        match self.left.checked_sub(compared) {
            Some(left) => self.left = left,
            None => {
                self.in_any_order(&olds, &news, |key| key.callee);
                self.pairs.is_coarse = true;
                return false;
            }
        }
        let places = [Place::of_all(self.old, &olds), Place::of_all(self.new, &news)];
        let mut by_callee: HashMap<u64, Vec<usize>> = HashMap::new();
        for (j, &new) in news.iter().enumerate() {
            by_callee.entry(self.new.keys[new].callee).or_default().push(j);
        }
        let mut alike: Vec<(u32, usize, usize, usize)> = Vec::new();
        let every: Vec<usize> = if few { (0..news.len()).collect() } else { Vec::new() };
        // How many of the same callee came before, of how many.
        let mut ranks: HashMap<u64, (usize, usize)> = HashMap::new();
        for &old in &olds {
            ranks.entry(self.old.keys[old].callee).or_default().1 += 1;
        }
        for (i, &old) in olds.iter().enumerate() {
            let callee = self.old.keys[old].callee;
            let same = by_callee.get(&callee).map_or(&[][..], Vec::as_slice);
            let (rank, count) = ranks.entry(callee).or_default();
            // Those that stand about where this one does, so that a file of one call a million times ends too.
            let middle = *rank * same.len() / (*count).max(1);
            *rank += 1;
            let first = middle.saturating_sub(MOST_SAME / 2).min(same.len().saturating_sub(MOST_SAME));
            let near = &same[first..same.len().min(first + MOST_SAME)];
            let candidates = if few { &every[..] } else { near };
            for &j in candidates {
                let likeness = self.likeness((old, places[0][i]), (news[j], places[1][j]), &gaps);
                if likeness >= ENOUGH {
                    let distance = gaps.position(0, old).abs_diff(gaps.position(1, news[j]));
                    alike.push((likeness, distance, i, j));
                }
            }
        }
        alike.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)).then((a.2, a.3).cmp(&(b.2, b.3))));
        let mut found = false;
        for (_, _, i, j) in alike {
            if self.pairs.to_new[olds[i]].is_none() && self.pairs.to_old[news[j]].is_none() {
                self.pairs.add(olds[i], news[j]);
                found = true;
            }
        }
        found
    }

    /// Evidence that two calls are the same one, edited. In eighths, so that a sum is exact.
    fn likeness(
        &self,
        (old, old_place): (SiteId, Place),
        (new, new_place): (SiteId, Place),
        gaps: &Gaps,
    ) -> u32 {
        let (a, b) = (&self.old.extracted.sites[old], &self.new.extracted.sites[new]);
        if a.decorator != b.decorator {
            return 0;
        }
        let callee = self.callee_likeness(old, new);
        let mut sum = self.argument_likeness(a, b);
        let placed = match (a.parent, b.parent) {
            (Some(a_parent), Some(b_parent)) => {
                self.pairs.to_new[a_parent] == Some(b_parent) && old_place.slot == new_place.slot
            }
            (None, None) => old_place.shell.is_some() && old_place.shell == new_place.shell,
            _ => false,
        };
        if placed {
            sum += SAME_PLACE;
        }
        if gaps.same(old, new) {
            sum += if gaps.alone(old) { ALONE_IN_GAP } else { SAME_GAP };
        }
        // Two calls of `print` far apart are not one call, edited.
        if sum == 0 { 0 } else { sum + callee }
    }

    fn callee_likeness(&self, old: SiteId, new: SiteId) -> u32 {
        if self.old.keys[old].callee == self.new.keys[new].callee {
            return SAME_CALLEE;
        }
        let deep = |version: &FileVersion, item: Option<ItemId>| {
            item.map(|item| version.extracted.syntax.items[item].deep)
        };
        let equal = |a: Option<u64>, b: Option<u64>| a.is_some() && a == b;
        let (old_name, new_name) = (self.old.last_name(old), self.new.last_name(new));
        if equal(deep(self.old, old_name), deep(self.new, new_name)) {
            return SAME_NAME;
        }
        let mut sum = 0;
        if equal(deep(self.old, self.old.receiver(old)), deep(self.new, self.new.receiver(new))) {
            sum += SAME_RECEIVER;
        }
        if let (Some(a), Some(b)) = (old_name, new_name) {
            let (a, b) = (self.old.extracted.syntax.text(a), self.new.extracted.syntax.text(b));
            if a.len().max(b.len()) < 60 && strsim::normalized_levenshtein(&a, &b) >= 0.5 {
                sum += SIMILAR_NAME;
            }
        }
        sum
    }

    fn argument_likeness(&self, a: &Site, b: &Site) -> u32 {
        if a.arguments.is_empty() && b.arguments.is_empty() {
            return NO_ARGUMENTS;
        }
        let hashes = |version: &FileVersion, site: &Site| -> Vec<u64> {
            let syntax = &version.extracted.syntax;
            let of = |item: ItemId| syntax.items[item].deep;
            let mut hashes: Vec<u64> = site
                .arguments
                .iter()
                .take(64)
                .map(|argument| {
                    let mut hash = Hash::new(of(argument.item));
                    if let Given::Keyword(name) = argument.given {
                        hash.add(of(name));
                    }
                    hash.finish()
                })
                .collect();
            hashes.sort_unstable();
            hashes
        };
        let (a, mut b) = (hashes(self.old, a), hashes(self.new, b));
        let longer = a.len().max(b.len());
        let common = a
            .iter()
            .filter(|hash| b.iter().position(|other| other == *hash).map(|at| b.remove(at)).is_some())
            .count();
        u32::try_from(common).unwrap_or(0) * SAME_ARGUMENTS / u32::try_from(longer).unwrap_or(1)
    }
}

/// How much likeness makes a pair.
const ENOUGH: u32 = 32;
const SAME_CALLEE: u32 = 48;
const SAME_NAME: u32 = 24;
const SAME_RECEIVER: u32 = 16;
const SIMILAR_NAME: u32 = 12;
const SAME_ARGUMENTS: u32 = 32;
const NO_ARGUMENTS: u32 = 8;
const SAME_PLACE: u32 = 24;
const SAME_GAP: u32 = 8;
const ALONE_IN_GAP: u32 = 16;

/// Where a call stands.
#[derive(Debug, Clone, Copy)]
struct Place {
    slot: Option<u64>,
    shell: Option<u64>,
}

impl Place {
    /// Of each of these; what they lie in together is looked at once.
    fn of_all(version: &FileVersion, sites: &[SiteId]) -> Vec<Self> {
        let mut blocks = HashMap::new();
        let mut place = |&site: &SiteId| {
            let site = &version.extracted.sites[site];
            Self { slot: slot(version, site), shell: shell(version, site, &mut blocks) }
        };
        sites.iter().map(&mut place).collect()
    }
}

/// Where in the call around it a call stands: as receiver, or in which argument.
fn slot(version: &FileVersion, site: &Site) -> Option<u64> {
    let parent = &version.extracted.sites[site.parent?];
    let syntax = &version.extracted.syntax;
    let holds = |item: ItemId| syntax.subtree(item).contains(&site.item);
    if parent.callee.is_some_and(holds) {
        return Some(0);
    }
    let index = parent.arguments.partition_point(|argument| argument.item <= site.item).checked_sub(1)?;
    if !holds(parent.arguments[index].item) {
        return None;
    }
    match parent.arguments[index].given {
        Given::Keyword(name) => Some(syntax.items[name].deep),
        _ => u64::try_from(index + 1).ok(),
    }
}

/// The statement around a call, with its calls as marks: `x = CALL + 1`. None for a bare call, which
/// tells nothing.
fn shell(version: &FileVersion, site: &Site, blocks: &mut HashMap<ItemId, bool>) -> Option<u64> {
    let Extracted { syntax, .. } = &version.extracted;
    let mut holds_block = |item: ItemId| {
        let is_block = |child| matches!(syntax.kind(child), Kind::Block | Kind::Decorated);
        *blocks.entry(item).or_insert_with(|| {
            matches!(syntax.kind(item), Kind::Module | Kind::Block) || syntax.children(item).any(is_block)
        })
    };
    let mut at = site.item;
    while !holds_block(syntax.items[at].parent) {
        at = syntax.items[at].parent;
    }
    let bare = at == site.item
        || (syntax.kind(at) == Kind::ExpressionStatement
            && syntax.items[at].after - at
                <= 1 + syntax.subtree(site.item).len() + usize::from(site.awaited));
    (!bare).then(|| syntax.items[at].shallow)
}

/// Where sites stand between those that are already paired.
struct Gaps {
    /// The gap and the position of each site.
    places: [HashMap<SiteId, (usize, usize)>; 2],
    /// How many sites without a pair, outside of others of those, each gap has.
    free: [HashMap<usize, usize>; 2],
}

impl Gaps {
    fn new(pairing: &Pairing, olds: &[SiteId], news: &[SiteId]) -> Self {
        let mut gaps =
            Self { places: [HashMap::new(), HashMap::new()], free: [HashMap::new(), HashMap::new()] };
        let (to_new, to_old) = (&pairing.pairs.to_new, &pairing.pairs.to_old);
        // A gap is named by the site of the new version before it.
        gaps.fill(0, olds, &pairing.old.extracted.sites, |site| to_new[site]);
        gaps.fill(1, news, &pairing.new.extracted.sites, |site| to_old[site].map(|_| site));
        gaps
    }

    fn fill(
        &mut self,
        side: usize,
        of: &[SiteId],
        sites: &[Site],
        paired: impl Fn(SiteId) -> Option<SiteId>,
    ) {
        let mut gap = 0;
        for (position, &site) in of.iter().enumerate() {
            match paired(site) {
                Some(new) => gap = new + 1,
                None if sites[site].parent.is_none_or(|parent| paired(parent).is_some()) => {
                    *self.free[side].entry(gap).or_default() += 1;
                }
                None => {}
            }
            self.places[side].insert(site, (gap, position));
        }
    }

    fn gap(&self, side: usize, site: SiteId) -> Option<usize> {
        self.places[side].get(&site).map(|&(gap, _)| gap)
    }

    fn position(&self, side: usize, site: SiteId) -> usize {
        self.places[side].get(&site).map_or(0, |&(_, position)| position)
    }

    fn same(&self, old: SiteId, new: SiteId) -> bool {
        self.gap(0, old).is_some() && self.gap(0, old) == self.gap(1, new)
    }

    /// Whether the gap of a site has one call on each side.
    fn alone(&self, old: SiteId) -> bool {
        self.gap(0, old).is_some_and(|gap| self.free.iter().all(|side| side.get(&gap) == Some(&1)))
    }
}
