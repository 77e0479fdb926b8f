//! An alarm that a server received, before it belongs to an incident.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::event::Alarm;

/// An alarm, and what its incident is to know of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceivedAlarm {
    /// The alarm.
    pub alarm: Alarm,
    /// Since when it fires, as far as it tells.
    pub began: Option<Timestamp>,
    /// By which it is known in another outage.
    pub family: String,
}
