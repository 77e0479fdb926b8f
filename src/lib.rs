//! From a failing smoke test of a Python application, or only the log of its failure, to the commit
//! that broke it, with proof.
//!
//! # As a library
//!
//! A request says what is asked, as the command line does; what happens is told as events; what comes of it is a report.
//!
//! ```no_run
//! use pybisect::{CancelToken, Request};
//!
//! let mut request = Request::default();
//! request.repo = Some("/srv/shop".into());
//! request.good = vec!["v1.4".to_owned()];
//! request.command = ["python", "-m", "pytest", "-q", "tests/test_smoke.py"].map(Into::into).to_vec();
//!
//! let report = pybisect::find(&request, &CancelToken::new(), &mut |event| eprintln!("{:?}", event.kind))?;
//! if report.status == pybisect::model::Status::Found {
//!     println!("{}", report.culprits[0].commit.id);
//! }
//! # Ok::<(), pybisect::Error>(())
//! ```
//!
//! | function | what it does |
//! |---|---|
//! | [`find`] | the commit that broke a command, and the edits in it |
//! | [`fix`] | ways to fix what was found, each tested |
//! | [`check()`] | a branch before its merge: findings on the calls that it changed |
//! | [`calls()`] | what a range of commits did to calls |
//!
//! [`search`] and [`mod@calls`] are the algorithms by themselves: which commits to test next, given a graph and what was
//! seen; and the call changes of two texts. [`report`] has the renderers. All else is the program's own, and hidden.
//!
//! # Data flow, one way
//!
//! ```text
//! 1 cli       flags                                  → Request
//!   setup     Request + config + what is here        → Plan, Workspace
//! 2 git       range → CommitGraph, changed blobs;      calls → CallChange; triage(log) → FailureSignature
//! 3 suspects  signature × changes × graph            → prior weight per commit, with the reasons
//! 4 session   Strategy.next → Trials → Executor → TrialOutput → Oracle → SearchState, until Done (events out)
//! 5 session   culprit's edits → delta debugging over the same executor → BreakingChange → fixes, each tested
//! 6 report    events → live reporter; fold → Report → renderers → exit code
//! ```
//!
//! # Rooms
//!
//! A room imports from exactly the rooms named behind it, and its files import one another in one direction:
//! `tests/it` holds the code to that, and files to 500 lines.
//!
//! | room | what it is | imports |
//! |---|---|---|
//! | [`model`] | plain shared words, no input or output | |
//! | [`graph`] | the commit DAG as dense integers | |
//! | [`mod@calls`] | Python calls: extraction, resolution, and what a change did to them; pure | model |
//! | [`search`] | which commits to test next; pure | graph, model |
//! | [`suspects`] | which commits the evidence of a failure points at; pure | model, triage |
//! | [`minimize`] | a difference as edits, delta debugging over them, partial versions; pure | calls, model |
//! | [`dirfd`] | files beneath an open folder, by descriptor | |
//! | [`git`] | the repository: history, blobs, differences, the shadow for trials | dirfd, graph, model, process |
//! | [`process`] | one child process, and nothing left of it | dirfd, model |
//! | [`executor`] | where trials run | dirfd, git, model, process, pyenv, store |
//! | [`store`] | outcomes and sessions on disk | model |
//! | [`triage`] | what went wrong: failures in a trial's output, and the oracle | model |
//! | [`pyenv`] | Python environments | dirfd, model, process |
//! | [`call_changes`] | call changes between trees and over histories, remembered | dirfd, calls, git, model, store |
//! | [`session`] | the conductor: endpoints, loop, confirmation, journal | calls, executor, git, graph, minimize, model, process, pyenv, search, store, suspects, triage |
//! | [`setup`] | from a request to a session: configuration, environments, isolation, the place where it runs | dirfd, call_changes, executor, git, model, process, pyenv, report, session, store, triage |
//! | [`mod@check`] | a look at a branch before its merge: findings on changed calls | dirfd, call_changes, calls, git, minimize, model, process, pyenv, report, session, setup, store, triage |
//! | [`respond`] | what is done about an outage: rolling back, and whether it took | git, model, process |
//! | [`serve`] | who asks for a response: alarms over HTTP, people on a live page | model, process, respond |
//! | [`report`] | live views and renderers | model |
//! | [`cli`] | arguments, errors with hints, exit codes | dirfd, call_changes, check, executor, git, model, process, pyenv, report, respond, serve, session, setup, store, suspects, triage |

#![cfg_attr(
    not(feature = "internals"),
    allow(
        dead_code,
        unreachable_pub,
        unused_imports,
        reason = "what only the tests use is open to them by the feature"
    )
)]

pub mod calls;
#[doc(hidden)]
pub mod cli;
pub mod graph;
pub mod model;
pub mod report;
pub mod search;

// No part of the interface, and open to the tests alone.
#[cfg(feature = "internals")]
pub mod call_changes;
#[cfg(feature = "internals")]
pub mod check;
#[cfg(feature = "internals")]
pub mod dirfd;
#[cfg(feature = "internals")]
pub mod executor;
#[cfg(feature = "internals")]
pub mod git;
#[cfg(feature = "internals")]
pub mod minimize;
#[cfg(feature = "internals")]
pub mod process;
#[cfg(feature = "internals")]
pub mod pyenv;
#[cfg(feature = "internals")]
pub mod respond;
#[cfg(all(feature = "serve", feature = "internals"))]
pub mod serve;
#[cfg(feature = "internals")]
pub mod session;
#[cfg(feature = "internals")]
pub mod setup;
#[cfg(feature = "internals")]
pub mod store;
#[cfg(feature = "internals")]
pub mod suspects;
#[cfg(feature = "internals")]
pub mod triage;

#[cfg(not(feature = "internals"))]
mod call_changes;
#[cfg(not(feature = "internals"))]
mod check;
#[cfg(not(feature = "internals"))]
mod dirfd;
#[cfg(not(feature = "internals"))]
mod executor;
#[cfg(not(feature = "internals"))]
mod git;
#[cfg(not(feature = "internals"))]
mod minimize;
#[cfg(not(feature = "internals"))]
mod process;
#[cfg(not(feature = "internals"))]
mod pyenv;
#[cfg(not(feature = "internals"))]
mod respond;
#[cfg(all(feature = "serve", not(feature = "internals")))]
mod serve;
#[cfg(not(feature = "internals"))]
mod session;
#[cfg(not(feature = "internals"))]
mod setup;
#[cfg(not(feature = "internals"))]
mod store;
#[cfg(not(feature = "internals"))]
mod suspects;
#[cfg(not(feature = "internals"))]
mod triage;

pub use call_changes::CallsRequest;
pub use check::{CheckRequest, CheckerKind, Weight, check};
pub use model::{CallReport, CancelToken, CheckReport, Event, FixReport, Report};
pub use setup::{
    EnvironmentKind, EnvironmentOptions, Error, ErrorKind, FilterDrivers, FixRequest, IsolationLevel,
    IsolationOptions, NetworkAccess, Request, calls, find, fix,
};
