//! The report: the complete, versioned result of a session, a fold over its events.

use serde::{Deserialize, Serialize};

use super::event::{Isolation, OutputTail, TrialFinished};
use super::trial_line::{OutcomeSource, TrialLine};
use super::{
    BreakingChange, CommitId, CommitInfo, Conclusion, Culprit, EnvironmentFacts, Episode, Event, EventKind,
    FailureHistory, FailureSignature, NarrowingSummary, PackageChange, SkipKind, Status, Suspect,
    TargetReport, TrialKind, Verdict, VerdictKind,
};

/// Name and version of the format.
pub const SCHEMA: &str = "pybisect.report/1";

/// Size of the range.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RangeSize {
    /// Candidates.
    pub commits: usize,
    /// Merges among them.
    pub merges: usize,
}

/// How many trials of which kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrialCounts {
    /// Ran in this session to find the commit.
    pub run: usize,
    /// Ran beside those to find the edit.
    pub narrowing: usize,
    /// Ran to test fixes.
    pub fix: usize,
    /// Known from an earlier run or an equal tree.
    pub reused: usize,
    /// Commits that did not run, since the failing run read and executed nothing that they changed.
    pub inferred: usize,
    /// Begun and cancelled.
    pub cancelled: usize,
}

/// A commit that could not be tested.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    /// The commit.
    pub commit: CommitId,
    /// Why, for machines.
    pub kind: SkipKind,
    /// Why, in words.
    pub reason: String,
}

/// The complete result of a session.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: String,
    /// `found`, `ambiguous`, `inconclusive`, `not-reproduced`.
    pub status: Status,
    /// Why it is not `found`, in words.
    pub reason: Option<String>,
    /// What to do about it.
    pub hint: Option<String>,
    /// Whether more trials could tell which of several commits it is.
    #[serde(default)]
    pub can_go_on: bool,
    /// The session's id in the store.
    pub session: String,
    /// The command under test.
    pub command: String,
    /// Whether the search was for the commit that mended something.
    pub find_fix: bool,
    /// Whether only the first parents of merges were followed.
    #[serde(default)]
    pub first_parent: bool,
    /// Only commits that touch one of these were looked at; empty for all.
    #[serde(default)]
    pub paths: Vec<String>,
    /// The good commits that bound the range.
    pub good: Vec<CommitId>,
    /// The bad commit.
    pub bad: Option<CommitId>,
    /// Size of the range.
    pub range: RangeSize,
    /// The target failure, as seen at bad.
    pub failure: Option<FailureSignature>,
    /// What the evidence of the failure pointed at before the search, most probable first; empty when there
    /// was none.
    pub suspects: Vec<Suspect>,
    /// The answer, most probable first.
    pub culprits: Vec<Culprit>,
    /// The edits of the culprit that broke it, each with what is proven of it.
    pub breaking_changes: Vec<BreakingChange>,
    /// How they were found; None when they were not looked for.
    pub narrowing: Option<NarrowingSummary>,
    /// The last good commit to go back to.
    pub last_good: Option<CommitInfo>,
    /// What could not be tested.
    pub skipped: Vec<Skipped>,
    /// Earlier stretches with the same failure.
    pub episodes: Vec<Episode>,
    /// How the failure looked over the range, where it did not always look the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history: Option<FailureHistory>,
    /// `PYTHONHASHSEED` of the trials, where the failure was not seen with the first one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash_seed: Option<u32>,
    /// Rates of false failures and false passes, when the test is flaky.
    pub flaky: Option<(f64, f64)>,
    /// How many trials.
    pub trials: TrialCounts,
    /// Each trial.
    pub trial_log: Vec<TrialLine>,
    /// How often the longest chain of trials had to wait for one before it.
    pub rounds: usize,
    /// Trials at the same time.
    pub jobs: usize,
    /// Wall time of the session, seconds.
    pub wall_seconds: f64,
    /// What isolation was in force.
    pub isolation: Isolation,
    /// Facts of the environment.
    pub environment: std::collections::BTreeMap<String, String>,
    /// Packages whose new version breaks it; when no commit is the cause, `culprits` is empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub packages: Vec<PackageChange>,
    /// Environments that were made for versions of the project, in the order of their first use.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub environments: Vec<EnvironmentFacts>,
    /// Whether the failure is not reproduced because no environment could be made for a commit that has to run.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub lacks_environment: bool,
    /// Whether the failure is not reproduced because the command could not be run at all at an end of the range.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub did_not_run: bool,
    /// Where there is no answer: the end of what the command printed at the ends of the range.
    #[serde(default)]
    pub outputs: Vec<OutputTail>,
    /// Each test that newly fails at bad, and what broke it: the one that the rest of the report speaks of first. Empty
    /// where the failure is of no test.
    #[serde(default)]
    pub targets: Vec<TargetReport>,
    /// What the user should know.
    pub notes: Vec<String>,
}

impl Report {
    /// What the report of a search for one test says of that test.
    #[must_use]
    pub fn of_target(&self) -> TargetReport {
        let failure = self.failure.clone();
        let test = failure.as_ref().and_then(|failure| failure.tests.first()).cloned().unwrap_or_default();
        TargetReport {
            test,
            status: self.status,
            reason: self.reason.clone(),
            hint: self.hint.clone(),
            failure,
            culprits: self.culprits.clone(),
            last_good: self.last_good.as_ref().map(|commit| commit.id),
            episodes: self.episodes.clone(),
            history: self.history.clone(),
            packages: self.packages.clone(),
            flaky: self.flaky,
            trials: self.trials.run + self.trials.narrowing,
        }
    }

    /// The report of a whole session.
    #[must_use]
    pub fn from_events<'a>(events: impl IntoIterator<Item = &'a Event>) -> Self {
        let mut report = Self { schema: SCHEMA.to_owned(), status: Status::Inconclusive, ..Self::default() };
        let mut rounds = Rounds::default();
        let mut others = Others::default();
        for event in events {
            report.wall_seconds = report.wall_seconds.max(event.seconds);
            rounds.observe(&event.kind);
            if !others.add(&mut report, &event.kind) {
                report.add(&event.kind);
            }
        }
        report.rounds = rounds.longest;
        others.close(&mut report);
        report
    }

    fn add(&mut self, kind: &EventKind) {
        match kind {
            EventKind::Started {
                session,
                command,
                good,
                bad,
                jobs,
                isolation,
                environment,
                find_fix,
                first_parent,
                paths,
            } => {
                self.session.clone_from(session);
                self.first_parent = *first_parent;
                self.paths.clone_from(paths);
                self.command.clone_from(command);
                self.good.clone_from(good);
                self.bad = Some(*bad);
                self.jobs = *jobs;
                self.isolation = isolation.clone();
                self.environment = environment.iter().cloned().collect();
                self.find_fix = *find_fix;
            }
            EventKind::Range { good, bad, commits, merges } => {
                self.good.clone_from(good);
                self.bad = Some(*bad);
                self.range = RangeSize { commits: *commits, merges: *merges };
            }
            EventKind::TrialStarted { .. }
            | EventKind::Belief { .. }
            | EventKind::NextTarget { .. }
            | EventKind::TargetConcluded { .. }
            | EventKind::AlikeTarget(_)
            | EventKind::LeftTarget { .. } => {}
            EventKind::Suspects { suspects } => self.suspects.clone_from(suspects),
            EventKind::TrialFinished(finished) => self.add_trial(finished),
            EventKind::Withdrawn { commit, verdict, .. } => self.withdraw(*commit, verdict),
            EventKind::TrialCancelled { .. } => self.trials.cancelled += 1,
            EventKind::Target { failure } => {
                // A second one: what was said so far was said of another failure.
                if self.failure.replace(failure.clone()).is_some() {
                    self.skipped.clear();
                    self.trial_log.iter_mut().for_each(|line| line.verdict = VerdictKind::Skip);
                }
            }
            EventKind::Environment { facts, .. } => self.environments.push(facts.clone()),
            EventKind::Package(package) => self.packages.push(package.clone()),
            EventKind::Episode(episode) => {
                if !self.episodes.contains(episode) {
                    self.episodes.push(episode.clone());
                }
            }
            EventKind::HashSeed { commit, seed } => {
                self.hash_seed = Some(*seed);
                let passed = self.trial_log.iter_mut().filter(|line| line.commit == *commit);
                passed.for_each(|line| line.verdict = VerdictKind::Skip);
            }
            EventKind::History(history) => self.history = Some(history.clone()),
            EventKind::Flaky { false_failures, false_passes } => {
                self.flaky = Some((*false_failures, *false_passes));
            }
            EventKind::Narrowed { changes, narrowing } => {
                self.breaking_changes.clone_from(changes);
                self.narrowing = Some(narrowing.clone());
            }
            EventKind::Output(tail) => self.outputs.push(tail.clone()),
            EventKind::Note { text } => {
                if !self.notes.contains(text) {
                    self.notes.push(text.clone());
                }
            }
            EventKind::Concluded { conclusion, last_good, inferred } => {
                self.trials.inferred = *inferred;
                self.last_good.clone_from(last_good);
                self.conclude(conclusion);
            }
        }
    }

    fn add_trial(&mut self, finished: &TrialFinished) {
        match (finished.source, finished.purpose) {
            (OutcomeSource::Ran, TrialKind::Narrowing) => self.trials.narrowing += 1,
            (OutcomeSource::Ran, TrialKind::Fix | TrialKind::Verify) => self.trials.fix += 1,
            (OutcomeSource::Ran, _) => self.trials.run += 1,
            (OutcomeSource::Reused, _) => self.trials.reused += 1,
            (OutcomeSource::Replayed, _) => {}
        }
        // A composed tree that cannot be tested says nothing of its commit.
        let of_commit = finished.purpose.is_of_commit();
        if of_commit && matches!(finished.verdict, Verdict::Good | Verdict::Bad) {
            // Run again, it could be tested.
            self.skipped.retain(|skipped| skipped.commit != finished.commit);
        }
        if let (Verdict::Skip(skip), true) = (&finished.verdict, of_commit) {
            let skipped = Skipped { commit: finished.commit, kind: skip.kind, reason: skip.reason.clone() };
            if !self.skipped.contains(&skipped) {
                self.skipped.push(skipped);
            }
        }
        self.trial_log.push(TrialLine {
            commit: finished.commit,
            purpose: finished.purpose,
            verdict: finished.verdict.kind(),
            source: finished.source,
            likely: finished.likely.clone(),
            selected: finished.selected,
            timing: finished.timing,
        });
    }

    /// Whether the last trial of an end of the range came to no test: then neither bad passed nor good failed.
    fn ended_unrun(&self) -> bool {
        let is_unrun = |kind: SkipKind| !matches!(kind, SkipKind::DifferentFailure | SkipKind::Timeout);
        let last = self.trial_log.iter().rfind(|line| line.purpose == TrialKind::Endpoint);
        last.is_some_and(|line| {
            let of = |skipped: &&Skipped| skipped.commit == line.commit;
            line.verdict == VerdictKind::Skip
                && self.skipped.iter().rfind(of).is_some_and(|it| is_unrun(it.kind))
        })
    }

    /// A trial of a commit that was good says something else now.
    fn withdraw(&mut self, commit: CommitId, verdict: &Verdict) {
        let is_it = |line: &&mut TrialLine| line.commit == commit && line.verdict == VerdictKind::Good;
        if let Some(line) = self.trial_log.iter_mut().find(is_it) {
            line.verdict = verdict.kind();
        }
        if let Verdict::Skip(skip) = verdict {
            let skipped = Skipped { commit, kind: skip.kind, reason: skip.reason.clone() };
            if !self.skipped.contains(&skipped) {
                self.skipped.push(skipped);
            }
        }
    }

    pub(super) fn conclude(&mut self, conclusion: &Conclusion) {
        let (status, culprits, reason, hint) = match conclusion {
            Conclusion::Found { culprits } => self.proven(culprits),
            Conclusion::Ambiguous { culprits, reason, go_on } => {
                self.can_go_on = go_on.is_some();
                let hint = go_on.clone().or_else(|| self.hint_of_skips());
                // The first commit that fails is known as such, whatever the others are.
                let is_first = |culprit: &Culprit| {
                    self.history.as_ref().is_some_and(|history| history.since == culprit.commit.id)
                };
                let proven = |culprit: &Culprit| {
                    if is_first(culprit) { self.with_proof(culprit) } else { culprit.clone() }
                };
                (Status::Ambiguous, culprits.iter().map(proven).collect(), Some(reason.clone()), hint)
            }
            Conclusion::Inconclusive { why: _, reason } => {
                (Status::Inconclusive, Vec::new(), Some(reason.clone()), None)
            }
            Conclusion::NotReproduced { reason, hint } | Conclusion::NoEnvironment { reason, hint } => {
                (Status::NotReproduced, Vec::new(), Some(reason.clone()), hint.clone())
            }
        };
        self.status = status;
        self.lacks_environment = matches!(conclusion, Conclusion::NoEnvironment { .. });
        self.did_not_run = matches!(conclusion, Conclusion::NotReproduced { .. }) && self.ended_unrun();
        self.culprits = culprits;
        self.reason = reason;
        self.hint = hint;
    }
}

/// Status, culprits, reason and hint.
type Concluded = (Status, Vec<Culprit>, Option<String>, Option<String>);

impl Report {
    /// An answer is one only as far as the trials show it: each culprit seen bad, its parents good.
    fn proven(&self, culprits: &[Culprit]) -> Concluded {
        let culprits: Vec<Culprit> = culprits.iter().map(|culprit| self.with_proof(culprit)).collect();
        if culprits.iter().all(|culprit| culprit.proof.is_some()) {
            return (Status::Found, culprits, None, None);
        }
        let reason =
            "the trials that ran do not prove it: not each of its parents was seen to pass".to_owned();
        (Status::Ambiguous, culprits, Some(reason), self.hint_of_skips())
    }

    /// The parent that a commit is reverted to: of a merge the first one that was good.
    #[must_use]
    pub fn mainline(&self, parents: &[CommitId]) -> Option<CommitId> {
        let narrowed_against = self.narrowing.as_ref().and_then(|narrowing| narrowing.good);
        let good = [self.last_good.as_ref().map(|good| good.id), narrowed_against];
        let known = good.into_iter().flatten().find(|good| parents.contains(good));
        known.or(parents.first().copied())
    }

    /// What could make commits testable that were skipped.
    fn hint_of_skips(&self) -> Option<String> {
        let skips_as = |kind| self.skipped.iter().any(|skipped| skipped.kind == kind);
        skips_as(SkipKind::DifferentFailure).then(|| {
            "some of them fail in another way than the failure looked for; if that counts as well: --any-failure"
                .to_owned()
        })
    }
}

/// The failing tests beside the first: what is said of each, apart from what is said of the first.
#[derive(Default)]
struct Others {
    current: Option<Box<Report>>,
    ended: Vec<TargetReport>,
}

impl Others {
    /// Take an event that is said of one of them. Whether it is none of the first test's.
    fn add(&mut self, report: &mut Report, kind: &EventKind) -> bool {
        match (kind, &mut self.current) {
            (EventKind::NextTarget { failure }, _) => self.current = Some(Box::new(report.of_other(failure))),
            (EventKind::TargetConcluded { conclusion, last_good }, Some(own)) => {
                own.last_good.clone_from(last_good);
                own.conclude(conclusion);
                self.ended.push(own.of_target());
                self.current = None;
            }
            (EventKind::AlikeTarget(alike), _) => {
                self.ended.push(report.of_alike(alike).of_target());
            }
            (EventKind::LeftTarget { failure, reason }, _) => {
                self.ended.push(TargetReport::left(failure, reason));
            }
            // What is said of the whole session stays there.
            (EventKind::Note { .. } | EventKind::Environment { .. } | EventKind::Concluded { .. }, _)
            | (_, None) => return false,
            (EventKind::Target { .. }, Some(_)) => {}
            (EventKind::TrialFinished(finished), Some(own)) => {
                own.add(kind);
                match (finished.source, finished.purpose) {
                    (OutcomeSource::Ran, TrialKind::Narrowing) => report.trials.narrowing += 1,
                    (OutcomeSource::Ran, _) => report.trials.run += 1,
                    (OutcomeSource::Reused, _) => report.trials.reused += 1,
                    (OutcomeSource::Replayed, _) => {}
                }
            }
            (EventKind::TrialCancelled { .. }, Some(_)) => report.trials.cancelled += 1,
            (_, Some(own)) => own.add(kind),
        }
        true
    }

    /// The session is over.
    fn close(self, report: &mut Report) {
        let is_test = report.failure.as_ref().is_some_and(|failure| !failure.tests.is_empty());
        if is_test {
            let mut first = report.of_target();
            // What ran for the others is counted there.
            first.trials -= self.ended.iter().map(|other| other.trials).sum::<usize>().min(first.trials);
            report.targets.push(first);
        }
        report.targets.extend(self.ended);
    }
}

impl Report {
    /// The beginning of a report on another failing test of the same session.
    pub(super) fn of_other(&self, failure: &FailureSignature) -> Self {
        Self {
            status: Status::Inconclusive,
            find_fix: self.find_fix,
            first_parent: self.first_parent,
            bad: self.bad,
            failure: Some(failure.clone()),
            ..Self::default()
        }
    }
}

/// Counts rounds of the search for the commit: a trial's depth is one more than the deepest trial that had
/// ended when it began.
#[derive(Default)]
struct Rounds {
    finished: usize,
    running: std::collections::BTreeMap<super::TrialId, usize>,
    longest: usize,
}

impl Rounds {
    fn observe(&mut self, kind: &EventKind) {
        match kind {
            EventKind::TrialStarted { trial, purpose, .. } if purpose.is_of_commit() => {
                self.running.insert(*trial, self.finished + 1);
            }
            EventKind::TrialCancelled { trial } => {
                self.running.remove(trial);
            }
            EventKind::TrialFinished(finished) => {
                if let Some(depth) = self.running.remove(&finished.trial) {
                    self.finished = self.finished.max(depth);
                    self.longest = self.longest.max(depth);
                }
            }
            _ => {}
        }
    }
}
