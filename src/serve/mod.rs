//! Who asks for a response: alarms of other programs over HTTP, and people, on a page that grows as the response does.
//!
//! Nothing of a request is run, and no path or revision of it is believed: an alarm says that something is wrong, in one
//! line. It is stored, answered, and then answered for: by `pybisect respond`, one at a time, each a process of its own. So
//! what ends this server ends no deploy, and who starts it again finds where things stand.
//!
//! | file | what it does |
//! |---|---|
//! | `source`, `sources` | who sends alarms, and what each of them says |
//! | `message` | an alarm, whoever told it, and by what it is known again |
//! | `auth` | whether a request comes from whom it says |
//! | `hook` | one sender's door: that, and which alarms count |
//! | `inbox` | alarms on the disk, known again, kept until somebody took them up |
//! | `alarm_routing` | to which incident an alarm belongs; pure |
//! | `supervisor` | has alarms answered, one response at a time |
//! | `notify`, `announcements` | tells people at each turn of events |
//! | `gate` | who may look, and give leave |
//! | `rate` | how often an address may ask |
//! | `server` | connections: how many, how slow, how large; `tls` what they speak |
//! | `routes` | which request leads where; `api` for programs, `browser` for people |
//! | `app`, `shared` | what they share |
//! | `pages` | what people see, made elsewhere |
//! | `metrics` | numbers for Prometheus |
//! | `check` | the server asks itself |

mod alarm_routing;
mod announcements;
mod api;
mod app;
mod auth;
mod browser;
mod check;
mod gate;
mod hook;
mod inbox;
mod message;
mod metrics;
mod notify;
mod pages;
mod rate;
mod routes;
mod server;
mod shared;
mod source;
mod sources;
mod supervisor;
mod tls;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use crossbeam_channel::{Receiver, bounded};
use jiff::Timestamp;
use tokio_rustls::rustls::ServerConfig;

use self::app::{App, Job};
use self::gate::Gate;
use self::inbox::{Delivery, Inbox};
use self::notify::Notifier;
use self::shared::Shared;
use self::supervisor::Supervisor;
use crate::model::CancelToken;
use crate::respond::Incidents;

pub use auth::{Keys, SenderProof, SignatureForm};
pub use check::{Asked, ask_itself};
pub use hook::Hook;
pub use notify::{NotifyTarget, PostForm};
pub use pages::{Controls, Pages};
pub use shared::Log;
pub use source::AlarmSource;
pub use supervisor::Responses;
pub use tls::{TlsError, tls_of};

/// How often it is looked whether it is to stop.
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);
/// Messages that wait to be written down.
const MOST_JOBS: usize = 1024;
/// Messages that are written down at once.
const AT_ONCE: usize = 256;

/// What a server is made of.
pub struct Parts {
    /// The doors of senders.
    pub hooks: Vec<Hook>,
    /// Whoever has one of these may look at incidents and give leave.
    pub tokens: Keys,
    /// How browsers are spoken to, when not in the clear.
    pub tls: Option<Arc<ServerConfig>>,
    /// Who is told of what happens.
    pub targets: Vec<NotifyTarget>,
    /// Where the server's pages are, for people: what stands before `/incidents`.
    pub link: Option<String>,
    /// Bytes of a body that are read.
    pub most_bytes: usize,
    /// The incidents of the service.
    pub incidents: Incidents,
    /// How responses are begun.
    pub responses: Responses,
    /// Where what belongs to the server is kept.
    pub folder: PathBuf,
    /// What people see.
    pub pages: Arc<dyn Pages>,
    /// Where lines about what happens go.
    pub log: Log,
}

impl std::fmt::Debug for Parts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Parts").field("hooks", &self.hooks).finish_non_exhaustive()
    }
}

/// Serve at an address until it is cancelled. `ready` hears where, once it takes connections.
///
/// # Errors
/// When the address cannot be listened at, or its own files cannot be written.
pub fn serve(
    parts: Parts,
    address: SocketAddr,
    cancel: &CancelToken,
    ready: &dyn Fn(SocketAddr),
) -> io::Result<()> {
    let runtime = runtime()?;
    let listener = runtime.block_on(tokio::net::TcpListener::bind(address))?;
    let bound = listener.local_addr()?;
    let tls = parts.tls.clone();
    let router = begin(parts, true)?;
    ready(bound);
    runtime.block_on(async {
        tokio::select! {
            error = server::accept(listener, tls, router) => Err(error),
            () = until(cancel) => Ok(()),
        }
    })?;
    // What is being written down is left to end.
    runtime.shutdown_timeout(Duration::from_secs(1));
    Ok(())
}

async fn until(cancel: &CancelToken) {
    while !cancel.is_cancelled() {
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }
}

fn runtime() -> io::Result<tokio::runtime::Runtime> {
    // Nothing here takes long: one thread answers all of them, and a few make pages.
    tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(4).build()
}

/// Have everything at work but the listening; without responses, nothing is done about alarms.
fn begin(parts: Parts, responds: bool) -> io::Result<Router> {
    let Parts { hooks, tokens, tls, targets, link, most_bytes, incidents, responses, folder, pages, log } =
        parts;
    let inbox = Inbox::open(&folder, Timestamp::now()).map_err(io::Error::other)?;
    let (wake, woken) = bounded(1);
    let shared = Arc::new(Shared::new(inbox, log, wake));
    let thread = |name: &str| std::thread::Builder::new().name(name.to_owned());
    let (jobs, received) = bounded::<Job>(MOST_JOBS);
    let of_writer = Arc::clone(&shared);
    thread("inbox").spawn(move || write_down(&of_writer, &received))?;
    if responds {
        for (number, target) in targets.into_iter().enumerate() {
            Notifier {
                shared: Arc::clone(&shared),
                incidents: incidents.clone(),
                target,
                file: folder.join(format!("told-{number}.json")),
                folder: responses.folder.clone(),
                link: link.clone(),
            }
            .start()?;
        }
        let keeper = Supervisor::new(Arc::clone(&shared), incidents.clone(), responses, folder);
        thread("keeper").spawn(move || keeper.run(&woken))?;
    }
    let gate = Gate::new(tokens, tls.is_some(), link.as_deref());
    Ok(routes::router(Arc::new(App::new(shared, (hooks, gate), incidents, pages, (jobs, most_bytes)))))
}

/// Write messages down, as many at once as there are.
fn write_down(shared: &Shared, jobs: &Receiver<Job>) {
    while let Ok(first) = jobs.recv() {
        let all: Vec<Job> = std::iter::once(first).chain(jobs.try_iter().take(AT_ONCE - 1)).collect();
        let (deliveries, answers): (Vec<Delivery>, Vec<_>) = all.into_iter().unzip();
        let taken = shared.inbox().take(deliveries, Timestamp::now());
        for (answer, taken) in answers.into_iter().zip(taken) {
            // Who does not wait for it any more will ask again.
            let _gone = answer.send(taken);
        }
    }
}
