//! One action: asked for in the cluster's memory, run otherwise, waited for whatever happens to the connection.

use std::collections::{HashMap, HashSet};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use prost::Message;
use tonic::{Code, Status, Streaming};

use super::action::Prepared;
use super::api::{
    ActionCacheClient, ActionResult, CancelOperationRequest, ExecuteRequest, ExecuteResponse,
    ExecutionClient, GetActionResultRequest, Operation, OperationResult, OperationsClient, ResponseStatus,
    WaitExecutionRequest,
};
use super::connection::{CallError, Connection, PROMPT, is_passing, said, until_cancelled};
use super::contents::{Contents, timed};
use super::digest::ContentId;
use super::trees::TreeMaker;
use crate::executor::worker::script::{STATE, State};
use crate::executor::{ExecutorError, ExecutorErrorKind};
use crate::model::CancelToken;

/// How often what the server says it lacks is sent again.
const MOST_RESENT: usize = 3;
const PAUSE: Duration = Duration::from_millis(200);
/// How long a server is given to cancel something.
const TO_CANCEL: Duration = Duration::from_secs(2);

/// How an action came to its end.
#[derive(Debug)]
pub(super) enum Ending {
    /// With this result; whether it was known before.
    Result(ActionResult, bool),
    /// It took longer than it may.
    Deadline(ActionResult),
    /// It was cancelled.
    Cancelled,
}

/// A message about contents that are missing (google.rpc.PreconditionFailure).
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct PreconditionFailure {
    #[prost(message, repeated, tag = "1")]
    pub(super) violations: Vec<Violation>,
}

/// One of them.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Violation {
    /// `MISSING`.
    #[prost(string, tag = "1")]
    pub(super) kind: String,
    /// `blobs/HASH/SIZE`.
    #[prost(string, tag = "2")]
    pub(super) subject: String,
    #[prost(string, tag = "3")]
    pub(super) description: String,
}

/// Runs actions.
pub(super) struct Actions<'a> {
    pub(super) connection: &'a Connection,
    pub(super) contents: &'a Contents,
    pub(super) maker: &'a Mutex<TreeMaker>,
    pub(super) cancel: &'a CancelToken,
}

impl Actions<'_> {
    /// What the cluster remembers of an action.
    pub(super) async fn remembered(&self, action: ContentId) -> Result<Option<ActionResult>, CallError> {
        let request = GetActionResultRequest {
            instance_name: self.connection.instance.clone(),
            action_digest: Some(action.to_proto()),
            inline_stdout: true,
            inline_stderr: true,
            inline_output_files: vec![STATE.to_owned()],
            digest_function: 0,
        };
        let ask = |service| {
            let request = timed(request.clone());
            async move {
                match ActionCacheClient::new(service).get_action_result(request).await {
                    Ok(answer) => Ok(Some(answer.into_inner())),
                    // Nor does it matter here that there is no memory, or that it may not be read.
                    Err(status)
                        if matches!(
                            status.code(),
                            Code::NotFound | Code::Unimplemented | Code::PermissionDenied
                        ) =>
                    {
                        Ok(None)
                    }
                    Err(status) => Err(status),
                }
            }
        };
        self.connection.call(self.cancel, ask).await
    }

    /// Run an action, with `again` also when a result of it is remembered.
    pub(super) async fn run(&self, prepared: &Prepared, again: bool) -> Result<Ending, ExecutorError> {
        let bringing = |error: CallError| error.into_machine("the inputs could not be sent");
        let mut resent = 0;
        loop {
            let roots = [std::sync::Arc::clone(&prepared.root)];
            let brought = self.contents.bring(self.maker, &roots, &prepared.messages, self.cancel).await;
            match brought {
                Err(CallError::Cancelled) => return Ok(Ending::Cancelled),
                brought => brought.map_err(bringing)?,
            }
            let response = match self.response(prepared.id, again).await {
                Err(CallError::Cancelled) => return Ok(Ending::Cancelled),
                Err(CallError::Status(status)) if status.code() == Code::FailedPrecondition => {
                    let details = ResponseStatus::decode(status.details()).unwrap_or_default();
                    Err(ResponseStatus { code: 9, message: said(&status), ..details })
                }
                Err(error) => return Err(error.into_machine("the trial could not be run")),
                Ok(response) => match response.status.clone().filter(|status| status.code != 0) {
                    Some(status) if status.code == 9 => Err(status),
                    _ => Ok(response),
                },
            };
            let lack = match response {
                Ok(response) => return ended(response),
                Err(lack) => lack,
            };
            // Something was thrown away between the question and the run.
            if resent == MOST_RESENT {
                let message = format!("the trial could not be run: {}", lack.message);
                return Err(ExecutorError::Remote { kind: ExecutorErrorKind::Retryable, message });
            }
            resent += 1;
            self.contents.forget();
            let lacking = lacking(&lack);
            let sent = self.contents.send_again(
                self.maker,
                &prepared.root,
                &prepared.messages,
                &lacking,
                self.cancel,
            );
            sent.await.map_err(bringing)?;
        }
    }

    /// What the server answers in the end; the way to it may break meanwhile.
    async fn response(&self, action: ContentId, again: bool) -> Result<ExecuteResponse, CallError> {
        let request = ExecuteRequest {
            instance_name: self.connection.instance.clone(),
            skip_cache_lookup: again,
            action_digest: Some(action.to_proto()),
            inline_stdout: true,
            inline_stderr: true,
            inline_output_files: vec![STATE.to_owned()],
            ..ExecuteRequest::default()
        };
        let ask = |service| {
            let request = request.clone();
            async move { ExecutionClient::new(service).execute(request).await }
        };
        let stream = self.connection.call(self.cancel, ask).await?.into_inner();
        let mut name = String::new();
        let mut ended = self.follow(stream, &mut name).await;
        let mut broken_since = None;
        loop {
            let status = match ended {
                Err(CallError::Status(status)) if is_passing(&status) => status,
                Err(CallError::Cancelled) => {
                    self.cancel_operation(&name).await;
                    return Err(CallError::Cancelled);
                }
                ended => return ended,
            };
            // The stream broke, and not the action: it goes on, and is waited for by its name.
            let since = *broken_since.get_or_insert_with(Instant::now);
            if name.is_empty() || since.elapsed() > self.connection.patience() {
                return Err(CallError::Status(status));
            }
            if until_cancelled(tokio::time::sleep(PAUSE), self.cancel).await.is_none() {
                ended = Err(CallError::Cancelled);
                continue;
            }
            let request = WaitExecutionRequest { name: name.clone() };
            let ask = |service| {
                let request = request.clone();
                async move { ExecutionClient::new(service).wait_execution(request).await }
            };
            let stream = self.connection.call(self.cancel, ask).await;
            ended = match stream {
                Ok(stream) => {
                    broken_since = None;
                    self.follow(stream.into_inner(), &mut name).await
                }
                // It knows the trial no more, as one that was started again.
                Err(CallError::Status(status)) => {
                    Err(CallError::Answer(format!("the trial is lost: {}", said(&status))))
                }
                Err(error) => Err(error),
            };
        }
    }

    /// Read a stream to its last word.
    async fn follow(
        &self,
        mut stream: Streaming<Operation>,
        name: &mut String,
    ) -> Result<ExecuteResponse, CallError> {
        loop {
            let Some(next) = until_cancelled(stream.message(), self.cancel).await else {
                // Without its name it cannot be ended there; that is the first thing that the server says.
                if name.is_empty()
                    && let Ok(Ok(Some(first))) = tokio::time::timeout(TO_CANCEL, stream.message()).await
                {
                    *name = first.name;
                }
                return Err(CallError::Cancelled);
            };
            let Some(operation) = next? else {
                return Err(Status::unavailable("the stream ended before the trial did").into());
            };
            if !operation.name.is_empty() {
                name.clone_from(&operation.name);
            }
            if !operation.done {
                continue;
            }
            return match operation.result {
                Some(OperationResult::Response(any)) => ExecuteResponse::decode(any.value.as_slice())
                    .map_err(|error| CallError::Answer(format!("an answer that cannot be read: {error}"))),
                Some(OperationResult::Error(status)) => {
                    Ok(ExecuteResponse { status: Some(status), ..ExecuteResponse::default() })
                }
                None => Err(CallError::Answer("an operation that is done without a result".to_owned())),
            };
        }
    }

    /// Have the server end what nobody waits for; leaving the stream does not.
    async fn cancel_operation(&self, name: &str) {
        if name.is_empty() {
            return;
        }
        let mut client = OperationsClient::new(self.connection.service());
        let asked = client.cancel_operation(timed(CancelOperationRequest { name: name.to_owned() }));
        // A server that cannot do it lets it run until its time is over.
        drop(tokio::time::timeout(TO_CANCEL.min(PROMPT), asked).await);
    }
}

/// An answer that has nothing to do with missing contents.
fn ended(response: ExecuteResponse) -> Result<Ending, ExecutorError> {
    let result = response.result.unwrap_or_default();
    let Some(status) = response.status.filter(|status| status.code != 0) else {
        return Ok(Ending::Result(result, response.cached_result));
    };
    match Code::from(status.code) {
        Code::DeadlineExceeded => Ok(Ending::Deadline(result)),
        code => {
            // The server has judged this one; others may run, unless it says who may not.
            let kind = match code {
                Code::Unauthenticated | Code::PermissionDenied | Code::Unimplemented => {
                    ExecutorErrorKind::Fatal
                }
                Code::InvalidArgument => ExecutorErrorKind::Rejected,
                _ => ExecutorErrorKind::Retryable,
            };
            let message = format!("the trial could not be run: {}", said(&Status::new(code, status.message)));
            Err(ExecutorError::Remote { kind, message })
        }
    }
}

/// The contents that a server says it lacks.
fn lacking(status: &ResponseStatus) -> HashSet<ContentId> {
    let failures = status.details.iter().filter(|detail| detail.type_url.ends_with("PreconditionFailure"));
    let failures = failures.filter_map(|detail| PreconditionFailure::decode(detail.value.as_slice()).ok());
    let subjects = failures.flat_map(|failure| failure.violations).filter(|one| one.kind == "MISSING");
    let id = |subject: &str| {
        let mut parts = subject.rsplit('/');
        let size = parts.next()?.parse().ok()?;
        ContentId::parse(parts.next()?, size)
    };
    subjects.filter_map(|violation| id(&violation.subject)).collect()
}

/// What the script writes down of each end, by the name of that content: nothing has to be read.
pub(super) fn known_ends() -> HashMap<ContentId, i32> {
    let all = [false, true].into_iter().flat_map(|has_setup| (0..256).map(move |code| (has_setup, code)));
    let text = |(has_setup, code)| (ContentId::of(State::text_of_end(has_setup, code).as_bytes()), code);
    all.map(text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::executor::remote::api::Any;

    #[test]
    fn missing_contents_are_read_from_what_the_server_says() {
        let id = ContentId::of(b"abc");
        let violation = |kind: &str, subject: String| Violation {
            kind: kind.to_owned(),
            subject,
            description: String::new(),
        };
        let failure = PreconditionFailure {
            violations: vec![
                violation("MISSING", format!("blobs/{}/3", id.hex())),
                violation("MISSING", "blobs/nonsense".to_owned()),
                violation("OTHER", format!("blobs/{}/3", ContentId::of(b"abd").hex())),
            ],
        };
        let details = vec![Any {
            type_url: "type.googleapis.com/google.rpc.PreconditionFailure".to_owned(),
            value: failure.encode_to_vec(),
        }];
        let status = ResponseStatus { code: 9, message: String::new(), details };
        assert_eq!(lacking(&status), HashSet::from([id]));
    }
}
