//! The graph itself.

use super::NodeSet;
use super::node::Node;

/// A list of parents is not a graph in topological order.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("commit {child} names parent {parent}, which does not come before it")]
pub struct GraphError {
    /// The child's index.
    pub child: usize,
    /// The parent's index.
    pub parent: usize,
}

/// The commit DAG: flat arrays of parents and children, in topological order.
#[derive(Debug, Clone)]
pub struct CommitGraph {
    parents: Adjacency,
    children: Adjacency,
}

#[derive(Debug, Clone)]
struct Adjacency {
    starts: Vec<u32>,
    targets: Vec<Node>,
}

impl Adjacency {
    fn new(lists: &[Vec<Node>]) -> Self {
        let mut starts = Vec::with_capacity(lists.len() + 1);
        let mut targets = Vec::new();
        for list in lists {
            starts.push(Node::new(targets.len()).0);
            targets.extend_from_slice(list);
        }
        starts.push(Node::new(targets.len()).0);
        Self { starts, targets }
    }

    fn of(&self, node: Node) -> &[Node] {
        let start = Node(self.starts[node.index()]).index();
        let end = Node(self.starts[node.index() + 1]).index();
        &self.targets[start..end]
    }
}

impl CommitGraph {
    /// The graph in which commit `i` has the parents `parents[i]`, all smaller than `i`.
    ///
    /// # Errors
    /// When a parent does not come before its child.
    pub fn from_parents(parents: &[Vec<usize>]) -> Result<Self, GraphError> {
        let mut up: Vec<Vec<Node>> = Vec::with_capacity(parents.len());
        let mut down: Vec<Vec<Node>> = vec![Vec::new(); parents.len()];
        for (child, list) in parents.iter().enumerate() {
            let mut own = Vec::with_capacity(list.len());
            for &parent in list {
                if parent >= child {
                    return Err(GraphError { child, parent });
                }
                // A commit may name a parent twice; one edge says the same.
                if !own.contains(&Node::new(parent)) {
                    own.push(Node::new(parent));
                    down[parent].push(Node::new(child));
                }
            }
            up.push(own);
        }
        Ok(Self { parents: Adjacency::new(&up), children: Adjacency::new(&down) })
    }

    /// Number of commits.
    #[must_use]
    pub fn len(&self) -> usize {
        self.parents.starts.len() - 1
    }

    /// Whether the graph has no commits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All nodes, parents before children.
    pub fn nodes(&self) -> impl DoubleEndedIterator<Item = Node> + use<> {
        (0..self.len()).map(Node::new)
    }

    /// The parents that are in the graph, in git's order.
    #[must_use]
    pub fn parents(&self, node: Node) -> &[Node] {
        self.parents.of(node)
    }

    /// The children that are in the graph.
    #[must_use]
    pub fn children(&self, node: Node) -> &[Node] {
        self.children.of(node)
    }

    /// The nodes and all their ancestors.
    #[must_use]
    pub fn ancestors(&self, nodes: impl IntoIterator<Item = Node>) -> NodeSet {
        self.closure(nodes, |node| self.parents(node))
    }

    /// The nodes and all their descendants.
    #[must_use]
    pub fn descendants(&self, nodes: impl IntoIterator<Item = Node>) -> NodeSet {
        self.closure(nodes, |node| self.children(node))
    }

    fn closure<'a>(
        &'a self,
        nodes: impl IntoIterator<Item = Node>,
        next: impl Fn(Node) -> &'a [Node],
    ) -> NodeSet {
        let mut seen = NodeSet::empty(self.len());
        let mut stack: Vec<Node> = nodes.into_iter().filter(|&node| seen.insert(node)).collect();
        while let Some(node) = stack.pop() {
            stack.extend(next(node).iter().copied().filter(|&other| seen.insert(other)));
        }
        seen
    }

    /// Whether `ancestor` is `node` or one of its ancestors.
    #[must_use]
    pub fn is_ancestor(&self, ancestor: Node, node: Node) -> bool {
        ancestor == node || (ancestor < node && self.ancestors([node]).contains(ancestor))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Any DAG of up to `most` commits, with merges, forks and several roots.
    fn dags(most: usize) -> impl Strategy<Value = Vec<Vec<usize>>> {
        prop::collection::vec(prop::collection::vec(any::<prop::sample::Index>(), 0..3), 1..most).prop_map(
            |lists| {
                lists
                    .iter()
                    .enumerate()
                    .map(|(child, list)| {
                        if child == 0 { Vec::new() } else { list.iter().map(|at| at.index(child)).collect() }
                    })
                    .collect()
            },
        )
    }

    proptest! {
        #[test]
        fn ancestors_and_descendants_are_two_views_of_one_order(parents in dags(24)) {
            let graph = CommitGraph::from_parents(&parents).unwrap();
            for a in graph.nodes() {
                for b in graph.nodes() {
                    let below = graph.descendants([a]).contains(b);
                    prop_assert_eq!(graph.ancestors([b]).contains(a), below);
                    prop_assert_eq!(graph.is_ancestor(a, b), below);
                }
            }
        }

        #[test]
        fn sets_count_what_they_list(members in prop::collection::btree_set(0..200_usize, 0..80)) {
            let mut set = NodeSet::empty(200);
            set.extend(members.iter().map(|&at| Node::new(at)));
            prop_assert_eq!(set.count(), members.len());
            let listed: Vec<usize> = set.iter().map(Node::index).collect();
            prop_assert_eq!(listed, members.into_iter().collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_parent_must_come_first() {
        let error = CommitGraph::from_parents(&[vec![], vec![1]]).unwrap_err();
        assert_eq!(error, GraphError { child: 1, parent: 1 });
    }

    #[test]
    fn the_full_set_has_each_node_once() {
        for len in [0, 1, 63, 64, 65, 130] {
            assert_eq!(NodeSet::full(len).count(), len);
        }
    }
}
