//! Whoever can send JSON: `{"status": "firing", "key": "…", "title": "…", "started": "…", "labels": {…}}`.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::message::{Message, json};
use crate::serve::message::{Told, Unread};
use crate::serve::source::AlarmSource;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    status: Status,
    title: String,
    key: String,
    started: Option<jiff::Timestamp>,
    #[serde(default)]
    labels: BTreeMap<String, String>,
}

#[derive(Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Status {
    Firing,
    Resolved,
}

pub(super) fn read(body: &[u8]) -> Result<Message, Unread> {
    let Body { status, title, key, started, labels } = json(body)?;
    if key.trim().is_empty() {
        return Err(Unread("an alarm without a key".to_owned()));
    }
    let firing = status == Status::Firing;
    let source = AlarmSource::Generic;
    Ok(Message::of(Told { source, fingerprint: key, start: started, cycle: None, title, firing, labels }))
}
