//! Telling the members of an ambiguous set apart by what they changed.
//!
//! A commit that fails otherwise, because a second change in it or near it hides the failure, cannot be
//! seen bad or good as a whole. But its edits can be tried one by one on the last good version: an edit
//! that alone makes the good version fail in the target's way, and without which the first bad version
//! does not, broke it, and the commit that brought it is the culprit. (The search for a minimal
//! failure-inducing change is Zeller and Hildebrandt's delta debugging, 2002; here for single edits.)

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::path::Path;

use similar::{DiffTag, TextDiff};

use super::find::{Session, Stop};
use super::search::Hunt;
use crate::graph::Node;
use crate::model::{CommitId, Culprit, Purpose, TreeId, Verdict};

/// With more edits than this, trying each is not worth it.
const MOST_EDITS: usize = 40;
/// Sets larger than this are stretches that cannot run, not a failure behind another.
const LARGEST_SET: usize = 12;

/// One edit: a run of lines of one file, replaced by others.
struct Edit {
    file: usize,
    old: Range<usize>,
    new: Range<usize>,
}

/// A file that differs between the good and the bad version, as lines.
struct File {
    path: String,
    executable: bool,
    old: Vec<String>,
    new: Vec<String>,
}

/// What differs between the last good and the first bad version.
struct Difference {
    good: CommitId,
    bad: CommitId,
    files: Vec<File>,
    edits: Vec<Edit>,
}

impl Session<'_> {
    /// The culprit among the members of a set, proven by single edits; `None` when that cannot be had.
    pub(super) fn narrowed(&mut self, hunt: &Hunt, set: &[(Node, f64)]) -> Result<Option<Culprit>, Stop> {
        let Some(difference) = self.difference(hunt, set)? else { return Ok(None) };
        let alone = (0..difference.edits.len()).collect::<Vec<_>>();
        let alone = self.verdicts(&difference, alone.iter().map(|&edit| vec![edit]).collect())?;
        let sufficient: Vec<usize> = (0..alone.len()).filter(|&edit| alone[edit] == Verdict::Bad).collect();
        let [edit] = sufficient[..] else { return Ok(None) };
        let others = (0..difference.edits.len()).filter(|&other| other != edit).collect();
        let without = self.verdicts(&difference, vec![others])?;
        if without != [Verdict::Good] {
            return Ok(None);
        }
        let Some(commit) = self.bringer(hunt, set, &difference, edit)? else { return Ok(None) };
        let file = &difference.files[difference.edits[edit].file];
        let text = |lines: &[String]| lines.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" / ");
        let range = &difference.edits[edit];
        self.journal.note(format!(
            "proven by a single edit in {}: `{}` became `{}`; on {} alone it fails so, and {} without it passes",
            file.path,
            text(&file.old[range.old.clone()]),
            text(&file.new[range.new.clone()]),
            difference.good.short(),
            difference.bad.short(),
        ))?;
        let commit = self.workshop.repository.info(commit)?;
        // The edit tells which member it is; that it is one of them is as sure as it was.
        let probability = set.iter().map(|(_, probability)| probability).sum();
        Ok(Some(Culprit { commit, probability, verified: true }))
    }

    /// The good version below the set, the bad one at its end, and what differs. `None` when there are no
    /// such versions, or too much differs, or something else than lines of text.
    fn difference(&self, hunt: &Hunt, set: &[(Node, f64)]) -> Result<Option<Difference>, Stop> {
        let graph = &hunt.history.graph;
        let members: HashSet<Node> = set.iter().map(|(node, _)| *node).collect();
        let seen = |node: Node| hunt.state.observed(node);
        let bad = set.iter().map(|(node, _)| *node).filter(|&node| seen(node).bad > 0).max();
        let outside =
            set.iter().flat_map(|(node, _)| graph.parents(*node)).filter(|node| !members.contains(node));
        let good = outside.copied().filter(|&node| seen(node).good > 0).max();
        let (Some(bad), Some(good)) = (bad, good) else { return Ok(None) };
        if set.len() > LARGEST_SET || !graph.is_ancestor(good, bad) {
            return Ok(None);
        }
        let repository = self.workshop.repository;
        let trees = &hunt.history.trees;
        let changes = repository.changed_files(Some(trees[good.index()]), trees[bad.index()])?;
        let mut difference =
            Difference { good: hunt.id(good), bad: hunt.id(bad), files: Vec::new(), edits: Vec::new() };
        for change in changes {
            let Some(path) = change.path.to_str() else { return Ok(None) };
            let (Some(old), Some(new)) = (change.old, change.new) else {
                // A page of text that came or went breaks nothing; a module may.
                if path.ends_with(".py") {
                    return Ok(None);
                }
                continue;
            };
            let laid_over = self.plan.overlay.iter().any(|file| file.path == path);
            let (Some(before), Some(after)) = (self.text(Some(old))?, self.text(Some(new))?) else {
                continue; // A picture does not hide a failure.
            };
            if change.old_path.is_some() || laid_over {
                return Ok(None);
            }
            let diff = TextDiff::from_lines(&before, &after);
            let file = difference.files.len();
            for op in diff.ops().iter().filter(|op| op.tag() != DiffTag::Equal) {
                difference.edits.push(Edit { file, old: op.old_range(), new: op.new_range() });
            }
            let lines = |text: &str| text.split_inclusive('\n').map(str::to_owned).collect();
            difference.files.push(File {
                path: path.to_owned(),
                executable: change.new_mode & 0o111 != 0,
                old: lines(&before),
                new: lines(&after),
            });
        }
        let some = !difference.edits.is_empty() && difference.edits.len() <= MOST_EDITS;
        Ok(some.then_some(difference))
    }

    /// The verdicts on the good version with each of these groups of edits, all at the same time.
    fn verdicts(&mut self, difference: &Difference, groups: Vec<Vec<usize>>) -> Result<Vec<Verdict>, Stop> {
        let base = self.trials.tree_of(difference.good)?;
        let mut asked = HashMap::new();
        for (at, group) in groups.iter().enumerate() {
            let tree = self.compose(difference, base, group)?;
            asked.insert(self.start_tree(difference.bad, tree, Purpose::Narrowing)?, at);
        }
        let mut verdicts: Vec<Option<Verdict>> = vec![None; groups.len()];
        while verdicts.iter().any(Option::is_none) {
            for judged in self.next_judged()? {
                if let Some(&at) = asked.get(&judged.trial) {
                    verdicts[at] = Some(judged.verdict);
                }
            }
        }
        Ok(verdicts.into_iter().flatten().collect())
    }

    /// The good version with some of the edits.
    fn compose(&self, difference: &Difference, base: TreeId, group: &[usize]) -> Result<TreeId, Stop> {
        let mut files = Vec::new();
        for (at, file) in difference.files.iter().enumerate() {
            let mut content = String::new();
            let mut copied = 0;
            for edit in group.iter().map(|&edit| &difference.edits[edit]).filter(|edit| edit.file == at) {
                content.extend(file.old[copied..edit.old.start].iter().map(String::as_str));
                content.extend(file.new[edit.new.clone()].iter().map(String::as_str));
                copied = edit.old.end;
            }
            content.extend(file.old[copied..].iter().map(String::as_str));
            files.push((file.path.clone(), content.into_bytes(), file.executable));
        }
        Ok(self.workshop.shadow.with_overlay(base, &files)?)
    }

    /// The first member of the set that shows the edit, when nothing before it had touched the same place:
    /// otherwise the place was changed in several steps, and the edit cannot tell which of them broke it.
    fn bringer(
        &self,
        hunt: &Hunt,
        set: &[(Node, f64)],
        difference: &Difference,
        edit: usize,
    ) -> Result<Option<CommitId>, Stop> {
        let edit = &difference.edits[edit];
        let file = &difference.files[edit.file];
        let (good, bad) = (file.old.concat(), file.new.concat());
        let mut nodes: Vec<Node> = set.iter().map(|(node, _)| *node).collect();
        nodes.sort_unstable();
        for node in nodes {
            let Some(here) = self.version(hunt, node, &file.path)? else { return Ok(None) };
            if !touches(&good, &here, &edit.old) {
                continue;
            }
            let mut first = !touches(&bad, &here, &edit.new);
            for &parent in hunt.history.graph.parents(node) {
                let before = self.version(hunt, parent, &file.path)?;
                first &= before.is_some_and(|before| !touches(&good, &before, &edit.old));
            }
            return Ok(first.then(|| hunt.id(node)));
        }
        Ok(None)
    }

    /// A file as it is at a commit.
    fn version(&self, hunt: &Hunt, node: Node, path: &str) -> Result<Option<String>, Stop> {
        let tree = hunt.history.trees[node.index()];
        let blob = self.workshop.repository.entry_at(tree, Path::new(path))?;
        if blob.is_none() { Ok(None) } else { self.text(blob) }
    }
}

/// Whether two versions differ at these lines of the first, or right beside them.
fn touches(from: &str, to: &str, lines: &Range<usize>) -> bool {
    let diff = TextDiff::from_lines(from, to);
    let mut changed = diff.ops().iter().filter(|op| op.tag() != DiffTag::Equal);
    changed.any(|op| op.old_range().start <= lines.end && lines.start <= op.old_range().end)
}
