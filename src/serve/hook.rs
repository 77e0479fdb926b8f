//! A place where one sender's alarms come in: who may use it, and which of them count.

use std::collections::BTreeMap;

use axum::http::{HeaderMap, StatusCode};
use jiff::{SignedDuration, Timestamp};
use ring::digest;

use super::auth::{Keys, Refused, SenderProof, hex};
use super::inbox::Delivery;
use super::source::AlarmSource;

/// A message is not older than this, where it says when it was made: an older one is not its sender's any more.
const OLDEST: SignedDuration = SignedDuration::from_hours(24);

/// A place where one sender's alarms come in.
#[derive(Debug, Clone)]
pub struct Hook {
    /// The sender.
    pub source: AlarmSource,
    /// How the sender shows who it is.
    pub proof: SenderProof,
    /// By what.
    pub keys: Keys,
    /// Labels that an alarm has to have; others are not about this service.
    pub only: BTreeMap<String, String>,
}

/// Why a message is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) why: String,
    /// Whether it is not shown to be from whom it says.
    pub(super) is_foreign: bool,
}

/// A message that is from whom it says.
#[derive(Debug)]
pub(super) struct Accepted {
    /// What of it counts.
    pub(super) delivery: Delivery,
    /// What its sender left out.
    pub(super) note: Option<String>,
    /// Alarms that are about something else.
    pub(super) ignored: usize,
}

impl Hook {
    /// Look at a message. Nothing of it is read before it is known from whom it is.
    pub(super) fn look_at(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Accepted, Refusal> {
        let refusal = |status, why: &str| Refusal { status, why: why.to_owned(), is_foreign: true };
        self.proof.check(&self.keys, headers, body, now).map_err(|refused| match refused {
            Refused::Missing => refusal(StatusCode::UNAUTHORIZED, "it does not show from whom it is"),
            Refused::Malformed(why) => refusal(StatusCode::BAD_REQUEST, why),
            // So that it is not sent again.
            Refused::Wrong(why) => refusal(StatusCode::FORBIDDEN, why),
        })?;
        let message = self.source.read(headers, body).map_err(|unread| Refusal {
            is_foreign: false,
            ..refusal(StatusCode::BAD_REQUEST, &unread.to_string())
        })?;
        if message.made.is_some_and(|made| now.duration_since(made) > OLDEST) {
            return Err(refusal(StatusCode::FORBIDDEN, "it is more than a day old"));
        }
        let count = message.alarms.len();
        let mut told: Vec<_> = message.alarms.into_iter().filter(|told| told.is_about(&self.only)).collect();
        let ignored = count - told.len();
        if let (Some(first), Some(note)) = (told.first_mut(), &message.note) {
            first.title = format!("{} ({note})", first.title);
        }
        let digest = matches!(self.proof, SenderProof::Signature(_)).then(|| self.digest(headers, body));
        Ok(Accepted { delivery: Delivery { told, digest }, note: message.note, ignored })
    }

    /// By which the same message is known again: its body and what is signed with it.
    fn digest(&self, headers: &HeaderMap, body: &[u8]) -> String {
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(self.source.word().as_bytes());
        if let SenderProof::Signature(form) = &self.proof
            && let Some((name, _)) = &form.timestamp
            && let Some(value) = headers.get(name)
        {
            context.update(value.as_bytes());
        }
        context.update(b"\n");
        context.update(body);
        hex(context.finish().as_ref())
    }
}
