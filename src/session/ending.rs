//! The end of a session: what a search came to, the further tests, the last word.

use super::error::{EarlyExit, SessionError};
use super::state::Session;
use crate::model::{CommitId, Conclusion, EventKind, Inconclusive, Report};
use crate::store::SessionState;

impl Session<'_> {
    /// The search for the first target has ended: what there is to say of it, then the other targets.
    pub(super) fn end(mut self, ended: Result<Conclusion, EarlyExit>) -> Result<Report, SessionError> {
        let (conclusion, mut state) = self.concluded(ended)?;
        self.dismiss_all()?;
        self.say_suspects()?;
        let last_good = self.last_good(&conclusion)?;
        let inferred = self.unreached.iter().filter(|commit| !self.seen.contains_key(commit)).count();
        if state == SessionState::Finished && self.search_others(&conclusion, last_good.as_ref())? {
            state = SessionState::Interrupted;
        }
        self.dismiss_all()?;
        self.say_outputs(&conclusion)?;
        self.journal.say(EventKind::Concluded { conclusion, last_good, inferred })?;
        self.journal.close(state)
    }

    /// How a search ended, and whether it came to its end.
    pub(super) fn concluded(
        &mut self,
        ended: Result<Conclusion, EarlyExit>,
    ) -> Result<(Conclusion, SessionState), SessionError> {
        Ok(match ended {
            Ok(conclusion) | Err(EarlyExit::Concluded(conclusion)) => (conclusion, SessionState::Finished),
            Err(EarlyExit::Interrupted) => {
                self.trials.drain()?;
                let reason = "stopped before the end; what ran is kept".to_owned();
                (
                    Conclusion::Inconclusive { why: Inconclusive::Interrupted, reason },
                    SessionState::Interrupted,
                )
            }
            Err(EarlyExit::Failed(error)) => {
                // It does not run any more; what ended it is what is told.
                drop(self.journal.set_state(SessionState::Interrupted));
                return Err(error);
            }
            Err(EarlyExit::Anew) => {
                let reason = "the tests want one package after the other that nobody declares".to_owned();
                (Conclusion::NotReproduced { reason, hint: None }, SessionState::Finished)
            }
            Err(EarlyExit::OtherTarget(failure)) => {
                let reason = format!("the bad commit fails in several ways, also with {failure}");
                (Conclusion::NotReproduced { reason, hint: None }, SessionState::Finished)
            }
        })
    }

    fn dismiss_all(&mut self) -> Result<(), SessionError> {
        for (id, _, _, _) in self.trials.running().collect::<Vec<_>>() {
            self.dismiss(id)?;
        }
        Ok(())
    }

    /// The parent of the culprit that was seen good, or else the latest commit seen good.
    pub(super) fn last_good(
        &self,
        conclusion: &Conclusion,
    ) -> Result<Option<crate::model::CommitInfo>, SessionError> {
        // Where the packages are to blame, an older commit fails with today's as well.
        if matches!(conclusion, Conclusion::Found { culprits } if culprits.is_empty()) {
            return Ok(None);
        }
        let passes = |id: &CommitId| self.seen.get(id).is_some_and(|seen| seen.good > 0 && seen.bad == 0);
        let culprits = match conclusion {
            Conclusion::Found { culprits } | Conclusion::Ambiguous { culprits, .. } => culprits.as_slice(),
            Conclusion::Inconclusive { .. }
            | Conclusion::NotReproduced { .. }
            | Conclusion::NoEnvironment { .. } => &[],
        };
        let parents = culprits.iter().flat_map(|culprit| &culprit.commit.parents).copied();
        let parent = parents.into_iter().find(passes);
        let repository = self.workshop.repository;
        if let Some(parent) = parent {
            return Ok(Some(repository.info(parent)?));
        }
        let mut good = self.seen.keys().copied().filter(|id| passes(id)).collect::<Vec<_>>();
        good.sort_unstable();
        let infos: Result<Vec<_>, _> = good.into_iter().map(|id| repository.info(id)).collect();
        Ok(infos?.into_iter().max_by_key(|info| info.commit_time))
    }
}
