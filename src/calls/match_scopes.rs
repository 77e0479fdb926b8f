//! Which function or class of the old version is which of the new one, across renames and moves.

use std::collections::{HashMap, HashSet, VecDeque};

use super::extract::{Extracted, ScopeId, ScopeKind};
use super::grammar::{Field, Kind};

/// How alike two bodies must be to be one function that was renamed: the Dice coefficient of their
/// statements.
const ALIKE: f64 = 0.5;
/// The same when the name did not change (it was moved).
const ALIKE_WITH_NAME: f64 = 0.3;
/// More pairs than this are not compared one by one.
const MOST_PAIRS: usize = 20_000;
/// Among so many of one name in one place one with the same body is looked for.
const MOST_OF_A_NAME: usize = 100;
/// A shorter body (in items) says nothing about which function it is.
const TELLING_BODY: usize = 6;

/// The pairs, from either side.
#[derive(Debug)]
pub(super) struct ScopePairs {
    pub(super) to_new: Vec<Option<ScopeId>>,
    pub(super) to_old: Vec<Option<ScopeId>>,
}

/// Match the scopes of two versions.
pub(super) fn match_scopes(old: &Extracted, new: &Extracted) -> ScopePairs {
    let mut matching = Matching {
        sides: [Scopes::new(old), Scopes::new(new)],
        pairs: ScopePairs { to_new: vec![None; old.scopes.len()], to_old: vec![None; new.scopes.len()] },
    };
    matching.pair(0, 0);
    matching.pair_equal_bodies();
    matching.pair_alike();
    matching.pairs
}

struct Scopes<'e, 'a> {
    of: &'e Extracted<'a>,
    children: Vec<Vec<ScopeId>>,
    /// Hash of the body, for bodies that tell something.
    bodies: Vec<Option<u64>>,
}

impl<'e, 'a> Scopes<'e, 'a> {
    fn new(of: &'e Extracted<'a>) -> Self {
        let mut children = vec![Vec::new(); of.scopes.len()];
        for (id, scope) in of.scopes.iter().enumerate().skip(1).filter(|(_, scope)| scope.compared) {
            children[scope.parent].push(id);
        }
        let body = |definition| {
            let body = of.syntax.child(definition, Field::Body)?;
            let telling = of.syntax.subtree(body).len() >= TELLING_BODY;
            telling.then(|| of.syntax.items[body].deep)
        };
        let bodies = of.scopes.iter().map(|scope| body(scope.definition)).collect();
        Self { of, children, bodies }
    }

    fn name(&self, scope: ScopeId) -> &str {
        &self.of.scopes[scope].name
    }

    fn kind(&self, scope: ScopeId) -> ScopeKind {
        self.of.scopes[scope].kind
    }

    /// Hashes of the simple statements of a function, or the names of the members of a class, sorted.
    fn features(&self, scope: ScopeId) -> Vec<u64> {
        let syntax = &self.of.syntax;
        let definition = self.of.scopes[scope].definition;
        let mut features: Vec<u64> = match self.kind(scope) {
            ScopeKind::Class => self.children[scope]
                .iter()
                .map(|&child| super::flat_tree::hash_text(self.name(child)))
                .collect(),
            _ => Vec::new(),
        };
        if features.is_empty() {
            let is_simple = |&item: &usize| {
                syntax.kind(syntax.items[item].parent) == Kind::Block
                    && !syntax.children(item).any(|child| syntax.kind(child) == Kind::Block)
            };
            let items = syntax.subtree(definition).skip(1).filter(is_simple);
            features = items.map(|item| syntax.items[item].deep).collect();
        }
        features.sort_unstable();
        features
    }
}

struct Matching<'e, 'a> {
    sides: [Scopes<'e, 'a>; 2],
    pairs: ScopePairs,
}

impl Matching<'_, '_> {
    /// Pair two scopes, and what is in them by name.
    fn pair(&mut self, old: ScopeId, new: ScopeId) {
        let mut open = vec![(old, new)];
        while let Some((old, new)) = open.pop() {
            self.pairs.to_new[old] = Some(new);
            self.pairs.to_old[new] = Some(old);
            open.extend(self.children_by_name(old, new));
        }
    }

    fn children_by_name(&self, old: ScopeId, new: ScopeId) -> Vec<(ScopeId, ScopeId)> {
        let [olds, news] = &self.sides;
        let mut by_name: HashMap<(&str, bool), Vec<ScopeId>> = HashMap::new();
        for &child in olds.children[old].iter().filter(|&&child| self.pairs.to_new[child].is_none()) {
            by_name.entry((olds.name(child), olds.kind(child) == ScopeKind::Class)).or_default().push(child);
        }
        let key = |child| (news.name(child), news.kind(child) == ScopeKind::Class);
        let free: Vec<ScopeId> =
            news.children[new].iter().copied().filter(|&child| self.pairs.to_old[child].is_none()).collect();
        let mut found = Vec::new();
        let mut taken = HashSet::new();
        // Among several of one name (overloads, property setters), equal bodies go first.
        for exactly in [true, false] {
            for &child in &free {
                if taken.contains(&child) {
                    continue;
                }
                let Some(candidates) = by_name.get_mut(&key(child)) else { continue };
                let equal = |other: &ScopeId| {
                    olds.bodies[*other].is_some() && olds.bodies[*other] == news.bodies[child]
                };
                let position = if exactly {
                    candidates.iter().take(MOST_OF_A_NAME).position(equal)
                } else {
                    (!candidates.is_empty()).then_some(0)
                };
                if let Some(position) = position {
                    taken.insert(child);
                    found.push((candidates.remove(position), child));
                }
            }
        }
        found
    }

    fn free(&self, side: usize) -> Vec<ScopeId> {
        let taken = [&self.pairs.to_new, &self.pairs.to_old][side];
        let scopes = &self.sides[side].of.scopes;
        (1..scopes.len()).filter(|&scope| scopes[scope].compared && taken[scope].is_none()).collect()
    }

    fn pair_equal_bodies(&mut self) {
        for same_name in [true, false] {
            // What is inside of a pair may be paired with it: those stay in the lists, and are passed over.
            let key = |this: &Self, side: usize, scope: ScopeId| {
                let scopes = &this.sides[side];
                let name = if same_name { scopes.name(scope).to_owned() } else { String::new() };
                scopes.bodies[scope].map(|body| (body, scopes.kind(scope) == ScopeKind::Class, name))
            };
            let mut by_body: HashMap<_, VecDeque<ScopeId>> = HashMap::new();
            for old in self.free(0) {
                if let Some(key) = key(self, 0, old) {
                    by_body.entry(key).or_default().push_back(old);
                }
            }
            for new in self.free(1) {
                let Some(key) = key(self, 1, new).filter(|_| self.pairs.to_old[new].is_none()) else {
                    continue;
                };
                let Some(olds) = by_body.get_mut(&key) else { continue };
                while let Some(old) = olds.pop_front() {
                    if self.pairs.to_new[old].is_none() {
                        self.pair(old, new);
                        break;
                    }
                }
            }
        }
    }

    fn pair_alike(&mut self) {
        let (olds, news) = (self.free(0), self.free(1));
        if olds.len() * news.len() > MOST_PAIRS {
            return;
        }
        let features = |side: usize, scopes: &[ScopeId]| -> Vec<Vec<u64>> {
            scopes.iter().map(|&scope| self.sides[side].features(scope)).collect()
        };
        let (old_features, new_features) = (features(0, &olds), features(1, &news));
        let mut alike: Vec<(f64, usize, usize)> = Vec::new();
        for (i, &old) in olds.iter().enumerate() {
            for (j, &new) in news.iter().enumerate() {
                if self.sides[0].kind(old) != self.sides[1].kind(new) {
                    continue;
                }
                let same_name = self.sides[0].name(old) == self.sides[1].name(new);
                let likeness = dice(&old_features[i], &new_features[j]);
                if likeness >= if same_name { ALIKE_WITH_NAME } else { ALIKE } {
                    alike.push((likeness + if same_name { 1.0 } else { 0.0 }, i, j));
                }
            }
        }
        alike.sort_by(|a, b| {
            b.0.total_cmp(&a.0).then((a.1.abs_diff(a.2)).cmp(&b.1.abs_diff(b.2))).then(a.1.cmp(&b.1))
        });
        for (_, i, j) in alike {
            let (old, new) = (olds[i], news[j]);
            if self.pairs.to_new[old].is_none() && self.pairs.to_old[new].is_none() {
                self.pair(old, new);
            }
        }
    }
}

/// Twice the common elements over all elements, of two sorted lists.
fn dice(a: &[u64], b: &[u64]) -> f64 {
    if a.is_empty() || b.is_empty() {
        return 0.0;
    }
    let (mut i, mut j, mut common) = (0, 0, 0_u32);
    while let (Some(x), Some(y)) = (a.get(i), b.get(j)) {
        match x.cmp(y) {
            std::cmp::Ordering::Less => i += 1,
            std::cmp::Ordering::Greater => j += 1,
            std::cmp::Ordering::Equal => (i, j, common) = (i + 1, j + 1, common + 1),
        }
    }
    let all = u32::try_from(a.len() + b.len()).unwrap_or(u32::MAX);
    2.0 * f64::from(common) / f64::from(all)
}
