//! Runs of given trees through the queue of a search: what other commands than `find` run.

use std::sync::{Arc, Mutex};

use pybisect::model::trial_line::OutcomeSource;
use pybisect::model::{
    CancelReason, CancelToken, EventKind, Termination, Trial, TrialKind, TrialOutput, Verdict,
};
use pybisect::session::{JournalOf, SessionError, TreeRun, TreeRuns, with_tree_runs};
use pybisect::store::{SessionKind, SessionState, Store};

use crate::conductor::{FAILURE, Scene};
use crate::support::scripted::{ScriptedExecutor, exited};

/// One run of each commit.
fn each(scene: &Scene) -> Vec<TreeRun> {
    let repository = pybisect::git::Repository::open(scene.repo.path()).unwrap();
    let recipe = Arc::new(scene.plan().recipe);
    let run = |(at, &commit)| TreeRun {
        commit,
        tree: repository.tree_of(commit).unwrap(),
        subject: format!("tree {at}"),
        purpose: TrialKind::Endpoint,
        recipe: Arc::clone(&recipe),
    };
    scene.places.0.iter().enumerate().map(run).collect()
}

fn judge(_: usize, output: &TrialOutput) -> Verdict {
    if output.ending == (Termination::Exited { code: 0 }) { Verdict::Good } else { Verdict::Bad }
}

/// Do some work as a check does; what was told, in short.
fn told<T>(
    scene: &Scene,
    executor: &ScriptedExecutor<'_>,
    work: impl FnOnce(&mut TreeRuns<'_>) -> Result<T, SessionError>,
) -> (T, Vec<String>) {
    let mut told = Vec::new();
    let done = scene.with(executor, |context| {
        let mut hear = |event: &pybisect::model::Event| match &event.kind {
            EventKind::Started { .. } => told.push("begins".to_owned()),
            EventKind::TrialStarted { subject, .. } => told.push(subject.clone()),
            EventKind::TrialFinished(end) => told.push(format!("{} {}", end.trial.0, end.verdict.word())),
            EventKind::TrialCancelled { trial } => told.push(format!("{} cancelled", trial.0)),
            other => panic!("{other:?}"),
        };
        with_tree_runs(&scene.plan(), context, &JournalOf::Own(SessionKind::Check), &mut hear, work)
    });
    (done.unwrap(), told)
}

#[test]
fn what_came_of_each_is_told_in_their_order_whatever_the_order_of_the_answers() {
    for seed in 0..10 {
        let scene = Scene::new(7);
        let jobs = 1 + usize::try_from(seed % 3).unwrap();
        let executor = ScriptedExecutor::new(jobs, seed, |trial: &Trial, _| {
            let is_bad = scene.places.at(trial.commit) >= 4;
            Ok(if is_bad { exited(1, FAILURE) } else { exited(0, "") })
        });
        let (codes, told) = told(&scene, &executor, |runs| {
            let ended = runs.all(&each(&scene), &mut judge)?;
            assert_eq!(runs.log().len(), 7);
            Ok(ended.into_iter().map(|output| output.ending).collect::<Vec<_>>())
        });
        let wanted = (0..7).map(|at| Termination::Exited { code: i32::from(at >= 4) });
        assert_eq!(codes, wanted.collect::<Vec<_>>(), "seed {seed}");
        assert_eq!((told.len(), told[0].as_str()), (15, "begins"), "{told:?}");
        // No slot waits: with one, each begins when the one before it has ended.
        if jobs == 1 {
            assert_eq!(told[1..5], ["tree 0", "0 good", "tree 1", "1 good"], "{told:?}");
        }
    }
}

#[test]
fn the_first_that_passes_is_the_first_and_what_comes_after_it_is_not_waited_for() {
    for seed in 0..20 {
        let scene = Scene::new(9);
        let passing = |at: usize| at == 3 || at == 4 || at == 8;
        let executor = ScriptedExecutor::new(3, seed, |trial: &Trial, _| {
            let passes = passing(scene.places.at(trial.commit));
            Ok(if passes { exited(0, "") } else { exited(1, FAILURE) })
        });
        let (first, told) = told(&scene, &executor, |runs| runs.first_that_passes(&each(&scene), &mut judge));
        assert_eq!(first, Some(3), "seed {seed}");
        assert!(!told.contains(&"tree 8".to_owned()), "seed {seed}: {told:?}");
        drop(executor);
        let nothing = ScriptedExecutor::new(3, seed, |_, _| panic!("all of these are known"));
        let none = each(&scene)[..3].to_vec();
        let (first, _) = self::told(&scene, &nothing, |runs| runs.first_that_passes(&none, &mut judge));
        assert_eq!(first, None);
    }
}

#[test]
fn what_ran_is_known_the_next_time_and_the_session_is_none_of_a_search() {
    let scene = Scene::new(3);
    let executor = ScriptedExecutor::new(2, 1, |_, _| Ok(exited(1, FAILURE)));
    let (_, first) = told(&scene, &executor, |runs| runs.all(&each(&scene), &mut judge));
    drop(executor);
    let nothing = ScriptedExecutor::new(2, 1, |_, _| panic!("all of these are known"));
    let (log, _) = told(&scene, &nothing, |runs| {
        runs.all(&each(&scene), &mut judge)?;
        Ok(runs.log().to_vec())
    });
    assert_eq!(log.len(), 3);
    assert!(log.iter().all(|run| run.source == OutcomeSource::Reused), "{log:?}");
    let store = Store::open(scene.cache.path()).unwrap();
    let sessions = store.sessions(None).unwrap();
    assert_eq!(sessions.len(), 1, "the same again is the same session: {sessions:?}");
    assert_eq!((sessions[0].kind, sessions[0].state), (SessionKind::Check, SessionState::Finished));
    assert!(store.searches(None).unwrap().is_empty());
    let kept = store.kept_outputs(&sessions[0].id).unwrap();
    assert_eq!(kept.len(), 3);
    assert!(kept.iter().all(|output| output.stderr.text.contains("TypeError")), "{kept:?}");
    assert_eq!(store.events(&sessions[0].id).unwrap().len(), first.len());
}

#[test]
fn a_program_that_was_missing_is_looked_for_again() {
    let missing =
        [exited(127, "sh: smoke: not found"), TrialOutput::without_run(not_started()), exited(126, "")];
    for output in missing {
        let scene = Scene::new(1);
        let executor = ScriptedExecutor::new(1, 1, |_, _| Ok(output.clone()));
        told(&scene, &executor, |runs| runs.all(&each(&scene), &mut judge));
        drop(executor);
        let executor = ScriptedExecutor::new(1, 1, |_, _| Ok(exited(0, "")));
        let (ended, _) = told(&scene, &executor, |runs| runs.all(&each(&scene), &mut judge));
        assert_eq!(ended[0].ending, Termination::Exited { code: 0 }, "{output:?}");
    }
}

fn not_started() -> Termination {
    Termination::NotStarted { error: "No such file or directory".to_owned() }
}

#[test]
fn of_the_same_tree_twice_the_second_is_another_run() {
    let scene = Scene::new(1);
    let executor = ScriptedExecutor::new(2, 1, |_, nth| Ok(exited(i32::try_from(nth).unwrap(), "")));
    let twice = [each(&scene), each(&scene)].concat();
    let (mut codes, _) = told(&scene, &executor, |runs| {
        let ended = runs.all(&twice, &mut judge)?;
        Ok(ended.into_iter().map(|output| format!("{:?}", output.ending)).collect::<Vec<_>>())
    });
    codes.sort();
    assert_eq!(codes, ["Exited { code: 0 }", "Exited { code: 1 }"]);
}

#[test]
fn a_search_takes_what_such_runs_have_seen() {
    let scene = Scene::new(5);
    let executor = ScriptedExecutor::new(2, 1, |trial: &Trial, _| {
        let is_bad = scene.places.at(trial.commit) >= 2;
        Ok(if is_bad { exited(1, FAILURE) } else { exited(0, "") })
    });
    told(&scene, &executor, |runs| runs.all(&each(&scene), &mut judge));
    drop(executor);
    let asked = Mutex::new(Vec::new());
    let executor = ScriptedExecutor::new(2, 1, |trial: &Trial, _| {
        let at = scene.places.at(trial.commit);
        asked.lock().unwrap().push(at);
        Ok(if at >= 2 { exited(1, FAILURE) } else { exited(0, "") })
    });
    let report =
        scene.with(&executor, |context| pybisect::session::find(&scene.plan(), context, &mut |_| {}));
    let report = report.unwrap();
    assert_eq!(scene.places.at(report.culprits[0].commit.id), 2, "{report:#?}");
    assert_eq!(asked.lock().unwrap().as_slice(), [0; 0], "{report:#?}");
}

#[test]
fn what_the_user_stops_is_told_as_cancelled_and_what_had_ended_is_kept() {
    let mut scene = Scene::new(6);
    let cancel = scene.cancel.clone();
    let executor = ScriptedExecutor::new(1, 1, |_: &Trial, nth| {
        if nth == 2 {
            cancel.cancel(CancelReason::Interrupted);
        }
        Ok(exited(0, ""))
    });
    let (ended, _) = told(&scene, &executor, |runs| runs.all(&each(&scene), &mut judge));
    drop(executor);
    let cancelled = ended.iter().filter(|output| output.ending == Termination::Cancelled).count();
    assert!((3..=4).contains(&cancelled), "{ended:?}");
    let store = Store::open(scene.cache.path()).unwrap();
    assert_eq!(store.sessions(None).unwrap()[0].state, SessionState::Interrupted);
    scene.cancel = CancelToken::new();
    let executor = ScriptedExecutor::new(1, 1, |_, _| Ok(exited(0, "")));
    told(&scene, &executor, |runs| runs.all(&each(&scene), &mut judge));
    let again = executor.calls().len();
    assert!((3..=4).contains(&again), "{again} ran again");
}
