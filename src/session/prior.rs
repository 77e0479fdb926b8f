//! Where the search begins: while the endpoints run, the range is read, and once the failure is known, the
//! evidence becomes the prior of the search.

use std::num::NonZero;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, bounded};

use super::error::{EarlyExit, SessionError};
use super::range::SearchRange;
use super::rank_suspects::{RangeChanges, add_calls};
use super::state::Session;
use crate::model::EventKind;
use crate::suspects::FailureEvidence;

/// In a smaller range there is nothing to gain.
const SMALLEST_RANGE: usize = 4;
/// Suspects that are named in the report.
const NAMED: usize = 5;
/// Free slots wait for the evidence as long as one trial takes, in these bounds: it saves several.
const PATIENCE: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(3));

/// Reads a range in the background. Stops when dropped.
pub(super) struct BackgroundRanking {
    stop: Arc<AtomicBool>,
    read: Receiver<RangeChanges>,
    thread: Option<JoinHandle<()>>,
    waited: bool,
}

impl BackgroundRanking {
    /// Begin to read; `None` when nothing is to be gained or the history cannot be opened again.
    pub(super) fn begin(session: &Session<'_>, hunt: &SearchRange) -> Option<Self> {
        // The evidence of a failure tells what brought it, not what mended it.
        if session.plan.find_fix || hunt.history.candidates.count() < SMALLEST_RANGE {
            return None;
        }
        let repository = session.workshop.repository.reopen().ok()?;
        let candidates = RangeChanges::candidates(&hunt.history);
        let overlay = session.plan.overlay.clone();
        let stop = Arc::new(AtomicBool::new(false));
        let (done, read) = bounded(1);
        let stopped = Arc::clone(&stop);
        // A core is left to the first trial, which is waited for as well.
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        let readers = rayon::ThreadPoolBuilder::new().num_threads((cores - 1).max(1)).build().ok()?;
        let thread = std::thread::spawn(move || {
            let read = move || RangeChanges::read(&repository, candidates, &overlay, &stopped);
            // What cannot be read gives no prior; the search does not need one.
            if let Ok(changes) = readers.install(read) {
                drop(done.send(changes));
            }
        });
        Some(Self { stop, read, thread: Some(thread), waited: false })
    }

    /// What was read, if it is there; the first time that is asked, it is waited for.
    fn take(&mut self, patience: Duration) -> Option<RangeChanges> {
        let patience = if self.waited { Duration::ZERO } else { patience };
        self.waited = true;
        self.read.recv_timeout(patience).ok()
    }
}

impl Drop for BackgroundRanking {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // It only panics if reading does, and then there is no prior.
            drop(thread.join());
        }
    }
}

impl Session<'_> {
    /// Begin to read the range for its evidence; what was read for a target before is used at once.
    pub(super) fn evidence(
        &mut self,
        hunt: &mut SearchRange,
    ) -> Result<Option<BackgroundRanking>, EarlyExit> {
        match self.targets.range.take() {
            Some((goods, changes)) if goods == self.goods => {
                self.believe(&changes, hunt)?;
                self.targets.range = Some((goods, changes));
                Ok(None)
            }
            _ => Ok(BackgroundRanking::begin(self, hunt)),
        }
    }

    /// Once the failure is known and the range is read: believe what the evidence says.
    pub(super) fn use_evidence(
        &mut self,
        reader: &mut Option<BackgroundRanking>,
        hunt: &mut SearchRange,
    ) -> Result<(), EarlyExit> {
        let (Some(waiting), true) = (reader.as_mut(), self.target.is_some()) else { return Ok(()) };
        if !waiting.waited && self.failure_as_evidence()?.is_none_or(|failure| failure.is_empty()) {
            // Whatever the range holds, nothing in it can be told to be evidence: it is neither waited for nor read on.
            *reader = None;
            return Ok(());
        }
        let patience = self.pace.slowest.clamp(PATIENCE.0, PATIENCE.1);
        let Some(changes) = waiting.take(patience) else { return Ok(()) };
        *reader = None;
        self.believe(&changes, hunt)?;
        self.targets.range = Some((self.goods.clone(), changes));
        Ok(())
    }

    /// What the failure at bad says of commits; of one of several failures, what that one says.
    pub(super) fn failure_as_evidence(&self) -> Result<Option<FailureEvidence>, EarlyExit> {
        let Some(output) = &self.target_output else { return Ok(None) };
        let target = self.target.as_ref().filter(|_| !self.targets.new.is_empty());
        Ok(Some(super::failure_of(
            self.plan,
            self.workshop.repository,
            output,
            &self.watch.functions,
            target,
        )?))
    }

    fn believe(&mut self, changes: &RangeChanges, hunt: &mut SearchRange) -> Result<(), EarlyExit> {
        let repository = self.workshop.repository;
        let Some(failure) = self.failure_as_evidence()? else { return Ok(()) };
        if failure.is_empty() {
            return Ok(());
        }
        let ranking = changes.ranking(&failure);
        let report = changes.rank(repository, &failure, &ranking, NAMED)?;
        for (node, probability) in changes.probabilities(&ranking) {
            hunt.state.prior[node.index()] = probability;
        }
        self.unreached = changes.unreached(&ranking).collect();
        self.failure = Some(failure);
        self.suspects = report.suspects;
        Ok(())
    }

    /// Tell of the suspects. Comparing their calls takes longer than all else: the trials need not wait for it.
    pub(super) fn say_suspects(&mut self) -> Result<(), SessionError> {
        let mut suspects = std::mem::take(&mut self.suspects);
        let Some(failure) = self.failure.as_ref().filter(|_| !suspects.is_empty()) else { return Ok(()) };
        add_calls(self.workshop.repository, failure, &mut suspects, &mut self.changed_calls)?;
        self.journal.say(EventKind::Suspects { suspects })
    }
}
