//! From a failing smoke test of a Python application, or only the log of its failure, to the commit
//! that broke it, with proof.
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
//! | [`beneath`] | files beneath an open folder, by descriptor | |
//! | [`git`] | the repository: history, blobs, differences, the shadow for trials | beneath, graph, model, process |
//! | [`process`] | one child process, and nothing left of it | beneath, model |
//! | [`executor`] | where trials run | beneath, git, model, process, pyenv, store |
//! | [`store`] | outcomes and sessions on disk | model |
//! | [`triage`] | what went wrong: failures in a trial's output, and the oracle | model |
//! | [`pyenv`] | Python environments | beneath, model, process |
//! | [`call_changes`] | call changes between trees and over histories, remembered | beneath, calls, git, model, store |
//! | [`session`] | the conductor: endpoints, loop, confirmation, journal | calls, executor, git, graph, minimize, model, process, pyenv, search, store, suspects, triage |
//! | [`setup`] | from a request to a session: configuration, environments, isolation, the place where it runs | beneath, call_changes, executor, git, model, process, pyenv, report, session, store, triage |
//! | [`mod@check`] | a look at a branch before its merge: findings on changed calls | beneath, call_changes, calls, git, minimize, model, process, pyenv, report, session, setup, store, triage |
//! | [`respond`] | what is done about an outage: rolling back, and whether it took | git, model, process |
//! | [`serve`] | who asks for a response: alarms over HTTP, people on a live page | model, process, respond |
//! | [`report`] | live views and renderers | model |
//! | [`cli`] | arguments, errors with hints, exit codes | beneath, call_changes, check, executor, git, model, process, pyenv, report, respond, serve, session, setup, store, suspects, triage |

pub mod beneath;
pub mod call_changes;
pub mod calls;
pub mod check;
pub mod cli;
pub mod executor;
pub mod git;
pub mod graph;
pub mod minimize;
pub mod model;
pub mod process;
pub mod pyenv;
pub mod report;
pub mod respond;
pub mod search;
#[cfg(feature = "serve")]
pub mod serve;
pub mod session;
pub mod setup;
pub mod store;
pub mod suspects;
pub mod triage;

pub use call_changes::CallsRequest;
pub use check::{CheckRequest, check};
pub use model::{CallReport, CancelToken, CheckReport, Event, FixReport, Report};
pub use setup::{Error, FixRequest, Request, calls, find, fix};
