//! Histories and workers in memory, to try a strategy on thousands of them.
//!
//! Every commit has a random stream of its own, so that two strategies that test the same commit see
//! the same outcomes (common random numbers).
#![expect(clippy::as_conversions, reason = "random bits become numbers")]

use std::collections::HashMap;

use crate::graph::{CommitGraph, Node};

use super::{Next, Observation, SearchOutcome, SearchState, Strategy};

/// What a commit is, behind all noise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Truth {
    /// The failure is not there.
    Good,
    /// It is there.
    Bad,
    /// It cannot be tested.
    Untestable,
}

/// A small random generator: SplitMix64 (Steele, Lea and Flood 2014).
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// The generator with this seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub const fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number from 0 to 1, without 1.
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A number below `end`, which is above 0.
    pub const fn below(&mut self, end: usize) -> usize {
        (self.bits() % end as u64) as usize
    }
}

/// A history with everything that is to be found out about it.
#[derive(Debug, Clone)]
pub struct World {
    /// The history.
    pub graph: CommitGraph,
    /// What each commit is.
    pub truth: Vec<Truth>,
    /// How often a good commit fails.
    pub false_failures: f64,
    /// How often a bad commit passes.
    pub false_passes: f64,
    /// Seed of all outcomes and durations.
    pub seed: u64,
}

/// How a simulated search went.
#[derive(Debug, Clone)]
pub struct Play {
    /// The search's answer; `None` when it did not end in the allowed number of trials.
    pub outcome: Option<SearchOutcome>,
    /// Trials that ran to their end, those of bad and good among them.
    pub trials: usize,
    /// Trials that were cancelled.
    pub cancelled: usize,
    /// Time to the answer, where a trial takes about 1.
    pub makespan: f64,
    /// What was seen.
    pub state: SearchState,
}

struct Running {
    node: Node,
    ends: f64,
}

impl World {
    /// Let a strategy search with so many workers, from a bad commit that has run, until it is done or
    /// `most` trials ran.
    pub fn play(&self, strategy: &dyn Strategy, mut state: SearchState, workers: usize, most: usize) -> Play {
        let mut streams: HashMap<Node, Random> = HashMap::new();
        let mut running: Vec<Running> = Vec::new();
        let (mut now, mut trials, mut cancelled) = (0.0, 0, 0);
        let bad = state.bad;
        trials += self.run_endpoint(&mut state, bad, &mut streams);
        let outcome = loop {
            for node in strategy.irrelevant(&self.graph, &state) {
                if let Some(at) = running.iter().position(|one| one.node == node) {
                    running.remove(at);
                    cancelled += 1;
                }
            }
            state.running = running.iter().map(|one| one.node).collect();
            match strategy.next(&self.graph, &state, workers - running.len()) {
                Next::Done(outcome) => break Some(outcome),
                Next::Test(nodes) => {
                    assert!(nodes.len() <= workers - running.len(), "more trials than free slots");
                    assert!(!nodes.is_empty() || !running.is_empty(), "neither a trial nor an end");
                    running.extend(nodes.into_iter().map(|node| {
                        let stream = streams.entry(node).or_insert_with(|| self.stream(node));
                        Running { node, ends: now + 0.9 + 0.2 * stream.unit() }
                    }));
                }
            }
            let next =
                (0..running.len()).reduce(|a, b| if running[b].ends < running[a].ends { b } else { a });
            let Some(at) = next else { break None };
            let one = running.remove(at);
            now = one.ends;
            if state.goods.contains(&one.node) {
                trials += self.run_endpoint(&mut state, one.node, &mut streams);
            } else {
                let (seen, _) = self.run(one.node, &mut streams);
                state.record(one.node, seen);
                trials += 1;
            }
            if trials >= most {
                break None;
            }
        };
        Play { outcome, trials, cancelled: cancelled + running.len(), makespan: now, state }
    }

    /// An endpoint that surprises is run again, as the session does. The number of trials.
    fn run_endpoint(
        &self,
        state: &mut SearchState,
        node: Node,
        streams: &mut HashMap<Node, Random>,
    ) -> usize {
        for trial in 1..=3 {
            let (seen, _) = self.run(node, streams);
            state.record(node, seen);
            if (seen.bad > 0) == (node == state.bad) {
                return trial;
            }
        }
        3
    }

    fn stream(&self, node: Node) -> Random {
        let mut random = Random::new(self.seed ^ (node.index() as u64).wrapping_mul(0xA24B_AED4_963E_E407));
        random.bits();
        random
    }

    fn run(&self, node: Node, streams: &mut HashMap<Node, Random>) -> (Observation, f64) {
        let random = streams.entry(node).or_insert_with(|| self.stream(node));
        let chance = random.unit();
        let mut seen = Observation::default();
        match self.truth[node.index()] {
            Truth::Untestable => seen.skipped = 1,
            Truth::Good if chance < self.false_failures => seen.bad = 1,
            Truth::Bad if chance < self.false_passes => seen.good = 1,
            Truth::Good => seen.good = 1,
            Truth::Bad => seen.bad = 1,
        }
        (seen, chance)
    }
}

#[cfg(test)]
mod tests;
