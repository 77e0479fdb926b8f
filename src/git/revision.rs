//! Names of commits.

use std::collections::HashSet;

use git2::{ErrorCode, ObjectType, Oid, Sort};

use super::ids::{ToOid, commit_id};
use super::{GitError, Repository};
use crate::model::{CommitId, CommitInfo};

/// Names less like the given one than this (Jaro-Winkler, 0 to 1) are not suggested.
const LEAST_LIKENESS: f64 = 0.75;
const MOST_SUGGESTIONS: usize = 3;

/// A tag that leads to a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    /// The tag's name, without `refs/tags/`; invalid UTF-8 is replaced.
    pub name: String,
    /// The commit.
    pub commit: CommitId,
    /// The commit's committer time, seconds since 1970-01-01 UTC.
    pub time: i64,
}

impl Repository {
    /// The commit with this name: a branch, a tag, an id or its beginning, `HEAD~3` and so on.
    ///
    /// # Errors
    /// When there is none; the error then has the nearest known names.
    pub fn resolve(&self, rev: &str) -> Result<CommitInfo, GitError> {
        let object = match self.inner.revparse_single(rev) {
            Ok(object) => object,
            Err(error) if error.code() == ErrorCode::Ambiguous => {
                return Err(GitError::AmbiguousRevision(rev.to_owned()));
            }
            Err(_) => {
                if rev == "HEAD" && self.inner.is_empty().unwrap_or(false) {
                    return Err(GitError::NoCommits);
                }
                let nearest = self.nearest_names(rev)?;
                if self.is_shallow() {
                    return Err(GitError::UnknownInShallow { rev: rev.to_owned(), nearest });
                }
                return Err(GitError::UnknownRevision { rev: rev.to_owned(), nearest });
            }
        };
        let commit = object.peel(ObjectType::Commit).map_err(|_| GitError::NotACommit(rev.to_owned()))?;
        self.info(commit_id(commit.id()))
    }

    fn nearest_names(&self, rev: &str) -> Result<Vec<String>, GitError> {
        let mut names = Vec::new();
        for reference in self.inner.references()? {
            if let Ok(name) = reference?.shorthand() {
                let likeness = strsim::jaro_winkler(rev, name);
                if likeness >= LEAST_LIKENESS {
                    names.push((likeness, name.to_owned()));
                }
            }
        }
        names.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
        names.dedup_by(|a, b| a.1 == b.1);
        names.truncate(MOST_SUGGESTIONS);
        Ok(names.into_iter().map(|(_, name)| name).collect())
    }

    /// The best common ancestors of two commits; empty when they have none.
    ///
    /// # Errors
    /// When a commit is missing or broken.
    pub fn merge_bases(&self, a: CommitId, b: CommitId) -> Result<Vec<CommitId>, GitError> {
        match self.inner.merge_bases(a.oid()?, b.oid()?) {
            Ok(bases) => Ok(bases.iter().map(|&oid| commit_id(oid)).collect()),
            Err(error) if error.code() == ErrorCode::NotFound => Ok(Vec::new()),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether `ancestor` is `commit` or one of its ancestors.
    ///
    /// # Errors
    /// When a commit is missing or broken.
    pub fn is_ancestor(&self, ancestor: CommitId, commit: CommitId) -> Result<bool, GitError> {
        Ok(ancestor == commit || self.inner.graph_descendant_of(commit.oid()?, ancestor.oid()?)?)
    }

    /// A commit and its first-parent ancestors, the newest first, at most `most` commits.
    ///
    /// # Errors
    /// When a commit is missing or broken.
    pub fn first_parent_chain(&self, from: CommitId, most: usize) -> Result<Vec<CommitId>, GitError> {
        let mut chain = Vec::new();
        let mut next = Some(from.oid()?);
        while let Some(oid) = next.filter(|_| chain.len() < most) {
            chain.push(commit_id(oid));
            next = self.inner.find_commit(oid)?.parent_ids().next();
        }
        Ok(chain)
    }

    /// The tags of proper ancestors of a commit: those that look like a version first, and among equals the
    /// newest commit first.
    ///
    /// # Errors
    /// When a reference or a commit is broken.
    pub fn release_tags_reachable_from(&self, commit: CommitId) -> Result<Vec<Tag>, GitError> {
        let mut tags = self.tags()?;
        if tags.is_empty() {
            return Ok(tags);
        }
        let mut walk = self.inner.revwalk()?;
        walk.set_sorting(Sort::NONE)?;
        walk.push(commit.oid()?)?;
        let reachable: HashSet<Oid> = walk.collect::<Result<_, _>>()?;
        tags.retain(|tag| tag.commit != commit && tag.commit.oid().is_ok_and(|oid| reachable.contains(&oid)));
        tags.sort_by(|a, b| {
            let key = |tag: &Tag| (looks_like_version(&tag.name), tag.time);
            key(b).cmp(&key(a)).then_with(|| b.name.cmp(&a.name))
        });
        Ok(tags)
    }

    /// The names of the tags that lead to a commit: those that look like a version first, the longest first.
    ///
    /// # Errors
    /// When a reference is broken.
    pub fn tags_at(&self, commit: CommitId) -> Result<Vec<String>, GitError> {
        let all = self.tags()?.into_iter().filter(|tag| tag.commit == commit);
        let mut names: Vec<String> = all.map(|tag| tag.name).collect();
        let key = |name: &String| (looks_like_version(name), name.len());
        names.sort_by(|a, b| key(b).cmp(&key(a)).then_with(|| a.cmp(b)));
        Ok(names)
    }

    /// All tags that lead to commits, in the order of their names.
    fn tags(&self) -> Result<Vec<Tag>, GitError> {
        let mut tags = Vec::new();
        for reference in self.inner.references_glob("refs/tags/*")? {
            let reference = reference?;
            // A tag may name a blob, or an object that was never fetched.
            if let Ok(commit) = reference.peel_to_commit() {
                let name = String::from_utf8_lossy(reference.shorthand_bytes()).into_owned();
                tags.push(Tag { name, commit: commit_id(commit.id()), time: commit.time().seconds() });
            }
        }
        Ok(tags)
    }
}

/// `1.2`, `v1.2.3`, `release-2024.1`, `rel_2_0_1`: two numbers, and neither `rc` nor `alpha` nor `beta` nor `dev`
/// behind them.
fn looks_like_version(name: &str) -> bool {
    let last = name.rsplit('/').next().unwrap_or(name).to_ascii_lowercase();
    let Some(start) = last.find(|c: char| c.is_ascii_digit()) else { return false };
    let numbers = last[start..].split(['.', '_', '-']);
    let plain = numbers.clone().take_while(|part| part.bytes().all(|byte| byte.is_ascii_digit())).count();
    plain >= 2 && plain == numbers.count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_told_from_other_names() {
        for name in ["1.2", "v1.2.3", "release-2024.1", "rel_2_0_1", "pkg/v3.0"] {
            assert!(looks_like_version(name), "{name}");
        }
        for name in ["nightly", "v2", "1.2rc1", "1.2.dev3", "2.0.0-beta", "deploy-7"] {
            assert!(!looks_like_version(name), "{name}");
        }
    }
}
