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
//! 5 report    events → live reporter; fold → Report → renderers → exit code
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
//! | [`search`] | which commits to test next; pure | model, graph |
//! | [`triage`] | logs and tracebacks → failures; pure | model |
//! | [`executor`] | where trials run | model, git, process |

pub mod executor;
pub mod graph;
pub mod model;
pub mod search;
pub mod triage;
