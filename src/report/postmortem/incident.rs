//! The incident that a report tells of: how the service is, and what happened when.

use jiff::Timestamp;

use super::{Moment, Postmortem, Prose, Tone};
use crate::model::{DeployedVersion, Incident, IncidentOutcome, Step, StepKind, StepState};
use crate::report::phrases::duration;

/// How the service is, and whether that is well.
pub(in crate::report) fn state(incident: &Incident) -> (Prose, bool) {
    let service = Prose::of_code(&incident.service);
    let down = incident.downtime_seconds().map(|seconds| format!(", and was down for {}", duration(seconds)));
    let down = down.unwrap_or_default();
    let by = |text: &str, version: &DeployedVersion| {
        service.clone().text(format!(" {text} ")).code(version.name()).text(down.clone())
    };
    match (incident.resolution(), &incident.serving) {
        (Some(IncidentOutcome::Fixed), Some(version)) => (by("is fixed by", version), true),
        (Some(IncidentOutcome::Fixed), None) => (service.text(format!(" is fixed{down}")), true),
        (Some(IncidentOutcome::Superseded), _) => {
            (service.text(": a later incident took the place of this one"), false)
        }
        (_, Some(version)) => (by("is served again by", version), true),
        (_, None) => (service.text(" is not known to be well"), false),
    }
}

/// What happened, as the incident knows it.
pub(super) fn moments(told: &Postmortem, incident: &Incident) -> Vec<Moment> {
    let since = incident.down_since();
    let at = |at: Timestamp, tone: Tone, what: Prose| {
        let after = since.map(|since| after(since, at)).unwrap_or_default();
        Moment { at: Some(at.as_second()), when: format!("{} {after}", clock(at)), what, tone }
    };
    let mut moments = Vec::new();
    if let (Some(when), Some(version)) = (incident.deployed_since, &incident.deployed) {
        moments.push(at(when, Tone::Bad, Prose::of_code(version.name()).text(" is deployed")));
    }
    moments.extend(
        incident.first_error.map(|when| at(when, Tone::Bad, Prose::of("the first error in the log"))),
    );
    let is_told = incident.first_error == incident.began;
    let began = incident.began.filter(|_| !is_told);
    moments.extend(began.map(|when| at(when, Tone::Bad, Prose::of("the outage begins, by the alarm"))));
    for alarm in &incident.alarms {
        let (tone, word) =
            if alarm.firing { (Tone::Bad, "alarm: ") } else { (Tone::Good, "the alarm is over: ") };
        let what = Prose::of(word).text(&alarm.title).text(format!(" (by {})", alarm.source));
        moments.push(at(alarm.at, tone, what));
    }
    if let Some(when) = incident.recovered {
        let rolled_back = incident.rollback().and_then(|rollback| rollback.attempts.last());
        let version = rolled_back.map(|attempt| &attempt.version).or(incident.serving.as_ref());
        let what = match version {
            Some(version) => Prose::of_code(version.name()).text(" serves, and is well"),
            None => Prose::of("it is well again"),
        };
        moments.push(at(when, Tone::Good, what));
    }
    for step in &incident.steps {
        let Some(when) = step.ended.filter(|_| matches!(step.state, StepState::Done | StepState::Failed))
        else {
            continue;
        };
        let tone = if step.state == StepState::Done { Tone::Good } else { Tone::Bad };
        let outcome = step.outcome.lines().next().unwrap_or_default();
        moments.push(at(when, tone, Prose::of(format!("{}: ", title(step))).text(outcome)));
    }
    moments.extend(incident.closed.map(|when| at(when, Tone::Plain, Prose::of("nothing is left to do"))));
    if let Some(((spent, share), when)) = told.spent().zip(incident.recovered) {
        let tone = if share > 1.0 { Tone::Bad } else { Tone::Plain };
        moments.push(at(when, tone, Prose::of(format!("downtime: {spent}"))));
    }
    moments
}

/// A point in time, in UTC.
fn clock(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// How long after another it is.
fn after(from: Timestamp, to: Timestamp) -> String {
    let seconds = to.duration_since(from).as_secs_f64();
    match seconds {
        seconds if seconds.abs() < 0.05 => String::new(),
        seconds if seconds < 0.0 => format!("(−{})", duration(-seconds)),
        seconds => format!("(+{})", duration(seconds)),
    }
}

/// A step in words.
pub(in crate::report) fn title(step: &Step) -> String {
    let word = match step.id.kind {
        StepKind::Fallback => "fallback in front",
        StepKind::Rollback => "rollback",
        StepKind::FallbackOff => "fallback taken back",
        StepKind::Logs => "logs read",
        StepKind::Suspects => "suspects",
        StepKind::Find => "cause",
        StepKind::Fixes => "fixes tested",
        StepKind::Branch => "fix on a branch",
        StepKind::Push => "branch pushed",
        StepKind::Rollout => "rollout",
        StepKind::Report => "report",
    };
    step.id.stage.map_or_else(|| word.to_owned(), |stage| format!("{word}, stage {stage}"))
}

/// Who gives leave to a step, and the command where it waits for that.
pub(in crate::report) fn leave(step: &Step) -> (&'static str, Option<String>) {
    match (step.id.kind.acts(), step.approved, step.state) {
        (false, _, _) => ("needs none", None),
        (true, true, _) => ("a person", None),
        (true, false, StepState::Waiting) => {
            ("waits for a person", Some(format!("pybisect respond --approve {}", step.id.kind.word())))
        }
        (true, false, StepState::Planned | StepState::Skipped) => ("", None),
        (true, false, StepState::Running | StepState::Done | StepState::Failed) => ("the policy", None),
    }
}
