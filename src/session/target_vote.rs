//! The bad commit fails in more than one way: which failure is looked for is put to the vote.
//!
//! The first run at bad decides what is looked for. When it failed by chance in another way than usual, the search would
//! look for chance. So where bad shows another failure later, it runs a few times more, and the most frequent is it.

use super::Matching;
use super::endpoint_state::Endpoints;
use super::error::EarlyExit;
use super::finished_trial::FinishedTrial;
use super::history_state::Faces;
use super::state::{AtGood, Session, Speculation};
use crate::model::{FailureSignature, TrialId, TrialKind};
use crate::triage::{CommandFacts, read, same_failure};

/// Runs of bad that are added to the two that differ.
const MORE_RUNS: usize = 3;

impl Session<'_> {
    /// A trial showed another failure than the target. When it ran at bad, the two are put to the vote.
    ///
    /// Ends the search with [`EarlyExit::OtherTarget`] when the other one is the more frequent.
    pub(super) fn vote(&mut self, done: &FinishedTrial, other: &FailureSignature) -> Result<(), EarlyExit> {
        let is_at_bad = done.commit == self.target_commit() && done.purpose.is_of_commit();
        if !is_at_bad
            && done.purpose == TrialKind::Repeat
            && !self.doubts_target
            && self.voted_target.is_none()
        {
            // What is looked for may be chance, which only bad itself can tell.
            self.doubts_target = true;
            self.start(self.target_commit(), TrialKind::Repeat)?;
            return Ok(());
        }
        let is_by_signature = matches!(self.plan.matching, Matching::Signature);
        let Some(target) = self.target.clone().filter(|_| is_at_bad && is_by_signature) else {
            return Ok(());
        };
        if self.voted_target.is_some() {
            return Ok(());
        }
        self.voted_target = Some(target.clone());
        let (mut for_target, mut for_other) = (1_usize, 1_usize);
        let mut waiting: Vec<TrialId> = Vec::new();
        for _ in 0..MORE_RUNS {
            waiting.push(self.start(done.commit, TrialKind::Repeat)?);
        }
        let mut others = Vec::new();
        let command = CommandFacts::of(&self.plan.recipe.command);
        while !waiting.is_empty() {
            let Some(result) = self.trials.wait(None)? else { return Err(EarlyExit::Interrupted) };
            let Some(at) = waiting.iter().position(|id| *id == result.id) else {
                others.push(result);
                continue;
            };
            waiting.remove(at);
            let failures = read(&result.output, &command).failures;
            if failures.iter().any(|failure| same_failure(&target, failure)) {
                for_target += 1;
            } else if failures.iter().any(|failure| same_failure(other, failure)) {
                for_other += 1;
            }
            others.push(result);
        }
        self.trials.put_back(others);
        let first =
            |failure: &FailureSignature| failure.to_string().lines().next().unwrap_or_default().to_owned();
        let (more, less) = if for_other > for_target { (other, &target) } else { (&target, other) };
        self.journal.note(format!(
            "the bad commit fails in more than one way: {} of {} runs with {}, and others with {}; the search is for the \
             first",
            for_other.max(for_target),
            2 + MORE_RUNS,
            first(more),
            first(less)
        ))?;
        if for_other > for_target {
            self.voted_target = Some(other.clone());
            return Err(EarlyExit::OtherTarget(Box::new(other.clone())));
        }
        Ok(())
    }

    /// Forget what was judged by a failure that comes by chance, or with other packages. What ran is recorded, and is judged anew.
    pub(super) fn begin_anew(&mut self, failure: Option<FailureSignature>) -> Result<(), EarlyExit> {
        for (id, ..) in self.trials.running().collect::<Vec<_>>() {
            self.dismiss(id)?;
        }
        self.trials.forget_answers();
        if failure.is_none() {
            // With other packages, good may fail otherwise.
            self.at_good = AtGood::default();
            self.target_output = None;
        }
        self.voted_target = failure;
        self.oracle = None;
        self.target = None;
        self.failure = None;
        self.unjudged.clear();
        self.endpoints = Endpoints::default();
        self.seen.clear();
        self.selection.forget();
        self.sharing.forget();
        self.unproven.clear();
        self.failed_otherwise.clear();
        self.faces = Faces::default();
        self.goods.clear();
        self.suspects.clear();
        self.unreached.clear();
        self.reaches_chance = None;
        self.ahead = Speculation::default();
        Ok(())
    }
}
