//! Each test that newly fails at bad, and what broke it.

use serde::{Deserialize, Serialize};

use super::trial_line::TrialLine;
use super::{
    CommitId, CommitInfo, Conclusion, Culprit, Episode, FailureHistory, FailureSignature, PackageChange,
    Status,
};

/// A failing test whose runs say at every commit what those of another say, so that its answer is that one's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AlikeTarget {
    /// The failure, as seen at bad.
    pub failure: FailureSignature,
    /// What each run says of it.
    pub log: Vec<TrialLine>,
    /// The conclusion, which rests on these runs.
    pub conclusion: Conclusion,
    /// The last good commit to go back to.
    pub last_good: Option<CommitInfo>,
    /// The bad commit, where the test passes without the culprit's change, whose own trials do not tell enough of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undone_at: Option<CommitId>,
}

/// What a session says of one failing test.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TargetReport {
    /// The test's id, as its runner prints it.
    pub test: String,
    /// `found`, `ambiguous`, `inconclusive`, `not-reproduced`, `not-searched`.
    pub status: Status,
    /// Why it is not `found`, in words.
    pub reason: Option<String>,
    /// What to do about it.
    pub hint: Option<String>,
    /// How the test fails at bad.
    pub failure: Option<FailureSignature>,
    /// The answer, most probable first.
    pub culprits: Vec<Culprit>,
    /// The last good commit to go back to.
    pub last_good: Option<CommitId>,
    /// Earlier stretches with the same failure.
    pub episodes: Vec<Episode>,
    /// How the failure looked over the range, where it did not always look the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history: Option<FailureHistory>,
    /// Packages whose new version breaks it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub packages: Vec<PackageChange>,
    /// Rates of false failures and false passes, when the test is flaky.
    pub flaky: Option<(f64, f64)>,
    /// Trials that ran for this test after those for the tests before it.
    pub trials: usize,
}

impl TargetReport {
    /// A test that was not searched for, and why.
    #[must_use]
    pub fn left(failure: &FailureSignature, reason: &str) -> Self {
        Self {
            test: failure.tests.first().cloned().unwrap_or_default(),
            status: Status::NotSearched,
            reason: Some(reason.to_owned()),
            failure: Some(failure.clone()),
            ..Self::default()
        }
    }

    /// The commit that broke it, where it is known.
    #[must_use]
    pub fn culprit(&self) -> Option<&Culprit> {
        self.culprits.first().filter(|_| self.status == Status::Found)
    }
}

/// Tests that one commit broke.
#[derive(Debug, Clone, PartialEq)]
pub struct TargetGroup<'a> {
    /// The commit; `None` for tests without an answer.
    pub culprit: Option<&'a Culprit>,
    /// The tests, in the runner's order.
    pub tests: Vec<&'a TargetReport>,
}

/// Failing tests by the commit that broke them: the commit with the most tests first, tests without an answer last.
#[must_use]
pub fn by_culprit(targets: &[TargetReport]) -> Vec<TargetGroup<'_>> {
    let mut groups: Vec<TargetGroup<'_>> = Vec::new();
    for target in targets {
        let culprit = target.culprit();
        let id = |culprit: Option<&Culprit>| culprit.map(|culprit| culprit.commit.id);
        match groups.iter_mut().find(|group| id(group.culprit) == id(culprit)) {
            Some(group) => group.tests.push(target),
            None => groups.push(TargetGroup { culprit, tests: vec![target] }),
        }
    }
    // Stable: of two that broke as many, the one whose test failed first.
    groups.sort_by_key(|group| (group.culprit.is_none(), std::cmp::Reverse(group.tests.len())));
    groups
}
