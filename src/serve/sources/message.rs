//! What a message comes to, and what reading any of them needs.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer};

use crate::serve::message::{Told, Unread};

/// What a message says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::serve) struct Message {
    /// Its alarms; none when it is about something else.
    pub(in crate::serve) alarms: Vec<Told>,
    /// What to know beside that: alarms that its sender left out.
    pub(in crate::serve) note: Option<String>,
    /// When it was made, where it says that itself.
    pub(in crate::serve) made: Option<Timestamp>,
}

impl Message {
    pub(super) fn of(alarm: Told) -> Self {
        Self { alarms: vec![alarm], ..Self::default() }
    }
}

/// The body as what its sender says it is.
pub(super) fn json<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Unread> {
    serde_json::from_slice(body).map_err(|error| {
        // The text of the error would tell parts of the body.
        let place = format!("line {}, column {}", error.line(), error.column());
        Unread(if error.is_data() {
            format!("not what this sender sends, at {place}")
        } else {
            format!("not JSON, at {place}")
        })
    })
}

/// A moment as senders write it; `None` for what is none, such as the year 1, which stands for "not yet".
pub(super) fn moment(text: &str) -> Option<Timestamp> {
    let at: Timestamp = text.trim().parse().ok()?;
    (at.as_second() > 0).then_some(at)
}

/// A text, a number, or nothing: senders disagree with themselves about identifiers.
pub(super) fn text_or_number<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        Text(String),
        Whole(i64),
        Other(serde::de::IgnoredAny),
    }
    Ok(match Either::deserialize(from)? {
        Either::Text(text) => text,
        Either::Whole(number) => number.to_string(),
        Either::Other(_) => String::new(),
    })
}
