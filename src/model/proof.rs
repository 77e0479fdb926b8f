//! What makes an answer a proof: trials that ran, of exactly the commits that it names.

use serde::Serialize;

use super::trial_line::TrialLine;
use super::{CommitId, CommitInfo, FailureHistory, NarrowingSummary, Shown, TrialKind, VerdictKind};

/// How the trials of one commit's own tree ended, in the terms of the search: with `--find-fix`, inverted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// The commit.
    pub commit: CommitId,
    /// Trials without the failure.
    pub good: usize,
    /// Trials with it.
    pub bad: usize,
}

impl Tally {
    fn of(commit: CommitId, trials: &Trials<'_>) -> Self {
        let own = |line: &&TrialLine| line.commit == commit && line.purpose.is_of_commit();
        let count = |verdict| trials.log.iter().filter(own).filter(|line| trials.says(line, verdict)).count();
        Self { commit, good: count(VerdictKind::Good), bad: count(VerdictKind::Bad) }
    }
}

/// What an answer rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "by")]
pub enum Evidence {
    /// The culprit failed, and each of its parents passed.
    Commits {
        /// The culprit.
        culprit: Tally,
        /// Its parents: all of them, or with `--first-parent` the first.
        parents: Vec<Tally>,
        /// Parents that were not followed and did not run.
        not_followed: Vec<CommitId>,
    },
    /// The culprit as a whole fails otherwise; its edit made an older version fail, and a newer one without it passed.
    Edits {
        /// The older version, which passed.
        good: Tally,
        /// The newer one, which failed.
        bad: Tally,
    },
    /// The culprit failed otherwise than the bad commit, each of its parents passed, and so far as trials ran none after
    /// it passes.
    History {
        /// The culprit.
        culprit: CommitId,
        /// Its parents.
        parents: Vec<Tally>,
        /// What shows that the failure at the bad commit is its failure.
        shown: Shown,
    },
    /// The culprit failed; the bad commit without its change fails otherwise, as the command does since another commit, without
    /// that one's change it fails all the same, and without both it passes.
    OtherFault {
        /// The culprit.
        culprit: Tally,
        /// The first commit since which the command fails.
        since: CommitId,
    },
    /// The culprit's own trials and those of its parents do not tell enough: the failing test is newer, or fails there now so
    /// and now otherwise, or what came before failed for what was mended since. At the bad commit it fails, and without the
    /// culprit's change it passes there.
    Undone {
        /// The culprit.
        culprit: CommitId,
        /// The bad commit, as it is.
        bad: Tally,
    },
}

/// A culprit that trials have shown to be one.
///
/// There is no other way to one than [`Proof::new`], which looks at each trial: it cannot be read back from anywhere,
/// nor be said by whoever searched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Proof(Evidence);

/// Trials that came to an end, and how they are to be read.
#[derive(Debug, Clone, Copy)]
pub struct Trials<'a> {
    /// Each trial.
    pub log: &'a [TrialLine],
    /// Whether the search is for the commit that mended something: what passes is then the bad one.
    pub find_fix: bool,
    /// Whether only first parents were followed.
    pub first_parent: bool,
}

impl Trials<'_> {
    /// Whether a trial says this, in the terms of the search.
    fn says(&self, line: &TrialLine, verdict: VerdictKind) -> bool {
        line.verdict == if self.find_fix { verdict.inverted() } else { verdict }
    }

    fn narrowing_says(&self, verdict: VerdictKind) -> bool {
        self.log.iter().any(|line| line.purpose == TrialKind::Narrowing && self.says(line, verdict))
    }
}

impl Proof {
    /// The proof that a commit is the culprit; `None` when a trial is missing that it would have to name.
    #[must_use]
    pub fn new(
        culprit: &CommitInfo,
        trials: Trials<'_>,
        narrowing: Option<&NarrowingSummary>,
    ) -> Option<Self> {
        let tally = |commit: CommitId| Tally::of(commit, &trials);
        if let Some(narrowing) = narrowing.filter(|narrowing| narrowing.decides) {
            let (good, bad) = (tally(narrowing.good?), tally(narrowing.bad?));
            let is_shown = good.good > 0 && bad.bad > 0;
            // The set of all edits is the bad version itself, and that of none the good one.
            let ran = trials.narrowing_says(VerdictKind::Good) || trials.narrowing_says(VerdictKind::Bad);
            return (is_shown && ran).then_some(Self(Evidence::Edits { good, bad }));
        }
        let followed = if trials.first_parent { 1 } else { usize::MAX };
        let own = tally(culprit.id);
        let parents: Vec<Tally> =
            culprit.parents.iter().take(followed).map(|&parent| tally(parent)).collect();
        let not_followed = culprit.parents.iter().skip(followed).copied().collect();
        let is_shown = own.bad > 0 && parents.iter().all(|parent| parent.good > 0);
        is_shown.then_some(Self(Evidence::Commits { culprit: own, parents, not_followed }))
    }

    /// The proof that a commit whose failure looks otherwise is the culprit; `None` when a trial is missing that it would
    /// have to name.
    #[must_use]
    pub fn by_history(culprit: &CommitInfo, trials: Trials<'_>, history: &FailureHistory) -> Option<Self> {
        let followed = if trials.first_parent { 1 } else { usize::MAX };
        let parents = culprit.parents.iter().take(followed).map(|&parent| Tally::of(parent, &trials));
        let parents: Vec<Tally> = parents.collect();
        let own = trials.log.iter().filter(|line| line.commit == culprit.id && line.purpose.is_of_commit());
        let own: Vec<&TrialLine> = own.collect();
        let fails = !own.is_empty() && own.iter().all(|line| line.verdict != VerdictKind::Good);
        let is_shown = match history.shown {
            Shown::Undone | Shown::WithoutBoth { .. } => trials.narrowing_says(VerdictKind::Good),
            Shown::StillThere { .. } => trials.narrowing_says(VerdictKind::Skip),
            Shown::OtherFault { .. } | Shown::Mended { .. } => false,
            Shown::Unsettled => true,
        };
        let is_proven = fails && is_shown && parents.iter().all(|parent| parent.good > 0);
        let shown = history.shown.clone();
        is_proven.then_some(Self(Evidence::History { culprit: culprit.id, parents, shown }))
    }

    /// The proof that a commit brought a failure behind which another one is that is older; `None` when a trial is missing that
    /// shows it.
    #[must_use]
    pub fn of_other_fault(culprit: CommitId, since: CommitId, trials: Trials<'_>) -> Option<Self> {
        let culprit = Tally::of(culprit, &trials);
        let needed = [VerdictKind::Bad, VerdictKind::Skip, VerdictKind::Good];
        let is_shown = needed.into_iter().all(|verdict| trials.narrowing_says(verdict));
        (culprit.bad > 0 && culprit.good == 0 && is_shown)
            .then_some(Self(Evidence::OtherFault { culprit, since }))
    }

    /// The proof that a commit broke a test of which its own trials do not tell enough; `None` when a trial is missing that
    /// shows it.
    #[must_use]
    pub fn undone(culprit: CommitId, bad: CommitId, trials: Trials<'_>) -> Option<Self> {
        let bad = Tally::of(bad, &trials);
        (bad.bad > 0 && trials.narrowing_says(VerdictKind::Good))
            .then_some(Self(Evidence::Undone { culprit, bad }))
    }

    /// The commits that have to be run before one of them is called the culprit: itself, and its parents.
    pub fn named(culprit: &CommitInfo, first_parent: bool) -> impl Iterator<Item = CommitId> {
        let followed = if first_parent { 1 } else { usize::MAX };
        std::iter::once(culprit.id).chain(culprit.parents.iter().take(followed).copied())
    }

    /// What the proof rests on.
    #[must_use]
    pub const fn evidence(&self) -> &Evidence {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::trial_line::OutcomeSource;
    use crate::model::{Timing, TreeId};

    fn id(byte: u8) -> CommitId {
        CommitId::from_bytes([byte; 20])
    }

    fn line(commit: u8, word: &str, purpose: TrialKind) -> TrialLine {
        let (verdict, timing) = (VerdictKind::of_word(word), Timing::default());
        TrialLine {
            commit: id(commit),
            purpose,
            verdict,
            source: OutcomeSource::Ran,
            likely: None,
            selected: false,
            timing,
        }
    }

    fn merge() -> CommitInfo {
        CommitInfo {
            id: id(3),
            tree: TreeId::from_bytes([0; 20]),
            parents: vec![id(1), id(2)],
            subject: "merge".to_owned(),
            author: "Ada".to_owned(),
            author_time: 0,
            author_offset: 0,
            commit_time: 0,
        }
    }

    fn is_proven(log: &[TrialLine], find_fix: bool, first_parent: bool) -> bool {
        Proof::new(&merge(), Trials { log, find_fix, first_parent }, None).is_some()
    }

    #[test]
    fn each_named_commit_has_to_have_run_and_to_have_said_so() {
        let of = |one: &str, two: &str, three: &str| {
            [(1, one), (2, two), (3, three)].map(|(at, verdict)| line(at, verdict, TrialKind::Search))
        };
        assert!(is_proven(&of("good", "good", "bad"), false, false));
        for (one, two, three) in [("good", "skip", "bad"), ("good", "bad", "bad"), ("good", "good", "skip")] {
            assert!(!is_proven(&of(one, two, three), false, false), "{one} {two} {three}");
        }
        assert!(!is_proven(&of("good", "good", "bad")[1..], false, false), "a parent did not run");
        assert!(is_proven(&of("bad", "bad", "good"), true, false), "what mended it passes");
    }

    #[test]
    fn with_first_parents_only_that_one_counts_and_the_other_is_told_apart() {
        let log = [line(1, "good", TrialKind::Search), line(3, "bad", TrialKind::Search)];
        assert!(!is_proven(&log, false, false));
        let trials = Trials { log: &log, find_fix: false, first_parent: true };
        let proof = Proof::new(&merge(), trials, None).unwrap();
        let Evidence::Commits { parents, not_followed, .. } = proof.evidence() else { panic!("{proof:?}") };
        assert_eq!(parents, &[Tally { commit: id(1), good: 1, bad: 0 }]);
        assert_eq!(not_followed, &[id(2)]);
    }

    #[test]
    fn a_composed_tree_says_nothing_of_the_commit_that_it_runs_as() {
        let log = [1, 2, 3].map(|at| line(at, if at == 3 { "bad" } else { "good" }, TrialKind::Narrowing));
        assert!(!is_proven(&log, false, false));
    }
}
