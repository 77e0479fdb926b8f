//! From a failing smoke test of a Python application, or only the log of its failure, to the commit
//! that broke it, with proof.
//!
//! # Data flow, one way
//!
//! ```text
//! 1 cli       flags + config                         → Plan
//! 2 git       range → CommitGraph, changed blobs;      calls → CallChange; triage(log) → FailureSignature
//! 3 suspects  signature × changes × graph            → prior weight per commit, with the reasons
//! 4 session   Strategy.next → Trials → Executor → TrialOutput → Oracle → SearchState, until Done (events out)
//! 5 session   culprit's edits → delta debugging over the same executor → BreakingChange → fixes, each tested
//! 6 report    events → live reporter; fold → Report → renderers → exit code
//! ```
//!
//! # Rooms
//!
//! A room imports only from the rooms named behind it; `tests/it/architecture.rs` enforces the table
//! and a limit of 500 lines a file.
//!
//! | room | what it is | imports |
//! |---|---|---|
//! | [`model`] | plain shared words, no input or output | |
//! | [`graph`] | the commit DAG as dense integers | model |
//! | [`calls`] | Python calls: extraction, resolution, and what a change did to them; pure | model |
//! | [`search`] | which commits to test next; pure | model, graph |
//! | [`suspects`] | which commits the evidence of a failure points at; pure | model, triage |
//! | [`minimize`] | a difference as edits, delta debugging over them, partial versions; pure | model, calls |
//! | [`beneath`] | files beneath an open folder, by descriptor | |
//! | [`git`] | the repository: history, blobs, differences, the shadow for trials | model, beneath, graph, process |
//! | [`process`] | one child process, and nothing left of it | model, beneath |
//! | [`executor`] | where trials run | model, beneath, git, process |
//! | [`store`] | outcomes and sessions on disk | model |
//! | [`triage`] | what went wrong: failures in a trial's output, and the oracle | model |
//! | [`pyenv`] | Python environments | model, beneath, process |
//! | [`call_changes`] | call changes between trees and over histories, remembered | model, calls, git, store |
//! | [`session`] | the conductor: endpoints, loop, confirmation, journal | all above |
//! | [`check`] | a look at a branch before its merge: findings on changed calls | all above |
//! | [`respond`] | what is done about an outage: rolling back, and whether it took | model, git, process |
//! | [`report`] | live views and renderers | model |
//! | [`cli`] | arguments, configuration, errors with hints, exit codes | all |

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
pub mod session;
pub mod store;
pub mod suspects;
pub mod triage;
