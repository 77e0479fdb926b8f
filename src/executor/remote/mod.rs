//! Trials on a cluster that speaks the Remote Execution API, version 2.
//!
//! Trees are sent by content: what the cluster has is not sent again. A trial is an action, and the same trial is the
//! same action for everybody, so that what one has run another one need not. Servers differ, so that the least is asked
//! of them: a result is looked for before anything is run, each action has a limit of time, and what a worker says is
//! believed only where the script that it ran wrote down that the command began and how it ended.
//!
//! The asynchronous runtime stays in here.
//!
//! | file | what it does |
//! |---|---|
//! | `settings` | [`RemoteSettings`]: where the cluster is, and how it is spoken to |
//! | `connection` | TLS, headers, and calls that are made again when the way is broken |
//! | `api` | the protocol's messages and clients, by short names |
//! | `digest` | what the protocol names contents by |
//! | `trees` | git trees as the protocol's directories |
//! | `contents` | the cluster's store: what is missing there is sent |
//! | `action` | a trial as an action |
//! | `execution` | one action, from the question to its result |
//! | `outcome` | what a result says of the trial, and what of the worker only |
//! | `error` | [`RemoteError`]: why trials cannot run there |

mod action;
mod api;
mod connection;
mod contents;
mod digest;
mod error;
mod execution;
mod outcome;
mod settings;
mod trees;

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::runtime::Runtime;
use tonic::Code;

use super::gaps::{is_vital, listed, notes, unless_of_a_gap, vital_gap};
use super::worker::probe::{ProbeFault, WorkerFacts, probe};
use super::{Executor, ExecutorError, ExecutorErrorKind, ExecutorFacts};
use crate::git::{Checkout, Repository};
use crate::model::{
    CancelReason, CancelToken, CommitId, Termination, TreeId, Trial, TrialOutput, TrialPhase, TrialSpec,
};
use crate::store::DigestCache;

use action::{Identity, Prepared, action};
use api::{CapabilitiesClient, DigestFunction, GetCapabilitiesRequest, ServerCapabilities};
use connection::{CallError, Connection, is_certificate, said};
use contents::{Contents, lock, timed};
use digest::ContentId;
use execution::{Actions, Ending, known_ends};
use outcome::Reader;
use trees::{Folder, TreeMaker};

pub use connection::ConnectError;
pub use contents::Sent;
pub use error::RemoteError;
pub use settings::{RemoteSettings, Secret, TlsSettings};

/// How long a server is waited for in the beginning, when a wrong address is likelier than one that is restarted.
const FIRST_PATIENCE: Duration = Duration::from_secs(10);
/// Trees that are sent ahead of the trials, at most.
const MOST_AHEAD: usize = 512;
/// Those that go together.
const TOGETHER: usize = 64;

/// Runs trials on a cluster.
pub struct RemoteExecutor {
    shared: Arc<Shared>,
    ahead: Mutex<Option<JoinHandle<()>>>,
    stop: CancelToken,
}

struct Shared {
    settings: RemoteSettings,
    /// Dropped last of what is asynchronous.
    runtime: Runtime,
    connection: Connection,
    contents: Contents,
    maker: Mutex<TreeMaker>,
    checkout: Arc<Checkout>,
    known_ends: HashMap<ContentId, i32>,
    counts: Counts,
}

/// How many trials were run there, and how many were known.
#[derive(Debug, Default)]
struct Counts {
    ran: AtomicUsize,
    known: AtomicUsize,
}

/// What came of a session's trials on a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RemoteCounts {
    /// Trials that were run.
    pub ran: usize,
    /// Trials of which the cluster had a result.
    pub known: usize,
    /// What was sent.
    pub sent: Sent,
}

impl RemoteExecutor {
    /// Reach a cluster and see what it can do; nothing runs there yet. `objects` is a repository that has all trees of
    /// trials, composed ones too.
    ///
    /// # Errors
    /// When it cannot be reached, or cannot run trials.
    pub fn connect(
        settings: RemoteSettings,
        objects: Repository,
        checkout: Arc<Checkout>,
        cache: Option<DigestCache>,
        cancel: &CancelToken,
    ) -> Result<Self, RemoteError> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let connection = {
            let _inside = runtime.enter();
            Connection::new(&settings)?
        };
        let capabilities = runtime.block_on(capabilities(&connection, &settings, cancel))?;
        let contents = Contents::new(connection.clone(), &capabilities);
        let maker = Mutex::new(TreeMaker::new(objects, Arc::clone(&checkout), cache));
        let (known_ends, counts) = (known_ends(), Counts::default());
        let shared = Shared { settings, runtime, connection, contents, maker, checkout, known_ends, counts };
        Ok(Self { shared: Arc::new(shared), ahead: Mutex::default(), stop: CancelToken::new() })
    }

    /// See whether a worker does what it is told, and what it is. `program` is looked for.
    ///
    /// # Errors
    /// When it does not, or does not have the program.
    pub fn probe(
        &self,
        environment: &BTreeMap<OsString, OsString>,
        program: Option<&str>,
        cancel: &CancelToken,
    ) -> Result<WorkerFacts, RemoteError> {
        let run = |recipe: &TrialSpec, nonce: &str| self.shared.try_out(recipe, nonce, cancel);
        probe(environment, program, run).map_err(|fault| {
            let endpoint = self.shared.settings.endpoint.clone();
            match fault {
                ProbeFault::Denied(why) => RemoteError::Denied { endpoint, why },
                ProbeFault::BadWorker(why) => RemoteError::BadWorker { endpoint, why },
                ProbeFault::NoProgram { program, path } => RemoteError::NoProgram { endpoint, program, path },
            }
        })
    }

    /// What came of the trials so far.
    #[must_use]
    pub fn counts(&self) -> RemoteCounts {
        let Counts { ran, known } = &self.shared.counts;
        let sent = self.shared.contents.sent();
        RemoteCounts { ran: ran.load(Ordering::Relaxed), known: known.load(Ordering::Relaxed), sent }
    }

    /// Blobs of the repository that were hashed.
    #[must_use]
    pub fn hashed(&self) -> usize {
        lock(&self.shared.maker).hashed
    }

    /// Send trees, all at once, so that trials of them need not.
    ///
    /// # Errors
    /// When the cluster cannot take them.
    pub fn send(&self, trees: &[TreeId], cancel: &CancelToken) -> Result<(), ExecutorError> {
        self.shared.send(trees, cancel)
    }
}

async fn capabilities(
    connection: &Connection,
    settings: &RemoteSettings,
    cancel: &CancelToken,
) -> Result<ServerCapabilities, RemoteError> {
    let request = GetCapabilitiesRequest { instance_name: settings.instance.clone() };
    let ask = |service| {
        let request = timed(request.clone());
        async move { CapabilitiesClient::new(service).get_capabilities(request).await }
    };
    let endpoint = || settings.endpoint.clone();
    let answer = connection.with_patience(FIRST_PATIENCE.min(settings.patience)).call(cancel, ask).await;
    let capabilities = match answer {
        Ok(answer) => answer.into_inner(),
        Err(CallError::Status(status)) => {
            let (endpoint, why) = (endpoint(), said(&status));
            return Err(match status.code() {
                _ if is_certificate(&status) => RemoteError::Certificate { endpoint, why },
                Code::Unauthenticated | Code::PermissionDenied => RemoteError::Denied { endpoint, why },
                Code::Unimplemented => RemoteError::NotAble { endpoint, why },
                _ => RemoteError::NoAnswer { endpoint, why },
            });
        }
        Err(CallError::Gone(status, _)) => {
            let (endpoint, why) = (endpoint(), said(&status));
            return Err(RemoteError::NoAnswer { endpoint, why });
        }
        Err(CallError::Answer(why)) => return Err(RemoteError::NoAnswer { endpoint: endpoint(), why }),
        Err(CallError::Cancelled) => {
            return Err(RemoteError::NoAnswer { endpoint: endpoint(), why: "interrupted".to_owned() });
        }
    };
    let unable = |why: &str| RemoteError::NotAble { endpoint: endpoint(), why: why.to_owned() };
    if capabilities.execution_capabilities.as_ref().is_none_or(|able| !able.exec_enabled) {
        return Err(unable("it keeps contents only, and executes nothing for this instance"));
    }
    let functions = capabilities.cache_capabilities.as_ref().map(|cache| cache.digest_functions.clone());
    let functions = functions.unwrap_or_default();
    let sha256 = i32::from(DigestFunction::Sha256);
    if !functions.is_empty() && !functions.contains(&sha256) {
        return Err(unable("it does not name contents by SHA-256"));
    }
    Ok(capabilities)
}

impl Shared {
    /// Run a probe, which nobody has run before.
    fn try_out(
        &self,
        recipe: &TrialSpec,
        nonce: &str,
        cancel: &CancelToken,
    ) -> Result<TrialOutput, ExecutorError> {
        let tree = Folder::of(Vec::new(), Vec::new());
        let identity = Identity { repeat: 0, is_private: true, salt: nonce };
        let prepared = action(&self.settings, tree, recipe, identity).map_err(rejected)?;
        self.runtime.block_on(self.run_action(&prepared, recipe, true, cancel)).map(|(output, _)| output)
    }

    async fn run_action(
        &self,
        prepared: &Prepared,
        recipe: &TrialSpec,
        mut again: bool,
        cancel: &CancelToken,
    ) -> Result<(TrialOutput, bool), ExecutorError> {
        let Self { connection, contents, maker, known_ends, .. } = self;
        let actions = Actions { connection, contents, maker, cancel };
        let reader = Reader { contents, known_ends, cancel };
        if !again {
            match actions.remembered(prepared.id).await {
                Ok(Some(result)) => match reader.output(&result, prepared, recipe).await {
                    Ok(output) => return Ok((output, true)),
                    // A worker's failure that was kept, or a result of which a part is gone: it runs again.
                    Err(_) => again = true,
                },
                Ok(None) => {}
                Err(CallError::Cancelled) => return Ok((cancelled(), false)),
                Err(error) => return Err(error.into_machine("the cluster's memory could not be asked")),
            }
        }
        let after_ms = u64::try_from(self.settings.timeout.as_millis()).unwrap_or(u64::MAX);
        let mut ending = actions.run(prepared, again).await?;
        if let Ending::Result(result, true) = &ending {
            if let Ok(output) = reader.output(result, prepared, recipe).await {
                return Ok((output, true));
            }
            // The server answered from a memory that holds a worker's failure.
            ending = actions.run(prepared, true).await?;
        }
        let output = match ending {
            Ending::Cancelled => cancelled(),
            Ending::Deadline(result) => reader.overdue(&result, after_ms).await?,
            Ending::Result(result, _) => reader.output(&result, prepared, recipe).await?,
        };
        Ok((output, false))
    }

    fn run(&self, trial: &Trial, cancel: &CancelToken) -> Result<TrialOutput, ExecutorError> {
        let no_tree = |reason: String| TrialOutput::without_run(Termination::NoTree { reason });
        let tree = match lock(&self.maker).folder(trial.tree) {
            Ok(tree) => tree,
            Err(error) => return Ok(no_tree(error.to_string())),
        };
        if let Some(path) = tree.unsendable.iter().find(|path| is_vital(path)) {
            let path = String::from_utf8_lossy(path);
            return Ok(no_tree(format!("{path} cannot be sent: its name or target is not UTF-8, or unsafe")));
        }
        if let Some(path) = vital_gap(&tree.gaps) {
            let path = String::from_utf8_lossy(path);
            return Ok(no_tree(format!("{path} is missing from the repository")));
        }
        let identity = Identity { repeat: trial.repeat, is_private: false, salt: "" };
        let prepared =
            action(&self.settings, Arc::clone(&tree), &trial.recipe, identity).map_err(rejected)?;
        let again = self.settings.fresh;
        trial.activity.enter(TrialPhase::Running);
        let running = self.run_action(&prepared, &trial.recipe, again, cancel);
        let (mut output, is_known) = self.runtime.block_on(running)?;
        let counter = if is_known { &self.counts.known } else { &self.counts.ran };
        counter.fetch_add(1, Ordering::Relaxed);
        output.notes = notes_of(&tree);
        output.ending = unless_of_a_gap(&self.checkout, &tree.gaps, output.ending);
        Ok(output)
    }

    fn send(&self, trees: &[TreeId], cancel: &CancelToken) -> Result<(), ExecutorError> {
        // A tree that cannot be read is said when a trial needs it.
        let made = |tree: &TreeId| lock(&self.maker).folder(*tree).ok();
        let folders: Vec<Arc<Folder>> = trees.iter().filter_map(made).collect();
        let brought = self.contents.bring(&self.maker, &folders, &[], cancel);
        self.runtime.block_on(brought).map_err(|error| error.into_machine("the trees could not be sent"))
    }
}

fn cancelled() -> TrialOutput {
    TrialOutput::without_run(Termination::Cancelled)
}

fn rejected(message: String) -> ExecutorError {
    ExecutorError::Remote { kind: ExecutorErrorKind::Rejected, message }
}

/// What is not as in git, one line for each kind.
fn notes_of(tree: &Folder) -> Vec<String> {
    let mut notes = notes(&tree.gaps);
    if !tree.unsendable.is_empty() {
        let what = "not sent, as the name or the target is not UTF-8 or unsafe";
        notes.push(format!("{what}: {}", listed(tree.unsendable.iter())));
    }
    notes
}

impl Drop for RemoteExecutor {
    fn drop(&mut self) {
        self.stop.cancel(CancelReason::Irrelevant);
        if let Some(ahead) = lock(&self.ahead).take() {
            // A panic there only means that trees are sent when they are needed.
            drop(ahead.join());
        }
    }
}

impl Executor for RemoteExecutor {
    fn facts(&self) -> ExecutorFacts {
        ExecutorFacts { place: Some(self.shared.settings.endpoint.clone()), prefetches: true }
    }

    fn capacity(&self) -> usize {
        self.shared.settings.jobs.max(1)
    }

    fn run(&self, trial: &Trial, cancel: &CancelToken) -> Result<TrialOutput, ExecutorError> {
        self.shared.run(trial, cancel)
    }

    fn prefetch(&self, versions: &[(CommitId, TreeId)]) {
        let mut ahead = lock(&self.ahead);
        if ahead.is_some() {
            return;
        }
        let (shared, stop) = (Arc::clone(&self.shared), self.stop.clone());
        let order = super::search_order(versions.len());
        let trees: Vec<TreeId> = order.take(MOST_AHEAD).map(|at| versions[at].1).collect();
        *ahead = Some(std::thread::spawn(move || {
            for trees in trees.chunks(TOGETHER) {
                // What cannot be sent is said when a trial needs it.
                if stop.is_cancelled() || shared.send(trees, &stop).is_err() {
                    return;
                }
            }
        }));
    }
}
