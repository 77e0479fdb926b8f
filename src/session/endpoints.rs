//! Bad has to fail and good to pass. A surprise is repeated before it is believed: the test may be
//! flaky.

use std::collections::BTreeMap;

use crate::model::{CommitId, Verdict};

/// How often an endpoint may surprise before the session gives up.
const PATIENCE: u32 = 3;

/// What an endpoint is expected to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expected {
    Good,
    Bad,
}

/// What is to be done after a verdict on an endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
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
    open: BTreeMap<CommitId, (Expected, u32)>,
}

impl Endpoints {
    /// Expect this of a commit.
    pub(super) fn expect(&mut self, commit: CommitId, expected: Expected) {
        self.open.insert(commit, (expected, 0));
    }

    /// Whether every endpoint was seen as expected.
    pub(super) fn are_settled(&self) -> bool {
        self.open.is_empty()
    }

    /// A verdict came in.
    pub(super) fn see(&mut self, commit: CommitId, verdict: &Verdict) -> Step {
        let Some((expected, surprises)) = self.open.get_mut(&commit) else { return Step::Settled };
        match (*expected, verdict) {
            (Expected::Good, Verdict::Good) | (Expected::Bad, Verdict::Bad) => {
                self.open.remove(&commit);
                Step::Settled
            }
            (expected, Verdict::Skip(_) | Verdict::Abort(_)) => Step::Wrong(expected, verdict.clone()),
            (expected, Verdict::Good | Verdict::Bad) => {
                *surprises += 1;
                if *surprises < PATIENCE { Step::Repeat } else { Step::Wrong(expected, verdict.clone()) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::SkipKind;

    #[test]
    fn a_surprise_is_repeated_twice_before_it_is_believed() {
        let commit = CommitId::from_bytes([1; 20]);
        let mut endpoints = Endpoints::default();
        endpoints.expect(commit, Expected::Good);
        assert_eq!(endpoints.see(commit, &Verdict::Bad), Step::Repeat);
        assert_eq!(endpoints.see(commit, &Verdict::Bad), Step::Repeat);
        assert!(!endpoints.are_settled());
        assert_eq!(endpoints.see(commit, &Verdict::Bad), Step::Wrong(Expected::Good, Verdict::Bad));
    }

    #[test]
    fn a_flaky_endpoint_settles_when_it_is_once_as_expected() {
        let commit = CommitId::from_bytes([1; 20]);
        let mut endpoints = Endpoints::default();
        endpoints.expect(commit, Expected::Bad);
        assert_eq!(endpoints.see(commit, &Verdict::Good), Step::Repeat);
        assert_eq!(endpoints.see(commit, &Verdict::Bad), Step::Settled);
        assert!(endpoints.are_settled());
        assert_eq!(endpoints.see(commit, &Verdict::Good), Step::Settled);
    }

    #[test]
    fn a_skipped_endpoint_is_wrong_at_once() {
        let commit = CommitId::from_bytes([1; 20]);
        let mut endpoints = Endpoints::default();
        endpoints.expect(commit, Expected::Good);
        let skip = Verdict::skip(SkipKind::Requested, "exit status 125");
        assert_eq!(endpoints.see(commit, &skip), Step::Wrong(Expected::Good, skip.clone()));
    }
}
