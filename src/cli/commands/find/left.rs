//! What a search that is stopped has left to do.

use crate::cli::commands::masked::hidden;
use crate::cli::terminal::stderr_columns;
use crate::git::Repository;
use crate::model::{CommitId, EventKind, Report};
use crate::report::{cut, one_line, plural};

/// What is less probable is no hint.
const LEAST: f64 = 0.05;

/// What is known of it so far.
#[derive(Debug, Default)]
pub(super) struct Left {
    /// Commits that may be it, and of how many.
    commits: Option<usize>,
    of: usize,
    likeliest: Option<(CommitId, f64)>,
}

impl Left {
    /// Hear what happens.
    pub(super) fn hear(&mut self, kind: &EventKind) {
        match kind {
            EventKind::Range { commits, .. } => self.of = *commits,
            EventKind::Belief { left, leading, .. } => {
                self.commits = Some(*left);
                self.likeliest = leading.first().copied();
            }
            _ => {}
        }
    }

    /// It in rows, for people.
    pub(super) fn rows(&self, repository: &Repository, report: &Report) -> Vec<String> {
        let mut rows = vec![format!("ran        {}", plural(report.trials.run, "trial"))];
        let of = plural(self.of, "commit");
        match self.commits {
            Some(left) => rows.push(format!("left       {left} of {of}")),
            None if self.of > 0 => rows.push(format!("left       {of}")),
            None => {}
        }
        // Where all are alike, none is named.
        let alike =
            2.0 / f64::from(u32::try_from(self.commits.unwrap_or_default().max(1)).unwrap_or(u32::MAX));
        let likeliest = self.likeliest.filter(|(_, chance)| *chance >= LEAST && *chance > alike);
        if let Some((id, chance)) = likeliest
            && let Ok(info) = repository.info(id)
        {
            let subject = hidden(&one_line(&info.subject));
            let row = format!("likeliest  {}  {:.0} %  {subject}", id.short(), chance * 100.0);
            rows.push(cut(&row, stderr_columns().saturating_sub(3)));
        }
        rows
    }
}
