//! One look: the merge, the calls that changed, and what is wrong with them.

use std::collections::HashMap;

use super::findings::{self, ChangedCall};
use super::ignore::is_ignored;
use super::merge_sides::MergeSides;
use super::rules::{MERGE_CONFLICT, STALE_CALL};
use crate::call_changes::{CallComparer, Comparison, stale_in_tree};
use crate::git::MergeOutcome;
use crate::model::{Annotation, CallSpan, CheckReport, Severity, TreeId};
use crate::session::TreeRuns;
use crate::setup::{Error, Prepared, cache_dir};
use crate::store::CallCache;

/// What is known so far.
pub(super) struct MergeCheck<'a, 'r> {
    pub(super) prepared: &'a Prepared,
    /// The runs of the command.
    pub(super) runs: &'a mut TreeRuns<'r>,
    /// The base's tree.
    pub(super) base: TreeId,
    /// The merge result; the head's tree when it has conflicts.
    pub(super) merged: TreeId,
    /// Calls that changed or no longer fit.
    pub(super) calls: Vec<ChangedCall>,
    /// Files that differ, by path on the base and in the merge result.
    pub(super) files: Vec<(Option<String>, Option<String>)>,
    pub(super) report: CheckReport,
}

impl<'a, 'r> MergeCheck<'a, 'r> {
    /// Merge both sides in memory.
    pub(super) fn new(
        prepared: &'a Prepared,
        sides: &MergeSides,
        runs: &'a mut TreeRuns<'r>,
    ) -> Result<Self, Error> {
        let repository = &prepared.repository;
        let shadow = &prepared.bench.shadow;
        let mut report = CheckReport {
            base: sides.base.clone(),
            head: sides.head.clone(),
            conflicts: Vec::new(),
            files: 0,
            changed_calls: 0,
            findings: Vec::new(),
            ignored: 0,
            in_baseline: 0,
            smoke: None,
            notes: Vec::new(),
            session: None,
            trial_log: Vec::new(),
        };
        let uncommitted = if sides.head.uncommitted { shadow.work_tree(repository)? } else { None };
        report.head.uncommitted = uncommitted.is_some();
        let head = match uncommitted {
            Some(tree) => tree,
            None => repository.tree_of(sides.head.commit)?,
        };
        let base = repository.tree_of(sides.base.commit)?;
        let merged = match shadow.merge(repository.tree_of(sides.ancestor)?, base, head)? {
            MergeOutcome::Clean(tree) => tree,
            MergeOutcome::Conflicts(paths) => {
                report.notes.push("the merge has conflicts; the branch was looked at as it is".to_owned());
                report.conflicts = paths;
                head
            }
        };
        for path in &report.conflicts {
            let nowhere = CallSpan { start: 0, end: 0, line: 1, column: 1, end_line: 1, end_column: 1 };
            let message = format!("conflict with {}: both sides changed the same lines", report.base.name);
            report.findings.push(findings::finding_at(
                &MERGE_CONFLICT,
                Severity::Error,
                path,
                nowhere,
                message,
            ));
        }
        // A conflict leaves the base as it was when the two parted: what came there since is not the branch's.
        let base = if report.conflicts.is_empty() { base } else { repository.tree_of(sides.ancestor)? };
        Ok(Self { prepared, runs, base, merged, calls: Vec::new(), files: Vec::new(), report })
    }

    /// Whether there is nothing to look at.
    pub(super) fn is_empty(&self) -> bool {
        self.base == self.merged
    }

    /// Which calls changed, and which no longer fit.
    pub(super) fn compare(&mut self) -> Result<(), Error> {
        let cache = CallCache::open(&cache_dir::cache()?)?;
        let shadow = self.prepared.bench.shadow.repository();
        let mut comparer = CallComparer::new(shadow, Some(cache));
        let comparison = Comparison { olds: vec![self.base], new: self.merged };
        let mut compared = Vec::new();
        comparer.compare(&[comparison], |_, files| compared = files)?;
        let old_paths: HashMap<String, String> =
            compared.iter().map(|(pair, _)| (pair.path.clone(), pair.old_path.clone())).collect();
        let stale = stale_in_tree(shadow, &comparer, self.merged, &compared)?;
        for (pair, calls) in compared {
            let there = |there: bool, path: &String| there.then(|| path.clone());
            self.files
                .push((there(pair.old.is_some(), &pair.old_path), there(pair.new.is_some(), &pair.path)));
            self.report.changed_calls += calls.changes.len();
            if let Some(why) = calls.partly_after {
                self.report.notes.push(format!("{}: {why}", pair.path));
            }
            self.calls.extend(calls.changes.into_iter().map(|change| ChangedCall {
                path: pair.path.clone(),
                old_path: pair.old_path.clone(),
                change,
            }));
        }
        self.report.files = self.files.len();
        for (path, change) in stale {
            if let (Some(site), Some(reason)) = (&change.after, &change.stale) {
                self.report.findings.push(findings::stale(&STALE_CALL, &path, site, reason));
            }
            let old_path = old_paths.get(&path).unwrap_or(&path).clone();
            self.calls.push(ChangedCall { path, old_path, change });
        }
        Ok(())
    }

    /// Findings of a rule of its own; at a call that has a finding already they support that one.
    pub(super) fn add(&mut self, findings: Vec<Annotation>) {
        findings::merge_findings(&mut self.report.findings, findings);
    }

    /// Leave out what comments in the files silence.
    pub(super) fn ignore(&mut self) -> Result<(), Error> {
        let mut sources: HashMap<String, Vec<u8>> = HashMap::new();
        for finding in &self.report.findings {
            if !sources.contains_key(&finding.path) {
                sources.insert(finding.path.clone(), self.source(&finding.path)?);
            }
        }
        let before = self.report.findings.len();
        self.report.findings.retain(|finding| {
            !is_ignored(&sources[&finding.path], finding.line, finding.end_line, &finding.rule.id)
        });
        self.report.ignored += before - self.report.findings.len();
        Ok(())
    }

    /// A file of the merge result; empty when there is none.
    pub(super) fn source(&self, path: &str) -> Result<Vec<u8>, Error> {
        let shadow = self.prepared.bench.shadow.repository();
        Ok(match shadow.entry_at(self.merged, std::path::Path::new(path))? {
            Some(blob) => shadow.blob(blob).unwrap_or_default(),
            None => Vec::new(),
        })
    }
}
