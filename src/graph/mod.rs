//! The commit DAG as dense integers, in topological order: a parent's number is always smaller than
//! its child's. Built by the `git` room, or by hand in tests.

mod commit_graph;
mod node;
mod node_set;

pub use commit_graph::{CommitGraph, GraphError};
pub use node::Node;
pub use node_set::NodeSet;
