//! Which of the changes are wanted: by path, by function, by kind.

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use super::ChangesError;
use crate::model::{CallReport, ChangeKind, LocatedChange};

/// Which changes to keep. An empty list keeps all.
pub(super) struct Filter {
    paths: Option<GlobSet>,
    callees: Option<GlobSet>,
    kinds: Vec<ChangeKind>,
}

impl Filter {
    pub(super) fn new(
        paths: &[String],
        callees: &[String],
        kinds: &[ChangeKind],
    ) -> Result<Self, ChangesError> {
        // A folder stands for what is in it.
        let paths: Vec<String> = paths
            .iter()
            .flat_map(|path| [path.clone(), format!("{}/**", path.trim_end_matches('/'))])
            .collect();
        Ok(Self { paths: globs(&paths)?, callees: globs(callees)?, kinds: kinds.to_vec() })
    }

    pub(super) fn apply(&self, mut report: CallReport) -> CallReport {
        report.changes.retain(|change| self.keeps(change));
        report.partly_parsed.retain(|file| self.keeps_path(&file.path));
        report
    }

    pub(super) fn keeps(&self, located: &LocatedChange) -> bool {
        let change = &located.change;
        let path = self.keeps_path(&located.path)
            || located.old_path.as_ref().is_some_and(|old| self.keeps_path(old));
        let callee =
            self.callees.as_ref().is_none_or(|globs| change.callees().any(|callee| globs.is_match(callee)));
        path && callee && (self.kinds.is_empty() || change.kinds().any(|kind| self.kinds.contains(&kind)))
    }

    fn keeps_path(&self, path: &str) -> bool {
        self.paths.as_ref().is_none_or(|globs| globs.is_match(path))
    }
}

fn globs(patterns: &[String]) -> Result<Option<GlobSet>, ChangesError> {
    if patterns.is_empty() {
        return Ok(None);
    }
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        set.add(GlobBuilder::new(pattern).build()?);
    }
    Ok(Some(set.build()?))
}
