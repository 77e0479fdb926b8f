//! Trees against trees, file by file.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

use rayon::prelude::*;

use super::ChangesError;
use crate::calls::{Paths, diff_files};
use crate::git::{GitError, Repository};
use crate::model::{BlobId, FileCalls, PartlyParsed, TreeId};
use crate::store::{BlobPair, CallCache};

/// Comparisons that are in memory at the same time.
const BATCH: usize = 256;

/// A tree and the trees that it is compared with; none for all of it.
#[derive(Debug, Clone)]
pub struct Comparison {
    /// What the change is compared with.
    pub olds: Vec<TreeId>,
    /// The tree.
    pub new: TreeId,
}

impl Comparison {
    fn tree_pairs(&self) -> impl Iterator<Item = TreePair> {
        let old: Vec<Option<TreeId>> =
            if self.olds.is_empty() { vec![None] } else { self.olds.iter().copied().map(Some).collect() };
        old.into_iter().map(|old| (old, self.new))
    }
}

type TreePair = (Option<TreeId>, TreeId);
/// The files of a comparison, with what changed in each.
pub type ComparedFiles = Vec<(BlobPair, FileCalls)>;

/// Compares trees.
#[derive(Debug)]
pub struct CallComparer {
    repository: PathBuf,
    cache: Option<CallCache>,
}

impl CallComparer {
    /// A comparer of trees of this repository, with or without a cache.
    #[must_use]
    pub fn new(repository: &Repository, cache: Option<CallCache>) -> Self {
        Self { repository: repository.folder().to_owned(), cache }
    }

    /// Hand each comparison's files to `take`, in order. A merge is compared with each parent, and what it
    /// changed itself is what differs from all of them.
    ///
    /// # Errors
    /// When a tree is missing or the cache cannot be used.
    pub fn compare(
        &mut self,
        comparisons: &[Comparison],
        mut take: impl FnMut(usize, ComparedFiles),
    ) -> Result<(), ChangesError> {
        for (batch, chunk) in comparisons.chunks(BATCH).enumerate() {
            let trees: Vec<TreePair> = chunk.iter().flat_map(Comparison::tree_pairs).collect();
            let files = self.files(&trees)?;
            let wanted: HashSet<&BlobPair> = files.values().flatten().collect();
            let calls = self.calls(wanted)?;
            for (index, comparison) in chunk.iter().enumerate() {
                let against_each: Vec<ComparedFiles> = comparison
                    .tree_pairs()
                    .map(|trees| {
                        files[&trees].iter().map(|pair| (pair.clone(), calls[pair].clone())).collect()
                    })
                    .collect();
                take(batch * BATCH + index, in_all(against_each));
            }
        }
        Ok(())
    }

    /// The files that differ in each pair of trees.
    fn files(&mut self, trees: &[TreePair]) -> Result<HashMap<TreePair, Vec<BlobPair>>, ChangesError> {
        let mut known = HashMap::new();
        let mut unknown = Vec::new();
        for &(old, new) in trees {
            let cached = self.cache.as_ref().map(|cache| cache.tree(old, new)).transpose()?.flatten();
            match cached {
                Some(pairs) => {
                    known.insert((old, new), pairs);
                }
                None => unknown.push((old, new)),
            }
        }
        let found: Vec<(TreePair, Vec<BlobPair>)> = self
            .in_parallel(&unknown, |repository, &(old, new)| {
                Ok(((old, new), pairs(repository, old, new)?))
            })?;
        if let Some(cache) = &mut self.cache {
            let trees = found.iter().map(|((old, new), pairs)| (*old, *new, &pairs[..]));
            cache.add(std::iter::empty(), trees)?;
        }
        known.extend(found);
        Ok(known)
    }

    fn calls(&mut self, wanted: HashSet<&BlobPair>) -> Result<HashMap<BlobPair, FileCalls>, ChangesError> {
        let mut known = HashMap::with_capacity(wanted.len());
        let mut unknown = Vec::new();
        let mut wanted: Vec<&BlobPair> = wanted.into_iter().collect();
        wanted.sort_by_key(|pair| (pair.old, pair.new));
        for pair in wanted {
            let cached = self.cache.as_ref().map(|cache| cache.file(pair)).transpose()?.flatten();
            match cached {
                Some(calls) => {
                    known.insert(pair.clone(), calls);
                }
                None => unknown.push(pair.clone()),
            }
        }
        let found: Vec<FileCalls> = self.in_parallel(&unknown, calls_of)?;
        if let Some(cache) = &mut self.cache {
            // What is missing today may be fetched tomorrow.
            let is_whole = |calls: &FileCalls| {
                ![&calls.partly_before, &calls.partly_after].contains(&&Some(PartlyParsed::Missing))
            };
            let files = unknown.iter().zip(&found).filter(|(_, calls)| is_whole(calls));
            cache.add(files, std::iter::empty())?;
        }
        known.extend(unknown.into_iter().zip(found));
        Ok(known)
    }

    /// Do something for each item, several at the same time; results in the order of the items. Each thread has a handle of its own to the repository.
    ///
    /// # Errors
    /// The first that the work gives.
    pub fn in_parallel<I: Sync, O: Send>(
        &self,
        items: &[I],
        work: impl Fn(&Repository, &I) -> Result<O, GitError> + Sync,
    ) -> Result<Vec<O>, ChangesError> {
        let path = &self.repository;
        let results: Result<Vec<O>, GitError> = items
            .par_iter()
            .with_max_len(8)
            .map_init(
                || Repository::open(path),
                |repository, item| match repository {
                    Ok(repository) => work(repository, item),
                    Err(_) => work(&Repository::open(path)?, item),
                },
            )
            .collect();
        results.map_err(ChangesError::from)
    }
}

fn pairs(repository: &Repository, old: Option<TreeId>, new: TreeId) -> Result<Vec<BlobPair>, GitError> {
    let changes = repository.changed_python_files(old, new)?;
    let text = |path: &std::path::Path| path.to_string_lossy().into_owned();
    Ok(changes
        .into_iter()
        .filter(|change| change.old != change.new)
        .map(|change| BlobPair {
            old_path: text(change.old_path.as_deref().unwrap_or(&change.path)),
            path: text(&change.path),
            old: change.old,
            new: change.new,
        })
        .collect())
}

fn calls_of(repository: &Repository, pair: &BlobPair) -> Result<FileCalls, GitError> {
    let paths = Paths { old: &pair.old_path, new: &pair.path };
    let missing = |id: Option<BlobId>, there: bool| (id.is_some() && !there).then_some(PartlyParsed::Missing);
    // Without copies: histories are large.
    with_blob(repository, pair.old, |old| {
        with_blob(repository, pair.new, |new| {
            let gaps = (missing(pair.old, old.is_some()), missing(pair.new, new.is_some()));
            match gaps {
                (None, None) => diff_files(old, new, paths),
                (partly_before, partly_after) => {
                    FileCalls { partly_before, partly_after, ..FileCalls::default() }
                }
            }
        })
    })?
}

/// None when there is no such version, or its content is missing.
fn with_blob<T>(
    repository: &Repository,
    id: Option<BlobId>,
    use_bytes: impl FnOnce(Option<&[u8]>) -> T,
) -> Result<T, GitError> {
    let mut use_bytes = Some(use_bytes);
    let mut hand = |bytes: Option<&[u8]>| use_bytes.take().map(|use_bytes| use_bytes(bytes));
    let given = match id {
        Some(id) => repository.with_blob(id, |bytes| hand(Some(bytes)))?.flatten(),
        None => None,
    };
    match given.or_else(|| hand(None)) {
        Some(result) => Ok(result),
        // Each closure is called exactly once above.
        None => unreachable!("a blob was handed out twice"),
    }
}

/// What a merge changed itself: the changes that it shows against each of its parents.
fn in_all(against_each: Vec<ComparedFiles>) -> ComparedFiles {
    let mut sides = against_each.into_iter();
    let Some(mut first) = sides.next() else { return Vec::new() };
    for other in sides {
        let others: HashMap<(&str, Option<BlobId>), &FileCalls> =
            other.iter().map(|(pair, calls)| ((pair.path.as_str(), pair.new), calls)).collect();
        first.retain_mut(|(pair, calls)| {
            let Some(same) = others.get(&(pair.path.as_str(), pair.new)) else { return false };
            let place = |change: &crate::model::CallChange| match (&change.after, &change.before) {
                (Some(after), _) => (Some(after.span), String::new()),
                (None, before) => (None, before.as_ref().map(|site| site.text.clone()).unwrap_or_default()),
            };
            let places: HashSet<_> = same.changes.iter().map(place).collect();
            calls.changes.retain(|change| places.contains(&place(change)));
            true
        });
    }
    first
}
