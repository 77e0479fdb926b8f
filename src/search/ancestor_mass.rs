//! How much belief lies in the ancestors of each commit, exactly, on DAGs.
//!
//! On a commit with one parent that is the parent's sum and its own weight. On a merge it is the sum
//! over a union, which has to be known as a set. Sets are kept as bits, for a block of hypotheses at a
//! time, so that a block of all commits stays in the processor's cache; a merge adds only what its
//! further parents have beyond the first one. Hypotheses without weight have no bit at all, so the
//! work shrinks as the search goes on.

use crate::graph::{CommitGraph, Node};

/// Words of a block.
const WORDS: usize = 8;

/// Sums by cell: a partition of the hypotheses.
#[derive(Debug, Clone)]
pub(super) struct Weights {
    cells: usize,
    sums: Vec<f64>,
}

/// A hypothesis with its weight and the cell it lies in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hypothesis {
    pub(super) node: Node,
    pub(super) weight: f64,
    pub(super) cell: usize,
}

impl Weights {
    /// For every node, the weight of the hypotheses among its ancestors and itself, in each of `cells`
    /// cells. The hypotheses are in ascending order; several may lie at one node.
    pub(super) fn new(graph: &CommitGraph, hypotheses: &[Hypothesis], cells: usize) -> Self {
        let mut weights = Self { cells, sums: vec![0.0; graph.len() * cells] };
        for one in hypotheses {
            weights.sums[one.node.index() * cells + one.cell] += one.weight;
        }
        for block in hypotheses.chunks(WORDS * 64) {
            weights.add_unions(graph, block);
        }
        weights.carry_unions(graph);
        weights
    }

    /// Weight in a node's ancestors and itself, by cell.
    pub(super) fn of(&self, node: Node) -> &[f64] {
        let start = node.index() * self.cells;
        &self.sums[start..start + self.cells]
    }

    /// At each merge, what its further parents have beyond the first, within one block.
    fn add_unions(&mut self, graph: &CommitGraph, block: &[Hypothesis]) {
        // Older commits have none of the block's hypotheses among their ancestors.
        let Some(first) = block.first().map(|one| one.node) else { return };
        let start = first.index();
        let mut rows = vec![[0_u64; WORDS]; graph.len() - start];
        let mut own = block.iter().enumerate().peekable();
        for node in graph.nodes().skip(start) {
            let mut row = [0_u64; WORDS];
            let mut parents = graph.parents(node).iter().filter(|parent| **parent >= first);
            // The first parent's sum is carried as it is, so it must be the graph's first parent.
            if let Some(parent) = graph.parents(node).first().filter(|parent| **parent >= first) {
                row = rows[parent.index() - start];
                parents.next();
            }
            for parent in parents {
                let other = rows[parent.index() - start];
                for (word, theirs) in other.into_iter().enumerate() {
                    let mut news = theirs & !row[word];
                    row[word] |= theirs;
                    while news != 0 {
                        let bit = usize::try_from(news.trailing_zeros()).unwrap_or(0);
                        news &= news - 1;
                        let one = &block[word * 64 + bit];
                        self.sums[node.index() * self.cells + one.cell] += one.weight;
                    }
                }
            }
            while let Some((bit, _)) = own.next_if(|(_, one)| one.node == node) {
                row[bit / 64] |= 1 << (bit % 64);
            }
            rows[node.index() - start] = row;
        }
    }

    /// Add the first parent's sum to each node's own part.
    fn carry_unions(&mut self, graph: &CommitGraph) {
        for node in graph.nodes() {
            let Some(parent) = graph.parents(node).first() else { continue };
            let (older, newer) = self.sums.split_at_mut(node.index() * self.cells);
            let from = &older[parent.index() * self.cells..(parent.index() + 1) * self.cells];
            for (sum, part) in newer[..self.cells].iter_mut().zip(from) {
                *sum += part;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// The sums are those of the definition.
        #[test]
        fn sums_are_exact(
            lists in prop::collection::vec(prop::collection::vec(any::<prop::sample::Index>(), 0..4), 1..40),
            cells in 1..4_usize,
            weigh in prop::collection::vec(0..3_u8, 40),
        ) {
            let parents: Vec<Vec<usize>> = lists
                .iter()
                .enumerate()
                .map(|(at, list)| if at == 0 { vec![] } else { list.iter().map(|parent| parent.index(at)).collect() })
                .collect();
            let graph = CommitGraph::from_parents(&parents).unwrap();
            let hypotheses: Vec<Hypothesis> = graph
                .nodes()
                // As many at a node as its number says, each in the next cell.
                .flat_map(|node| (0..weigh[node.index()]).map(move |time| (node, time)))
                .map(|(node, time)| {
                    let cell = (node.index() + usize::from(time)) % cells;
                    Hypothesis { node, weight: f64::from(time + 1), cell }
                })
                .collect();
            let weights = Weights::new(&graph, &hypotheses, cells);
            for node in graph.nodes() {
                let below = graph.ancestors([node]);
                for cell in 0..cells {
                    let sum: f64 = hypotheses
                        .iter()
                        .filter(|one| one.cell == cell && below.contains(one.node))
                        .map(|one| one.weight)
                        .sum();
                    prop_assert!((weights.of(node)[cell] - sum).abs() < 1e-9, "{node:?} {cell}");
                }
            }
        }
    }
}
