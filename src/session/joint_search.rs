//! Trials are chosen for the sum over all tests that are searched for: what a trial tells of the others counts, too.

use super::error::EarlyExit;
use super::range::SearchRange;
use super::state::Session;
use crate::model::FailureSignature;
use crate::search::{InformationGain, Observation, SearchState};

/// So many of the other tests are looked at, and in ranges of at most so many commits: thinking must not take longer
/// than it saves.
const MOST_OTHERS: usize = 6;
const LONGEST: usize = 3000;

impl Session<'_> {
    /// Let the search weigh what trials tell of the tests that wait. Once there is evidence, and anew with each result.
    pub(super) fn weigh_others(
        &mut self,
        strategy: &InformationGain,
        hunt: &mut SearchRange,
    ) -> Result<(), EarlyExit> {
        let (count, waits) = (hunt.history.candidates.count(), !self.targets.waiting.tests.is_empty());
        let ended = self.targets.known().len();
        let is_known = ended == self.targets.waiting.looked && !hunt.state.shared.is_empty();
        if !waits || count > LONGEST || is_known || self.oracle.is_none() || self.targets.range.is_none() {
            return Ok(());
        }
        self.targets.waiting.looked = ended;
        let mut shared = vec![0.0; hunt.history.graph.len()];
        let others: Vec<FailureSignature> =
            self.targets.waiting.tests.iter().take(MOST_OTHERS).cloned().collect();
        for failure in &others {
            let state = self.state_of(hunt, failure)?;
            for (sum, worth) in shared.iter_mut().zip(strategy.worths(&hunt.history.graph, &state)) {
                *sum += worth;
            }
        }
        hunt.state.shared = shared;
        Ok(())
    }

    /// What is known of another test in this range.
    fn state_of(&mut self, hunt: &SearchRange, failure: &FailureSignature) -> Result<SearchState, EarlyExit> {
        let mut state = hunt.state.clone();
        state.observations.fill(Observation::default());
        let Some(oracle) = self.oracle_of(failure) else { return Ok(state) };
        let verdicts = self.verdicts_by(oracle)?;
        for ((commit, _), verdict) in self.targets.known().into_iter().zip(&verdicts) {
            if let Some(&node) = hunt.history.index.get(&commit) {
                state.record(node, Observation::of(verdict));
            }
        }
        let test = failure.tests.first().cloned().unwrap_or_default();
        if !self.targets.waiting.priors.contains_key(&test) {
            let prior = self.prior_of(failure, hunt)?;
            self.targets.waiting.priors.insert(test.clone(), prior);
        }
        if let Some(prior) =
            self.targets.waiting.priors.get(&test).filter(|one| one.len() == state.prior.len())
        {
            state.prior.clone_from(prior);
        }
        Ok(state)
    }

    /// What another failure at bad points at.
    fn prior_of(&self, failure: &FailureSignature, hunt: &SearchRange) -> Result<Vec<f64>, EarlyExit> {
        let mut prior = vec![1.0; hunt.history.graph.len()];
        let (Some(output), Some((_, changes))) = (&self.target_output, &self.targets.range) else {
            return Ok(prior);
        };
        let evidence = super::failure_of(
            self.plan,
            self.workshop.repository,
            output,
            &self.watch.functions,
            Some(failure),
        )?;
        if !evidence.is_empty() {
            let ranking = changes.ranking(&evidence);
            for (node, probability) in changes.probabilities(&ranking) {
                prior[node.index()] = probability;
            }
        }
        Ok(prior)
    }
}
