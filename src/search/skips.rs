//! Where a trial is likely to say nothing.
//!
//! Commits that cannot be tested come in stretches: a broken build lives until somebody mends it. So
//! the chance that an untested commit is skipped is judged by the nearest tested ones on either side.

use crate::graph::{CommitGraph, Node, NodeSet};

use super::SearchState;

/// Chance of a skip between two skipped commits.
const BETWEEN: f64 = 0.9;
/// Chance of a skip between two commits that could be tested.
const ELSEWHERE: f64 = 0.02;
/// The inside of a stretch is given up when so many of its commits were skipped …
const ENOUGH: usize = 5;
/// … and no untested gap in it is longer than this part of it.
const LARGEST_GAP: usize = 3;

/// Tested commits in the order of the graph, and whether they were skipped.
pub(super) struct Skips {
    tested: Vec<(Node, bool)>,
}

impl Skips {
    /// What was skipped so far.
    pub(super) fn new(graph: &CommitGraph, state: &SearchState) -> Self {
        let tested = graph
            .nodes()
            .map(|node| (node, state.observed(node)))
            .filter(|(node, seen)| seen.runs() > 0 || *node == state.bad || state.goods.contains(node))
            .map(|(node, seen)| (node, seen.is_skipped()))
            .collect();
        Self { tested }
    }

    /// Whether nothing was skipped.
    pub(super) fn is_empty(&self) -> bool {
        self.tested.iter().all(|(_, skipped)| !skipped)
    }

    /// The chance that a trial of this commit says something.
    pub(super) fn speaks(&self, node: Node) -> f64 {
        let after = self.tested.partition_point(|(other, _)| *other < node);
        let left = after.checked_sub(1).map(|at| self.tested[at]);
        let right = self.tested.get(after).copied();
        let skip = match (left, right) {
            (Some((_, true)), Some((_, true))) => BETWEEN,
            // The edge of the stretch is anywhere in between.
            (Some((a, true)), Some((b, false))) => BETWEEN * share(node, b, a),
            (Some((a, false)), Some((b, true))) => BETWEEN * share(node, a, b),
            (Some((_, true)), None) | (None, Some((_, true))) => BETWEEN / 2.0,
            _ => ELSEWHERE,
        };
        1.0 - skip.max(ELSEWHERE)
    }

    /// The part of a set that is not worth a trial: what lies between its first and its last skipped
    /// commit, when enough of that was tried, evenly, and nothing in it could be tested. The edges of the
    /// stretch are worth finding all the same.
    pub(super) fn hopeless(state: &SearchState, set: &NodeSet) -> Option<(Node, Node)> {
        let skipped: Vec<(usize, Node)> =
            set.iter().enumerate().filter(|(_, node)| state.observed(*node).is_skipped()).collect();
        let (&(from, first), &(to, last)) = (skipped.first()?, skipped.last()?);
        let inside = set.iter().skip(from).take(to - from + 1);
        let testable = inside.map(|node| state.observed(node)).any(|seen| seen.good + seen.bad > 0);
        let largest = skipped.windows(2).map(|pair| pair[1].0 - pair[0].0 - 1).max().unwrap_or(0);
        let enough = skipped.len() >= ENOUGH && largest * LARGEST_GAP <= to - from + 1;
        (enough && !testable).then_some((first, last))
    }
}

/// How near `node` is to `to`, on the way from `from`: 1 at `to`.
fn share(node: Node, from: Node, to: Node) -> f64 {
    let distance =
        |a: Node, b: Node| f64::from(u32::try_from(a.index().abs_diff(b.index())).unwrap_or(u32::MAX));
    distance(node, from) / distance(from, to).max(1.0)
}
