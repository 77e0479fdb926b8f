//! Delta debugging: which sets of edits make the good version fail, with few trials and many at a time.
//!
//! The goal is that of *ddmin* (Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input",
//! 2002): a set of edits that fails and of which nothing can be left out, with trials that fail, pass or say
//! nothing. The way is another. Edits are put in a row, the most suspicious first (as in Wang and others,
//! "Probabilistic Delta Debugging", 2021, where ddmin's subsets are chosen by probability), and the shortest
//! beginning of the row that fails is looked for by halving what suspicion is left; its last edit is needed.
//! With that one applied, the rest is put in a row again, what belongs to that edit first, and searched (the
//! *progression* of Marques-Silva, Janota and Belov, "Minimal Sets over Monotone Predicates", 2013). A set of one edit
//! among *n* costs about log₂ *n* trials, and one when the first guess is right; nothing assumes that more edits
//! fail more.
//!
//! Edits that need others make a hierarchy, and a set is minimal in it (as in Misherghi and Su, "HDD: Hierarchical
//! Delta Debugging", 2006): no edit can be left out that no other one in the set needs.
//!
//! The search is written as if each trial answered at once. It runs from the beginning each time, over what is
//! [`Outcomes`]; the first question without an answer is what to test next. For more free slots it runs on with
//! either answer assumed, the more probable branch first, so what is tested at the same time is what is most
//! likely to be asked. That is also how the converse is tested beside the first guess.

use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use super::ordering::{halve, reach, row};
use super::{EditOutcome, EditSet, Outcomes};

/// Whether the failure goes when the causes are taken out of the bad version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Necessity {
    /// It passes.
    Proven,
    /// It passes only without these too: they cannot stand without the causes, or do the same in another place.
    With {
        /// What has to go as well.
        others: EditSet,
        /// Whether it fails with the causes and without the others, so that the causes make the difference.
        proven: bool,
    },
    /// It still fails, or fails otherwise, and why was not found out.
    NotShown(EditOutcome),
}

/// What the search ends with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EditAnswer {
    /// Sets of edits, each of which fails by itself and has nothing to leave out. More than one when the failure
    /// has several causes.
    pub causes: Vec<EditSet>,
    /// Whether the bad version without all of them passes.
    pub necessity: Necessity,
}

impl EditAnswer {
    /// Whether trials showed that the failure goes when the causes go.
    #[must_use]
    pub const fn is_necessary(&self) -> bool {
        matches!(self.necessity, Necessity::Proven | Necessity::With { proven: true, .. })
    }
}

/// Edits to be searched: how suspicious each is, and which others it needs.
#[derive(Debug, Clone)]
pub struct DeltaDebugger {
    weights: Vec<f64>,
    /// For each edit itself and all that it needs, directly or not.
    below: Vec<EditSet>,
    /// For each edit itself and all that need it.
    above: Vec<EditSet>,
    /// For each edit those that seem to belong to it.
    ties: Vec<Vec<usize>>,
    /// For each edit those that do the same in another place.
    alike: Vec<Vec<usize>>,
    /// A cause, when what hides it is looked for.
    hidden: Option<EditSet>,
}

/// What is known of edits beside their weights; each list may be shorter than there are edits.
#[derive(Debug, Clone, Default)]
pub struct Relations {
    /// For each edit others without which it makes no sense.
    pub needs: Vec<Vec<usize>>,
    /// For each edit others that seem to have been made together with it.
    pub ties: Vec<Vec<usize>>,
    /// For each edit others that do the same in another place.
    pub alike: Vec<Vec<usize>>,
}

/// A question without an answer: a set of edits, and how probable it is to fail.
#[derive(Debug, Clone, PartialEq)]
struct Question {
    applied: EditSet,
    fails: f64,
}

/// Causes beside the first that are looked for.
const MOST_CAUSES: usize = 3;
/// How probable it is that what was found so far fails by itself: most failures have one cause.
const ENOUGH: f64 = 0.7;
/// How probable it is that something is left to leave out, or that the failure has a further cause.
const SURPRISE: f64 = 0.1;
/// How much less suspicious an edit is, beside one that belongs to what was found, when nothing ties both together.
const STRANGER: f64 = 0.02;
/// How much more suspicious an edit is when the failure of a set without it speaks of it.
const LACKING: f64 = 30.0;
/// Hypothetical questions less probable than this are not asked.
const LEAST_PROBABLE: f64 = 0.02;

type Asked<T> = Result<T, Question>;

/// What questions are answered from.
#[derive(Clone, Copy)]
struct Asking<'a> {
    known: &'a Outcomes,
    assumed: &'a BTreeMap<EditSet, EditOutcome>,
}

impl Asking<'_> {
    /// The outcome of a set, which fails with this probability.
    fn outcome(&self, applied: &EditSet, fails: f64) -> Asked<EditOutcome> {
        let outcome = self.known.get(applied).or_else(|| self.assumed.get(applied).copied());
        outcome.ok_or_else(|| Question { applied: applied.clone(), fails })
    }
}

impl DeltaDebugger {
    /// A search over edits with these weights (any positive scale) and relations.
    #[must_use]
    pub fn new(weights: &[f64], relations: &Relations) -> Self {
        let below: Vec<EditSet> = (0..weights.len()).map(|edit| reach(edit, &relations.needs)).collect();
        let above = (0..weights.len())
            .map(|edit| (0..weights.len()).filter(|&other| below[other].contains(edit)).collect())
            .collect();
        let weights = weights.iter().map(|weight| weight.max(1e-9)).collect();
        Self {
            weights,
            below,
            above,
            ties: relations.ties.clone(),
            alike: relations.alike.clone(),
            hidden: None,
        }
    }

    /// Instead of causes, look for what hides one: everything applied fails otherwise, the cause alone fails. The answer
    /// has one set, the edits that hide it.
    #[must_use]
    pub fn for_masking_edits(self, cause: EditSet) -> Self {
        Self { hidden: Some(cause), ..self }
    }

    /// This search with so many times as much suspicion of some edits.
    #[must_use]
    pub fn weighted(mut self, edits: &EditSet, times: f64) -> Self {
        for edit in edits.iter().filter(|&edit| edit < self.weights.len()).collect::<Vec<_>>() {
            self.weights[edit] *= times;
        }
        self
    }

    /// Number of edits.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.weights.len()
    }

    /// Whether there is nothing to search.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.weights.is_empty()
    }

    /// Some edits and all that need them: what has to go when they go.
    #[must_use]
    pub fn with_users(&self, edits: &EditSet) -> EditSet {
        edits.iter().flat_map(|edit| self.above[edit].iter()).collect()
    }

    /// The edits of a set for which all others of it are there: no other needs them, they need all others, and the set
    /// without one of them was seen to pass. Empty when there are no such edits.
    #[must_use]
    pub fn decisive(&self, set: &EditSet, known: &Outcomes) -> EditSet {
        let is_end = |edit: usize| {
            let mut users = set.iter().filter(|&other| self.above[edit].contains(other));
            users.all(|user| self.below[edit].contains(user))
        };
        let passes_without =
            |edit: usize| known.get(&set.without(&self.above[edit])) == Some(EditOutcome::Passes);
        let ends: EditSet = set.iter().filter(|&edit| is_end(edit) && passes_without(edit)).collect();
        if set.is_within(&self.below_all(&ends)) { ends } else { EditSet::default() }
    }

    /// What is known before any trial: nothing applied passes, everything applied fails (otherwise, when what hides a
    /// cause is looked for).
    #[must_use]
    pub fn initial_outcomes(&self) -> Outcomes {
        let mut known = Outcomes::default();
        known.record(EditSet::default(), EditOutcome::Passes);
        let all = if self.hidden.is_none() { EditOutcome::Fails } else { EditOutcome::Unresolved };
        known.record(EditSet::all(self.len()), all);
        known
    }

    /// The answer, when what is known suffices for it.
    #[must_use]
    pub fn answer(&self, known: &Outcomes) -> Option<EditAnswer> {
        self.run(known, &BTreeMap::new()).ok()
    }

    /// Up to `most` sets of edits to test, the one that is needed in any case first, then those that are most likely
    /// to be needed. Empty when the answer is there.
    #[must_use]
    pub fn next_sets(&self, known: &Outcomes, most: usize) -> Vec<EditSet> {
        let mut wanted: Vec<EditSet> = Vec::new();
        let mut seen = BTreeSet::new();
        let mut branches = BinaryHeap::from([Branch { probability: 1.0, assumed: BTreeMap::new() }]);
        while let Some(Branch { probability, assumed }) = branches.pop() {
            if wanted.len() >= most || probability < LEAST_PROBABLE {
                break;
            }
            let Err(Question { applied, fails }) = self.run(known, &assumed) else { continue };
            for (outcome, likely) in [(EditOutcome::Fails, fails), (EditOutcome::Passes, 1.0 - fails)] {
                let mut assumed = assumed.clone();
                assumed.insert(applied.clone(), outcome);
                branches.push(Branch { probability: probability * likely, assumed });
            }
            if seen.insert(applied.clone()) {
                wanted.push(applied);
            }
        }
        wanted
    }

    fn run(&self, known: &Outcomes, assumed: &BTreeMap<EditSet, EditOutcome>) -> Asked<EditAnswer> {
        let asking = Asking { known, assumed };
        match &self.hidden {
            None => self.causes(asking),
            Some(cause) => self.hiding(cause, asking),
        }
    }

    /// What hides a cause: the edits without which the whole fails in the target's way.
    fn hiding(&self, cause: &EditSet, asking: Asking<'_>) -> Asked<EditAnswer> {
        let all = EditSet::all(self.len());
        let fails = |gone: &EditSet, likely: f64| {
            Ok(asking.outcome(&all.without(gone), likely)? == EditOutcome::Fails)
        };
        let others = all.without(&self.below_all(cause));
        let found =
            self.grow(&others, &self.above, &fails, &|gone| asking.known.lacking(&all.without(gone)))?;
        Ok(EditAnswer { causes: vec![found], necessity: Necessity::Proven })
    }

    fn below_all(&self, edits: &EditSet) -> EditSet {
        edits.iter().flat_map(|edit| self.below[edit].iter()).collect()
    }

    /// The causes one after the other, until the bad version without them no longer fails.
    fn causes(&self, asking: Asking<'_>) -> Asked<EditAnswer> {
        let all = EditSet::all(self.len());
        let mut causes: Vec<EditSet> = Vec::new();
        let mut rest = all.clone();
        loop {
            let cause = self.minimal(&rest, asking)?;
            rest = rest.without(&self.with_users(&cause));
            causes.push(cause);
            let necessity = match asking.outcome(&rest, SURPRISE)? {
                EditOutcome::Passes => Necessity::Proven,
                EditOutcome::Fails
                    if causes.len() == 1 && self.same_elsewhere_is_all(&all, &rest, &causes, asking)? =>
                {
                    let others = self.elsewhere(&rest, &causes);
                    let proven = asking.outcome(&all.without(&others), 1.0 - SURPRISE)? == EditOutcome::Fails;
                    Necessity::With { others, proven }
                }
                EditOutcome::Fails if causes.len() < MOST_CAUSES => continue,
                EditOutcome::Fails => Necessity::NotShown(EditOutcome::Fails),
                EditOutcome::Unresolved => self.what_else_has_to_go(&all, &rest, &causes, asking)?,
            };
            return Ok(EditAnswer { causes, necessity });
        }
    }

    /// Edits that do what the causes do in other places, with what needs them.
    fn elsewhere(&self, rest: &EditSet, causes: &[EditSet]) -> EditSet {
        let same =
            causes.iter().flat_map(EditSet::iter).flat_map(|edit| self.alike.get(edit).into_iter().flatten());
        let same: EditSet = same.copied().filter(|&edit| rest.contains(edit)).collect();
        self.with_users(&same)
    }

    /// Whether the bad version passes without the causes and without the same in other places.
    fn same_elsewhere_is_all(
        &self,
        all: &EditSet,
        rest: &EditSet,
        causes: &[EditSet],
        asking: Asking<'_>,
    ) -> Asked<bool> {
        let others = self.elsewhere(rest, causes);
        let gone = others.with(&all.without(rest));
        Ok(!others.is_empty() && asking.outcome(&all.without(&gone), SURPRISE)? == EditOutcome::Passes)
    }

    /// A set within another that fails, of which nothing can be left out. The other is known to fail.
    fn minimal(&self, within: &EditSet, asking: Asking<'_>) -> Asked<EditSet> {
        let fails =
            |applied: &EditSet, likely: f64| Ok(asking.outcome(applied, likely)? == EditOutcome::Fails);
        let found = self.grow(within, &self.below, &fails, &|applied| asking.known.lacking(applied))?;
        self.leave_out(found, &fails)
    }

    /// Edits that are needed, each with what it needs, until it holds; it holds with all of those within. `lacking` tells
    /// what seems to lack when it does not.
    fn grow<'k>(
        &self,
        within: &EditSet,
        below: &[EditSet],
        holds: &impl Fn(&EditSet, f64) -> Asked<bool>,
        lacking: &impl Fn(&EditSet) -> Option<&'k EditSet>,
    ) -> Asked<EditSet> {
        let mut kept = EditSet::default();
        let mut rest = within.clone();
        let mut weights = self.weights.clone();
        while !holds(&kept, ENOUGH)? {
            if !kept.is_empty() {
                let closeness = self.closeness(&kept, lacking(&kept), STRANGER);
                weights = self.weights.iter().zip(closeness).map(|(weight, close)| weight * close).collect();
            }
            let row =
                self.beginning(&kept, row(&rest, &weights, below), weights.clone(), below, holds, lacking)?;
            let Some(&last) = row.last() else { return Ok(kept) };
            kept = kept.with(&below[last]);
            rest = row.into_iter().filter(|&edit| !kept.contains(edit)).collect();
        }
        Ok(kept)
    }

    /// The shortest beginning of a row with which, beside `kept`, it holds; it holds with all of the row, and not with
    /// nothing. What seems to lack in between is moved ahead.
    fn beginning<'k>(
        &self,
        kept: &EditSet,
        mut order: Vec<usize>,
        mut weights: Vec<f64>,
        below: &[EditSet],
        holds: &impl Fn(&EditSet, f64) -> Asked<bool>,
        lacking: &impl Fn(&EditSet) -> Option<&'k EditSet>,
    ) -> Asked<Vec<usize>> {
        // So many at least are needed: it does not hold with fewer.
        let mut least = usize::from(!order.is_empty());
        while least < order.len() {
            // The weight of each answer: that this edit is the last of those needed.
            let shares: Vec<f64> = order[least - 1..].iter().map(|&edit| weights[edit]).collect();
            let (cut, likely) = halve(&shares);
            let applied = kept.with(&order[..least + cut].iter().copied().collect());
            if holds(&applied, likely)? {
                order.truncate(least + cut);
                continue;
            }
            least += cut + 1;
            if let Some(lacking) = lacking(&applied) {
                let open: EditSet = order[least - 1..].iter().copied().collect();
                lacking.iter().for_each(|edit| weights[edit] *= LACKING);
                order.truncate(least - 1);
                order.extend(row(&open, &weights, below));
            }
        }
        Ok(order)
    }

    /// Leave out what can be left out, one by one, of those that no other one needs.
    fn leave_out(&self, mut found: EditSet, holds: &impl Fn(&EditSet, f64) -> Asked<bool>) -> Asked<EditSet> {
        loop {
            let before = found.clone();
            for edit in before.iter() {
                let users = before.iter().filter(|&other| self.above[edit].contains(other));
                let is_needed = users.into_iter().any(|user| !self.below[edit].contains(user));
                let fewer = found.without(&self.above[edit]);
                if !is_needed && fewer != found && holds(&fewer, SURPRISE)? {
                    found = fewer;
                }
            }
            if found == before {
                return Ok(found);
            }
        }
    }

    /// The bad version without the causes fails otherwise: which edits have to go as well, so that it passes. Those
    /// that seem to belong to the causes are tried first.
    fn what_else_has_to_go(
        &self,
        all: &EditSet,
        rest: &EditSet,
        causes: &[EditSet],
        asking: Asking<'_>,
    ) -> Asked<Necessity> {
        let passes = |gone: &EditSet, likely: f64| {
            Ok(asking.outcome(&all.without(gone), 1.0 - likely)? == EditOutcome::Passes)
        };
        let gone = all.without(rest);
        let weights = self.closeness(&gone, asking.known.lacking(rest), 1e-3);
        let order = row(rest, &weights, &self.above);
        let lacking = |gone: &EditSet| asking.known.lacking(&all.without(gone));
        let order = self.beginning(&gone, order, weights, &self.above, &passes, &lacking)?;
        let gone = gone.with(&order.into_iter().collect());
        let causes: EditSet = causes.iter().flat_map(EditSet::iter).collect();
        let others = gone.without(&causes);
        let proven = asking.outcome(&all.without(&others), 1.0 - SURPRISE)? == EditOutcome::Fails;
        Ok(Necessity::With { others, proven })
    }

    /// How near each edit is to some others: wholly when these lack it, a quarter for each tie or need between, and
    /// `stranger` when there are none.
    fn closeness(&self, to: &EditSet, lacking: Option<&EditSet>, stranger: f64) -> Vec<f64> {
        let mut closeness = vec![stranger; self.len()];
        let mut level: Vec<usize> = to.iter().collect();
        let mut weight = 1.0;
        for edit in lacking.into_iter().flat_map(EditSet::iter).filter(|&edit| !to.contains(edit)) {
            closeness[edit] = weight;
        }
        while !level.is_empty() {
            weight /= 4.0;
            let mut next = Vec::new();
            for &edit in &level {
                let tied = self.ties.get(edit).into_iter().flatten().copied();
                for other in tied.chain(self.below[edit].iter()).chain(self.above[edit].iter()) {
                    if closeness[other] < weight && !to.contains(other) {
                        closeness[other] = weight;
                        next.push(other);
                    }
                }
            }
            level = next;
        }
        closeness
    }
}

/// Assumed outcomes, and how probable it is that they come true.
struct Branch {
    probability: f64,
    assumed: BTreeMap<EditSet, EditOutcome>,
}

impl PartialEq for Branch {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Branch {}

impl PartialOrd for Branch {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Branch {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.probability.total_cmp(&other.probability)
    }
}

#[cfg(test)]
mod tests;
