//! From the commit to the edits that broke it.
//!
//! The difference between the last good and the first bad version is split into edits, and sets of them are tried on
//! the good version until one is proven *sufficient* (it alone makes the good version fail in the target's way, and
//! nothing of it can be left out) and *necessary* (the bad version without it passes). See [`crate::minimize`].
//! With `--find-fix` the same finds the edits that mended it: good and bad have changed places then.
//!
//! The same tells the members of an ambiguous set apart: a commit that fails otherwise, because a second change in it
//! or near it hides the failure, cannot be seen bad or good as a whole, but the edit that broke it can, and the
//! commit that brought the edit is the culprit.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Instant;

use super::breaking_change::{Proven, breaking_change};
use super::error::{EarlyExit, unless_broken};
use super::finished_trial::FinishedTrial;
use super::narrowing_result::{NarrowingResult, NarrowingTask};
use super::package_trial::PackageTask;
use super::partial_tree::partial_tree;
use super::range::SearchRange;
use super::state::Session;
use crate::graph::Node;
use crate::minimize::{DeltaDebugger, EditAnswer, EditList, EditOutcome, EditSet, Necessity, Outcomes};
use crate::model::{
    BreakingChange, CommitId, Culprit, Event, EventKind, FailureSignature, NarrowingSummary,
    PackageSelection, SkipKind, TreeId, TrialId, TrialKind, Verdict,
};
use crate::suspects::{FailureEvidence, MODULE};
use crate::triage::{is_scripts_assertion, says_otherwise};

/// Sets larger than this are stretches that cannot run, not a failure behind another.
const LARGEST_SET: usize = 40;
/// Narrowing may always take so many trials: the search for a commit often takes few, and most cases take less.
const LEAST_BUDGET: usize = 24;
/// All that is narrowed in a session takes no more trials than this.
const MOST_IN_ALL: usize = 40;
/// The set that a further test ends in is worth so many.
const BUDGET_OF_FURTHER: usize = 12;
/// So many sets that may still be asked for are kept running.
const REACH: usize = 64;
/// How much more an edit is suspected that a merge has and none of its sides: the sides pass.
const MADE_IN_MERGE: f64 = 30.0;

/// What the report says when the user stopped it here.
pub(super) const STOPPED: &str = "stopped before the breaking call was found; what ran is kept";

impl Session<'_> {
    /// Narrow a proven culprit, and say what was found.
    pub(super) fn narrow_culprit(&mut self, hunt: &SearchRange, culprit: Node) -> Result<(), EarlyExit> {
        if !self.narrows_culprits() || hunt.state.observed(culprit).is_contradictory() {
            return Ok(());
        }
        let Some(good) = self.parent_to_narrow_against(hunt, culprit)? else { return Ok(()) };
        match self.narrow(hunt.id(good), hunt.id(culprit)) {
            Ok(Some(narrowed)) => {
                let commits = self.bringers(hunt, culprit, good, &narrowed)?;
                self.say_narrowed(&narrowed, &commits, false, Vec::new())
            }
            Ok(None) => Ok(()),
            // The culprit is proven all the same.
            Err(EarlyExit::Interrupted) => {
                self.trials.drain()?;
                Ok(self.journal.note(STOPPED)?)
            }
            Err(other) => Err(other),
        }
    }

    /// The culprit among the members of a set, proven by its edits; `None` when that cannot be had.
    pub(super) fn narrowed(
        &mut self,
        hunt: &SearchRange,
        set: &[(Node, f64)],
    ) -> Result<Option<Culprit>, EarlyExit> {
        if !self.plan.narrow {
            return Ok(None);
        }
        let Some((good, bad)) = around(hunt, set) else { return Ok(None) };
        let Some(narrowed) = self.narrow(hunt.id(good), hunt.id(bad))? else { return Ok(None) };
        let mut commits = vec![None; narrowed.difference.edits.len()];
        for edit in narrowed.answer.causes.iter().flat_map(EditSet::iter) {
            commits[edit] = unless_broken(self.bringer(hunt, set, &narrowed.difference, edit))?;
        }
        let bringer = narrowed.only_bringer(&commits);
        let hiding = match bringer {
            Some(commit) => self.what_hides(&narrowed, commit)?,
            None => Vec::new(),
        };
        self.say_narrowed(&narrowed, &commits, bringer.is_some(), hiding)?;
        // The edit tells which member it is; that it is one of them is as sure as it was.
        let probability = set.iter().map(|(_, probability)| probability).sum();
        let Some(commit) = bringer else { return Ok(None) };
        let commit = self.workshop.repository.info(commit)?;
        Ok(Some(Culprit::new(commit, probability)))
    }

    /// The edits between two commits that matter. `None` when nothing differs, too much does, or the trials that are
    /// worth it did not even lead to a smaller set.
    fn narrow(&mut self, good: CommitId, bad: CommitId) -> Result<Option<NarrowingResult>, EarlyExit> {
        match self.ground.clone() {
            PackageTask::Own => self.narrow_there(good, bad),
            PackageTask::Nowhere => Ok(None),
            PackageTask::Of(origin) => {
                self.forget_ahead()?;
                let own = self.trials.with_packages(PackageSelection::Of(origin));
                let narrowed = self.narrow_there(good, bad);
                self.trials.with_packages(own);
                narrowed
            }
        }
    }

    fn narrow_there(&mut self, good: CommitId, bad: CommitId) -> Result<Option<NarrowingResult>, EarlyExit> {
        let began = Instant::now();
        self.take_over(good, bad)?;
        for (id, ..) in self.trials.running().collect::<Vec<_>>() {
            if !self.ahead.has(id) {
                self.dismiss(id)?;
            }
        }
        let trees = (self.trials.tree_of(good)?, self.trials.tree_of(bad)?);
        let Some(difference) = self.differences.between(self.workshop.shadow, trees.0, trees.1)? else {
            return Ok(None);
        };
        let search = self.narrowing_of(&difference, bad)?;
        let mut known = search.initial_outcomes();
        let mut trials = 0;
        let ends = HashMap::from([(trees.0, EditOutcome::Passes), (trees.1, EditOutcome::Fails)]);
        let budget = if self.targets.is_later {
            BUDGET_OF_FURTHER
        } else {
            (self.trials.started() * 3 / 2).max(LEAST_BUDGET)
        };
        let budget = budget.min(MOST_IN_ALL.saturating_sub(self.narrowing_spent));
        let ground =
            NarrowingTask { difference: &difference, search: &search, good: trees.0, head: bad, budget };
        self.narrows_exactly = self.target.as_ref().is_some_and(is_scripts_assertion);
        let exact = self.explore(&ground, ends.clone(), &mut known, &mut trials);
        self.narrowing_spent += trials;
        let was_exact = std::mem::take(&mut self.narrows_exactly);
        let mut answer = exact?;
        if answer.is_none() && was_exact {
            (known, trials) = (search.initial_outcomes(), 0);
            self.trials.replay();
            answer = self.explore(&ground, ends, &mut known, &mut trials)?;
            self.narrowing_spent += trials;
            if answer.is_some() {
                let bad = bad.short();
                self.journal.note(format!(
                    "no part of the change fails with the message that {bad} fails with: the edits that are named make the same \
                     assertion fail, with another value"
                ))?;
            }
        }
        self.forget_ahead()?;
        let minimal = answer.is_some();
        let Some(answer) = answer.or_else(|| so_far(&search, &known)) else { return Ok(None) };
        let decisive = answer
            .causes
            .iter()
            .map(|cause| search.decisive(cause, &known))
            .fold(EditSet::default(), |all, own| all.with(&own));
        Ok(Some(NarrowingResult { good, bad, difference, answer, decisive, minimal, trials, began }))
    }

    /// The search with which a bad version is narrowed.
    pub(super) fn narrowing_of(
        &self,
        difference: &EditList,
        bad: CommitId,
    ) -> Result<DeltaDebugger, EarlyExit> {
        let search = self.search_of(difference, self.failure_at(bad).as_ref())?;
        Ok(search.weighted(&self.made_in_merge(difference, bad)?, MADE_IN_MERGE))
    }

    /// The search for the edits that matter, seen from a failure, and from what the search for the commit knows of it.
    pub(super) fn search_of(
        &self,
        difference: &EditList,
        failure: Option<&FailureSignature>,
    ) -> Result<DeltaDebugger, EarlyExit> {
        let read;
        let seen = match (&self.failure, &self.target_output) {
            (Some(known), _) => known,
            (None, Some(output)) => {
                read = super::failure_of(self.plan, self.workshop.repository, output, &[], None)?;
                &read
            }
            (None, None) => &FailureEvidence::default(),
        };
        let evidence =
            |file: &str, definition: Option<&str>| seen.relevance_of(file, definition.unwrap_or(MODULE));
        Ok(difference.search(failure, &evidence))
    }

    /// The verdict on a version in between, while the message has to be the very one, values kept.
    pub(super) fn unless_said_otherwise(
        &self,
        plain: Verdict,
        done: &FinishedTrial,
        failure: Option<&FailureSignature>,
    ) -> Verdict {
        let is_asked = self.narrows_exactly && done.purpose == TrialKind::Narrowing && plain == Verdict::Bad;
        let (Some(failure), true) = (failure, is_asked) else { return plain };
        let wanted = [self.failure_at(done.commit), self.target.clone()];
        if wanted.iter().flatten().any(|wanted| !says_otherwise(wanted, failure)) {
            return plain;
        }
        let message = failure.message.lines().next().unwrap_or_default();
        Verdict::skip(
            SkipKind::DifferentFailure,
            format!("the assertion fails with another value: {message}"),
        )
    }

    /// The failure as it was seen at a commit, or at bad.
    fn failure_at(&self, commit: CommitId) -> Option<FailureSignature> {
        let seen = self.journal.events().iter().find_map(|event: &Event| match &event.kind {
            EventKind::TrialFinished(done) if done.commit == commit && done.verdict == Verdict::Bad => {
                done.failure.clone()
            }
            _ => None,
        });
        seen.or_else(|| self.target.clone())
    }

    /// Try sets of edits until the search has its answer; `None` when the trials that are worth it are used up.
    pub(super) fn explore(
        &mut self,
        ground: &NarrowingTask<'_>,
        mut outcomes: HashMap<TreeId, EditOutcome>,
        known: &mut Outcomes,
        trials: &mut usize,
    ) -> Result<Option<EditAnswer>, EarlyExit> {
        let NarrowingTask { difference, search, good, head, budget } = *ground;
        let mut running: BTreeMap<TrialId, (EditSet, TreeId)> = BTreeMap::new();
        loop {
            if let Some(answer) = search.answer(known) {
                *trials -= running.len();
                for (id, _) in running {
                    self.dismiss(id)?;
                }
                return Ok(Some(answer));
            }
            let mut learned = false;
            for applied in search.next_sets(known, self.trials.capacity()) {
                if running.values().any(|(set, _)| *set == applied) {
                    continue;
                }
                let tree = partial_tree(self.workshop.shadow, difference, good, &applied)?;
                if let Some(&outcome) = outcomes.get(&tree) {
                    known.record(applied, outcome);
                    learned = true;
                    break;
                }
                if let Some(verdict) = self.ahead.take(tree) {
                    *trials += 1;
                    outcomes.insert(tree, outcome(&verdict));
                    learn(difference, known, applied, &verdict);
                    learned = true;
                    break;
                }
                if let Some(id) = self.ahead.adopt(tree) {
                    *trials += 1;
                    running.insert(id, (applied, tree));
                    continue;
                }
                let twice = running.values().any(|(_, other)| *other == tree);
                if !twice && self.trials.free() > 0 && *trials < budget {
                    *trials += 1;
                    running.insert(self.start_tree(head, tree, TrialKind::Narrowing)?, (applied, tree));
                }
            }
            if learned {
                continue;
            }
            if running.is_empty() {
                return Ok(None);
            }
            for judged in self.next_judged()? {
                if let Some((applied, tree)) = running.remove(&judged.trial) {
                    outcomes.insert(tree, outcome(&judged.verdict));
                    learn(difference, known, applied, &judged.verdict);
                }
            }
            let reach: HashSet<EditSet> = search.next_sets(known, REACH).into_iter().collect();
            let idle = running.iter().filter(|(_, (set, _))| !reach.contains(set)).map(|(id, _)| *id);
            for id in idle.collect::<Vec<_>>() {
                running.remove(&id);
                *trials -= 1;
                self.dismiss(id)?;
            }
        }
    }

    fn say_narrowed(
        &mut self,
        narrowed: &NarrowingResult,
        commits: &[Option<CommitId>],
        decides: bool,
        hidden_by: Vec<BreakingChange>,
    ) -> Result<(), EarlyExit> {
        let NarrowingResult { difference, answer, .. } = narrowed;
        let necessary = answer.is_necessary();
        let edits = narrowed.edits();
        let changes = edits.iter().map(|&(cause, edit)| {
            let proven = Proven { cause, sufficient: true, necessary };
            breaking_change(difference, &difference.edits[edit], commits[edit], proven)
        });
        let changes: Vec<BreakingChange> = changes.collect();
        let narrowing = NarrowingSummary {
            good: Some(narrowed.good),
            bad: Some(narrowed.bad),
            edits: difference.edits.len(),
            trials: narrowed.trials,
            seconds: narrowed.began.elapsed().as_secs_f64(),
            decides,
            minimal: narrowed.minimal,
            breaking: edits.iter().map(|&(_, edit)| edit).collect(),
            resting: match &answer.necessity {
                Necessity::With { others, .. } => others.iter().collect(),
                Necessity::Proven | Necessity::NotShown(_) => Vec::new(),
            },
            hidden_by,
            remarks: remarks(narrowed, self.plan.find_fix),
        };
        Ok(self.journal.say(EventKind::Narrowed { changes, narrowing })?)
    }
}

/// The good version below a set, and the bad one at its end. `None` when there are no such versions.
fn around(hunt: &SearchRange, set: &[(Node, f64)]) -> Option<(Node, Node)> {
    let graph = &hunt.history.graph;
    let members: HashSet<Node> = set.iter().map(|(node, _)| *node).collect();
    let seen = |node: Node| hunt.state.observed(node);
    let bad = set.iter().map(|(node, _)| *node).filter(|&node| seen(node).bad > 0).max()?;
    let outside =
        set.iter().flat_map(|(node, _)| graph.parents(*node)).filter(|node| !members.contains(node));
    let good = outside.copied().filter(|&node| seen(node).good > 0).max()?;
    (set.len() <= LARGEST_SET && graph.is_ancestor(good, bad)).then_some((good, bad))
}

/// Record what came of a set.
fn learn(difference: &EditList, known: &mut Outcomes, applied: EditSet, verdict: &Verdict) {
    if let Verdict::Skip(skip) = verdict {
        known.record_lacking(applied.clone(), difference.mentioned_in(&skip.reason));
    }
    known.record(applied, outcome(verdict));
}

const fn outcome(verdict: &Verdict) -> EditOutcome {
    match verdict {
        Verdict::Bad => EditOutcome::Fails,
        Verdict::Good => EditOutcome::Passes,
        Verdict::Skip(_) | Verdict::Abort(_) => EditOutcome::Unresolved,
    }
}

/// What can be said when the trials are used up: the smallest set that was seen to fail. `None` when that is all.
fn so_far(search: &DeltaDebugger, known: &Outcomes) -> Option<EditAnswer> {
    let cause = known.smallest_failing().filter(|cause| cause.len() < search.len())?.clone();
    let rest = EditSet::all(search.len()).without(&search.with_users(&cause));
    let necessity = match known.get(&rest) {
        Some(EditOutcome::Passes) => Necessity::Proven,
        other => Necessity::NotShown(other.unwrap_or(EditOutcome::Unresolved)),
    };
    Some(EditAnswer { causes: vec![cause], necessity })
}

/// Why a minimal set is more than a few lines: what is decisive in it is small and uses the rest, or its largest edit is
/// not cut further.
fn why_large(narrowed: &NarrowingResult, passes: &str) -> Option<String> {
    /// So many lines are read at a glance.
    const FEW: usize = 10;
    let NarrowingResult { good, difference, answer, decisive, .. } = narrowed;
    let lines = |edit: usize| {
        let edit = &difference.edits[edit];
        edit.lines.len().max(edit.old_lines.len())
    };
    let place = |edit: usize| {
        let edit = &difference.edits[edit];
        format!("{}:{}", difference.files[edit.file].name(), edit.lines.start)
    };
    let all: EditSet = answer.causes.iter().flat_map(EditSet::iter).collect();
    let largest = all.iter().max_by_key(|&edit| lines(edit)).filter(|&edit| lines(edit) > FEW)?;
    let (count, place_of_largest) = (lines(largest), place(largest));
    let others = all.len() - decisive.len();
    if answer.causes.len() == 1 && !decisive.is_empty() && decisive.iter().map(lines).sum::<usize>() <= FEW {
        let places: Vec<String> = decisive.iter().map(place).collect();
        let without = if decisive.len() == 1 { "it" } else { "any of them" };
        let rest =
            if others == 1 { "the other edit is what it uses" } else { "the other edits are what it uses" };
        let rest = if decisive.len() == 1 { rest.to_owned() } else { rest.replace("it uses", "they use") };
        return Some(format!(
            "of these, {} made the difference: with all others and without {without}, {} {passes}; {rest}, among them {count} \
             lines at {place_of_largest}",
            places.join(" and "),
            good.short()
        ));
    }
    let what = match &difference.files[difference.edits[largest].file] {
        pair if difference.is_of_whole_file(&difference.edits[largest]) => match (&pair.old, &pair.new) {
            (None, _) => "a new file",
            (_, None) => "a file that went",
            _ => "a whole file",
        },
        _ => "one statement or block",
    };
    let together = match all.len() {
        1 => String::new(),
        count if answer.causes.len() == 1 => format!("these {count} edits do it only together; "),
        _ => String::new(),
    };
    Some(format!("{together}the {count} lines at {place_of_largest} are {what}, which is not cut further"))
}

/// What does not hold, and what was found instead. With `find_fix`, good and bad have changed places.
fn remarks(narrowed: &NarrowingResult, find_fix: bool) -> Vec<String> {
    let NarrowingResult { good, bad, difference, answer, minimal, trials, .. } = narrowed;
    let (good, bad) = (good.short(), bad.short());
    let (fails, fail, passes) =
        if find_fix { ("passes", "pass", "fails") } else { ("fails", "fail", "passes") };
    let mut remarks = Vec::new();
    if answer.causes.len() > 1 {
        let count = answer.causes.len();
        remarks
            .push(format!("{count} causes: each of them alone makes {good} {fail}; {bad} has all of them"));
    }
    remarks.extend(minimal.then(|| why_large(narrowed, passes)).flatten());
    if !minimal {
        remarks.push(format!(
            "narrowing stopped after {trials} trials; perhaps not all of these edits are needed"
        ));
    }
    match &answer.necessity {
        Necessity::Proven => {}
        Necessity::With { others, .. } => {
            let places: Vec<String> = others
                .iter()
                .take(3)
                .map(|edit| {
                    let edit = &difference.edits[edit];
                    format!("{}:{}", difference.files[edit.file].name(), edit.lines.start)
                })
                .collect();
            let and_more = if others.len() > places.len() { " …" } else { "" };
            let (edits, rest) = match others.len() {
                1 => ("1 more edit".to_owned(), "rests on this, or does the same"),
                count => (format!("{count} more edits"), "rest on this, or do the same"),
            };
            remarks.push(format!("{edits} of {bad} {rest} ({}{and_more})", places.join(", ")));
        }
        Necessity::NotShown(EditOutcome::Fails) => {
            remarks.push(format!("{bad} without this still {fails}: it has another cause as well"));
        }
        Necessity::NotShown(_) if *minimal => remarks.push(format!("{bad} without this fails otherwise")),
        Necessity::NotShown(_) => {
            remarks.push(format!("whether {bad} {passes} without this was not tried to the end"));
        }
    }
    remarks
}
