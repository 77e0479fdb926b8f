//! Environments of versions, as far as the session has to do with them.

use super::error::{EarlyExit, SessionError};
use super::range::SearchRange;
use super::state::Session;
use crate::model::{CommitId, EventKind};

impl Session<'_> {
    /// Let the executor make ready what the search may come to.
    pub(super) fn foresee(&mut self, hunt: &SearchRange) -> Result<(), EarlyExit> {
        if !self.workshop.executor.has_environments() {
            return Ok(());
        }
        let candidates = hunt.state.candidates.iter().map(|node| hunt.id(node)).collect::<Vec<_>>();
        let versions: Result<Vec<_>, SessionError> =
            candidates.into_iter().map(|commit| Ok((commit, self.trials.tree_of(commit)?))).collect();
        self.workshop.executor.prefetch(versions?);
        Ok(())
    }

    /// Tell of the environment that a version ran in, once each.
    pub(super) fn say_environment(&mut self, commit: CommitId) -> Result<(), EarlyExit> {
        let tree = self.trials.tree_of(commit)?;
        let facts = self.workshop.executor.environment_of(commit, tree);
        if let Some(facts) = facts.filter(|facts| self.environments.insert(facts.key.clone())) {
            for note in &facts.notes {
                self.journal.note(note.clone())?;
            }
            self.journal.say(EventKind::Environment { first: commit, facts })?;
        }
        Ok(())
    }
}
