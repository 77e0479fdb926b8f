//! Expressions that became an argument or the receiver of a new call: `x` → `f(x)`, `x` → `x.f()`.

use std::collections::HashMap;

use super::extract::SiteId;
use super::file_version::FileVersion;
use super::flat_tree::ItemId;
use super::grammar::Kind;

/// Of so many expressions it is asked whether a call came around them: of one that has a list for arguments, the first.
const MOST_INNER: usize = 32;
/// What is larger than this, in items, is not computed anew for each call in it.
const LARGEST: usize = 2_000;

/// Calls around calls, at most: `x` → `f(g(h(x)))`.
const DEEPEST: usize = 4;

/// What a new call may have been put around: its receiver and its arguments, and those of calls among
/// them, but only of calls for which `is_new` holds.
pub(super) fn inner_expressions(
    version: &FileVersion,
    site: SiteId,
    is_new: &dyn Fn(SiteId) -> bool,
) -> Vec<ItemId> {
    let by_item: HashMap<ItemId, SiteId> = version
        .extracted
        .sites
        .iter()
        .enumerate()
        .skip(site)
        .take_while(|(_, other)| {
            other.item < version.extracted.syntax.items[version.extracted.sites[site].item].after
        })
        .map(|(id, other)| (other.item, id))
        .collect();
    let mut found = Vec::new();
    let mut open = vec![site];
    for _ in 0..DEEPEST {
        let mut next = Vec::new();
        for site in open {
            let this = &version.extracted.sites[site];
            let inner =
                version.receiver(site).into_iter().chain(this.arguments.iter().map(|argument| argument.item));
            for item in inner {
                found.push(item);
                next.extend(by_item.get(&item).copied().filter(|&inner| is_new(inner)));
            }
        }
        open = next;
    }
    found.truncate(MOST_INNER);
    found
}

/// Hashes of expressions that are oftener in one version of a scope than in the other, with the first of each.
pub(super) struct Lost(HashMap<u64, (i32, ItemId)>);

impl Lost {
    pub(super) fn new(from: &FileVersion, root: ItemId, to: &FileVersion, other: ItemId) -> Self {
        let mut counts: HashMap<u64, (i32, ItemId)> = HashMap::new();
        let (ours, theirs) = (&from.extracted.syntax, &to.extracted.syntax);
        for item in ours.subtree(root) {
            counts.entry(ours.items[item].deep).or_insert((0, item)).0 += 1;
        }
        for item in theirs.subtree(other) {
            if let Some((count, _)) = counts.get_mut(&theirs.items[item].deep) {
                *count -= 1;
            }
        }
        counts.retain(|_, (count, _)| *count > 0);
        Self(counts)
    }

    fn contains(&self, hash: u64) -> bool {
        self.0.contains_key(&hash)
    }

    /// The first with this hash.
    pub(super) fn first(&self, hash: u64) -> Option<ItemId> {
        self.0.get(&hash).map(|&(_, item)| item)
    }
}

/// The expression that a new call, outside of other calls, was put around: with the expression in the
/// place of the call, what is around it was in the other version and is not in this one.
pub(super) fn wrapped_in_place(
    version: &FileVersion,
    site: SiteId,
    lost: &Lost,
    is_new: &dyn Fn(SiteId) -> bool,
) -> Option<ItemId> {
    let syntax = &version.extracted.syntax;
    let (_, around) = place(version, site);
    let tells_nothing =
        matches!(syntax.kind(around), Kind::Arguments | Kind::KeywordArgument | Kind::Module | Kind::Block);
    if tells_nothing || syntax.subtree(around).len() > LARGEST {
        return None;
    }
    inner_expressions(version, site, is_new)
        .into_iter()
        .find(|&inner| lost.contains(unwrapped_around(version, site, inner)))
}

/// The hash of what is around a call, with an expression in the place of the call.
pub(super) fn unwrapped_around(version: &FileVersion, site: SiteId, inner: ItemId) -> u64 {
    let syntax = &version.extracted.syntax;
    let (item, around) = place(version, site);
    syntax.hash_with(around, item, syntax.items[inner].deep)
}

/// The call (with its `await`) and what is directly around it.
fn place(version: &FileVersion, site: SiteId) -> (ItemId, ItemId) {
    let syntax = &version.extracted.syntax;
    let site = &version.extracted.sites[site];
    let item = if site.awaited { syntax.items[site.item].parent } else { site.item };
    (item, syntax.items[item].parent)
}

/// The same inside of an argument (or receiver) of a call that is on both sides: with the expression in
/// the place of the call, the argument is what it was.
pub(super) fn wrapped_in_argument(
    version: &FileVersion,
    site: SiteId,
    argument: ItemId,
    before: u64,
    is_new: &dyn Fn(SiteId) -> bool,
) -> Option<ItemId> {
    let syntax = &version.extracted.syntax;
    let item = version.extracted.sites[site].item;
    if !syntax.subtree(argument).contains(&item) || syntax.subtree(argument).len() > LARGEST {
        return None;
    }
    inner_expressions(version, site, is_new)
        .into_iter()
        .find(|&inner| syntax.hash_with(argument, item, syntax.items[inner].deep) == before)
}
