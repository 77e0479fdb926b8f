//! Trials of the search run with packages that are there already, where those satisfy what a commit declares: an environment
//! for each commit, because a linter had a release, takes more time than all trials.
//!
//! As with the tests that a trial runs ([`selection`](super::selection)), what is shared never decides. Where it comes to no
//! verdict, the commit runs with its own packages; the commit that is named, and its parents, do so in any case. Where a
//! commit's own packages say anything else than the shared ones, either the packages are to blame, or all begins anew without
//! sharing.

use std::collections::HashSet;

use super::Matching;
use super::error::EarlyExit;
use super::finished_trial::FinishedTrial;
use super::package_trial::origin;
use super::range::SearchRange;
use super::state::Session;
use crate::model::{
    CommitId, EventKind, PackageDate, PackageSelection, Proof, Termination, TreeId, TrialId, TrialKind,
    Verdict,
};
use crate::search::{Observation, SearchOutcome};

impl Session<'_> {
    /// Whether trials of the search may share packages.
    pub(super) fn shares(&self) -> bool {
        let is_exact = matches!(self.plan.matching, Matching::AnyFailure) || self.plan.find_fix;
        !self.sharing.is_over && !is_exact && self.workshop.packages.is_some()
    }

    /// The packages that a trial of the search shares; `None` where it runs with its own.
    pub(super) fn packages_to_share(
        &mut self,
        commit: CommitId,
        tree: TreeId,
        purpose: TrialKind,
    ) -> Result<Option<PackageSelection>, EarlyExit> {
        // That good passes is a bound, no proof: where it does not pass with these, its own decide.
        let is_good = purpose == TrialKind::Endpoint && self.plan.good.contains(&commit);
        let is_of_search = purpose == TrialKind::Search && !self.sharing.is_deciding;
        let may = (is_good || is_of_search || purpose == TrialKind::Repeat) && self.shares();
        let is_plain = self.trials.recipe().packages == PackageSelection::Own;
        let bad = self.plan.bad;
        // Where its own were seen, they go on to count.
        let needs_own = self.sharing.needs_own.contains(&commit) || self.sharing.own.contains_key(&commit);
        if !may || !is_plain || commit == bad || needs_own {
            return Ok(None);
        }
        // All share the same: else two packages of others could say the opposite, and pass for a flaky test.
        let host = origin((bad, self.trials.tree_of(bad)?), PackageDate::Asked);
        let guest = origin((commit, tree), PackageDate::Asked);
        let Some(packages) = self.workshop.packages else { return Ok(None) };
        let serves = packages.serves(host, guest, self.workshop.cancel);
        Ok(serves.then_some(PackageSelection::Of(host)))
    }

    /// Whether a commit may yet share the packages of bad, once it is known what of them the command imports.
    pub(super) fn waits_for_bad(&mut self, commit: CommitId, purpose: TrialKind) -> Result<bool, EarlyExit> {
        let bad = self.plan.bad;
        if purpose != TrialKind::Search || !self.shares() || self.seen.contains_key(&bad) {
            return Ok(false);
        }
        let tree = self.trials.tree_of(commit)?;
        Ok(self.runs_one_of(&[bad]) && self.packages_to_share(commit, tree, purpose)?.is_none())
    }

    /// Start a trial with shared packages, if that is how this one runs.
    pub(super) fn start_shared(
        &mut self,
        commit: CommitId,
        tree: TreeId,
        purpose: TrialKind,
    ) -> Result<Option<TrialId>, EarlyExit> {
        let Some(packages) = self.packages_to_share(commit, tree, purpose)? else { return Ok(None) };
        let id = self.trials.start_packages(commit, tree, purpose, packages)?;
        self.is_shared(id)?;
        Ok(Some(id))
    }

    /// Take note that a trial runs with shared packages.
    pub(super) fn is_shared(&mut self, trial: TrialId) -> Result<(), EarlyExit> {
        self.sharing.trials.insert(trial);
        if !std::mem::replace(&mut self.sharing.is_told, true) {
            self.journal.note(
                "trials of the search share packages that are there, where these satisfy what a commit declares; the commit \
                 that is named and its parents run with their own",
            )?;
        }
        Ok(())
    }

    /// A good commit did not plainly pass with shared packages: it runs with its own, before anybody reads what failed there.
    pub(super) fn good_runs_with_own(&mut self, done: &FinishedTrial) -> Result<bool, EarlyExit> {
        let is_shared = self.sharing.trials.contains(&done.id) && done.purpose == TrialKind::Endpoint;
        if !is_shared || done.output.ending == (Termination::Exited { code: 0 }) {
            return Ok(false);
        }
        self.with_own_instead(done.id, done.commit, done.purpose)?;
        Ok(true)
    }

    fn with_own_instead(
        &mut self,
        trial: TrialId,
        commit: CommitId,
        purpose: TrialKind,
    ) -> Result<(), EarlyExit> {
        self.sharing.needs_own.insert(commit);
        self.journal.say(EventKind::TrialCancelled { trial })?;
        self.start(commit, purpose).map(drop)
    }

    /// A trial with shared packages said nothing of its commit: whether it runs with its own instead.
    pub(super) fn runs_with_own_instead(
        &mut self,
        trial: TrialId,
        (commit, purpose): (CommitId, TrialKind),
        verdict: &Verdict,
    ) -> Result<bool, EarlyExit> {
        // A good commit has to pass; there are runners that end with status 0 although tests fail.
        let is_in_vain = matches!(verdict, Verdict::Skip(_))
            || purpose == TrialKind::Endpoint && *verdict != Verdict::Good;
        if !is_in_vain || !self.sharing.trials.contains(&trial) {
            return Ok(false);
        }
        self.with_own_instead(trial, commit, purpose)?;
        Ok(true)
    }

    /// Take note of what a trial said of its commit, in the terms of the search.
    pub(super) fn note_sharing(
        &mut self,
        trial: TrialId,
        commit: CommitId,
        verdict: &Verdict,
    ) -> Result<(), EarlyExit> {
        if !self.shares() {
            return Ok(());
        }
        let is_shared = self.sharing.trials.contains(&trial);
        let seen = if is_shared { &mut self.sharing.shared } else { &mut self.sharing.own };
        seen.entry(commit).or_default().add(Observation::of(verdict));
        let itself = self.sharing.contradiction(commit).map(|(shared, _)| shared.bad > 0);
        let others = if is_shared { None } else { self.contradicts_others(commit, verdict)? };
        let Some(shared_fail) = itself.or(others) else { return Ok(()) };
        self.sharing.is_over = true;
        if shared_fail && let Some(conclusion) = self.packages_since(commit)? {
            return Err(EarlyExit::Concluded(conclusion));
        }
        self.journal.note(format!(
            "at {} and around it the packages of another commit say something else than its own, so each trial runs with \
             its own",
            commit.short()
        ))?;
        self.earlier = self.targets.known();
        Err(match self.target.clone() {
            Some(target) => EarlyExit::OtherTarget(Box::new(target)),
            None => EarlyExit::Interrupted,
        })
    }

    /// Whether what the own packages say of a commit does not go with what shared ones say of others: a commit that passes
    /// comes after one that fails with those (`true`), or one that fails before one that passes. As likely as a history of that
    /// kind is that they do not fit; to search on would take it for a flaky test.
    fn contradicts_others(&self, commit: CommitId, verdict: &Verdict) -> Result<Option<bool>, EarlyExit> {
        let repository = self.workshop.repository;
        for (&other, seen) in &self.sharing.shared {
            let is_odd = match verdict {
                _ if !self.sharing.is_only_shared(other) => false,
                Verdict::Good => seen.bad > 0 && seen.good == 0 && repository.is_ancestor(other, commit)?,
                Verdict::Bad => seen.good > 0 && seen.bad == 0 && repository.is_ancestor(commit, other)?,
                Verdict::Skip(_) | Verdict::Abort(_) => false,
            };
            if is_odd {
                return Ok(Some(*verdict == Verdict::Good));
            }
        }
        Ok(None)
    }

    /// Ask for what the commits that an outcome names have still to say with their own packages. Whether there is anything.
    pub(super) fn proves_own(
        &mut self,
        hunt: &SearchRange,
        outcome: &SearchOutcome,
    ) -> Result<bool, EarlyExit> {
        if !self.shares() {
            return Ok(false);
        }
        let named: Vec<CommitId> = match outcome {
            SearchOutcome::Found { culprit, .. } => {
                let info = self.workshop.repository.info(hunt.id(*culprit))?;
                Proof::named(&info, self.plan.first_parent).collect()
            }
            SearchOutcome::Ambiguous { set } => {
                let nodes = set.iter().map(|(node, _)| *node);
                let parents = set.iter().flat_map(|(node, _)| hunt.history.graph.parents(*node)).copied();
                nodes.chain(parents).map(|node| hunt.id(node)).collect()
            }
        };
        let open: HashSet<CommitId> =
            named.into_iter().filter(|&commit| self.sharing.is_only_shared(commit)).collect();
        let running = self.trials.of_commits().filter(|(id, ..)| !self.sharing.trials.contains(id));
        let running: HashSet<CommitId> = running.map(|(_, commit, _)| commit).collect();
        let mut missing: Vec<CommitId> = open.difference(&running).copied().collect();
        missing.sort_unstable();
        for commit in missing {
            self.start(commit, TrialKind::Proof)?;
        }
        Ok(!open.is_empty())
    }

    /// Whether a commit was not seen with its own packages, where others share.
    pub(super) fn may_be_only_shared(&self, commit: CommitId) -> bool {
        self.shares() && !self.sharing.own.contains_key(&commit)
    }
}
