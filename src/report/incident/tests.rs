//! An incident as people see it.

use super::*;
use crate::model::incident::INCIDENT_SCHEMA;
use crate::model::{Alarm, DeployedVersion, IncidentEvent, IncidentEventKind, StepId};
use crate::report::Style;

fn incident() -> Incident {
    let at = |second: i64| Timestamp::from_second(1_796_000_000 + second).unwrap();
    let version = DeployedVersion {
        commit: "aa".repeat(20).parse().unwrap(),
        tag: Some("v1".to_owned()),
        subject: String::new(),
        as_commit: None,
    };
    let (rollback, rollout) =
        (StepId::from(StepKind::Rollback), StepId { kind: StepKind::Rollout, stage: Some(1) });
    let opened = IncidentEventKind::Opened {
        schema: INCIDENT_SCHEMA.to_owned(),
        id: "x".to_owned(),
        service: "shop".to_owned(),
        repository: String::new(),
        began: Some(at(-5)),
        steps: vec![(rollback, "./deploy {commit}".to_owned()), (rollout, "canary".to_owned())],
    };
    let alarm = Alarm {
        at: at(0),
        source: "command".to_owned(),
        title: "500 on /\u{1b}[31m|x".to_owned(),
        firing: true,
        key: None,
    };
    let ended = IncidentEventKind::Ended {
        step: rollback,
        state: StepState::Done,
        outcome: "v1 (aaaaaaaaa) answers".to_owned(),
        result: None,
    };
    let events = [
        (0, opened),
        (0, IncidentEventKind::Alarmed { alarm }),
        (1, IncidentEventKind::Begun { step: rollback, what: None }),
        (4, IncidentEventKind::Recovered { when: at(2), version }),
        (4, ended),
        (5, IncidentEventKind::Waiting { step: rollout, why: "waits for leave".to_owned() }),
    ];
    let events = events.map(|(second, kind)| IncidentEvent { at: at(second), kind });
    Incident::from_events(&events)
}

#[test]
fn the_state_of_things_comes_first_and_what_waits_last() {
    let mut text = Vec::new();
    IncidentText { style: Style::new(false), says_next: true, spent: Some("23 of 15 minutes of the year") }
        .render(&incident(), &mut text)
        .unwrap();
    insta::assert_snapshot!(String::from_utf8(text).unwrap(), @r"
    shop is served by v1 (aaaaaaaaa); it was down for 7.0 s
      alarm       500 on /\x1b[31m|x (command, 2026-11-30 00:53:20 UTC)
      well again  2026-11-30 00:53:22 UTC
      downtime    23 of 15 minutes of the year

      done    rollback     v1 (aaaaaaaaa) answers (3.0 s)
      waiting rollout-1    waits for leave

    next
      pybisect respond --approve rollout  # deploy the fix, stage by stage
    ");
}

#[test]
fn what_failed_is_offered_to_be_tried_again() {
    let mut incident = incident();
    let step = incident.steps[1].id;
    let outcome = "the deploy failed".to_owned();
    let kind = IncidentEventKind::Ended { step, state: StepState::Failed, outcome, result: None };
    incident.apply(&IncidentEvent { at: Timestamp::UNIX_EPOCH, kind });
    let steps = next_steps(&incident);
    assert_eq!(
        steps,
        [("pybisect respond --retry rollout-1".to_owned(), "do it again, and what was left out after it")]
    );
}
