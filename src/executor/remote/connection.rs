//! The way to the server: TLS, headers, and calls that are made again when it is broken.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tonic::metadata::{AsciiMetadataKey, AsciiMetadataValue, MetadataMap};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};
use tonic::{Code, Request, Status};

use super::settings::RemoteSettings;
use crate::executor::error::with_causes;
use crate::executor::{ExecutorError, ExecutorErrorKind};
use crate::model::CancelToken;

/// How soon a cancellation is noticed.
const GLANCE: Duration = Duration::from_millis(20);
/// A call that is answered at once takes no longer.
pub(super) const PROMPT: Duration = Duration::from_secs(60);
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(3);
/// So often a call is made again that the server itself could not answer.
const MOST_FAULTS: u32 = 4;
/// Messages of servers are cut to this many characters.
const LONGEST_MESSAGE: usize = 300;

/// What calls are made on.
pub(super) type Service = InterceptedService<Channel, Headers>;

/// Puts the user's headers on each call.
#[derive(Debug, Clone)]
pub(super) struct Headers(Arc<MetadataMap>);

impl Interceptor for Headers {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        for entry in self.0.iter() {
            if let tonic::metadata::KeyAndValueRef::Ascii(key, value) = entry {
                request.metadata_mut().insert(key.clone(), value.clone());
            }
        }
        Ok(request)
    }
}

/// An open way to a server; it is opened again when it breaks.
#[derive(Debug, Clone)]
pub(super) struct Connection {
    service: Service,
    pub(super) instance: String,
    patience: Duration,
}

/// Why no server can be spoken to.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The address is none.
    #[error("{0}")]
    Address(String),
    /// A header cannot be sent.
    #[error(
        "the header '{0}' cannot be sent: its name or its value has a character that headers cannot have"
    )]
    Header(String),
    /// The certificates cannot be used.
    #[error("the certificates for the cluster cannot be used: {0}")]
    Tls(String),
}

impl Connection {
    /// Nothing is sent yet. Has to be called within the runtime.
    pub(super) fn new(settings: &RemoteSettings) -> Result<Self, ConnectError> {
        let (address, is_secure) = settings.address().map_err(ConnectError::Address)?;
        let mut endpoint = Endpoint::from_shared(address)
            .map_err(|error| ConnectError::Address(error.to_string()))?
            .connect_timeout(Duration::from_secs(10))
            .tcp_nodelay(true)
            .http2_keep_alive_interval(Duration::from_secs(20))
            .keep_alive_timeout(Duration::from_secs(20))
            .keep_alive_while_idle(true);
        if is_secure {
            let mut tls = ClientTlsConfig::new();
            tls = match &settings.tls.authorities {
                Some(pem) => tls.ca_certificate(Certificate::from_pem(pem)),
                None => tls.with_native_roots(),
            };
            if let Some((certificate, key)) = &settings.tls.identity {
                tls = tls.identity(Identity::from_pem(certificate, key.text()));
            }
            endpoint = endpoint.tls_config(tls).map_err(|error| ConnectError::Tls(with_causes(&error)))?;
        }
        let mut headers = MetadataMap::new();
        for (name, value) in &settings.headers {
            let wrong = || ConnectError::Header(name.clone());
            let key: AsciiMetadataKey = name.to_ascii_lowercase().parse().map_err(|_| wrong())?;
            let mut value: AsciiMetadataValue = value.text().parse().map_err(|_| wrong())?;
            value.set_sensitive(true);
            headers.insert(key, value);
        }
        let service = InterceptedService::new(endpoint.connect_lazy(), Headers(Arc::new(headers)));
        Ok(Self { service, instance: settings.instance.clone(), patience: settings.patience })
    }

    /// What calls are made on.
    pub(super) fn service(&self) -> Service {
        self.service.clone()
    }

    /// The same way, with another patience.
    pub(super) fn with_patience(&self, patience: Duration) -> Self {
        Self { patience, ..self.clone() }
    }

    /// How long a server that does not answer is waited for.
    pub(super) const fn patience(&self) -> Duration {
        self.patience
    }

    /// A name of a resource in this instance.
    pub(super) fn resource(&self, rest: &str) -> String {
        if self.instance.is_empty() { rest.to_owned() } else { format!("{}/{rest}", self.instance) }
    }

    /// Make a call; again while the way is broken or the server has too much to do, until patience ends.
    pub(super) async fn call<T, F, Answer>(&self, cancel: &CancelToken, call: F) -> Result<T, CallError>
    where
        F: Fn(Service) -> Answer,
        Answer: Future<Output = Result<T, Status>>,
    {
        let began = Instant::now();
        let mut pause = FIRST_PAUSE;
        let mut faults = 0;
        loop {
            let Some(answered) = until_cancelled(call(self.service()), cancel).await else {
                return Err(CallError::Cancelled);
            };
            let status = match answered {
                Ok(answer) => return Ok(answer),
                Err(status) => status,
            };
            // A fault of the server's own is no matter of time.
            faults += u32::from(matches!(status.code(), Code::Internal | Code::Unknown));
            if !is_passing(&status) || faults > MOST_FAULTS {
                return Err(CallError::Status(Box::new(status)));
            }
            if began.elapsed() + pause > self.patience {
                return Err(match status.code() {
                    Code::Unavailable => CallError::Gone(Box::new(status), self.patience),
                    _ => CallError::Status(Box::new(status)),
                });
            }
            if until_cancelled(tokio::time::sleep(pause), cancel).await.is_none() {
                return Err(CallError::Cancelled);
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

/// Why a call has no answer.
#[derive(Debug)]
pub(super) enum CallError {
    /// The server or the way to it says no.
    Status(Box<Status>),
    /// There was no server for all of this time.
    Gone(Box<Status>, Duration),
    /// What the server says makes no sense.
    Answer(String),
    /// Nobody waits for the answer any more.
    Cancelled,
}

impl From<Status> for CallError {
    fn from(status: Status) -> Self {
        Self::Status(Box::new(status))
    }
}

impl CallError {
    /// As the failure of a machine, which it is not when it was cancelled.
    pub(super) fn into_machine(self, doing: &str) -> ExecutorError {
        match self {
            Self::Status(status) => machine(doing, &status),
            Self::Gone(status, patience) => {
                let (why, time) = (said(&status), patience.as_secs());
                let message = format!("{doing}: no answer from the cluster for {time} s: {why}");
                ExecutorError::Remote { kind: ExecutorErrorKind::Fatal, message }
            }
            Self::Answer(what) => ExecutorError::Remote {
                kind: ExecutorErrorKind::Retryable,
                message: format!("{doing}: {what}"),
            },
            Self::Cancelled => ExecutorError::Remote {
                kind: ExecutorErrorKind::Retryable,
                message: format!("{doing}: cancelled"),
            },
        }
    }
}

/// Run something to its end; `None` when it is cancelled first.
pub(super) async fn until_cancelled<T>(work: impl Future<Output = T>, cancel: &CancelToken) -> Option<T> {
    let mut work = std::pin::pin!(work);
    loop {
        if let Ok(done) = tokio::time::timeout(GLANCE, &mut work).await {
            return Some(done);
        }
        if cancel.is_cancelled() {
            return None;
        }
    }
}

/// Whether the same call may be answered another time.
pub(super) fn is_passing(status: &Status) -> bool {
    // A certificate that is refused now is refused later.
    !is_certificate(status)
        && matches!(
            status.code(),
            Code::Unavailable
                | Code::Unknown
                | Code::Internal
                | Code::Aborted
                | Code::Cancelled
                | Code::DeadlineExceeded
                | Code::ResourceExhausted
        )
}

/// Whether TLS did not come about.
pub(super) fn is_certificate(status: &Status) -> bool {
    let text = with_causes(status);
    text.contains("certificate") || text.contains("Certificate") || text.contains("HandshakeFailure")
}

/// What a server says, as the failure of a machine.
pub(super) fn machine(doing: &str, status: &Status) -> ExecutorError {
    let kind = match status.code() {
        Code::Unauthenticated | Code::PermissionDenied | Code::Unimplemented => ExecutorErrorKind::Fatal,
        _ if is_certificate(status) => ExecutorErrorKind::Fatal,
        Code::InvalidArgument | Code::OutOfRange => ExecutorErrorKind::Rejected,
        _ => ExecutorErrorKind::Retryable,
    };
    ExecutorError::Remote { kind, message: format!("{doing}: {}", said(status)) }
}

/// What a server says, in one line for people.
pub(super) fn said(status: &Status) -> String {
    let text = if status.message().is_empty() { status.code().description() } else { status.message() };
    let mut text = text.to_owned();
    let mut cause = std::error::Error::source(status);
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    match text.char_indices().nth(LONGEST_MESSAGE) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}
