//! What the answers to requests are made of.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use crossbeam_channel::Sender;
use http_body_util::BodyExt as _;
use hyper::body::Body as _;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::{Semaphore, SemaphorePermit, oneshot};
use tokio::time::timeout;

use super::gate::{Gate, In};
use super::hook::Hook;
use super::inbox::{Delivery, InboxError};
use super::message::Taken;
use super::metrics::Summary;
use super::pages::Pages;
use super::rate::Rate;
use super::server::Peer;
use super::shared::Shared;
use super::source::AlarmSource;
use crate::model::Incident;
use crate::respond::Incidents;

/// Bytes of all bodies that are read at the same time, in blocks.
const BLOCK: usize = 1024;
const MOST_BLOCKS: usize = 16 * 1024;
/// The longest time for a body.
const BODY: Duration = Duration::from_secs(10);
/// Live views at the same time.
const MOST_STREAMS: usize = 32;
/// Requests of an address at once, and each second; and of those that are not from whom they say.
const REQUESTS: (f64, f64) = (3000.0, 100.0);
const FORGED: (f64, f64) = (30.0, 0.5);

/// A message for whoever writes alarms down, and where the answer goes.
pub(super) type Job = (Delivery, oneshot::Sender<Result<Taken, InboxError>>);

pub(super) struct App {
    pub(super) shared: Arc<Shared>,
    pub(super) hooks: BTreeMap<AlarmSource, Hook>,
    pub(super) gate: Gate,
    pub(super) incidents: Incidents,
    pub(super) pages: Arc<dyn Pages>,
    pub(super) inbox: Sender<Job>,
    /// Bytes of a body that are read.
    pub(super) most_bytes: usize,
    /// Room for bodies, in blocks.
    pub(super) bodies: Semaphore,
    pub(super) streams: Arc<Semaphore>,
    pub(super) rate: Mutex<Rate>,
    pub(super) forged: Mutex<Rate>,
    /// By incident: how much was written of it, and what that came to.
    pub(super) summaries: Mutex<HashMap<String, (u64, Summary)>>,
}

/// Another answer than the one that was wanted.
pub(super) type Answered<T> = Result<T, Box<Response>>;

impl App {
    pub(super) fn new(
        shared: Arc<Shared>,
        (hooks, gate): (Vec<Hook>, Gate),
        incidents: Incidents,
        pages: Arc<dyn Pages>,
        (inbox, most_bytes): (Sender<Job>, usize),
    ) -> Self {
        Self {
            shared,
            hooks: hooks.into_iter().map(|hook| (hook.source, hook)).collect(),
            gate,
            incidents,
            pages,
            inbox,
            most_bytes,
            bodies: Semaphore::new(MOST_BLOCKS),
            streams: Arc::new(Semaphore::new(MOST_STREAMS)),
            rate: Mutex::new(Rate::new(REQUESTS.0, REQUESTS.1)),
            forged: Mutex::new(Rate::new(FORGED.0, FORGED.1)),
            summaries: Mutex::new(HashMap::new()),
        }
    }

    /// Whether an address may ask once more.
    pub(super) fn admits(&self, peer: Peer) -> bool {
        admits(&self.rate, peer.0.ip())
    }

    /// The answer to one who does not show who they are. Too many of those are not even told why; nobody else is kept out
    /// by them, who may come from the same address.
    pub(super) fn refused(&self, peer: Peer, what: &str, (status, why): (StatusCode, &str)) -> Response {
        if !admits(&self.forged, peer.0.ip()) {
            return problem(StatusCode::TOO_MANY_REQUESTS, "too many requests that are refused");
        }
        self.shared.say(&format!("{what} from {}: {} {why}", peer.0.ip(), status.as_u16()));
        problem(status, why)
    }

    /// The body of a request: not more than is allowed, nor slower.
    pub(super) async fn read(&self, headers: &HeaderMap, body: Body) -> Answered<Vec<u8>> {
        let is_plain = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"identity");
        if headers.get(header::CONTENT_ENCODING).is_some_and(|value| !is_plain(value)) {
            return Err(
                problem(StatusCode::UNSUPPORTED_MEDIA_TYPE, "a body that is packed is not read").into()
            );
        }
        match timeout(BODY, self.collect(body)).await {
            Ok(read) => read,
            Err(_) => Err(problem(StatusCode::REQUEST_TIMEOUT, "the body took too long").into()),
        }
    }

    /// A body, as it comes. Those that are slow take no more room than what is there of them.
    async fn collect(&self, mut body: Body) -> Answered<Vec<u8>> {
        let most = self.most_bytes;
        let too_large =
            || problem(StatusCode::PAYLOAD_TOO_LARGE, &format!("more than {most} bytes are not read"));
        if body.size_hint().lower() > u64::try_from(most).unwrap_or(u64::MAX) {
            discard(body, most).await;
            return Err(too_large().into());
        }
        let mut bytes = Vec::new();
        let mut room: Vec<SemaphorePermit<'_>> = Vec::new();
        while let Some(frame) = body.frame().await {
            let Ok(frame) = frame else {
                return Err(problem(StatusCode::BAD_REQUEST, "the body broke off").into());
            };
            let Ok(data) = frame.into_data() else { continue };
            if bytes.len() + data.len() > most {
                drop((bytes, room));
                discard(body, most).await;
                return Err(too_large().into());
            }
            let blocks = u32::try_from(data.len().div_ceil(BLOCK)).unwrap_or(u32::MAX);
            let Ok(permit) = self.bodies.try_acquire_many(blocks) else {
                return Err(busy("too many requests at the same time").into());
            };
            room.push(permit);
            bytes.extend_from_slice(&data);
        }
        Ok(bytes)
    }

    /// Have alarms written down; they are on the disk when this returns.
    pub(super) async fn take(&self, delivery: Delivery) -> Answered<Taken> {
        let (sender, answer) = oneshot::channel();
        if self.inbox.try_send((delivery, sender)).is_err() {
            return Err(busy("too many alarms at the same time").into());
        }
        match answer.await {
            Ok(Ok(taken)) => Ok(taken),
            Ok(Err(error)) => {
                self.shared.say(&error.to_string());
                Err(busy("it cannot be stored now").into())
            }
            Err(_) => Err(busy("it cannot be stored now").into()),
        }
    }

    /// How somebody is let in.
    pub(super) fn opens(&self, headers: &HeaderMap) -> Option<In> {
        self.gate.opens(headers, Timestamp::now())
    }

    /// An incident as it stands.
    pub(super) fn incident(&self, id: &str) -> Answered<Incident> {
        self.incidents
            .read(id)
            .map_err(|_| problem(StatusCode::NOT_FOUND, "there is no such incident").into())
    }
}

/// Read on for a while without keeping any of it: who is still sending when the connection ends does not see the answer.
async fn discard(mut body: Body, most: usize) {
    let mut count = 0;
    while let Some(Ok(frame)) = body.frame().await {
        count += frame.data_ref().map_or(0, |data| data.len());
        if count > most {
            return;
        }
    }
}

fn admits(rate: &Mutex<Rate>, address: IpAddr) -> bool {
    rate.lock().unwrap_or_else(PoisonError::into_inner).admits(address, Instant::now())
}

/// What is wrong, as JSON.
pub(super) fn problem(status: StatusCode, why: &str) -> Response {
    object(status, &json!({ "error": why }))
}

/// It is to be tried again: every sender does so after a status of 500 and more, and after no other.
pub(super) fn busy(why: &str) -> Response {
    let mut response = problem(StatusCode::SERVICE_UNAVAILABLE, why);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
    response
}

/// An object as JSON.
pub(super) fn object(status: StatusCode, value: &Value) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], value.to_string()).into_response()
}
