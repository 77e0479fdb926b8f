//! An incident, for people: how the service is, what was done and what waits, what broke it.

mod text;

use jiff::Timestamp;

pub use text::IncidentText;

use super::phrases::duration;
use crate::model::{Incident, IncidentOutcome, StepKind, StepState};

/// A point in time, in UTC.
fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// The state of things in one line, and whether it is a good one.
fn headline(incident: &Incident) -> (String, bool) {
    let service = &incident.service;
    let down = incident.downtime_seconds().map(|seconds| format!("; it was down for {}", duration(seconds)));
    let down = down.unwrap_or_default();
    let serving = incident.serving.as_ref().map(crate::model::DeployedVersion::name);
    match (incident.resolution(), serving) {
        (Some(IncidentOutcome::Fixed), serving) => {
            let which = serving.map(|version| format!(" by {version}")).unwrap_or_default();
            (format!("{service} is fixed{which}{down}"), true)
        }
        (Some(IncidentOutcome::Superseded), _) => {
            (format!("{service}: a later incident took the place of this one"), false)
        }
        (_, Some(version)) => (format!("{service} is served by {version}{down}"), true),
        (_, None) => (format!("{service} is not known to be well"), false),
    }
}

/// What a person can do next: commands, each with its purpose.
fn next_steps(incident: &Incident) -> Vec<(String, &'static str)> {
    let mut steps = Vec::new();
    let mut kinds: Vec<StepKind> = Vec::new();
    for step in incident.steps.iter().filter(|step| step.state == StepState::Waiting) {
        if !kinds.contains(&step.id.kind) {
            kinds.push(step.id.kind);
            let why = match step.id.kind {
                StepKind::Fallback => "put the fallback in front",
                StepKind::Rollback => "deploy the last good version",
                StepKind::Branch => "have the fix on a branch",
                StepKind::Push => "push that branch",
                _ => "deploy the fix, stage by stage",
            };
            steps.push((format!("pybisect respond --approve {}", step.id.kind.word()), why));
        }
    }
    // What was left out after it comes with it.
    let failed = incident.steps.iter().filter(|step| step.state == StepState::Failed);
    for step in failed.filter(|step| step.id.kind != StepKind::Report) {
        let command = format!("pybisect respond --retry {}", step.id);
        steps.push((command, "do it again, and what was left out after it"));
    }
    let is_left =
        |step: &crate::model::Step| step.state == StepState::Running && step.id.kind != StepKind::Report;
    if incident.outcome.is_none() && incident.steps.iter().any(is_left) {
        steps.push(("pybisect respond --resume".to_owned(), "go on where it stopped"));
    }
    steps
}

#[cfg(test)]
mod tests;
