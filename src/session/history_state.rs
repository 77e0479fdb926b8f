//! Where the trials stand that tell how a failure looked at older commits.

use std::collections::HashSet;

use crate::graph::Node;
use crate::model::{CommitId, Conclusion, FailureKind, FailureSignature, SkipKind, Termination};

/// Trials that finding the first failing commit is worth, once the search has ended in a set.
pub(super) const BUDGET: usize = 10;

/// So many commits in a row that cannot be imported are a stretch of them, not a slip that the next commit mends.
pub(super) const STRETCH: usize = 3;

/// What the search goes by, where commits fail otherwise.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Stage {
    /// By the status: all that fail are bad.
    #[default]
    Status,
    /// By where bad's failure is seen first: all that do not show it are good.
    Seen,
    /// By bad's failure: what fails otherwise says nothing.
    Failure,
}

/// What is known of the faces of the failure.
#[derive(Debug, Default)]
pub(super) struct Faces {
    /// Commits whose command failed, though not in the target's way, of its own accord.
    pub(super) failing: HashSet<CommitId>,
    /// Those of them whose failure may be a face of the target: code that ran.
    pub(super) may_be: HashSet<CommitId>,
    /// Commits after the first that fails that were asked for, to see whether it was mended.
    pub(super) between: HashSet<CommitId>,
    /// How far the search by status has come.
    pub(super) stage: Stage,
    /// The first commit that fails, once it is known.
    pub(super) first: Option<Node>,
    /// Whether the failure at bad is still there without what is left of its change.
    pub(super) survives: bool,
    /// Whether bad fails in the same way without what is left of its change: that may be another fault.
    pub(super) is_other: bool,
    /// Whether bad without the change of the commit that shows its failure first was looked at.
    pub(super) is_settled: bool,
    /// Whether bad passes without what is left of its change.
    pub(super) undone: bool,
}

impl Faces {
    /// Take note of a commit's trial that was skipped.
    pub(super) fn note(
        &mut self,
        commit: CommitId,
        ending: &Termination,
        kind: SkipKind,
        failure: Option<&FailureSignature>,
    ) {
        let is_own = matches!(ending, Termination::Exited { code: 1..=124 });
        if !is_own || !matches!(kind, SkipKind::DifferentFailure | SkipKind::NotRunnable) {
            return;
        }
        self.failing.insert(commit);
        // What cannot be imported or compiled hides the rest more often than not.
        let hides = |name: &str| {
            let name = name.rsplit('.').next().unwrap_or(name);
            matches!(
                name,
                "SyntaxError" | "IndentationError" | "TabError" | "ImportError" | "ModuleNotFoundError"
            )
        };
        let is_of_running_code = match failure.map(|failure| &failure.kind) {
            Some(FailureKind::Exception(name)) => !hides(name),
            Some(FailureKind::ExitCode(_)) => true,
            Some(FailureKind::Signal(_) | FailureKind::Timeout) | None => false,
        };
        if kind == SkipKind::DifferentFailure && is_of_running_code {
            self.may_be.insert(commit);
        }
    }
}

/// What follows on the end of a search that went by commits that fail otherwise.
pub(super) enum After {
    /// This is the conclusion.
    Concluded(Conclusion),
    /// It goes on by something else.
    GoOn,
    /// It is one of these.
    Set(Vec<(Node, f64)>),
}
