//! A message as each sender sends it, for the server to ask itself.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::serve::source::AlarmSource;

const TITLE: &str = "a test of pybisect serve";

impl AlarmSource {
    /// A message about a test alarm with these labels, and the headers that it needs beside its proof.
    pub(in crate::serve) fn example(
        self,
        now: Timestamp,
        labels: &BTreeMap<String, String>,
    ) -> (String, Vec<(&'static str, &'static str)>) {
        let label = |name: &str| labels.get(name).cloned().unwrap_or_default();
        let at = now.to_string();
        let (body, headers) = match self {
            Self::Alertmanager | Self::Grafana => {
                let mut all = labels.clone();
                all.entry("alertname".to_owned()).or_insert_with(|| "Test".to_owned());
                let alert = json!({
                    "status": "firing", "labels": all, "annotations": { "summary": TITLE },
                    "startsAt": at, "endsAt": "0001-01-01T00:00:00Z", "fingerprint": "0123456789abcdef",
                });
                let body =
                    json!({ "version": "4", "status": "firing", "truncatedAlerts": 0, "alerts": [alert] });
                (body, vec![])
            }
            Self::Datadog => {
                let tags: Vec<String> =
                    labels.iter().map(|(name, value)| format!("{name}:{value}")).collect();
                let body = json!({
                    "title": format!("[Triggered] {TITLE}"), "transition": "Triggered",
                    "monitor": if label("monitor").is_empty() { "1".to_owned() } else { label("monitor") },
                    "scope": "test", "cycle": "1", "date": now.as_millisecond().to_string(),
                    "tags": tags.join(","),
                });
                (body, vec![])
            }
            Self::Sentry => (
                json!({ "action": "triggered", "data": {
                    "event": {
                        "issue_id": "1", "title": TITLE, "datetime": at, "level": label("level"),
                        "project": label("project"), "environment": label("environment"),
                    },
                    "triggered_rule": label("rule"),
                } }),
                vec![("sentry-hook-resource", "event_alert")],
            ),
            Self::Pagerduty => (
                json!({ "event": {
                    "event_type": "incident.triggered", "occurred_at": at,
                    "data": {
                        "id": "TEST", "title": TITLE, "created_at": at, "urgency": label("urgency"),
                        "service": { "id": label("service_id"), "summary": label("service") },
                        "priority": { "id": "", "summary": label("priority") },
                    },
                } }),
                vec![],
            ),
            Self::Github => github(&at, &label),
            Self::Generic => (
                json!({ "status": "firing", "key": "test", "title": TITLE, "started": at, "labels": labels }),
                vec![],
            ),
        };
        (body.to_string(), headers)
    }
}

fn github(at: &str, label: &dyn Fn(&str) -> String) -> (Value, Vec<(&'static str, &'static str)>) {
    let name = if label("repository").is_empty() { "a/b".to_owned() } else { label("repository") };
    let repository = json!({ "full_name": name });
    if !label("environment").is_empty() {
        let body = json!({
            "repository": repository,
            "deployment": { "environment": label("environment"), "task": "deploy" },
            "deployment_status": { "state": "failure", "created_at": at, "updated_at": at },
        });
        return (body, vec![("x-github-event", "deployment_status")]);
    }
    let body = json!({
        "action": "completed", "repository": repository,
        "workflow_run": {
            "workflow_id": 1, "name": label("workflow"), "head_branch": label("branch"), "event": "push",
            "conclusion": "failure", "run_started_at": at, "created_at": at, "updated_at": at,
            "head_repository": repository,
        },
    });
    (body, vec![("x-github-event", "workflow_run")])
}
