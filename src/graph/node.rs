//! A commit of a graph, by its number.

/// A commit as a small number, valid for one [`CommitGraph`](super::CommitGraph). Parents have smaller numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Node(pub(super) u32);

impl Node {
    /// The node with this index.
    ///
    /// # Panics
    /// When the index does not fit 32 bits: no history has four billion commits.
    #[must_use]
    pub fn new(index: usize) -> Self {
        Self(u32::try_from(index).expect("fewer than 2^32 commits"))
    }

    /// The node's index, for slices with one entry a node.
    #[must_use]
    #[expect(clippy::as_conversions, reason = "usize has at least 32 bits on every supported target")]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}
