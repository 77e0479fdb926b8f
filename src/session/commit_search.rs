//! The loop around the strategy: no slot waits for a round to end.

use super::context::SessionContext;
use super::endpoint_state::Expected;
use super::error::{EarlyExit, unless_broken};
use super::history_state::After;
use super::range::SearchRange;
use super::state::Session;
use super::verification::Proving;
use crate::git::RangeOptions;
use crate::graph::Node;
use crate::model::{CommitId, Conclusion, Culprit, Episode, EventKind, Inconclusive, TreeId, TrialKind};
use crate::search::{BeliefSummary, InformationGain, Next, SearchOutcome, SearchState, Strategy};

impl Session<'_> {
    /// Search the range between the good commits and bad.
    pub(super) fn search(&mut self, goods: &[CommitId]) -> Result<Conclusion, EarlyExit> {
        self.start_endpoints(goods)?;
        let goods = self.anchored(goods)?;
        self.goods.clone_from(&goods);
        let mut hunt = self.hunt(&goods)?;
        self.say_range(&hunt, &goods)?;
        let mut evidence = self.evidence(&mut hunt)?;
        self.fetch_missing(&hunt.history.trees)?;
        let budget = hunt.history.candidates.count() + 500;
        let mut checked = Vec::new();
        let mut proving = Proving::default();
        self.start_earlier()?;
        loop {
            while self.trials.has_answer() {
                for judged in self.next_judged()? {
                    hunt.record(&judged);
                }
            }
            self.decide_selection()?;
            while self.trials.has_answer() {
                for judged in self.next_judged()? {
                    hunt.record(&judged);
                }
            }
            self.look_for_chance()?;
            // Made anew each time: the doubt about the test follows from the target, once that is known.
            let mut strategy = InformationGain::new(self.plan.confidence, self.doubt());
            if evidence.is_some() && self.target_expected().is_some() {
                strategy = strategy.before_evidence();
            }
            self.use_evidence(&mut evidence, &mut hunt)?;
            self.weigh_others(&strategy, &mut hunt)?;
            self.sync_running(&mut hunt);
            self.dismiss_irrelevant(&strategy, &mut hunt)?;
            self.foresee(&hunt)?;
            let by_faces = self.by_faces(&hunt);
            let state = by_faces.as_ref().unwrap_or(&hunt.state);
            match strategy.next(&hunt.history.graph, state, self.free_slots()) {
                Next::Test(nodes) => {
                    if self.trials.started() > budget {
                        return Ok(budget_spent(budget));
                    }
                    self.make_room(nodes.len())?;
                    for node in nodes {
                        self.start_node(&hunt, node)?;
                    }
                }
                Next::Done(outcome)
                    if self.endpoints.are_settled()
                        && !self.runs_one_of(&checked)
                        && !self.waits_for(&proving) =>
                {
                    let outcome = if by_faces.is_none() {
                        outcome
                    } else {
                        match self.end_of_faces(&mut hunt, &outcome)? {
                            After::Concluded(conclusion) => return Ok(conclusion),
                            After::GoOn => continue,
                            After::Set(set) => SearchOutcome::Ambiguous { set },
                        }
                    };
                    if !self.confirms(&hunt, &outcome)?
                        && !self.proves(&hunt, &outcome, &mut proving)?
                        && !self.proves_own(&hunt, &outcome)?
                        && !self.proves_whole(&hunt, &outcome, by_faces.is_some())?
                        && !self.gives_more_time(&hunt, &outcome)?
                    {
                        let mender = self.mender(&hunt, &outcome, &mut checked);
                        let Some(mender) = unless_broken(mender)? else {
                            self.say_repeats(&proving)?;
                            return self.decide(&strategy, &mut hunt, &outcome);
                        };
                        self.start(mender, TrialKind::Proof)?;
                    }
                }
                // An endpoint or a would-be mender is still running; nothing is sure before it ends.
                Next::Done(_) => {}
            }
            self.sync_running(&mut hunt);
            self.narrow_ahead(&strategy, &hunt)?;
            self.say_suspects()?;
            if self.trials.is_idle() {
                let reason = "no commit is left that could be tested".to_owned();
                return Ok(Conclusion::Inconclusive { why: Inconclusive::NothingRunnable, reason });
            }
            for judged in self.next_judged()? {
                hunt.record(&judged);
            }
            self.say_belief(&strategy, &hunt)?;
        }
    }

    /// What an outcome amounts to: a commit, unless others or the packages are to blame.
    fn decide(
        &mut self,
        strategy: &InformationGain,
        hunt: &mut SearchRange,
        outcome: &SearchOutcome,
    ) -> Result<Conclusion, EarlyExit> {
        if let Some(conclusion) = self.left_out_by_path(hunt, outcome)? {
            return Ok(conclusion);
        }
        match self.blamed_packages(hunt, outcome)? {
            Some(conclusion) => Ok(conclusion),
            None => self.conclude(strategy, hunt, outcome),
        }
    }

    /// Ask again for what the earlier part of this session learned: it is answered from the record, so
    /// the search goes on where it was, whatever was running then.
    fn start_earlier(&mut self) -> Result<(), EarlyExit> {
        for (commit, purpose) in std::mem::take(&mut self.earlier) {
            if purpose.is_of_commit()
                && purpose != TrialKind::Endpoint
                && self.is_known_for(commit, purpose)?
            {
                self.start(commit, purpose)?;
            }
        }
        Ok(())
    }

    pub(super) fn runs_one_of(&self, commits: &[CommitId]) -> bool {
        self.trials.of_commits().any(|(_, commit, _)| commits.contains(&commit))
    }

    /// Start bad. Good is run when something depends on it: the proof seldom does, since that needs the culprit and its
    /// parents, and the search asks for it when it comes to doubt it. What is recorded of it costs nothing.
    fn start_endpoints(&mut self, goods: &[CommitId]) -> Result<(), EarlyExit> {
        let bad = self.plan.bad;
        if !self.seen.contains_key(&bad) && !self.runs_one_of(&[bad]) {
            self.start(bad, TrialKind::Endpoint)?;
        }
        for &good in goods {
            let is_of_use = self.plan.find_fix
                || self.trials.is_known(good)?
                || !self.workshop.repository.is_ancestor(good, bad)?;
            if is_of_use && !self.seen.contains_key(&good) {
                self.start_good(good)?;
            }
        }
        Ok(())
    }

    /// Run a good commit, which has to pass.
    pub(super) fn start_good(&mut self, good: CommitId) -> Result<(), EarlyExit> {
        self.endpoints.expect(good, Expected::Good);
        if self.runs_one_of(&[good]) {
            return Ok(());
        }
        self.start(good, TrialKind::Endpoint).map(drop)
    }

    fn start_node(&mut self, hunt: &SearchRange, node: Node) -> Result<(), EarlyExit> {
        let commit = hunt.id(node);
        if hunt.state.goods.contains(&node) && hunt.state.observed(node).runs() == 0 {
            return self.start_good(commit);
        }
        let purpose = self.purpose(hunt, node);
        if self.waits_for_bad(commit, purpose)? {
            return Ok(());
        }
        self.start(commit, purpose).map(drop)
    }

    /// Good commits that are ancestors of bad. For one that is not, the merge base is tested first: if
    /// the failure is there already, the good side fixed it, and the range says nothing.
    fn anchored(&mut self, goods: &[CommitId]) -> Result<Vec<CommitId>, EarlyExit> {
        let repository = self.workshop.repository;
        let bad = self.plan.bad;
        let mut anchored = Vec::new();
        for &good in goods {
            if good == bad || repository.is_ancestor(good, bad)? {
                anchored.push(good);
                continue;
            }
            let bases = repository.merge_bases(good, bad)?;
            if bases.is_empty() {
                self.journal.note(format!("{} and the bad commit have no common history", good.short()))?;
            }
            for base in bases {
                self.test_merge_base(good, base)?;
                anchored.push(base);
            }
        }
        Ok(anchored)
    }

    fn test_merge_base(&mut self, good: CommitId, base: CommitId) -> Result<(), EarlyExit> {
        if !self.seen.contains_key(&base) {
            self.start(base, TrialKind::Endpoint)?;
        }
        while !self.seen.contains_key(&base) {
            self.next_judged()?;
        }
        self.settle_ends(good, base)?;
        let seen = self.seen.get(&base).copied().unwrap_or_default();
        if seen.bad > 0 && seen.good == 0 {
            let reason = format!(
                "the failure is there already at the merge base {}: {} does not have it because something on its \
                 side mended it",
                base.short(),
                good.short()
            );
            let hint = format!(
                "what fixed it: --find-fix --bad {} --good {}\nwhat broke it: --bad {}",
                base.short(),
                good.short(),
                base.short()
            );
            return Err(EarlyExit::Concluded(Conclusion::NotReproduced { reason, hint: Some(hint) }));
        }
        let what = if seen.is_skipped() { "could not be tested; it is taken as good" } else { "is good" };
        self.journal.note(format!(
            "{} is not an ancestor of the bad commit; their merge base {} {what}",
            good.short(),
            base.short()
        ))?;
        Ok(())
    }

    /// The failure at a merge base ends the search: so it is seen twice, and what is said of the good commit is so.
    fn settle_ends(&mut self, good: CommitId, base: CommitId) -> Result<(), EarlyExit> {
        let fails = |session: &Self| {
            let seen = session.seen.get(&base).copied().unwrap_or_default();
            seen.bad > 0 && seen.good == 0
        };
        if !fails(self) {
            return Ok(());
        }
        if self.seen.get(&base).is_some_and(|seen| seen.bad < 2) {
            self.start(base, TrialKind::Endpoint)?;
        }
        if !self.seen.contains_key(&good) {
            self.start_good(good)?;
        }
        let is_open = |session: &Self| {
            let runs = session.seen.get(&base).map_or(0, |seen| seen.runs());
            fails(session) && (runs < 2 || !session.endpoints.are_settled())
        };
        while is_open(self) && !self.trials.is_idle() {
            self.next_judged()?;
        }
        Ok(())
    }

    fn hunt(&self, goods: &[CommitId]) -> Result<SearchRange, EarlyExit> {
        let options = RangeOptions {
            first_parent: self.plan.first_parent,
            paths: self.plan.pathspecs.iter().map(Into::into).collect(),
        };
        let history = self.workshop.repository.range(self.plan.bad, goods, &options)?;
        let mut state = SearchState::new(&history.graph, history.bad, history.goods.clone());
        state.candidates = history.candidates.clone();
        state.twin.clone_from(&history.twin);
        for (at, commit) in history.ids.iter().enumerate() {
            if let Some(&seen) = self.seen.get(commit) {
                state.record(Node::new(at), seen);
            }
        }
        Ok(SearchRange { history, state })
    }

    /// In a partial clone, get what the range lacks at once, instead of file by file.
    pub(super) fn fetch_missing(&mut self, trees: &[TreeId]) -> Result<(), EarlyExit> {
        let SessionContext { repository, shadow, .. } = self.workshop;
        if let Err(error) = shadow.fetch_missing(repository, trees) {
            self.journal
                .note(format!("this is a partial clone, and what it lacks could not be fetched: {error}"))?;
        }
        Ok(())
    }

    fn say_range(&mut self, hunt: &SearchRange, goods: &[CommitId]) -> Result<(), EarlyExit> {
        if self.targets.is_later {
            return Ok(());
        }
        Ok(self.journal.say(EventKind::Range {
            good: goods.to_vec(),
            bad: self.plan.bad,
            commits: hunt.history.candidates.count(),
            merges: hunt.history.merges,
        })?)
    }

    /// What waits for the target to be judged is as good as running: it need not be started again.
    pub(super) fn sync_running(&self, hunt: &mut SearchRange) {
        let running = self.trials.of_commits().map(|(_, commit, _)| commit);
        let waiting = self.unjudged.iter().map(|done| done.commit);
        let nodes = running.chain(waiting).filter_map(|commit| hunt.history.index.get(&commit));
        hunt.state.running = nodes.copied().collect();
    }

    /// Slots for more trials. While the target is not known, no more than a few trials are of use.
    fn free_slots(&self) -> usize {
        let most = self.trials.capacity() * 2;
        (self.trials.free() + self.ahead.running()).min(most.saturating_sub(self.unjudged.len()))
    }

    fn dismiss_irrelevant(
        &mut self,
        strategy: &InformationGain,
        hunt: &mut SearchRange,
    ) -> Result<(), EarlyExit> {
        let irrelevant = strategy.irrelevant(&hunt.history.graph, &hunt.state);
        for node in irrelevant {
            let commit = hunt.id(node);
            let trial = self
                .trials
                .of_commits()
                .find(|(_, running, purpose)| *running == commit && may_be_dismissed(*purpose))
                .map(|(id, ..)| id);
            if let Some(id) = trial {
                self.dismiss(id)?;
            }
        }
        self.sync_running(hunt);
        Ok(())
    }

    fn purpose(&self, hunt: &SearchRange, node: Node) -> TrialKind {
        let seen = hunt.state.observed(node);
        if seen.runs() > 0 {
            TrialKind::Repeat
        } else if hunt.state.candidates.contains(node) {
            TrialKind::Search
        } else {
            TrialKind::Proof
        }
    }

    fn say_belief(&mut self, strategy: &InformationGain, hunt: &SearchRange) -> Result<(), EarlyExit> {
        /// So many leading candidates are shown.
        const LEADING: usize = 5;
        let slots = self.trials.capacity();
        let BeliefSummary { left, rounds_left, leading } =
            strategy.belief(&hunt.history.graph, &hunt.state, slots, LEADING);
        let leading = leading.into_iter().map(|(node, p)| (hunt.id(node), p)).collect();
        Ok(self.journal.say(EventKind::Belief { left, rounds_left, leading })?)
    }

    fn conclude(
        &mut self,
        strategy: &InformationGain,
        hunt: &mut SearchRange,
        outcome: &SearchOutcome,
    ) -> Result<Conclusion, EarlyExit> {
        let graph = &hunt.history.graph;
        for (bad, mended) in strategy.episodes(graph, &hunt.state) {
            // What was only said to be good is none that was seen to be mended.
            if hunt.state.observed(bad).bad == 0 || hunt.state.observed(mended).good == 0 {
                continue;
            }
            let episode = Episode { bad: hunt.id(bad), mended_by: hunt.id(mended) };
            self.journal.say(EventKind::Episode(episode))?;
        }
        if hunt.state.observations.iter().any(|seen| seen.is_contradictory()) {
            let (false_failures, false_passes) = strategy.flake_rates(graph, &hunt.state);
            self.journal.say(EventKind::Flaky { false_failures, false_passes })?;
        }
        match outcome {
            SearchOutcome::Found { culprit: node, probability } => {
                self.narrow_culprit(hunt, *node)?;
                let commit = self.workshop.repository.info(hunt.id(*node))?;
                let adds_test = self.adds_its_test(&commit)?;
                let culprit = Culprit { adds_test, ..Culprit::new(commit, *probability) };
                Ok(Conclusion::Found { culprits: vec![culprit] })
            }
            SearchOutcome::Ambiguous { set } => self.conclude_set(strategy, hunt, set.clone()),
        }
    }

    /// What a set amounts to: one of its members, where its edits or the first failure tell which.
    fn conclude_set(
        &mut self,
        strategy: &InformationGain,
        hunt: &mut SearchRange,
        mut set: Vec<(Node, f64)>,
    ) -> Result<Conclusion, EarlyExit> {
        if let Some(culprit) = self.narrowed(hunt, &set)? {
            return Ok(Conclusion::Found { culprits: vec![culprit] });
        }
        if let Some(conclusion) = self.put_first(strategy, hunt, &mut set)? {
            return Ok(conclusion);
        }
        let repository = self.workshop.repository;
        let culprit = |&(node, probability): &(Node, f64)| -> Result<Culprit, EarlyExit> {
            Ok(Culprit::new(repository.info(hunt.id(node))?, probability))
        };
        let culprits = set.iter().map(culprit).collect::<Result<Vec<Culprit>, EarlyExit>>()?;
        let untested = set.iter().filter(|(node, _)| hunt.state.observed(*node).runs() == 0).count();
        let skipped = set.iter().filter(|(node, _)| hunt.state.observed(*node).is_skipped()).count();
        let untried = match untested {
            0 => String::new(),
            _ => format!(", and {untested} in the same stretch were not tried"),
        };
        let left_out = match self.plan.pathspecs.as_slice() {
            [] => String::new(),
            paths => {
                format!("; commits that do not touch {} were left out, and may be it too", paths.join(", "))
            }
        };
        let since = self.since_when(hunt, &set);
        let reason = format!("{since}{skipped} of these commits cannot be tested{untried}{left_out}");
        let members: Vec<CommitId> = culprits.iter().map(|culprit| culprit.commit.id).collect();
        let go_on = self.module_wanted_by(&members)?;
        Ok(Conclusion::Ambiguous { culprits, reason, go_on })
    }
}

/// Endpoints have to end as expected; and a would-be mender is run because the strategy does not ask.
const fn may_be_dismissed(purpose: TrialKind) -> bool {
    !matches!(purpose, TrialKind::Endpoint | TrialKind::Proof)
}

fn budget_spent(budget: usize) -> Conclusion {
    Conclusion::Inconclusive {
        why: Inconclusive::BudgetSpent,
        reason: format!("after {budget} trials the asked confidence is not reached: the test is too flaky"),
    }
}
