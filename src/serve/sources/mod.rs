//! What each sender of alarms says, and in which words: one file each, pure.
//!
//! Of a message nothing is kept but who says that what is broken since when, in one line: never a command, a path or a
//! revision.

mod alertmanager;
mod datadog;
mod example;
mod generic;
mod github;
mod message;
mod pagerduty;
mod sentry;
#[cfg(test)]
mod tests;

use axum::http::HeaderMap;

use self::message::Message;
use super::message::Unread;
use super::source::AlarmSource;

impl AlarmSource {
    /// What a message says.
    pub(super) fn read(self, headers: &HeaderMap, body: &[u8]) -> Result<Message, Unread> {
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        match self {
            Self::Alertmanager | Self::Grafana => alertmanager::read(self, body),
            Self::Datadog => datadog::read(body),
            Self::Sentry => sentry::read(header("sentry-hook-resource"), body),
            Self::Pagerduty => pagerduty::read(body),
            Self::Github => github::read(header("x-github-event"), body),
            Self::Generic => generic::read(body),
        }
    }
}
