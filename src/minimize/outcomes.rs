//! What trials have shown so far.

use std::collections::BTreeMap;

use super::EditSet;

/// What a trial of the good version with some edits showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EditOutcome {
    /// The failure that is searched for.
    Fails,
    /// It passes.
    Passes,
    /// Neither: it fails otherwise, or cannot run.
    Unresolved,
}

/// What is known, by the set of edits that was applied.
#[derive(Debug, Clone, Default)]
pub struct Outcomes {
    outcomes: BTreeMap<EditSet, EditOutcome>,
    lacking: BTreeMap<EditSet, EditSet>,
}

impl Outcomes {
    /// Record an outcome.
    pub fn record(&mut self, applied: EditSet, outcome: EditOutcome) {
        self.outcomes.insert(applied, outcome);
    }

    /// The outcome with these edits.
    #[must_use]
    pub fn get(&self, applied: &EditSet) -> Option<EditOutcome> {
        self.outcomes.get(applied).copied()
    }

    /// Record what a set that fails otherwise seems to lack: edits of which its failure speaks.
    pub fn record_lacking(&mut self, applied: EditSet, edits: EditSet) {
        self.lacking.insert(applied, edits);
    }

    /// What a set seems to lack.
    #[must_use]
    pub fn lacking(&self, applied: &EditSet) -> Option<&EditSet> {
        self.lacking.get(applied)
    }

    /// The smallest set that is known to fail.
    #[must_use]
    pub fn smallest_failing(&self) -> Option<&EditSet> {
        let failing = self.outcomes.iter().filter(|(_, outcome)| **outcome == EditOutcome::Fails);
        failing.map(|(applied, _)| applied).min_by_key(|applied| applied.len())
    }
}
