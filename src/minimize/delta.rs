//! Delta debugging: which sets of edits make the good version fail, with few trials and many at a time.
//!
//! The goal is that of *ddmin* (Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input",
//! 2002): a set of edits that fails and of which nothing can be left out, with trials that fail, pass or say
//! nothing. The way is another. Edits are put in a row, the most suspicious first (as in Wang and others,
//! "Probabilistic Delta Debugging", 2021, where ddmin's subsets are chosen by probability), and the shortest
//! beginning of the row that fails is looked for by halving what suspicion is left; its last edit is needed.
//! With that one applied, the rest of the row is searched again (the *progression* of Marques-Silva, Janota and
//! Belov, "Minimal Sets over Monotone Predicates", 2013). A set of one edit among *n* costs about log₂ *n* trials,
//! and one when the first guess is right; nothing assumes that more edits fail more.
//!
//! The search is written as if each trial answered at once. It runs from the beginning each time, over what is
//! [`Known`]; the first question without an answer is what to test next. For more free slots it runs on with
//! either answer assumed, the more probable branch first, so what is tested at the same time is what is most
//! likely to be asked. That is also how the converse is tested beside the first guess.

use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use super::EditSet;

/// What a trial of the good version with some edits showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The failure that is searched for.
    Fails,
    /// It passes.
    Passes,
    /// Neither: it fails otherwise, or cannot run.
    Unresolved,
}

/// What is known, by the set of edits that was applied.
#[derive(Debug, Clone, Default)]
pub struct Known(BTreeMap<EditSet, Outcome>);

impl Known {
    /// Record an outcome.
    pub fn record(&mut self, applied: EditSet, outcome: Outcome) {
        self.0.insert(applied, outcome);
    }

    /// The outcome with these edits.
    #[must_use]
    pub fn get(&self, applied: &EditSet) -> Option<Outcome> {
        self.0.get(applied).copied()
    }

    /// The smallest set that is known to fail.
    #[must_use]
    pub fn smallest_failing(&self) -> Option<&EditSet> {
        let failing = self.0.iter().filter(|(_, outcome)| **outcome == Outcome::Fails);
        failing.map(|(applied, _)| applied).min_by_key(|applied| applied.len())
    }
}

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
    NotShown(Outcome),
}

/// What the search ends with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Sets of edits, each of which fails by itself and has nothing to leave out. More than one when the failure
    /// has several causes.
    pub causes: Vec<EditSet>,
    /// Whether the bad version without all of them passes.
    pub necessity: Necessity,
}

impl Answer {
    /// Whether trials showed that the failure goes when the causes go.
    #[must_use]
    pub const fn is_necessary(&self) -> bool {
        matches!(self.necessity, Necessity::Proven | Necessity::With { proven: true, .. })
    }
}

/// Edits to be searched: how suspicious each is, and which others it needs.
#[derive(Debug, Clone)]
pub struct Search {
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
/// Hypothetical questions less probable than this are not asked.
const LEAST_PROBABLE: f64 = 0.02;

type Asked<T> = Result<T, Question>;

impl Search {
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
    pub fn for_what_hides(self, cause: EditSet) -> Self {
        Self { hidden: Some(cause), ..self }
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

    /// These edits and all that need them: what has to go when they go.
    #[must_use]
    pub fn with_users(&self, edits: &EditSet) -> EditSet {
        edits.iter().flat_map(|edit| self.above[edit].iter()).collect()
    }

    /// What is known before any trial: nothing applied passes, everything applied fails (otherwise, when what hides a
    /// cause is looked for).
    #[must_use]
    pub fn given(&self) -> Known {
        let mut known = Known::default();
        known.record(EditSet::default(), Outcome::Passes);
        let all = if self.hidden.is_none() { Outcome::Fails } else { Outcome::Unresolved };
        known.record(EditSet::all(self.len()), all);
        known
    }

    /// The answer, when what is known suffices for it.
    #[must_use]
    pub fn answer(&self, known: &Known) -> Option<Answer> {
        self.run(known, &BTreeMap::new()).ok()
    }

    /// Up to `most` sets of edits to test, the one that is needed in any case first, then those that are most likely
    /// to be needed. Empty when the answer is there.
    #[must_use]
    pub fn wanted(&self, known: &Known, most: usize) -> Vec<EditSet> {
        let mut wanted: Vec<EditSet> = Vec::new();
        let mut seen = BTreeSet::new();
        let mut branches = BinaryHeap::from([Branch { probability: 1.0, assumed: BTreeMap::new() }]);
        while let Some(Branch { probability, assumed }) = branches.pop() {
            if wanted.len() >= most || probability < LEAST_PROBABLE {
                break;
            }
            let Err(Question { applied, fails }) = self.run(known, &assumed) else { continue };
            for (outcome, likely) in [(Outcome::Fails, fails), (Outcome::Passes, 1.0 - fails)] {
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

    fn run(&self, known: &Known, assumed: &BTreeMap<EditSet, Outcome>) -> Asked<Answer> {
        let ask = |applied: &EditSet, fails: f64| {
            let outcome = known.get(applied).or_else(|| assumed.get(applied).copied());
            outcome.ok_or_else(|| Question { applied: applied.clone(), fails })
        };
        match &self.hidden {
            None => self.causes(&ask),
            Some(cause) => self.hiding(cause, &ask),
        }
    }

    /// What hides a cause: the edits without which the whole fails in the target's way.
    fn hiding(&self, cause: &EditSet, ask: &impl Fn(&EditSet, f64) -> Asked<Outcome>) -> Asked<Answer> {
        let all = EditSet::all(self.len());
        let fails = |gone: &EditSet, likely: f64| Ok(ask(&all.without(gone), likely)? == Outcome::Fails);
        let others = all.without(&self.below_all(cause));
        let found = self.grow(row(&others, &self.weights, &self.above), &self.above, &fails)?;
        Ok(Answer { causes: vec![found], necessity: Necessity::Proven })
    }

    fn below_all(&self, edits: &EditSet) -> EditSet {
        edits.iter().flat_map(|edit| self.below[edit].iter()).collect()
    }

    /// The causes one after the other, until the bad version without them no longer fails.
    fn causes(&self, ask: &impl Fn(&EditSet, f64) -> Asked<Outcome>) -> Asked<Answer> {
        let all = EditSet::all(self.len());
        let mut causes: Vec<EditSet> = Vec::new();
        let mut rest = all.clone();
        loop {
            let cause = self.minimal(&rest, ask)?;
            rest = rest.without(&self.with_users(&cause));
            causes.push(cause);
            let necessity = match ask(&rest, SURPRISE)? {
                Outcome::Passes => Necessity::Proven,
                Outcome::Fails
                    if causes.len() == 1 && self.same_elsewhere_is_all(&all, &rest, &causes, ask)? =>
                {
                    let others = self.elsewhere(&rest, &causes);
                    let proven = ask(&all.without(&others), 1.0 - SURPRISE)? == Outcome::Fails;
                    Necessity::With { others, proven }
                }
                Outcome::Fails if causes.len() < MOST_CAUSES => continue,
                Outcome::Fails => Necessity::NotShown(Outcome::Fails),
                Outcome::Unresolved => self.what_else_has_to_go(&all, &rest, &causes, ask)?,
            };
            return Ok(Answer { causes, necessity });
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
        ask: &impl Fn(&EditSet, f64) -> Asked<Outcome>,
    ) -> Asked<bool> {
        let others = self.elsewhere(rest, causes);
        let gone = others.with(&all.without(rest));
        Ok(!others.is_empty() && ask(&all.without(&gone), SURPRISE)? == Outcome::Passes)
    }

    /// A set within another that fails, of which nothing can be left out. The other is known to fail.
    fn minimal(&self, within: &EditSet, ask: &impl Fn(&EditSet, f64) -> Asked<Outcome>) -> Asked<EditSet> {
        let fails = |applied: &EditSet, likely: f64| Ok(ask(applied, likely)? == Outcome::Fails);
        let row = row(within, &self.weights, &self.below);
        let found = self.grow(row, &self.below, &fails)?;
        self.leave_out(found, &fails)
    }

    /// Edits of a row that are needed, each with what it needs, until it holds; it holds with the whole row.
    fn grow(
        &self,
        mut row: Vec<usize>,
        below: &[EditSet],
        holds: &impl Fn(&EditSet, f64) -> Asked<bool>,
    ) -> Asked<EditSet> {
        let mut kept = EditSet::default();
        loop {
            let count = self.beginning(&kept, &row, &self.weights, ENOUGH, holds)?;
            let Some(last) = count.checked_sub(1) else { return Ok(kept) };
            kept = kept.with(&below[row[last]]);
            row.truncate(last);
            row.retain(|&edit| !kept.contains(edit));
        }
    }

    /// How many of the row are needed beside `kept`, from its beginning, until it holds; it holds with all of them.
    /// `enough` is the probability that none are.
    fn beginning(
        &self,
        kept: &EditSet,
        row: &[usize],
        weights: &[f64],
        enough: f64,
        holds: &impl Fn(&EditSet, f64) -> Asked<bool>,
    ) -> Asked<usize> {
        // The weight of each answer: that nothing more is needed, or that this edit is the last of those needed.
        let mut shares = vec![0.0];
        shares.extend(row.iter().map(|&edit| weights[edit]));
        shares[0] = shares.iter().sum::<f64>() * enough / (1.0 - enough);
        let (mut from, mut to) = (0, row.len());
        while from < to {
            let (cut, likely) = halve(&shares[from..=to]);
            let applied = kept.with(&row[..from + cut].iter().copied().collect());
            if holds(&applied, likely)? {
                to = from + cut;
            } else {
                from += cut + 1;
            }
        }
        Ok(to)
    }

    /// Leave out what can be left out, one by one (with what needs it).
    fn leave_out(&self, mut found: EditSet, holds: &impl Fn(&EditSet, f64) -> Asked<bool>) -> Asked<EditSet> {
        loop {
            let before = found.clone();
            for edit in before.iter() {
                let fewer = found.without(&self.above[edit]);
                if fewer != found && holds(&fewer, SURPRISE)? {
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
        ask: &impl Fn(&EditSet, f64) -> Asked<Outcome>,
    ) -> Asked<Necessity> {
        let passes =
            |gone: &EditSet, likely: f64| Ok(ask(&all.without(gone), 1.0 - likely)? == Outcome::Passes);
        let gone = all.without(rest);
        let weights = self.closeness(&gone);
        let row = row(rest, &weights, &self.above);
        let count = self.beginning(&gone, &row, &weights, 0.0, &passes)?;
        let gone = gone.with(&row[..count].iter().copied().collect());
        let causes: EditSet = causes.iter().flat_map(EditSet::iter).collect();
        let others = gone.without(&causes);
        let proven = ask(&all.without(&others), 1.0 - SURPRISE)? == Outcome::Fails;
        Ok(Necessity::With { others, proven })
    }

    /// How near each edit is to some others: a quarter for each tie between.
    fn closeness(&self, to: &EditSet) -> Vec<f64> {
        let mut closeness = vec![1e-3; self.len()];
        let mut level: Vec<usize> = to.iter().collect();
        let mut weight = 1.0;
        while !level.is_empty() {
            weight /= 4.0;
            let tied = level.iter().flat_map(|&edit| self.ties.get(edit).into_iter().flatten().copied());
            let mut next = Vec::new();
            for edit in tied {
                if closeness[edit] < weight && !to.contains(edit) {
                    closeness[edit] = weight;
                    next.push(edit);
                }
            }
            level = next;
        }
        closeness
    }
}

/// Everything that can be reached from an edit through its needs, itself included.
fn reach(edit: usize, needs: &[Vec<usize>]) -> EditSet {
    let mut reached = EditSet::default();
    let mut waiting = vec![edit];
    while let Some(edit) = waiting.pop() {
        if reached.insert(edit) {
            waiting.extend(needs.get(edit).into_iter().flatten());
        }
    }
    reached
}

/// The edits of a set in a row, the most suspicious first, each after what it needs.
fn row(within: &EditSet, weights: &[f64], below: &[EditSet]) -> Vec<usize> {
    let mut by_weight: Vec<usize> = within.iter().collect();
    by_weight.sort_by(|&a, &b| weights[b].total_cmp(&weights[a]));
    let mut placed = EditSet::default();
    let mut row = Vec::new();
    for edit in by_weight {
        let mut needed: Vec<usize> =
            below[edit].iter().filter(|&other| within.contains(other) && !placed.contains(other)).collect();
        // What is needed by more comes first; edits that need each other come together.
        needed.sort_by_key(|&other| (below[other].len(), other));
        for other in needed {
            placed.insert(other);
            row.push(other);
        }
    }
    row
}

/// Where to cut a row of weights so that both sides weigh about the same: the last index of the first side, and
/// the share of weight in it. There are at least two.
fn halve(weights: &[f64]) -> (usize, f64) {
    let total: f64 = weights.iter().sum();
    let mut best = (0, f64::INFINITY);
    let mut sum = 0.0;
    for (at, weight) in weights.iter().enumerate().take(weights.len() - 1) {
        sum += weight;
        let share = sum / total;
        if (share - 0.5).abs() < (best.1 - 0.5).abs() {
            best = (at, share);
        }
    }
    best
}

/// Assumed outcomes, and how probable it is that they come true.
struct Branch {
    probability: f64,
    assumed: BTreeMap<EditSet, Outcome>,
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
