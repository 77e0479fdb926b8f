//! A set of nodes as bits.

use super::Node;

/// A set of nodes of one graph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeSet {
    words: Vec<u64>,
    len: usize,
}

impl NodeSet {
    /// The empty set over a graph of `len` nodes.
    #[must_use]
    pub fn empty(len: usize) -> Self {
        Self { words: vec![0; len.div_ceil(64)], len }
    }

    /// All nodes of a graph of `len` nodes.
    #[must_use]
    pub fn full(len: usize) -> Self {
        let mut set = Self { words: vec![u64::MAX; len.div_ceil(64)], len };
        if let Some(last) = set.words.last_mut() {
            let used = len % 64;
            if used != 0 {
                *last = (1 << used) - 1;
            }
        }
        set
    }

    /// Number of nodes of the graph, in the set or not.
    #[must_use]
    pub const fn universe(&self) -> usize {
        self.len
    }

    /// Whether the node is in the set.
    #[must_use]
    pub fn contains(&self, node: Node) -> bool {
        let index = node.index();
        self.words[index / 64] >> (index % 64) & 1 == 1
    }

    /// Add a node. Whether it was not there before.
    pub fn insert(&mut self, node: Node) -> bool {
        let index = node.index();
        let bit = 1 << (index % 64);
        let word = &mut self.words[index / 64];
        let new = *word & bit == 0;
        *word |= bit;
        new
    }

    /// Take a node out.
    pub fn remove(&mut self, node: Node) {
        let index = node.index();
        self.words[index / 64] &= !(1 << (index % 64));
    }

    /// Keep what is also in `other`.
    pub fn intersect_with(&mut self, other: &Self) {
        self.zip(other, |a, b| a & b);
    }

    /// Add what is in `other`.
    pub fn union_with(&mut self, other: &Self) {
        self.zip(other, |a, b| a | b);
    }

    /// Take out what is in `other`.
    pub fn subtract(&mut self, other: &Self) {
        self.zip(other, |a, b| a & !b);
    }

    fn zip(&mut self, other: &Self, combine: impl Fn(u64, u64) -> u64) {
        debug_assert_eq!(self.len, other.len, "sets of different graphs");
        for (word, &theirs) in self.words.iter_mut().zip(&other.words) {
            *word = combine(*word, theirs);
        }
    }

    /// How many nodes it has.
    #[must_use]
    pub fn count(&self) -> usize {
        self.words.iter().map(|word| usize::try_from(word.count_ones()).unwrap_or(0)).sum()
    }

    /// Whether the set has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|&word| word == 0)
    }

    /// The set's nodes, ancestors before descendants.
    pub fn iter(&self) -> impl Iterator<Item = Node> + '_ {
        self.words.iter().enumerate().flat_map(|(at, &word)| {
            let mut rest = word;
            std::iter::from_fn(move || {
                if rest == 0 {
                    return None;
                }
                let bit = usize::try_from(rest.trailing_zeros()).unwrap_or(0);
                rest &= rest - 1;
                Some(Node::new(at * 64 + bit))
            })
        })
    }
}

impl Extend<Node> for NodeSet {
    fn extend<I: IntoIterator<Item = Node>>(&mut self, nodes: I) {
        for node in nodes {
            self.insert(node);
        }
    }
}
