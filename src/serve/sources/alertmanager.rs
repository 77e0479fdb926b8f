//! Alertmanager's webhook, version 4; Grafana's has the same form.
//!
//! Its `status` is `firing` while any alarm of the group fires, so each alarm is read by itself.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::message::{Message, json, moment};
use crate::serve::message::{Told, Unread};
use crate::serve::source::AlarmSource;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    alerts: Vec<Alert>,
    #[serde(default)]
    truncated_alerts: u64,
    #[serde(default)]
    common_labels: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Alert {
    status: String,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    annotations: Option<BTreeMap<String, String>>,
    #[serde(default)]
    starts_at: String,
    fingerprint: String,
}

pub(super) fn read(source: AlarmSource, body: &[u8]) -> Result<Message, Unread> {
    let Body { alerts, truncated_alerts, common_labels } = json(body)?;
    let note = (truncated_alerts > 0).then(|| {
        let group = common_labels.unwrap_or_default();
        let group = group.get("alertname").map(|name| format!(" of {name}")).unwrap_or_default();
        format!("{} left out {truncated_alerts} more alarms{group}", source.word())
    });
    let alarms = alerts.into_iter().map(|alert| told(source, alert)).collect::<Result<_, _>>()?;
    Ok(Message { alarms, note, made: None })
}

fn told(source: AlarmSource, alert: Alert) -> Result<Told, Unread> {
    let Alert { status, labels, annotations, starts_at, fingerprint } = alert;
    let firing = match status.as_str() {
        "firing" => true,
        "resolved" => false,
        _ => return Err(Unread("an alarm that is neither firing nor resolved".to_owned())),
    };
    if fingerprint.is_empty() {
        return Err(Unread("an alarm without a fingerprint".to_owned()));
    }
    let annotations = annotations.unwrap_or_default();
    let said = ["summary", "title", "description", "message"].iter().find_map(|name| annotations.get(*name));
    let name = labels.get("alertname").cloned().unwrap_or_default();
    let title = match said.filter(|said| !said.trim().is_empty()) {
        Some(said) if name.is_empty() => said.clone(),
        Some(said) => format!("{name}: {said}"),
        None if name.is_empty() => "an alarm without a name".to_owned(),
        None => name,
    };
    Ok(Told { source, fingerprint, start: moment(&starts_at), cycle: None, title, firing, labels })
}
