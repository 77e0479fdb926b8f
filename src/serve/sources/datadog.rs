//! Datadog's webhook, with the payload that the documentation tells to set; and, as well as it goes, with Datadog's own.
//!
//! Its transitions are words: a monitor that has no data, or only warns, is no outage.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;

use super::message::{Message, json, text_or_number};
use crate::serve::message::{Told, Unread};
use crate::serve::source::AlarmSource;

#[derive(Deserialize)]
struct Body {
    #[serde(default)]
    title: String,
    #[serde(default)]
    transition: String,
    #[serde(default, deserialize_with = "text_or_number")]
    monitor: String,
    #[serde(default)]
    scope: String,
    #[serde(default, deserialize_with = "text_or_number")]
    cycle: String,
    #[serde(default, deserialize_with = "text_or_number")]
    date: String,
    #[serde(default)]
    tags: String,
}

pub(super) fn read(body: &[u8]) -> Result<Message, Unread> {
    let Body { title, transition, monitor, scope, cycle, date, tags } = json(body)?;
    // Its own payload has the transition in the title alone: `[Triggered on {host:a}] Errors are high`.
    let (in_title, name) = title
        .strip_prefix('[')
        .and_then(|rest| rest.split_once(']'))
        .map_or(("", title.as_str()), |(state, name)| (state, name.trim()));
    let word =
        if transition.is_empty() { in_title.split(" on ").next().unwrap_or_default() } else { &transition };
    let firing = match word.trim().to_ascii_lowercase().as_str() {
        "triggered" | "re-triggered" | "renotify" | "re-renotify" | "alert" => true,
        "recovered" => false,
        "" => return Err(Unread("no transition: the payload has to have it, see docs/serve.md".to_owned())),
        _ => return Ok(Message::default()),
    };
    let fingerprint = match (monitor.as_str(), scope.as_str()) {
        ("", _) if name.is_empty() => return Err(Unread("neither a monitor nor a title".to_owned())),
        ("", _) => name.to_owned(),
        (monitor, scope) => format!("{monitor}/{scope}"),
    };
    let made = date.trim().parse().ok().and_then(|millis| Timestamp::from_millisecond(millis).ok());
    let known = |text: &String| !text.is_empty() && !text.starts_with('$');
    let labels: BTreeMap<String, String> = tags
        .split(',')
        .filter_map(|tag| tag.trim().split_once(':'))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .chain([("monitor".to_owned(), monitor.clone())])
        .collect();
    let told = Told {
        source: AlarmSource::Datadog,
        fingerprint,
        start: made.filter(|_| firing),
        cycle: Some(cycle).filter(known),
        title: if name.is_empty() { format!("monitor {monitor}") } else { name.to_owned() },
        firing,
        labels,
    };
    Ok(Message { made, ..Message::of(told) })
}
