//! Reports to try the forms on.

use jiff::Timestamp;

use super::Postmortem;
use crate::model::incident::INCIDENT_SCHEMA;
use crate::model::report::RangeSize;
use crate::model::trial_line::{OutcomeSource, TrialLine};
use crate::model::{
    Alarm, BreakingChange, Captured, CommitId, CommitInfo, Culprit, DeployedVersion, FailureKind,
    FailureSignature, Frame, Incident, IncidentEvent, IncidentEventKind, KeptOutput, NarrowingSummary,
    Report, Status, StepId, StepKind, StepResult, StepState, Termination, Timing, TreeId, TrialId, TrialKind,
    VerdictKind,
};

pub(in crate::report) fn id(byte: u8) -> CommitId {
    CommitId::from_bytes([byte; 20])
}

pub(in crate::report) fn commit(byte: u8, subject: &str, parents: &[u8]) -> CommitInfo {
    CommitInfo {
        id: id(byte),
        tree: TreeId::from_bytes([0; 20]),
        parents: parents.iter().map(|&parent| id(parent)).collect(),
        author: "Ada Example <ada@example.com>".to_owned(),
        author_time: 1_600_000_000 + 86_400 * i64::from(byte),
        author_offset: 120,
        commit_time: 1_600_000_000 + 86_400 * i64::from(byte),
        subject: subject.to_owned(),
    }
}

pub(in crate::report) fn trial(byte: u8, verdict: &str) -> TrialLine {
    TrialLine {
        commit: id(byte),
        purpose: TrialKind::Search,
        verdict: VerdictKind::of_word(verdict),
        source: OutcomeSource::Ran,
        likely: None,
        selected: false,
        timing: Timing::default(),
    }
}

/// A search over ten commits that found the fifth, and the call in it. All texts of others are this one.
pub(in crate::report) fn found(text: &str) -> Postmortem {
    let history: Vec<CommitInfo> =
        (0..10).map(|at| if at == 0 { commit(0, text, &[]) } else { commit(at, text, &[at - 1]) }).collect();
    let change = BreakingChange {
        commit: Some(id(5)),
        path: text.to_owned(),
        line: 20,
        function: Some(text.to_owned()),
        kind: "callee-changed".to_owned(),
        before: Some(format!("json.load({text})")),
        after: Some(format!("json.loads({text})")),
        callee_before: Some("json.load".to_owned()),
        callee_after: Some("json.loads".to_owned()),
        calls: Vec::new(),
        cause: 0,
        sufficient: true,
        necessary: true,
    };
    let mut report = Report {
        schema: crate::model::report::SCHEMA.to_owned(),
        status: Status::Found,
        session: "5fdc2025f9e3".to_owned(),
        command: format!("python smoke.py {text}"),
        good: vec![id(0)],
        bad: Some(id(9)),
        range: RangeSize { commits: 9, merges: 0 },
        failure: Some(FailureSignature {
            message: text.to_owned(),
            frames: vec![Frame {
                path: text.to_owned(),
                line: 20,
                function: Some(text.to_owned()),
                code: Some(text.to_owned()),
            }],
            tests: vec![text.to_owned()],
            ..FailureSignature::bare(FailureKind::Exception("TypeError".to_owned()))
        }),
        culprits: vec![Culprit::new(history[5].clone(), 1.0)],
        breaking_changes: vec![change],
        narrowing: Some(NarrowingSummary {
            good: Some(id(4)),
            bad: Some(id(5)),
            remarks: vec![text.to_owned()],
            ..NarrowingSummary::default()
        }),
        last_good: Some(history[4].clone()),
        trial_log: vec![
            trial(9, "bad"),
            trial(0, "good"),
            trial(5, "bad"),
            trial(4, "good"),
            trial(7, "skip"),
        ],
        notes: vec![text.to_owned()],
        jobs: 2,
        ..Report::default()
    };
    report.prove();
    Postmortem {
        report,
        outputs: [(4, "good"), (5, "bad")]
            .map(|(byte, verdict)| KeptOutput {
                trial: TrialId(u64::from(byte)),
                commit: id(byte),
                purpose: TrialKind::Search,
                verdict: VerdictKind::of_word(verdict),
                ending: Termination::Exited { code: i32::from(verdict == "bad") },
                stdout: Captured { text: format!("{text}\n"), bytes: 0 },
                stderr: Captured::default(),
            })
            .to_vec(),
        history,
        diff: Some(format!("diff --git a/x b/x\n-{text}\n+{text}\n")),
        repository: text.to_owned(),
        began: Some(1_700_000_000),
        ..Postmortem::default()
    }
}

/// An incident of which `found` is the cause: rolled back, a rollout waits. All texts of others are this one.
pub(in crate::report) fn incident(text: &str) -> Postmortem {
    let at = |second: i64| Timestamp::from_second(1_796_000_000 + second).unwrap_or_default();
    let version = |byte: u8| DeployedVersion {
        commit: id(byte),
        tag: Some(text.to_owned()),
        subject: text.to_owned(),
        as_commit: None,
    };
    let (rollback, find) = (StepId::from(StepKind::Rollback), StepId::from(StepKind::Find));
    let rollout = StepId { kind: StepKind::Rollout, stage: Some(1) };
    let opened = IncidentEventKind::Opened {
        schema: INCIDENT_SCHEMA.to_owned(),
        id: "20261129T040000Z".to_owned(),
        service: text.to_owned(),
        repository: text.to_owned(),
        began: Some(at(-20)),
        steps: [rollback, find, rollout].map(|step| (step, text.to_owned())).to_vec(),
    };
    let alarm = Alarm { at: at(0), source: text.to_owned(), title: text.to_owned(), firing: true, key: None };
    let ended =
        |step, state, result| IncidentEventKind::Ended { step, state, outcome: text.to_owned(), result };
    let told = found(text);
    let report = Box::new(told.report.clone());
    let events = [
        (0, opened),
        (0, IncidentEventKind::Alarmed { alarm }),
        (0, IncidentEventKind::Deployed { version: version(9), since: Some(at(-100)) }),
        (1, IncidentEventKind::Begun { step: rollback, what: None }),
        (1, IncidentEventKind::Begun { step: find, what: None }),
        (2, IncidentEventKind::FirstError { when: at(-31) }),
        (3, IncidentEventKind::Recovered { when: at(3), version: version(4) }),
        (4, ended(rollback, StepState::Done, None)),
        (9, ended(find, StepState::Failed, Some(StepResult::Find(report)))),
        (9, IncidentEventKind::Waiting { step: rollout, why: text.to_owned() }),
        (10, IncidentEventKind::Note { text: text.to_owned() }),
    ];
    let events = events.map(|(second, kind)| IncidentEvent { at: at(second), kind });
    Postmortem { incident: Some(Incident::from_events(&events)), budget: "15s/y".parse().ok(), ..told }
}
