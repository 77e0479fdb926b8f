//! The turns of an incident that people are told of; pure.

use crate::model::{Incident, IncidentEventKind, IncidentOutcome, StepKind, StepState};

/// What is told of an event, in one line; `None` when it is not worth it.
pub(super) fn turn(kind: &IncidentEventKind, incident: &Incident) -> Option<String> {
    let line = |text: &str| text.lines().next().unwrap_or_default().to_owned();
    Some(match kind {
        IncidentEventKind::Alarmed { alarm } if !alarm.firing => {
            format!("all clear of {}: {}", alarm.source, line(&alarm.title))
        }
        IncidentEventKind::Alarmed { alarm } if incident.alarms.len() == 1 => {
            format!("alarm of {}: {}; a response begins", alarm.source, line(&alarm.title))
        }
        IncidentEventKind::Alarmed { alarm } => {
            format!("another alarm of {}: {}", alarm.source, line(&alarm.title))
        }
        IncidentEventKind::Waiting { step, .. } => format!("{step} waits for your leave"),
        IncidentEventKind::Recovered { version, .. } => format!("{} serves, and is well", version.name()),
        IncidentEventKind::Lost { why } => format!("nothing is known to be well: {}", line(why)),
        IncidentEventKind::Ended { step, state, outcome, .. } => {
            // The others are told by what comes of them.
            let is_told = match state {
                StepState::Failed => true,
                StepState::Done => {
                    !matches!(step.kind, StepKind::Logs | StepKind::Suspects | StepKind::Report)
                }
                _ => false,
            };
            let state = if *state == StepState::Failed { "failed" } else { "done" };
            return is_told.then(|| format!("{step} {state}: {}", line(outcome)));
        }
        IncidentEventKind::Closed { outcome } => match outcome {
            IncidentOutcome::Fixed => "over: a tested fix is deployed".to_owned(),
            IncidentOutcome::RolledBack => "over: an older version serves".to_owned(),
            IncidentOutcome::Unresolved => "over, and not solved: a person has to look".to_owned(),
            IncidentOutcome::Superseded => "another incident took its place".to_owned(),
        },
        _ => return None,
    })
}
