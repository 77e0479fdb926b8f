//! The strategy: free slots go to the commits that tell most about the culprit.
//!
//! In this order: repeats of what contradicts itself, trials that divide the hypotheses, trials that
//! prove the leading hypothesis, repeats that make a flaky test's answer sure.

use crate::graph::{CommitGraph, Node, NodeSet};

use super::ancestor_mass::{Hypothesis, Weights};
use super::batch::{Bound, Pick, Picker, binary_entropy, halvings};
use super::consistent::Focus;
use super::posterior::{Doubt, Posterior};
use super::skips::Skips;
use super::{Next, Observation, SearchOutcome, SearchState, Strategy};

/// A trial that adds fewer bits than this divides nothing.
const LEAST_BITS: f64 = 0.02;
/// Members of a set are named down to this probability.
const NEGLIGIBLE: f64 = 1e-4;
/// What a trial tells before the evidence of the failure is read is worth this part of its bits: the evidence leaves about
/// 3.3 of 8 bits open, so most of it would have been told anyway.
const BEFORE_EVIDENCE: f64 = 0.4;
/// Trials of a search with one worker beyond those that halve the range: that of bad, one that the proof needs, and one
/// for evidence that misleads.
const BEYOND_HALVING: u32 = 3;
/// What is sure enough when those are made …
const ENOUGH_AT_LAST: f64 = 0.95;
/// … for a failure of which the doubt is no more than this.
const TELLING: f64 = 0.02;
/// The part of the doubt that is allowed which a flaky test is left with.
const DOUBT_WHEN_FLAKY: f64 = 0.5;
/// A hypothesis this probable is worth proving in a slot that has nothing better to do.
const LIKELY: f64 = 0.3;

/// Bayesian search by expected information.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct InformationGain {
    confidence: f64,
    doubt: Doubt,
    awaits_evidence: bool,
}

/// What is believed at one moment, for the live view.
#[derive(Debug, Clone, PartialEq)]
pub struct BeliefSummary {
    /// How many commits can still be the culprit.
    pub left: usize,
    /// About how many rounds of trials are left.
    pub rounds_left: f64,
    /// The most probable commits and their probabilities, first the leading one.
    pub leading: Vec<(Node, f64)>,
}

/// The state, thought through.
struct Analysis<'a> {
    graph: &'a CommitGraph,
    state: &'a SearchState,
    focus: Focus,
    posterior: Posterior,
    skips: Skips,
    /// Good commits that could be none.
    doubtful: Vec<Node>,
    doubt: Doubt,
}

impl InformationGain {
    /// A strategy that stops at this probability of the culprit, and doubts the test so.
    #[must_use]
    pub const fn new(confidence: f64, doubt: Doubt) -> Self {
        Self { confidence, doubt, awaits_evidence: false }
    }

    /// The strategy while evidence is to be had soon, which tells much of what trials would: only a trial that is worth its
    /// run all the same is made.
    #[must_use]
    pub const fn before_evidence(self) -> Self {
        Self { awaits_evidence: true, ..self }
    }

    fn view<'a>(&self, graph: &'a CommitGraph, state: &'a SearchState) -> Analysis<'a> {
        let focus = Focus::new(graph, state);
        let doubtful = state.untested_goods(graph);
        let posterior = Posterior::new(graph, state, &focus, &doubtful, self.doubt);
        let skips = Skips::new(graph, state);
        Analysis { graph, state, focus, posterior, skips, doubtful, doubt: self.doubt }
    }

    /// What is believed now, where `slots` trials run at a time; of the leading commits the first `most`.
    #[must_use]
    pub fn belief(
        &self,
        graph: &CommitGraph,
        state: &SearchState,
        slots: usize,
        most: usize,
    ) -> BeliefSummary {
        let view = self.view(graph, state);
        let mut leading = view.by_probability(0.0);
        leading.retain(|(node, _)| state.candidates.contains(*node));
        let left = leading.iter().filter(|(_, p)| *p > NEGLIGIBLE).count();
        leading.truncate(most);
        let slots = f64::from(u32::try_from(slots).unwrap_or(u32::MAX));
        let rounds_left = view.posterior.entropy() / (slots + 1.0).log2();
        BeliefSummary { left, rounds_left, leading }
    }

    /// Earlier episodes: a commit seen bad, and a descendant seen good.
    #[must_use]
    pub fn episodes(&self, graph: &CommitGraph, state: &SearchState) -> Vec<(Node, Node)> {
        let focus = Focus::new(graph, state);
        if focus.flaky { Vec::new() } else { focus.episodes }
    }

    /// What a first trial of each node is worth to this search: the bits that it is expected to tell, and the probability
    /// that the proof needs it.
    #[must_use]
    pub fn worths(&self, graph: &CommitGraph, state: &SearchState) -> Vec<f64> {
        let view = self.view(graph, state);
        let (weights, of) = (view.weights(), &view.posterior.of);
        let mut worths = of.clone();
        for node in graph.nodes() {
            for parent in graph.parents(node) {
                worths[parent.index()] += of[node.index()];
            }
        }
        for node in graph.nodes() {
            let worth = &mut worths[node.index()];
            *worth = if state.observed(node).runs() > 0 {
                0.0
            } else {
                *worth + binary_entropy(weights.of(node)[0])
            };
        }
        worths
    }

    /// Expected rates of false failures and of false passes.
    #[must_use]
    pub fn flake_rates(&self, graph: &CommitGraph, state: &SearchState) -> (f64, f64) {
        let posterior = self.view(graph, state).posterior;
        (posterior.passing, 1.0 - posterior.failing)
    }
}

impl Strategy for InformationGain {
    fn next(&self, graph: &CommitGraph, state: &SearchState, slots: usize) -> Next {
        let view = self.view(graph, state);
        let mut plan: Vec<Node> = view.untaken(view.focus.repeat.iter().copied());
        if !view.focus.repeat.is_empty() {
            plan.truncate(slots);
            return Next::Test(plan);
        }
        let Some(leading) = view.posterior.leading() else {
            // Nothing explains the failure: every commit was seen good, or has its parent's tree.
            let set = state.candidates.iter().map(|node| (node, 0.0)).collect();
            return Next::Done(SearchOutcome::Ambiguous { set });
        };
        let (leading, sure) = match view.last_left() {
            Some((only, flat)) if flat >= view.enough(self.confidence) => {
                (only, flat.max(view.posterior.of[only.index()]))
            }
            _ => (leading, view.posterior.of[leading.index()]),
        };
        let proof = view.proof(leading);
        if sure >= view.enough(self.confidence) && proof == Proof::Complete {
            return Next::Done(SearchOutcome::Found { culprit: leading, probability: sure });
        }
        let dividing = view.dividing(slots, if self.awaits_evidence { BEFORE_EVIDENCE } else { 1.0 });
        plan.extend(dividing.iter().map(|pick| pick.node));
        if plan.len() < slots && sure >= LIKELY {
            plan.extend(view.untaken(proof.open()));
        }
        if plan.len() < slots && view.needs_repeats(self.confidence) {
            plan.extend(view.repeats(slots - plan.len()));
        }
        if plan.is_empty() && state.running.is_empty() && sure < view.enough(self.confidence) {
            plan.extend(view.untaken(view.doubtful.iter().copied()));
        }
        plan.truncate(slots);
        if plan.is_empty() && state.running.is_empty() && slots > 0 {
            return Next::Done(view.undecided());
        }
        Next::Test(plan)
    }

    fn irrelevant(&self, graph: &CommitGraph, state: &SearchState) -> Vec<Node> {
        let view = self.view(graph, state);
        if view.focus.flaky {
            return Vec::new();
        }
        let needed = view.posterior.leading().map(|leading| view.proof(leading).open()).unwrap_or_default();
        // Few trials run: to sum up for these is less than to have the sums of all commits.
        let undecided = |node: Node| {
            let below: f64 = graph.ancestors([node]).iter().map(|node| view.posterior.of[node.index()]).sum();
            below > NEGLIGIBLE && below < 1.0 - NEGLIGIBLE
        };
        state
            .running
            .iter()
            .copied()
            .filter(|&node| {
                let first = state.observed(node).runs() == 0;
                first && !undecided(node) && !needed.contains(&node) && !view.focus.repeat.contains(&node)
            })
            .collect()
    }
}

/// What is missing to prove a hypothesis: the culprit seen bad, each of its parents good.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Proof {
    Complete,
    /// These have to run.
    Open(Vec<Node>),
    /// One of these cannot be tested.
    Impossible,
}

impl Proof {
    fn open(&self) -> Vec<Node> {
        match self {
            Self::Open(nodes) => nodes.clone(),
            Self::Complete | Self::Impossible => Vec::new(),
        }
    }
}

impl Analysis<'_> {
    /// Nodes with at least this probability, the most probable first.
    fn by_probability(&self, least: f64) -> Vec<(Node, f64)> {
        let mut list: Vec<(Node, f64)> = self
            .graph
            .nodes()
            .map(|node| (node, self.posterior.of[node.index()]))
            .filter(|(_, p)| *p > least)
            .collect();
        list.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        list
    }

    /// Weight of belief in each node's ancestors, in one cell.
    fn weights(&self) -> Weights {
        let hypotheses: Vec<Hypothesis> = self
            .graph
            .nodes()
            .map(|node| Hypothesis { node, weight: self.posterior.of[node.index()], cell: 0 })
            .filter(|one| one.weight > 0.0)
            .collect();
        Weights::new(self.graph, &hypotheses, 1)
    }

    /// Those of the nodes whose tree is not running, one for each tree.
    fn untaken(&self, nodes: impl IntoIterator<Item = Node>) -> Vec<Node> {
        let twin = |node: Node| self.state.twin[node.index()];
        let mut taken = NodeSet::empty(self.graph.len());
        taken.extend(self.state.running.iter().map(|&node| twin(node)));
        nodes.into_iter().filter(|&node| taken.insert(twin(node))).collect()
    }

    /// Trials that divide the hypotheses, where those of candidates are worth this part of what they tell. That good is
    /// not good, no evidence would tell.
    fn dividing(&self, slots: usize, part: f64) -> Vec<Pick> {
        // Of a flaky test, no answer divides for certain: the channel decides, as for repeats.
        if slots == 0 || self.focus.flaky {
            return Vec::new();
        }
        let hopeless = Skips::hopeless(self.state, &self.honest());
        let hope = |node: Node| hopeless.is_none_or(|(first, last)| node < first || node > last);
        // The picker finds by itself which of them would tell nothing.
        let untested =
            self.state.candidates.iter().filter(|&node| hope(node) && self.state.observed(node).runs() == 0);
        let new = untested.chain(self.doubtful.iter().copied());
        let plain = self.skips.is_empty();
        let speaks = |node: Node| if plain { 1.0 } else { self.skips.speaks(node) };
        let part_of = |node: Node| if self.doubtful.contains(&node) { 1.0 } else { part };
        let testable: Vec<(Node, f64)> =
            self.untaken(new).into_iter().map(|node| (node, speaks(node) * part_of(node))).collect();
        let picker = Picker::new(self.graph, &self.posterior.of, &testable, &self.state.running);
        let picker = if self.has_evidence() { picker.with_evidence() } else { picker };
        let alone = slots == 1 && self.state.running.is_empty();
        let picker = picker.bound(if alone && plain { self.bound() } else { None });
        picker.beside(&self.state.shared).pick(slots, self.least_bits())
    }

    /// Trials that a search with one worker takes at most, with all that run: that of bad and those of the proof among them.
    fn most_trials(&self) -> u32 {
        halvings(self.state.candidates.count()) + BEYOND_HALVING
    }

    fn trials(&self) -> u32 {
        self.state.observations.iter().map(Observation::runs).sum()
    }

    /// The confidence that is enough: a little less at the last trial of a search for a failure that tells much of itself,
    /// when all trials agreed.
    fn enough(&self, confidence: f64) -> f64 {
        let is_last = self.trials() >= self.most_trials() && self.has_evidence();
        let telling = self.doubt.all() <= TELLING && !self.focus.flaky && self.skips.is_empty();
        if self.focus.flaky {
            // How a test is flaky is known from few runs.
            1.0 - (1.0 - confidence) * DOUBT_WHEN_FLAKY
        } else if is_last && telling {
            confidence.min(ENOUGH_AT_LAST)
        } else {
            confidence
        }
    }

    /// What a worker that searches alone has promised. `None` where the evidence points nowhere.
    fn bound(&self) -> Option<Bound> {
        let left = self.honest();
        if left.count() < 2 || !self.has_evidence() {
            return None;
        }
        // The culprit may be the oldest, whose parent is good and has to be seen so; or bad, which then is run again.
        let unseen = |node: Node| self.state.goods.contains(&node) && self.state.observed(node).runs() == 0;
        let oldest = left.iter().flat_map(|node| self.graph.parents(node)).any(|&parent| unseen(parent));
        let last = u32::from(oldest || left.contains(self.state.bad));
        let trials = self.most_trials().saturating_sub(self.trials() + last);
        // What cannot be kept any more, because trials were made for something else, binds nobody.
        (halvings(left.count()) <= trials).then_some(Bound { left, trials })
    }

    /// Whether the prior tells candidates apart.
    fn has_evidence(&self) -> bool {
        let mut priors = self.state.candidates.iter().map(|node| self.state.prior[node.index()]);
        let first = priors.next();
        priors.any(|prior| Some(prior) != first)
    }

    /// While the test is taken at its word, what only the doubt about it would divide is left to
    /// repeats, which tell more about that.
    fn least_bits(&self) -> f64 {
        let honest = self.honest();
        if honest.count() <= 1 { f64::INFINITY } else { LEAST_BITS }
    }

    /// Hypotheses that agree with all that was seen.
    fn honest(&self) -> NodeSet {
        let mut honest = self.focus.candidates.clone();
        for node in self.focus.candidates.iter() {
            if self.posterior.of[node.index()] <= 0.0 {
                honest.remove(node);
            }
        }
        honest
    }

    /// The only commit that agrees with all that was seen, and how sure it is where the prior says nothing: that the
    /// evidence pointed elsewhere is no reason to doubt the test.
    fn last_left(&self) -> Option<(Node, f64)> {
        let honest = self.honest();
        let mut left = honest.iter();
        let (Some(only), None) = (left.next(), left.next()) else { return None };
        if self.focus.flaky || !self.has_evidence() {
            return None;
        }
        let mut flat = self.state.clone();
        for (prior, node) in flat.prior.iter_mut().zip(self.graph.nodes()) {
            // What cannot matter stays impossible.
            *prior = f64::from(u8::from(self.state.candidates.contains(node) && *prior > 0.0));
        }
        let flat = Posterior::new(self.graph, &flat, &self.focus, &self.doubtful, self.doubt);
        Some((only, flat.of[only.index()]))
    }

    /// What is missing to prove a hypothesis.
    fn proof(&self, culprit: Node) -> Proof {
        let mut open = Vec::new();
        for node in std::iter::once(culprit).chain(self.graph.parents(culprit).iter().copied()) {
            let seen = self.state.observed(node);
            if seen.is_skipped() {
                return Proof::Impossible;
            }
            let as_it_should = if node == culprit { seen.bad } else { seen.good };
            if as_it_should == 0 {
                open.push(node);
            }
        }
        if open.is_empty() { Proof::Complete } else { Proof::Open(open) }
    }

    /// Whether repeats have to make the answer sure: passes and failures mix, or what would be left if
    /// the test were flaky is more than the asked confidence allows. While much is left to divide, that
    /// can wait.
    fn needs_repeats(&self, confidence: f64) -> bool {
        if self.focus.flaky {
            return true;
        }
        let honest = self.honest();
        let inside: f64 = honest.iter().map(|node| self.posterior.of[node.index()]).sum();
        let inside = inside / (1.0 - self.posterior.mistaken);
        let inside = self.last_left().map_or(inside, |(_, flat)| inside.max(flat));
        inside < self.enough(confidence) && honest.count() <= self.state.running.len() + 2
    }

    /// Trials to repeat, by the information that a flaky test gives: that of a binary channel.
    fn repeats(&self, slots: usize) -> Vec<Node> {
        // What a run tells of the culprit: its answer's entropy, less what is left of it when the culprit is known. Of each
        // culprit, four sums: how often it fails where the failure is and where not, and the entropy of these.
        let mut hypotheses: Vec<Hypothesis> = Vec::new();
        let (mut flaky, mut sums) = (0.0, [0.0; 4]);
        for node in self.graph.nodes() {
            let (of, there, elsewhere) = self.posterior.if_flaky(node);
            if of > 0.0 {
                flaky += of;
                let parts = [there, elsewhere, binary_entropy(there), binary_entropy(elsewhere)];
                for (cell, part) in parts.into_iter().enumerate() {
                    sums[cell] += of * part;
                    hypotheses.push(Hypothesis { node, weight: of * part, cell });
                }
            }
        }
        let weights = Weights::new(self.graph, &hypotheses, sums.len());
        let plain = self.skips.is_empty();
        let bits = |node: Node| {
            let below = weights.of(node);
            let fails = below[0] + sums[1] - below[1];
            let known = below[2] + sums[3] - below[3];
            if flaky > 0.0 { flaky * binary_entropy(fails / flaky) - known } else { 0.0 }
        };
        let options: Vec<(Node, f64)> = self
            .state
            .candidates
            .iter()
            .filter(|&node| !self.state.observed(node).is_skipped())
            .map(|node| {
                let speaks = if plain { 1.0 } else { self.skips.speaks(node) };
                (node, bits(node) * speaks)
            })
            .filter(|(_, bits)| *bits > TOO_LITTLE)
            .collect();
        let mut taken: Vec<Node> = self.state.running.clone();
        let mut picks = Vec::new();
        while picks.len() < slots {
            // A second trial of the same commit tells less than the first.
            let worth = |(node, bits): (Node, f64)| {
                let times = taken.iter().filter(|&&other| other == node).count();
                bits * 0.5_f64.powi(i32::try_from(times).unwrap_or(i32::MAX))
            };
            let best =
                options.iter().copied().reduce(|best, one| if worth(one) > worth(best) { one } else { best });
            let Some((node, _)) = best else { break };
            taken.push(node);
            picks.push(node);
        }
        picks
    }

    /// The end without a proof: one of several, and no trial can tell which.
    fn undecided(&self) -> SearchOutcome {
        let mut set = self.by_probability(NEGLIGIBLE);
        let possible = if self.focus.flaky { &self.state.candidates } else { &self.focus.candidates };
        set.retain(|(node, _)| possible.contains(*node));
        // A culprit whose parent cannot be tested may have inherited the failure from it.
        if let [(only, p)] = set[..] {
            let unsure: Vec<Node> = self
                .graph
                .parents(only)
                .iter()
                .copied()
                .filter(|&parent| self.state.observed(parent).is_skipped())
                .collect();
            let share = f64::from(u32::try_from(unsure.len() + 1).unwrap_or(u32::MAX));
            set[0].1 = p / share;
            set.extend(unsure.into_iter().map(|parent| (parent, p / share)));
        }
        SearchOutcome::Ambiguous { set }
    }
}

/// A repeat that adds fewer bits than this is not worth its time.
const TOO_LITTLE: f64 = 1e-4;
