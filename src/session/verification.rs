//! Before a commit is named: each commit that the proof names has run itself, and what decides was run again.
//!
//! The strategy proves an answer on its own graph. There, a commit's parents can be others than in the history: with
//! `--path` the previous commits that touch the path, and an equal tree's result stands for the commit's own. What is
//! told is of the history, so the commits that are named in it are run.

use std::collections::{BTreeSet, HashMap};

use super::error::EarlyExit;
use super::range::SearchRange;
use super::state::Session;
use crate::git::RangeOptions;
use crate::graph::Node;
use crate::model::{
    CommitId, CommitInfo, Conclusion, Culprit, FailureKind, FailureSignature, Proof, TrialKind,
};
use crate::search::{Observation, SearchOutcome};
use crate::triage::{cannot_be_chance, same_failure};

/// How often a commit is run again that failed otherwise.
const MOST_REPEATS: u32 = 3;
/// Repeats in all: where more commits fail otherwise, it is no chance.
const MOST_REPEATED: u32 = 6;

/// Runs that show a failure, of whichever commits, below which it may be chance: one that comes in every second run is
/// seen three times in a row once in eight.
const ENOUGH_SIGHTINGS: u32 = 3;

/// The same for a failure that tells much of itself: that of code at a place, with what it found there.
const ENOUGH_OF_TELLING: u32 = 2;
/// The largest doubt about the test with which a failure is one of these.
const TELLING: f64 = 0.02;

/// Trials that were asked for to prove an answer.
#[derive(Debug, Default)]
pub(super) struct Proving {
    asked: Vec<CommitId>,
    repeats: HashMap<CommitId, u32>,
}

impl Session<'_> {
    /// Whether a trial runs that an answer waits for.
    pub(super) fn waits_for(&self, proving: &Proving) -> bool {
        self.runs_one_of(&proving.asked)
    }

    /// Ask for the trials that an outcome still needs. Whether there are any.
    pub(super) fn proves(
        &mut self,
        hunt: &SearchRange,
        outcome: &SearchOutcome,
        proving: &mut Proving,
    ) -> Result<bool, EarlyExit> {
        let wanted = match outcome {
            SearchOutcome::Found { culprit, .. } => self.unproven(hunt, *culprit, proving)?,
            SearchOutcome::Ambiguous { set } => {
                let mut again = self.perhaps_by_chance(hunt, set, proving);
                // It may be bad that failed otherwise, and the others as always.
                let read_at = self.target_commit();
                if self.target_may_be_chance(!self.failed_otherwise.is_empty())
                    && !proving.asked.contains(&read_at)
                {
                    again.push(read_at);
                }
                again
            }
        };
        for &commit in &wanted {
            proving.asked.push(commit);
            self.start(commit, TrialKind::Proof)?;
        }
        Ok(!wanted.is_empty())
    }

    /// Commits that the proof of a culprit names and that have not run, or not often enough.
    fn unproven(
        &self,
        hunt: &SearchRange,
        culprit: Node,
        proving: &mut Proving,
    ) -> Result<Vec<CommitId>, EarlyExit> {
        let culprit_id = hunt.id(culprit);
        let info = self.workshop.repository.info(culprit_id)?;
        // Of a flaky test, a commit that the search knows nothing of has to run as often as what stands for it there.
        let stand_ins = hunt.history.graph.parents(culprit).iter();
        let often = stand_ins.map(|&node| hunt.state.observed(node)).map(|seen| seen.good + seen.bad).max();
        let mut wanted = Vec::new();
        // What the failing run has nothing to do with breaks it seldom; a test that fails now and then looks so more often.
        let least = if self.unreached.contains(&culprit_id) { ENOUGH_SIGHTINGS } else { 1 };
        let is_named = culprit_id == self.target_commit() && !self.target_is_telling();
        let decides = is_named || !self.failed_otherwise.is_empty();
        if self.target_may_be_chance(decides) && !proving.asked.contains(&self.target_commit()) {
            wanted.push(self.target_commit());
        }
        for commit in Proof::named(&info, self.plan.first_parent) {
            let seen = self.seen_at(commit);
            let is_known_to_search = hunt.history.index.contains_key(&commit);
            let needed = if is_known_to_search { least } else { often.unwrap_or(1).max(least) };
            if seen.is_skipped() {
                wanted.extend(self.repeat_of(commit, proving));
            } else if seen.good + seen.bad < needed {
                wanted.push(commit);
            }
        }
        Ok(wanted)
    }

    /// Whether what is looked for may have been chance at bad, so that bad has to show it once more: few runs showed it,
    /// and the answer rests on it, because bad itself is named for a failure that tells little of itself, or others failed
    /// otherwise, as bad may do as a rule.
    fn target_may_be_chance(&self, decides: bool) -> bool {
        let sightings: u32 = self.seen.values().map(|seen| seen.bad).sum();
        // One more wait for the limit of time would cost more than all else.
        let hangs = self.target.as_ref().is_some_and(|target| target.kind == FailureKind::Timeout);
        let enough = if self.target_is_telling() { ENOUGH_OF_TELLING } else { ENOUGH_SIGHTINGS };
        sightings < enough && decides && !hangs && !self.plan.find_fix
    }

    /// Whether the failure that is looked for tells so much of itself that it hardly comes by chance.
    fn target_is_telling(&self) -> bool {
        self.doubt().all() <= TELLING
    }

    /// Members of a set, and the parents of its members, that failed otherwise: perhaps by chance, and then another
    /// run tells more.
    fn perhaps_by_chance(
        &self,
        hunt: &SearchRange,
        set: &[(Node, f64)],
        proving: &mut Proving,
    ) -> Vec<CommitId> {
        let mut skipped: Vec<CommitId> = Vec::new();
        let parents = set.iter().flat_map(|(node, _)| hunt.history.graph.parents(*node));
        for &node in set.iter().map(|(node, _)| node).chain(parents) {
            let commit = hunt.id(node);
            let is_other =
                hunt.state.observed(node).is_skipped() && self.failed_otherwise_at(commit).is_some();
            if is_other && !skipped.contains(&commit) {
                skipped.push(commit);
            }
        }
        if skipped.len() > usize::try_from(MOST_REPEATED).unwrap_or(usize::MAX) {
            return Vec::new();
        }
        skipped.into_iter().filter_map(|commit| self.repeat_of(commit, proving)).collect()
    }

    /// A commit, if it failed otherwise and may be run again.
    fn repeat_of(&self, commit: CommitId, proving: &mut Proving) -> Option<CommitId> {
        let all: u32 = proving.repeats.values().sum();
        let own = proving.repeats.get(&commit).copied().unwrap_or_default();
        let may = self.may_fail_so_by_chance(commit, proving) && own < MOST_REPEATS && all < MOST_REPEATED;
        proving.repeats.insert(commit, own + u32::from(may));
        may.then_some(commit)
    }

    fn failed_otherwise_at(&self, commit: CommitId) -> Option<&FailureSignature> {
        self.failed_otherwise.iter().find(|(at, _)| *at == commit).map(|(_, failure)| failure)
    }

    /// Whether the other failure of a commit may be chance: few runs showed it, or one that did could be judged when it
    /// ran again. Runs that were asked for count as if they had shown it: so many tell, whichever commits they are of.
    fn may_fail_so_by_chance(&self, commit: CommitId, proving: &Proving) -> bool {
        let other = self.failed_otherwise_at(commit).filter(|failure| !cannot_be_chance(failure));
        let Some(failure) = other else { return false };
        let alike = self.failed_otherwise.iter().filter(|(_, other)| same_failure(failure, other));
        let alike: BTreeSet<CommitId> = alike.map(|(at, _)| *at).collect();
        let was_judged = alike.iter().any(|&at| {
            let seen = self.seen_at(at);
            seen.good + seen.bad > 0
        });
        let asked: u32 = alike.iter().filter_map(|at| proving.repeats.get(at)).sum();
        was_judged || u32::try_from(alike.len()).unwrap_or(u32::MAX).saturating_add(asked) < ENOUGH_SIGHTINGS
    }

    fn seen_at(&self, commit: CommitId) -> Observation {
        self.seen.get(&commit).copied().unwrap_or_default()
    }

    /// Say which commits failed otherwise by chance.
    pub(super) fn say_repeats(&mut self, proving: &Proving) -> Result<(), EarlyExit> {
        let mut by_chance: Vec<CommitId> = proving.repeats.keys().copied().collect();
        by_chance.sort_unstable();
        for commit in by_chance {
            let seen = self.seen_at(commit);
            if seen.skipped > 0 && seen.good + seen.bad > 0 {
                self.journal.note(format!(
                    "{} failed in another way in {} of {} runs; run again, it could be judged",
                    commit.short(),
                    seen.skipped,
                    seen.runs()
                ))?;
            }
        }
        Ok(())
    }

    /// With `--path`: the conclusion when the culprit's own parent, which the path leaves out, was not seen to pass.
    /// Then it is one of the commits in between that broke it.
    pub(super) fn left_out_by_path(
        &mut self,
        hunt: &SearchRange,
        outcome: &SearchOutcome,
    ) -> Result<Option<Conclusion>, EarlyExit> {
        let SearchOutcome::Found { culprit: node, probability } = *outcome else { return Ok(None) };
        if self.plan.pathspecs.is_empty() {
            return Ok(None);
        }
        let repository = self.workshop.repository;
        let culprit = repository.info(hunt.id(node))?;
        let parents: Vec<CommitId> = Proof::named(&culprit, self.plan.first_parent).skip(1).collect();
        let passes = |commit: &CommitId| {
            let seen = self.seen_at(*commit);
            seen.good > seen.bad
        };
        let Some(&parent) = parents.iter().find(|parent| !passes(parent)) else { return Ok(None) };
        let previous: Vec<CommitId> =
            hunt.history.graph.parents(node).iter().map(|&node| hunt.id(node)).collect();
        let options = RangeOptions { first_parent: self.plan.first_parent, paths: Vec::new() };
        let between = repository.range(parent, &previous, &options)?;
        let left_out: Vec<CommitInfo> = between
            .candidates
            .iter()
            .map(|node| repository.info(between.ids[node.index()]))
            .collect::<Result<_, _>>()?;
        let fails = self.seen_at(parent).bad > 0;
        if let ([only], true) = (left_out.as_slice(), fails)
            && Proof::named(only, self.plan.first_parent).skip(1).all(|commit| passes(&commit))
        {
            self.journal.note(format!(
                "{} does not touch {}; {}, the next commit that does, only has the failure from it",
                only.id.short(),
                self.paths(),
                culprit.id.short()
            ))?;
            return Ok(Some(Conclusion::Found { culprits: vec![Culprit::new(only.clone(), probability)] }));
        }
        Ok(Some(self.one_of_those_between(&culprit, parent, &previous, left_out, fails)))
    }

    fn one_of_those_between(
        &self,
        culprit: &CommitInfo,
        parent: CommitId,
        previous: &[CommitId],
        left_out: Vec<CommitInfo>,
        fails: bool,
    ) -> Conclusion {
        let (here, before) = if self.plan.find_fix { ("passes", "fails") } else { ("fails", "passes") };
        let (x, p, paths) = (culprit.id.short(), parent.short(), self.paths());
        let ys: Vec<String> = previous.iter().map(CommitId::short).collect();
        let y = ys.join(", ");
        let count = left_out.len();
        let commits = if count == 1 { "1 commit that does" } else { &format!("{count} commits that do") };
        let own = if fails {
            format!("so does its parent {p}")
        } else {
            format!("its parent {p} cannot be tested")
        };
        let reason = format!(
            "{x} {here}, and {own}; {y}, the previous commit that touches {paths} or bounds the range, {before}; between \
             them {commits} not touch {paths}"
        );
        let mut members = left_out;
        if !fails {
            members.push(culprit.clone());
        }
        let share = 1.0 / f64::from(u32::try_from(members.len().max(1)).unwrap_or(u32::MAX));
        let (bad, good) = if fails { (p, y) } else { (x, y) };
        let (bad_flag, good_flag) =
            if self.plan.find_fix { ("--good", "--bad") } else { ("--bad", "--good") };
        let go_on = format!("without --path, the same search tells: {good_flag} {good} {bad_flag} {bad}");
        // The latest first, as everywhere.
        let culprits = members.into_iter().rev().map(|info| Culprit::new(info, share)).collect();
        Conclusion::Ambiguous { culprits, reason, go_on: Some(go_on) }
    }

    fn paths(&self) -> String {
        self.plan.pathspecs.join(", ")
    }
}
