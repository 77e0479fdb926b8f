//! Events and what they come to.

use super::*;

fn event(second: i64, kind: IncidentEventKind) -> IncidentEvent {
    IncidentEvent { at: Timestamp::from_second(second).unwrap(), kind }
}

fn opened() -> IncidentEventKind {
    let stage = |stage| StepId { kind: StepKind::Rollout, stage: Some(stage) };
    let steps =
        [StepKind::Rollback.into(), StepKind::Find.into(), stage(1), stage(2), StepKind::Report.into()];
    IncidentEventKind::Opened {
        schema: INCIDENT_SCHEMA.to_owned(),
        id: "20261129-1".to_owned(),
        service: "shop".to_owned(),
        repository: "/srv/shop".to_owned(),
        began: None,
        steps: steps.into_iter().map(|id: StepId| (id, id.to_string())).collect(),
    }
}

#[test]
fn events_make_an_incident_and_both_outlast_json() {
    let rollback = StepId::from(StepKind::Rollback);
    let version = DeployedVersion {
        commit: "aa".repeat(20).parse().unwrap(),
        tag: Some("v1".to_owned()),
        subject: String::new(),
        as_commit: None,
    };
    let alarm = |firing| Alarm {
        at: Timestamp::from_second(100).unwrap(),
        source: "command".to_owned(),
        title: "500 on /your-url".to_owned(),
        firing,
        key: None,
    };
    let ended = |state| IncidentEventKind::Ended {
        step: rollback,
        state,
        outcome: "v1 answers".to_owned(),
        result: Some(StepResult::Rollback(Box::default())),
    };
    let events = [
        event(100, opened()),
        event(100, IncidentEventKind::Alarmed { alarm: alarm(true) }),
        event(101, IncidentEventKind::Begun { step: rollback, what: None }),
        event(102, IncidentEventKind::Progress { step: rollback, text: "deploys".to_owned() }),
        event(103, IncidentEventKind::Resumed),
        event(104, IncidentEventKind::Begun { step: rollback, what: Some("./deploy v1".to_owned()) }),
        event(110, IncidentEventKind::Recovered { when: Timestamp::from_second(106).unwrap(), version }),
        event(110, ended(StepState::Done)),
        event(111, IncidentEventKind::FirstError { when: Timestamp::from_second(90).unwrap() }),
        event(112, IncidentEventKind::Alarmed { alarm: alarm(false) }),
    ];
    let text: String = events.iter().map(|event| serde_json::to_string(event).unwrap() + "\n").collect();
    let read: Vec<IncidentEvent> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(read, events);
    let incident = Incident::from_events(&read);
    let step = incident.step(rollback).unwrap();
    assert_eq!((step.state, step.begun, step.what.as_str()), (StepState::Done, 2, "./deploy v1"));
    assert_eq!(step.seconds(), Some(9.0));
    assert_eq!(incident.downtime_seconds(), Some(16.0));
    assert_eq!((incident.title(), incident.source()), ("500 on /your-url", "command"));
    assert!(incident.resolved().is_some() && incident.outcome.is_none() && incident.rollback().is_some());
    assert_eq!(
        incident.stages().map(|step| step.id.to_string()).collect::<Vec<_>>(),
        ["rollout-1", "rollout-2"]
    );
    let json = serde_json::to_string(&incident).unwrap();
    assert_eq!(serde_json::from_str::<Incident>(&json).unwrap(), incident);
}

/// An incident in which these things happened, each a second after the one before.
fn after(kinds: &[IncidentEventKind]) -> Incident {
    let kinds = std::iter::once(opened()).chain(kinds.iter().cloned());
    let events: Vec<IncidentEvent> = (100..).zip(kinds).map(|(second, kind)| event(second, kind)).collect();
    Incident::from_events(&events)
}

#[test]
fn something_is_left_until_the_end_of_what_can_be_done_and_after_leave() {
    use IncidentEventKind::{Approved, Begun, Ended, Resumed, Waiting};

    let (rollback, report) = (StepId::from(StepKind::Rollback), StepId::from(StepKind::Report));
    let begun = |step| Begun { step, what: None };
    let waits = Waiting { step: rollback, why: String::new() };
    let ended = |step| Ended { step, state: StepState::Done, outcome: String::new(), result: None };
    assert!(after(&[]).is_left(), "killed before the first step");
    assert!(after(&[begun(rollback), ended(rollback)]).is_left(), "killed between two");
    let at_rest = [waits, begun(report), ended(report)];
    assert!(!after(&at_rest).is_left());
    let with = |more: &[IncidentEventKind]| after(&[&at_rest, more].concat());
    assert!(with(&[Approved { step: rollback }]).is_left());
    assert!(with(&[Resumed]).is_left());
    assert!(with(&[begun(rollback)]).is_left());
    let over = IncidentEventKind::Closed { outcome: IncidentOutcome::Unresolved };
    assert!(!with(&[Approved { step: rollback }, over]).is_left());
    // Leave that came after the step was looked at, and before the report.
    let [waits, report_begun, report_ended] = at_rest.clone();
    assert!(after(&[waits, Approved { step: rollback }, report_begun, report_ended]).is_left());
}

#[test]
fn each_kind_has_a_word_of_its_own() {
    for kind in StepKind::ALL {
        assert_eq!(StepKind::of_word(kind.word()), Some(kind));
        assert_eq!(serde_json::to_value(kind).unwrap(), kind.word());
    }
    assert_eq!(StepKind::of_word("everything"), None);
}
