//! Responses whose steps are made of words, killed anywhere and gone on with.

use proptest::prelude::*;

use super::*;
use crate::model::incident::INCIDENT_SCHEMA;
use crate::model::{CancelReason, DeployedVersion, IncidentOutcome};
use crate::respond::{Incidents, step_to_retry};

fn version() -> DeployedVersion {
    DeployedVersion {
        commit: "aa".repeat(20).parse().unwrap(),
        tag: None,
        subject: String::new(),
        as_commit: None,
    }
}

fn stage(number: u32) -> StepId {
    StepId { kind: StepKind::Rollout, stage: Some(number) }
}

fn all_steps() -> Vec<StepId> {
    let kinds = StepKind::ALL.into_iter();
    kinds
        .flat_map(|kind| if kind == StepKind::Rollout { vec![stage(1), stage(2)] } else { vec![kind.into()] })
        .collect()
}

/// The world: what was done to it, which outlasts whoever does it.
#[derive(Default)]
struct World {
    /// Each thing that was done, in order.
    done: Mutex<Vec<StepId>>,
    /// Steps that fail.
    failing: Vec<StepId>,
    /// Calls until whoever works is killed: before the step is done, or after it and before that is written down.
    killed_after: Mutex<Option<(usize, bool)>>,
    cancel: CancelToken,
}

impl Hands for World {
    fn carry_out(&self, job: &Job<'_>, desk: &Desk<'_>) -> Option<StepEnd> {
        let mut dies = None;
        if let Some((left, is_after)) = lock(&self.killed_after).as_mut() {
            *left = left.saturating_sub(1);
            dies = (*left == 0).then_some(*is_after);
        }
        if dies == Some(false) {
            self.cancel.cancel(CancelReason::Forced);
        }
        if self.cancel.is_cancelled() {
            return None;
        }
        let is_there = job.resumes && lock(&self.done).contains(&job.step);
        if !is_there {
            lock(&self.done).push(job.step);
        }
        if dies == Some(true) {
            self.cancel.cancel(CancelReason::Forced);
            return None;
        }
        if self.failing.contains(&job.step) {
            return Some(StepEnd::failed("no"));
        }
        if matches!(job.step.kind, StepKind::Rollback | StepKind::Rollout) {
            desk.note(IncidentEventKind::Recovered { when: jiff::Timestamp::now(), version: version() });
        }
        Some(StepEnd::done("yes"))
    }
}

/// A service with one incident.
struct Scene {
    _top: tempfile::TempDir,
    incidents: Incidents,
    id: String,
}

impl Scene {
    fn new() -> Self {
        let top = tempfile::tempdir().unwrap();
        let incidents = Incidents::of(top.path(), "shop").unwrap();
        let opened = |id| {
            [IncidentEventKind::Opened {
                schema: INCIDENT_SCHEMA.to_owned(),
                id,
                service: "shop".to_owned(),
                repository: String::new(),
                began: None,
                steps: all_steps().into_iter().map(|step| (step, step.to_string())).collect(),
            }]
        };
        let id = incidents.open(opened).unwrap().incident().id.clone();
        Self { _top: top, incidents, id }
    }

    fn respond(&self, world: &World, auto: &[StepKind]) -> Incident {
        let journal = self.incidents.journal(&self.id).unwrap();
        let desk = Desk::new(journal, &|_, _| {}, &|text| text.replace("s3cr3t", "[redacted]"));
        let auto = auto.iter().copied().collect();
        Response { desk: &desk, hands: world, auto: &auto, cancel: &world.cancel }.carry_out();
        desk.close().unwrap().incident().clone()
    }

    fn approve(&self, step: impl Into<StepId>) {
        let mut journal = self.incidents.journal(&self.id).unwrap();
        journal.note(IncidentEventKind::Approved { step: step.into() }).unwrap();
    }
}

fn acting() -> Vec<StepKind> {
    StepKind::ALL.into_iter().filter(|kind| kind.acts()).collect()
}

fn states(incident: &Incident) -> Vec<(String, StepState)> {
    incident.steps.iter().map(|step| (step.id.to_string(), step.state)).collect()
}

#[test]
fn with_leave_for_all_of_it_all_is_done_once_and_time_comes_first() {
    let (scene, world) = (Scene::new(), World::default());
    let incident = scene.respond(&world, &acting());
    assert!(incident.steps.iter().all(|step| step.state == StepState::Done), "{:?}", states(&incident));
    assert_eq!(incident.outcome, Some(IncidentOutcome::Fixed));
    let done = lock(&world.done).clone();
    assert_eq!(done[..3], [StepKind::Fallback, StepKind::Rollback, StepKind::FallbackOff].map(StepId::from));
    assert_eq!(
        done[7..],
        [StepKind::Branch.into(), StepKind::Push.into(), stage(1), stage(2), StepKind::Report.into()]
    );
}

#[test]
fn nothing_acts_without_leave_and_leave_for_one_thing_is_for_that() {
    let (scene, world) = (Scene::new(), World::default());
    let incident = scene.respond(&world, &[]);
    assert!(lock(&world.done).iter().all(|step| !step.kind.acts()), "{:?}", world.done);
    assert_eq!(incident.step(StepKind::Rollback).unwrap().state, StepState::Waiting);
    assert_eq!(incident.step(StepKind::Branch).unwrap().state, StepState::Waiting);
    assert_eq!(incident.step(StepKind::Push).unwrap().state, StepState::Planned);
    assert_eq!((incident.outcome, incident.serving), (None, None));
    scene.approve(StepKind::Rollback);
    let incident = scene.respond(&world, &[]);
    assert!(incident.serving.is_some());
    let acted: Vec<StepId> = lock(&world.done).iter().copied().filter(|step| step.kind.acts()).collect();
    assert_eq!(acted, [StepKind::Rollback.into()]);
    for step in [StepKind::Branch.into(), StepKind::Push.into(), stage(1), stage(2)] {
        scene.approve(step);
        scene.respond(&world, &[]);
    }
    let incident = scene.respond(&world, &[]);
    assert_eq!(incident.step(StepKind::Fallback).unwrap().state, StepState::Skipped, "the service is well");
    assert_eq!(incident.outcome, Some(IncidentOutcome::Fixed), "{:?}", states(&incident));
}

#[test]
fn what_fails_stops_what_needs_it_and_nothing_else() {
    let state = |failing: Vec<StepId>, step: StepId| {
        let (scene, world) = (Scene::new(), World { failing, ..World::default() });
        let incident = scene.respond(&world, &acting());
        assert!(incident.outcome.is_some(), "{:?}", states(&incident));
        (incident.step(step).unwrap().state, incident.outcome.unwrap())
    };
    let (rollback, fixes) = (StepKind::Rollback.into(), StepKind::Fixes.into());
    assert_eq!(state(vec![rollback], stage(2)), (StepState::Done, IncidentOutcome::Fixed));
    assert_eq!(state(vec![StepKind::Logs.into()], fixes), (StepState::Done, IncidentOutcome::Fixed));
    assert_eq!(state(vec![fixes], stage(1)), (StepState::Skipped, IncidentOutcome::RolledBack));
    assert_eq!(state(vec![stage(1)], stage(2)), (StepState::Skipped, IncidentOutcome::RolledBack));
    assert_eq!(
        state(vec![rollback, fixes], StepKind::FallbackOff.into()),
        (StepState::Skipped, IncidentOutcome::Unresolved)
    );
}

#[test]
fn what_failed_is_done_again_with_what_was_left_out_for_it_and_nothing_else() {
    let scene = Scene::new();
    let failing = World { failing: vec![StepKind::Find.into()], ..World::default() };
    let incident = scene.respond(&failing, &acting());
    assert_eq!(incident.outcome, Some(IncidentOutcome::RolledBack), "{:?}", states(&incident));
    let mut journal = scene.incidents.journal(&scene.id).unwrap();
    let step = step_to_retry(journal.incident(), "find").unwrap();
    for wrong in ["rollback", "branch", "x"] {
        assert!(step_to_retry(journal.incident(), wrong).is_err(), "{wrong}");
    }
    journal.note(IncidentEventKind::Retried { step }).unwrap();
    let world = World::default();
    let incident = scene.respond(&world, &acting());
    assert_eq!(incident.outcome, Some(IncidentOutcome::Fixed), "{:?}", states(&incident));
    let kinds = [StepKind::Find, StepKind::Fixes, StepKind::Branch, StepKind::Push].map(StepId::from);
    let all = [&kinds[..], &[stage(1), stage(2), StepKind::Report.into()]].concat();
    assert_eq!(*lock(&world.done), all, "what was done before is not");
}

#[test]
fn leave_that_is_given_meanwhile_is_taken_meanwhile() {
    struct Slow<'a>(World, &'a Scene);
    impl Hands for Slow<'_> {
        fn carry_out(&self, job: &Job<'_>, desk: &Desk<'_>) -> Option<StepEnd> {
            if job.step.kind == StepKind::Find {
                self.1.approve(StepKind::Rollback);
                // It ends only when the old version serves.
                while desk.incident().serving.is_none() {
                    std::thread::sleep(Duration::from_millis(5));
                }
            }
            self.0.carry_out(job, desk)
        }
    }
    let scene = Scene::new();
    let world = Slow(World::default(), &scene);
    let journal = scene.incidents.journal(&scene.id).unwrap();
    let desk = Desk::new(journal, &|_, _| {}, &str::to_owned);
    let auto = BTreeSet::new();
    Response { desk: &desk, hands: &world, auto: &auto, cancel: &world.0.cancel }.carry_out();
    assert!(desk.incident().serving.is_some());
}

#[test]
fn secrets_are_not_written_down() {
    let scene = Scene::new();
    let journal = scene.incidents.journal(&scene.id).unwrap();
    let desk = Desk::new(journal, &|_, _| {}, &|text| text.replace("s3cr3t", "[redacted]"));
    desk.say(StepKind::Rollback.into(), "deploys with token s3cr3t");
    let incident = desk.close().unwrap().incident().clone();
    assert_eq!(incident.step(StepKind::Rollback).unwrap().progress, ["deploys with token [redacted]"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Killed at any step, before or after it was done, any number of times: it comes to the same end, and nothing is done
    /// to the world twice.
    #[test]
    fn killed_and_gone_on_with_it_comes_to_the_same(kills in prop::collection::vec((1_usize..9, any::<bool>()), 0..5)) {
        let scene = Scene::new();
        let mut world = World::default();
        let mut incident = Incident::default();
        for kill in kills.into_iter().map(Some).chain([None]) {
            world.killed_after = Mutex::new(kill);
            world.cancel = CancelToken::new();
            incident = scene.respond(&world, &acting());
            if incident.outcome.is_some() {
                break;
            }
        }
        prop_assert_eq!(incident.outcome, Some(IncidentOutcome::Fixed), "{:?}", states(&incident));
        let mut done = lock(&world.done).clone();
        done.retain(|step| step.kind.acts());
        let once: BTreeSet<StepId> = done.iter().copied().collect();
        prop_assert_eq!(once.len(), done.len(), "{:?}", done);
        prop_assert_eq!(once.len(), 6);
    }
}
