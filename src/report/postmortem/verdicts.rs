//! What the trials say of each commit, and which commits they leave.

use std::collections::HashMap;

use crate::model::{CommitId, CommitInfo, Report, VerdictKind};

/// What the trials of a commit's own tree say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::report) enum Said {
    /// It passes.
    Passes,
    /// It fails as the target does.
    Fails,
    /// It cannot be tested.
    Skipped,
    /// Now this, now that.
    Mixed,
}

impl Said {
    /// One word.
    pub(in crate::report) const fn word(self) -> &'static str {
        match self {
            Self::Passes => "passes",
            Self::Fails => "fails",
            Self::Skipped => "cannot be tested",
            Self::Mixed => "passes and fails",
        }
    }

    /// The word of the style sheet for it.
    pub(in crate::report) const fn class(self) -> &'static str {
        match self {
            Self::Passes => "pass",
            Self::Fails => "fail",
            Self::Skipped => "skip",
            Self::Mixed => "mixed",
        }
    }

    /// Of one trial.
    pub(in crate::report) const fn of(verdict: VerdictKind) -> Self {
        match verdict {
            VerdictKind::Good => Self::Passes,
            VerdictKind::Bad => Self::Fails,
            _ => Self::Skipped,
        }
    }

    /// What is said where another trial says something else.
    const fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Skipped, other) => other,
            (one, Self::Skipped) => one,
            (Self::Passes, Self::Passes) => Self::Passes,
            (Self::Fails, Self::Fails) => Self::Fails,
            _ => Self::Mixed,
        }
    }
}

/// What the trials say of each commit that ran.
#[derive(Debug, Clone, Default)]
pub(in crate::report) struct Verdicts(HashMap<CommitId, (Said, usize)>);

impl Verdicts {
    /// Of a report's trials.
    pub(in crate::report) fn of(report: &Report) -> Self {
        let mut said: HashMap<CommitId, (Said, usize)> = HashMap::new();
        for line in report.trial_log.iter().filter(|line| line.purpose.is_of_commit()) {
            let this = Said::of(line.verdict);
            let known = said.entry(line.commit).or_insert((this, 0));
            *known = (known.0.and(this), known.1 + 1);
        }
        Self(said)
    }

    /// Of a commit.
    pub(in crate::report) fn get(&self, commit: CommitId) -> Option<Said> {
        self.0.get(&commit).map(|(said, _)| *said)
    }

    /// How often it ran.
    pub(in crate::report) fn runs(&self, commit: CommitId) -> usize {
        self.0.get(&commit).map_or(0, |(_, runs)| *runs)
    }
}

/// Which commits of a history may still be the one, as far as the trials tell: in it is what fails, and in nothing that
/// passes. Where an answer was found, that alone.
pub(in crate::report) fn still_possible(
    history: &[CommitInfo],
    report: &Report,
    verdicts: &Verdicts,
) -> Vec<bool> {
    if !report.culprits.is_empty() {
        let is_named = |id: CommitId| report.culprits.iter().any(|culprit| culprit.commit.id == id);
        return history.iter().map(|commit| is_named(commit.id)).collect();
    }
    let index: HashMap<CommitId, usize> =
        history.iter().enumerate().map(|(at, commit)| (commit.id, at)).collect();
    let mut possible = vec![true; history.len()];
    // What has the change fails; looked for the one that mended, it passes.
    let (with, without) =
        if report.find_fix { (Said::Passes, Said::Fails) } else { (Said::Fails, Said::Passes) };
    for (at, commit) in history.iter().enumerate() {
        let said = match verdicts.get(commit.id) {
            Some(said) => said,
            None if report.good.contains(&commit.id) => without,
            None => continue,
        };
        if said == with || said == without {
            let inside = ancestors(at, history, &index);
            let keep = said == with;
            possible.iter_mut().zip(inside).for_each(|(possible, inside)| *possible &= inside == keep);
        }
    }
    possible
}

/// A commit and all before it.
fn ancestors(of: usize, history: &[CommitInfo], index: &HashMap<CommitId, usize>) -> Vec<bool> {
    let mut inside = vec![false; history.len()];
    inside[of] = true;
    for at in (0..=of).rev().filter(|at| *at < history.len()) {
        if inside[at] {
            for parent in history[at].parents.iter().filter_map(|parent| index.get(parent)) {
                inside[*parent] = true;
            }
        }
    }
    inside
}
