//! A failure that changes its face: the command fails since one commit, though at bad in another way.
//!
//! Where a commit fails otherwise than bad, that says one of two things. The fault may be the one that is searched for,
//! and later code only meets it elsewhere: then the first commit that fails is the culprit. Or it is another fault that
//! hid the one that is searched for and was mended: a mask. Which it is, trials tell:
//!
//! 1. The search goes by the exit status first, as `git bisect run` does: to the first commit since which the command fails.
//!    What cannot be imported counts as failing there once there is a stretch of it. Where evidence led there past most of
//!    the range, commits in between run: what passes there tells that it was mended.
//! 2. Bad without that commit's change runs. When it passes, twice, and bad fails twice, that commit is the culprit.
//! 3. Otherwise the search goes on for the first commit that shows bad's failure, and bad runs without that one's change.
//!    When it passes, twice, that commit is the culprit, and the earlier failure was mended. When it fails as the first commit
//!    did, or the commit before does so, the earlier failure was never mended: with bad without both changes, which has to
//!    pass, it is told which of two faults bad shows, or that it is one. Otherwise it was a mask, and narrowing looks behind
//!    it.

use std::collections::HashSet;

use super::Matching;
use super::error::EarlyExit;
use super::history_state::{After, BUDGET, STRETCH, Stage};
use super::line_revert::{Without, leaves_something, without_change};
use super::range::SearchRange;
use super::state::Session;
use crate::graph::Node;
use crate::model::{
    CommitId, Conclusion, Culprit, EventKind, Face, FailureHistory, FailureKind, FailureSignature, Shown,
    SkipKind, TreeId, TrialId, TrialKind, Verdict,
};
use crate::search::{InformationGain, Next, SearchOutcome, SearchState, Strategy as _};
use crate::triage::same_failure;

/// Runs of bad that a proof by what bad is without a change needs.
const SURE: u32 = 2;
/// A stretch of which nothing ran is long from this part of the range on.
const LONG_PART: usize = 4;

impl Session<'_> {
    /// The state that the search goes by while commits that fail otherwise count for something. `None` while there are
    /// none, or when that is over.
    pub(super) fn by_faces(&self, hunt: &SearchRange) -> Option<SearchState> {
        let may = matches!(self.plan.matching, Matching::Signature) && !self.plan.find_fix;
        match self.faces.stage {
            Stage::Status if may && self.hides_much(hunt) => with_failing(hunt, &self.faces.failing, true),
            Stage::Status if may => with_failing(hunt, &self.faces.may_be, true),
            Stage::Seen => with_failing(hunt, &self.faces.failing, false),
            Stage::Status | Stage::Failure => None,
        }
    }

    /// Whether so many commits of which the failure at bad may come cannot even be imported that the search by bad's
    /// failure would go from one of them to the next.
    fn hides_much(&self, hunt: &SearchRange) -> bool {
        let graph = &hunt.history.graph;
        let of = |is: &dyn Fn(Node) -> bool| graph.nodes().filter(|&node| is(node)).collect::<Vec<Node>>();
        let passed = graph.ancestors(of(&|node| hunt.state.observed(node).good > 0));
        let shown = graph.descendants(of(&|node| hunt.state.observed(node).bad > 0));
        let nodes = self.faces.failing.iter().filter_map(|commit| hunt.history.index.get(commit));
        let hiding = nodes.filter(|&&node| {
            let is_between = !passed.contains(node) && !shown.contains(node);
            is_between && hunt.state.candidates.contains(node) && hunt.state.observed(node).is_skipped()
        });
        hiding.count() >= STRETCH
    }

    /// The search that goes by these commits has come to an end: what follows.
    pub(super) fn end_of_faces(
        &mut self,
        hunt: &mut SearchRange,
        outcome: &SearchOutcome,
    ) -> Result<After, EarlyExit> {
        let stage = std::mem::replace(&mut self.faces.stage, Stage::Failure);
        match (stage, outcome) {
            (Stage::Status, &SearchOutcome::Found { culprit, probability })
                if hunt.state.observed(culprit).is_skipped() =>
            {
                if let Some(node) = untested_since(hunt, culprit, &self.faces.between) {
                    self.faces.stage = Stage::Status;
                    self.faces.between.insert(hunt.id(node));
                    let id = self.start(hunt.id(node), TrialKind::Proof)?;
                    self.verdict_of(hunt, id)?;
                    return Ok(After::GoOn);
                }
                self.faces.first = Some(culprit);
                if let Some(conclusion) = self.if_undone(hunt, culprit, probability)? {
                    return Ok(After::Concluded(conclusion));
                }
                self.faces.stage = Stage::Seen;
                Ok(After::GoOn)
            }
            // What is before it fails otherwise. Where it passes, the search by bad's failure ends there, too.
            (Stage::Seen, &SearchOutcome::Found { culprit, .. }) => {
                let passes = |parent: &Node| hunt.state.observed(*parent).good > 0;
                let is_proven = hunt.history.graph.parents(culprit).iter().all(passes);
                let set = self.hidden(hunt, culprit);
                if is_proven || set.is_empty() {
                    return Ok(After::GoOn);
                }
                if let Some(conclusion) = self.by_what_shows_it(hunt, culprit)? {
                    return Ok(After::Concluded(conclusion));
                }
                // What is run again may tell more.
                self.faces.stage = Stage::Seen;
                Ok(After::Set(set))
            }
            _ => Ok(After::GoOn),
        }
    }

    /// The commits from the first that fails to the one that shows bad's failure first; all are as likely.
    fn hidden(&self, hunt: &SearchRange, shows: Node) -> Vec<(Node, f64)> {
        let Some(first) = self.faces.first else { return Vec::new() };
        let graph = &hunt.history.graph;
        let mut nodes = graph.descendants([first]);
        nodes.intersect_with(&graph.ancestors([shows]));
        nodes.intersect_with(&hunt.state.candidates);
        let passes = |node: Node| hunt.state.observed(node).good > 0;
        let nodes: Vec<Node> = nodes.iter().filter(|&node| !passes(node)).collect();
        let share = 1.0 / f64::from(u32::try_from(nodes.len().max(1)).unwrap_or(u32::MAX));
        nodes.into_iter().rev().map(|node| (node, share)).collect()
    }

    /// The conclusion when bad passes without the change of the first commit that fails.
    fn if_undone(
        &mut self,
        hunt: &mut SearchRange,
        first: Node,
        probability: f64,
    ) -> Result<Option<Conclusion>, EarlyExit> {
        let Some(Without { tree, is_whole }) = self.bad_without(hunt, &[first])? else {
            // Where a part of it is there, it may be what fails; else it was mended, or written anew.
            self.faces.survives = self.leaves_something(hunt, first)?;
            return Ok(None);
        };
        let is_flaky = hunt.state.observations.iter().any(|seen| seen.is_contradictory());
        match self.verdict_at(hunt, self.plan.bad, tree)? {
            // A part of its change was taken back since, perhaps what made it fail otherwise: the edit tells.
            (Verdict::Good, _) if !is_flaky && !is_whole && self.narrows_culprits() => {
                self.faces.undone = true;
                Ok(None)
            }
            (Verdict::Good, _) if !is_flaky && self.holds_again(hunt, tree)? => {
                self.is_culprit(hunt, first, probability, Shown::Undone).map(Some)
            }
            (verdict, _) => {
                self.faces.survives = verdict == Verdict::Bad;
                self.faces.is_other = self.faces.survives && !is_flaky;
                Ok(None)
            }
        }
    }

    /// The conclusion when bad without the change of the commit that shows bad's failure first tells which of both it is.
    ///
    /// - It passes: that commit is the culprit, and what failed before it was mended.
    /// - It fails as the first commit that fails does: that one was never mended. Where bad without its change fails all the
    ///   same, and passes without both, there are two faults, and the later one is what bad shows; else the first is the
    ///   culprit.
    /// - The commits before it fail as the first one does, and bad passes without both: the first is the culprit, too. Of a
    ///   mask that was mended, the first would be seen, too, where that commit mended it; but not the second, unless it also
    ///   brought the failure at bad.
    fn by_what_shows_it(
        &mut self,
        hunt: &mut SearchRange,
        shows: Node,
    ) -> Result<Option<Conclusion>, EarlyExit> {
        // Once: what it tells does not change.
        if self.faces.is_settled {
            return Ok(None);
        }
        let (survives, is_other) =
            (std::mem::take(&mut self.faces.survives), std::mem::take(&mut self.faces.is_other));
        let Some(first) = self.faces.first else { return Ok(None) };
        let Some(own) = self.failure_seen_at(hunt.id(first)) else { return Ok(None) };
        let Some(alone) = self.bad_without(hunt, &[shows])? else { return Ok(None) };
        self.faces.is_settled = true;
        let other = hunt.id(shows);
        let (verdict, failure) = self.verdict_at(hunt, self.plan.bad, alone.tree)?;
        if verdict == Verdict::Good && self.holds_again(hunt, alone.tree)? {
            return self.found(hunt, first, Shown::Mended { culprit: other }, other).map(Some);
        }
        if !survives {
            return Ok(None);
        }
        let Some(without_both) = self.bad_without(hunt, &[shows, first])? else { return Ok(None) };
        let is_there = matches!(verdict, Verdict::Skip(_))
            && failure.is_some_and(|failure| same_failure(&own, &failure));
        if !is_there && !self.fails_so_before(hunt, shows, &own) {
            return Ok(None);
        }
        let tree = without_both.tree;
        if self.verdict_at(hunt, self.plan.bad, tree)?.0 != Verdict::Good {
            return Ok(None);
        }
        if is_there && is_other {
            return self.found(hunt, first, Shown::OtherFault { culprit: other }, other).map(Some);
        }
        if !self.holds_again(hunt, tree)? {
            return Ok(None);
        }
        let shown = if is_there { Shown::StillThere { other } } else { Shown::WithoutBoth { other } };
        self.is_culprit(hunt, first, 1.0, shown).map(Some)
    }

    /// The conclusion that a commit is the culprit, beside the first one that fails.
    fn found(
        &mut self,
        hunt: &SearchRange,
        first: Node,
        shown: Shown,
        culprit: CommitId,
    ) -> Result<Conclusion, EarlyExit> {
        self.say_history(hunt, first, shown)?;
        let commit = self.workshop.repository.info(culprit)?;
        Ok(Conclusion::Found { culprits: vec![Culprit::new(commit, 1.0)] })
    }

    /// Whether bad fails, and this version of it passes, once more: of a test that fails now and then, one run of each is
    /// what chance gives as well, and a proof by bad has no more than these.
    fn holds_again(&mut self, hunt: &mut SearchRange, tree: TreeId) -> Result<bool, EarlyExit> {
        let bad = self.plan.bad;
        let hangs = self.target.as_ref().is_some_and(|target| target.kind == FailureKind::Timeout);
        if !hangs && self.seen.get(&bad).is_none_or(|seen| seen.bad < SURE) {
            let id = self.start(bad, TrialKind::Proof)?;
            if self.verdict_of(hunt, id)?.0 != Verdict::Bad {
                return Ok(false);
            }
        }
        Ok(self.verdict_at(hunt, bad, tree)?.0 == Verdict::Good)
    }

    /// Whether all parents of a commit were seen to fail in this way.
    fn fails_so_before(&self, hunt: &SearchRange, commit: Node, own: &FailureSignature) -> bool {
        let parents = hunt.history.graph.parents(commit);
        let fails_so = |&parent: &Node| {
            let is_skipped = hunt.state.observed(parent).is_skipped();
            is_skipped && self.failure_seen_at(hunt.id(parent)).is_some_and(|seen| same_failure(own, &seen))
        };
        !parents.is_empty() && parents.iter().all(fails_so)
    }

    /// The search has ended in a set, and nothing tells its members apart: the first commit since which the command
    /// fails, if that is one of them. It comes first, as what the user has to look at.
    pub(super) fn put_first(
        &mut self,
        strategy: &InformationGain,
        hunt: &mut SearchRange,
        set: &mut Vec<(Node, f64)>,
    ) -> Result<Option<Conclusion>, EarlyExit> {
        if self.faces.first.is_none() {
            let Some((first, probability)) = self.first_that_fails(strategy, hunt)? else { return Ok(None) };
            self.faces.first = Some(first);
            if let Some(conclusion) = self.if_undone(hunt, first, probability)? {
                return Ok(Some(conclusion));
            }
        }
        let Some(first) = self.faces.first else { return Ok(None) };
        if self.faces.undone {
            return self.found(hunt, first, Shown::Undone, hunt.id(first)).map(Some);
        }
        if let Some(at) = set.iter().position(|(node, _)| *node == first) {
            let own = set.remove(at);
            set.insert(0, own);
            self.say_history(hunt, first, Shown::Unsettled)?;
        }
        Ok(None)
    }

    /// What is known by the exit status of a set whose first member is the first commit since which the command fails.
    pub(super) fn since_when(&self, hunt: &SearchRange, set: &[(Node, f64)]) -> String {
        match (self.faces.first, set.first()) {
            (Some(first), Some((leading, _))) if first == *leading => {
                format!("since {} the command fails, at first in another way; ", hunt.id(first).short())
            }
            _ => String::new(),
        }
    }

    /// The first commit since which the command fails, whatever the failure is. `None` when that cannot be had with few
    /// trials.
    fn first_that_fails(
        &mut self,
        strategy: &InformationGain,
        hunt: &mut SearchRange,
    ) -> Result<Option<(Node, f64)>, EarlyExit> {
        let may = matches!(self.plan.matching, Matching::Signature) && !self.plan.find_fix;
        let enough = self.trials.started() + BUDGET;
        while may && self.trials.started() < enough {
            let Some(state) = with_failing(hunt, &self.faces.failing, true) else { return Ok(None) };
            let nodes = match strategy.next(&hunt.history.graph, &state, self.trials.free()) {
                Next::Test(nodes) => nodes,
                Next::Done(SearchOutcome::Found { culprit, probability })
                    if hunt.state.observed(culprit).is_skipped() =>
                {
                    return Ok(Some((culprit, probability)));
                }
                Next::Done(_) => return Ok(None),
            };
            // That good is good was not in doubt so far; a set is a better answer than none.
            if nodes.iter().any(|node| hunt.state.goods.contains(node)) {
                return Ok(None);
            }
            for node in nodes {
                self.start(hunt.id(node), TrialKind::Proof)?;
            }
            self.sync_running(hunt);
            for judged in self.next_judged()? {
                hunt.record(&judged);
            }
            self.sync_running(hunt);
        }
        Ok(None)
    }

    /// Bad's tree without the changes of these commits, as far as they are still there; `None` when nothing of one is.
    fn bad_without(&mut self, hunt: &SearchRange, commits: &[Node]) -> Result<Option<Without>, EarlyExit> {
        let parent = |&commit: &Node| hunt.history.graph.parents(commit).first().map(|&node| hunt.id(node));
        let changes = commits.iter().map(|commit| (parent(commit), hunt.id(*commit)));
        self.bad_without_changes(changes)
    }

    /// Bad's tree without what these commits changed since these parents, likewise, in this order: the later ones first, which
    /// may stand on what the earlier ones wrote.
    pub(super) fn bad_without_changes(
        &mut self,
        changes: impl Iterator<Item = (Option<CommitId>, CommitId)>,
    ) -> Result<Option<Without>, EarlyExit> {
        let mut bad = Without { tree: self.trials.tree_of(self.plan.bad)?, is_whole: true };
        for (parent, commit) in changes {
            let Some(parent) = parent else { return Ok(None) };
            let (before, after) = (self.trials.tree_of(parent)?, self.trials.tree_of(commit)?);
            match without_change(self.workshop.shadow, before, after, bad.tree)? {
                Some(Without { tree, is_whole }) => {
                    bad = Without { tree, is_whole: bad.is_whole && is_whole };
                }
                None => return Ok(None),
            }
        }
        Ok(Some(bad))
    }

    /// Whether lines that a commit brought are still there at bad.
    fn leaves_something(&mut self, hunt: &SearchRange, commit: Node) -> Result<bool, EarlyExit> {
        let Some(&parent) = hunt.history.graph.parents(commit).first() else { return Ok(false) };
        let before = self.trials.tree_of(hunt.id(parent))?;
        let after = self.trials.tree_of(hunt.id(commit))?;
        let bad = self.trials.tree_of(self.plan.bad)?;
        Ok(leaves_something(self.workshop.shadow, before, after, bad)?)
    }

    /// What came of a tree that runs as this commit.
    fn verdict_at(
        &mut self,
        hunt: &mut SearchRange,
        commit: CommitId,
        tree: TreeId,
    ) -> Result<(Verdict, Option<FailureSignature>), EarlyExit> {
        let id = self.start_tree(commit, tree, TrialKind::Narrowing)?;
        self.verdict_of(hunt, id)
    }

    /// What came of a trial.
    fn verdict_of(
        &mut self,
        hunt: &mut SearchRange,
        id: TrialId,
    ) -> Result<(Verdict, Option<FailureSignature>), EarlyExit> {
        loop {
            // What another trial took the place of has no answer of its own.
            if self.trials.is_idle() {
                let why = "it ran in another trial".to_owned();
                return Ok((Verdict::skip(SkipKind::NotRunnable, why), None));
            }
            let judged = self.next_judged()?;
            judged.iter().for_each(|one| hunt.record(one));
            if let Some(own) = judged.into_iter().find(|one| one.trial == id) {
                let failure = self.journal.events().iter().rev().find_map(|event| match &event.kind {
                    EventKind::TrialFinished(done) if done.trial == id => Some(done.failure.clone()),
                    _ => None,
                });
                return Ok((own.verdict, failure.flatten()));
            }
        }
    }

    /// The first commit that fails is the culprit. It is narrowed by its own failure.
    fn is_culprit(
        &mut self,
        hunt: &mut SearchRange,
        first: Node,
        probability: f64,
        shown: Shown,
    ) -> Result<Conclusion, EarlyExit> {
        self.say_history(hunt, first, shown)?;
        if let (Some(own), Some(oracle)) = (self.failure_seen_at(hunt.id(first)), self.oracle.clone()) {
            let of_own = oracle.aimed_at(own.clone());
            let before = (self.oracle.replace(of_own), self.target.replace(own));
            let narrowed = self.narrow_culprit(hunt, first);
            (self.oracle, self.target) = before;
            narrowed?;
        }
        let commit = self.workshop.repository.info(hunt.id(first))?;
        Ok(Conclusion::Found { culprits: vec![Culprit::new(commit, probability)] })
    }

    /// Say how the failure looked since a commit, by what ran.
    fn say_history(&mut self, hunt: &SearchRange, first: Node, shown: Shown) -> Result<(), EarlyExit> {
        let mut seen: Vec<(Node, FailureSignature, bool)> = Vec::new();
        let after = hunt.history.graph.descendants([first]);
        for event in self.journal.events() {
            if let EventKind::TrialFinished(done) = &event.kind
                && done.purpose.is_of_commit()
                && let (Some(failure), Some(&node)) = (&done.failure, hunt.history.index.get(&done.commit))
                && after.contains(node)
            {
                seen.push((node, failure.clone(), done.verdict == Verdict::Bad));
            }
        }
        seen.sort_by_key(|(node, ..)| *node);
        let mut faces: Vec<(Face, FailureSignature)> = Vec::new();
        for (node, failure, is_target) in seen {
            let commit = hunt.id(node);
            match faces.last_mut() {
                Some((face, known))
                    if face.is_target == is_target && (is_target || same_failure(known, &failure)) =>
                {
                    face.last = commit;
                }
                _ => {
                    let text = failure.to_string().lines().next().unwrap_or_default().to_owned();
                    faces.push((Face { first: commit, last: commit, failure: text, is_target }, failure));
                }
            }
        }
        let faces = faces.into_iter().map(|(face, _)| face).collect();
        let history = FailureHistory { since: hunt.id(first), shown, faces };
        Ok(self.journal.say(EventKind::History(history))?)
    }

    /// The failure that a commit's own trial showed.
    fn failure_seen_at(&self, commit: CommitId) -> Option<FailureSignature> {
        self.journal.events().iter().rev().find_map(|event| match &event.kind {
            EventKind::TrialFinished(done) if done.commit == commit && done.purpose.is_of_commit() => {
                done.failure.clone()
            }
            _ => None,
        })
    }
}

/// The middle of the longest stretch since a commit of which nothing ran, where that is long: what failed otherwise and
/// was mended there is not what fails at bad, even if bad passes without that commit's change. Evidence may have led to it
/// with no trial in between, where halving would have made some.
fn untested_since(hunt: &SearchRange, commit: Node, asked: &HashSet<CommitId>) -> Option<Node> {
    let graph = &hunt.history.graph;
    let mut since = graph.descendants([commit]);
    since.intersect_with(&graph.ancestors([hunt.state.bad]));
    let nodes: Vec<Node> = since.iter().collect();
    let is_untested =
        |node: &Node| hunt.state.observed(*node).runs() == 0 && !asked.contains(&hunt.id(*node));
    let longest =
        nodes.chunk_by(|a, b| is_untested(a) == is_untested(b)).filter(|part| is_untested(&part[0]));
    let longest = longest.max_by_key(|part| part.len())?;
    let short = (hunt.history.candidates.count() / LONG_PART).max(1);
    (longest.len() > short).then(|| longest[longest.len() / 2])
}

/// The state in which these commits are bad, or good, where their trials say nothing else; `None` when none of them is
/// in the range.
fn with_failing(hunt: &SearchRange, failing: &HashSet<CommitId>, is_bad: bool) -> Option<SearchState> {
    let mut state = hunt.state.clone();
    let mut is_any = false;
    for node in failing.iter().filter_map(|commit| hunt.history.index.get(commit)) {
        // That good fails otherwise is its own matter.
        if state.goods.contains(node) {
            continue;
        }
        let own = state.twin[node.index()];
        let seen = &mut state.observations[own.index()];
        if seen.is_skipped() {
            let runs = std::mem::take(&mut seen.skipped);
            if is_bad {
                seen.bad = runs;
            } else {
                seen.good = runs;
            }
            is_any |= state.candidates.contains(*node);
        }
    }
    is_any.then_some(state)
}
