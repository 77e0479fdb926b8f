//! A cluster in this process, which fails as it is told: real servers fail when they like.
//!
//! It runs what it is given, as this user and without a sandbox, in a temporary folder.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bazel_remote_apis::build::bazel::remote::execution::v2 as reapi;
use bazel_remote_apis::google::bytestream::byte_stream_server::ByteStreamServer;
use bazel_remote_apis::google::longrunning::operations_server::OperationsServer;
use bazel_remote_apis::google::longrunning::{Operation, operation};
use bazel_remote_apis::google::protobuf::Any;
use bazel_remote_apis::google::rpc;
use prost::Message;
use reapi::action_cache_server::ActionCacheServer;
use reapi::capabilities_server::CapabilitiesServer;
use reapi::content_addressable_storage_server::ContentAddressableStorageServer;
use reapi::execution_server::ExecutionServer;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::{Certificate, Identity, Server, ServerTlsConfig};
use tonic::{Request, Status};

/// How it fails.
#[derive(Debug, Clone, Default)]
pub(crate) struct Faults {
    /// Everything ends with status 1, and nothing is run.
    pub(crate) all_fail: bool,
    /// So many streams break after the first word of the server.
    pub(crate) broken_streams: usize,
    /// So many times, a content is lost between its upload and the run.
    pub(crate) evictions: usize,
    /// So many runs end with status 1 before the command, as if they had run; and are remembered like that.
    pub(crate) false_ends: usize,
    /// Every so many calls, one finds the server too busy.
    pub(crate) busy_every: usize,
    /// So many runs are told of as having taken too long, without a word of their command.
    pub(crate) deadlines: usize,
    /// Commands do not end until they are cancelled.
    pub(crate) hangs: bool,
    /// Only who says this is let in.
    pub(crate) token: Option<String>,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) faults: Faults,
    pub(super) blobs: HashMap<String, Vec<u8>>,
    pub(super) results: HashMap<String, reapi::ActionResult>,
    /// Operations by name: the action, and whether it was cancelled.
    pub(super) operations: HashMap<String, String>,
    pub(super) ended: HashMap<String, reapi::ExecuteResponse>,
    pub(super) cancelled: HashSet<String>,
    pub(super) calls: usize,
    pub(super) runs: usize,
    pub(super) questions: usize,
    pub(super) largest_batch: usize,
}

/// It, as its services see it.
#[derive(Clone, Default)]
pub(super) struct Shared(pub(super) Arc<Mutex<State>>);

/// It, as a test sees it. It goes when this does.
pub(crate) struct FakeCluster {
    shared: Shared,
    pub(crate) address: SocketAddr,
    _runtime: tokio::runtime::Runtime,
}

impl FakeCluster {
    pub(crate) fn new(faults: Faults) -> Self {
        Self::started(faults, None)
    }

    /// With a certificate and its key.
    pub(crate) fn with_tls(faults: Faults, identity: Identity) -> Self {
        Self::started(faults, Some(ServerTlsConfig::new().identity(identity)))
    }

    /// The same, which lets in who shows a certificate that this authority has signed.
    pub(crate) fn with_mutual_tls(faults: Faults, identity: Identity, authority: &str) -> Self {
        let authority = Certificate::from_pem(authority);
        Self::started(faults, Some(ServerTlsConfig::new().identity(identity).client_ca_root(authority)))
    }

    fn started(faults: Faults, tls: Option<ServerTlsConfig>) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let shared = Shared::default();
        shared.0.lock().unwrap().faults = faults;
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let services = shared.clone();
        runtime.spawn(async move {
            let mut server = Server::builder();
            if let Some(tls) = tls {
                server = server.tls_config(tls).unwrap();
            }
            let limit = 4 << 20;
            server
                .add_service(CapabilitiesServer::new(services.clone()))
                .add_service(
                    ContentAddressableStorageServer::new(services.clone()).max_decoding_message_size(limit),
                )
                .add_service(ByteStreamServer::new(services.clone()))
                .add_service(ActionCacheServer::new(services.clone()))
                .add_service(ExecutionServer::new(services.clone()))
                .add_service(OperationsServer::new(services))
                .serve_with_incoming(TcpListenerStream::new(listener))
                .await
        });
        Self { shared, address, _runtime: runtime }
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("grpc://{}", self.address)
    }

    /// Commands that were run.
    pub(crate) fn runs(&self) -> usize {
        self.shared.0.lock().unwrap().runs
    }

    /// Questions for missing contents.
    pub(crate) fn questions(&self) -> usize {
        self.shared.0.lock().unwrap().questions
    }

    /// Bytes of the largest message with contents.
    pub(crate) fn largest_batch(&self) -> usize {
        self.shared.0.lock().unwrap().largest_batch
    }

    /// Operations that were cancelled.
    pub(crate) fn cancelled(&self) -> usize {
        self.shared.0.lock().unwrap().cancelled.len()
    }

    /// Operations that were asked for.
    pub(crate) fn operations(&self) -> usize {
        self.shared.0.lock().unwrap().operations.len()
    }

    /// From now on it fails like this.
    pub(crate) fn fail(&self, faults: Faults) {
        self.shared.0.lock().unwrap().faults = faults;
    }
}

pub(super) type Stream<T> = tokio_stream::wrappers::ReceiverStream<Result<T, Status>>;

pub(super) fn name_of(digest: Option<&reapi::Digest>) -> String {
    digest.map(|digest| digest.hash.clone()).unwrap_or_default()
}

pub(super) fn digest_of(bytes: &[u8]) -> reapi::Digest {
    let hash = ring::digest::digest(&ring::digest::SHA256, bytes);
    let hash = hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    reapi::Digest { hash, size_bytes: i64::try_from(bytes.len()).unwrap() }
}

/// Takes one from a count of failures that are left.
fn take(count: &mut usize) -> bool {
    let is_left = *count > 0;
    *count = count.saturating_sub(1);
    is_left
}

impl Shared {
    /// Let a call in, or not.
    pub(super) fn enter<T>(&self, request: &Request<T>) -> Result<std::sync::MutexGuard<'_, State>, Status> {
        let mut state = self.0.lock().unwrap();
        let given = request.metadata().get("authorization").and_then(|value| value.to_str().ok());
        if state.faults.token.as_deref().is_some_and(|token| given != Some(token)) {
            return Err(Status::unauthenticated("who are you?"));
        }
        state.calls += 1;
        if state.faults.busy_every > 0 && state.calls.is_multiple_of(state.faults.busy_every) {
            return Err(Status::unavailable("too busy"));
        }
        Ok(state)
    }

    /// The message of a content; an error that names what is missing.
    fn message<T: Message + Default>(&self, name: &str) -> Result<T, String> {
        let state = self.0.lock().unwrap();
        let bytes = state.blobs.get(name).ok_or_else(|| name.to_owned())?;
        Ok(T::decode(bytes.as_slice()).unwrap())
    }

    fn lay_out(&self, directory: &str, at: &Path) -> Result<(), String> {
        let directory: reapi::Directory = self.message(directory)?;
        std::fs::create_dir_all(at).unwrap();
        for file in &directory.files {
            let name = name_of(file.digest.as_ref());
            let bytes = self.0.lock().unwrap().blobs.get(&name).cloned().ok_or(name)?;
            let path = at.join(&file.name);
            std::fs::write(&path, bytes).unwrap();
            if file.is_executable {
                use std::os::unix::fs::PermissionsExt as _;
                std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
            }
        }
        for link in &directory.symlinks {
            std::os::unix::fs::symlink(&link.target, at.join(&link.name)).unwrap();
        }
        for folder in &directory.directories {
            self.lay_out(&name_of(folder.digest.as_ref()), &at.join(&folder.name))?;
        }
        Ok(())
    }

    fn keep(&self, bytes: Vec<u8>) -> reapi::Digest {
        let digest = digest_of(&bytes);
        self.0.lock().unwrap().blobs.insert(digest.hash.clone(), bytes);
        digest
    }

    /// Run an action; `Err` with the contents that are missing.
    fn execute(&self, name: &str) -> Result<reapi::ActionResult, String> {
        let action: reapi::Action = self.message(name)?;
        let command: reapi::Command = self.message(&name_of(action.command_digest.as_ref()))?;
        let folder = tempfile::tempdir().unwrap();
        self.lay_out(&name_of(action.input_root_digest.as_ref()), folder.path())?;
        let mut program = std::process::Command::new(&command.arguments[0]);
        program.args(&command.arguments[1..]).current_dir(folder.path()).env_clear().stdin(Stdio::null());
        program.envs(command.environment_variables.iter().map(|one| (&one.name, &one.value)));
        let ran = program.output().unwrap();
        let mut result = reapi::ActionResult {
            exit_code: ran.status.code().unwrap_or(137),
            stdout_digest: Some(self.keep(ran.stdout)),
            stderr_digest: Some(self.keep(ran.stderr)),
            execution_metadata: Some(reapi::ExecutedActionMetadata {
                worker: "worker-1".to_owned(),
                ..reapi::ExecutedActionMetadata::default()
            }),
            ..reapi::ActionResult::default()
        };
        for path in &command.output_paths {
            let at = folder.path().join(path);
            if at.is_dir() {
                let mut files: Vec<reapi::FileNode> = Vec::new();
                for entry in std::fs::read_dir(&at).unwrap().flatten() {
                    let digest = Some(self.keep(std::fs::read(entry.path()).unwrap()));
                    let name = entry.file_name().into_string().unwrap();
                    files.push(reapi::FileNode { name, digest, ..reapi::FileNode::default() });
                }
                let root = Some(reapi::Directory { files, ..reapi::Directory::default() });
                let tree = reapi::Tree { root, children: Vec::new() }.encode_to_vec();
                let folder = reapi::OutputDirectory {
                    path: path.clone(),
                    tree_digest: Some(self.keep(tree)),
                    ..reapi::OutputDirectory::default()
                };
                result.output_directories.push(folder);
            } else if let Ok(bytes) = std::fs::read(&at) {
                let digest = Some(self.keep(bytes));
                let path = path.clone();
                result.output_files.push(reapi::OutputFile { path, digest, ..reapi::OutputFile::default() });
            }
        }
        Ok(result)
    }

    fn missing(name: &str, size: i64) -> rpc::Status {
        #[derive(Clone, PartialEq, prost::Message)]
        struct Failure {
            #[prost(message, repeated, tag = "1")]
            violations: Vec<Violation>,
        }
        #[derive(Clone, PartialEq, prost::Message)]
        struct Violation {
            #[prost(string, tag = "1")]
            kind: String,
            #[prost(string, tag = "2")]
            subject: String,
        }
        let violation = Violation { kind: "MISSING".to_owned(), subject: format!("blobs/{name}/{size}") };
        let value = Failure { violations: vec![violation] }.encode_to_vec();
        let type_url = "type.googleapis.com/google.rpc.PreconditionFailure".to_owned();
        let message = "something is gone".to_owned();
        rpc::Status { code: 9, message, details: vec![Any { type_url, value }] }
    }

    /// What comes of an action.
    pub(super) fn response(&self, name: &str, may_remember: bool) -> reapi::ExecuteResponse {
        let mut state = self.0.lock().unwrap();
        if let Some(result) = state.results.get(name).filter(|_| may_remember) {
            let result = Some(result.clone());
            return reapi::ExecuteResponse { result, cached_result: true, ..Default::default() };
        }
        let failed = || reapi::ActionResult { exit_code: 1, ..reapi::ActionResult::default() };
        if state.faults.all_fail {
            return reapi::ExecuteResponse { result: Some(failed()), ..Default::default() };
        }
        if take(&mut state.faults.deadlines) {
            let status = Some(rpc::Status { code: 4, message: "too long".to_owned(), details: Vec::new() });
            return reapi::ExecuteResponse { status, result: Some(failed()), ..Default::default() };
        }
        if take(&mut state.faults.false_ends) {
            state.results.insert(name.to_owned(), failed());
            return reapi::ExecuteResponse { result: Some(failed()), ..Default::default() };
        }
        if take(&mut state.faults.evictions) {
            let action = reapi::Action::decode(state.blobs[name].as_slice()).unwrap();
            let root = action.input_root_digest.unwrap();
            state.blobs.remove(&root.hash);
            let status = Some(Self::missing(&root.hash, root.size_bytes));
            return reapi::ExecuteResponse { status, ..Default::default() };
        }
        state.runs += 1;
        drop(state);
        match self.execute(name) {
            Ok(result) => {
                self.0.lock().unwrap().results.insert(name.to_owned(), result.clone());
                reapi::ExecuteResponse { result: Some(result), ..Default::default() }
            }
            Err(missing) => {
                let status = Some(Self::missing(&missing, 1));
                reapi::ExecuteResponse { status, ..Default::default() }
            }
        }
    }

    /// A stream of an operation, to its end.
    pub(super) fn follow(&self, name: String) -> Stream<Operation> {
        let (send, receive) = tokio::sync::mpsc::channel(4);
        let shared = self.clone();
        tokio::spawn(async move {
            let begun = Operation { name: name.clone(), ..Operation::default() };
            if send.send(Ok(begun)).await.is_err() {
                return;
            }
            if take(&mut shared.0.lock().unwrap().faults.broken_streams) {
                drop(send.send(Err(Status::unavailable("the connection was reset"))).await);
                return;
            }
            loop {
                let (response, is_cancelled) = {
                    let state = shared.0.lock().unwrap();
                    (state.ended.get(&name).cloned(), state.cancelled.contains(&name))
                };
                let status =
                    Some(rpc::Status { code: 1, message: "cancelled".to_owned(), details: Vec::new() });
                let cancelled = || reapi::ExecuteResponse { status, ..Default::default() };
                if let Some(response) = response.or_else(|| is_cancelled.then(cancelled)) {
                    let type_url = "type.googleapis.com/build.bazel.remote.execution.v2.ExecuteResponse";
                    let value = Any { type_url: type_url.to_owned(), value: response.encode_to_vec() };
                    let result = Some(operation::Result::Response(value));
                    drop(send.send(Ok(Operation { name, done: true, result, ..Operation::default() })).await);
                    return;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        tokio_stream::wrappers::ReceiverStream::new(receive)
    }
}
