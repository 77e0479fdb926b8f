//! An alarm as it was told, whoever told it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::source::AlarmSource;
use crate::model::{Alarm, ReceivedAlarm};

/// Letters of a title that are kept, and of each part of a key.
const MOST_TITLE: usize = 300;
const MOST_KEY: usize = 200;

/// A message that does not say what its sender says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct Unread(pub(super) String);

/// One alarm of a message. What it is known again by is who sent it, which alarm it is, and since when it fires: a second
/// outage has the same fingerprint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Told {
    /// Who sent it.
    pub(super) source: AlarmSource,
    /// Which alarm it is, by its sender's own count.
    pub(super) fingerprint: String,
    /// Since when it fires, as far as it tells.
    pub(super) start: Option<Timestamp>,
    /// In the place of the start where its sender counts outages instead.
    pub(super) cycle: Option<String>,
    /// What it says, in one line.
    pub(super) title: String,
    /// Whether something is wrong, rather than well again.
    pub(super) firing: bool,
    /// What it is about, by name.
    pub(super) labels: BTreeMap<String, String>,
}

impl Told {
    /// By which it is known again; the same when it is well again.
    pub(super) fn key(&self) -> String {
        let start = match (&self.cycle, self.start) {
            (Some(cycle), _) => within(cycle, MOST_KEY),
            (None, Some(start)) => start.to_string(),
            (None, None) => String::new(),
        };
        format!("{}@{start}", self.family())
    }

    /// The same alarm, whichever outage.
    pub(super) fn family(&self) -> String {
        format!("{}:{}", self.source.word(), within(&self.fingerprint, MOST_KEY))
    }

    /// Whether it is about what the configuration names.
    pub(super) fn is_about(&self, only: &BTreeMap<String, String>) -> bool {
        only.iter().all(|(name, value)| self.labels.get(name) == Some(value))
    }

    /// As it is kept. A start in the future is none, and one of long ago is that of an alarm that nobody looked at.
    pub(super) fn received(&self, now: Timestamp) -> ReceivedAlarm {
        let alarm = Alarm {
            at: now,
            source: self.source.word().to_owned(),
            title: within(&self.title, MOST_TITLE),
            firing: self.firing,
            key: Some(self.key()),
        };
        let is_likely = |start: &Timestamp| {
            let ago = now.duration_since(*start).as_hours();
            *start <= now && ago < 24
        };
        ReceivedAlarm { alarm, began: self.start.filter(is_likely), family: self.family() }
    }
}

/// One line of so many letters at most.
fn within(text: &str, most: usize) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(most).collect();
    line.trim().to_owned()
}

/// How often a message was known already, and what of it is new.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Taken {
    /// Alarms that were not known.
    pub(super) new: usize,
    /// Alarms that were.
    pub(super) known: usize,
}
