//! The conductor with an executor that runs nothing: whatever the order of the answers is, whichever trial's machine
//! fails, and whenever the user stops it, the answer is that of running every commit.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;

use pybisect::executor::{Executor, ExecutorError, ExecutorErrorKind};
use pybisect::git::{Repository, Shadow};
use pybisect::model::event::Isolation;
use pybisect::model::{
    CancelReason, CancelToken, CommitId, EventKind, Report, SkipKind, Status, Termination, Trial, TrialKind,
    TrialOutput,
};
use pybisect::search::simulate::Random;
use pybisect::session::{Matching, OnlyFailing, Plan, SessionContext, SessionError, find};
use pybisect::store::Store;

use crate::support::repo_builder::TestRepo;
use crate::support::scripted::{ScriptedExecutor, exited, machine};
use crate::support::trials::recipe;

pub(crate) const FAILURE: &str = "Traceback (most recent call last):\n  File \"t.py\", line 1, in t\n    load(p)\nTypeError: load() takes one argument\n";

/// The commits of a history, one after the other.
pub(crate) struct Places(pub(crate) Vec<CommitId>);

impl Places {
    pub(crate) fn at(&self, commit: CommitId) -> usize {
        self.0.iter().position(|&known| known == commit).unwrap()
    }
}

/// A history, and where it is worked on.
pub(crate) struct Scene {
    pub(crate) repo: TestRepo,
    pub(crate) places: Places,
    pub(crate) cache: tempfile::TempDir,
    pub(crate) cancel: CancelToken,
}

impl Scene {
    pub(crate) fn new(commits: usize) -> Self {
        let mut repo = TestRepo::new();
        let commits = (0..commits).map(|at| {
            repo.write("app.py", format!("version = {at}\n"));
            repo.commit(&format!("commit {at}"))
        });
        let places = Places(commits.collect());
        Self { repo, places, cache: tempfile::tempdir().unwrap(), cancel: CancelToken::new() }
    }

    pub(crate) fn plan(&self) -> Plan {
        Plan {
            good: vec![self.places.0[0]],
            bad: *self.places.0.last().unwrap(),
            recipe: recipe("smoke"),
            overlay: Vec::new(),
            matching: Matching::Signature,
            target: None,
            only_failing: OnlyFailing::Never,
            find_fix: false,
            narrow: false,
            watch: false,
            first_parent: false,
            pathspecs: Vec::new(),
            confidence: 0.99,
            fresh: false,
            environment_key: String::new(),
            environment: Vec::new(),
            isolation: Isolation::default(),
            command_text: "smoke".to_owned(),
            repository: "r".to_owned(),
            notes: Vec::new(),
        }
    }

    fn find(&self, plan: &Plan, executor: &dyn Executor) -> Result<Report, SessionError> {
        self.with(executor, |context| find(plan, context, &mut |_| {}))
    }

    /// Do something with what a session works with.
    pub(crate) fn with<T>(&self, executor: &dyn Executor, act: impl FnOnce(&SessionContext<'_>) -> T) -> T {
        let repository = Repository::open(self.repo.path()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let shadow = Shadow::create(&folder.path().join("shadow"), &repository).unwrap();
        let store = Store::open(self.cache.path()).unwrap();
        let (packages, cancel) = (None, &self.cancel);
        let context = SessionContext {
            repository: &repository,
            shadow: &shadow,
            executor,
            packages,
            store: &store,
            cancel,
        };
        act(&context)
    }
}

fn found(scene: &Scene, report: &Report) -> Option<usize> {
    (report.status == Status::Found).then(|| scene.places.at(report.culprits[0].commit.id))
}

#[test]
fn the_culprit_is_that_of_a_linear_scan_in_whatever_order_the_answers_come() {
    for seed in 0..40 {
        let mut random = Random::new(seed);
        let scene = Scene::new(4 + random.below(20));
        let culprit = 1 + random.below(scene.places.0.len() - 1);
        let last = scene.places.0.len() - 1;
        // Some commits cannot be judged.
        let skips: Vec<bool> = (0..=last).map(|at| at != 0 && at != last && random.below(6) == 0).collect();
        // What running each commit says: the commits between the last that passes and the first that fails.
        let before = (0..culprit).rev().find(|&at| !skips[at]).unwrap();
        let first = (culprit..=last).find(|&at| !skips[at]).unwrap();
        let executor = ScriptedExecutor::new(1 + random.below(4), seed, |trial: &Trial, _| {
            let at = scene.places.at(trial.commit);
            Ok(match skips[at] {
                true => exited(125, ""),
                false if at < culprit => exited(0, ""),
                false => exited(1, FAILURE),
            })
        });
        let report = scene.find(&scene.plan(), &executor).unwrap();
        if first == before + 1 {
            assert_eq!(found(&scene, &report), Some(culprit), "seed {seed}: {report:#?}");
        } else {
            assert_eq!(report.status, Status::Ambiguous, "seed {seed}: {report:#?}");
            let mut named: Vec<usize> =
                report.culprits.iter().map(|one| scene.places.at(one.commit.id)).collect();
            named.sort_unstable();
            assert_eq!(named, (before + 1..=first).collect::<Vec<_>>(), "seed {seed}");
        }
    }
}

fn steady(places: &Places, culprit: usize, trial: &Trial) -> TrialOutput {
    if places.at(trial.commit) < culprit { exited(0, "") } else { exited(1, FAILURE) }
}

#[test]
fn a_machine_that_fails_at_any_one_trial_changes_no_answer() {
    const COMMITS: usize = 12;
    const CULPRIT: usize = 7;
    for broken in 0..8 {
        let scene = Scene::new(COMMITS);
        let executor = ScriptedExecutor::new(2, broken, |trial, nth| {
            if nth == usize::try_from(broken).unwrap() {
                return Err(machine(ExecutorErrorKind::Retryable, "the worker is gone"));
            }
            Ok(steady(&scene.places, CULPRIT, trial))
        });
        let report = scene.find(&scene.plan(), &executor).unwrap();
        assert_eq!(found(&scene, &report), Some(CULPRIT), "{broken}: {report:#?}");
        assert!(report.skipped.is_empty(), "{broken}: {report:#?}");
        let again: Vec<u32> = executor.calls().iter().map(|trial| trial.attempt).collect();
        assert!(again.iter().sum::<u32>() <= 1, "{broken}: {again:?}");
    }
}

#[test]
fn a_commit_whose_machine_always_fails_is_skipped_with_the_reason_and_is_neither_good_nor_bad() {
    for kind in [ExecutorErrorKind::Retryable, ExecutorErrorKind::Rejected] {
        let scene = Scene::new(9);
        let executor = ScriptedExecutor::new(2, 1, |trial: &Trial, _| match scene.places.at(trial.commit) {
            // The culprit itself.
            5 => Err(machine(kind, "no room for the inputs")),
            _ => Ok(steady(&scene.places, 5, trial)),
        });
        let report = scene.find(&scene.plan(), &executor).unwrap();
        assert_eq!(report.status, Status::Ambiguous, "{report:#?}");
        let mut named: Vec<usize> =
            report.culprits.iter().map(|one| scene.places.at(one.commit.id)).collect();
        named.sort_unstable();
        assert_eq!(named, [5, 6]);
        let skipped = &report.skipped[0];
        assert_eq!((skipped.kind, scene.places.at(skipped.commit)), (SkipKind::Machine, 5));
        assert!(skipped.reason.contains("no room for the inputs"), "{}", skipped.reason);
        let tries = executor.calls().iter().filter(|trial| scene.places.at(trial.commit) == 5).count();
        let each = if kind == ExecutorErrorKind::Retryable { 3 } else { 1 };
        assert!(tries >= each && tries.is_multiple_of(each), "{kind:?}: {tries} tries");
        // Nothing was recorded of it: the next search tries it again, and finds it.
        let well = ScriptedExecutor::new(2, 1, |trial, _| Ok(steady(&scene.places, 5, trial)));
        let report = scene.find(&scene.plan(), &well).unwrap();
        assert_eq!(found(&scene, &report), Some(5), "{report:#?}");
    }
}

#[test]
fn where_no_trial_can_run_any_more_the_session_ends_and_says_why() {
    let scene = Scene::new(9);
    let executor = ScriptedExecutor::new(2, 1, |trial, nth| match nth {
        0..3 => Ok(steady(&scene.places, 5, trial)),
        _ => Err(machine(ExecutorErrorKind::Fatal, "access is denied")),
    });
    let error = scene.find(&scene.plan(), &executor).unwrap_err();
    assert!(matches!(&error, SessionError::Executor(ExecutorError::Remote { .. })), "{error:?}");
    assert_eq!(error.to_string(), "access is denied");
}

#[test]
fn a_search_that_is_stopped_at_any_trial_goes_on_where_it_was() {
    // Of more commits than can be told apart in so many trials.
    for stop in 1..6 {
        let mut scene = Scene::new(60);
        let cancel = scene.cancel.clone();
        let (ran, asked) = (Mutex::new(BTreeMap::<usize, usize>::new()), Mutex::new(0));
        let script = |trial: &Trial, _: usize| {
            let mut asked = asked.lock().unwrap();
            *asked += 1;
            if *asked == stop {
                cancel.cancel(CancelReason::Interrupted);
            }
            *ran.lock().unwrap().entry(scene.places.at(trial.commit)).or_default() += 1;
            Ok(steady(&scene.places, 9, trial))
        };
        let executor = ScriptedExecutor::new(2, 3, script);
        let report = scene.find(&scene.plan(), &executor).unwrap();
        drop(executor);
        assert_eq!(report.status, Status::Inconclusive, "{stop}: {report:#?}");
        scene.cancel = CancelToken::new();
        let executor = ScriptedExecutor::new(2, 3, |trial, _| {
            *ran.lock().unwrap().entry(scene.places.at(trial.commit)).or_default() += 1;
            Ok(steady(&scene.places, 9, trial))
        });
        let report = scene.find(&scene.plan(), &executor).unwrap();
        assert_eq!(found(&scene, &report), Some(9), "{stop}: {report:#?}");
        // The culprit and its parent run again to prove it, and what was under way on the two workers; nothing else.
        let twice =
            ran.lock().unwrap().iter().filter(|(at, runs)| **runs > 1 && !matches!(at, 8 | 9)).count();
        assert!(twice <= 2, "{stop}: {ran:?}");
    }
}

#[test]
fn a_search_that_has_all_its_answers_hears_of_an_interrupt_too() {
    let mut scene = Scene::new(9);
    let executor = ScriptedExecutor::new(2, 1, |trial, _| Ok(steady(&scene.places, 5, trial)));
    let report = scene.find(&scene.plan(), &executor).unwrap();
    assert_eq!(found(&scene, &report), Some(5), "{report:#?}");
    drop(executor);
    scene.cancel.cancel(CancelReason::Interrupted);
    let executor = ScriptedExecutor::new(2, 1, |_, _| panic!("nothing is to run"));
    let report = scene.find(&scene.plan(), &executor).unwrap();
    assert_eq!(report.status, Status::Inconclusive, "{report:#?}");
    drop(executor);
    scene.cancel = CancelToken::new();
    let executor = ScriptedExecutor::new(2, 1, |trial, _| Ok(steady(&scene.places, 5, trial)));
    assert_eq!(found(&scene, &scene.find(&scene.plan(), &executor).unwrap()), Some(5));
}

/// Reads `app.py` of a trial's tree.
fn source(repository: &Repository, trial: &Trial) -> String {
    let blob = repository.entry_at(trial.tree, Path::new("app.py")).unwrap().unwrap();
    String::from_utf8(repository.blob(blob).unwrap()).unwrap()
}

#[test]
fn a_search_that_is_stopped_while_it_narrows_keeps_its_culprit() {
    let mut scene = Scene::new(3);
    let lines: Vec<String> = (0..30).map(|at| format!("line_{at} = {at}\n")).collect();
    scene.repo.write("app.py", lines.concat());
    scene.places.0.push(scene.repo.commit("grown"));
    scene.places.0[0] = *scene.places.0.last().unwrap();
    let changed = lines.iter().enumerate().map(|(at, line)| match at % 7 {
        3 => format!("line_{at} = load(p)\n"),
        _ => line.clone(),
    });
    scene.repo.write("app.py", changed.collect::<String>());
    scene.places.0.push(scene.repo.commit("broken"));
    let culprit = scene.places.0.len() - 1;
    let plan = Plan { narrow: true, ..scene.plan() };
    let stopped = Mutex::new(false);
    let cancel = scene.cancel.clone();
    let folder = tempfile::tempdir().unwrap();
    let repository = Repository::open(scene.repo.path()).unwrap();
    let shadow = Shadow::create(&folder.path().join("shadow"), &repository).unwrap();
    let objects = Mutex::new(shadow.repository().reopen().unwrap());
    let judged = |trial: &Trial| {
        let is_bad = source(&objects.lock().unwrap(), trial).contains("line_17 = load(p)");
        Ok(if is_bad { exited(1, FAILURE) } else { exited(0, "") })
    };
    let executor = ScriptedExecutor::new(2, 5, |trial: &Trial, _| {
        if trial.purpose == TrialKind::Narrowing {
            *stopped.lock().unwrap() = true;
            cancel.cancel(CancelReason::Interrupted);
        }
        judged(trial)
    });
    let store = Store::open(scene.cache.path()).unwrap();
    let run = |executor: &dyn Executor, cancel: &CancelToken| {
        let context = SessionContext {
            repository: &repository,
            shadow: &shadow,
            executor,
            packages: None,
            store: &store,
            cancel,
        };
        let mut narrowed = 0;
        let report = find(&plan, &context, &mut |event| {
            narrowed += u32::from(matches!(
                event.kind,
                EventKind::TrialStarted { purpose: TrialKind::Narrowing, .. }
            ));
        });
        (report.unwrap(), narrowed)
    };
    let (report, _) = run(&executor, &scene.cancel);
    assert!(*stopped.lock().unwrap(), "it did not come to narrowing");
    assert_eq!(scene.places.at(report.culprits[0].commit.id), culprit, "{report:#?}");
    let executor = ScriptedExecutor::new(2, 5, |trial: &Trial, _| judged(trial));
    let (report, narrowed) = run(&executor, &CancelToken::new());
    assert_eq!(found(&scene, &report), Some(culprit), "{report:#?}");
    assert!(narrowed > 0);
    assert!(format!("{:?}", report.breaking_changes).contains("line_17"), "{report:#?}");
}

#[test]
fn no_commit_is_named_that_a_flaky_target_does_not_show() {
    let mut answers = BTreeMap::<String, u32>::new();
    for seed in 0..30 {
        let scene = Scene::new(12);
        let culprit = 1 + usize::try_from(seed % 11).unwrap();
        let random = Mutex::new(Random::new(seed));
        let last = scene.places.0.len() - 1;
        let executor = ScriptedExecutor::new(2, seed, |trial: &Trial, _| {
            let at = scene.places.at(trial.commit);
            let passes = at < culprit || at != last && random.lock().unwrap().below(10) < 4;
            Ok(if passes { exited(0, "") } else { exited(1, FAILURE) })
        });
        let report = scene.find(&scene.plan(), &executor).unwrap();
        *answers.entry(report.status.to_string()).or_default() += 1;
        if let Some(named) = found(&scene, &report) {
            assert!(named >= culprit, "seed {seed}: {report:#?}");
        }
    }
    assert!(answers.contains_key("found"), "{answers:?}");
}

/// The time that others take says little of a version that does the same slowly.
#[test]
fn what_a_limit_that_nobody_set_cut_short_runs_again_where_it_decides() {
    for (seed, hangs) in [(1, false), (2, false), (3, true)] {
        let scene = Scene::new(12);
        let culprit = 9;
        let executor = ScriptedExecutor::new(1, seed, |trial: &Trial, _| {
            let at = scene.places.at(trial.commit);
            let is_slow = at.abs_diff(culprit) < 3;
            let limit = trial.recipe.timeout.filter(|limit| is_slow && (hangs || limit.as_secs() < 60));
            Ok(match limit {
                Some(limit) => TrialOutput::without_run(Termination::TimedOut {
                    after_ms: limit.as_millis().try_into().unwrap(),
                }),
                None if at < culprit => exited(0, ""),
                None => exited(1, FAILURE),
            })
        });
        let mut plan = scene.plan();
        plan.recipe.timeout = None;
        let report = scene.find(&plan, &executor).unwrap();
        assert_eq!(found(&scene, &report), (!hangs).then_some(culprit), "{report:?}");
        let judged = (7..10).map(|at| scene.places.0[at]);
        let skipped: Vec<CommitId> = report.skipped.iter().map(|skipped| skipped.commit).collect();
        assert!(
            hangs || judged.into_iter().filter(|commit| skipped.contains(commit)).count() <= 1,
            "{skipped:?}"
        );
        let again = report.notes.iter().any(|note| note.contains("run again with 120 s"));
        assert!(again, "{:?}", report.notes);
    }
}
