//! Numbers for Prometheus, in its text format.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};

use super::shared::Shared;
use crate::model::{Incident, IncidentOutcome};
use crate::respond::Incidents;

/// What of an incident is counted.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Summary {
    outcome: Option<IncidentOutcome>,
    /// From the alarm until a version that is well served again.
    recovery: Option<f64>,
    downtime: Option<f64>,
    trials: usize,
}

impl Summary {
    fn of(incident: &Incident) -> Self {
        let recovery = incident.recovered.zip(incident.alarmed());
        let trials = incident.found().map(|report| report.trials.run + report.trials.narrowing);
        Self {
            outcome: incident.outcome,
            recovery: recovery.map(|(at, from)| at.duration_since(from).as_secs_f64().max(0.0)),
            downtime: incident.downtime_seconds(),
            trials: trials.unwrap_or_default(),
        }
    }
}

/// All of them, each read again only when something was added to it.
fn summaries(incidents: &Incidents, known: &Mutex<HashMap<String, (u64, Summary)>>) -> Vec<Summary> {
    let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
    let ids = incidents.ids();
    known.retain(|id, _| ids.contains(id));
    for id in &ids {
        let size = incidents.size(id);
        if known.get(id).is_none_or(|(at, _)| *at != size)
            && let Ok(incident) = incidents.read(id)
        {
            known.insert(id.clone(), (size, Summary::of(&incident)));
        }
    }
    ids.iter().filter_map(|id| known.get(id)).map(|(_, summary)| *summary).collect()
}

/// The numbers.
pub(super) fn text(
    shared: &Shared,
    incidents: &Incidents,
    known: &Mutex<HashMap<String, (u64, Summary)>>,
) -> String {
    let all = summaries(incidents, known);
    let mut text = String::new();
    let mut family = |name: &str, kind: &str, help: &str, samples: &[(String, f64)]| {
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
        for (labels, value) in samples {
            let _ = writeln!(text, "{labels} {value}");
        }
    };
    let outcomes = [
        ("open", None),
        ("fixed", Some(IncidentOutcome::Fixed)),
        ("rolled-back", Some(IncidentOutcome::RolledBack)),
        ("unresolved", Some(IncidentOutcome::Unresolved)),
        ("superseded", Some(IncidentOutcome::Superseded)),
    ];
    let number = |count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    let samples = outcomes.map(|(word, outcome)| {
        let count = all.iter().filter(|summary| summary.outcome == outcome).count();
        (format!("pybisect_incidents{{outcome=\"{word}\"}}"), number(count))
    });
    family("pybisect_incidents", "gauge", "Incidents by what they came to.", &samples);
    for (name, help, values) in [
        (
            "pybisect_recovery_seconds",
            "From the alarm until a version that is well served again.",
            all.iter().filter_map(|summary| summary.recovery).collect::<Vec<_>>(),
        ),
        (
            "pybisect_downtime_seconds",
            "Time that the service was down.",
            all.iter().filter_map(|summary| summary.downtime).collect(),
        ),
    ] {
        let samples =
            [(format!("{name}_sum"), values.iter().sum()), (format!("{name}_count"), number(values.len()))];
        family(name, "summary", help, &samples);
    }
    let trials = all.iter().map(|summary| summary.trials).sum();
    let one = |name: &str, value: f64| [(name.to_owned(), value)];
    family("pybisect_trials", "gauge", "Trials of all searches.", &one("pybisect_trials", number(trials)));
    let waiting = number(shared.inbox().length());
    family(
        "pybisect_alarms_waiting",
        "gauge",
        "Alarms that nobody took up yet.",
        &one("pybisect_alarms_waiting", waiting),
    );
    let responds = if shared.responds() { 1.0 } else { 0.0 };
    family(
        "pybisect_responding",
        "gauge",
        "Whether a response is at work.",
        &one("pybisect_responding", responds),
    );
    let counts = shared.counts();
    for (name, help) in [
        ("pybisect_requests_total", "Messages of senders, by sender and status of the answer."),
        (
            "pybisect_alarms_total",
            "Alarms, by sender and whether they were new, known or about something else.",
        ),
        ("pybisect_notifications_total", "Messages to people."),
        ("pybisect_failures_total", "What a person has to look after."),
    ] {
        let samples: Vec<(String, f64)> = counts
            .iter()
            .filter(|((of, _), _)| *of == name)
            .map(|((_, labels), count)| {
                let labels = if labels.is_empty() { String::new() } else { format!("{{{labels}}}") };
                (format!("{name}{labels}"), f64::from(u32::try_from(*count).unwrap_or(u32::MAX)))
            })
            .collect();
        family(name, "counter", help, &samples);
    }
    text
}
