//! What was seen at the ends of the range, against what was said of them.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{CommitId, SkipKind, Verdict};

/// How often an endpoint may surprise before the session gives up.
pub(super) const PATIENCE: u32 = 3;

/// How often it may fail in another way than the failure looked for: that may be chance more often than a pass.
pub(super) const PATIENCE_WITH_OTHERS: u32 = 4;

/// What an endpoint is expected to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expected {
    Good,
    Bad,
}

/// What is to be done after a verdict on an endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum EndpointCheck {
    /// It is as expected; or it is not an endpoint.
    Settled,
    /// Run it once more.
    Repeat,
    /// It will not be what was said of it.
    Wrong(Expected, Verdict),
}

/// The commits whose verdict is known beforehand, and whether trials agreed.
#[derive(Debug, Default)]
pub(super) struct Endpoints {
    pub(super) open: BTreeMap<CommitId, (Expected, u32)>,
    /// Good commits that run for another reason than that an answer needs them: where they cannot be tested, what was said
    /// of them stands.
    aside: BTreeSet<CommitId>,
}

impl Endpoints {
    /// Expect this of a commit.
    pub(super) fn expect(&mut self, commit: CommitId, expected: Expected) {
        self.aside.remove(&commit);
        self.open.insert(commit, (expected, 0));
    }

    /// Expect of a commit that it is good, if it can be tested.
    pub(super) fn expect_good_if_testable(&mut self, commit: CommitId) {
        self.open.entry(commit).or_insert_with(|| {
            self.aside.insert(commit);
            (Expected::Good, 0)
        });
    }

    /// Whether every endpoint was seen as expected.
    pub(super) fn are_settled(&self) -> bool {
        self.open.is_empty()
    }

    /// A verdict came in.
    pub(super) fn see(&mut self, commit: CommitId, verdict: &Verdict) -> EndpointCheck {
        let Some((expected, surprises)) = self.open.get_mut(&commit) else { return EndpointCheck::Settled };
        match (*expected, verdict) {
            (Expected::Good, Verdict::Skip(skip))
                if skip.kind != SkipKind::DifferentFailure && self.aside.contains(&commit) =>
            {
                self.open.remove(&commit);
                EndpointCheck::Settled
            }
            (Expected::Good, Verdict::Good) | (Expected::Bad, Verdict::Bad) => {
                self.open.remove(&commit);
                EndpointCheck::Settled
            }
            (expected, Verdict::Skip(skip)) if skip.kind == SkipKind::DifferentFailure => {
                *surprises += 1;
                let again = *surprises < PATIENCE_WITH_OTHERS;
                if again { EndpointCheck::Repeat } else { EndpointCheck::Wrong(expected, verdict.clone()) }
            }
            (expected, Verdict::Skip(_) | Verdict::Abort(_)) => {
                EndpointCheck::Wrong(expected, verdict.clone())
            }
            (expected, Verdict::Good | Verdict::Bad) => {
                *surprises += 1;
                if *surprises < PATIENCE {
                    EndpointCheck::Repeat
                } else {
                    EndpointCheck::Wrong(expected, verdict.clone())
                }
            }
        }
    }
}
