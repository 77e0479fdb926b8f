//! Looking for a good commit, backwards: release tags, since a release is what somebody once found
//! good, in turn with 1, 2, 4, 8 … commits before bad, with all workers at once.

use std::collections::HashSet;

use super::error::EarlyExit;
use super::state::Session;
use crate::model::{CommitId, Conclusion, TrialKind, Verdict};

/// How far back the first-parent chain is followed.
const LONGEST_CHAIN: usize = 1 << 20;

impl Session<'_> {
    /// A commit that was seen good. Everything that was seen on the way is kept for the search.
    pub(super) fn gallop(&mut self) -> Result<CommitId, EarlyExit> {
        let probes = self.probes()?;
        let mut waiting = probes.iter().copied();
        let mut skipped = 0_usize;
        let mut failing = 0_usize;
        let mut is_tried = false;
        loop {
            while self.trials.free() > 0 {
                let Some(probe) = waiting.next() else { break };
                self.start(probe, TrialKind::Endpoint)?;
            }
            // Three that fail alike, and a file that may be why: that is tried before the whole history is.
            let is_over = self.trials.is_idle();
            if (failing >= 3 && !is_tried || is_over)
                && let (Some(output), Some(&probe)) = (self.target_output.clone(), probes.first())
            {
                is_tried = true;
                let seen = format!("{} commits tried fail in the same way", failing + 1);
                if let Some(conclusion) = self.for_want_of_files(probe, &output, &seen)? {
                    return Err(EarlyExit::Concluded(conclusion));
                }
            }
            if is_over {
                let shallow = self.workshop.repository.is_shallow();
                return Err(EarlyExit::Concluded(nothing_good(probes.len(), failing, skipped, shallow)));
            }
            for judged in self.next_judged()? {
                match judged.verdict {
                    Verdict::Good if judged.commit != self.plan.bad => {
                        self.forget_older_probes(&probes, judged.commit)?;
                        self.say_found(judged.commit)?;
                        self.good_was_found(judged.commit)?;
                        return Ok(judged.commit);
                    }
                    Verdict::Bad if judged.commit != self.plan.bad => {
                        failing += 1;
                        self.newer_target(judged.commit)?;
                    }
                    Verdict::Skip(_) => {
                        skipped += 1;
                        self.newer_target(judged.commit)?;
                    }
                    Verdict::Good | Verdict::Bad | Verdict::Abort(_) => {}
                }
            }
        }
    }

    /// Say which commit is taken as good: nobody named it.
    fn say_found(&mut self, good: CommitId) -> Result<(), EarlyExit> {
        let tags = self.workshop.repository.tags_at(good)?;
        let name = tags.first().map(|tag| format!(", {tag},")).unwrap_or_default();
        let text = format!("good is {}{name} which was looked for (--good REV names another)", good.short());
        Ok(self.journal.note(text)?)
    }

    /// Commits to try, in order.
    fn probes(&self) -> Result<Vec<CommitId>, EarlyExit> {
        let repository = self.workshop.repository;
        let chain = repository.first_parent_chain(self.plan.bad, LONGEST_CHAIN)?;
        let powers = (0..).map(|power| 1_usize << power).take_while(|&step| step < chain.len());
        let mut strides: Vec<CommitId> = powers.map(|step| chain[step]).collect();
        strides.extend(chain.last());
        let tags = repository.release_tags_reachable_from(self.plan.bad)?;
        let tags: Vec<CommitId> = tags.into_iter().map(|tag| tag.commit).collect();

        let mut probes = Vec::new();
        let mut known = HashSet::from([self.plan.bad]);
        // The newest release first; then both ways in turn.
        for at in 0..tags.len().max(strides.len() + 1) {
            let stride = at.checked_sub(1).and_then(|at| strides.get(at));
            for probe in tags.get(at).into_iter().chain(stride) {
                if known.insert(*probe) {
                    probes.push(*probe);
                }
            }
        }
        Ok(probes)
    }

    /// Probes that came later in the list than the one found are further back, or no use.
    fn forget_older_probes(&mut self, probes: &[CommitId], found: CommitId) -> Result<(), EarlyExit> {
        let place = probes.iter().position(|&probe| probe == found);
        let running: Vec<_> = self.trials.running().map(|(id, commit, _, _)| (id, commit)).collect();
        for (id, commit) in running {
            if probes.iter().position(|&probe| probe == commit) > place {
                self.dismiss(id)?;
            }
        }
        Ok(())
    }
}

fn nothing_good(probes: usize, failing: usize, skipped: usize, shallow: bool) -> Conclusion {
    let reason = if probes == 0 {
        "there is no commit before the bad one".to_owned()
    } else {
        let tried = match (probes, failing, skipped) {
            (1, 1, _) => "the one before it fails in the same way".to_owned(),
            (count, failing, 0) if failing == count => {
                format!("all {count} commits that were tried, back to the first, fail in the same way")
            }
            _ => format!(
                "of {probes} commits that were tried, back to the first, {failing} fail in the same way and {skipped} \
                 cannot be tested"
            ),
        };
        format!("no good commit was found: {tried}")
    };
    let hint = if shallow {
        "this is a shallow clone; to get the rest of its history: git fetch --unshallow"
    } else {
        "a commit that passes: --good REV\na test that is newer than the history: --with-file TEST"
    };
    Conclusion::NotReproduced { reason, hint: Some(hint.to_owned()) }
}
