//! Sentry's integration platform. Which kind of message it is stands in a header that is not signed; what is read has to
//! have that kind's form.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::message::{Message, json, moment, text_or_number};
use crate::serve::message::{Told, Unread};
use crate::serve::source::AlarmSource;

#[derive(Deserialize)]
struct Body {
    action: String,
    data: Data,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Data {
    event: Option<Event>,
    issue: Option<Issue>,
    metric_alert: Option<Metric>,
    triggered_rule: Option<String>,
    description_title: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Event {
    #[serde(deserialize_with = "text_or_number")]
    issue_id: String,
    title: String,
    datetime: String,
    level: String,
    #[serde(deserialize_with = "text_or_number")]
    project: String,
    environment: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Issue {
    #[serde(deserialize_with = "text_or_number")]
    id: String,
    title: String,
    first_seen: String,
    last_seen: String,
    level: String,
    project: Option<Project>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Project {
    slug: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Metric {
    #[serde(deserialize_with = "text_or_number")]
    id: String,
    date_started: String,
    title: String,
    alert_rule: Option<Rule>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Rule {
    #[serde(deserialize_with = "text_or_number")]
    id: String,
    name: String,
}

pub(super) fn read(resource: &str, body: &[u8]) -> Result<Message, Unread> {
    let Body { action, data } = json(body)?;
    let made = data.event.as_ref().and_then(|event| moment(&event.datetime));
    let told = match resource {
        "event_alert" => data.event.map(|event| of_event(event, data.triggered_rule)).transpose()?,
        "issue" => match (action.as_str(), data.issue) {
            ("created" | "unresolved" | "resolved", Some(issue)) => Some(of_issue(&action, issue)?),
            _ => None,
        },
        "metric_alert" => match (action.as_str(), data.metric_alert) {
            ("critical" | "resolved", Some(metric)) => {
                Some(of_metric(action == "critical", metric, data.description_title)?)
            }
            _ => None,
        },
        // Installations, comments, single errors.
        _ => None,
    };
    Ok(Message { made, ..told.map(Message::of).unwrap_or_default() })
}

fn identified(id: &str) -> Result<(), Unread> {
    if id.is_empty() { Err(Unread("an alarm without an identifier".to_owned())) } else { Ok(()) }
}

fn of_event(event: Event, rule: Option<String>) -> Result<Told, Unread> {
    identified(&event.issue_id)?;
    let labels = [
        ("level", event.level),
        ("project", event.project),
        ("environment", event.environment.unwrap_or_default()),
        ("rule", rule.unwrap_or_default()),
    ];
    Ok(Told {
        source: AlarmSource::Sentry,
        fingerprint: format!("issue/{}", event.issue_id),
        start: moment(&event.datetime),
        cycle: None,
        title: event.title,
        firing: true,
        labels: labels.map(|(name, value)| (name.to_owned(), value)).into(),
    })
}

fn of_issue(action: &str, issue: Issue) -> Result<Told, Unread> {
    identified(&issue.id)?;
    let labels = BTreeMap::from([
        ("level".to_owned(), issue.level),
        ("project".to_owned(), issue.project.unwrap_or_default().slug),
    ]);
    Ok(Told {
        source: AlarmSource::Sentry,
        fingerprint: format!("issue/{}", issue.id),
        // An issue that is open again was seen first in another outage.
        start: match action {
            "created" => moment(&issue.first_seen),
            "unresolved" => moment(&issue.last_seen),
            _ => None,
        },
        cycle: None,
        title: issue.title,
        firing: action != "resolved",
        labels,
    })
}

fn of_metric(firing: bool, metric: Metric, said: Option<String>) -> Result<Told, Unread> {
    identified(&metric.id)?;
    let rule = metric.alert_rule.unwrap_or_default();
    let names = [said.unwrap_or_default(), metric.title, rule.name.clone()];
    Ok(Told {
        source: AlarmSource::Sentry,
        fingerprint: format!("metric/{}", if rule.id.is_empty() { &metric.id } else { &rule.id }),
        start: moment(&metric.date_started),
        cycle: None,
        title: names.into_iter().find(|name| !name.is_empty()).unwrap_or_default(),
        firing,
        labels: BTreeMap::from([("rule".to_owned(), rule.name)]),
    })
}
