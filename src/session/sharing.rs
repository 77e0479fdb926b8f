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
        if !may || !is_plain || commit == bad || self.sharing.needs_own.contains(&commit) {
            return Ok(None);
        }
        let Some(packages) = self.workshop.packages else { return Ok(None) };
        let mut hosts = vec![(bad, self.trials.tree_of(bad)?)];
        hosts.extend(self.sharing.hosts.iter().copied().filter(|host| host.0 != bad));
        if hosts.iter().any(|host| host.0 == commit) {
            return Ok(None);
        }
        let repository = self.workshop.repository;
        let time = repository.info(commit)?.commit_time;
        let mut dated = Vec::new();
        for host in hosts {
            dated.push((repository.info(host.0)?.commit_time.abs_diff(time), host));
        }
        dated.sort_by_key(|(distance, _)| *distance);
        let guest = origin((commit, tree), PackageDate::Asked);
        let cancel = self.workshop.cancel;
        let host = dated.into_iter().map(|(_, host)| origin(host, PackageDate::Asked));
        let host = host.into_iter().find(|host| packages.serves(*host, guest, cancel));
        Ok(host.map(PackageSelection::Of))
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
        if !matches!(verdict, Verdict::Skip(_)) || !self.sharing.trials.contains(&trial) {
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
        if !is_shared && matches!(verdict, Verdict::Good | Verdict::Bad) {
            let host = (commit, self.trials.tree_of(commit)?);
            if !self.sharing.hosts.contains(&host) {
                self.sharing.hosts.push(host);
            }
        }
        let Some((shared, _)) = self.sharing.contradiction(commit) else { return Ok(()) };
        self.sharing.is_over = true;
        if shared.bad > 0
            && let Some(conclusion) = self.packages_since(commit)?
        {
            return Err(EarlyExit::Concluded(conclusion));
        }
        self.journal.note(format!(
            "at {} the packages of another commit say something else than its own, so each trial runs with its own",
            commit.short()
        ))?;
        self.earlier = self.targets.known();
        Err(match self.target.clone() {
            Some(target) => EarlyExit::OtherTarget(Box::new(target)),
            None => EarlyExit::Interrupted,
        })
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
