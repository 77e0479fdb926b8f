//! A range of history → a commit graph.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use git2::{Oid, Sort};

use super::ids::{ToOid, commit_id, tree_id};
use super::{GitError, Repository};
use crate::graph::{CommitGraph, Node, NodeSet};
use crate::model::{CommitId, TreeId};

/// Which commits of a range count.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RangeOptions {
    /// Follow only the first parent of merges.
    pub first_parent: bool,
    /// Only commits that change one of these paths (files, folders or globs, from the top of the tree);
    /// empty for all.
    pub paths: Vec<PathBuf>,
}

/// A range of history as a graph.
///
/// Its nodes are the candidates, the good commits, and the boundary: commits that are neither, but
/// parents of candidates. Each boundary commit is an ancestor of a good one, in the graph as in the history.
#[derive(Debug, Clone)]
pub struct History {
    /// The graph.
    pub graph: CommitGraph,
    /// The commit of each node.
    pub ids: Vec<CommitId>,
    /// The tree of each node.
    pub trees: Vec<TreeId>,
    /// The commit whose failure is to be explained.
    pub bad: Node,
    /// The good commits.
    pub goods: Vec<Node>,
    /// Commits reachable from bad and from no good one.
    pub candidates: NodeSet,
    /// The node of each commit.
    pub index: HashMap<CommitId, Node>,
    /// For each node the first node with the same tree.
    pub twin: Vec<Node>,
    /// How many candidates are merges.
    pub merges: usize,
}

/// One commit of a range, before it has a node.
pub(super) struct Step {
    pub(super) oid: Oid,
    pub(super) tree: Oid,
    /// The parents that the walk follows.
    pub(super) parents: Vec<Oid>,
    pub(super) is_merge: bool,
}

impl Repository {
    /// The commits that `bad` contains and none of `goods` does.
    ///
    /// # Errors
    /// When the range is empty, the history is cut off inside it, or a commit is missing or broken.
    pub fn range(
        &self,
        bad: CommitId,
        goods: &[CommitId],
        options: &RangeOptions,
    ) -> Result<History, GitError> {
        for &good in goods {
            if self.is_ancestor(bad, good)? {
                return Err(GitError::BadInGood { bad, good });
            }
        }
        let mut steps = self.walk(bad, goods, options.first_parent)?;
        if !options.paths.is_empty() {
            steps = self.only_touching(steps, bad.oid()?, &options.paths)?;
        }
        self.refuse_cut_history(&steps)?;
        let goods = self.sorted_by_ancestry(goods)?;
        let older = self.boundary(&steps, &goods)?;
        self.assemble(bad.oid()?, &goods, older, steps)
    }

    /// The commits after one and up to another that changed files, the newest first; merges are left out, as what they
    /// brought is theirs who made it.
    ///
    /// # Errors
    /// When an object is missing or broken.
    pub fn commits_changing(
        &self,
        after: CommitId,
        until: CommitId,
        paths: &[PathBuf],
    ) -> Result<Vec<CommitId>, GitError> {
        let mut found = Vec::new();
        for step in self.walk(until, &[after], false)?.into_iter().rev().filter(|step| !step.is_merge) {
            let tree = self.inner.find_tree(step.tree)?;
            let before = match step.parents.first() {
                Some(&parent) => Some(self.inner.find_commit(parent)?.tree()?),
                None => None,
            };
            let entry = |tree: &git2::Tree<'_>, path: &Path| {
                tree.get_path(path).ok().map(|entry| (entry.id(), entry.filemode_raw()))
            };
            let is_changed =
                |path: &PathBuf| entry(&tree, path) != before.as_ref().and_then(|before| entry(before, path));
            if paths.iter().any(is_changed) {
                found.push(commit_id(step.oid));
            }
        }
        Ok(found)
    }

    /// The candidates, parents before children.
    fn walk(&self, bad: CommitId, goods: &[CommitId], first_parent: bool) -> Result<Vec<Step>, GitError> {
        let mut walk = self.inner.revwalk()?;
        walk.set_sorting(Sort::TOPOLOGICAL | Sort::REVERSE)?;
        walk.push(bad.oid()?)?;
        for good in goods {
            walk.hide(good.oid()?)?;
        }
        if first_parent {
            walk.simplify_first_parent()?;
        }
        let followed = if first_parent { 1 } else { usize::MAX };
        let mut steps = Vec::new();
        for oid in walk {
            let oid = oid?;
            let commit = self.inner.find_commit(oid)?;
            steps.push(Step {
                oid,
                tree: commit.tree_id(),
                parents: commit.parent_ids().take(followed).collect(),
                is_merge: commit.parent_count() > 1,
            });
        }
        Ok(steps)
    }

    /// An error when a candidate is one of the commits at which a shallow clone was cut off.
    fn refuse_cut_history(&self, steps: &[Step]) -> Result<(), GitError> {
        if !self.is_shallow() {
            return Ok(());
        }
        let list = std::fs::read_to_string(self.folder().join("shallow")).unwrap_or_default();
        let cut: HashSet<CommitId> = list.lines().filter_map(|line| line.parse().ok()).collect();
        let found = steps.iter().map(|step| commit_id(step.oid)).find(|id| cut.contains(id));
        found.map_or(Ok(()), |id| Err(GitError::Shallow(id)))
    }

    /// The good commits without repeats, ancestors first.
    fn sorted_by_ancestry(&self, goods: &[CommitId]) -> Result<Vec<Oid>, GitError> {
        let distinct: HashSet<CommitId> = goods.iter().copied().collect();
        let mut sorted = Vec::new();
        for &good in goods.iter().filter(|good| distinct.contains(good)) {
            let mut older = 0;
            for &other in goods {
                older += usize::from(self.is_ancestor(other, good)?);
            }
            sorted.push((older, good));
        }
        sorted.sort_unstable();
        sorted.dedup();
        sorted.into_iter().map(|(_, good)| good.oid()).collect()
    }

    /// Parents of candidates that are neither candidates nor good, each with the good commits that contain it.
    fn boundary(&self, steps: &[Step], goods: &[Oid]) -> Result<Vec<(Oid, Vec<Oid>)>, GitError> {
        let mut known: HashSet<Oid> =
            steps.iter().map(|step| step.oid).chain(goods.iter().copied()).collect();
        let mut boundary = Vec::new();
        for &parent in steps.iter().flat_map(|step| &step.parents) {
            if !known.insert(parent) {
                continue;
            }
            // With one good commit there is nothing to ask: a parent that is no candidate is its ancestor.
            let mut containing = goods.to_vec();
            if let [_, _, ..] = goods {
                containing.clear();
                for &good in goods {
                    if self.inner.graph_descendant_of(good, parent)? {
                        containing.push(good);
                    }
                }
            }
            boundary.push((parent, containing));
        }
        Ok(boundary)
    }

    fn assemble(
        &self,
        bad: Oid,
        goods: &[Oid],
        boundary: Vec<(Oid, Vec<Oid>)>,
        steps: Vec<Step>,
    ) -> Result<History, GitError> {
        let mut nodes: HashMap<Oid, usize> = HashMap::new();
        let mut parents: Vec<Vec<usize>> = Vec::new();
        let mut trees: Vec<Oid> = Vec::new();
        let mut order: Vec<Oid> = Vec::new();
        let mut add = |oid: Oid, tree: Oid, up: Vec<usize>| {
            nodes.insert(oid, order.len());
            order.push(oid);
            trees.push(tree);
            parents.push(up);
        };
        for (oid, _) in &boundary {
            add(*oid, self.inner.find_commit(*oid)?.tree_id(), Vec::new());
        }
        for (at, &good) in goods.iter().enumerate() {
            let mut up: Vec<usize> =
                (0..boundary.len()).filter(|&older| boundary[older].1.contains(&good)).collect();
            for (before, &other) in goods[..at].iter().enumerate() {
                if self.inner.graph_descendant_of(good, other)? {
                    up.push(boundary.len() + before);
                }
            }
            add(good, self.inner.find_commit(good)?.tree_id(), up);
        }
        let first_candidate = boundary.len() + goods.len();
        let mut places: HashMap<Oid, usize> =
            boundary.iter().map(|(oid, _)| *oid).chain(goods.iter().copied()).zip(0..).collect();
        for (step, place) in steps.iter().zip(first_candidate..) {
            // Only a root, or a commit at which the history is cut off, has parents that are not known.
            let up = step.parents.iter().filter_map(|oid| places.get(oid).copied()).collect();
            places.insert(step.oid, place);
            add(step.oid, step.tree, up);
        }
        let graph =
            CommitGraph::from_parents(&parents).map_err(|error| git2::Error::from_str(&error.to_string()))?;
        let mut candidates = NodeSet::empty(graph.len());
        candidates.extend((first_candidate..graph.len()).map(Node::new));
        let ids: Vec<CommitId> = order.iter().map(|&oid| commit_id(oid)).collect();
        let trees: Vec<TreeId> = trees.into_iter().map(tree_id).collect();
        Ok(History {
            bad: Node::new(nodes[&bad]),
            goods: goods.iter().map(|good| Node::new(nodes[good])).collect(),
            candidates,
            index: ids.iter().copied().zip(graph.nodes()).collect(),
            twin: twins(&trees),
            merges: steps.iter().filter(|step| step.is_merge).count(),
            graph,
            ids,
            trees,
        })
    }
}

/// For each node the first with the same tree.
fn twins(trees: &[TreeId]) -> Vec<Node> {
    let mut first: HashMap<TreeId, Node> = HashMap::new();
    trees.iter().enumerate().map(|(at, &tree)| *first.entry(tree).or_insert_with(|| Node::new(at))).collect()
}
