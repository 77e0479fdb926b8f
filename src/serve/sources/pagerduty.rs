//! PagerDuty's webhooks, version 3. Its incidents are people's; that somebody took one up is no alarm.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::message::{Message, json, moment};
use crate::serve::message::{Told, Unread};
use crate::serve::source::AlarmSource;

#[derive(Deserialize)]
struct Body {
    event: Event,
}

#[derive(Deserialize)]
struct Event {
    event_type: String,
    #[serde(default)]
    occurred_at: String,
    #[serde(default)]
    data: Data,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Data {
    id: String,
    title: String,
    created_at: String,
    urgency: Option<String>,
    service: Option<Named>,
    priority: Option<Named>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Named {
    id: String,
    summary: String,
}

pub(super) fn read(body: &[u8]) -> Result<Message, Unread> {
    let Body { event: Event { event_type, occurred_at, data } } = json(body)?;
    let made = moment(&occurred_at);
    let (firing, start) = match event_type.as_str() {
        "incident.triggered" => (true, moment(&data.created_at).or(made)),
        // The same incident, and another outage.
        "incident.reopened" => (true, made),
        "incident.resolved" => (false, moment(&data.created_at)),
        _ => return Ok(Message::default()),
    };
    if data.id.is_empty() {
        return Err(Unread("an incident without an identifier".to_owned()));
    }
    let service = data.service.unwrap_or_default();
    let labels = [
        ("service", service.summary),
        ("service_id", service.id),
        ("urgency", data.urgency.unwrap_or_default()),
        ("priority", data.priority.unwrap_or_default().summary),
    ];
    let told = Told {
        source: AlarmSource::Pagerduty,
        fingerprint: data.id,
        start,
        cycle: None,
        title: data.title,
        firing,
        labels: labels.map(|(name, value)| (name.to_owned(), value)).into_iter().collect::<BTreeMap<_, _>>(),
    };
    Ok(Message { made, ..Message::of(told) })
}
